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
  states: { enabled: 'Ativada', disabled: 'Desativada' },
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
  removeSecondFactor: 'Remover o segundo fator…',
  rotate: 'Novo segredo…',
  rotateWhat: (name: string) => `${name} recebe outro segredo, mostrado uma única vez. O atual vale por mais um dia.`,
  revoke: 'Revogar…',
  revokeWhat: (name: string) =>
    `As solicitações de ${name} são recusadas imediatamente. Não é possível desfazer essa ação.`,
}
