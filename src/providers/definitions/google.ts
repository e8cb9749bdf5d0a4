import { faGoogle } from '@fortawesome/free-brands-svg-icons/faGoogle'
import { Strategy } from 'passport-google-oauth20'
import { revocationOf } from '../calls/revoke.ts'
import { markOf } from '../mark.ts'
import { firstText, readAddress, readPicture, readSubject } from '../profile-text.ts'
import { defineProvider } from '../provider.ts'
import { openidScopeTexts } from '../scope-texts.ts'
import {
  appClientIdsSetting,
  choiceSetting,
  domains,
  jwksUrlSetting,
  restrictionSetting,
  urlSetting,
  wordsOf,
} from '../setting.ts'

/**
 * Google uses both spellings of its issuer:
 * https://developers.google.com/identity/openid-connect/openid-connect#an-id-tokens-payload
 */
const ISSUERS: readonly string[] = ['https://accounts.google.com', 'accounts.google.com']

export const google = defineProvider({
  name: 'Google',
  describedAs: 'Google',
  mark: markOf(faGoogle),
  ownsId: true,
  registration: 'https://console.cloud.google.com/apis/credentials, “Web application”',
  // Google Cloud and its AI libraries.
  foreignVariables: wordsOf(`
    GOOGLE_APPLICATION_CREDENTIALS GOOGLE_CLOUD_PROJECT GOOGLE_CLOUD_LOCATION GOOGLE_CLOUD_REGION
    GOOGLE_CLOUD_QUOTA_PROJECT GOOGLE_API_KEY GOOGLE_GENERATIVE_AI_API_KEY GOOGLE_GENAI_USE_VERTEXAI
  `),
  permissionsUrl: () => 'https://myaccount.google.com/connections',
  settings: {
    HOSTED_DOMAINS: restrictionSetting('hostedDomains', domains, {
      description: {
        en:
          'Only accounts of these Google Workspace domains may sign in, by the `hd` claim ' +
          '(docs/restrict-sign-in.md). Default: no restriction.',
        'pt-BR':
          'Só entram contas destes domínios do Google Workspace, pela claim `hd` (docs/restrict-sign-in.md). ' +
          'Padrão: sem restrição.',
      },
      example: 'example.com',
    }),
    USERINFO: choiceSetting('userinfo', ['required', 'optional', 'off'], {
      description: {
        en:
          'Whether a sign-in needs UserInfo: `required`; `optional`, where a refusal is accepted; or `off`. ' +
          '`optional` and `off` need an id_token that contains every claim.',
        'pt-BR':
          'Se o login precisa do UserInfo: `required`; `optional`, em que uma recusa é aceita; ou `off`. ' +
          '`optional` e `off` exigem um id_token que contenha todas as claims.',
      },
      example: 'required',
    }),
    JWKS_URL: jwksUrlSetting,
    APP_CLIENT_IDS: appClientIdsSetting('1234567890-abc.apps.googleusercontent.com'),
    ISSUER: urlSetting('issuer', {
      description: {
        en: 'Issuer of its id_tokens, if not Google: set it together with the endpoints above.',
        'pt-BR': 'O issuer dos id_tokens, se não for o Google: defina-o junto com os endpoints acima.',
      },
      example: 'https://accounts.google.com',
    }),
  },
  check({ settings: { scopes, userinfo, urls, appClientIds }, production, fault }) {
    // Without `openid` there is no id_token that could take the place of UserInfo.
    if (userinfo !== undefined && userinfo !== 'required' && scopes?.includes('openid') === false)
      fault(['USERINFO'], 'must be required, because without openid in SCOPES there is no id_token')
    if (urls.token !== undefined && urls.jwks === undefined && (production || appClientIds !== undefined))
      fault(['JWKS_URL'], 'is required with TOKEN_URL in production or with APP_CLIENT_IDS, to verify signatures')
  },
  scopes: ['openid', 'email', 'profile'],
  scopeTexts: openidScopeTexts,
  emailTrust: 'authoritative',
  // Google returns the long names: https://developers.google.com/identity/protocols/oauth2/scopes#openid-connect
  scopeNames: {
    aliases: {
      email: 'https://www.googleapis.com/auth/userinfo.email',
      profile: 'https://www.googleapis.com/auth/userinfo.profile',
    },
  },
  // Refresh tokens expire after six months without use:
  // https://developers.google.com/identity/protocols/oauth2#expiration
  lifetime: { idleDays: 180 },
  openid: {
    issuers: ({ issuer }) => (issuer === undefined || ISSUERS.includes(issuer) ? ISSUERS : [issuer]),
    // Subjects of another issuer are different people, even if the operator names that provider Google.
    namespace: ({ id, issuer }) => (issuer === undefined || ISSUERS.includes(issuer) ? id : issuer),
    required: false,
  },
  signedClaims: ['hd'],
  // Google rejects the scope `offline_access`; `access_type=offline` requests a refresh token.
  scopesToRequest: (asked) => asked.filter((scope) => scope !== 'offline_access'),
  async revoke({ accessToken, refreshToken }, { url, guard }) {
    // One token revokes the whole consent, for every client of the Google Cloud project:
    // https://developers.google.com/identity/protocols/oauth2/web-server#tokenrevoke
    const body = new URLSearchParams({ token: refreshToken ?? accessToken }).toString()
    const headers = { 'Content-Type': 'application/x-www-form-urlencoded' }
    const answer = await guard.call({ endpoint: 'revoke', method: 'POST', url, expects: 'anything', headers, body })
    return revocationOf(answer, ({ code }) => code === 'invalid_token')
  },

  endpoints: ({ urls }) => ({
    authorize: 'https://accounts.google.com/o/oauth2/v2/auth',
    token: 'https://oauth2.googleapis.com/token',
    userinfo: 'https://openidconnect.googleapis.com/v1/userinfo',
    revoke: 'https://oauth2.googleapis.com/revoke',
    // Another token endpoint does not sign with Google’s keys, so the signature cannot be checked. OpenID Connect Core
    // §3.1.3.7 (6) accepts the TLS connection to the token endpoint instead.
    jwks: urls.token === undefined ? 'https://www.googleapis.com/oauth2/v3/certs' : null,
  }),
  strategy: ({ options, endpoints: { userinfo } }, verify) =>
    new Strategy(
      { ...options, passReqToCallback: false, ...(userinfo === null ? {} : { userProfileURL: userinfo }) },
      verify,
    ),

  // Google requests offline access with a parameter, not a scope. We do not force consent: Google keeps 100 refresh
  // tokens per account and client and silently invalidates the oldest. Asking for consent at every sign-in would end
  // the tokens stored first. We force it only when the user adds scopes, and include those granted before:
  // https://developers.google.com/identity/protocols/oauth2/web-server#incrementalAuth
  // `hd` only helps users choose the right account. Anyone can remove it from the URL, so only the `hd` claim counts.
  ask: ({ intent, hint }, { hostedDomains = [] }): Record<string, string> => ({
    access_type: 'offline',
    ...(hostedDomains.length > 0 ? { hd: hostedDomains.length === 1 ? String(hostedDomains[0]) : '*' } : {}),
    ...(intent === 'link' ? { prompt: 'select_account' } : {}),
    ...(intent === 'extend' ? { prompt: 'consent', include_granted_scopes: 'true' } : {}),
    ...(hint === undefined ? {} : { login_hint: hint }),
  }),

  claims({ _json }) {
    const subject = typeof _json.sub === 'string' ? readSubject(_json.sub) : null
    if (subject === null) return { unreadable: 'no_subject' }
    const email = readAddress(_json.email)
    const emailVerified = email !== null && _json.email_verified === true
    const hosted = typeof _json.hd === 'string' && _json.hd !== '' ? _json.hd : undefined
    return {
      subject,
      email,
      emailVerified,
      // For other addresses Google checked the mailbox once, and its owner may have changed since.
      emailAuthoritative: emailVerified && (hosted !== undefined || /@gmail\.com$/i.test(email)),
      ...(hosted === undefined ? {} : { hostedDomain: hosted }),
      name: firstText(_json.name, _json.given_name),
      picture: readPicture(_json.picture),
    }
  },
})
