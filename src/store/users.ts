import { and, asc, count, eq, inArray, isNull } from 'drizzle-orm'
import type { UserStore } from '../accounts/ports.ts'
import type { EndReason } from '../sessions/ports.ts'
import { administratorsLock, isLastAdministrator } from './administrators.ts'
import { accountLock, type Change } from './change.ts'
import { hasTotp, turnOffSecondFactor } from './credential-changes.ts'
import { type Driver, type Queries, type Script, step } from './driver.ts'
import { endingChange, live, originOf } from './endings.ts'
import { managedColumns } from './managed-accounts.ts'
import { providerAccounts } from './provider-accounts.ts'
import { notifyJiraPaused } from './team-endings.ts'
import { endTickets } from './tickets.ts'
import { userLists } from './user-lists.ts'

export function userStore(driver: Driver, change: Change): UserStore {
  const { db, tables: t, read, readLong } = driver
  const columns = managedColumns(t)

  function* find(tx: Queries, id: string) {
    const [found] = yield* step(tx.select(columns).from(t.accounts).where(eq(t.accounts.id, id)))
    return found
  }

  function* endSessions(tx: Queries, accountId: string, reason: EndReason, at: Date): Script<readonly string[]> {
    const ended = yield* step(
      tx
        .update(t.sessions)
        .set({ endedAt: at, endReason: reason })
        .where(and(eq(t.sessions.accountId, accountId), live(t, at)))
        .returning({ id: t.sessions.id }),
    )
    return ended.map(({ id }) => id).sort()
  }

  const ending = endingChange(change, t)

  return {
    ...userLists(driver),
    ...providerAccounts(driver),

    async get(id, at) {
      const n = { n: count() }
      const of = async (query: PromiseLike<{ n: number }[]>): Promise<number> => (await readLong(query))[0]?.n ?? 0
      const { identities: i, sessions: s, passkeys: k, passwords: p } = t
      const [[account], identities, sessions, passkeys, passwords] = await Promise.all([
        read(db.select(columns).from(t.accounts).where(eq(t.accounts.id, id))),
        of(db.select(n).from(i).where(eq(i.accountId, id))),
        of(
          db
            .select(n)
            .from(s)
            .where(and(eq(s.accountId, id), live(t, at))),
        ),
        of(db.select(n).from(k).where(eq(k.accountId, id))),
        of(db.select(n).from(p).where(eq(p.accountId, id))),
      ])
      return account && { account, identities, sessions, passkeys, password: passwords > 0 }
    },

    atAddress: (emailKey, limit) =>
      readLong(
        db
          .select(columns)
          .from(t.accounts)
          .where(eq(t.accounts.emailKey, emailKey))
          .orderBy(asc(t.accounts.createdAt), asc(t.accounts.id))
          .limit(limit),
      ),

    names: async (ids) =>
      ids.length === 0
        ? []
        : readLong(
            db
              .select({ id: t.accounts.id, name: t.accounts.name, email: t.accounts.email })
              .from(t.accounts)
              .where(inArray(t.accounts.id, [...ids])),
          ),

    update: (id, { name, picture, role }, at, because) =>
      change(
        function* (tx, note) {
          const before = yield* find(tx, id)
          if (!before) return 'not_found'
          const another = role !== undefined && role.name !== before.role
          if (another && role.name === 'administrator' && !before.emailVerified && !before.invitedAt)
            return 'address_needed'
          if (another && (yield* isLastAdministrator(tx, t, id))) return 'last_administrator'
          yield* step(
            tx
              .update(t.accounts)
              .set({
                ...(name !== undefined && { name }),
                ...(picture !== undefined && { picture }),
                ...(role !== undefined && { role: role.name }),
                updatedAt: at,
              })
              .where(eq(t.accounts.id, id)),
          )
          // Ended ones stay for a month, in any number.
          const open = and(eq(t.sessions.accountId, id), isNull(t.sessions.endedAt))
          if (another) yield* step(tx.update(t.sessions).set({ scope: role.scope }).where(open))
          yield* note(because(before))
          return (yield* find(tx, id)) ?? 'not_found'
        },
        role === undefined ? [accountLock(id)] : [accountLock(id), administratorsLock],
      ),

    updateMetadata: (id, decide, at) =>
      change(
        function* (tx, note) {
          const before = yield* find(tx, id)
          if (!before) return 'not_found'
          const decided = decide(before.metadata)
          if (!decided) return before
          const { metadata, because } = decided
          yield* step(tx.update(t.accounts).set({ metadata, updatedAt: at }).where(eq(t.accounts.id, id)))
          yield* note(because)
          return { ...before, metadata, updatedAt: at }
        },
        [accountLock(id)],
      ),

    disable: (id, at, because, ended) =>
      ending({ accountId: id, spare: null, at }, originOf(because))(
        function* (tx, note) {
          const before = yield* find(tx, id)
          if (!before) return 'not_found'
          if (before.disabledAt) return before
          if (yield* isLastAdministrator(tx, t, id)) return 'last_administrator'
          yield* step(tx.update(t.accounts).set({ disabledAt: at, updatedAt: at }).where(eq(t.accounts.id, id)))
          yield* endTickets(tx, t, id)
          const sessions = yield* endSessions(tx, id, 'account_disabled', at)
          yield* note([...because, ...sessions.map(ended)])
          yield* notifyJiraPaused(tx, t, note, id, originOf(because))
          return { ...before, disabledAt: at, updatedAt: at }
        },
        [accountLock(id), administratorsLock],
      ),

    enable: (id, at, because) =>
      change(
        function* (tx, note) {
          const before = yield* find(tx, id)
          if (!before) return 'not_found'
          if (!before.disabledAt) return before
          yield* step(tx.update(t.accounts).set({ disabledAt: null, updatedAt: at }).where(eq(t.accounts.id, id)))
          yield* note(because)
          return { ...before, disabledAt: null, updatedAt: at }
        },
        [accountLock(id)],
      ),

    removeSecondFactor: (id, at, because, ended) =>
      ending({ accountId: id, spare: null, at }, originOf(because('totp')))(
        function* (tx, note) {
          const before = yield* find(tx, id)
          if (!before) return 'not_found'
          const factor = (yield* hasTotp(tx, t, id)) ? 'totp' : 'passkey'
          if (!(yield* turnOffSecondFactor(tx, t, { accountId: id, at }))) return 'second_factor_missing'
          yield* step(tx.delete(t.totpFactors).where(eq(t.totpFactors.accountId, id)))
          yield* endTickets(tx, t, id)
          const sessions = yield* endSessions(tx, id, 'second_factor_removed', at)
          yield* note([...because(factor), ...sessions.map(ended)])
          return { ...before, secondFactorAt: null, updatedAt: at }
        },
        [accountLock(id)],
      ),
  }
}
