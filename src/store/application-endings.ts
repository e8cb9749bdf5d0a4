/**
 * What the end of a session means for applications. Their refresh tokens need nothing: each use checks the session. Here
 * the applications' rows end, and their back-channel logout notices are queued, in the transaction that ends the
 * session.
 */
import { and, desc, eq, inArray, isNull, ne, type SQL, sql } from 'drizzle-orm'
import type { Fact } from '../events/catalogue.ts'
import type { ChangeParts } from './change.ts'
import { type Driver, placeholderFor, type Queries, rowsPerInsert, type Script, step } from './driver.ts'
import type { Tables } from './schema.ts'

type Ended = Pick<Tables['applicationSessions']['$inferSelect'], 'applicationId' | 'accountId' | 'sid'>
type NoticeParts = Pick<ChangeParts, 'clock' | 'ids'>

/** What a notice is about. */
const subjectOf = ({ applicationId, sid }: Pick<Ended, 'applicationId' | 'sid'>): string => `${applicationId} ${sid}`

/** Queues one notice for each application and session that wants one. */
export function* queueNotices(
  tx: Queries,
  { applications, logoutNotices }: Tables,
  { clock, ids }: NoticeParts,
  ended: readonly Ended[],
): Script<void> {
  if (ended.length === 0) return
  const which = [...new Set(ended.map(({ applicationId }) => applicationId))].sort()
  const listening = new Set(
    (yield* step(
      tx
        .select({ id: applications.id, to: applications.backchannelLogoutUri })
        .from(applications)
        .where(inArray(applications.id, which)),
    )).flatMap(({ id, to }) => (to === null ? [] : [id])),
  )
  const once = new Map(
    ended.filter(({ applicationId }) => listening.has(applicationId)).map((one) => [subjectOf(one), one]),
  )
  const at = clock()
  const rows = [...once.values()].map(({ applicationId, accountId, sid }) => ({
    id: ids('lgt'),
    applicationId,
    accountId,
    sid,
    attempts: 0,
    nextAttemptAt: at,
    lastError: null,
    createdAt: at,
  }))
  for (let from = 0; from < rows.length; from += rowsPerInsert)
    yield* step(tx.insert(logoutNotices).values(rows.slice(from, from + rowsPerInsert)))
}

/**
 * How many open rows an account may have, over all its sessions and applications. This bounds the transaction that ends
 * all of them, such as that of a changed password.
 */
export const mostSignInsOfAccount = 500
/** How many rows one transaction ends or deletes, so that no other writer waits long for it. */
const signInsAtOnce = 500

/**
 * Ends the oldest open rows of the account beyond `mostSignInsOfAccount`, never `spare`. Call it after `spare` was
 * inserted, under the account's lock. An application gets no notice while another row with the same `sid` is open: the
 * notice would end that one, too.
 */
export function* endExcessSignIns(
  tx: Queries,
  t: Tables,
  parts: NoticeParts,
  { accountId, spare, at }: { accountId: string; spare: string; at: Date },
): Script<void> {
  const { applicationSessions: a } = t
  const open = and(eq(a.accountId, accountId), isNull(a.endedAt))
  const excess = tx
    .select({ id: a.id })
    .from(a)
    .where(and(open, ne(a.id, spare)))
    .orderBy(desc(a.createdAt), desc(a.id))
    .limit(signInsAtOnce)
    .offset(mostSignInsOfAccount - 1)
  const ended = yield* step(
    tx
      .update(a)
      .set({ endedAt: at })
      .where(inArray(a.id, excess))
      .returning({ applicationId: a.applicationId, accountId: a.accountId, sid: a.sid }),
  )
  if (ended.length === 0) return
  const rest = yield* step(tx.select({ applicationId: a.applicationId, sid: a.sid }).from(a).where(open))
  const stay = new Set(rest.map(subjectOf))
  yield* queueNotices(
    tx,
    t,
    parts,
    ended.filter((one) => !stay.has(subjectOf(one))),
  )
}

/** Deletes rows. The applications of those that were open are notified. */
export function* eraseSignIns(tx: Queries, t: Tables, parts: NoticeParts, which: SQL | undefined): Script<number> {
  const { applicationSessions: a } = t
  const erased = yield* step(
    tx
      .delete(a)
      .where(which)
      .returning({ applicationId: a.applicationId, accountId: a.accountId, sid: a.sid, endedAt: a.endedAt }),
  )
  yield* queueNotices(
    tx,
    t,
    parts,
    erased.filter(({ endedAt }) => endedAt === null),
  )
  return erased.length
}

/** How many sessions one statement looks for: well below the parameter limit of either database. */
const sessionsAtOnce = 50

/** The end of one session's rows, prepared: a sign-in that ends the oldest session of an account is a hot request. */
export const endOfOneSession = ({
  db,
  tables: { applicationSessions: a },
  steps,
}: Pick<Driver, 'db' | 'tables' | 'steps'>) =>
  steps(
    db
      .update(a)
      .set({ endedAt: placeholderFor('at', a.endedAt) })
      .where(and(eq(a.sessionId, sql.placeholder('session')), isNull(a.endedAt)))
      .returning({ applicationId: a.applicationId, accountId: a.accountId, sid: a.sid }),
  )

/**
 * Every change that ends a session records it as one of these facts, so this is the one place that sees them all. A
 * deleted account has no sessions any more: its rows are found by the account, and deleted.
 */
export function* endApplications(
  tx: Queries,
  t: Tables,
  parts: NoticeParts & { readonly endOne: ReturnType<typeof endOfOneSession> },
  facts: readonly Fact[],
): Script<void> {
  const sessions: string[] = []
  const deleted: string[] = []
  for (const fact of facts) {
    if (fact.name === 'session.ended' || fact.name === 'session.token_reused') sessions.push(fact.data.session)
    if (fact.name === 'account.deleted' && fact.accountId !== null) deleted.push(fact.accountId)
  }
  const { applicationSessions: a } = t
  const end = (which: SQL) =>
    step(
      tx
        .update(a)
        .set({ endedAt: parts.clock() })
        .where(and(which, isNull(a.endedAt)))
        .returning({ applicationId: a.applicationId, accountId: a.accountId, sid: a.sid }),
    )
  const [only, ...more] = sessions
  if (only !== undefined && more.length === 0) {
    const ended = yield* step(parts.endOne({ session: only, at: parts.clock() }))
    yield* queueNotices(tx, t, parts, ended)
  }
  for (let from = 0; more.length > 0 && from < sessions.length; from += sessionsAtOnce)
    yield* queueNotices(tx, t, parts, yield* end(inArray(a.sessionId, sessions.slice(from, from + sessionsAtOnce))))
  for (const accountId of deleted) yield* eraseSignIns(tx, t, parts, eq(a.accountId, accountId))
}
