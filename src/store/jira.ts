import { and, asc, eq, exists, inArray, isNull, lte, sql } from 'drizzle-orm'
import type { Ids } from '../kernel/ids.ts'
import type { JiraSite, JiraState, JiraStore, NewJira, StoredJiraIntegration } from '../teams/ports.ts'
import type { Change } from './change.ts'
import { otherConsent, sameConsent } from './consents.ts'
import { type Driver, type Queries, type Script, step } from './driver.ts'
import { live } from './endings.ts'
import { lockTeam } from './team-locks.ts'
import { lockTeamIfAllowed } from './teams.ts'
import { eraseGrants } from './withdrawals.ts'

/** Rows of one INSERT: see `change.ts`. */
const rowsAtOnce = 50

export function jiraStore({ db, tables: t, read, write }: Driver, change: Change, ids: Ids): JiraStore {
  const { jiraIntegrations: j, jiraSites: s, grants: g, accounts: a } = t

  const integrationOf = (tx: Queries, teamId: string) =>
    tx
      .select({ integration: j, disabledAt: a.disabledAt })
      .from(j)
      .leftJoin(a, eq(a.id, j.connectedBy))
      .where(eq(j.teamId, teamId))
  const sitesOf = (tx: Queries, teamId: string) =>
    tx.select().from(s).where(eq(s.teamId, teamId)).orderBy(asc(s.name), asc(s.cloudId))

  function* stateOf(tx: Queries, teamId: string): Script<JiraState | undefined> {
    const [found] = yield* step(integrationOf(tx, teamId))
    return found && stateFrom(found, yield* step(sitesOf(tx, teamId)))
  }

  function* writeSites(tx: Queries, teamId: string, sites: readonly JiraSite[]): Script<void> {
    yield* step(tx.delete(s).where(eq(s.teamId, teamId)))
    for (let from = 0; from < sites.length; from += rowsAtOnce)
      yield* step(tx.insert(s).values(sites.slice(from, from + rowsAtOnce)))
  }

  /**
   * Stores the tokens of a consent in the team's row for it. The team is locked, so no other transaction inserts one.
   */
  function* keepGrant(tx: Queries, { teamId, consent, newGrantId, tokens, at }: NewJira): Script<void> {
    const key = and(sameConsent(g, consent), eq(g.holder, teamId))
    const healthy = { status: 'healthy' as const, failures: 0, lastError: null, lastErrorAt: null }
    const fresh = { ...healthy, consentedAt: at, usedAt: at, updatedAt: at, leaseOwner: null, leaseUntil: null }
    const [known] = yield* step(tx.select({ id: g.id }).from(g).where(key))
    if (known) {
      const [kept] = yield* step(
        tx
          .update(g)
          .set({ ...tokens(known.id), ...fresh, fence: sql<number>`${g.fence} + 1` })
          .where(eq(g.id, known.id))
          .returning({ id: g.id }),
      )
      if (kept) return
    }
    const { provider, issuer, clientId, subject } = consent
    const row = { id: newGrantId, provider, issuer, clientId, subject, holder: teamId, ...tokens(newGrantId), ...fresh }
    yield* step(tx.insert(g).values({ ...row, refreshedAt: null, fence: 1 }))
  }

  return {
    async find(teamId) {
      // Read the sites first: a concurrent disconnect then shows sites without an integration, never an integration
      // without its sites.
      const sites = await read(sitesOf(db, teamId))
      const [found] = await read(integrationOf(db, teamId))
      return found && stateFrom(found, sites)
    },

    connect: (jira, allows, reading, because) =>
      change(function* (tx, note) {
        const { teamId, by, sessionId, consent, subjectName, at } = jira
        const found = yield* lockTeamIfAllowed(tx, t, jira, allows)
        if (typeof found === 'string') return found
        const ownSession = and(eq(t.sessions.id, sessionId), eq(t.sessions.accountId, by), live(t, at))
        const [session] = yield* step(tx.select({ id: t.sessions.id }).from(t.sessions).where(ownSession))
        if (!session) return 'session_revoked'
        const before = yield* stateOf(tx, teamId)
        const whose = { accountId: before?.integration.connectedBy ?? by, teamId, at }
        yield* eraseGrants(tx, t, ids, and(eq(g.holder, teamId), otherConsent(g, consent)), whose)
        yield* keepGrant(tx, jira)
        const { sites, drift: _, ...sync } = reading(before)
        const row = { ...consent, subjectName, connectedBy: by, connectedAt: at, ...sync, updatedAt: at }
        yield* step(
          tx
            .insert(j)
            .values({ teamId, ...row })
            .onConflictDoUpdate({ target: j.teamId, set: row }),
        )
        yield* writeSites(tx, teamId, sites)
        const handedOver = before !== undefined && before.integration.connectedBy !== by
        yield* note(because({ handedOver, sites: sites.filter(({ goneAt }) => goneAt === null).length }))
        return 'connected'
      }),

    choose: ({ cloudIds, at, ...request }, allows, because) =>
      change(function* (tx, note) {
        const { teamId } = request
        const found = yield* lockTeamIfAllowed(tx, t, request, allows)
        if (typeof found === 'string') return found
        const state = yield* stateOf(tx, teamId)
        if (!state) return 'jira_not_connected'
        const within = new Set(state.sites.flatMap(({ cloudId, goneAt }) => (goneAt === null ? [cloudId] : [])))
        if (!cloudIds.every((cloudId) => within.has(cloudId))) return 'jira_site_not_found'
        yield* step(tx.update(s).set({ chosen: false }).where(eq(s.teamId, teamId)))
        yield* step(
          tx
            .update(s)
            .set({ chosen: true })
            .where(and(eq(s.teamId, teamId), inArray(s.cloudId, [...cloudIds]))),
        )
        yield* note(because)
        return 'chosen'
      }),

    disconnect: ({ at, ...request }, allows, because) =>
      change(function* (tx, note) {
        const { teamId, by } = request
        const found = yield* lockTeamIfAllowed(tx, t, request, allows)
        if (typeof found === 'string') return found
        const [deleted] = yield* step(tx.delete(j).where(eq(j.teamId, teamId)).returning())
        if (!deleted) return 'jira_not_connected'
        yield* eraseGrants(tx, t, ids, eq(g.holder, teamId), { accountId: deleted.connectedBy ?? by, teamId, at })
        yield* note(because)
        return 'disconnected'
      }),

    async due(limit, at, until) {
      // Skips connections whose connector has left the team or is disabled. There is nothing to read until the
      // connector is enabled again or someone reconnects.
      const connector = and(eq(a.id, j.connectedBy), isNull(a.disabledAt))
      const ready = and(lte(j.nextSyncAt, at), exists(db.select({ id: a.id }).from(a).where(connector)))
      const next = db
        .select({ teamId: j.teamId })
        .from(j)
        .where(ready)
        .orderBy(asc(j.nextSyncAt), asc(j.teamId))
        .limit(limit)
      // The condition is checked again outside the list: a worker that waited for a row sees that it is no longer due.
      const claimed = await write(
        db
          .update(j)
          .set({ nextSyncAt: until })
          .where(and(inArray(j.teamId, next), ready))
          .returning(),
      )
      return claimed.sort((a, b) => (a.teamId < b.teamId ? -1 : 1))
    },

    synced: ({ teamId, provider, issuer, clientId, subject, connectedAt }, reading, at, because) =>
      change(function* (tx, note) {
        yield* lockTeam(tx, t, teamId)
        const state = yield* stateOf(tx, teamId)
        const still =
          state && consentOf(state.integration) === consentOf({ provider, issuer, clientId, subject, connectedAt })
        if (!still) return false
        const { sites, drift, ...sync } = reading(state)
        yield* writeSites(tx, teamId, sites)
        yield* step(
          tx
            .update(j)
            .set({ ...sync, updatedAt: at })
            .where(eq(j.teamId, teamId)),
        )
        yield* note(because(drift))
        return true
      }),

    async hurry(teamId, at) {
      await write(db.update(j).set({ nextSyncAt: at }).where(eq(j.teamId, teamId)))
    },
  }
}

const stateFrom = (
  { integration, disabledAt }: { readonly integration: StoredJiraIntegration; readonly disabledAt: Date | null },
  sites: readonly JiraSite[],
): JiraState => ({ integration, sites, connectorDisabled: disabledAt !== null })

/** Identifies one consent: it changes when someone connects again. */
const consentOf = (
  of: Pick<StoredJiraIntegration, 'provider' | 'issuer' | 'clientId' | 'subject' | 'connectedAt'>,
): string => JSON.stringify([of.provider, of.issuer, of.clientId, of.subject, of.connectedAt.getTime()])
