import { and, eq, gt, isNull } from 'drizzle-orm'
import type { SignInCodeStore } from '../sessions/ports.ts'
import { caps, deleteBeyond } from './caps.ts'
import { accountLock } from './change.ts'
import { type Driver, step } from './driver.ts'

export function signInCodeStore({ db, tables: { signInCodes: t }, atomic, read, write }: Driver): SignInCodeStore {
  return {
    issue: (code) =>
      atomic(
        function* (tx) {
          yield* step(tx.insert(t).values(code))
          const which = eq(t.accountId, code.accountId)
          yield* deleteBeyond(tx, t, { which, key: t.codeHash, age: t.expiresAt, most: caps.signInCodes })
        },
        [accountLock(code.accountId)],
      ),
    async find(codeHash) {
      const [found] = await read(db.select().from(t).where(eq(t.codeHash, codeHash)))
      return found
    },
    async spend(codeHash, at) {
      const spent = await write(
        db
          .update(t)
          .set({ usedAt: at })
          .where(and(eq(t.codeHash, codeHash), isNull(t.usedAt), gt(t.expiresAt, at)))
          .returning({ codeHash: t.codeHash }),
      )
      return spent.length > 0
    },
  }
}
