/** Auth0: https://auth0.com/docs/api/authentication. Its issuer ends with a slash. */
import { json, reader } from '../exchange.ts'
import { claimsByScope, type KindAccount, openIdKind, pictureOf, refusal } from '../openid-kind.ts'
import { digest, givenAndFamily } from '../people.ts'
import { randomText } from '../random.ts'
import { authenticateClient, revokeToken } from '../token-endpoint.ts'

const unauthorized = () => refusal(401, 'access_denied', 'Unauthorized')

export const auth0 = openIdKind<KindAccount>({
  label: 'Auth0 (sandbox)',
  client: {
    id: 'Sandbox2Xw6Rv0Lp5Jm4Kq8Zt9Yb3HsD',
    secret: 'sandbox-6HsDfQm7vT2xLr9KpWc4ZnYbGj2Bk8EaT6mQx1WvK9rZc3LnY7p',
  },
  paths: {
    authorize: '/authorize',
    token: '/oauth/token',
    userinfo: '/userinfo',
    revoke: '/oauth/revoke',
    jwks: '/.well-known/jwks.json',
    discovery: '/.well-known/openid-configuration',
  },
  issuer: (url) => `${url}/`,
  settings: (url) => ({ DOMAIN: url }),
  scope: 'openid email profile offline_access',
  account: ({ key, name, email, verified }) => ({
    sub: `auth0|${digest(`auth0 ${key}`).slice(0, 24)}`,
    name,
    ...givenAndFamily(name),
    nickname: key,
    picture: pictureOf(key),
    updated_at: '2026-01-09T02:02:12.000Z',
    email,
    email_verified: verified,
  }),
  people: { linus: ({ email: _email, email_verified: _verified, ...account }) => account },
  accessSeconds: () => 86_400,
  refreshes: (scopes) => scopes.includes('offline_access'),
  rotation: 'none',
  idToken: ({ account, scopes }) => ({ ...claimsByScope(account, scopes), sid: randomText(24) }),
  userinfo: ({ account, scopes }) => claimsByScope(account, scopes),
  refuse: {
    client: unauthorized,
    code: () => refusal(403, 'invalid_grant', 'Invalid authorization code'),
    redirectUri: () => refusal(403, 'invalid_grant', 'The redirect_uri does not match'),
    verifier: () => refusal(403, 'invalid_grant', 'Failed to verify code verifier'),
    refreshToken: () => refusal(403, 'invalid_grant', 'Unknown or invalid refresh token.'),
    accessToken: () => ({ status: 401, headers: { 'content-type': 'text/plain' }, body: 'Unauthorized' }),
  },
  // Only refresh tokens can be revoked. Access tokens stay valid until they expire:
  // https://auth0.com/docs/secure/tokens/refresh-tokens/revoke-refresh-tokens
  revoke(place, request) {
    const client = authenticateClient(place, request)
    if (typeof client === 'string') return unauthorized()
    const token = reader(request)('token')
    if (place.grants.known('refresh', token)) {
      const before = place.grants.select(({ kind, dead }) => kind === 'access' && dead !== true)
      revokeToken(place, client, token)
      for (const access of before) delete access.dead
    }
    return json(200, {})
  },
})
