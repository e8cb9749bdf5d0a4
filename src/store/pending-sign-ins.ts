import { and, eq, gt, isNull } from 'drizzle-orm'
import type { PendingSignInStore } from '../sessions/ports.ts'
import type { Driver } from './driver.ts'

export function pendingSignInStore({ db, tables: { pendingSignIns: t }, read, write }: Driver): PendingSignInStore {
  return {
    async begin(pending) {
      await write(db.insert(t).values(pending))
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
