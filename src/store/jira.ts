import { and, asc, eq, inArray, isNotNull, lte, ne, or, type SQL, sql } from 'drizzle-orm'
import type { Fact } from '../events/catalogue.ts'
import type { Ids } from '../kernel/ids.ts'
import type { JiraSite, JiraState, JiraStore, NewJira, StoredJiraIntegration } from '../teams/ports.ts'
import type { Change, Note } from './change.ts'
import { type Driver, type Queries, type Script, step } from './driver.ts'
import { elsewhere, live } from './endings.ts'
import type { Tables } from './schema.ts'
import { holdTeam } from './team-holds.ts'
import { withdrawGrants } from './withdrawals.ts'

/** Rows of one INSERT: see `change.ts`. */
const rowsAtOnce = 50

export function jiraStore({ db, tables: t, read, write }: Driver, change: Change, ids: Ids): JiraStore {
  const { jiraIntegrations: j, jiraSites: s, grants: g, teamMembers: m } = t

  const integrationOf = (tx: Queries, teamId: string) => tx.select().from(j).where(eq(j.teamId, teamId))
  const sitesOf = (tx: Queries, teamId: string) =>
    tx.select().from(s).where(eq(s.teamId, teamId)).orderBy(asc(s.name), asc(s.cloudId))

  function* stateOf(tx: Queries, teamId: string): Script<JiraState | undefined> {
    const [integration] = yield* step(integrationOf(tx, teamId))
    return integration && { integration, sites: yield* step(sitesOf(tx, teamId)) }
  }

  function* writeSites(tx: Queries, teamId: string, sites: readonly JiraSite[]): Script<void> {
    yield* step(tx.delete(s).where(eq(s.teamId, teamId)))
    for (let from = 0; from < sites.length; from += rowsAtOnce)
      yield* step(tx.insert(s).values(sites.slice(from, from + rowsAtOnce)))
  }

  /** Why whoever comes back with a consent may no longer connect; `undefined`: they may. */
  function* refusal(
    tx: Queries,
    { teamId, accountId, sessionId, at }: NewJira,
    may: Parameters<JiraStore['connect']>[1],
  ): Script<'not_member' | 'role_required' | 'signed_out' | undefined> {
    const [member] = yield* step(
      tx
        .select({ role: m.role })
        .from(m)
        .where(and(eq(m.teamId, teamId), eq(m.accountId, accountId))),
    )
    if (!member) return 'not_member'
    if (!may(member.role)) return 'role_required'
    const theirs = and(eq(t.sessions.id, sessionId), eq(t.sessions.accountId, accountId), live(t, at))
    const [session] = yield* step(tx.select({ id: t.sessions.id }).from(t.sessions).where(theirs))
    return session ? undefined : 'signed_out'
  }

  /** The consent's tokens in the row the team has for it. Nobody else makes one: the team is held. */
  function* keepGrant(tx: Queries, { teamId, consent, newGrantId, tokens, at }: NewJira): Script<void> {
    const key = and(sameConsent(consent), eq(g.holder, teamId))
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
    const { provider, clientId, subject } = consent
    const row = { id: newGrantId, provider, clientId, subject, holder: teamId, ...tokens(newGrantId), ...fresh }
    yield* step(tx.insert(g).values({ ...row, refreshedAt: null, fence: 1 }))
  }

  const sameConsent = ({ provider, clientId, subject }: NewJira['consent']): SQL | undefined =>
    and(eq(g.provider, provider), eq(g.clientId, clientId), eq(g.subject, subject))
  const otherConsent = ({ provider, clientId, subject }: NewJira['consent']): SQL | undefined =>
    or(ne(g.provider, provider), ne(g.clientId, clientId), ne(g.subject, subject))

  return {
    async find(teamId) {
      // Sites first: whoever disconnects in between leaves sites without an integration, never the other way round.
      const sites = await read(sitesOf(db, teamId))
      const [integration] = await read(integrationOf(db, teamId))
      return integration && { integration, sites }
    },

    connect: (jira, may, reading, because) =>
      change(function* (tx, note) {
        const { teamId, consent, subjectName, accountId, at } = jira
        if (!(yield* holdTeam(tx, t, teamId))) return { tag: 'not_member' }
        const refused = yield* refusal(tx, jira, may)
        if (refused) return { tag: refused }
        const before = yield* stateOf(tx, teamId)
        const whose = { accountId: before?.integration.connectedBy ?? accountId, teamId, at }
        yield* withdrawGrants(tx, t, ids, and(eq(g.holder, teamId), otherConsent(consent)), whose)
        yield* keepGrant(tx, jira)
        const { sites, drift: _, ...sync } = reading(before)
        const row = { ...consent, subjectName, connectedBy: accountId, connectedAt: at, ...sync, updatedAt: at }
        yield* step(
          tx
            .insert(j)
            .values({ teamId, ...row })
            .onConflictDoUpdate({ target: j.teamId, set: row }),
        )
        yield* writeSites(tx, teamId, sites)
        const handedOver = before !== undefined && before.integration.connectedBy !== accountId
        yield* note(because({ handedOver, sites: sites.filter(({ goneAt }) => goneAt === null).length }))
        const state = yield* stateOf(tx, teamId)
        if (!state) throw new Error(`the integration of ${teamId} is gone within its own transaction`)
        return { tag: 'connected', state }
      }),

    choose: (teamId, cloudIds, at, because) =>
      change(function* (tx, note) {
        yield* holdTeam(tx, t, teamId)
        const state = yield* stateOf(tx, teamId)
        const within = new Set(state?.sites.flatMap(({ cloudId, goneAt }) => (goneAt === null ? [cloudId] : [])))
        if (!state || !cloudIds.every((cloudId) => within.has(cloudId))) return false
        yield* step(tx.update(s).set({ chosen: false }).where(eq(s.teamId, teamId)))
        yield* step(
          tx
            .update(s)
            .set({ chosen: true })
            .where(and(eq(s.teamId, teamId), inArray(s.cloudId, [...cloudIds]))),
        )
        yield* step(tx.update(j).set({ updatedAt: at }).where(eq(j.teamId, teamId)))
        yield* note(because)
        return true
      }),

    disconnect: (teamId, by, at, because) =>
      change(function* (tx, note) {
        yield* holdTeam(tx, t, teamId)
        const [gone] = yield* step(tx.delete(j).where(eq(j.teamId, teamId)).returning())
        if (!gone) return false
        yield* withdrawGrants(tx, t, ids, eq(g.holder, teamId), { accountId: gone.connectedBy ?? by, teamId, at })
        yield* note(because)
        return true
      }),

    async due(limit, at, until) {
      // Who left took the consent with them: there is nothing to read before somebody connects anew.
      const ready = and(lte(j.nextSyncAt, at), isNotNull(j.connectedBy))
      const next = db
        .select({ teamId: j.teamId })
        .from(j)
        .where(ready)
        .orderBy(asc(j.nextSyncAt), asc(j.teamId))
        .limit(limit)
      // Asked again outside the list: a worker that waited for a row sees that it is no longer due.
      const taken = await write(
        db
          .update(j)
          .set({ nextSyncAt: until })
          .where(and(inArray(j.teamId, next), ready))
          .returning(),
      )
      return taken.sort((a, b) => (a.teamId < b.teamId ? -1 : 1))
    },

    synced: ({ teamId, provider, clientId, subject, connectedAt }, reading, at, because) =>
      change(function* (tx, note) {
        yield* holdTeam(tx, t, teamId)
        const state = yield* stateOf(tx, teamId)
        const still = state && consentOf(state.integration) === consentOf({ provider, clientId, subject, connectedAt })
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

/** The same for as long as nobody connects anew. */
const consentOf = (of: Pick<StoredJiraIntegration, 'provider' | 'clientId' | 'subject' | 'connectedAt'>): string =>
  JSON.stringify([of.provider, of.clientId, of.subject, of.connectedAt.getTime()])

/**
 * Whoever connected these teams leaves them, or is erased, in the transaction of the change that says so: their consent goes
 * with them, and the sites stay for whoever connects next. Told to the owners and admins who are left. The teams are held.
 */
export function* connectorLeaves(
  tx: Queries,
  t: Tables,
  ids: Ids,
  note: Note,
  { accountId, teamId, at }: { accountId: string; teamId?: string; at: Date },
  because: readonly Fact[],
): Script<void> {
  const { jiraIntegrations: j, grants: g, teamMembers: m } = t
  const orphaned = yield* step(
    tx
      .update(j)
      .set({ connectedBy: null, syncStatus: 'failed', lastError: 'connector_left', updatedAt: at })
      .where(and(eq(j.connectedBy, accountId), teamId === undefined ? undefined : eq(j.teamId, teamId)))
      .returning({ teamId: j.teamId }),
  )
  for (const { teamId: team } of orphaned) {
    yield* withdrawGrants(tx, t, ids, eq(g.holder, team), { accountId, teamId: team, at })
    const leaders = yield* step(
      tx
        .select({ id: m.accountId })
        .from(m)
        .where(and(eq(m.teamId, team), inArray(m.role, ['owner', 'admin']), ne(m.accountId, accountId)))
        .orderBy(asc(m.joinedAt), asc(m.accountId)),
    )
    yield* note(
      leaders.map(({ id }) => ({
        ...{ name: 'jira.needs_reauthorization', data: { team, reason: 'connector_left' } },
        ...{ accountId: id, origin: elsewhere(because) },
      })),
    )
  }
}
