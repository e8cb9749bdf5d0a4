/** Okta, with its org authorization server: https://developer.okta.com/docs/reference/api/oidc/ */
import { atHash, claimsByScope, type KindAccount, openIdKind, refusal } from '../openid-kind.ts'
import { digest, givenAndFamily } from '../people.ts'
import { randomText } from '../random.ts'

type OktaSwitches = {
  /** Whether the application has the grant type Refresh Token. Without it, `offline_access` is rejected. */
  refreshToken: boolean
}

export const okta = openIdKind<KindAccount, OktaSwitches>({
  label: 'Okta (sandbox)',
  client: { id: '0oasandbox2Xw6Rv0Lp5', secret: 'sandbox-Qm7vT2xLr9KpWc4ZnYb6HsDfGj2Bk8Ea' },
  paths: {
    authorize: '/oauth2/v1/authorize',
    token: '/oauth2/v1/token',
    userinfo: '/oauth2/v1/userinfo',
    revoke: '/oauth2/v1/revoke',
    jwks: '/oauth2/v1/keys',
    discovery: '/.well-known/openid-configuration',
  },
  settings: (url) => ({ DOMAIN: url }),
  scope: 'openid email profile offline_access',
  account: ({ key, name, email, verified }) => ({
    sub: `00u${digest(`okta ${key}`).slice(0, 17)}`,
    name,
    ...givenAndFamily(name),
    preferred_username: email,
    email,
    email_verified: verified,
  }),
  people: { linus: ({ email: _email, email_verified: _verified, ...account }) => account },
  switches: () => ({ refreshToken: true }),
  accepts: (scope, { refreshToken }) => scope !== 'offline_access' || refreshToken,
  accessToken: () => `eyJraWQi.${randomText(500)}.${randomText(256)}`,
  accessSeconds: () => 3600,
  refreshes: (scopes) => scopes.includes('offline_access'),
  rotation: 'ends_old',
  // With an access token, profile claims are only in UserInfo, except the name and the email address.
  idToken: ({ account, scopes, accessToken }) => ({
    ver: 1,
    amr: ['pwd'],
    preferred_username: account.preferred_username,
    ...(scopes.includes('profile') ? { name: account.name } : {}),
    ...(scopes.includes('email') ? { email: account.email } : {}),
    at_hash: atHash(accessToken),
  }),
  userinfo: ({ account, scopes }) => claimsByScope(account, scopes),
  refuse: {
    client: () => refusal(401, 'invalid_client', 'The client secret supplied for a confidential client is invalid.'),
    code: () => refusal(400, 'invalid_grant', 'The authorization code is invalid or has expired.'),
    verifier: () => refusal(400, 'invalid_grant', 'PKCE verification failed.'),
    refreshToken: () => refusal(400, 'invalid_grant', 'The refresh token is invalid or expired.'),
    accessToken: () => ({
      status: 401,
      headers: { 'www-authenticate': 'Bearer error="invalid_token", error_description="The access token is invalid"' },
      body: '',
    }),
  },
})
