import { and, desc, eq, exists, getTableColumns, gte, isNull, lt, ne, or, type SQL, sql } from 'drizzle-orm'
import type { Origin } from '../events/catalogue.ts'
import type { Opener, Session, SessionStore } from '../sessions/ports.ts'
import { accountColumns } from './accounts.ts'
import { accountLock, type Change, include, type Note, scriptOf, unlessOvertaken } from './change.ts'
import { type Driver, placeholderFor, placeholdersFor, type Queries, type Script, step } from './driver.ts'
import {
  endAllExcess,
  endedAtOf,
  endSome,
  excessAtSignIn,
  idleExpiresAtOf,
  live,
  maxSessions,
  originOf,
  sessionsAtOnce,
  signedOut,
} from './endings.ts'
import { wholeHour } from './managed-accounts.ts'
import { rotation } from './rotation.ts'
import { endSomeTrust } from './tickets.ts'

export function sessionStore(driver: Driver, change: Change): SessionStore {
  const { db, tables: t, readLong, reads, skipLocked, steps, waitingWrites } = driver
  const s = t.sessions
  const { cookieHash: _, ...stored } = getTableColumns(s)
  const columns = { ...stored, endedAt: endedAtOf(t), idleExpiresAt: idleExpiresAtOf(t) }
  const at = placeholderFor('at', s.lastSeenAt)
  const id = sql.placeholder('id')

  const withAccount = () =>
    db
      .select({ ...columns, account: accountColumns(t) })
      .from(s)
      .innerJoin(t.accounts, eq(t.accounts.id, s.accountId))
  const byId = reads(withAccount().where(eq(s.id, id)))
  const byCookie = reads(withAccount().where(eq(s.cookieHash, sql.placeholder('cookieHash'))))

  /**
   * Whether as many sessions are open as may be live. It is read with the account, because one more statement would cost
   * every sign-in.
   */
  const isFull = sql<boolean>`${exists(
    db
      .select({ one: sql`1` })
      .from(s)
      .where(and(eq(s.accountId, t.accounts.id), isNull(s.endedAt)))
      .limit(1)
      .offset(maxSessions - 1),
  )}`.mapWith(Boolean)
  const needsLock = skipLocked !== undefined
  const lastSignInHour = placeholderFor('hour', t.accounts.lastSignInHour)
  /**
   * Returns the account, if it is enabled and the identity, password, passkey or email address used to sign in still
   * belongs to it. If two-step sign-in was turned on during this sign-in, no session may start without it. One statement
   * for each sign-in method. Other transactions must not change the account until the sign-in commits: PostgreSQL locks
   * its row, because the same statement writes the hour. SQLite needs no lock, and an UPDATE would write the row and its
   * index again each time, so there the hour is written only if it changed.
   */
  const accountWith = (...still: (SQL | undefined)[]) => {
    const proven = or(isNull(t.accounts.secondFactorAt), sql`${sql.placeholder('secondFactor')} = 'proven'`)
    const enabled = and(eq(t.accounts.id, sql.placeholder('accountId')), isNull(t.accounts.disabledAt), proven)
    const which = and(enabled, ...still)
    const account = { role: t.accounts.role, isFull, lastSignInHour: t.accounts.lastSignInHour }
    return steps(
      needsLock
        ? db.update(t.accounts).set({ lastSignInHour }).where(which).returning(account)
        : db.select(account).from(t.accounts).where(which),
    )
  }
  const recordHour = steps(
    db
      .update(t.accounts)
      .set({ lastSignInHour })
      .where(eq(t.accounts.id, sql.placeholder('accountId'))),
  )
  const belongsToAccount = <T extends typeof t.identities | typeof t.passwords | typeof t.passkeys>(
    table: T,
    which: SQL,
  ) =>
    exists(
      db
        .select({ one: sql`1` })
        .from(table as typeof t.identities)
        .where(and(eq(table.accountId, t.accounts.id), which)),
    )
  const [withIdentity, withPassword, withPasskey, withAddress, enabledOne] = [
    accountWith(belongsToAccount(t.identities, eq(t.identities.id, id))),
    accountWith(
      belongsToAccount(t.passwords, eq(t.passwords.changedAt, placeholderFor('changedAt', t.passwords.changedAt))),
    ),
    accountWith(belongsToAccount(t.passkeys, eq(t.passkeys.id, id))),
    accountWith(eq(t.accounts.verifiedEmailKey, sql.placeholder('emailKey'))),
    accountWith(),
  ]
  const openedBy = ({ accountId, amr, createdAt }: Session, opener: Opener) => {
    const all = { accountId, hour: wholeHour(createdAt), secondFactor: amr.includes('mfa') ? 'proven' : 'missing' }
    switch (opener.tag) {
      case 'identity':
        return withIdentity({ ...all, id: opener.id })
      case 'password':
        return withPassword({ ...all, changedAt: new Date(opener.changedAt) })
      case 'passkey':
        return withPasskey({ ...all, id: opener.id })
      case 'email':
        return opener.emailKey === undefined ? enabledOne(all) : withAddress({ ...all, emailKey: opener.emailKey })
    }
  }
  const endExcess = excessAtSignIn(driver)
  const starting = steps(db.insert(s).values(placeholdersFor(getTableColumns(s))))

  const rotate = rotation(driver)
  const marking = waitingWrites(
    db
      .update(s)
      .set({ usedGeneration: placeholderFor('generation', s.usedGeneration), lastSeenAt: at })
      .where(
        and(
          eq(s.id, id),
          lt(s.usedGeneration, placeholderFor('generation', s.usedGeneration)),
          gte(s.generation, placeholderFor('generation', s.generation)),
        ),
      ),
    { repeatable: true },
  )
  const seeing = waitingWrites(
    db
      .update(s)
      .set({ lastSeenAt: at })
      .where(and(eq(s.id, id), live(t, at))),
    { repeatable: true },
  )
  const extending = waitingWrites(
    db
      .update(s)
      .set({ lastSeenAt: at, idleExpiresAt: placeholderFor('idleExpiresAt', s.idleExpiresAt) })
      .where(and(eq(s.id, id), live(t, at))),
    { repeatable: true },
  )

  /** Ends the previous session of a browser. */
  function* replace(tx: Queries, note: Note, replaces: string, by: Session, origin: Origin): Script<void> {
    const [replaced] = yield* step(
      tx
        .update(s)
        .set({ endedAt: by.createdAt, endReason: 'replaced' })
        .where(and(eq(s.id, replaces), ne(s.id, by.id), live(t, by.createdAt)))
        .returning({ accountId: s.accountId }),
    )
    if (!replaced) return
    // Signing in again is no sign-out: the applications of the browser continue with the new session.
    if (replaced.accountId === by.accountId)
      yield* step(
        tx
          .update(t.applicationSessions)
          .set({ sessionId: by.id, absoluteExpiresAt: by.absoluteExpiresAt })
          .where(and(eq(t.applicationSessions.sessionId, replaces), isNull(t.applicationSessions.endedAt))),
      )
    yield* note(signedOut([{ id: replaces }], 'replaced', replaced.accountId, origin))
  }

  /** How many sessions it ended because there were too many; `null` if it started none. */
  function* startOne(
    tx: Queries,
    note: Note,
    included: Parameters<typeof include>[2],
    ...[session, { opener, cookieHash, replaces, scopeOf }, because]: Parameters<SessionStore['start']>
  ): Script<number | null> {
    const { id: spare, accountId, createdAt: at } = session
    const origin = originOf(because)
    const [account] = yield* step(openedBy(session, opener))
    if (!account) return null
    const hour = wholeHour(at)
    if (account.lastSignInHour !== hour) yield* step(recordHour({ accountId, hour }))
    yield* include(tx, note, included)
    yield* step(starting({ ...session, cookieHash, scope: scopeOf ? scopeOf(account.role) : session.scope }))
    yield* note(because)
    if (replaces !== null) yield* replace(tx, note, replaces, session, origin)
    return account.isFull ? (yield* endExcess(note, { accountId, spare, at }, origin)).sessions.length : 0
  }

  return {
    async start(...given) {
      const [{ id: spare, accountId, createdAt: at }, { including = [] }, because] = given
      const included = including.map(scriptOf)
      const locks = [accountLock(accountId), ...included.flatMap((one) => one.locks)]
      const starts = change((tx, note) => startOne(tx, note, included, ...given), locks)
      const ended = await unlessOvertaken(starts)
      // More live sessions than one batch: the account is older than the limit. The sweep ends the expired ones.
      if (ended === sessionsAtOnce) await endAllExcess(change, t, { accountId, spare, at }, originOf(because))
      return ended !== null
    },

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

    async endAll(accountId, except, reason, at, because, keepDevice = null) {
      const which = and(eq(s.accountId, accountId), except === null ? undefined : ne(s.id, except))
      const all: string[] = []
      // Prevents a device from becoming trusted for a session that is just being ended.
      const locks = [accountLock(accountId)]
      for (let more = true; more; ) {
        const ended = await change(function* (tx, note) {
          const { sessions, size } = yield* endSome(tx, t, { which, reason, at })
          const trusted = yield* endSomeTrust(tx, t, accountId, keepDevice)
          yield* note(
            sessions
              .map(({ id }) => id)
              .sort()
              .map(because),
          )
          // A batch may also be smaller because another request ended some of its sessions at the same moment. Few
          // accounts have more sessions than the limit, so hardly anyone waits for another round.
          return { sessions, more: size > maxSessions || trusted }
        }, locks)
        all.push(...ended.sessions.map(({ id }) => id))
        more = ended.more
      }
      return all.sort()
    },

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
          .orderBy(desc(s.lastSeenAt), desc(s.id))
          .limit(maxSessions),
      ),
  }
}
