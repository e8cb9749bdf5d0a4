import { and, asc, count, eq, gt, lte, min, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import type { Slice } from '../kernel/take-turns.ts'
import type { Driver } from './driver.ts'
import type { Tables } from './schema.ts'
import { inUnlockedRows } from './unlocked-rows.ts'

/** Tables of work for outside services: emails to send, grants to revoke, logout notices. */
type Queue = Tables['mails'] | Tables['revocations'] | Tables['logoutNotices']

/** How many receivers one call looks at: about a millisecond of SQLite, for which all requests wait. */
const receiversAtOnce = 200

/** How many waiting items are counted. */
const mostCounted = 10_000

/**
 * How workers share a queue. Each takes due items for itself until a given time, and sets when an item is tried again.
 * `receiver` is the column with the service that an item is for. No search passes over the items of one receiver to find
 * those of another, so the table needs an index of this column, `next_attempt_at` and `id`.
 */
export function queueOf<T extends Queue>(driver: Driver, table: T, receiver: SQLiteColumn) {
  const { db, read, readLong, write } = driver
  const t: Queue = table
  const first = (column: SQLiteColumn, where?: SQL) =>
    db
      .select({ first: min(column) })
      .from(t)
      .where(where)
  const name = sql`receivers.name`
  /** Goes from each receiver to the next by the index: `select distinct` would read every item. */
  const receivers = (after: string | null) => sql`(
    with recursive receivers(name, place) as (
      select ${first(receiver, after === null ? undefined : gt(receiver, after))}, 1
      union all
      select ${first(receiver, gt(receiver, name))}, receivers.place + 1 from receivers
        where ${name} is not null and receivers.place < ${sql.raw(String(receiversAtOnce))}
    )
    select ${name}, receivers.place, ${first(t.nextAttemptAt, eq(receiver, name))} as due_at
    from receivers where ${name} is not null
  ) as waiting`
  return {
    /**
     * Of the next receivers after `after`, those that have due items, the one that has waited longest first. It is no
     * long read: sending email must not depend on the thread for lists and exports.
     */
    async receivers(at: Date, after: string | null): Promise<Slice> {
      const found = await read(
        db
          .select({
            name: sql<string>`waiting.name`,
            place: sql<number>`waiting.place`,
            dueAt: sql<Date>`waiting.due_at`.mapWith(t.nextAttemptAt),
          })
          .from(receivers(after))
          .orderBy(sql`waiting.due_at`),
      )
      return {
        due: found.filter(({ dueAt }) => dueAt <= at).map(({ name }) => name),
        next: found.find(({ place }) => place === receiversAtOnce)?.name ?? null,
      }
    },

    /**
     * Takes up to `limit` due items of a receiver, oldest first. No other worker gets them before `until`. It waits for
     * no item that another transaction has locked, but takes the next one.
     */
    async take(limit: number, at: Date, until: Date, of: string): Promise<T['$inferSelect'][]> {
      const due = db
        .select({ id: t.id })
        .from(t)
        .where(and(eq(receiver, of), lte(t.nextAttemptAt, at)))
        .orderBy(asc(t.nextAttemptAt), asc(t.id))
        .limit(limit)
      const claimed: T['$inferSelect'][] = await write(
        db
          .update(t)
          .set({ nextAttemptAt: until })
          .where(inUnlockedRows(driver, t.id, due))
          .returning(),
      )
      return claimed.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1))
    },

    async retry(id: string, at: Date, error: string): Promise<void> {
      await write(
        db
          .update(t)
          .set({ attempts: sql`${t.attempts} + 1`, nextAttemptAt: at, lastError: error })
          .where(eq(t.id, id)),
      )
    },

    /** How many items are waiting, up to `mostCounted`: it is read at every scrape of the metrics. */
    async backlog(): Promise<number> {
      const some = db.select({ id: t.id }).from(t).limit(mostCounted).as('some')
      const [waiting] = await readLong(db.select({ rows: count() }).from(some))
      return waiting?.rows ?? 0
    },
  }
}
