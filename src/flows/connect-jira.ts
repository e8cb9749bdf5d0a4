import type { Revocations } from '../connections/revocation.ts'
import type { Vault } from '../connections/vault.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Ids, Random } from '../kernel/ids.ts'
import { type Err, ok, type Result } from '../kernel/result.ts'
import type { PendingAuthorization } from '../providers/ports.ts'
import type { Grant, Provider } from '../providers/provider.ts'
import type { Providers } from '../providers/providers.ts'
import { afterSitesFailure, afterSitesRead } from '../teams/jira.ts'
import { may } from '../teams/policy.ts'
import type { JiraStore, TeamStore } from '../teams/ports.ts'
import { mayInTeam } from '../teams/role.ts'
import type { Arrival, ArriveFromProvider, AskCode, Callback } from './arrive-from-provider.ts'
import type { BeginCode, BeginWithProvider, Begun } from './begin-with-provider.ts'

export type BeginJiraCode = BeginCode | 'team_not_found' | 'team_role_required' | 'jira_not_available'
export type FinishJiraCode =
  | AskCode
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
  drop: Revocations['drop']
  wakeRevocation: () => void
}

type Visitor = { readonly accountId: string; readonly sessionId: string }

/** A team's Jira, there and back: whoever may sends themselves to Atlassian, and comes back with a consent for the team. */
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
  drop,
  wakeRevocation,
}: ConnectJiraParts) {
  /** Whoever is refused now has consented all the same: what they gave is given back. */
  const refusing = async <C extends FinishJiraCode>(grant: Grant, by: string, refused: Err<AppError<C>>) => {
    await drop(grant, by)
    return refused
  }

  return {
    async begin(
      visitor: Visitor,
      teamId: string,
      how: { readonly redirectUriKey?: string | undefined; readonly origin?: Origin } = {},
    ): Promise<Result<Begun, AppError<BeginJiraCode>>> {
      const allowed = await mayInTeam(teams, teamId, visitor.accountId, 'connect')
      if (!allowed.ok) return allowed
      const known = providers.jira()
      if (!known) return fail('jira_not_available')
      return begin({ provider: known.provider.id, visitor, teamId, scopes: known.scopes, ...how })
    },

    /** The flow is claimed, for the person, the session and the team it was begun for. */
    async finish(
      provider: Provider,
      callback: Callback,
      arrival: Arrival,
      { accountId, sessionId, teamId, ...flow }: PendingAuthorization,
    ): Promise<Result<ConnectedJira, AppError<FinishJiraCode>>> {
      const known = providers.jira()
      if (known?.provider.id !== provider.id) return fail('jira_not_available')
      // The team was deleted meanwhile, and the flow with it; or it never was one of these.
      if (accountId === null || sessionId === null || teamId === null) return fail('team_not_found')
      const asked = await arrive.ask(provider, callback, { ...flow, accountId, sessionId, teamId }, arrival.origin)
      if (!asked.ok) return asked
      const grant = asked.value
      const admitted = providers.admits(provider, grant.claims)
      if (!admitted.ok) return refusing(grant, accountId, admitted)
      // It would work for an hour, and nobody would know why it stopped.
      if (grant.tokens.refreshToken === null)
        return refusing(
          grant,
          accountId,
          fail('token_exchange_failed', { provider: provider.name }, { cause: 'no_refresh_token' }),
        )

      const { accessToken } = grant.tokens
      const found = await known.cloud.sites({ accessToken })
      const at = clock()
      // The code is spent and the consent is good: a list that cannot be read now is read again, by and by.
      const read = found.ok
        ? afterSitesRead(teamId, found.value, { at, random, anew: true })
        : afterSitesFailure(found.error.tag === 'rate_limited' ? 'rate_limited' : 'transient', {
            at,
            random,
            anew: true,
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
        // Looked at again: they may have been given another role, or have left, while they were away.
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
    },
  }
}
export type ConnectJira = ReturnType<typeof connectJira>
