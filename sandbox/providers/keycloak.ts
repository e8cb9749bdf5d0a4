/** Keycloak: https://www.keycloak.org/securing-apps/oidc-layers. Its issuer is the URL of a realm. */
import { json } from '../exchange.ts'
import { atHash, claimsByScope, type KindAccount, openIdKind, refusal } from '../openid-kind.ts'
import { givenAndFamily, uuid } from '../people.ts'

const REALM = '/realms/acme'
const BASE = `${REALM}/protocol/openid-connect`
const SESSION = '1c4e8f3a-1c72-4b69-a2d4-7f9b0c6e1a83'

export const keycloak = openIdKind<KindAccount>({
  label: 'Keycloak (sandbox)',
  client: { id: 'vinculum', secret: 'sandboxT6mQx1WvK9rZc3LnY7pHs5Df' },
  paths: {
    authorize: `${BASE}/auth`,
    token: `${BASE}/token`,
    userinfo: `${BASE}/userinfo`,
    revoke: `${BASE}/revoke`,
    jwks: `${BASE}/certs`,
    discovery: `${REALM}/.well-known/openid-configuration`,
  },
  issuer: (url) => `${url}${REALM}`,
  settings: (url) => ({ ISSUER: `${url}${REALM}` }),
  account: ({ key, name, email, verified }) => ({
    sub: uuid(`keycloak ${key}`),
    name,
    ...givenAndFamily(name),
    preferred_username: key,
    email,
    email_verified: verified,
  }),
  people: { linus: ({ email: _email, email_verified: _verified, ...account }) => account },
  metadata: () => ({ authorization_response_iss_parameter_supported: true }),
  callback: (place) => ({ session_state: SESSION, iss: `${place.url}${REALM}` }),
  accessSeconds: () => 300,
  // A refresh token ends with the idle session. There is always one.
  refreshSeconds: 1800,
  refreshes: () => true,
  rotation: 'keeps_old',
  idToken: ({ place, account, scopes, accessToken }) => ({
    ...claimsByScope(account, scopes),
    typ: 'ID',
    azp: place.client.id,
    sid: SESSION,
    acr: '1',
    at_hash: atHash(accessToken),
  }),
  userinfo: ({ account, scopes }) => claimsByScope(account, scopes),
  tokenMembers: () => ({ refresh_expires_in: 1800, 'not-before-policy': 0, session_state: SESSION }),
  refuse: {
    client: () => refusal(401, 'unauthorized_client', 'Invalid client or Invalid client credentials'),
    code: () => refusal(400, 'invalid_grant', 'Code not valid'),
    redirectUri: () => refusal(400, 'invalid_grant', 'Incorrect redirect_uri'),
    verifier: () => refusal(400, 'invalid_grant', 'PKCE verification failed: Code mismatch'),
    refreshToken: () => refusal(400, 'invalid_grant', 'Token is not active'),
    accessToken: () =>
      json(
        401,
        { error: 'invalid_token', error_description: 'Token verification failed' },
        { 'www-authenticate': 'Bearer realm="acme", error="invalid_token"' },
      ),
  },
})
