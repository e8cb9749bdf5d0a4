import type { AppError } from '../errors/catalogue.ts'
import { internalOrigin } from '../events/catalogue.ts'
import { createBounded } from '../kernel/bounded.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import type { Random } from '../kernel/ids.ts'
import type { Providers } from '../providers/providers.ts'
import { afterSitesFailure, afterSitesRead } from '../teams/jira.ts'
import type { JiraError, JiraStore, StoredJiraIntegration } from '../teams/ports.ts'
import type { AskJira, AskJiraCode } from './ask-jira.ts'

type SyncJiraSitesParts = { jira: JiraStore; providers: Providers; ask: AskJira; clock: Clock; random: Random }

const errors: Readonly<Record<AskJiraCode, JiraError>> = {
  needs_reauthorization: 'invalid_grant',
  not_connected: 'invalid_grant',
  provider_rate_limited: 'rate_limited',
  provider_unavailable: 'transient',
  jira_forbidden: 'transient',
  jira_site_not_found: 'transient',
  jira_scope_missing: 'scopes_reduced',
}

/** Teams per batch, teams synced concurrently, and the time a worker may take for them. */
const batch = 20
const atOnce = 4
const leaseSeconds = 300

/** Reads which sites a team's consent reaches, and reports what changed. */
export function syncJiraSites({ jira, providers, ask, clock, random }: SyncJiraSitesParts) {
  /** Syncs one team. If the list cannot be read, only the time of the next try changes. */
  const one = async (integration: StoredJiraIntegration): Promise<AppError<AskJiraCode> | null> => {
    const { teamId, provider, issuer, clientId, subject, connectedBy } = integration
    const known = providers.jira()
    // No provider is configured for Jira. The teams keep their sites.
    if (known?.provider.id !== provider || known.provider.clientId !== clientId) return null
    if (!known.provider.speaksFor(issuer)) return null
    const key = { provider, issuer, clientId, subject, holder: teamId }
    const found = await ask(known.provider, key, (accessToken) => known.cloud.sites({ accessToken }))
    const at = clock()
    const read = found.ok
      ? afterSitesRead(teamId, found.value, { at, random, isNewConsent: false })
      : afterSitesFailure(errors[found.error.code], {
          at,
          random,
          isNewConsent: false,
          retryAfter: found.error.retryAfter ?? 0,
        })
    await jira.synced(integration, read, at, (drift) =>
      drift.map((change) => ({
        name: 'jira.drifted',
        accountId: connectedBy,
        origin: internalOrigin,
        data: { team: teamId, change },
      })),
    )
    return found.ok ? null : found.error
  }

  return {
    one,

    /**
     * Syncs the teams that are due. A failure of one team does not affect the others; a defect is reported after all of
     * them. When `stopping` is aborted, it starts no further team: another node syncs those once their lease is over.
     */
    async due(stopping: AbortSignal): Promise<void> {
      const defects: unknown[] = []
      const unlessStopping = async (integration: StoredJiraIntegration) => stopping.aborted || one(integration)
      while (!stopping.aborted) {
        const at = clock()
        const taken = await jira.due(batch, at, secondsAfter(at, leaseSeconds))
        const bounded = createBounded('sites', { atOnce, waiting: batch })
        const looked = await Promise.allSettled(taken.map((integration) => bounded(() => unlessStopping(integration))))
        for (const look of looked) if (look.status === 'rejected') defects.push(look.reason)
        if (taken.length < batch) break
      }
      if (defects.length > 0) throw defects.length === 1 ? defects[0] : new AggregateError(defects)
    },
  }
}
export type SyncJiraSites = ReturnType<typeof syncJiraSites>
