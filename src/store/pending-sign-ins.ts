import { and, eq, gt, isNull } from 'drizzle-orm'
import type { PendingSignInStore } from '../sessions/ports.ts'
import { caps, deleteBeyond } from './caps.ts'
import { accountLock, type Change, include, prepareChange, scriptOf, unlessOvertaken } from './change.ts'
import { type Driver, step } from './driver.ts'

export function pendingSignInStore(
  { db, tables: { pendingSignIns: t }, read }: Driver,
  change: Change,
): PendingSignInStore {
  return {
    async begin(pending, including = []) {
      const included = including.map(scriptOf)
      const begins = change(
        function* (tx, note) {
          yield* include(tx, note, included)
          yield* step(tx.insert(t).values(pending))
          const which = eq(t.accountId, pending.accountId)
          yield* deleteBeyond(tx, t, { which, key: t.id, age: t.provenAt, most: caps.pendingSignIns })
          return true
        },
        [accountLock(pending.accountId), ...included.flatMap((one) => one.locks)],
      )
      return (await unlessOvertaken(begins)) !== null
    },
    async find(ticketHash, at) {
      const [found] = await read(
        db
          .select()
          .from(t)
          .where(and(eq(t.ticketHash, ticketHash), isNull(t.claimedAt), gt(t.expiresAt, at))),
      )
      return found
    },
    claiming: (id, at) =>
      prepareChange(change, {
        *script(tx) {
          const claimed = yield* step(
            tx
              .update(t)
              .set({ claimedAt: at })
              .where(and(eq(t.id, id), isNull(t.claimedAt), gt(t.expiresAt, at)))
              .returning({ id: t.id }),
          )
          return claimed.length > 0
        },
        locks: [],
      }),
  }
}
