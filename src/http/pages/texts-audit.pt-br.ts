import type { AuditWords } from './texts.ts'
import type { englishAuditLog as en } from './texts-audit.en.ts'

const words: AuditWords = {
  'signing_key.rotated': 'Uma nova chave de assinatura foi publicada',
  'service_credential.created': 'Criou uma credencial de serviço',
  'service_credential.rotated': 'Criou outro segredo para uma credencial de serviço',
  'service_credential.revoked': 'Revogou uma credencial de serviço',
  'service_credential.refused': 'Um servidor usou um segredo errado ou revogado',
  'branding.updated': 'Alterou a identidade visual',
  'application.created': 'Registrou um aplicativo',
  'application.updated': 'Alterou um aplicativo',
  'application.deleted': 'Excluiu um aplicativo',
  'application.disabled': 'Desativou um aplicativo',
  'application.enabled': 'Ativou um aplicativo',
  'application.secret_ended': 'Encerrou o segredo anterior de um aplicativo',
  'application.secret_rotated': 'Criou outro segredo para um aplicativo',
  'application.refused': ({ attempts }) =>
    `Um aplicativo enviou um segredo ou uma asserção incorretos, ou está desativado${attempts > 1 ? ` (${attempts} tentativas em uma hora)` : ''}`,
  'application.consented': 'Permitiu que um aplicativo visse alguns dados da conta',
  'provider.created': ({ provider }) => `Adicionou o provedor ${provider}, como rascunho`,
  'provider.updated': ({ provider }) => `Alterou as configurações de ${provider}, como rascunho`,
  'provider.went_live': ({ provider }) => `Um rascunho das configurações de ${provider} entrou em uso`,
  'provider.enabled': ({ provider }) => `Ativou o provedor ${provider}`,
  'provider.disabled': ({ provider }) => `Desativou o provedor ${provider}`,
  'provider.deleted': ({ provider }) => `Excluiu o provedor ${provider}`,
  'account.sessions_read': 'Quem administra o serviço viu os dispositivos da conta',
  'account.invited': 'Enviou um convite para a conta',
  'account.invitation_withdrawn': 'Cancelou o convite da conta',
  'account.exported': 'Exportou tudo o que está guardado sobre a conta',
  'password.reset_started': 'Quem administra o serviço enviou um link para escolher uma nova senha',
  'identity.linked': ({ provider, how }) =>
    how === 'verified_email'
      ? `${provider} vinculado pelo e-mail verificado`
      : how === 'invitation'
        ? `${provider} vinculado pelo e-mail que foi convidado`
        : how === 'conflict'
          ? `${provider} vinculado após um login na conta`
          : `${provider} vinculado`,
  'provider_token.lent': ({ provider }) => `Um servidor agiu pela pessoa em ${provider}`,
}

export const portugueseAuditLog: typeof en = {
  words,
  account: 'Pessoa',
  accountHint: 'E-mail, nome ou ID da conta.',
  event: 'Eventos',
  allEvents: 'Todos os eventos',
  groups: {
    sign_ins: 'Logins e dispositivos',
    accounts: 'Contas',
    sign_in_methods: 'Formas de entrar',
    permissions: 'Permissões nos provedores',
    teams: 'Equipes',
    applications: 'Aplicativos',
    administration: 'Administração',
  },
  outcome: 'Resultado',
  anyOutcome: 'Qualquer resultado',
  outcomes: { done: 'Feito', refused: 'Recusado' },
  from: 'Do dia (UTC)',
  until: 'Até o dia (UTC)',
  ip: 'Endereço IP',
  ipMalformed: 'Um endereço IP é como 203.0.113.7 ou 2001:db8::7.',
  dayMalformed: 'Um dia é como 2027-05-31.',
  moreFilters: 'Mais filtros',
  filter: 'Mostrar registros',
  all: 'Mostrar todos os registros',
  when: 'Quando',
  who: 'Quem',
  what: 'O quê',
  details: 'Detalhes',
  entry: 'ID do registro',
  eventName: 'Evento',
  data: 'Dados',
  somebody: 'desconhecido',
  deleted: 'conta excluída',
  by: (name: string) => `por ${name}`,
  byOperator: 'por quem opera a máquina',
  about: (name: string) => `sobre ${name}`,
  things: {
    application: (name) => `Aplicativo: ${name}`,
    credential: (name) => `Credencial de serviço: ${name}`,
    team: (name) => `Equipe: ${name}`,
  },
  entries: 'Registros',
  none: 'Nenhum registro corresponde.',
  noneYet: 'Nenhum registro corresponde até aqui. Os mais antigos ainda não foram pesquisados.',
  export: 'Exportar',
  exportText: 'Tudo o que corresponde aos filtros, em um arquivo. A exportação é registrada.',
  formats: { jsonl: 'JSON Lines', csv: 'CSV para planilhas' },
}
