import { and, asc, eq, lt } from 'drizzle-orm'
import type { PasskeyStore } from '../credentials/ports.ts'
import { accountLock, type Change, prepareChange } from './change.ts'
import { changingOf, endOtherAccess, hasTotp, turnOffSecondFactor } from './credential-changes.ts'
import { type Driver, step } from './driver.ts'
import { endingChange, isSignedIn, originOf } from './endings.ts'
import { signInMethodsOf } from './sign-in-methods.ts'

/** More passkeys than anyone has devices. Every one of them is part of each passkey request. */
const maxPasskeys = 50

export function passkeyStore({ db, tables, read }: Driver, change: Change): PasskeyStore {
  const { passkeys: t } = tables
  const ending = endingChange(change, tables)
  return {
    list: (accountId) =>
      read(db.select().from(t).where(eq(t.accountId, accountId)).orderBy(asc(t.createdAt), asc(t.id))),

    async findByCredential(credentialId) {
      const [found] = await read(db.select().from(t).where(eq(t.credentialId, credentialId)))
      return found
    },

    add: (passkey, of, because) =>
      ending(changingOf(of), originOf(because))(
        function* (tx, note) {
          if (!(yield* isSignedIn(tx, tables, of))) return false
          const mine = tx.select({ id: t.id }).from(t).where(eq(t.accountId, of.accountId)).limit(maxPasskeys)
          if ((yield* step(mine)).length === maxPasskeys) return false
          const added = yield* step(tx.insert(t).values(passkey).onConflictDoNothing().returning({ id: t.id }))
          if (added.length === 0) return false
          yield* note(because)
          yield* endOtherAccess(tx, tables, note, of, 'second_factor_added', because)
          return true
        },
        [accountLock(of.accountId)],
      ),

    using: (id, { counter, backedUp, at }) =>
      prepareChange(change, {
        *script(tx) {
          const grew = counter === 0 ? eq(t.counter, 0) : lt(t.counter, counter)
          const updated = yield* step(
            tx
              .update(t)
              .set({ counter, backedUp, lastUsedAt: at })
              .where(and(eq(t.id, id), grew))
              .returning({ id: t.id }),
          )
          return updated.length > 0
        },
        locks: [],
      }),

    rename: ({ id, accountId }, name, because) =>
      change(function* (tx, note) {
        const mine = and(eq(t.id, id), eq(t.accountId, accountId))
        const renamed = yield* step(tx.update(t).set({ name }).where(mine).returning({ id: t.id }))
        if (renamed.length === 0) return false
        yield* note(because)
        return true
      }),

    remove: ({ id, ...of }, mayRemove, because) =>
      ending(changingOf(of), originOf(because))(
        function* (tx, note) {
          if (!(yield* isSignedIn(tx, tables, of))) return 'session_revoked'
          const methods = yield* signInMethodsOf(tx, tables, of.accountId)
          const remaining = methods.passkeys.filter((passkey) => passkey.id !== id)
          if (remaining.length === methods.passkeys.length) return 'passkey_not_found'
          if (!mayRemove({ ...methods, passkeys: remaining })) return 'last_login_method'
          yield* step(tx.delete(t).where(eq(t.id, id)))
          if (remaining.length === 0 && !(yield* hasTotp(tx, tables, of.accountId)))
            yield* turnOffSecondFactor(tx, tables, of)
          yield* note(because)
          yield* endOtherAccess(tx, tables, note, of, 'second_factor_removed', because)
          return 'removed'
        },
        [accountLock(of.accountId)],
      ),
  }
}
