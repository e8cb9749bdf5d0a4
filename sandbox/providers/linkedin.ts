/**
 * Sign In with LinkedIn: https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2
 * and, for tokens and errors, https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow. Its
 * id_tokens have no nonce, and a code verifier together with a client secret is an error.
 */
import { json, reader } from '../exchange.ts'
import { claimsByScope, type KindAccount, openIdKind, pictureOf, refusal } from '../openid-kind.ts'
import { digest, givenAndFamily } from '../people.ts'
import { randomText } from '../random.ts'

type LinkedInSwitches = {
  /** Whether LinkedIn enabled PKCE: https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow-native */
  pkce: boolean
}

const NATIVE = '/oauth/native-pkce/authorization'
const noClient = () => refusal(401, 'invalid_client', 'Client authentication failed')
const mismatch = () =>
  refusal(
    400,
    'invalid_redirect_uri',
    'Unable to retrieve access token: appid/redirect uri/code verifier does not match authorization code. Or ' +
      'authorization code expired. Or external member binding exists',
  )

export const linkedin = openIdKind<KindAccount, LinkedInSwitches>({
  label: 'LinkedIn (sandbox)',
  client: { id: '86sandboxq7m2xk', secret: 'WPL_AP1.sandboxKq8Zt2Xw.6Rv0Lp==' },
  paths: {
    authorize: '/oauth/v2/authorization',
    token: '/oauth/v2/accessToken',
    userinfo: '/v2/userinfo',
    jwks: '/oauth/openid/jwks',
    discovery: '/oauth/.well-known/openid-configuration',
  },
  endpoint: (path) => (path === NATIVE ? 'authorize' : undefined),
  issuer: (url) => `${url}/oauth`,
  settings: (url) => ({ ISSUER: `${url}/oauth`, PKCE: 'off' }),
  account: ({ key, name, email, verified }) => ({
    sub: digest(`linkedin ${key}`).slice(0, 10),
    name,
    ...givenAndFamily(name),
    picture: pictureOf(key),
    locale: { country: 'US', language: 'en' },
    email,
    email_verified: verified,
  }),
  people: { linus: ({ email: _email, email_verified: _verified, ...account }) => account },
  switches: () => ({ pkce: false }),
  usesPkce: false,
  denial: 'user_cancelled_authorize',
  code: () => `AQ${randomText(100)}`,
  accessToken: () => `AQ${randomText(250)}`,
  accessSeconds: () => 5_184_000,
  refreshes: () => false,
  hasRefreshTokens: false,
  rotation: 'none',
  // In the id_token `email_verified` and the locale are text.
  idToken: ({ account, scopes }) => ({
    ...claimsByScope(account, scopes),
    nonce: undefined,
    locale: 'en_US',
    ...(account.email === undefined ? {} : { email_verified: String(account.email_verified) }),
  }),
  userinfo: ({ account, scopes }) => claimsByScope(account, scopes),
  tokenBarrier({ switches, client }, request) {
    const field = reader(request)
    if (field('code_verifier') === undefined) return undefined
    return switches.pkce && field('client_secret') === undefined && field('client_id') === client.id
      ? undefined
      : noClient()
  },
  isPublic: ({ pkce }) => pkce,
  refuse: {
    client: noClient,
    code: () => refusal(400, 'invalid_request', 'Unable to retrieve access token: authorization code not found'),
    redirectUri: mismatch,
    verifier: mismatch,
    accessToken: () =>
      json(401, {
        status: 401,
        serviceErrorCode: 65_600,
        code: 'INVALID_ACCESS_TOKEN',
        message: 'Invalid access token',
      }),
  },
})
