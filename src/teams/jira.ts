import type { StoredGrant } from '../connections/ports.ts'
import { secondsAfter } from '../kernel/clock.ts'
import { chance, type Random } from '../kernel/ids.ts'
import type { JiraDrift, JiraError, JiraSite, JiraState, JiraStatus, ReadSites, SiteReading } from './ports.ts'

/** A site in Jira's latest list. */
export type ListedSite = Pick<JiraSite, 'cloudId' | 'name' | 'url' | 'scopes'>

type GrantState = Pick<StoredGrant, 'status' | 'lastError' | 'scopes'>

export const reachable = (sites: readonly JiraSite[]): readonly JiraSite[] =>
  sites.filter(({ goneAt }) => goneAt === null)

/** The reachable sites that the team chose. */
export const inUse = (sites: readonly JiraSite[]): readonly JiraSite[] =>
  reachable(sites).filter(({ chosen }) => chosen)

/** The status of a connection. Pure. */
export function jiraStatus(state: JiraState | undefined, grant: GrantState | undefined): JiraStatus {
  if (!state) return 'not_connected'
  if (state.connectorDisabled) return 'needs_reauthorization'
  if (!grant || grant.status === 'needs_reauthorization' || grant.status === 'revoked') return 'needs_reauthorization'
  return inUse(state.sites).length > 0 ? 'active' : 'choose_site'
}

/** The most serious problem of a connection, for its card; `null` if there is none. Pure. */
export function jiraProblem(state: JiraState, grant: GrantState | undefined): JiraError | null {
  const { integration, sites, connectorDisabled } = state
  const { lastError, lastSyncAt, syncStatus } = integration
  if (connectorDisabled) return 'connector_disabled'
  if (jiraStatus(state, grant) === 'needs_reauthorization')
    return lastError === 'connector_left' ? lastError : 'invalid_grant'
  if (grant?.lastError === 'client_misconfigured') return grant.lastError
  if (syncStatus === 'failed') return lastError
  if (lastSyncAt !== null && reachable(sites).length === 0 && !sites.some(({ chosen }) => chosen)) return 'no_sites'
  if (sites.some(({ chosen, goneAt }) => chosen && goneAt !== null)) return 'sites_gone'
  return inUse(sites).some((site) => hasLostScopes(site, grant?.scopes ?? [])) ? 'scopes_reduced' : null
}

/** Whether a site no longer allows all Jira scopes of the consent. */
const hasLostScopes = ({ scopes }: JiraSite, granted: readonly string[]): boolean =>
  granted.some((scope) => /jira|servicedesk/.test(scope) && !scopes.includes(scope))

/**
 * Merges the latest list into the known sites. Pure. A site that disappeared is kept, in case it returns. If exactly
 * one site is reachable, it is chosen automatically. The exception is a team that chose another site that is now gone:
 * then it must choose again or reconnect.
 */
export function mergeSites(
  teamId: string,
  known: readonly JiraSite[],
  found: readonly ListedSite[],
  at: Date,
  isNewConsent: boolean,
): { readonly sites: readonly JiraSite[]; readonly drift: readonly JiraDrift[] } {
  const before = new Map(known.map((site) => [site.cloudId, site]))
  const here = new Set(found.map(({ cloudId }) => cloudId))
  const drift: JiraDrift[] = []
  const sites: JiraSite[] = found.map((site) => {
    const old = before.get(site.cloudId)
    if (!old) return { teamId, ...site, chosen: false, foundAt: at, goneAt: null }
    if (old.goneAt !== null) drift.push('site_back')
    if (old.name !== site.name || old.url !== site.url) drift.push('site_renamed')
    if (old.scopes.some((scope) => !site.scopes.includes(scope))) drift.push('scopes_reduced')
    return { ...old, ...site, goneAt: null }
  })
  for (const site of known) {
    if (here.has(site.cloudId)) continue
    if (site.goneAt === null) drift.push('site_gone')
    // After reconnecting, the list belongs to another consent. Drop old sites that were not chosen.
    if (!isNewConsent || site.chosen) sites.push({ ...site, goneAt: site.goneAt ?? at })
  }
  const [only, ...more] = reachable(sites)
  const alone = only !== undefined && more.length === 0 && (isNewConsent || !sites.some(({ chosen }) => chosen))
  return { sites: alone ? sites.map((site) => (site === only ? { ...site, chosen: true } : site)) : sites, drift }
}

/** How often the list of sites is read, and the first retry after a failure, in seconds. */
const everySeconds = 6 * 3600
const firstRetrySeconds = 60

/** The result of a successful read of the list of sites. */
export function afterSitesRead(
  teamId: string,
  found: readonly ListedSite[],
  { at, random, isNewConsent }: { at: Date; random: Random; isNewConsent: boolean },
): ReadSites {
  return (known): SiteReading => ({
    ...mergeSites(teamId, known?.sites ?? [], found, at, isNewConsent),
    lastSyncAt: at,
    syncStatus: 'ok',
    lastError: null,
    nextSyncAt: spread(at, everySeconds, random),
  })
}

/**
 * The result of a failed read: known sites are kept. Retries start after a minute and become less frequent.
 * `retryAfter`, in seconds, comes from Jira.
 */
export function afterSitesFailure(
  error: JiraError,
  {
    at,
    random,
    isNewConsent,
    retryAfter = 0,
  }: { at: Date; random: Random; isNewConsent: boolean; retryAfter?: number },
): ReadSites {
  return (known): SiteReading => {
    const before = known?.integration
    const again = before?.syncStatus === 'failed' && !isNewConsent
    const waited = again ? (at.getTime() - before.updatedAt.getTime()) / 1000 : 0
    const seconds = Math.max(firstRetrySeconds, retryAfter, Math.min(2 * waited, everySeconds))
    return {
      sites: known?.sites ?? [],
      drift: [],
      syncStatus: 'failed',
      lastError: error,
      lastSyncAt: isNewConsent ? null : (before?.lastSyncAt ?? null),
      nextSyncAt: spread(at, seconds, random),
    }
  }
}

/** Adds up to a quarter, so that jobs that started together do not all run again together. */
const spread = (at: Date, seconds: number, random: Random): Date => secondsAfter(at, seconds * (1 + chance(random) / 4))
