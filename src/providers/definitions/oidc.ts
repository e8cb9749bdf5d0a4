import { faOpenid } from '@fortawesome/free-brands-svg-icons/faOpenid'
import { isIssuerTemplate, isTenantId, mentionsTenant } from '../../kernel/tenant-issuer.ts'
import { markOf } from '../mark.ts'
import { UserinfoStrategy } from '../passport/userinfo-strategy.ts'
import { firstText, readAddress, readPicture, readSubject } from '../profile-text.ts'
import { type Definition, defineProvider } from '../provider.ts'
import { openidScopeTexts } from '../scope-texts.ts'
import {
  choiceSetting,
  jwksUrlSetting,
  type SettingsCheck,
  type SettingTable,
  urlSetting,
  wordsOf,
} from '../setting.ts'

/** The settings of a provider whose endpoints are discovered from its issuer. */
export const openidSettings: SettingTable = {
  ISSUER: urlSetting('issuer', {
    description: {
      en: 'Its issuer, exactly as in its discovery document, which also provides endpoints and keys.',
      'pt-BR': 'O issuer, exatamente como no documento de descoberta, que também fornece os endpoints e as chaves.',
    },
    example: 'https://login.acme.example',
    isRequired: true,
    isAddress: true,
  }),
  DISCOVERY_URL: urlSetting('discoveryUrl', {
    description: {
      en: 'URL of its discovery document, if not below the issuer (Azure AD B2C).',
      'pt-BR': 'A URL do documento de descoberta, se ele não estiver abaixo do issuer (Azure AD B2C).',
    },
    example: 'https://login.acme.example/.well-known/openid-configuration',
  }),
  TENANTS: {
    description: {
      en:
        'Tenants that may sign in, if the issuer contains {tenantid} (Entra ID): ' +
        'tenant IDs, or `any` (docs/providers.md).',
      'pt-BR':
        'Tenants que podem entrar, se o issuer contém {tenantid} (Entra ID): ' +
        'IDs de tenants, ou `any` (docs/providers.md).',
    },
    read(text) {
      const tenants = wordsOf(text).map((word) => word.toLowerCase())
      return { tenants: tenants.length === 1 && tenants[0] === 'any' ? 'any' : tenants }
    },
  },
  NONCE: choiceSetting('nonce', ['required', 'off'], {
    description: {
      en: '`off` if its id_tokens do not repeat the nonce. Not allowed together with PKCE=off. Default: required.',
      'pt-BR':
        '`off` se os id_tokens do provedor não repetem o nonce. Não é permitido junto com PKCE=off. Padrão: required.',
    },
    example: 'required',
  }),
  PKCE: choiceSetting('pkce', ['required', 'without_secret', 'off'], {
    description: {
      en:
        '`without_secret` if it accepts PKCE only from clients without a secret; `off` if it does not accept PKCE. ' +
        'Default: required.',
      'pt-BR':
        '`without_secret` se o provedor só aceita PKCE de clientes sem client secret; `off` se ele não aceita PKCE. ' +
        'Padrão: required.',
    },
    example: 'required',
  }),
  USERINFO: choiceSetting('userinfo', ['required', 'optional', 'off'], {
    description: {
      en:
        'Whether a sign-in needs UserInfo: `optional` or `off` if it is refused and the id_token has every claim ' +
        '(AD FS).',
      'pt-BR':
        'Se o login precisa do UserInfo: `optional` ou `off` se ele é recusado e o id_token tem todas as claims ' +
        '(AD FS).',
    },
    example: 'required',
  }),
  TOKEN_AUTH: choiceSetting('tokenAuth', ['basic', 'post'], {
    description: {
      en: 'How the client secret is sent, `basic` or `post`. Default: what its discovery document offers, `basic` first.',
      'pt-BR':
        'Como o client secret é enviado, `basic` ou `post`. ' +
        'Padrão: o que o documento de descoberta oferece, primeiro `basic`.',
    },
    example: 'basic',
  }),
  JWKS_URL: jwksUrlSetting,
}

/** Checks what binds a code to its browser, and the tenants if the issuer is a template for many. */
export function checkOpenid({ settings, isSet, fault }: SettingsCheck): void {
  const { issuer, nonce, pkce, tenants, emailTrust, discoveryUrl } = settings
  // A leaked code could be redeemed in another browser's sign-in (RFC 9700 §4.5).
  if (pkce === 'off' && nonce === 'off')
    fault(['NONCE', 'PKCE'], 'must not both be off: nothing would bind a code to its browser')
  if (issuer === undefined || !mentionsTenant(issuer)) {
    if (tenants !== undefined) fault(['TENANTS'], 'applies only if ISSUER contains {tenantid}')
    return
  }
  if (!isIssuerTemplate(issuer)) fault(['ISSUER'], 'must contain {tenantid} once, between slashes')
  if (discoveryUrl === undefined) fault(['DISCOVERY_URL'], 'is required if ISSUER contains {tenantid}')
  if (emailTrust !== undefined && emailTrust !== 'never')
    fault(['EMAIL_TRUST'], 'must be never with TENANTS, because a tenant does not verify email addresses')
  if (isSet('EMAIL_DOMAINS'))
    fault(
      ['EMAIL_DOMAINS'],
      'must not be set with {tenantid}: no email address is verified, so nobody could sign in; use TENANTS',
    )
  const listed = typeof tenants === 'string' ? [] : (tenants ?? [])
  if (tenants !== 'any' && (listed.length === 0 || !listed.every(isTenantId)))
    fault(['TENANTS'], 'must list the IDs (GUIDs) of the tenants that may sign in, or be any')
}

/** Any OpenID provider, configured by its issuer. All endpoints are discovered (`discovery.ts`). */
export const oidc = defineProvider({
  name: null,
  describedAs: 'an OpenID Connect provider',
  mark: markOf(faOpenid),
  listedIn: 'OIDC_PROVIDERS',
  registration: {
    en: 'its console, as a confidential web application',
    'pt-BR': 'o console do provedor, como aplicativo web confidencial',
  },
  settings: openidSettings,
  check: checkOpenid,
  scopes: ['openid', 'email', 'profile'],
  scopeTexts: openidScopeTexts,
  emailTrust: 'never',
  openid: {
    issuers: ({ issuer }) => (issuer === undefined ? [] : [issuer]),
    namespace: ({ id, issuer }) => issuer ?? id,
    required: true,
  },
  endpoints: () => ({}),
  strategy: (parts, verify) => new UserinfoStrategy(parts, verify),

  claims({ _json }, { tenants }) {
    const subject = typeof _json.sub === 'string' ? readSubject(_json.sub) : null
    if (subject === null) return { unreadable: 'no_subject' }
    const email = readAddress(_json.email)
    return {
      subject,
      email,
      // Some servers send the boolean as text (OpenID Connect Core §5.1 requires a boolean). No other value counts.
      // With many tenants, the administrator of any tenant can assign any email address and mark it as verified.
      emailVerified:
        tenants === undefined && email !== null && (_json.email_verified === true || _json.email_verified === 'true'),
      emailAuthoritative: false,
      name: firstText(_json.name, _json.preferred_username, _json.nickname),
      picture: readPicture(_json.picture),
    }
  },
})

/**
 * A provider that follows the specifications: the generic one, with a name and an address of its own. Its ID is its
 * kind.
 */
export function openidKind(
  own: Pick<Definition, 'registration' | 'settings'> & Partial<Definition> & { name: string },
): Definition {
  const { listedIn: _listedIn, check: _check, ...generic } = oidc
  return { ...generic, describedAs: own.name, ...own }
}
