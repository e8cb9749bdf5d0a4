import { and, asc, count, eq, inArray, lte, type SQL, sql } from 'drizzle-orm'
import type { Driver } from './driver.ts'
import type { Tables } from './schema.ts'

/** What waits to be done outside: letters to be sent, grants to be revoked. */
type Queue = Tables['mails'] | Tables['revocations']

/** How workers share a queue: each takes what is due for itself, until a moment, and says when it is to be tried again. */
export function queueOf<T extends Queue>({ db, readLong, write }: Driver, table: T) {
  const t: Queue = table
  return {
    /** Up to `limit` due ones (of those that `only` names), for nobody else before `until`; the oldest first. */
    async take(limit: number, at: Date, until: Date, only?: SQL): Promise<T['$inferSelect'][]> {
      const due = db
        .select({ id: t.id })
        .from(t)
        .where(and(lte(t.nextAttemptAt, at), only))
        .orderBy(asc(t.nextAttemptAt), asc(t.id))
        .limit(limit)
      // Asked again outside the list: a worker that waited for a row sees that it is no longer due.
      const taken: T['$inferSelect'][] = await write(
        db
          .update(t)
          .set({ nextAttemptAt: until })
          .where(and(inArray(t.id, due), lte(t.nextAttemptAt, at)))
          .returning(),
      )
      return taken.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1))
    },

    async retry(id: string, at: Date, error: string): Promise<void> {
      await write(
        db
          .update(t)
          .set({ attempts: sql`${t.attempts} + 1`, nextAttemptAt: at, lastError: error })
          .where(eq(t.id, id)),
      )
    },

    /** How many wait. */
    async backlog(): Promise<number> {
      const [waiting] = await readLong(db.select({ rows: count() }).from(t))
      return waiting?.rows ?? 0
    },
  }
}
