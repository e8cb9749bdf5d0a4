import { and, desc, eq, gt, inArray, isNotNull, isNull, ne, type SQL, sql } from 'drizzle-orm'
import { type Fact, internalOrigin, type Origin } from '../events/catalogue.ts'
import type { EndReason } from '../sessions/ports.ts'
import { accountLock, type Change, type Note } from './change.ts'
import { type Driver, placeholderFor, type Queries, type Script, step } from './driver.ts'
import type { Tables } from './schema.ts'

/** Neither ended nor expired at `at`. A session that is over stays over: nothing extends it or ends it again. */
export const live = ({ sessions }: Tables, at: Date | SQL): SQL | undefined =>
  and(isNull(sessions.endedAt), gt(sessions.idleExpiresAt, at), gt(sessions.absoluteExpiresAt, at))

/**
 * When the session was ended; `null` if it expired. One that has expired may be marked as ended, without a reason: then
 * nothing that reads the open sessions of its account reads it again. For everyone else it has expired as before.
 */
export const endedAtOf = ({ sessions: s }: Tables): SQL<Date | null> =>
  sql`case when ${s.endReason} is not null then ${s.endedAt} end`.mapWith(s.endedAt)

/**
 * When the session expires unless it is used. For one that is marked as ended because it had expired, that time is past,
 * also after a clock is set back as far as it goes: nothing can extend it any more, and a refresh would be tried for
 * ever.
 */
export const idleExpiresAtOf = ({ sessions: s }: Tables): SQL<Date> => {
  const isMarked = and(isNotNull(s.endedAt), isNull(s.endReason))
  return sql`case when ${isMarked} then ${sql.param(new Date(0), s.idleExpiresAt)} else ${s.idleExpiresAt} end`.mapWith(
    s.idleExpiresAt,
  )
}

/** The origin of a side effect is that of its cause. */
export const originOf = (because: readonly Fact[]): Origin => because[0]?.origin ?? internalOrigin

/**
 * The origin for the audit log of another account. The caller's IP address and user agent are not shown to that
 * account.
 */
export const originForOtherAccounts = (because: readonly Fact[]): Origin => ({
  ...internalOrigin,
  requestId: originOf(because).requestId,
})

/** The facts for sessions that ended as a side effect. */
export const signedOut = (
  sessions: readonly { readonly id: string }[],
  reason: EndReason,
  accountId: string,
  origin: Origin,
): readonly Fact[] =>
  sessions.map(({ id: session }) => ({
    name: 'session.ended',
    data: { session, reason },
    accountId,
    origin,
  }))

/** How many live sessions an account may have. This bounds the cost of listing them and of signing all of them out. */
export const maxSessions = 100
/** How many sessions one transaction ends, so that no other writer waits long for it. */
export const sessionsAtOnce = 250

type SessionSelection = {
  readonly which: SQL | undefined
  readonly beyond?: number
  readonly reason: EndReason
  readonly at: Date | SQL
}

/**
 * Takes a batch of the open sessions in `which` and keeps `beyond` of them, live ones first, most recently seen first.
 * Ends the others. Those that have expired are marked as ended, without a reason, since nobody is signed out.
 * Otherwise an account could collect any number of them until they are swept, and each batch would read them all.
 */
function endingSome(tx: Queries, t: Tables, { which, beyond = 0, reason, at }: SessionSelection) {
  const { sessions: s } = t
  const isLive = sql`${live(t, at)}`
  const open = tx
    .select({ id: s.id, lastSeenAt: s.lastSeenAt, isLive: isLive.as('is_live') })
    .from(s)
    .where(and(which, isNull(s.endedAt)))
    .limit(beyond + sessionsAtOnce)
    .as('open')
  const some = tx
    .select({ id: open.id })
    .from(open)
    .orderBy(desc(open.isLive), desc(open.lastSeenAt), desc(open.id))
    .limit(sessionsAtOnce)
    .offset(beyond)
  return tx
    .update(s)
    .set({ endedAt: at, endReason: sql`case when ${isLive} then ${reason} end` })
    .where(and(inArray(s.id, some), isNull(s.endedAt)))
    .returning({ id: s.id, reason: s.endReason })
}
type EndedBatch = {
  /** The sessions that were live. */
  readonly sessions: readonly { readonly id: string }[]
  /** How many sessions there were, with those that had expired; if it is `sessionsAtOnce`, there may be more. */
  readonly size: number
}
const batchOf = (rows: readonly { readonly id: string; readonly reason: EndReason | null }[]): EndedBatch => ({
  sessions: rows.filter(({ reason }) => reason !== null),
  size: rows.length,
})

