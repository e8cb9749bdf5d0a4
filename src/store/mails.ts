import { and, asc, count, eq, inArray, lte, sql } from 'drizzle-orm'
import type { MailStore } from '../mail/ports.ts'
import type { Driver } from './driver.ts'

export function mailStore({ db, tables: { mails: t }, read, write }: Driver): MailStore {
  return {
    async post(mail) {
      await write(db.insert(t).values(mail))
    },
    async take(limit, at, until) {
      const due = db
        .select({ id: t.id })
        .from(t)
        .where(lte(t.nextAttemptAt, at))
        .orderBy(asc(t.nextAttemptAt), asc(t.id))
        .limit(limit)
      // Asked again outside the list: a worker that waited for a row sees that it is no longer due.
      const taken = await write(
        db
          .update(t)
          .set({ nextAttemptAt: until })
          .where(and(inArray(t.id, due), lte(t.nextAttemptAt, at)))
          .returning(),
      )
      return taken.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1))
    },
    async finish(id) {
      await write(db.delete(t).where(eq(t.id, id)))
    },
    async retry(id, at, error) {
      await write(
        db
          .update(t)
          .set({ attempts: sql`${t.attempts} + 1`, nextAttemptAt: at, lastError: error })
          .where(eq(t.id, id)),
      )
    },
    async backlog() {
      const [waiting] = await read(db.select({ rows: count() }).from(t))
      return waiting?.rows ?? 0
    },
  }
}
