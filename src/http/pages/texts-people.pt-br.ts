import type { englishPeople as en } from './texts-people.en.ts'

export const portuguesePeople: typeof en = {
  counted: (count: string) => `Contas na última contagem: ${count}`,
  matching: ({ count, isComplete }, written) =>
    isComplete
      ? `Contas correspondentes: ${written}`
      : count >= 1000
        ? `Contas correspondentes: mais de ${written}`
        : `Contas correspondentes: pelo menos ${written}. Nem todas as contas foram examinadas.`,
  state: 'Situação',
  anyRole: 'Qualquer papel',
  anyState: 'Qualquer situação',
  states: { enabled: 'Ativada', disabled: 'Desativada', invited: 'Convidada' },
  verified: 'E-mail',
  anyVerified: 'Verificado ou não',
  verifiedStates: { yes: 'Verificado', no: 'Não verificado' },
  secondFactor: 'Verificação em duas etapas',
  anySecondFactor: 'Ligada ou desligada',
  secondFactorStates: { yes: 'Ligada', no: 'Desligada' },
  provider: 'Provedor',
  anyProvider: 'Qualquer provedor, ou nenhum',
  lastSignIn: 'Último acesso',
  anySignIn: 'A qualquer momento, ou nunca',
  signedInWithin: (days: number) => (days === 1 ? 'Nas últimas 24 horas' : `Nos últimos ${days} dias`),
  notSignedInFor: (days: number) => `Não nos últimos ${days} dias`,
  neverSignedIn: 'Nunca',
  signedInLastHour: 'na última hora',
  name: 'Nome',
  email: 'E-mail',
  since: 'Criada',
  all: 'Mostrar todas as contas',
  noneYet: 'Nenhuma conta corresponde até aqui. As mais antigas ainda não foram pesquisadas.',
  add: {
    title: 'Adicionar uma pessoa',
    intro: 'A conta criada será da pessoa que comprovar o e-mail. Até lá, ninguém consegue entrar nela.',
    name: 'Nome (opcional)',
    language: 'Idioma',
    anyLanguage: 'O mesmo desta página',
    invitation: 'Convite',
    send: 'Por e-mail, válido por sete dias',
    dontSend: 'Não enviar',
    noMail:
      'Este serviço não consegue enviar e-mail. A pessoa recebe a conta quando entrar com um provedor que tenha verificado o e-mail.',
    button: 'Adicionar a pessoa',
  },
  invitation: 'Convite',
  invited: 'Convite enviado',
  added: 'Adicionada, sem convite',
  linkUntil: 'Link válido até',
  linkExpired: 'Link expirou',
  invitationText: (email: string) =>
    `A conta será da pessoa que comprovar que ${email} é dela: com o link do convite, um login por e-mail ou um provedor que tenha verificado o e-mail.`,
  invitationExpired:
    'O link expirou. A pessoa ainda pode entrar por e-mail ou com um provedor, até você cancelar o convite.',
  noMethods: 'Nenhuma ainda.',
  sendAgain: 'Enviar o convite de novo…',
  sendFirst: 'Enviar um convite…',
  sendWhat: (email: string) =>
    `${email} recebe um e-mail com um link válido por sete dias. Um link anterior deixa de valer.`,
  sendYes: 'Enviar o convite',
  withdraw: 'Cancelar o convite…',
  withdrawWhat: (email: string) =>
    `A conta para ${email} é excluída, e o link do convite deixa de valer. Você pode convidar a pessoa de novo depois.`,
  withdrawYes: 'Cancelar o convite',
  sameAddress: 'Contas com o mesmo e-mail',
  sameAddressText:
    'Elas podem ser da mesma pessoa. Essa pessoa pode entrar em uma delas e vincular as suas outras formas de entrar.',
  endDevice: 'Desconectar…',
  endDeviceWhat: (device: string, name: string) =>
    `A sessão de ${name} em ${device} termina, e é possível entrar de novo. Os outros dispositivos continuam conectados.`,
  endDeviceYes: 'Desconectar este dispositivo',
  role: 'Alterar papel…',
  roleWhat: (name: string) =>
    `O novo papel vale imediatamente, também nos dispositivos conectados de ${name}, que recebe um aviso por e-mail.`,
  disable: 'Desativar…',
  disableWhat: (name: string) =>
    `Todas as sessões de ${name} terminam imediatamente, e não é possível entrar até a conta ser reativada. Um aviso é enviado por e-mail.`,
  enable: 'Reativar…',
  enableWhat: (name: string) => `${name} pode entrar de novo.`,
  endSessions: 'Desconectar de todos os dispositivos…',
  endSessionsWhat: (name: string) => `Todas as sessões de ${name} terminam, e é possível entrar de novo.`,
  reset: 'Enviar redefinição de senha…',
  resetWhat: (email: string) => `${email} recebe um e-mail com um link para escolher uma nova senha.`,
  metadata: 'Metadados',
  metadataText:
    'O que você e os seus back-ends registram sobre esta conta, em JSON. A pessoa pode ler, assim como cada aplicativo que ela autorizar.',
  metadataField: 'Metadados públicos (JSON)',
  metadataHint:
    'Um objeto. As chaves começam com uma letra e têm até 64 letras, algarismos, pontos, hífens e sublinhados. No máximo 50 chaves, 4 níveis e 4096 bytes.',
  metadataSave: 'Salvar metadados',
  noMetadata: 'Sem metadados.',
  removeSecondFactor: 'Remover o segundo fator…',
  rotate: 'Novo segredo…',
  rotateWhat: (name: string) => `${name} recebe outro segredo, mostrado uma única vez. O atual vale por mais um dia.`,
  revoke: 'Revogar…',
  revokeWhat: (name: string) =>
    `As solicitações de ${name} são recusadas imediatamente. Não é possível desfazer essa ação.`,
}
