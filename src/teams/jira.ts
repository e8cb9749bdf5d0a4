import type { StoredGrant } from '../connections/ports.ts'
import { secondsAfter } from '../kernel/clock.ts'
import { chance, type Random } from '../kernel/ids.ts'
import type { JiraDrift, JiraError, JiraSite, JiraState, JiraStatus, ReadSites, SiteReading } from './ports.ts'

/** A site as Jira just listed it. */
export type SiteFound = Pick<JiraSite, 'cloudId' | 'name' | 'url' | 'scopes'>

type Lent = Pick<StoredGrant, 'status' | 'lastError' | 'scopes'>

export const reachable = (sites: readonly JiraSite[]): readonly JiraSite[] =>
  sites.filter(({ goneAt }) => goneAt === null)

/** The sites whose Jira may be asked. */
export const inUse = (sites: readonly JiraSite[]): readonly JiraSite[] =>
  reachable(sites).filter(({ chosen }) => chosen)

/** Whether a connection works. Pure. */
export function jiraStatus(state: JiraState | undefined, grant: Lent | undefined): JiraStatus {
  if (!state) return 'not_connected'
  if (state.connectorDisabled) return 'needs_reauthorization'
  if (!grant || grant.status === 'needs_reauthorization' || grant.status === 'revoked') return 'needs_reauthorization'
  return inUse(state.sites).length > 0 ? 'active' : 'choose_site'
}

/** The worst that is wrong with a connection, for its card; `null`: nothing. Pure. */
export function jiraProblem(state: JiraState, grant: Lent | undefined): JiraError | null {
  const { integration, sites, connectorDisabled } = state
  const { lastError, lastSyncAt, syncStatus } = integration
  if (connectorDisabled) return 'connector_disabled'
  if (jiraStatus(state, grant) === 'needs_reauthorization')
    return lastError === 'connector_left' ? lastError : 'invalid_grant'
  if (grant?.lastError === 'client_misconfigured') return grant.lastError
  if (syncStatus === 'failed') return lastError
  if (lastSyncAt !== null && reachable(sites).length === 0 && !sites.some(({ chosen }) => chosen)) return 'no_sites'
  if (sites.some(({ chosen, goneAt }) => chosen && goneAt !== null)) return 'sites_gone'
  return inUse(sites).some((site) => lacks(site, grant?.scopes ?? [])) ? 'scopes_reduced' : null
}

/** Whether a site no longer gives what the consent gave for Jira. */
const lacks = ({ scopes }: JiraSite, granted: readonly string[]): boolean =>
  granted.some((scope) => /jira|servicedesk/.test(scope) && !scopes.includes(scope))

/**
 * The sites known, as the list just read leaves them. Pure. One that vanished stays, in case it comes back; one is the
 * team's by itself where there is no choice: the only one within reach, unless another was chosen before and is gone, which
 * only somebody who connects anew says that they mean.
 */
export function mergeSites(
  teamId: string,
  known: readonly JiraSite[],
  found: readonly SiteFound[],
  at: Date,
  anew: boolean,
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
    // Who connects anew has other sites; of the ones before, those nobody uses are of no interest.
    if (!anew || site.chosen) sites.push({ ...site, goneAt: site.goneAt ?? at })
  }
  const [only, ...more] = reachable(sites)
  const alone = only !== undefined && more.length === 0 && (anew || !sites.some(({ chosen }) => chosen))
  return { sites: alone ? sites.map((site) => (site === only ? { ...site, chosen: true } : site)) : sites, drift }
}

/** How often the list of sites is read, and how soon again after it could not be, in seconds. */
const everySeconds = 6 * 3600
const firstRetrySeconds = 60

/** Sites as they were just listed, by the consent the team has. */
export function sitesRead(
  teamId: string,
  found: readonly SiteFound[],
  { at, random, anew }: { at: Date; random: Random; anew: boolean },
): ReadSites {
  return (known): SiteReading => ({
    ...mergeSites(teamId, known?.sites ?? [], found, at, anew),
    lastSyncAt: at,
    syncStatus: 'ok',
    lastError: null,
    nextSyncAt: spread(at, everySeconds, random),
  })
}

/**
 * The list could not be read: what is known stays. It is tried again after a minute, and ever longer while it goes on
 * failing; `retryAfter`, in seconds, is what Jira asked for.
 */
export function sitesUnread(
  error: JiraError,
  { at, random, anew, retryAfter = 0 }: { at: Date; random: Random; anew: boolean; retryAfter?: number },
): ReadSites {
  return (known): SiteReading => {
    const before = known?.integration
    const again = before?.syncStatus === 'failed' && !anew
    const waited = again ? (at.getTime() - before.updatedAt.getTime()) / 1000 : 0
    const seconds = Math.max(firstRetrySeconds, retryAfter, Math.min(2 * waited, everySeconds))
    return {
      sites: known?.sites ?? [],
      drift: [],
      syncStatus: 'failed',
      lastError: error,
      lastSyncAt: anew ? null : (before?.lastSyncAt ?? null),
      nextSyncAt: spread(at, seconds, random),
    }
  }
}

/** Up to a quarter later: what began together does not come round together. */
const spread = (at: Date, seconds: number, random: Random): Date => secondsAfter(at, seconds * (1 + chance(random) / 4))
