import {
  and,
  asc,
  desc,
  eq,
  exists,
  getTableColumns,
  gt,
  gte,
  isNull,
  lt,
  lte,
  ne,
  or,
  type SQL,
  sql,
} from 'drizzle-orm'
import type { Opener, SessionStore } from '../sessions/ports.ts'
import { accountColumns } from './accounts.ts'
import { accountLock, type Change } from './change.ts'
import { allGiven, type Driver, given, step } from './driver.ts'
import { live, originOf, signedOut } from './endings.ts'
import { rotation } from './rotation.ts'
import { endTrust } from './tickets.ts'

/** How many sessions one sweeping statement looks at, so that no sign-in waits long behind it. */
const swept = 2000

export function sessionStore(driver: Driver, change: Change): SessionStore {
  const { db, tables: t, read, readLong, reads, steps, write, writes } = driver
  const s = t.sessions
  const { cookieHash: _, ...columns } = getTableColumns(s)
  const at = given('at', s.lastSeenAt)
  const id = sql.placeholder('id')

  const withAccount = () =>
    db
      .select({ ...columns, account: accountColumns(t) })
      .from(s)
      .innerJoin(t.accounts, eq(t.accounts.id, s.accountId))
  const byId = reads(withAccount().where(eq(s.id, id)))
  const byCookie = reads(withAccount().where(eq(s.cookieHash, sql.placeholder('cookieHash'))))

  /** The account, if it is enabled and what opens it is still there: of each way in one statement. */
  const accountWith = (...still: (SQL | undefined)[]) => {
    const enabled = and(eq(t.accounts.id, sql.placeholder('accountId')), isNull(t.accounts.disabledAt), ...still)
    return steps(
      db.select({ role: t.accounts.role, secondFactorAt: t.accounts.secondFactorAt }).from(t.accounts).where(enabled),
    )
  }
  const theirs = <T extends typeof t.identities | typeof t.passwords | typeof t.passkeys>(table: T, which: SQL) =>
    exists(
      db
        .select({ one: sql`1` })
        .from(table as typeof t.identities)
        .where(and(eq(table.accountId, t.accounts.id), which)),
    )
  const [withIdentity, withPassword, withPasskey, withAddress, enabledOne] = [
    accountWith(theirs(t.identities, eq(t.identities.id, id))),
    accountWith(theirs(t.passwords, eq(t.passwords.changedAt, given('changedAt', t.passwords.changedAt)))),
    accountWith(theirs(t.passkeys, eq(t.passkeys.id, id))),
    accountWith(eq(t.accounts.verifiedEmailKey, sql.placeholder('emailKey'))),
    accountWith(),
  ]
  const openedBy = (accountId: string, opener: Opener) => {
    switch (opener.tag) {
      case 'identity':
        return withIdentity({ accountId, id: opener.id })
      case 'password':
        return withPassword({ accountId, changedAt: new Date(opener.changedAt) })
      case 'passkey':
        return withPasskey({ accountId, id: opener.id })
      case 'email':
        return opener.emailKey === undefined
          ? enabledOne({ accountId })
          : withAddress({ accountId, emailKey: opener.emailKey })
    }
  }
  const starting = steps(db.insert(s).values(allGiven(getTableColumns(s))))

  const rotate = rotation(driver)
  const marking = writes(
    db
      .update(s)
      .set({ usedGeneration: given('generation', s.usedGeneration), lastSeenAt: at })
      .where(
        and(
          eq(s.id, id),
          lt(s.usedGeneration, given('generation', s.usedGeneration)),
          gte(s.generation, given('generation', s.generation)),
        ),
      ),
  )
  const seeing = writes(
    db
      .update(s)
      .set({ lastSeenAt: at })
      .where(and(eq(s.id, id), live(t, at))),
  )
  const extending = writes(
    db
      .update(s)
      .set({ lastSeenAt: at, idleExpiresAt: given('idleExpiresAt', s.idleExpiresAt) })
      .where(and(eq(s.id, id), live(t, at))),
  )

  return {
    start: (session, { opener, cookieHash, replaces, scopeOf }, because) =>
      change(
        function* (tx, note) {
          const [account] = yield* step(openedBy(session.accountId, opener))
          if (!account) return false
          // Enrolled while this sign-in was under way: it must not be the last one without.
          if (account.secondFactorAt && !session.amr.includes('mfa')) return false
          yield* step(starting({ ...session, cookieHash, scope: scopeOf ? scopeOf(account.role) : session.scope }))
          yield* note(because)
          if (replaces === null) return true
          const [replaced] = yield* step(
            tx
              .update(s)
              .set({ endedAt: session.createdAt, endReason: 'replaced' })
              .where(and(eq(s.id, replaces), ne(s.id, session.id), live(t, session.createdAt)))
              .returning({ accountId: s.accountId }),
          )
          if (replaced) yield* note(signedOut([{ id: replaces }], 'replaced', replaced.accountId, originOf(because)))
          return true
        },
        [accountLock(session.accountId)],
      ),

    async find(id) {
      const [found] = await byId({ id })
      return found
    },
    async findByCookie(cookieHash) {
      const [found] = await byCookie({ cookieHash })
      return found
    },

    rotate: (id, generation, at, idleExpiresAt) => rotate({ id, generation, at, idleExpiresAt }),

    async markUsed(id, generation, at) {
      await marking({ id, generation, at })
    },

    async touch(id, at, idleExpiresAt) {
      if (idleExpiresAt === null) await seeing({ id, at })
      else await extending({ id, at, idleExpiresAt })
    },

    end: ({ id, accountId }, endReason, at, because) =>
      change(function* (tx, note) {
        const ended = yield* step(
          tx
            .update(s)
            .set({ endedAt: at, endReason })
            .where(and(eq(s.id, id), eq(s.accountId, accountId), live(t, at)))
            .returning({ id: s.id }),
        )
        if (ended.length === 0) return false
        yield* note(because)
        return true
      }),

    endAll: (accountId, except, endReason, at, because, keepDevice = null) =>
      change(
        function* (tx, note) {
          const ended = yield* step(
            tx
              .update(s)
              .set({ endedAt: at, endReason })
              .where(and(eq(s.accountId, accountId), except === null ? undefined : ne(s.id, except), live(t, at)))
              .returning({ id: s.id }),
          )
          yield* endTrust(tx, t, accountId, keepDevice)
          const ids = ended.map(({ id }) => id).sort()
          yield* note(ids.map(because))
          return ids
        },
        // Or a device would be trusted for a session that is just being ended.
        [accountLock(accountId)],
      ),

    rename: ({ id, accountId }, name, at, because) =>
      change(function* (tx, note) {
        const [renamed] = yield* step(
          tx
            .update(s)
            .set({ name })
            .where(and(eq(s.id, id), eq(s.accountId, accountId), live(t, at)))
            .returning(columns),
        )
        if (renamed) yield* note(because)
        return renamed
      }),

    list: (accountId, at) =>
      readLong(
        db
          .select(columns)
          .from(s)
          .where(and(eq(s.accountId, accountId), live(t, at)))
          .orderBy(desc(s.lastSeenAt), desc(s.id)),
      ),

    async sweep(before) {
      const over = or(lt(s.endedAt, before), lt(s.idleExpiresAt, before), lt(s.absoluteExpiresAt, before))
      let count = 0
      for (let from = ''; ; ) {
        const [last] = await read(
          db
            .select({ id: s.id })
            .from(s)
            .where(gt(s.id, from))
            .orderBy(asc(s.id))
            .limit(1)
            .offset(swept - 1),
        )
        const within = last ? and(gt(s.id, from), lte(s.id, last.id)) : gt(s.id, from)
        count += (await write(db.delete(s).where(and(within, over)).returning({ id: s.id }))).length
        if (!last) return count
        from = last.id
      }
    },
  }
}
