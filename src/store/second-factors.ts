import { and, eq, inArray, isNotNull, isNull, lt } from 'drizzle-orm'
import type { SecondFactorStore } from '../credentials/ports.ts'
import { accountLock, type Change, prepareChange } from './change.ts'
import { changingOf, endOtherAccess, hasPasskey, putCodes, turnOffSecondFactor } from './credential-changes.ts'
import { type Driver, step } from './driver.ts'
import { endingChange, isSignedIn, originOf } from './endings.ts'
import { endProofs } from './tickets.ts'

export function secondFactorStore({ db, tables: t, read }: Driver, change: Change): SecondFactorStore {
  const { totpFactors: totp, recoveryCodes: codes, accounts } = t
  const ending = endingChange(change, t)
  const unused = (accountId: string) => and(eq(codes.accountId, accountId), isNull(codes.usedAt))

  return {
    async find(accountId) {
      const [factors, left] = await Promise.all([
        read(db.select().from(totp).where(eq(totp.accountId, accountId))),
        read(db.select({ id: codes.id }).from(codes).where(unused(accountId))),
      ])
      return { totp: factors[0], recoveryCodesLeft: left.length }
    },

    begin: (factor, because) =>
      change(function* (tx, note) {
        const { accountId: _, ...rest } = factor
        const begun = yield* step(
          tx
            .insert(totp)
            .values(factor)
            .onConflictDoUpdate({ target: totp.accountId, set: rest, setWhere: isNull(totp.confirmedAt) })
            .returning({ accountId: totp.accountId }),
        )
        if (begun.length === 0) return false
        yield* note(because)
        return true
      }),

    confirm: ({ createdAt, step: taken, ...of }, newCodes, because) =>
      ending(changingOf(of), originOf(because))(
        function* (tx, note) {
          if (!(yield* isSignedIn(tx, t, of))) return false
          const confirmed = yield* step(
            tx
              .update(totp)
              .set({ confirmedAt: of.at, lastStep: taken })
              .where(and(eq(totp.accountId, of.accountId), eq(totp.createdAt, createdAt), isNull(totp.confirmedAt)))
              .returning({ accountId: totp.accountId }),
          )
          if (confirmed.length === 0) return false
          yield* step(
            tx
              .update(accounts)
              .set({ secondFactorAt: of.at, updatedAt: of.at })
              .where(and(eq(accounts.id, of.accountId), isNull(accounts.secondFactorAt))),
          )
          yield* putCodes(tx, t, of, newCodes)
          yield* note(because)
          yield* endOtherAccess(tx, t, note, of, 'second_factor_added', because)
          return true
        },
        [accountLock(of.accountId)],
      ),

    taking: ({ accountId, createdAt, step: taken }) =>
      prepareChange(change, {
        *script(tx) {
          const won = yield* step(
            tx
              .update(totp)
              .set({ lastStep: taken })
              .where(
                and(
                  eq(totp.accountId, accountId),
                  eq(totp.createdAt, createdAt),
                  isNotNull(totp.confirmedAt),
                  lt(totp.lastStep, taken),
                ),
              )
              .returning({ accountId: totp.accountId }),
          )
          return won.length > 0
        },
        locks: [],
      }),

    ask: (of, newCodes, because) =>
      ending(changingOf(of), originOf(because))(
        function* (tx, note) {
          if (!(yield* hasPasskey(tx, t, of.accountId)) || !(yield* isSignedIn(tx, t, of))) return false
          const turnedOn = yield* step(
            tx
              .update(accounts)
              .set({ secondFactorAt: of.at, updatedAt: of.at })
              .where(and(eq(accounts.id, of.accountId), isNull(accounts.secondFactorAt)))
              .returning({ id: accounts.id }),
          )
          if (turnedOn.length === 0) return false
          yield* putCodes(tx, t, of, newCodes)
          yield* note(because)
          yield* endOtherAccess(tx, t, note, of, 'second_factor_added', because)
          return true
        },
        [accountLock(of.accountId)],
      ),

    remove: (of, because, cancelled) =>
      ending(changingOf(of), originOf(because))(
        function* (tx, note) {
          if (!(yield* isSignedIn(tx, t, of))) return false
          const [deleted] = yield* step(
            tx.delete(totp).where(eq(totp.accountId, of.accountId)).returning({ confirmedAt: totp.confirmedAt }),
          )
          if (!deleted) return false
          // The app was never confirmed, so sign-in has never asked for it: only the unfinished setup is removed.
          if (deleted.confirmedAt === null) {
            yield* note(cancelled)
            return true
          }
          if (!(yield* hasPasskey(tx, t, of.accountId))) yield* turnOffSecondFactor(tx, t, of)
          yield* note(because)
          yield* endOtherAccess(tx, t, note, of, 'second_factor_removed', because)
          return true
        },
        [accountLock(of.accountId)],
      ),

    stop: (of, because) =>
      ending(changingOf(of), originOf(because))(
        function* (tx, note) {
          if (!(yield* isSignedIn(tx, t, of)) || !(yield* turnOffSecondFactor(tx, t, of))) return false
          yield* step(tx.delete(totp).where(eq(totp.accountId, of.accountId)))
          yield* note(because)
          yield* endOtherAccess(tx, t, note, of, 'second_factor_removed', because)
          return true
        },
        [accountLock(of.accountId)],
      ),

    replaceCodes: (of, newCodes, because) =>
      change(
        function* (tx, note) {
          if (!(yield* isSignedIn(tx, t, of))) return false
          const turnedOn = and(eq(accounts.id, of.accountId), isNotNull(accounts.secondFactorAt))
          if ((yield* step(tx.select({ id: accounts.id }).from(accounts).where(turnedOn))).length === 0) return false
          yield* putCodes(tx, t, of, newCodes)
          yield* endProofs(tx, t, of.accountId)
          yield* note(because)
          return true
        },
        [accountLock(of.accountId)],
      ),

    async hasCode({ accountId, hashes }) {
      const one = and(unused(accountId), inArray(codes.codeHash, [...hashes]))
      return (await read(db.select({ id: codes.id }).from(codes).where(one))).length > 0
    },

    usingCode: ({ accountId, hashes, at }, because) =>
      prepareChange(change, {
        *script(tx, note) {
          const used = yield* step(
            tx
              .update(codes)
              .set({ usedAt: at })
              .where(and(unused(accountId), inArray(codes.codeHash, [...hashes])))
              .returning({ id: codes.id }),
          )
          if (used.length === 0) return false
          const left = yield* step(tx.select({ id: codes.id }).from(codes).where(unused(accountId)))
          yield* note(because(left.length))
          return true
        },
        locks: [accountLock(accountId)],
      }),
  }
}
