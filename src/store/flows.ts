import { and, eq, getTableColumns, gt, isNull, lt } from 'drizzle-orm'
import type { PendingFlowStore } from '../providers/ports.ts'
import { allGiven, type Driver, given } from './driver.ts'

export function pendingFlowStore({ db, tables: { flows: t }, read, write, writes }: Driver): PendingFlowStore {
  const beginning = writes(db.insert(t).values(allGiven(getTableColumns(t))))
  const claiming = writes(
    db
      .update(t)
      .set({ claimedAt: given('at', t.claimedAt) })
      .where(
        and(
          eq(t.stateHash, given('stateHash', t.stateHash)),
          eq(t.bindingHash, given('bindingHash', t.bindingHash)),
          eq(t.provider, given('provider', t.provider)),
          isNull(t.claimedAt),
          gt(t.expiresAt, given('at', t.expiresAt)),
        ),
      )
      .returning(),
  )

  return {
    async begin(flow) {
      await beginning(flow)
    },
    async claim(key, at) {
      const [claimed] = await claiming({ ...key, at })
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
