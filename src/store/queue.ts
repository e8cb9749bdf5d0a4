import { and, asc, count, eq, inArray, lte, type SQL, sql } from 'drizzle-orm'
import type { Driver } from './driver.ts'
import type { Tables } from './schema.ts'

/** Tables of work for outside services: emails to send, grants to revoke, logout notices. */
type Queue = Tables['mails'] | Tables['revocations'] | Tables['logoutNotices']

/** How many waiting items are counted. */
const mostCounted = 10_000

/**
 * How workers share a queue. Each takes due items for itself until a given time, and sets when an item is tried again.
 */
export function queueOf<T extends Queue>({ db, readLong, write }: Driver, table: T) {
  const t: Queue = table
  return {
    /**
     * Takes up to `limit` due items, oldest first. No other worker gets them before `until`. `only` restricts which.
     */
    async take(limit: number, at: Date, until: Date, only?: SQL): Promise<T['$inferSelect'][]> {
      const due = db
        .select({ id: t.id })
        .from(t)
        .where(and(lte(t.nextAttemptAt, at), only))
        .orderBy(asc(t.nextAttemptAt), asc(t.id))
        .limit(limit)
      // The condition is checked again outside the list: a worker that waited for a row sees that it is no longer due.
      const claimed: T['$inferSelect'][] = await write(
        db
          .update(t)
          .set({ nextAttemptAt: until })
          .where(and(inArray(t.id, due), lte(t.nextAttemptAt, at)))
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
