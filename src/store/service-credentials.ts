import { and, desc, eq, isNull, lt, or, sql } from 'drizzle-orm'
import type { ServiceCredentialStore } from '../credentials/ports.ts'
import type { Change } from './change.ts'
import { type Driver, step } from './driver.ts'

export function serviceCredentialStore(
  { db, tables: { serviceCredentials: t }, readLong, reads, write }: Driver,
  change: Change,
): ServiceCredentialStore {
  const byId = reads(
    db
      .select()
      .from(t)
      .where(eq(t.id, sql.placeholder('id'))),
  )
  return {
    create: (credential, most, because) =>
      change(
        function* (tx, note) {
          const known = yield* step(tx.select({ id: t.id }).from(t).where(isNull(t.revokedAt)).limit(most))
          if (known.length === most) return false
          yield* step(tx.insert(t).values(credential))
          yield* note(because)
          return true
        },
        // Of two concurrent calls, the second sees the first one's row.
        ['service_credentials'],
      ),
    async find(id) {
      const [found] = await byId({ id })
      return found
    },
    list: () => readLong(db.select().from(t).where(isNull(t.revokedAt)).orderBy(desc(t.createdAt), desc(t.id))),
    rotate: (id, secretHash, previousUntil, because) =>
      change(function* (tx, note) {
        const [rotated] = yield* step(
          tx
            .update(t)
            .set({ secretHash, previousHash: sql`${t.secretHash}`, previousUntil })
            .where(and(eq(t.id, id), isNull(t.revokedAt)))
            .returning(),
        )
        if (rotated) yield* note(because)
        return rotated
      }),
    revoke: (id, at, because) =>
      change(function* (tx, note) {
        const revoked = yield* step(
          tx
            .update(t)
            .set({ revokedAt: at })
            .where(and(eq(t.id, id), isNull(t.revokedAt)))
            .returning({ id: t.id }),
        )
        if (revoked.length === 0) return false
        yield* note(because)
        return true
      }),
    async touch(id, at) {
      await write(
        db
          .update(t)
          .set({ lastUsedAt: at })
          .where(and(eq(t.id, id), or(isNull(t.lastUsedAt), lt(t.lastUsedAt, at)))),
      )
    },
  }
}
