import type { Locale } from '../kernel/locale.ts'

/**
 * What is wrong with a setting of a provider, in Portuguese. The keys are the English messages, which operators also
 * read at startup. `{0}` stands for a part that differs; a part that is a key itself is translated too.
 */
const portuguese: Readonly<Record<string, string>> = {
  'is required': 'é obrigatória',
  'is not a setting': 'não existe',
  'is not a setting of {0}; remove it': 'não existe para {0}; remova-a',
  'is not used with {0}=without_secret; remove it': 'não é usada com {0}=without_secret; remova-a',
  'must have at least 16 characters in production; copy the secret that the provider issued':
    'deve ter ao menos 16 caracteres em produção; copie o segredo que o provedor emitiu',
  'must be {0}': 'deve ser {0}',
  'must be one of: {0}': 'deve ser um destes valores: {0}',
  'must be unique: {0}': 'deve ser única: {0}',
  'two providers have the same ISSUER': 'dois provedores têm o mesmo ISSUER',
  'the TENANTS of one provider include the ISSUER of another': 'o TENANTS de um provedor inclui o ISSUER de outro',
  'must be up to 31 lower-case letters, digits and -, and no reserved word':
    'deve ter até 31 letras minúsculas, dígitos e -, e não ser uma palavra reservada',
  'cannot be changed; delete the provider, then add it again':
    'não pode ser alterada; exclua o provedor e adicione-o de novo',
  'must be a single line, but contains a line break': 'deve ter uma só linha, mas contém uma quebra de linha',
  'contains a control character; type the value again': 'contém um caractere de controle; digite o valor de novo',
  'contains a broken character; save the value as UTF-8': 'contém um caractere corrompido; salve o valor em UTF-8',
  'contains an invisible character, such as a byte order mark or a zero-width space; type the value again':
    'contém um caractere invisível, como uma marca de ordem de bytes ou um espaço de largura zero; digite o valor de novo',
  'contains a no-break or other unusual space; type the value again':
    'contém um espaço incomum, como um espaço não separável; digite o valor de novo',
  'must not begin or end with whitespace': 'não pode começar nem terminar com espaço',
  'must not be surrounded by quotation marks': 'não pode estar entre aspas',
  'must be a list of {0}, space or comma separated, {1} at most':
    'deve ser uma lista de {0}, separados por espaço ou vírgula, no máximo {1}',
  'must be a list of client IDs, space or comma separated, {0} at most':
    'deve ser uma lista de client IDs, separados por espaço ou vírgula, no máximo {0}',
  'domains like example.com': 'domínios como example.com',
  'organization names as in their {0} URLs': 'nomes de organizações como nas URLs do {0}',
  'workspace IDs like T0123ABCD': 'IDs de workspaces como T0123ABCD',
  'the {0}: 10 capital letters and digits': 'o {0}: 10 letras maiúsculas e dígitos',
  'the whole text of the .p8 file that {0} issued (a P-256 key in PEM format)':
    'o texto inteiro do arquivo .p8 que a {0} emitiu (uma chave P-256 em formato PEM)',
  'must be a host or a URL without query and fragment': 'deve ser um host ou uma URL sem query nem fragmento',
  'must be an https URL without user and password (plain http only for loopback hosts, outside production)':
    'deve ser uma URL https sem usuário nem senha (http só para hosts de loopback, fora de produção)',
  'must not name this machine or a private network, unless PROVIDERS_ALLOW_PRIVATE_ADDRESSES is on':
    'não pode apontar para esta máquina nem para uma rede privada, a não ser com PROVIDERS_ALLOW_PRIVATE_ADDRESSES',
  'must be comma-separated key=uri pairs with unique keys; use https, an app’s own scheme like com.example.app:, or loopback http outside production':
    'deve ter pares chave=uri separados por vírgula, com chaves únicas; use https, um esquema próprio do app como com.example.app:, ou http de loopback fora de produção',
  'must be like timeout_ms=5000,error_threshold_percent=50,volume=5,reset_ms=30000; values are whole numbers from 1, timeout_ms up to {0}, error_threshold_percent up to 100, volume up to 1000000, reset_ms up to 3600000':
    'deve ser como timeout_ms=5000,error_threshold_percent=50,volume=5,reset_ms=30000; os valores são inteiros a partir de 1, timeout_ms até {0}, error_threshold_percent até 100, volume até 1000000, reset_ms até 3600000',
  'must be required, because without openid in SCOPES there is no id_token':
    'deve ser required, porque sem openid em SCOPES não há id_token',
  'is required with TOKEN_URL in production or with APP_CLIENT_IDS, to verify signatures':
    'é obrigatória com TOKEN_URL em produção ou com APP_CLIENT_IDS, para verificar assinaturas',
  'must be tenant IDs (GUIDs), or one of organizations, consumers and common':
    'deve conter IDs de tenants (GUIDs), ou ser organizations, consumers ou common',
  'must be the client ID of the website; add the app as a platform of the same registration':
    'deve ser o client ID do site; adicione o app como plataforma do mesmo registro',
  'must not be off: plain OAuth 2.0 has no nonce, so nothing would bind a code to its browser':
    'não pode ser off: OAuth 2.0 puro não tem nonce, e nada ligaria um código ao navegador dele',
  'must not both be off: nothing would bind a code to its browser':
    'não podem ser off ao mesmo tempo: nada ligaria um código ao navegador dele',
  'applies only if ISSUER contains {tenantid}': 'só vale se ISSUER contém {tenantid}',
  'must contain {tenantid} once, between slashes': 'deve conter {tenantid} uma vez, entre barras',
  'is required if ISSUER contains {tenantid}': 'é obrigatória se ISSUER contém {tenantid}',
  'must be never with TENANTS, because a tenant does not verify email addresses':
    'deve ser never com TENANTS, porque um tenant não verifica endereços de e-mail',
  'must not be set with {tenantid}: no email address is verified, so nobody could sign in; use TENANTS':
    'não pode ser definida com {tenantid}: nenhum e-mail é verificado, e ninguém poderia entrar; use TENANTS',
  'must list the IDs (GUIDs) of the tenants that may sign in, or be any':
    'deve listar os IDs (GUIDs) dos tenants que podem entrar, ou ser any',
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
const letters = (template: string): number => template.replace(/\{\d\}/g, '').length
/** The message with the most words of its own comes first: `must be {0}` fits many. */
const patterns = Object.entries(portuguese)
  .sort(([a], [b]) => letters(b) - letters(a))
  .map(([english, text]) => ({
    shape: new RegExp(`^${escaped(english).replace(/\\\{\d\\\}/g, '(.+)')}$`, 's'),
    text,
  }))

/** A message about a setting, in the reader's language. One without a translation stays English. */
export function settingFault(message: string, locale: Locale): string {
  if (locale === 'en') return message
  for (const { shape, text } of patterns) {
    const found = shape.exec(message)
    if (found) return text.replace(/\{(\d)\}/g, (_, n: string) => settingFault(found[Number(n) + 1] ?? '', locale))
  }
  return message
}
