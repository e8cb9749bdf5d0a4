import { and, eq, getTableColumns, gt, isNull } from 'drizzle-orm'
import type { PendingAuthorizationStore } from '../providers/ports.ts'
import { caps, deleteBeyond } from './caps.ts'
import { accountLock, type Change } from './change.ts'
import { type Driver, placeholderFor, placeholdersFor, step } from './driver.ts'

export function pendingAuthorizationStore(
  { db, tables: { pendingAuthorizations: t }, read, writes }: Driver,
  change: Change,
): PendingAuthorizationStore {
  const beginning = writes(db.insert(t).values(placeholdersFor(getTableColumns(t))))
  const claiming = writes(
    db
      .update(t)
      .set({ claimedAt: placeholderFor('at', t.claimedAt) })
      .where(
        and(
          eq(t.stateHash, placeholderFor('stateHash', t.stateHash)),
          eq(t.bindingHash, placeholderFor('bindingHash', t.bindingHash)),
          eq(t.provider, placeholderFor('provider', t.provider)),
          isNull(t.claimedAt),
          gt(t.expiresAt, placeholderFor('at', t.expiresAt)),
        ),
      )
      .returning(),
  )

  return {
    async begin(flow, because = []) {
      const { accountId } = flow
      // Most of them write no facts, and they are the hot path: one prepared statement.
      if (because.length === 0 && accountId === null) return void (await beginning(flow))
      await change(
        function* (tx, note) {
          yield* step(tx.insert(t).values(flow))
          yield* note(because)
          if (accountId === null) return
          const which = eq(t.accountId, accountId)
          yield* deleteBeyond(tx, t, { which, key: t.id, age: t.createdAt, most: caps.pendingAuthorizations })
        },
        accountId === null ? [] : [accountLock(accountId)],
      )
    },
    async claim({ stateHash, bindingHash, provider }, at) {
      const [claimed] = await claiming({ stateHash, bindingHash, provider, at })
      return claimed
    },
    async find(stateHash) {
      const [found] = await read(db.select().from(t).where(eq(t.stateHash, stateHash)))
      return found
    },
  }
}
