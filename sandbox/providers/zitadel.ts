/** Zitadel: https://zitadel.com/docs/apis/openidoauth/endpoints. Its id_tokens have several audiences. */
import { atHash, claimsByScope, type KindAccount, openIdKind, refusal } from '../openid-kind.ts'
import { digits, givenAndFamily } from '../people.ts'

const PROJECT = '260242264868201995'

export const zitadel = openIdKind<KindAccount>({
  label: 'Zitadel (sandbox)',
  client: { id: '260242298372595723', secret: 'sandboxHs5DfGj2Bk8EaT6mQx1WvK9rZc3LnY7pQm7vT2xLr9KpWc4ZnYb6HsDf' },
  paths: {
    authorize: '/oauth/v2/authorize',
    token: '/oauth/v2/token',
    userinfo: '/oidc/v1/userinfo',
    revoke: '/oauth/v2/revoke',
    jwks: '/oauth/v2/keys',
    discovery: '/.well-known/openid-configuration',
  },
  settings: (url) => ({ ISSUER: url }),
  scope: 'openid email profile offline_access',
  account: ({ key, name, email, verified }) => ({
    sub: `26024${digits(`zitadel ${key}`, 13)}`,
    name,
    ...givenAndFamily(name),
    preferred_username: `${key}@acme.zitadel.cloud`,
    email,
    email_verified: verified,
  }),
  people: { linus: ({ email: _email, email_verified: _verified, ...account }) => account },
  accessSeconds: () => 43_199,
  refreshes: (scopes) => scopes.includes('offline_access'),
  rotation: 'ends_old',
  // The claims of a person are in UserInfo. The audience contains every application of the project, and the project:
  // https://zitadel.com/docs/apis/openidoauth/claims
  idToken: ({ place, accessToken }) => ({
    aud: [place.client.id, '260242298372599999', PROJECT],
    azp: place.client.id,
    client_id: place.client.id,
    amr: ['pwd'],
    at_hash: atHash(accessToken),
  }),
  userinfo: ({ account, scopes }) => claimsByScope(account, scopes),
  refuse: {
    client: () => refusal(401, 'invalid_client', 'invalid client_id / client_secret'),
    code: () => refusal(400, 'invalid_grant', 'invalid code'),
    redirectUri: () => refusal(400, 'invalid_grant', 'redirect_uri does not correspond'),
    verifier: () => refusal(400, 'invalid_grant', 'invalid code challenge'),
    refreshToken: () => refusal(400, 'invalid_grant', 'Errors.User.RefreshToken.Invalid'),
  },
})
