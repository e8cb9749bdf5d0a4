import type { Texts } from './texts.en.ts'
import type { EndReason, EventWords, Factor, RevocationResult } from './texts.ts'

const ended: Record<EndReason, string> = {
  logout: 'Saiu da conta',
  logout_all: 'Saiu da conta em todos os dispositivos',
  revoked: 'Um dispositivo foi desconectado',
  replaced: 'Uma sessão anterior no mesmo navegador terminou',
  token_reused: 'Um dispositivo foi desconectado por segurança: um de seus tokens voltou fora do prazo',
  code_reused: 'Um dispositivo foi desconectado por segurança: seu código de login foi usado duas vezes',
  identity_unlinked: 'Um dispositivo foi desconectado porque o login que ele usava foi desvinculado',
  email_claim_ended: 'Um dispositivo foi desconectado porque outra pessoa comprovou ser dona do e-mail',
  account_deleted: 'Desconectado porque a conta foi excluída',
  password_changed: 'Um dispositivo foi desconectado porque a senha foi alterada',
  password_reset: 'Um dispositivo foi desconectado porque a senha foi redefinida',
  password_removed: 'Um dispositivo foi desconectado porque a senha foi removida',
  second_factor_added: 'Um dispositivo foi desconectado porque um segundo fator foi adicionado',
  second_factor_removed: 'Um dispositivo foi desconectado porque um segundo fator foi removido',
  email_changed: 'Um dispositivo foi desconectado porque o e-mail foi alterado',
  account_disabled: 'Desconectado porque a administração desativou a conta',
  by_administrator: 'Desconectado pela administração',
}

const revoked: Record<RevocationResult, (provider: string) => string> = {
  revoked: (provider) => `A nossa permissão no ${provider} foi revogada`,
  superseded: (provider) => `A nossa permissão no ${provider} foi mantida, porque o login foi vinculado de novo`,
  not_supported: (provider) =>
    `O ${provider} não oferece um meio de revogar a nossa permissão; por isso, ela só foi apagada aqui`,
  gave_up: (provider) => `Não conseguimos revogar a nossa permissão no ${provider}; você mesmo pode fazer isso lá`,
}

const factors: Record<Factor, string> = { totp: 'aplicativo autenticador', passkey: 'chave de acesso' }

const events: EventWords = {
  'authentication.succeeded': ({ provider }) => `Entrou com ${provider}`,
  'authentication.failed': ({ provider, intent, why }) =>
    `${intent === 'link' ? `A vinculação com ${provider}` : `Um login com ${provider}`} não funcionou${why ? `: ${why}` : ''}`,
  'account.created': ({ provider }) => `Conta criada com ${provider}`,
  'account.email_verified': ({ provider }) => `E-mail verificado pelo ${provider}`,
  'account.updated': 'Perfil alterado',
  'account.deleted': 'Conta excluída',
  'account.email_claim_ended': 'Outra pessoa comprovou ser dona de um e-mail que esta conta não tinha verificado',
  'identity.linked': ({ provider, how }) =>
    how === 'verified_email'
      ? `${provider}: login vinculado pelo e-mail verificado`
      : how === 'conflict'
        ? `${provider}: login vinculado depois que você comprovou que a conta é sua`
        : `${provider}: login vinculado`,
  'identity.unlinked': ({ provider }) => `${provider}: login desvinculado`,
  'identity.unlink_refused': ({ why }) => `Um login não pôde ser desvinculado${why ? `: ${why}` : ''}`,
  'conflict.opened': ({ provider }) => `Um login com ${provider} usou um e-mail que já tem conta`,
  'conflict.resolved': ({ provider, action }) =>
    action === 'create'
      ? `Continuou com uma conta separada para ${provider}`
      : `Confirmou que o login com ${provider} pertence a esta conta`,
  'account.email_changed': 'E-mail alterado',
  'account.disabled': 'Conta desativada pela administração',
  'account.enabled': 'Conta reativada pela administração',
  'account.role_changed': ({ role }) => `Papel alterado para ${role}`,
  'account.exported': 'Tudo o que está guardado sobre você foi exportado',
  'password.set': 'Senha definida',
  'password.changed': 'Senha alterada',
  'password.reset': 'Senha redefinida por e-mail',
  'password.reset_started': 'Quem administra o serviço enviou a você um link para escolher uma nova senha',
  'password.removed': 'Senha removida',
  'second_factor.added': ({ factor }) => `Segundo fator adicionado: ${factors[factor as Factor] ?? factor}`,
  'second_factor.removed': ({ factor }) => `Segundo fator removido: ${factors[factor as Factor] ?? factor}`,
  'recovery_codes.made': 'Códigos de recuperação criados',
  'recovery_code.used': 'Um código de recuperação foi usado',
  'device.new': ({ provider }) => `Entrou com ${provider} em um dispositivo novo`,
  'session.ended': ({ reason }) => ended[reason as EndReason] ?? ended.revoked,
  'session.token_reused': 'Um token voltou fora do prazo, e por isso o dispositivo dele foi desconectado',
  'provider_token.needs_reauthorization': ({ provider }) => `O ${provider} não aceita mais a nossa permissão`,
  'provider_token.revoked': ({ provider, result }) =>
    (revoked[result as RevocationResult] ?? revoked.gave_up)(provider),
}

