import { and, asc, count, eq, inArray, isNotNull, lte, sql } from 'drizzle-orm'
import type { RevocationStore } from '../connections/ports.ts'
import type { Change } from './change.ts'
import { type Driver, step } from './driver.ts'

export function revocationStore(
  { db, tables: { revocations: t, grants }, read, write }: Driver,
  change: Change,
): RevocationStore {
  return {
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
    async stillNeeded({ provider, clientId, subject }) {
      const same = and(eq(grants.provider, provider), eq(grants.clientId, clientId), eq(grants.subject, subject))
      const standing = await read(
        db
          .select({ id: grants.id })
          .from(grants)
          .where(and(same, isNotNull(grants.accessToken)))
          .limit(1),
      )
      return standing.length > 0
    },
    finish: (id, because) =>
      change(function* (tx, note) {
        const done = yield* step(tx.delete(t).where(eq(t.id, id)).returning({ id: t.id }))
        if (done.length > 0) yield* note(because)
      }),
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
