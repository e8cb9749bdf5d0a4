import type { Templates } from './templates.ts'

const factors: Readonly<Record<string, string>> = { totp: 'um aplicativo autenticador', passkey: 'uma chave de acesso' }
/** Why a team’s connection to Jira stopped working. */
const stopped = (service: string): Readonly<Record<string, string>> => ({
  connector_left: `Quem conectou ao Jira uma equipe sua no ${service} saiu dela, e a permissão foi junto.`,
  connector_disabled: `A conta de quem conectou ao Jira uma equipe sua no ${service} foi desativada, por isso a permissão dela não é usada até que a conta seja reativada.`,
  invalid_grant: `O Jira não aceita mais a permissão com que uma equipe sua no ${service} foi conectada.`,
})
const ignore = 'Se não foi você quem pediu, pode ignorar esta mensagem: nada muda.'

export const ptBR: Templates = {
  letters: {
    verify_email: ({ service, to, link, until }) => ({
      subject: 'Confirme o seu e-mail',
      body: [
        `${to} foi informado como o e-mail de uma conta em ${service}. Siga o link e confirme que ele é seu:`,
        { link: link('/verify-email'), label: 'Confirmar o meu e-mail' },
        `O link vale até ${until}, para quem estiver conectado a essa conta.`,
        'Se você não tem conta lá, ignore esta mensagem. Não siga o link: o e-mail continuará sem confirmação.',
      ],
    }),
    change_email: ({ service, to, link, until }) => ({
      subject: 'Confirme o seu novo e-mail',
      body: [
        `Uma conta em ${service} passará a ter o e-mail ${to}. Siga o link, conectado a essa conta, para confirmar:`,
        { link: link('/change-email'), label: 'Confirmar o novo e-mail' },
        `O link vale até ${until}. Nada muda antes da sua confirmação.`,
        ignore,
      ],
    }),
    email_change_requested: ({ service, page, param }) => ({
      subject: 'Pediram a troca do seu e-mail',
      body: [
        `A sua conta em ${service} passará a ter outro e-mail: ${param('new_address')}. Nada mudou ainda: o novo e-mail precisa antes ser confirmado.`,
        'Se não foi você, outra pessoa está conectada à sua conta. Desconecte agora todos os outros dispositivos e redefina a sua senha.',
        { link: page('/account'), label: 'Ir para a sua conta' },
        { link: page('/forgot-password'), label: 'Redefinir a sua senha' },
      ],
    }),
    email_changed: ({ service, page, param }) => ({
      subject: 'O seu e-mail foi trocado',
      body: [
        `A sua conta em ${service} tinha o e-mail ${param('old_address')} e agora tem ${param('new_address')}. Todos os outros dispositivos foram desconectados.`,
        'Se não foi você, escreva imediatamente para quem opera o serviço.',
        { link: page('/account'), label: 'Ir para a sua conta' },
      ],
    }),
    address_taken: ({ service, to, page }) => ({
      subject: 'Você já tem uma conta',
      body: [
        `Alguém, talvez você, quis usar ${to} em uma conta em ${service}. Já existe uma conta com este e-mail, e por isso nada foi alterado.`,
        'Se foi você, entre na conta que já tem. Se não lembra mais a senha, pode definir outra:',
        { link: page('/login'), label: 'Entrar' },
        { link: page('/forgot-password'), label: 'Redefinir a sua senha' },
        ignore,
      ],
    }),
    address_claimed: ({ service, to, page }) => ({
      subject: 'Alguém usou o seu e-mail antes',
      body: [
        `Alguém, talvez você, quis abrir uma conta em ${service} com ${to}. Este e-mail já foi usado em uma conta, mas ninguém mostrou que é seu, e por isso nada foi alterado.`,
        'Você lê as mensagens dele, então pode mostrar. Peça um link para entrar ou uma nova senha: com qualquer um dos dois o e-mail passa a ser seu, e quem o usou sem ler as mensagens é desconectado e perde a senha que escolheu.',
        { link: page('/login/email'), label: 'Entrar com um link por e-mail' },
        { link: page('/forgot-password'), label: 'Definir uma senha' },
        ignore,
      ],
    }),
    reset_password: ({ service, link, until }) => ({
      subject: 'Defina uma nova senha',
      body: [
        `Alguém, esperamos que você, pediu uma nova senha para a sua conta em ${service}. Siga o link para escolhê-la:`,
        { link: link('/reset-password'), label: 'Escolher uma nova senha' },
        `O link vale uma única vez, até ${until}. Com a nova senha, todos os dispositivos são desconectados.`,
        ignore,
      ],
    }),
    sign_in: ({ service, link, code, until }) => ({
      subject: 'O seu código de login',
      body: [
        `Digite este código onde você quis entrar em ${service}:`,
        { code },
        'Ou siga o link no navegador em que quer entrar:',
        { link: link('/login/email/link'), label: 'Entrar' },
        `Ambos valem uma única vez, até ${until}. Não informe o código a ninguém: nós nunca o pedimos.`,
        ignore,
      ],
    }),
    team_invitation: ({ service, link, until, param }) => ({
      subject: 'Convite para uma equipe',
      body: [
        `${param('inviter')} convida você para a equipe “${param('team')}” em ${service}.`,
        'Siga o link para ver o convite e participar com uma conta sua:',
        { link: link('/invitation'), label: 'Ver o convite' },
        `O link vale uma única vez, até ${until}. Nada acontece antes de você confirmar; quem tiver o link pode fazê-lo, por isso não o repasse.`,
        'Se não conhece quem convidou, não precisa fazer nada.',
      ],
    }),
    no_account: ({ service, to, page }) => ({
      subject: 'Não há conta com este e-mail',
      body: [
        `Alguém, talvez você, quis entrar em ${service} com ${to}. Nenhuma conta pode ser aberta com este e-mail.`,
        'Talvez a sua tenha outro e-mail, ou você entre de outra forma:',
        { link: page('/login'), label: 'Ir para a página de login' },
        ignore,
      ],
    }),
  },

  notices: {
    'account.disabled': ({ service }) => ({
      subject: 'A sua conta foi desativada',
      happened: `A sua conta em ${service} foi desativada, e você foi desconectado de todos os dispositivos.`,
      advice: 'Se não sabe o motivo, pergunte a quem opera o serviço.',
    }),
    'account.role_changed': ({ service, param }) => ({
      subject: 'O seu papel foi alterado',
      happened: `A sua conta em ${service} agora tem o papel “${param('role')}”.`,
      advice: 'Se não sabe o motivo, pergunte a quem opera o serviço.',
    }),
    'identity.linked': ({ service, provider }) => ({
      subject: `${provider}: login vinculado à sua conta`,
      happened: `O login com ${provider} foi vinculado à sua conta em ${service}. A partir de agora, ele também a abre.`,
    }),
    'identity.unlinked': ({ service, provider }) => ({
      subject: `${provider}: login desvinculado da sua conta`,
      happened: `O login com ${provider} foi desvinculado da sua conta em ${service} e não a abre mais.`,
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
        'Se não foi você, outra pessoa lê os seus e-mails. Proteja primeiro a sua caixa postal e depois redefina a senha de novo.',
    }),
    'password.removed': ({ service }) => ({
      subject: 'A sua senha foi removida',
      happened: `A sua conta em ${service} não tem mais senha.`,
    }),
    'second_factor.added': ({ service, param }) => ({
      subject: 'Um segundo fator foi adicionado',
      happened: `A sua conta em ${service} tem mais um segundo fator: ${factors[param('factor')] ?? param('factor')}.`,
    }),
    'second_factor.removed': ({ service, param }) => ({
      subject: 'Um segundo fator foi removido',
      ...(param('by') === ''
        ? {
            happened: `Um segundo fator da sua conta em ${service} foi removido: ${factors[param('factor')] ?? param('factor')}.`,
          }
        : {
            happened: `Quem administra o serviço removeu o segundo fator da sua conta em ${service}. Você foi desconectado de todos os dispositivos e entra sem ele até configurar outro.`,
            advice: 'Se não foi você quem pediu, escreva imediatamente a quem opera o serviço e defina uma nova senha.',
          }),
    }),
    'recovery_codes.made': ({ service }) => ({
      subject: 'Você tem novos códigos de recuperação',
      happened: `Foram criados códigos de recuperação para a sua conta em ${service}. Os anteriores não valem mais.`,
    }),
    'recovery_code.used': ({ service, param }) => ({
      subject: 'Um código de recuperação foi usado',
      happened: `Alguém entrou na sua conta em ${service} com um código de recuperação no lugar do segundo fator. Códigos restantes: ${param('left')}.`,
    }),
    'provider_token.needs_reauthorization': ({ service, provider }) => ({
      subject: `O ${provider} precisa de você`,
      happened: `O ${provider} não aceita mais a permissão que você deu ao ${service}, e o que agia por você lá parou. Você continua entrando como antes.`,
      advice: `Para dá-la de novo, entre uma vez no ${service} com o ${provider}. Se foi você que a retirou, não há nada a fazer.`,
      onward: { path: '/account', label: 'Ir para a sua conta' },
    }),
    'jira.needs_reauthorization': ({ service, param }) => ({
      subject: 'A conexão da sua equipe com o Jira parou de funcionar',
      happened: `${stopped(service)[param('reason')] ?? stopped(service).invalid_grant} Os sites escolhidos foram mantidos.`,
      advice: 'Para continuar, quem possui ou administra a equipe conecta o Jira de novo, na página de integrações.',
      onward: { path: `/account/teams/${param('team')}/integrations`, label: 'Ir para as integrações da equipe' },
    }),
    'device.new': ({ service, provider }) => ({
      subject: 'Novo login na sua conta',
      happened: `Alguém entrou na sua conta em ${service} em um dispositivo que ainda não conhecíamos, com ${provider}.`,
    }),
  },

  advice:
    'Se foi você, não há nada a fazer. Se não foi, desconecte todos os outros dispositivos na página da sua conta e defina uma nova senha.',
  toAccount: 'Ir para a sua conta',
  toReset: 'Redefinir a sua senha',
  when: 'Quando',
  device: 'Dispositivo',
  address: 'Endereço de rede',
  devices: { unknown: 'desconhecido', on: (browser, system) => `${browser} no ${system}` },
  ways: { password: 'uma senha', passkey: 'uma chave de acesso', email: 'um link ou código por e-mail' },
  closing: (service) => `Enviado por ${service}. Respostas a esta mensagem não são lidas.`,
}
