import type { Revocations } from '../connections/revocation.ts'
import type { Vault } from '../connections/vault.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Ids, Random } from '../kernel/ids.ts'
import { type Err, ok, type Result } from '../kernel/result.ts'
import type { PendingAuthorization } from '../providers/ports.ts'
import type { Provider, TokenGrant } from '../providers/provider.ts'
import type { Providers } from '../providers/providers.ts'
import { afterSitesFailure, afterSitesRead } from '../teams/jira.ts'
import { may } from '../teams/policy.ts'
import type { JiraStore, TeamStore } from '../teams/ports.ts'
import { mayInTeam } from '../teams/role.ts'
import type { Arrival, ArriveFromProvider, Callback, GrantCode } from './arrive-from-provider.ts'
import type { AuthorizationStart, BeginCode, BeginWithProvider } from './begin-with-provider.ts'

export type BeginJiraCode = BeginCode | 'team_not_found' | 'team_role_required' | 'jira_not_available'
export type FinishJiraCode =
  | GrantCode
  | 'sign_in_restricted'
  | 'organization_access_needed'
  | 'team_not_found'
  | 'team_role_required'
  | 'session_revoked'
  | 'jira_not_available'
export type ConnectedJira = { readonly tag: 'connected'; readonly teamId: string }

type ConnectJiraParts = {
  teams: TeamStore
  jira: JiraStore
  providers: Providers
  arrive: ArriveFromProvider
  begin: BeginWithProvider
  vault: Vault
  clock: Clock
  ids: Ids
  random: Random
  revokeUnused: Revocations['revokeUnused']
  wakeRevocation: () => void
}

type Visitor = { readonly accountId: string; readonly sessionId: string }

/** Connects a team's Jira: a member with permission goes to Atlassian and returns with a consent for the team. */
export function connectJira({
  teams,
  jira,
  providers,
  arrive,
  begin,
  vault,
  clock,
  ids,
  random,
  revokeUnused,
  wakeRevocation,
}: ConnectJiraParts) {
  /** The user has consented at Atlassian, but we refuse: the tokens are revoked there. */
  const refusing = async <C extends FinishJiraCode>(grant: TokenGrant, by: string, refused: Err<AppError<C>>) => {
    await revokeUnused(grant, by)
    return refused
  }

  const connect = async (
    provider: Provider,
    callback: Callback,
    arrival: Arrival,
    { accountId, sessionId, teamId, ...pending }: PendingAuthorization,
  ): Promise<Result<ConnectedJira, AppError<FinishJiraCode>>> => {
    const known = providers.jira()
    if (known?.provider.id !== provider.id) return fail('jira_not_available')
    // The team was deleted in the meantime, or the authorization was not for a team.
    if (accountId === null || sessionId === null || teamId === null) return fail('team_not_found')
    const asked = await arrive.obtainGrant(
      provider,
      callback,
      { ...pending, accountId, sessionId, teamId },
      arrival.origin,
    )
    if (!asked.ok) return asked
    const grant = asked.value
    const admitted = providers.admits(provider, grant.claims)
    if (!admitted.ok) return refusing(grant, accountId, admitted)
    // Without a refresh token the connection would stop after an hour, and nobody would know why.
    if (grant.tokens.refreshToken === null)
      return refusing(
        grant,
        accountId,
        fail('token_exchange_failed', { provider: provider.name }, { cause: 'no_refresh_token' }),
      )

    const { accessToken } = grant.tokens
    const found = await known.cloud.sites({ accessToken })
    const at = clock()
    // The code is used and the consent is valid. A site list that cannot be read now is read again later.
    const read = found.ok
      ? afterSitesRead(teamId, found.value, { at, random, isNewConsent: true })
      : afterSitesFailure(found.error.tag === 'rate_limited' ? 'rate_limited' : 'transient', {
          at,
          random,
          isNewConsent: true,
          retryAfter: 'retryAfter' in found.error ? found.error.retryAfter : 0,
        })
    const { clientId, claims } = grant
    const connected = await jira.connect(
      {
        teamId,
        by: accountId,
        sessionId,
        at,
        consent: { provider: provider.id, issuer: grant.issuer, clientId, subject: claims.subject },
        subjectName: claims.name,
        newGrantId: ids('grt'),
        tokens: vault.brought(grant),
      },
      // Checked again: their role may have changed, or they may have left the team, while they were at Atlassian.
      (role) => may(role, 'connect'),
      read,
      ({ handedOver, sites }) => [
        {
          name: 'jira.connected',
          accountId,
          origin: arrival.origin,
          data: { team: teamId, handed_over: handedOver, sites },
        },
      ],
    )
    if (connected !== 'connected') return refusing(grant, accountId, fail(connected))
    wakeRevocation()
    return ok({ tag: 'connected', teamId })
  }

  return {
    async begin(
      visitor: Visitor,
      teamId: string,
      how: { readonly redirectUriKey?: string | undefined; readonly origin?: Origin } = {},
    ): Promise<Result<AuthorizationStart, AppError<BeginJiraCode>>> {
      const allowed = await mayInTeam(teams, teamId, visitor.accountId, 'connect')
      if (!allowed.ok) return allowed
      const known = providers.jira()
      if (!known) return fail('jira_not_available')
      return begin({ provider: known.provider.id, visitor, teamId, scopes: known.scopes, ...how })
    },

    /** Arrival → Grant → connected team. The pending authorization is claimed. A refusal names the team to return to. */
    async finish(
      provider: Provider,
      callback: Callback,
      arrival: Arrival,
      pending: PendingAuthorization,
    ): Promise<Result<ConnectedJira, AppError<FinishJiraCode>>> {
      const connected = await connect(provider, callback, arrival, pending)
      return connected.ok ? connected : { ok: false, error: { ...connected.error, extra: { team_id: pending.teamId } } }
    },
  }
}
export type ConnectJira = ReturnType<typeof connectJira>
