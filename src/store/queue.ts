import { and, asc, count, eq, gt, lte, min, type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import type { Driver } from './driver.ts'
import type { Tables } from './schema.ts'
import { inUnlockedRows } from './unlocked-rows.ts'

/** Tables of work for outside services: emails to send, grants to revoke, logout notices. */
type Queue = Tables['mails'] | Tables['revocations'] | Tables['logoutNotices']

/** How many waiting items are counted. */
const mostCounted = 10_000

/**
 * How workers share a queue. Each takes due items for itself until a given time, and sets when an item is tried again.
 * `receiver` is the column with the service that an item is for. No search passes over the items of one receiver to find
 * those of another, so the table needs an index of this column, `next_attempt_at` and `id`.
 */
export function queueOf<T extends Queue>(driver: Driver, table: T, receiver: SQLiteColumn) {
  const { db, readLong, write } = driver
  const t: Queue = table
  const first = (column: SQLiteColumn, where?: SQL) =>
    db
      .select({ first: min(column) })
      .from(t)
      .where(where)
  const name = sql`receivers.name`
  /** Goes from each receiver to the next by the index: `select distinct` would read every item. */
  const receivers = sql`(
    with recursive receivers(name) as (
      select ${first(receiver)}
      union all
      select ${first(receiver, gt(receiver, name))} from receivers where ${name} is not null
    )
    select ${name}, ${first(t.nextAttemptAt, eq(receiver, name))} as due_at from receivers where ${name} is not null
  ) as waiting`
  return {
    /** The receivers that have due items, the one that has waited longest first. */
    async receivers(at: Date): Promise<readonly string[]> {
      const due = lte(sql`waiting.due_at`, sql.param(at, t.nextAttemptAt))
      const found = db.select({ name: sql<string>`waiting.name` }).from(receivers).where(due)
      return (await readLong(found.orderBy(sql`waiting.due_at`))).map(({ name }) => name)
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
