import { asc, inArray } from 'drizzle-orm'
import type { KeyStore } from '../sessions/ports.ts'
import type { Change } from './change.ts'
import { type Driver, step } from './driver.ts'

export function keyStore({ db, tables: { signingKeys: t }, read, write }: Driver, change: Change): KeyStore {
  return {
    list: () => read(db.select().from(t).orderBy(asc(t.purpose), asc(t.sequence))),
    add: (key, because) =>
      change(function* (tx, note) {
        const added = yield* step(tx.insert(t).values(key).onConflictDoNothing().returning({ id: t.id }))
        if (added.length === 0) return false
        yield* note(because)
        return true
      }),
    async remove(ids) {
      if (ids.length > 0) await write(db.delete(t).where(inArray(t.id, [...ids])))
    },
  }
}
