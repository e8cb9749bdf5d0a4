import { neutralMark } from '../mark.ts'
import { UserinfoStrategy } from '../passport/userinfo-strategy.ts'
import { firstText, isRecord, readAddress, readSubject } from '../profile-text.ts'
import { defineProvider } from '../provider.ts'
import { openidScopeTexts } from '../scope-texts.ts'
import { choiceSetting, endpointSetting, pathSetting } from '../setting.ts'

/** Any OAuth 2.0 server. The operator sets dotted paths into its userinfo response. */
export const oauth2 = defineProvider({
  name: null,
  describedAs: 'a plain OAuth 2.0 provider',
  mark: neutralMark,
  listedIn: 'OAUTH2_PROVIDERS',
  registration: {
    en: 'its console, as a confidential web application',
    'pt-BR': 'o console do provedor, como aplicativo web confidencial',
  },
  settings: {
    AUTHORIZE_URL: endpointSetting('authorize', {
      description: {
        en: 'Its authorization endpoint.',
        'pt-BR': 'O endpoint de autorização do provedor.',
      },
      example: 'https://beta.example/oauth/authorize',
      isRequired: true,
    }),
    TOKEN_URL: endpointSetting('token', {
      description: {
        en: 'Its token endpoint.',
        'pt-BR': 'O endpoint de token do provedor.',
      },
      example: 'https://beta.example/oauth/token',
      isRequired: true,
      isAddress: true,
    }),
    USERINFO_URL: endpointSetting('userinfo', {
      description: {
        en: 'The endpoint that describes the user.',
        'pt-BR': 'O endpoint que descreve a pessoa.',
      },
      example: 'https://beta.example/api/me',
      isRequired: true,
    }),
    USER_ID_PATH: pathSetting('id', {
      description: {
        en: 'Path of the stable user ID in its userinfo response, with dots.',
        'pt-BR': 'O caminho do ID estável da pessoa na resposta do UserInfo, com pontos.',
      },
      example: 'data.id',
      isRequired: true,
    }),
    USER_EMAIL_PATH: pathSetting('email', {
      description: {
        en: 'Path of the email address. Default: none.',
        'pt-BR': 'O caminho do e-mail. Padrão: nenhum.',
      },
      example: 'data.email',
    }),
    USER_EMAIL_VERIFIED_PATH: pathSetting('emailVerified', {
      description: {
        en: 'Path of whether the email address is verified. Default: none.',
        'pt-BR': 'O caminho da indicação de que o e-mail foi verificado. Padrão: nenhum.',
      },
      example: 'data.email_verified',
    }),
    USER_NAME_PATH: pathSetting('name', {
      description: {
        en: 'Path of the name. Default: none.',
        'pt-BR': 'O caminho do nome. Padrão: nenhum.',
      },
      example: 'data.name',
    }),
    TOKEN_AUTH: choiceSetting('tokenAuth', ['basic', 'post'], {
      description: {
        en: 'How the client secret is sent. X, Reddit, Zoom and Notion accept only `basic`; other servers only `post`.',
        'pt-BR':
          'Como o client secret é enviado. X, Reddit, Zoom e Notion só aceitam `basic`; outros servidores, só `post`.',
      },
      example: 'post',
    }),
    PKCE: choiceSetting('pkce', ['required', 'without_secret', 'off'], {
      description: {
        en: '`without_secret` if it accepts PKCE only from clients without a secret. Default: required.',
        'pt-BR': '`without_secret` se o provedor só aceita PKCE de clientes sem client secret. Padrão: required.',
      },
      example: 'required',
    }),
  },
  check({ settings: { pkce }, fault }) {
    // A leaked code could be redeemed in another browser's sign-in (RFC 9700 §4.5).
    if (pkce === 'off')
      fault(['PKCE'], 'must not be off: plain OAuth 2.0 has no nonce, so nothing would bind a code to its browser')
  },
  scopes: [],
  // Its scopes have names of its own. Those of OpenID Connect mean the same at many servers.
  scopeTexts: openidScopeTexts,
  emailTrust: 'never',
  endpoints: () => ({}),
  strategy: (parts, verify) => new UserinfoStrategy(parts, verify),

  claims({ _json }, { paths }) {
    const subject = paths ? readSubject(at(_json, paths.id)) : null
    if (!paths || subject === null) return { unreadable: 'no_subject' }
    const email = readAddress(at(_json, paths.email))
    const verified = at(_json, paths.emailVerified)
    return {
      subject,
      email,
      emailVerified: email !== null && (verified === true || verified === 'true'),
      emailAuthoritative: false,
      name: firstText(at(_json, paths.name)),
      picture: null,
    }
  },
})

/**
 * Resolves a path such as `data.user.id`. It reads own properties only, so that no path reaches `constructor`. Array
 * positions are numbers in the path.
 */
function at(json: unknown, path: string | undefined): unknown {
  if (path === undefined) return undefined
  return path
    .split('.')
    .reduce<unknown>(
      (value, name) =>
        (isRecord(value) || Array.isArray(value)) && Object.hasOwn(value, name) ? Reflect.get(value, name) : undefined,
      json,
    )
}
