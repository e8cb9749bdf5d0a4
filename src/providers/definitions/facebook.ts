import { createHmac } from 'node:crypto'
import { faFacebook } from '@fortawesome/free-brands-svg-icons/faFacebook'
import { revocationOf } from '../calls/revoke.ts'
import { markOf } from '../mark.ts'
import type { StrategyParts, Verify } from '../passport/strategy-parts.ts'
import { UserinfoStrategy } from '../passport/userinfo-strategy.ts'
import { firstText, isRecord, readAddress, readPicture, readSubject } from '../profile-text.ts'
import { defineProvider } from '../provider.ts'
import { choiceSetting } from '../setting.ts'

/** A version works for about two years: https://developers.facebook.com/docs/graph-api/changelog/versions */
const VERSION = 'v24.0'
const GRAPH = `https://graph.facebook.com/${VERSION}`

/**
 * Proves that a call comes from our server. If the app requires proofs, a stolen token is useless without its secret:
 * https://developers.facebook.com/docs/graph-api/guides/secure-requests#appsecret_proof
 */
function withProof(url: string, accessToken: string, secret: string): URL {
  const proven = new URL(url)
  proven.searchParams.set('appsecret_proof', createHmac('sha256', secret).update(accessToken).digest('hex'))
  return proven
}

class FacebookStrategy extends UserinfoStrategy {
  readonly secret: string

  constructor(parts: StrategyParts, verify: Verify) {
    super(parts, verify)
    this.secret = parts.options.clientSecret
  }

  /** Without `fields` the profile is an ID and a name. */
  protected override urlFor(userinfo: string, accessToken: string): string {
    const url = withProof(userinfo, accessToken, this.secret)
    url.searchParams.set('fields', 'id,name,email,picture.type(large)')
    return url.href
  }
}

/** What Facebook's error numbers mean in the terms of RFC 6749 §5.2 and RFC 6750 §3.1. */
const CODES: Readonly<Record<number, string>> = {
  1: 'server_error',
  2: 'temporarily_unavailable',
  4: 'slow_down',
  17: 'slow_down',
  32: 'slow_down',
  // At the token endpoint: the code is invalid, expired or used, or the redirect URI differs.
  100: 'invalid_grant',
  101: 'invalid_client',
  190: 'invalid_token',
  613: 'slow_down',
}

/**
 * Facebook's errors are objects with a number: https://developers.facebook.com/docs/graph-api/guides/error-handling.
 * A wrong client secret has the number of an unknown error, and only its text differs.
 */
function errorCodeOf(_status: number, json: unknown): string | null {
  const error = isRecord(json) ? json.error : undefined
  if (!isRecord(error) || typeof error.code !== 'number') return null
  if (error.code === 1 && typeof error.message === 'string' && /client secret/i.test(error.message))
    return 'invalid_client'
  return Object.hasOwn(CODES, error.code) ? (CODES[error.code] ?? null) : 'unknown_error'
}

export const facebook = defineProvider({
  name: 'Facebook',
  describedAs: 'Facebook',
  mark: markOf(faFacebook),
  registration: 'https://developers.facebook.com/apps, “Facebook Login”',
  permissionsUrl: () => 'https://www.facebook.com/settings?tab=applications',
  alsoVisited: ['https://m.facebook.com'],
  settings: {
    TOKEN_AUTH: choiceSetting('tokenAuth', ['post'], {
      description: {
        en: 'How the client secret is sent: `post` (in the body), which is all that Facebook accepts.',
        'pt-BR': 'Como o client secret é enviado: `post` (no corpo), a única forma que o Facebook aceita.',
      },
    }),
  },
  scopes: ['public_profile', 'email'],
  scopeTexts: {
    public_profile: { en: 'see your name and picture', 'pt-BR': 'ver o seu nome e a sua foto' },
    email: { en: 'see your email address', 'pt-BR': 'ver o seu endereço de e-mail' },
  },
  // Facebook does not say whether an email address is verified.
  emailTrust: 'never',
  // https://developers.facebook.com/docs/facebook-login/guides/advanced/manual-flow
  endpoints: () => ({
    authorize: `https://www.facebook.com/${VERSION}/dialog/oauth`,
    token: `${GRAPH}/oauth/access_token`,
    userinfo: `${GRAPH}/me`,
    revoke: `${GRAPH}/me/permissions`,
  }),
  strategy: (parts, verify) => new FacebookStrategy(parts, verify),
  // Facebook asks again for a permission that was declined only if told to.
  ask: ({ intent }): Record<string, string> => (intent === 'extend' ? { auth_type: 'rerequest' } : {}),
  errorCodeOf,
  // https://developers.facebook.com/docs/facebook-login/guides/permissions/request-revoke#revoking-permissions
  async revoke({ accessToken }, { settings, url, guard }) {
    const answer = await guard.call({
      endpoint: 'revoke',
      method: 'DELETE',
      url: withProof(url, accessToken, settings.clientSecret).href,
      expects: 'anything',
      headers: { Authorization: `Bearer ${accessToken}` },
      refusal: errorCodeOf,
    })
    return revocationOf(answer, ({ code }) => code === 'invalid_token')
  },

  // `id` is valid for this app only.
  claims({ _json: { id, name, email, picture } }) {
    const subject = typeof id === 'string' ? readSubject(id) : null
    if (subject === null) return { unreadable: 'no_subject' }
    const data = isRecord(picture) && isRecord(picture.data) ? picture.data : {}
    return {
      subject,
      email: readAddress(email),
      emailVerified: false,
      emailAuthoritative: false,
      name: firstText(name),
      // Everyone without a picture has the same silhouette.
      picture: data.is_silhouette === true ? null : readPicture(data.url),
    }
  },
})
