import { and, desc, eq, gt, sql } from 'drizzle-orm'
import type { RegistrationStore } from '../applications/ports.ts'
import type { Change } from './change.ts'
import { type Driver, step } from './driver.ts'

export function registrationStore(
  { db, tables: { applications: a, registrationTokens: t }, readLong, reads }: Driver,
  change: Change,
): RegistrationStore {
  const byHash = reads(
    db
      .select()
      .from(t)
      .where(eq(t.tokenHash, sql.placeholder('hash'))),
  )
  return {
    register: (application, { tokenHash, at, most }, because) =>
      change(
        function* (tx, note) {
          const known = yield* step(tx.select({ id: a.id }).from(a).where(eq(a.source, application.source)).limit(most))
          if (known.length === most) return 'too_many'
          let tokenId: string | null = null
          if (tokenHash !== null) {
            const [used] = yield* step(
              tx
                .update(t)
                .set({ usesLeft: sql`${t.usesLeft} - 1` })
                .where(and(eq(t.tokenHash, tokenHash), gt(t.usesLeft, 0), gt(t.expiresAt, at)))
                .returning({ id: t.id }),
            )
            if (!used) return 'token_invalid'
            tokenId = used.id
          }
          yield* step(tx.insert(a).values(application))
          yield* note(because(tokenId))
          return 'registered'
        },
        // Of two concurrent calls, the second sees the first one's row.
        ['applications'],
      ),
    createToken: (token, most, because) =>
      change(
        function* (tx, note) {
          const known = yield* step(tx.select({ id: t.id }).from(t).limit(most))
          if (known.length === most) return false
          yield* step(tx.insert(t).values(token))
          yield* note(because)
          return true
        },
        ['registration_tokens'],
      ),
    async findToken(tokenHash) {
      const [found] = await byHash({ hash: tokenHash })
      return found
    },
    listTokens: () => readLong(db.select().from(t).orderBy(desc(t.createdAt), desc(t.id))),
    revokeToken: (id, because) =>
      change(function* (tx, note) {
        const revoked = yield* step(tx.delete(t).where(eq(t.id, id)).returning({ id: t.id }))
        if (revoked.length === 0) return false
        yield* note(because)
        return true
      }),
  }
}
