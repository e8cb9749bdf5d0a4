import { type AppError, fail } from '../errors/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import { createSharedByKey } from '../kernel/shared.ts'
import type { Desk, JiraCloud, Queue } from '../providers/jira-cloud.ts'
import type { Provider } from '../providers/provider.ts'
import type { Providers } from '../providers/providers.ts'
import { inUse } from '../teams/jira.ts'
import type { JiraSite, JiraState, JiraStore, TeamStore } from '../teams/ports.ts'
import { mayInTeam } from '../teams/role.ts'
import type { AskJira, AskJiraCode } from './ask-jira.ts'
import type { KeepJira } from './keep-jira.ts'

export type DeskQueues = Desk & { readonly queues: readonly Queue[]; readonly error: AppError<AskJiraCode> | null }
export type SiteQueues = {
  readonly site: JiraSite
  readonly desks: readonly DeskQueues[]
  /** Why it could not be read. */
  readonly error: AppError<AskJiraCode> | null
  /** There are more results than were read. */
  readonly more: boolean
}
export type Queues = { readonly sites: readonly SiteQueues[]; readonly readAt: Date }
/** The connection does not work: the consent is dead, or no site is left. */
type NotActive = 'needs_reauthorization' | 'not_connected' | 'jira_site_not_found'

export type QueuesCode =
  | 'team_not_found'
  | 'team_role_required'
  | 'jira_not_available'
  | 'jira_not_active'
  | Exclude<AskJiraCode, NotActive>

type ReadQueuesParts = {
  teams: TeamStore
  jira: JiraStore
  keep: KeepJira
  providers: Providers
  ask: AskJira
  clock: Clock
}

/** Limits of one read: Atlassian counts the calls of an app for all its teams together. */
const mostSites = 10
const mostDesks = 20
const mostCalls = 80
/**
 * How long a result is shared by the members of a team and how long a failed read is not repeated, in seconds. Also for
 * how many teams results are cached.
 */
const sharedSeconds = 30
const failedSeconds = 5
const mostRemembered = 1000

type QueuesResult = Result<Queues, AppError<QueuesCode>>
type CachedQueues = { readonly of: string; readonly until: Date; readonly read: QueuesResult }

/** The queues of the service desks on a team's sites. */
export function readQueues({ teams, jira, keep, providers, ask, clock }: ReadQueuesParts) {
  const kept = new Map<string, CachedQueues>()
  const readOnce = createSharedByKey<QueuesResult>()

  /** The cache key: the sites and the consent. */
  const identityOf = ({ integration, sites }: JiraState): string =>
    JSON.stringify([
      integration.teamId,
      integration.subject,
      integration.connectedAt,
      inUse(sites).map(({ cloudId, name, url }) => [cloudId, name, url]),
    ])

  const read = async (state: JiraState, provider: Provider, cloud: JiraCloud): Promise<QueuesResult> => {
    const { teamId, issuer, clientId, subject } = state.integration
    const key = { provider: provider.id, issuer, clientId, subject, holder: teamId }
    let left = mostCalls
    const may = (): boolean => left-- > 0
    const chosen = inUse(state.sites)
    const sites = await Promise.all(
      chosen.slice(0, mostSites).map(async (site): Promise<SiteQueues> => {
        const desks = await ask(provider, key, (accessToken) =>
          cloud.desks(site.cloudId, { accessToken, canCall: may }),
        )
        if (!desks.ok) return { site, desks: [], error: desks.error, more: false }
        const found: DeskQueues[] = []
        let more = desks.value.more || desks.value.values.length > mostDesks
        for (const desk of desks.value.values.slice(0, mostDesks)) {
          const queues = await ask(provider, key, (accessToken) =>
            cloud.queues(site.cloudId, desk.id, { accessToken, canCall: may }),
          )
          if (queues.ok) found.push({ ...desk, queues: queues.value.values, error: null })
          // An error of one desk is reported there. An error of the connection affects the rest of the site as well.
          else if (!ofOneDesk.has(queues.error.code)) return { site, desks: found, error: queues.error, more }
          else found.push({ ...desk, queues: [], error: queues.error })
          more ||= queues.ok && queues.value.more
        }
        const [first] = found
        const none = first?.error && found.every(({ error }) => error !== null)
        return none ? { site, desks: [], error: first.error, more } : { site, desks: found, error: null, more }
      }),
    )
    if (sites.some(({ error }) => error?.code === 'jira_site_not_found')) await jira.hurry(teamId, clock())
    const errors = sites.flatMap(({ error, desks }) => (error !== null && desks.length === 0 ? [error] : []))
    return errors.length < sites.length ? ok({ sites, readAt: clock() }) : { ok: false, error: ofAll(errors) }
  }

  const remember = (teamId: string, of: string, result: QueuesResult): void => {
    kept.delete(teamId)
    // An error of the connection is part of its state from now on. Connecting again fixes it.
    if (!result.ok && result.error.code === 'jira_not_active') return
    const now = clock()
    for (const [team, { until }] of kept) if (until <= now) kept.delete(team)
    const [oldest] = kept.keys()
    if (oldest !== undefined && kept.size >= mostRemembered) kept.delete(oldest)
    kept.set(teamId, { of, until: secondsAfter(now, result.ok ? sharedSeconds : failedSeconds), read: result })
  }

  return async ({
    teamId,
    accountId,
  }: {
    readonly teamId: string
    readonly accountId: string
  }): Promise<Result<Queues, AppError<QueuesCode>>> => {
    const allowed = await mayInTeam(teams, teamId, accountId, 'see')
    if (!allowed.ok) return allowed
    const known = providers.jira()
    if (!known) return fail('jira_not_available')
    const { state, view } = await keep.see(teamId)
    if (!state || view.status !== 'active') return fail('jira_not_active')

    const of = identityOf(state)
    const before = kept.get(teamId)
    if (before?.of === of && before.until > clock()) return before.read
    // Concurrent callers wait for the same result: members who poll share one budget.
    return readOnce(of, async () => {
      const result = await read(state, known.provider, known.cloud)
      remember(teamId, of, result)
      return result
    })
  }
}

const ofOneDesk: ReadonlySet<AskJiraCode> = new Set(['jira_forbidden', 'jira_site_not_found'])

/** No site could be read: return the error that helps most, from whichever site. */
const weight: readonly AskJiraCode[] = [
  'needs_reauthorization',
  'not_connected',
  'provider_rate_limited',
  'jira_scope_missing',
  'provider_unavailable',
  'jira_forbidden',
  'jira_site_not_found',
]
function ofAll(errors: readonly AppError<AskJiraCode>[]): AppError<QueuesCode> {
  const [worst] = [...errors].sort((a, b) => weight.indexOf(a.code) - weight.indexOf(b.code))
  if (!worst || isNotActive(worst)) return fail('jira_not_active', undefined, { cause: worst?.code }).error
  return worst as AppError<Exclude<AskJiraCode, NotActive>>
}
const notActive: ReadonlySet<AskJiraCode> = new Set<NotActive>([
  'needs_reauthorization',
  'not_connected',
  'jira_site_not_found',
])
const isNotActive = ({ code }: AppError<AskJiraCode>): boolean => notActive.has(code)
