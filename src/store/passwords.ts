import { and, eq, isNull, ne, or, sql } from 'drizzle-orm'
import type { PasswordStore } from '../credentials/ports.ts'
import type { Fact } from '../events/catalogue.ts'
import { mostClaims } from '../kernel/account.ts'
import type { EndReason } from '../sessions/ports.ts'
import { accountColumns } from './accounts.ts'
import { accountLock, type Change, type Note } from './change.ts'
import { addressLock, isClaimedBy, isTaken } from './claims.ts'
import { type Driver, type Queries, type Script, step } from './driver.ts'
import { endingChange, endSessions, originOf } from './endings.ts'
import { signInMethodsOf } from './sign-in-methods.ts'
import { endTickets } from './tickets.ts'

export function passwordStore({ db, tables: t, read, reads, write }: Driver, change: Change): PasswordStore {
  const p = t.passwords
  const ending = endingChange(change, t)
  const byEmail = reads(
    db
      .select({ account: accountColumns(t), hash: p.hash, changedAt: p.changedAt })
      .from(p)
      .innerJoin(t.accounts, eq(t.accounts.id, p.accountId))
      .where(eq(p.emailKey, sql.placeholder('emailKey'))),
  )

  /** Whether an account other than `except` has proven the email address. */
  function* isHeld(tx: Queries, emailKey: string, except: string): Script<boolean> {
    const held = eq(t.accounts.verifiedEmailKey, emailKey)
    const [holder] = yield* step(
      tx
        .select({ id: t.accounts.id })
        .from(t.accounts)
        .where(and(held, ne(t.accounts.id, except))),
    )
    return holder !== undefined
  }

  type Ending = { accountId: string; at: Date; keepSession: string | null; keepDevice: string | null }
  /** Signs out all other sessions: an intruder with the old password may be the reason for the change. */
  function* endOthers(
    tx: Queries,
    note: Note,
    { accountId, at, keepSession, keepDevice }: Ending,
    reason: EndReason,
    because: readonly Fact[],
  ): Script<void> {
    yield* endSessions(tx, t, note, { accountId, except: keepSession, reason, at }, originOf(because))
    yield* endTickets(tx, t, accountId, keepDevice)
  }

  return {
    async find(emailKey) {
      const [found] = await byEmail({ emailKey })
      return found
    },
    async findOf(accountId) {
      const [found] = await read(
        db.select({ hash: p.hash, changedAt: p.changedAt }).from(p).where(eq(p.accountId, accountId)),
      )
      return found
    },

    register: ({ account: { emailVerified: _, ...account }, emailKey, hash, ticket }, because, mails) =>
      change(
        function* (tx, note, post) {
          const [known] = yield* step(tx.select({ id: p.accountId }).from(p).where(eq(p.emailKey, emailKey)))
          const refused =
            known || (yield* isTaken(tx, t, emailKey)) || (yield* isClaimedBy(tx, t, emailKey, mostClaims))
          if (refused) {
            yield* post(mails.taken)
            return false
          }
          yield* step(tx.insert(t.accounts).values({ ...account, emailKey, verifiedEmailKey: null }))
          yield* step(tx.insert(p).values({ accountId: account.id, emailKey, hash, changedAt: account.createdAt }))
          yield* step(tx.insert(t.tickets).values(ticket))
          yield* note(because)
          yield* post(mails.opened)
          return true
        },
        [addressLock(emailKey)],
      ),

    set: ({ accountId, emailKey, hash, expected, at, keepSession, keepDevice }, because) =>
      ending({ accountId, spare: keepSession, at }, originOf(because))(
        function* (tx, note) {
          const mine = and(
            eq(t.accounts.id, accountId),
            eq(t.accounts.emailKey, emailKey),
            isNull(t.accounts.disabledAt),
          )
          const [account] = yield* step(tx.select({ id: t.accounts.id }).from(t.accounts).where(mine))
          if (!account || (yield* isHeld(tx, emailKey, accountId))) return false
          const [known] = yield* step(
            tx
              .select({ accountId: p.accountId, changedAt: p.changedAt })
              .from(p)
              .where(or(eq(p.accountId, accountId), eq(p.emailKey, emailKey))),
          )
          if (known ? known.accountId !== accountId || known.changedAt.getTime() !== expected?.getTime() : expected)
            return false
          const changedAt = expected && expected >= at ? new Date(expected.getTime() + 1) : at
          const written = yield* step(
            expected === null
              ? tx.insert(p).values({ accountId, emailKey, hash, changedAt }).returning({ id: p.accountId })
              : tx
                  .update(p)
                  .set({ emailKey, hash, changedAt })
                  .where(and(eq(p.accountId, accountId), eq(p.changedAt, expected)))
                  .returning({ id: p.accountId }),
          )
          if (written.length === 0) return false
          yield* note(because)
          yield* endOthers(tx, note, { accountId, at, keepSession, keepDevice }, 'password_changed', because)
          return true
        },
        [accountLock(accountId), addressLock(emailKey)],
      ),

    remove: ({ accountId, at, keepSession, keepDevice }, mayRemove, because) =>
      change(
        function* (tx, note) {
          const methods = yield* signInMethodsOf(tx, t, accountId)
          if (!methods.password) return 'no_password'
          if (!mayRemove({ ...methods, password: null })) return 'last_login_method'
          yield* step(tx.delete(p).where(eq(p.accountId, accountId)))
          yield* note(because)
          yield* endOthers(tx, note, { accountId, at, keepSession, keepDevice }, 'password_removed', because)
          return 'removed'
        },
        [accountLock(accountId)],
      ),

    async rehash(accountId, from, to) {
      const done = await write(
        db
          .update(p)
          .set({ hash: to })
          .where(and(eq(p.accountId, accountId), eq(p.hash, from)))
          .returning({ id: p.accountId }),
      )
      return done.length > 0
    },
  }
}
