import { and, eq, gt, isNull } from 'drizzle-orm'
import type { PendingSignInStore } from '../sessions/ports.ts'
import { caps, deleteBeyond } from './caps.ts'
import { accountLock } from './change.ts'
import { type Driver, step } from './driver.ts'

export function pendingSignInStore({
  db,
  tables: { pendingSignIns: t },
  atomic,
  read,
  write,
}: Driver): PendingSignInStore {
  return {
    begin: (pending) =>
      atomic(
        function* (tx) {
          yield* step(tx.insert(t).values(pending))
          const which = eq(t.accountId, pending.accountId)
          yield* deleteBeyond(tx, t, { which, key: t.id, age: t.provenAt, most: caps.pendingSignIns })
        },
        [accountLock(pending.accountId)],
      ),
    async find(ticketHash, at) {
      const [found] = await read(
        db
          .select()
          .from(t)
          .where(and(eq(t.ticketHash, ticketHash), isNull(t.claimedAt), gt(t.expiresAt, at))),
      )
      return found
    },
    async claim(id, at) {
      const claimed = await write(
        db
          .update(t)
          .set({ claimedAt: at })
          .where(and(eq(t.id, id), isNull(t.claimedAt), gt(t.expiresAt, at)))
          .returning({ id: t.id }),
      )
      return claimed.length > 0
    },
  }
}
