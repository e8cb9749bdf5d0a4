import { and, asc, count, eq, gt, inArray, isNotNull, isNull, lt, lte, or, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core'
import { internalOrigin } from '../events/catalogue.ts'
import type { Sweep, SweepName } from '../jobs/ports.ts'
import { doEach } from '../kernel/do-each.ts'
import type { Ids } from '../kernel/ids.ts'
import { eraseRowsOf } from './application-rows.ts'
import { accountLock, type Change } from './change.ts'
import { claimSweep } from './claims.ts'
import { type Driver, step } from './driver.ts'
import { endExcess, maxSessions, sessionsAtOnce } from './endings.ts'
import { inUnlockedRows } from './unlocked-rows.ts'

/** How many applications one batch deletes: many people may have used each of them. */
const applicationsAtOnce = 5

/**
 * Everything that is erased a set time after it has ended: one entry for each kind. A batch is one statement that finds
 * its rows by an index and changes at most `limit` of them.
 */
export function sweepStore(driver: Driver, change: Change, ids: Ids): Readonly<Record<SweepName, Sweep>> {
  const { db, tables: t, read, write } = driver
  const eraseRows = eraseRowsOf(driver)
  type Rows = { readonly table: SQLiteTable; readonly key: SQLiteColumn; readonly oldestFirst: SQLiteColumn }

  /**
   * Selects the rows of a batch first, so that no batch is larger than `limit`. They are locked then: otherwise a row
   * changed at the same moment, such as a rate limit whose window restarts, could be erased because of its old value.
   */
  const batchOf = ({ table, key, oldestFirst }: Rows, over: SQL | undefined, limit: number): SQL =>
    inUnlockedRows(driver, key, db.select({ key }).from(table).where(over).orderBy(asc(oldestFirst)).limit(limit))
  const batch = (rows: readonly unknown[], limit: number) => ({
    swept: rows.length,
    next: rows.length < limit ? undefined : '',
  })
  const deleting =
    (rows: Rows, over: (before: Date) => SQL | undefined): Sweep =>
    async ({ before, limit }) => {
      const some = batchOf(rows, over(before), limit)
      return batch(await write(db.delete(rows.table).where(some).returning({ key: rows.key })), limit)
    }
  const expired = (table: SQLiteTable, key: SQLiteColumn, endsAt: SQLiteColumn): Sweep =>
    deleting({ table, key, oldestFirst: endsAt }, (before) => lt(endsAt, before))

  const entries: Rows = { table: t.audit, key: t.audit.id, oldestFirst: t.audit.at }
  // Written exactly as in the index: a planner uses a partial index only for the condition it was created with.
  const hasPlace = or(isNotNull(t.audit.ip), isNotNull(t.audit.userAgent))
  const isRefusedSignIn = sql`${t.audit.event} = 'authentication.failed'`

  /** A rotation must not touch an index, so expiry has none, and this scans the primary key. */
  const sessions: Sweep = async ({ before, after, limit }) => {
    const s = t.sessions
    const [last] = await read(
      db
        .select({ id: s.id })
        .from(s)
        .where(gt(s.id, after))
        .orderBy(asc(s.id))
        .limit(1)
        .offset(limit - 1),
    )
    const within = last ? and(gt(s.id, after), lte(s.id, last.id)) : gt(s.id, after)
    const over = or(lt(s.endedAt, before), lt(s.idleExpiresAt, before), lt(s.absoluteExpiresAt, before))
    const deleted = await write(db.delete(s).where(and(within, over)).returning({ id: s.id }))
    return { swept: deleted.length, next: last?.id }
  }

  /** Like `sessions`. Rows whose device session was erased, because it had expired, are over too. */
  const applicationSessions: Sweep = async ({ before, after, limit }) => {
    const a = t.applicationSessions
    const [last] = await read(
      db
        .select({ id: a.id })
        .from(a)
        .where(gt(a.id, after))
        .orderBy(asc(a.id))
        .limit(1)
        .offset(limit - 1),
    )
    const within = last ? and(gt(a.id, after), lte(a.id, last.id)) : gt(a.id, after)
    const over = or(lt(a.endedAt, before), lt(a.idleExpiresAt, before), lt(a.absoluteExpiresAt, before))
    const deleted = await write(db.delete(a).where(and(within, over)).returning({ id: a.id }))
    return { swept: deleted.length, next: last?.id }
  }

  /**
   * Accounts with more open sessions than the limit: older than the limit, or written by a node without it. Their next
   * sign-in would end some of the excess, but until then signing out everywhere would cost too much.
   */
  const excessSessions: Sweep = async ({ before: at, after, limit }) => {
    const s = t.sessions
    const open = (...more: (SQL | undefined)[]) => and(isNull(s.endedAt), gt(s.accountId, after), ...more)
    const [last] = await read(
      db
        .select({ accountId: s.accountId })
        .from(s)
        .where(open())
        .orderBy(asc(s.accountId))
        .limit(1)
        .offset(limit - 1),
    )
    const crowded = await read(
      db
        .select({ accountId: s.accountId })
        .from(s)
        .where(open(last && lte(s.accountId, last.accountId)))
        .groupBy(s.accountId)
        .having(gt(count(), maxSessions))
        .orderBy(asc(s.accountId)),
    )
    let swept = 0
    let again = false
    const failures = await doEach(crowded, async ({ accountId }) => {
      const ended = await change(
        (tx, note) => endExcess(tx, t, note, { accountId, spare: null, at }, internalOrigin),
        [accountLock(accountId)],
      )
      swept += ended.sessions.length
      if (ended.size === sessionsAtOnce) again = true
    })
    return { swept, next: again ? after : last?.accountId, failures }
  }

  /**
   * Applications that nobody registered but they themselves. Each is recorded: what deletes one of them must be found
   * later.
   */
  const unusedApplications =
    (source: 'registration' | 'document', oldestFirst: SQLiteColumn, over: (before: Date) => SQL | undefined): Sweep =>
    async ({ before, limit: most }) => {
      const limit = Math.min(most, applicationsAtOnce)
      const { id: key, source: from } = t.applications
      const some = batchOf({ table: t.applications, key, oldestFirst }, and(eq(from, source), over(before)), limit)
      // Anyone who uses it from now on is refused: what people allowed it is erased, in batches, before its row.
      const disabling = db.update(t.applications).set({ disabledAt: before }).where(some).returning({ id: key })
      const ended = (await write(disabling)).map(({ id }) => id)
      for (const id of ended) await eraseRows(id)
      if (ended.length === 0) return batch([], limit)
      const deleted = await change(function* (tx, note) {
        const gone = yield* step(tx.delete(t.applications).where(inArray(key, ended)).returning({ id: key }))
        const about = { name: 'application.expired', accountId: null, origin: internalOrigin } as const
        yield* note(gone.map(({ id }) => ({ ...about, data: { application: id } })))
        return gone
      })
      return batch(deleted, limit)
    }
  const { lastUsedAt, createdAt } = t.applications
  const neverUsed = (source: 'registration' | 'document'): Sweep =>
    unusedApplications(source, createdAt, (before) => and(isNull(lastUsedAt), lt(createdAt, before)))
  const longUnused = (source: 'registration' | 'document'): Sweep =>
    unusedApplications(source, lastUsedAt, (before) => lt(lastUsedAt, before))

  return {
    flows: expired(t.pendingAuthorizations, t.pendingAuthorizations.id, t.pendingAuthorizations.expiresAt),
    pendingSignIns: expired(t.pendingSignIns, t.pendingSignIns.id, t.pendingSignIns.expiresAt),
    tickets: expired(t.tickets, t.tickets.id, t.tickets.expiresAt),
    conflicts: expired(t.conflicts, t.conflicts.id, t.conflicts.expiresAt),
    signInCodes: expired(t.signInCodes, t.signInCodes.codeHash, t.signInCodes.expiresAt),
    trustedDevices: expired(t.trustedDevices, t.trustedDevices.id, t.trustedDevices.expiresAt),
    invitations: expired(t.teamInvitations, t.teamInvitations.id, t.teamInvitations.expiresAt),
    rateLimits: expired(t.rateLimits, t.rateLimits.key, t.rateLimits.resetsAt),
    guesses: expired(t.guesses, t.guesses.key, t.guesses.lastAt),
    async providerTrials({ before, limit }) {
      const v = t.providerVersions
      const some = batchOf({ table: v, key: v.id, oldestFirst: v.trialExpiresAt }, lt(v.trialExpiresAt, before), limit)
      const erasing = db.update(v).set({ trial: null, trialExpiresAt: null }).where(some)
      return batch(await write(erasing.returning({ id: v.id })), limit)
    },
    openidStates: expired(t.openidStates, t.openidStates.id, t.openidStates.expiresAt),
    registrationTokens: expired(t.registrationTokens, t.registrationTokens.id, t.registrationTokens.expiresAt),
    unusedRegistrations: neverUsed('registration'),
    idleRegistrations: longUnused('registration'),
    unusedDocuments: neverUsed('document'),
    idleDocuments: longUnused('document'),
    applicationSessions,
    sessions,
    excessSessions,
    endedClaims: claimSweep(driver, change, ids),
    hourlyCounts: expired(t.hourlyCounts, t.hourlyCounts.id, t.hourlyCounts.hour),
    auditOfNobody: deleting(entries, (before) => and(isNull(t.audit.accountId), lt(t.audit.at, before))),
    refusedSignIns: deleting(entries, (before) => and(isRefusedSignIn, lt(t.audit.at, before))),
    async auditOrigins({ before, limit }) {
      const some = batchOf(entries, and(lt(t.audit.at, before), hasPlace), limit)
      const forgetting = db.update(t.audit).set({ ip: null, userAgent: null }).where(some)
      return batch(await write(forgetting.returning({ id: t.audit.id })), limit)
    },
  }
}