export const ptBR: Texts = {
  skip: 'Ir para o conteúdo',
  navigation: 'Sua conta',
  account: 'Conta',
  activity: 'Atividade',
  signIn: 'Entrar',
  signInAgain: 'Entrar de novo',
  signOut: 'Sair',
  backToAccount: 'Voltar para a sua conta',
  home: 'Ir para a página inicial',
  tryAgain: 'Tentar de novo',
  requestId: 'Id da requisição',
  cancel: 'Cancelar',
  yes: 'sim',
  no: 'não',
  utc: 'UTC',

  ways_in: { password: 'senha', passkey: 'chave de acesso', email: 'link por e-mail' },

  login: {
    title: 'Entrar',
    with: (provider) => `Continuar com ${provider}`,
    nobody:
      'Ainda não há nenhuma forma de entrar aqui. Quem opera este serviço precisa configurar um provedor primeiro.',
    signedInAs: (name) => `Você entrou como ${name}. Entre de novo para confirmar que é você.`,
    status: { up: '', degraded: 'pode estar lento', down: 'não está respondendo agora' },
    onward: (host) => `Depois você segue para ${host}.`,
    privacy: 'Perguntamos ao provedor quem você é. Ele nunca nos diz a sua senha.',
  },

  security: {
    heading: 'Segurança',
    password: 'Senha',
    email: 'E-mail',
    secondFactor: 'Segundo fator',
    passkeys: 'Chaves de acesso',
  },

  onward: {
    title: 'Você entrou',
    text: (host) => `Você está voltando para ${host}.`,
    go: (host) => `Seguir para ${host}`,
  },

  done: {
    linked: 'O login foi vinculado à sua conta.',
    unlinked: 'O login foi desvinculado, e o que ele nos permitia guardar foi apagado.',
    device_ended: 'O dispositivo foi desconectado.',
    devices_ended: 'Todos os outros dispositivos foram desconectados.',
    name_changed: 'O seu nome foi alterado.',
    signed_out: 'Você saiu da conta.',
    deleted: 'A sua conta foi excluída, e com ela tudo o que guardávamos sobre você.',
    user_disabled: 'A conta foi desativada e desconectada em toda parte.',
    user_enabled: 'A conta foi reativada.',
    user_signed_out: 'A conta foi desconectada em todos os dispositivos.',
    reset_sent: 'Um link para escolher uma nova senha foi enviado ao e-mail da conta.',
    role_changed: 'O papel foi alterado.',
    user_deleted: 'A conta foi excluída, com tudo o que guardávamos sobre ela.',
    credential_revoked: 'A credencial foi revogada.',
  },

  profile: {
    title: 'Sua conta',
    heading: 'Perfil',
    name: 'Nome',
    nameHint: 'Como os aplicativos que usam este serviço chamam você.',
    save: 'Salvar nome',
    email: 'E-mail',
    noEmail: 'nenhum',
    verified: 'verificado',
    notVerified: 'não verificado',
    since: 'Conta criada em',
  },

  ways: {
    heading: 'Formas de entrar',
    intro: (usable, all) =>
      all === 1
        ? 'Uma forma de entrar nesta conta.'
        : `${usable} de ${all} formas de entrar nesta conta funcionam agora.`,
    id: 'Conta no provedor',
    linkedAt: 'Vinculada em',
    lastUsed: 'Usada por último em',
    allowed: 'Você permitiu',
    nothingAllowed: 'nada além de entrar',
    usable: 'Login',
    works: 'funciona',
    switchedOff: 'indisponível no momento: este provedor está desativado aqui',
    permission: 'Permissão',
    tokenStatus: {
      healthy: 'válida',
      needs_reauthorization: 'precisa ser renovada',
      none: 'nenhuma guardada',
    },
    renew: (provider) => `Entre com ${provider} de novo para renová-la`,
    show: (provider) => `O que o ${provider} diz`,
    unlink: (provider) => `Desvincular ${provider}`,
    scopes: {
      openid: 'saber quem você é',
      email: 'ver o seu endereço de e-mail',
      profile: 'ver o seu nome e a sua foto',
      'read:user': 'ler o seu perfil',
      'user:email': 'ler os seus endereços de e-mail',
      'read:me': 'ver o seu nome, e-mail e foto',
      offline_access: 'manter a conexão enquanto você está fora',
      'read:jira-work': 'ler os seus projetos e itens do Jira',
      'read:jira-user': 'ver pessoas dos seus sites do Jira',
      'read:servicedesk-request': 'ler solicitações das suas centrais de serviço',
      'https://www.googleapis.com/auth/userinfo.email': 'ver o seu endereço de e-mail',
      'https://www.googleapis.com/auth/userinfo.profile': 'ver o seu nome e a sua foto',
    },
    otherScope: 'outro acesso',
  },

  link: {
    heading: 'Vincular outra forma de entrar',
    title: (provider) => `Vincular ${provider}`,
    intro: 'Com uma segunda forma de entrar, você não perde a conta quando uma delas falha.',
    button: (provider) => `Vincular ${provider}`,
    text: (provider) =>
      `Você entra no ${provider} e volta para cá. A partir daí, esse login também abre esta conta, qualquer que seja o e-mail dele.`,
    asks: 'Pedimos para:',
    recent: 'Por segurança, vincular exige um login recente.',
  },

  unlink: {
    title: (provider) => `Desvincular ${provider}?`,
    text: (provider) =>
      `O ${provider} não abrirá mais esta conta, e os dispositivos que entraram assim serão desconectados, menos este.`,
    withdrawn: (provider) =>
      `O que guardamos desse login é apagado aqui, e a nossa permissão no ${provider} é revogada.`,
    perhapsWithdrawn: (provider) =>
      `O que guardamos desse login é apagado aqui, e a nossa permissão no ${provider} é revogada se ele deixar.`,
    erased: 'O que guardamos desse login é apagado aqui.',
    noEndpoint: (provider) => `O ${provider} não oferece um meio de revogarmos a nossa permissão.`,
    elsewhere: 'Você mesmo pode revogá-la lá',
    last: 'Esta é a única forma de entrar que resta na sua conta. Vincule outra primeiro, ou você não conseguiria mais voltar.',
    button: (provider) => `Sim, desvincular ${provider}`,
  },

  devices: {
    heading: 'Dispositivos',
    intro: 'Onde a sua conta está aberta agora.',
    unknown: 'Dispositivo desconhecido',
    on: (browser, system) => `${browser} em ${system}`,
    current: 'este dispositivo',
    lastSeen: 'Visto por último em',
    since: 'Entrou em',
    address: 'Endereço',
    with: 'Com',
    end: 'Desconectar',
    endOthers: 'Desconectar todos os outros dispositivos',
  },

  events: {
    heading: 'Atividade recente',
    title: 'Atividade',
    intro: 'O que aconteceu na sua conta, do mais recente ao mais antigo.',
    nothing: 'Nada ainda.',
    end: 'Não há nada mais antigo.',
    all: 'Toda a atividade',
    older: 'Atividade mais antiga',
    newest: 'Voltar à mais recente',
    words: events,
  },

  remove: {
    heading: 'Excluir a conta',
    intro:
      'Tudo o que guardamos sobre você é apagado, e as nossas permissões nos provedores são revogadas onde eles permitem.',
    start: 'Excluir a conta…',
    title: 'Excluir a sua conta?',
    text: 'O seu perfil, as suas formas de entrar e os seus dispositivos são apagados imediatamente, e as nossas permissões nos provedores são revogadas onde eles permitem. Isto não pode ser desfeito.',
    button: 'Sim, excluir a minha conta',
    keep: 'Manter a minha conta',
  },

  identity: {
    title: (provider) => `O que o ${provider} diz sobre você`,
    asked: 'Consultado em',
    now: 'agora mesmo',
    fromCache: 'resposta guardada, para não sobrecarregar o provedor',
    stale: 'resposta guardada: o provedor não está respondendo agora, e isto pode estar desatualizado',
    nothing: 'não informado',
    fields: {
      sub: 'Id da conta',
      id: 'Id da conta',
      account_id: 'Id da conta',
      login: 'Nome de usuário',
      nickname: 'Apelido',
      name: 'Nome',
      given_name: 'Primeiro nome',
      family_name: 'Sobrenome',
      email: 'E-mail',
      email_verified: 'E-mail verificado',
      picture: 'Endereço da foto',
      avatar_url: 'Endereço da foto',
      locale: 'Idioma',
      hd: 'Organização',
    },
  },

  conflict: {
    title: 'Já existe uma conta com este e-mail',
    happened: (provider) => `Você veio do ${provider} com o e-mail`,
    already: 'Já existe aqui uma conta com este e-mail, e não temos como saber sozinhos se ela é sua.',
    mine: 'A conta é minha',
    prove: (provider) => `Entre nessa conta de uma das formas que ela já tem. Depois, o ${provider} é vinculado a ela.`,
    signInWith: (provider) => `A conta é minha: entrar com ${provider}`,
    signedInElsewhere: 'Você entrou, mas não em uma conta com este e-mail, ou já faz tempo demais. Entre nessa conta.',
    noMethod: 'Nenhuma das formas de entrar nela está disponível aqui no momento.',
    proven: 'Você entrou nessa conta, portanto ela é sua.',
    proveDone: (provider) => `Depois de vinculado, o ${provider} também a abre.`,
    link: (provider) => `Sim, vincular o ${provider} à minha conta`,
    notMine: 'A conta não é minha, ou quero manter as duas separadas',
    separate: (provider) => `Você recebe uma conta nova, só sua, e o ${provider} a abre.`,
    create: 'Continuar com uma conta separada',
    closed: 'No momento não é possível criar contas aqui.',
    until: 'Você pode responder até',
  },

  personalData: {
    heading: 'Os seus dados',
    intro: 'Tudo o que está guardado sobre você aqui, em um arquivo que programas também leem.',
    download: 'Baixar os meus dados',
    recent: 'Para a sua segurança, baixar os dados requer um login recente: entre de novo',
  },

  admin: {
    title: 'Administração',
    users: 'Contas',
    credentials: 'Credenciais de serviço',
    audit: 'Trilha de auditoria',
    recent: 'Alterar algo aqui requer um login recente.',
    search: 'Encontrar uma conta',
    searchHint: 'Parte de um e-mail, de um nome ou de um id.',
    find: 'Procurar',
    found: 'O que foi encontrado',
    nobody: 'Nenhuma conta foi encontrada.',
    older: 'Contas mais antigas',
    newest: 'Voltar às mais recentes',
    id: 'Id',
    role: 'Papel',
    roles: { user: 'Usuário', auditor: 'Auditoria', administrator: 'Administração' },
    disabled: 'Desativada',
    secondFactor: 'Segundo fator',
    password: 'uma senha',
    passkeys: (count: number) => (count === 1 ? 'uma chave de acesso' : `${count} chaves de acesso`),
    noDevices: 'Sem nenhum dispositivo conectado no momento.',
    acts: 'O que você pode fazer',
    ownRole: 'Esta é a sua própria conta; outra pessoa que administra o serviço pode mudar o seu papel.',
    changeRole: 'Mudar papel',
    disable: 'Desativar',
    enable: 'Reativar',
    endSessions: 'Desconectar em toda parte',
    reset: 'Enviar redefinição de senha',
    remove: 'Excluir…',
    deleteTitle: (name: string) => `Excluir a conta de ${name}?`,
    deleteText:
      'Tudo o que guardamos sobre esta pessoa é apagado na hora, e as nossas permissões nos provedores são retiradas onde eles deixam. Não é possível desfazer.',
    deleteButton: 'Sim, excluir esta conta',
    auditAccount: 'Id de uma conta',
    auditEvent: 'Evento',
    credentialsHeading: 'Serviços',
    credentialsIntro: 'Aquilo com que os seus serviços se identificam aqui. Cada um deve ter a sua.',
    noCredentials: 'Nenhuma ainda.',
    mayDo: 'Pode',
    serviceScopes: {
      introspect: 'perguntar se um token vale',
      'connections:token': 'pedir tokens de provedores de pessoas e equipes',
    },
    madeAt: 'Criada',
    never: 'nunca',
    previousUntil: 'Segredo anterior vale até',
    rotate: 'Novo segredo',
    revoke: 'Revogar',
    newCredential: 'Nova credencial',
    credentialName: 'Nome do serviço',
    make: 'Criar credencial',
    secretTitle: (name: string) => `Segredo de ${name}`,
    secretOnce:
      'Copie o segredo agora: ele é mostrado só desta vez, e guardamos apenas o necessário para reconhecê-lo.',
    secret: 'Segredo',
    secretKept: 'Já o guardei',
  },
}