/** The same as a step of a script. */
export function* endSome(tx: Queries, t: Tables, some: SessionSelection): Script<EndedBatch> {
  return batchOf(yield* step(endingSome(tx, t, some)))
}

/** The sessions beyond `maxSessions` if `spare`, one of them, is kept. */
const beyondSpare = (t: Tables, accountId: string | SQL, spare: string | SQL, at: Date | SQL): SessionSelection => ({
  which: and(eq(t.sessions.accountId, accountId), ne(t.sessions.id, spare)),
  beyond: maxSessions - 1,
  reason: 'session_limit',
  at,
})

/**
 * `endExcess` as a prepared statement for sign-ins. An account at its limit needs it at every sign-in, and building the
 * statement takes longer than running it.
 */
export function excessAtSignIn({ db, tables: t, steps }: Driver) {
  const [accountId, spare] = [placeholderFor('accountId', t.sessions.accountId), placeholderFor('spare', t.sessions.id)]
  const ending = steps(endingSome(db, t, beyondSpare(t, accountId, spare, placeholderFor('at', t.sessions.endedAt))))
  return function* (
    note: Note,
    { accountId, spare, at }: { accountId: string; spare: string; at: Date },
    origin: Origin,
  ): Script<EndedBatch> {
    const ended = batchOf(yield* step(ending({ accountId, spare, at })))
    yield* note(signedOut(ended.sessions, 'session_limit', accountId, origin))
    return ended
  }
}

/**
 * Ends a batch of the account's sessions beyond `maxSessions`, the least recently seen, and never `spare`. Call it
 * under the account's lock.
 */
export function* endExcess(
  tx: Queries,
  t: Tables,
  note: Note,
  { accountId, spare, at }: { accountId: string; spare: string | null; at: Date },
  origin: Origin,
): Script<EndedBatch> {
  const which = eq(t.sessions.accountId, accountId)
  const some: SessionSelection =
    spare === null ? { which, beyond: maxSessions, reason: 'session_limit', at } : beyondSpare(t, accountId, spare, at)
  const ended = yield* endSome(tx, t, some)
  yield* note(signedOut(ended.sessions, 'session_limit', accountId, origin))
  return ended
}

type Excess = { readonly accountId: string; readonly spare: string | null; readonly at: Date }

/**
 * Ends all of the account's sessions beyond `maxSessions`, never `spare`, each batch in its own transaction. Only
 * accounts older than the limit have so many. For all others this is one statement that finds nothing. Expired ones are
 * marked as ended with them, so that ending all the others reads few rows.
 */
export async function endAllExcess(change: Change, t: Tables, excess: Excess, origin: Origin): Promise<void> {
  const batch = () => change((tx, note) => endExcess(tx, t, note, excess, origin), [accountLock(excess.accountId)])
  while ((await batch()).size === sessionsAtOnce);
}

/**
 * A change that ends every session of an account in its own transaction. It must be one transaction: a session that
 * outlives a changed password is an intruder's. Sessions beyond `maxSessions` end before, in batches, so that the
 * transaction ends at most that many. If the change is then refused, only sessions beyond the limit are gone.
 */
export const endingChange =
  (change: Change, t: Tables) =>
  (excess: Excess, origin: Origin): Change =>
  async (script, locks) => {
    await endAllExcess(change, t, excess, origin)
    return change(script, locks)
  }

/** Ends every live session of an account except `except`, and records it. Call it in an `endingChange`. */
export function* endSessions(
  tx: Queries,
  t: Tables,
  note: Note,
  { accountId, except, reason, at }: { accountId: string; except: string | null; reason: EndReason; at: Date },
  origin: Origin,
): Script<void> {
  const others = except === null ? undefined : ne(t.sessions.id, except)
  const ended = yield* step(
    tx
      .update(t.sessions)
      .set({ endedAt: at, endReason: reason })
      .where(and(eq(t.sessions.accountId, accountId), others, live(t, at)))
      .returning({ id: t.sessions.id }),
  )
  yield* note(signedOut(ended, reason, accountId, origin))
}

/**
 * Whether the caller's session still belongs to the account and is alive. It writes the row, so that a concurrent
 * sign-out comes either before or after.
 */
export function* isSignedIn(
  tx: Queries,
  t: Tables,
  { accountId, sessionId, at }: { accountId: string; sessionId: string; at: Date },
): Script<boolean> {
  const ownSession = and(eq(t.sessions.id, sessionId), eq(t.sessions.accountId, accountId), live(t, at))
  const touched = tx.update(t.sessions).set({ lastSeenAt: at }).where(ownSession).returning({ id: t.sessions.id })
  return (yield* step(touched)).length > 0
}
