import { faSlack } from '@fortawesome/free-brands-svg-icons/faSlack'
import { revocationOf } from '../calls/revoke.ts'
import { markOf } from '../mark.ts'
import { restrictionSetting, urlSetting } from '../setting.ts'
import { oidc, openidKind } from './oidc.ts'

/** https://docs.slack.dev/reference/methods/openid.connect.userInfo */
const TEAM = 'https://slack.com/team_id'

const teamIds = {
  what: 'workspace IDs like T0123ABCD',
  most: 200,
  readItem: (text: string): string | undefined => (/^T[A-Z0-9]{2,20}$/.test(text) ? text : undefined),
}

/** Errors of `auth.revoke` for a token that is no longer valid: https://docs.slack.dev/reference/methods/auth.revoke */
const deadToken = ['invalid_auth', 'token_revoked', 'token_expired', 'account_inactive', 'not_authed']

/**
 * Slack: https://docs.slack.dev/authentication/sign-in-with-slack. It reports errors with status 200 and its own codes,
 * and has no revocation endpoint of OAuth 2.0, but a method of its API. User IDs are globally unique:
 * https://docs.slack.dev/reference/methods/users.identity.
 */
export const slack = openidKind({
  name: 'Slack',
  mark: markOf(faSlack),
  registration: {
    en: 'https://api.slack.com/apps, “OAuth & Permissions”, user scopes openid, email and profile',
    'pt-BR': 'https://api.slack.com/apps, “OAuth & Permissions”, escopos de usuário openid, email e profile',
  },
  settings: {
    TEAMS: restrictionSetting('teams', teamIds, {
      description: {
        en: 'Only members of these workspaces may sign in, by ID (docs/restrict-sign-in.md). Default: no restriction.',
        'pt-BR': 'Só entram membros destes workspaces, por ID (docs/restrict-sign-in.md). Padrão: sem restrição.',
      },
      example: 'T0123ABCD',
    }),
    ISSUER: urlSetting('issuer', {
      description: {
        en: 'Its issuer, if not Slack itself: an emulator.',
        'pt-BR': 'O issuer, se não for o próprio Slack: um emulador.',
      },
      example: 'https://slack.com',
    }),
  },
  // Each workspace has an origin of its own.
  alsoVisited: ['https://*.slack.com'],
  foreignVariables: ['SLACK_APP_TOKEN', 'SLACK_BOT_TOKEN', 'SLACK_SIGNING_SECRET', 'SLACK_TOKEN', 'SLACK_WEBHOOK_URL'],
  complete: (given) => ({ issuer: 'https://slack.com', ...given }),
  signedClaims: [TEAM],
  endpoints: ({ issuer }) => ({ revoke: `${issuer}/api/auth.revoke` }),
  // Its own codes: https://docs.slack.dev/reference/methods/openid.connect.token
  unknownCode: 'invalid_code',
  refusals: {
    invalid_refresh_token: 'needs_reauthorization',
    token_revoked: 'needs_reauthorization',
    token_expired: 'needs_reauthorization',
    account_inactive: 'needs_reauthorization',
    bad_client_secret: 'client_config',
    invalid_client_id: 'client_config',
    internal_error: 'transient',
    fatal_error: 'transient',
    service_unavailable: 'transient',
    request_timeout: 'transient',
    ratelimited: 'transient',
  },
  async revoke({ accessToken }, { url, guard }) {
    const headers = { Authorization: `Bearer ${accessToken}` }
    const answer = await guard.call({ endpoint: 'revoke', method: 'POST', url, headers })
    return revocationOf(answer, ({ code }) => code !== null && deadToken.includes(code))
  },
  // Signs in to this workspace directly. It is only a hint: the claim in the id_token decides.
  ask: (_asking, { teams = [] }): Record<string, string> => (teams.length === 1 ? { team: String(teams[0]) } : {}),

  claims(profile, settings) {
    const claims = oidc.claims(profile, settings)
    const team = profile._json[TEAM]
    return 'unreadable' in claims || typeof team !== 'string' ? claims : { ...claims, team }
  },
})
