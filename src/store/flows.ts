import { and, eq, gt, isNull, lt } from 'drizzle-orm'
import type { PendingFlowStore } from '../providers/ports.ts'
import type { Driver } from './driver.ts'

export function pendingFlowStore({ db, tables: { flows: t }, read, write }: Driver): PendingFlowStore {
  return {
    async begin(flow) {
      await write(db.insert(t).values(flow))
    },
    async claim({ stateHash, bindingHash, provider }, at) {
      const [claimed] = await write(
        db
          .update(t)
          .set({ claimedAt: at })
          .where(
            and(
              eq(t.stateHash, stateHash),
              eq(t.bindingHash, bindingHash),
              eq(t.provider, provider),
              isNull(t.claimedAt),
              gt(t.expiresAt, at),
            ),
          )
          .returning(),
      )
      return claimed
    },
    async find(stateHash) {
      const [found] = await read(db.select().from(t).where(eq(t.stateHash, stateHash)))
      return found
    },
    async sweep(before) {
      return (await write(db.delete(t).where(lt(t.expiresAt, before)).returning({ id: t.id }))).length
    },
  }
}
