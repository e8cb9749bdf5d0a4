/**
 * GitLab: https://docs.gitlab.com/api/oauth2/ and https://docs.gitlab.com/integration/openid_connect_provider/. The error
 * texts are those of Doorkeeper, its OAuth library.
 */
import { json } from '../exchange.ts'
import { atHash, claimsByScope, type KindAccount, openIdKind, pictureOf, refusal } from '../openid-kind.ts'
import { digest, digits } from '../people.ts'
import { randomHex } from '../random.ts'

const SCOPES = ['openid', 'profile', 'email', 'read_user', 'api', 'read_api']
const invalidGrant = () =>
  refusal(
    400,
    'invalid_grant',
    'The provided authorization grant is invalid, expired, revoked, does not match the redirection URI used in the ' +
      'authorization request, or was issued to another client.',
  )

export const gitlab = openIdKind<KindAccount>({
  label: 'GitLab (sandbox)',
  client: { id: randomLike('gitlab id'), secret: `gloas-${randomLike('gitlab secret')}` },
  paths: {
    authorize: '/oauth/authorize',
    token: '/oauth/token',
    userinfo: '/oauth/userinfo',
    revoke: '/oauth/revoke',
    jwks: '/oauth/discovery/keys',
    discovery: '/.well-known/openid-configuration',
  },
  settings: (url) => ({ ISSUER: url }),
  account: ({ key, name, email, verified }) => ({
    sub: String(2_000_000 + Number(digits(`gitlab ${key}`, 9))),
    name,
    nickname: key,
    preferred_username: key,
    picture: pictureOf(key),
    email,
    email_verified: verified,
  }),
  // Without a confirmed address there is none in the response.
  people: { linus: ({ email: _email, email_verified: _verified, ...account }) => account },
  // There is no `offline_access`: a refresh token always comes along.
  accepts: (scope) => SCOPES.includes(scope),
  code: () => randomHex(32),
  accessToken: () => randomHex(32),
  refreshToken: () => randomHex(32),
  accessSeconds: () => 7200,
  refreshes: () => true,
  // "The old access and refresh tokens are invalidated at once."
  rotation: 'ends_old',
  replayEndsTokens: true,
  idToken: ({ account, scopes, accessToken }) => ({
    ...claimsByScope(account, scopes),
    picture: undefined,
    sub_legacy: digest(account.sub),
    at_hash: atHash(accessToken),
  }),
  userinfo: ({ account, scopes }) => ({
    ...claimsByScope(account, scopes),
    sub_legacy: digest(account.sub),
    groups: ['acme', 'acme/tools'],
  }),
  tokenMembers: ({ place }) => ({ created_at: Math.floor(place.now().getTime() / 1000) }),
  refuse: {
    client: () =>
      json(
        401,
        {
          error: 'invalid_client',
          error_description:
            'Client authentication failed due to unknown client, no client authentication included, or unsupported ' +
            'authentication method.',
        },
        { 'www-authenticate': 'Bearer realm="GitLab", error="invalid_client"' },
      ),
    code: invalidGrant,
    redirectUri: invalidGrant,
    verifier: invalidGrant,
    refreshToken: invalidGrant,
    accessToken: () =>
      json(401, {
        error: 'invalid_token',
        error_description: 'Token is expired. You can either do re-authorization or token refresh.',
      }),
  },
})

/** A constant with the length of GitLab's identifiers. */
function randomLike(seed: string): string {
  return digest(seed)
}
