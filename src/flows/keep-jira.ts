import type { StoredGrant } from '../connections/ports.ts'
import type { Vault } from '../connections/vault.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Providers } from '../providers/providers.ts'
import { jiraProblem, jiraStatus } from '../teams/jira.ts'
import { may } from '../teams/policy.ts'
import type {
  JiraError,
  JiraSite,
  JiraState,
  JiraStatus,
  JiraStore,
  StoredJiraIntegration,
  TeamStore,
} from '../teams/ports.ts'
import { mayInTeam } from '../teams/role.ts'
import type { SyncJiraSites } from './sync-jira-sites.ts'

/** A team's connection as its members see it, without tokens. */
export type JiraView = {
  readonly teamId: string
  readonly status: JiraStatus
  readonly sites: readonly JiraSite[]
  readonly scopes: readonly string[]
  /** Requested scopes that were not granted. */
  readonly missingScopes: readonly string[]
  /** The local account that consented, and its account ID at Atlassian. */
  readonly connectedBy: string | null
  readonly subjectName: string | null
  readonly connectedAt: Date | null
  /** When the current access token expires; it is renewed before that. */
  readonly expiresAt: Date | null
  readonly lastSyncAt: Date | null
  readonly syncStatus: StoredJiraIntegration['syncStatus'] | null
  readonly lastError: JiraError | null
}

export type SeeCode = 'team_not_found' | 'team_role_required' | 'jira_not_available'
export type ChangeJiraCode = SeeCode | 'jira_not_connected' | 'jira_site_not_found'

type KeepJiraParts = {
  teams: TeamStore
  jira: JiraStore
  vault: Vault
  providers: Providers
  sync: SyncJiraSites
  clock: Clock
  wakeRevocation: () => void
}
type Who = { readonly teamId: string; readonly accountId: string }

/** Shows a team's connection to Jira, chooses its sites, and ends it. */
export function keepJira({ teams, jira, vault, providers, sync, clock, wakeRevocation }: KeepJiraParts) {
  const nothing = { scopes: [], missingScopes: [], connectedBy: null, subjectName: null, connectedAt: null }
  const never = { expiresAt: null, lastSyncAt: null, syncStatus: null, lastError: null }

  /** `undefined` if another issuer or another client registration of ours issued it: then it cannot be renewed. */
  const grantOf = async ({ integration: { provider: id, issuer, clientId, subject, teamId } }: JiraState) => {
    const provider = providers.get(id)
    return provider?.clientId === clientId && provider.speaksFor(issuer)
      ? vault.find({ provider: id, issuer, clientId, subject, holder: teamId })
      : undefined
  }

  const viewOf = (teamId: string, state: JiraState | undefined, grant: StoredGrant | undefined): JiraView => {
    const status = jiraStatus(state, grant)
    if (!state) return { teamId, status, sites: [], ...nothing, ...never }
    const { connectedBy, subjectName, connectedAt, lastSyncAt, syncStatus } = state.integration
    const known = providers.jira()
    const scopes = grant?.scopes ?? []
    return {
      teamId,
      status,
      sites: state.sites,
      scopes,
      missingScopes: known && grant ? known.provider.missingScopes(known.scopes, scopes) : [],
      connectedBy,
      subjectName,
      connectedAt,
      lastSyncAt,
      syncStatus,
      expiresAt: grant?.expiresAt ?? null,
      lastError: jiraProblem(state, grant),
    }
  }

  const see = async (teamId: string): Promise<{ state: JiraState | undefined; view: JiraView }> => {
    const state = await jira.find(teamId)
    return { state, view: viewOf(teamId, state, state && (await grantOf(state))) }
  }

  return {
    /** The connection and its state. Does not check who asks. */
    see,

    async status({ teamId, accountId }: Who): Promise<Result<JiraView, AppError<SeeCode>>> {
      const allowed = await mayInTeam(teams, teamId, accountId, 'see')
      if (!allowed.ok) return allowed
      return providers.jira() ? ok((await see(teamId)).view) : fail('jira_not_available')
    },

    /** The sites of an existing connection. */
    async sites(who: Who): Promise<Result<JiraView, AppError<SeeCode | 'jira_not_connected'>>> {
      const view = await this.status(who)
      return view.ok && view.value.status === 'not_connected' ? fail('jira_not_connected') : view
    },

    /** Sets the sites that the team uses. Others are no longer used. */
    async choose(
      who: Who,
      cloudIds: readonly string[],
      origin: Origin,
    ): Promise<Result<JiraView, AppError<ChangeJiraCode>>> {
      const { teamId, accountId } = who
      const chosen = [...new Set(cloudIds)]
      const done = await jira.choose(
        { teamId, by: accountId, cloudIds: chosen, at: clock() },
        (role) => may(role, 'connect'),
        [{ name: 'jira.sites_chosen', accountId, origin, data: { team: teamId, sites: chosen.length } }],
      )
      return done === 'chosen' ? ok((await see(teamId)).view) : fail(done)
    },

    /** Reads the list of sites immediately. */
    async sync(who: Who): Promise<Result<JiraView, AppError<SeeCode | 'jira_not_connected'>>> {
      const allowed = await mayInTeam(teams, who.teamId, who.accountId, 'connect')
      if (!allowed.ok) return allowed
      if (!providers.jira()) return fail('jira_not_available')
      const state = await jira.find(who.teamId)
      if (!state) return fail('jira_not_connected')
      // The result is part of the connection's state. The consent of a disabled account is not used.
      if (!state.connectorDisabled) await sync.one(state.integration)
      return ok((await see(who.teamId)).view)
    },

    /** Ends the connection, and revokes its tokens if Atlassian supports that. */
    async disconnect(who: Who, origin: Origin): Promise<Result<null, AppError<SeeCode | 'jira_not_connected'>>> {
      const { teamId, accountId } = who
      const done = await jira.disconnect({ teamId, by: accountId, at: clock() }, (role) => may(role, 'connect'), [
        { name: 'jira.disconnected', accountId, origin, data: { team: teamId, reason: 'asked' } },
      ])
      if (done !== 'disconnected') return fail(done)
      wakeRevocation()
      return ok(null)
    },
  }
}
export type KeepJira = ReturnType<typeof keepJira>
