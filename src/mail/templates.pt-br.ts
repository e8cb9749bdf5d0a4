import type { Templates } from './templates.ts'

const factors: Readonly<Record<string, string>> = { totp: 'um aplicativo autenticador', passkey: 'uma chave de acesso' }
/** Why a team’s connection to Jira stopped working. */
const stopped = (service: string): Readonly<Record<string, string>> => ({
  connector_left: `A pessoa que conectou a sua equipe no ${service} ao Jira saiu da equipe, e a permissão dela terminou.`,
  connector_disabled: `A conta da pessoa que conectou a sua equipe no ${service} ao Jira foi desativada. A permissão dela não é usada até que a conta seja reativada.`,
  invalid_grant: `O Jira não aceita mais a permissão que conecta a sua equipe no ${service}.`,
})
const ignore = 'Se não foi você quem pediu, pode ignorar esta mensagem: nada muda.'

export const portugueseTemplates: Templates = {
  messages: {
    verify_email: ({ service, to, link, until }) => ({
      subject: 'Confirme o seu e-mail',
      body: [
        `${to} foi informado como o e-mail de uma conta em ${service}. Abra o link e confirme que ele é seu:`,
        { link: link('/verify-email'), label: 'Confirmar o meu e-mail' },
        `O link vale até ${until}. É preciso ter entrado nessa conta.`,
        'Se você não tem conta lá, ignore esta mensagem e não abra o link. O e-mail continuará sem confirmação.',
      ],
    }),
    change_email: ({ service, to, link, until }) => ({
      subject: 'Confirme o seu novo e-mail',
      body: [
        `${to} foi informado como o novo e-mail de uma conta em ${service}. Para confirmar, entre nessa conta e abra o link:`,
        { link: link('/change-email'), label: 'Confirmar o novo e-mail' },
        `O link vale até ${until}. Nada muda antes da sua confirmação.`,
        ignore,
      ],
    }),
    email_change_requested: ({ service, page, param }) => ({
      subject: 'Pediram a troca do seu e-mail',
      body: [
        `Foi pedido um novo e-mail para a sua conta em ${service}: ${param('new_address')}. Nada mudou ainda. O novo e-mail precisa ser confirmado antes.`,
        'Se não foi você, outra pessoa entrou na sua conta. Desconecte agora todos os outros dispositivos e redefina a sua senha.',
        { link: page('/account'), label: 'Ir para a sua conta' },
        { link: page('/forgot-password'), label: 'Redefinir a sua senha' },
      ],
    }),
    email_changed: ({ service, page, param }) => ({
      subject: 'O seu e-mail foi trocado',
      body: [
        `A sua conta em ${service} tinha o e-mail ${param('old_address')} e agora tem ${param('new_address')}. Todos os outros dispositivos foram desconectados.`,
        'Se não foi você, fale imediatamente com quem opera o serviço.',
        { link: page('/account'), label: 'Ir para a sua conta' },
      ],
    }),
    address_taken: ({ service, to, page }) => ({
      subject: 'Você já tem uma conta',
      body: [
        `Alguém, talvez você, tentou usar ${to} em uma conta em ${service}. Já existe uma conta com este e-mail, e por isso nada foi alterado.`,
        'Se foi você, entre na conta que já tem. Se não lembra mais a senha, pode definir outra:',
        { link: page('/login'), label: 'Entrar' },
        { link: page('/forgot-password'), label: 'Redefinir a sua senha' },
        ignore,
      ],
    }),
    address_claimed: ({ service, to, page }) => ({
      subject: 'O seu e-mail já foi usado',
      body: [
        `Alguém, talvez você, tentou criar uma conta em ${service} com ${to}. Este e-mail já foi usado em uma conta, mas nunca foi confirmado, e por isso nada foi alterado.`,
        'Você recebe as mensagens dele, então pode confirmá-lo. Peça um link para entrar ou uma nova senha. O e-mail passa a ser seu, e quem o usou sem receber as mensagens é desconectado e perde a senha que escolheu.',
        { link: page('/login/email'), label: 'Entrar com um link por e-mail' },
        { link: page('/forgot-password'), label: 'Definir uma senha' },
        ignore,
      ],
    }),
    reset_password: ({ service, link, until }) => ({
      subject: 'Defina uma nova senha',
      body: [
        `Foi pedida uma nova senha para a sua conta em ${service}. Abra o link para escolhê-la:`,
        { link: link('/reset-password'), label: 'Escolher uma nova senha' },
        `O link vale uma única vez, até ${until}. Com a nova senha, todos os dispositivos são desconectados.`,
        ignore,
      ],
    }),
    sign_in: ({ service, link, code, until }) => ({
      subject: 'O seu código de login',
      body: [
        `Digite este código onde você está entrando em ${service}:`,
        { code },
        'Ou abra o link no navegador em que você quer entrar:',
        { link: link('/login/email/link'), label: 'Entrar' },
        `O código e o link valem uma única vez, até ${until}. Não informe o código a ninguém: nós nunca o pedimos.`,
        ignore,
      ],
    }),
    team_invitation: ({ service, link, until, param }) => ({
      subject: 'Convite para uma equipe',
      body: [
        `${param('inviter')} convidou você para a equipe “${param('team')}” em ${service}.`,
        'Abra o link para ver o convite e participar com a sua conta:',
        { link: link('/invitation'), label: 'Ver o convite' },
        `O link vale uma única vez, até ${until}. Você só participa depois de confirmar. Não repasse o link: quem o tiver pode participar.`,
        'Se você não conhece essa pessoa, pode ignorar esta mensagem.',
      ],
    }),
    invitation: ({ service, to, link, page, until }) => ({
      subject: `Você recebeu um convite para ${service}`,
      body: [
        `Um administrador criou uma conta para ${to} em ${service}. Abra o link para aceitar o convite e escolher como você vai entrar:`,
        { link: link('/accept-invitation'), label: 'Aceitar o convite' },
        `O link pode ser usado uma vez, até ${until}. Não o compartilhe: quem tem o link fica com a conta.`,
        'Você também pode entrar com qualquer método que comprove este e-mail, como um código por e-mail:',
        { link: page('/login'), label: 'Entrar' },
        'Se você não espera este convite, pode ignorar esta mensagem.',
      ],
    }),
    no_account: ({ service, to, page }) => ({
      subject: 'Não há conta com este e-mail',
      body: [
        `Alguém, talvez você, tentou entrar em ${service} com ${to}. Não existe conta com este e-mail.`,
        'Talvez a sua conta tenha outro e-mail ou outra forma de entrar:',
        { link: page('/login'), label: 'Ir para a página de login' },
        ignore,
      ],
    }),
  },

  notices: {
    'account.disabled': ({ service }) => ({
      subject: 'A sua conta foi desativada',
      happened: `A sua conta em ${service} foi desativada, e você foi desconectado de todos os dispositivos.`,
      advice: 'Se não sabe o motivo, fale com quem opera o serviço.',
    }),
    'account.role_changed': ({ service, param }) => ({
      subject: 'O seu papel foi alterado',
      happened: `A sua conta em ${service} agora tem o papel “${param('role')}”.`,
      advice: 'Se não sabe o motivo, fale com quem opera o serviço.',
    }),
    'identity.linked': ({ service, provider }) => ({
      subject: `${provider}: login vinculado à sua conta`,
      happened: `O login com ${provider} foi vinculado à sua conta em ${service}. Agora você pode entrar com ele.`,
    }),
    'identity.unlinked': ({ service, provider }) => ({
      subject: `${provider}: login desvinculado da sua conta`,
      happened: `O login com ${provider} foi desvinculado da sua conta em ${service}. Você não pode mais entrar com ele.`,
    }),
    'password.set': ({ service }) => ({
      subject: 'A sua conta agora tem senha',
      happened: `Foi definida uma senha para a sua conta em ${service}.`,
    }),
    'password.changed': ({ service }) => ({
      subject: 'A sua senha foi alterada',
      happened: `A senha da sua conta em ${service} foi alterada.`,
    }),
    'password.reset': ({ service }) => ({
      subject: 'A sua senha foi redefinida',
      happened: `A senha da sua conta em ${service} foi trocada por meio de um link enviado a este e-mail. Todos os dispositivos foram desconectados.`,
      advice:
        'Se não foi você, outra pessoa pode ler os seus e-mails. Proteja primeiro a sua caixa de entrada e depois redefina a senha de novo.',
    }),
    'password.removed': ({ service }) => ({
      subject: 'A sua senha foi removida',
      happened: `A sua conta em ${service} não tem mais senha.`,
    }),
    'second_factor.added': ({ service, param }) => ({
      subject: 'Um segundo fator foi adicionado',
      happened: `Um segundo fator foi adicionado à sua conta em ${service}: ${factors[param('factor')] ?? param('factor')}.`,
    }),
    'second_factor.removed': ({ service, param }) => ({
      subject: 'Um segundo fator foi removido',
      ...(param('by') === ''
        ? {
            happened: `Um segundo fator da sua conta em ${service} foi removido: ${factors[param('factor')] ?? param('factor')}.`,
          }
        : {
            happened: `Quem administra o serviço removeu o segundo fator da sua conta em ${service}. Todos os seus dispositivos foram desconectados. Você entra sem segundo fator até configurar outro.`,
            advice: 'Se não foi você quem pediu, fale imediatamente com quem opera o serviço e defina uma nova senha.',
          }),
    }),
    'recovery_codes.made': ({ service }) => ({
      subject: 'Você tem novos códigos de recuperação',
      happened: `Novos códigos de recuperação foram criados para a sua conta em ${service}. Os anteriores não valem mais.`,
    }),
    'recovery_code.used': ({ service, param }) => ({
      subject: 'Um código de recuperação foi usado',
      happened: `Alguém entrou na sua conta em ${service} com um código de recuperação no lugar do segundo fator. Códigos restantes: ${param('left')}.`,
    }),
    'provider_token.needs_reauthorization': ({ service, provider }) => ({
      subject: `Renove a sua permissão: ${provider}`,
      happened: `${provider} não aceita mais a permissão que você deu a ${service}. Os serviços que agiam por você lá pararam. Você continua entrando como antes.`,
      advice: `Para renová-la, entre uma vez em ${service} com ${provider}. Se foi você quem a retirou, não é preciso fazer nada.`,
      onward: { path: '/account', label: 'Ir para a sua conta' },
    }),
    'provider.secret_expiring': ({ provider, service, param }) => ({
      subject: `O client secret de ${provider} expira em breve`,
      happened: `O client secret que ${service} usa nos logins com ${provider} expira em ${param('days')} dias. Depois disso, os logins com ${provider} falham.`,
      advice: 'Crie um novo client secret no provedor e salve-o aqui antes desse dia.',
      onward: { path: '/admin/providers', label: 'Provedores' },
    }),
    'jira.needs_reauthorization': ({ service, param }) => ({
      subject: 'A conexão da sua equipe com o Jira parou de funcionar',
      happened: `${stopped(service)[param('reason')] ?? stopped(service).invalid_grant} Os sites escolhidos foram mantidos.`,
      advice: 'Quem possui ou administra a equipe pode conectar o Jira de novo, na página de integrações.',
      onward: { path: `/account/teams/${param('team')}/integrations`, label: 'Ir para as integrações da equipe' },
    }),
    'device.new': ({ service, provider }) => ({
      subject: 'Novo login na sua conta',
      happened: `Alguém entrou na sua conta em ${service} em um dispositivo que ainda não conhecíamos, com ${provider}.`,
    }),
  },

  advice:
    'Se foi você, não é preciso fazer nada. Se não foi, desconecte todos os outros dispositivos na página da sua conta e defina uma nova senha.',
  toAccount: 'Ir para a sua conta',
  toReset: 'Redefinir a sua senha',
  when: 'Quando',
  device: 'Dispositivo',
  address: 'Endereço IP',
  devices: { unknown: 'desconhecido', on: (browser, system) => `${browser} no ${system}` },
  ways: { password: 'uma senha', passkey: 'uma chave de acesso', email: 'um link ou código por e-mail' },
  support: (address) => `Dúvidas? Escreva para ${address}.`,
  closing: (service) => `Enviado por ${service}. Respostas a esta mensagem não são lidas.`,
}
