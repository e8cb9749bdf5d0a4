import { and, eq, gt, isNull } from 'drizzle-orm'
import type { ConflictStore } from '../accounts/ports.ts'
import { type Change, prepareChange } from './change.ts'
import { type Driver, step } from './driver.ts'

export function conflictStore({ db, tables: t, read }: Driver, change: Change): ConflictStore {
  const open = (at: Date) => and(isNull(t.conflicts.resolvedAt), gt(t.conflicts.expiresAt, at))
  return {
    open: (conflict, because) =>
      change(function* (tx, note) {
        yield* step(tx.insert(t.conflicts).values(conflict))
        yield* note(because)
      }),
    async find({ ticketHash, bindingHash }, at) {
      const [found] = await read(
        db
          .select()
          .from(t.conflicts)
          .where(and(eq(t.conflicts.ticketHash, ticketHash), eq(t.conflicts.bindingHash, bindingHash), open(at))),
      )
      return found
    },
    resolving: (id, at, because) =>
      prepareChange(change, {
        *script(tx, note) {
          const resolved = yield* step(
            tx
              .update(t.conflicts)
              .set({ resolvedAt: at })
              .where(and(eq(t.conflicts.id, id), open(at)))
              .returning({ id: t.conflicts.id }),
          )
          if (resolved.length === 0) return false
          yield* note(because)
          return true
        },
        locks: [],
      }),
  }
}
