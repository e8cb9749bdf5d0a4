/**
 * Sign in with Slack: https://docs.slack.dev/authentication/sign-in-with-slack. Its API reports errors with status 200:
 * https://docs.slack.dev/reference/methods/openid.connect.token and …/openid.connect.userInfo.
 */
import { bearer, json } from '../exchange.ts'
import { atHash, claimsByScope, type KindAccount, openIdKind, pictureOf } from '../openid-kind.ts'
import { digest, givenAndFamily } from '../people.ts'
import { randomHex } from '../random.ts'

export const TEAMS = { acme: 'T0ACME1234', globex: 'T0GLOBEX56' } as const

type SlackAccount = KindAccount & { sub: string; team: string }
type SlackSwitches = {
  /** Whether the app opted in to token rotation: https://docs.slack.dev/authentication/using-token-rotation */
  tokenRotation: boolean
}

const refused = (error: string) => json(200, { ok: false, error })

export const slack = openIdKind<SlackAccount, SlackSwitches>({
  label: 'Slack (sandbox)',
  client: { id: '4815162342.2342161548154', secret: '0f9d1c5be0d46c41f1a93e584b0c9a67' },
  paths: {
    authorize: '/openid/connect/authorize',
    token: '/api/openid.connect.token',
    userinfo: '/api/openid.connect.userInfo',
    revoke: '/api/auth.revoke',
    jwks: '/openid/connect/keys',
    discovery: '/.well-known/openid-configuration',
  },
  settings: (url) => ({ ISSUER: url }),
  account: ({ key, name, email, verified }) => ({
    sub: `U${digest(`slack ${key}`).slice(0, 10).toUpperCase()}`,
    team: TEAMS.acme,
    name,
    ...givenAndFamily(name),
    picture: pictureOf(key),
    locale: 'en-US',
    email,
    email_verified: verified,
  }),
  people: {
    grace: (account) => ({ ...account, team: TEAMS.globex }),
    linus: ({ email: _email, email_verified: _verified, ...account }) => account,
  },
  switches: () => ({ tokenRotation: false }),
  // Its document has no revocation endpoint. https://slack.com/.well-known/openid-configuration
  metadata: () => ({ revocation_endpoint: undefined, response_modes_supported: ['form_post'] }),
  code: () => `4815162342.${randomHex(6)}.${randomHex(32)}`,
  accessToken: () => `xoxp-${randomHex(40)}`,
  refreshToken: () => `xoxe-1-${randomHex(73)}`,
  accessSeconds: ({ tokenRotation }) => (tokenRotation ? 43_200 : undefined),
  refreshes: (_scopes, { tokenRotation }) => tokenRotation,
  hasRefreshTokens: false,
  tokensExpire: false,
  rotation: 'ends_old',
  idToken: ({ account, scopes, accessToken }) => ({ ...claims(account, scopes), at_hash: atHash(accessToken) }),
  userinfo: ({ account, scopes }) => ({ ok: true, ...claims(account, scopes) }),
  tokenMembers: () => ({ ok: true, scope: undefined }),
  refuse: {
    client: (problem) =>
      refused(problem === 'unknown' || problem === 'no_id' ? 'invalid_client_id' : 'bad_client_secret'),
    code: () => refused('invalid_code'),
    redirectUri: () => refused('bad_redirect_uri'),
    verifier: () => refused('invalid_code_verifier'),
    refreshToken: () => refused('invalid_refresh_token'),
    accessToken: () => refused('invalid_auth'),
  },
  // https://docs.slack.dev/reference/methods/auth.revoke
  revoke({ grants }, request) {
    const token = grants.known('access', bearer(request))
    if (!grants.alive(token)) return refused('token_revoked')
    grants.kill(({ family }) => family === token.family)
    return json(200, { ok: true, revoked: true })
  },
})

function claims({ team, ...account }: SlackAccount, scopes: readonly string[]) {
  return {
    ...claimsByScope(account, scopes),
    'https://slack.com/user_id': account.sub,
    'https://slack.com/team_id': team,
    ...(scopes.includes('profile') ? { 'https://slack.com/team_name': 'acme' } : {}),
  }
}
