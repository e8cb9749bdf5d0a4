import { and, eq, gt, isNull } from 'drizzle-orm'
import type { SignInCodeStore } from '../sessions/ports.ts'
import type { Driver } from './driver.ts'

export function signInCodeStore({ db, tables: { signInCodes: t }, read, write }: Driver): SignInCodeStore {
  return {
    async issue(code) {
      await write(db.insert(t).values(code))
    },
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
