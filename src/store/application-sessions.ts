import { and, asc, count, desc, eq, exists, gt, inArray, isNull, lt, type SQL, sql } from 'drizzle-orm'
import type { ApplicationSessionStore } from '../applications/ports.ts'
import { accountColumns } from './accounts.ts'
import { endExcessSignIns, mostSignInsOfAccount, queueNotices } from './application-endings.ts'
import { accountLock, type Change, type ChangeParts, scriptOf } from './change.ts'
import { type Driver, placeholderFor, step } from './driver.ts'
import { endedAtOf, idleExpiresAtOf, live } from './endings.ts'

export function applicationSessionStore(
  { db, tables: t, reads, readLong, waitingWrites }: Driver,
  change: Change,
  parts: ChangeParts,
): ApplicationSessionStore {
  const { applicationSessions: a, sessions: s, accounts, applications } = t
  const at = placeholderFor('at', a.rotatedAt)
  const id = sql.placeholder('id')

  const found = reads(
    db
      .select({
        own: a,
        applicationDisabledAt: applications.disabledAt,
        account: accountColumns(t),
        session: { idleExpiresAt: idleExpiresAtOf(t), absoluteExpiresAt: s.absoluteExpiresAt, endedAt: endedAtOf(t) },
      })
      .from(a)
      .innerJoin(s, eq(s.id, a.sessionId))
      .innerJoin(accounts, eq(accounts.id, a.accountId))
      .innerJoin(applications, eq(applications.id, a.applicationId))
      .where(eq(a.id, id)),
  )

  /** The device session is alive and its account enabled: an ended session ends the tokens of every application. */
  const liveSession = (when: Date | SQL) =>
    exists(
      db
        .select({ one: sql`1` })
        .from(s)
        .innerJoin(accounts, eq(accounts.id, s.accountId))
        .where(and(eq(s.id, a.sessionId), live(t, when), isNull(accounts.disabledAt))),
    )
  const rotating = waitingWrites(
    db
      .update(a)
      .set({
        generation: sql`${a.generation} + 1`,
        // Presenting a generation counts as using it.
        usedGeneration: sql`${a.generation}`,
        rotatedAt: at,
        idleExpiresAt: placeholderFor('idleExpiresAt', a.idleExpiresAt),
      })
      .where(
        and(
          eq(a.id, id),
          eq(a.applicationId, sql.placeholder('applicationId')),
          eq(a.generation, placeholderFor('generation', a.generation)),
          isNull(a.endedAt),
          gt(a.idleExpiresAt, at),
          gt(a.absoluteExpiresAt, at),
          liveSession(at),
        ),
      )
      .returning(),
    // As for sessions: if the first run was committed, the refresh is answered with the current generation.
    { repeatable: true },
  )
  const marking = waitingWrites(
    db
      .update(a)
      .set({ usedGeneration: placeholderFor('generation', a.usedGeneration) })
      .where(and(eq(a.id, id), lt(a.usedGeneration, placeholderFor('generation', a.usedGeneration)))),
    { repeatable: true },
  )

  const isAlive = (when: Date): SQL =>
    and(isNull(a.endedAt), gt(a.idleExpiresAt, when), gt(a.absoluteExpiresAt, when)) ?? sql`true`

  /** Whether the account has as many open rows as it may. Part of another statement: nearly every account has fewer. */
  const isFull = sql<boolean>`${exists(
    db
      .select({ one: sql`1` })
      .from(a)
      .where(and(eq(a.accountId, accounts.id), isNull(a.endedAt)))
      .limit(1)
      .offset(mostSignInsOfAccount - 1),
  )}`

  return {
    async countUsers(applicationIds, when, most) {
      // One statement for each: in a subquery PostgreSQL plans for an unknown application, and scans the whole table.
      // One after another: together they would take every connection that transactions use.
      const counts = new Map<string, number>()
      for (const id of applicationIds) {
        const signedIn = db
          .select({ accountId: a.accountId })
          .from(a)
          .where(and(eq(a.applicationId, id), isAlive(when)))
          .groupBy(a.accountId)
          // In the order of the index, so that it stops at the limit.
          .orderBy(asc(a.accountId))
          .limit(most)
          .as('signed_in')
        const [counted] = await readLong(db.select({ users: count() }).from(signedIn))
        counts.set(id, counted?.users ?? 0)
      }
      return counts
    },

    async users(applicationId, { after, limit }, when) {
      const last = sql<number>`max(${a.createdAt})`
      const alive = sql<number>`sum(case when ${isAlive(when)} then 1 else 0 end)`
      const rows = await readLong(
        db
          .select({
            accountId: a.accountId,
            lastSignedInAt: last.mapWith(a.createdAt),
            alive: alive.mapWith(Number),
          })
          .from(a)
          .where(and(eq(a.applicationId, applicationId), gt(a.accountId, after)))
          .groupBy(a.accountId)
          .orderBy(asc(a.accountId))
          .limit(limit),
      )
      if (rows.length === 0) return []
      const known = await readLong(
        db
          .select({ id: accounts.id, name: accounts.name, email: accounts.email })
          .from(accounts)
          .where(
            inArray(
              accounts.id,
              rows.map((row) => row.accountId),
            ),
          ),
      )
      const byId = new Map(known.map((one) => [one.id, one]))
      return rows.map((row) => ({
        accountId: row.accountId,
        name: byId.get(row.accountId)?.name ?? null,
        email: byId.get(row.accountId)?.email ?? null,
        lastSignedInAt: row.lastSignedInAt,
        isSignedIn: row.alive > 0,
      }))
    },

    start(session, most, including, because) {
      const { script, locks } = scriptOf(including)
      const { accountId } = session
      return change(
        function* (tx, note) {
          const now = session.createdAt
          // Writes the row, so that a concurrent sign-out comes either before or after.
          const [device] = yield* step(
            tx
              .update(s)
              .set({ lastSeenAt: now })
              .where(and(eq(s.id, session.sessionId), eq(s.accountId, accountId), live(t, now)))
              .returning({ id: s.id }),
          )
          const [account] = yield* step(
            tx
              .select({ isFull: isFull.mapWith(Boolean) })
              .from(accounts)
              .where(and(eq(accounts.id, accountId), isNull(accounts.disabledAt))),
          )
          const [application] = yield* step(
            tx
              .select({ id: applications.id })
              .from(applications)
              .where(and(eq(applications.id, session.applicationId), isNull(applications.disabledAt))),
          )
          if (!device || !account || !application || !(yield* script(tx, note))) return false
          const known = yield* step(
            tx
              .select({ id: a.id })
              .from(a)
              .where(
                and(eq(a.sessionId, session.sessionId), eq(a.applicationId, session.applicationId), isNull(a.endedAt)),
              )
              .orderBy(desc(a.createdAt), desc(a.id))
              .limit(most * 2)
              .offset(most - 1),
          )
          const excess = known.map((one) => one.id)
          if (excess.length > 0) yield* step(tx.update(a).set({ endedAt: now }).where(inArray(a.id, excess)))
          yield* step(tx.insert(a).values(session))
          if (account.isFull) yield* endExcessSignIns(tx, t, parts, { accountId, spare: session.id, at: now })
          yield* note(because)
          return true
        },
        // Of two concurrent sign-ins of an account, the second counts the row of the first.
        [...locks, accountLock(accountId)],
      )
    },

    async find(which) {
      const [row] = await found({ id: which })
      const { own, account, session, applicationDisabledAt } = row ?? {}
      return own && account && session && { ...own, account, session, isDisabled: applicationDisabledAt !== null }
    },

    async rotate(of, when, idleExpiresAt) {
      const [rotated] = await rotating({ ...of, at: when, idleExpiresAt })
      return rotated
    },

    async markUsed(which, generation) {
      await marking({ id: which, generation })
    },

    end: (which, when, because) =>
      change(function* (tx, note) {
        const ended = yield* step(
          tx
            .update(a)
            .set({ endedAt: when })
            .where(and(eq(a.id, which), isNull(a.endedAt)))
            .returning(),
        )
        if (ended.length === 0) return false
        yield* note(because)
        return true
      }),

    endAll: ({ sessionId, applicationId, only }, when, because) =>
      change(function* (tx, note) {
        const open = yield* step(
          tx
            .select({ id: a.id })
            .from(a)
            .where(and(eq(a.sessionId, sessionId), eq(a.applicationId, applicationId), isNull(a.endedAt)))
            .orderBy(asc(a.id)),
        )
        const ending = open.flatMap(({ id: one }) => (only === undefined || one === only ? [one] : []))
        if (ending.length === 0) return 0
        const ended = yield* step(
          tx
            .update(a)
            .set({ endedAt: when })
            .where(and(inArray(a.id, ending), isNull(a.endedAt)))
            .returning(),
        )
        if (ending.length === open.length) yield* queueNotices(tx, t, parts, ended)
        yield* note(because)
        return ended.length
      }),
  }
}
