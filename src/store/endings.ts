import { and, eq, gt, isNull, ne, type SQL } from 'drizzle-orm'
import { type Fact, internalOrigin, type Origin } from '../events/catalogue.ts'
import type { EndReason } from '../sessions/ports.ts'
import type { Note } from './change.ts'
import { type Queries, type Script, step } from './driver.ts'
import type { Tables } from './schema.ts'

/** Neither ended nor expired at `at`. A session that is over stays over: nothing extends or ends it again. */
export const live = ({ sessions }: Tables, at: Date | SQL): SQL | undefined =>
  and(isNull(sessions.endedAt), gt(sessions.idleExpiresAt, at), gt(sessions.absoluteExpiresAt, at))

/** Where a side effect comes from: where its cause does. */
export const originOf = (because: readonly Fact[]): Origin => because[0]?.origin ?? internalOrigin

/** The same in somebody else's trail: who caused it, from which address and with what, is not theirs to read. */
export const elsewhere = (because: readonly Fact[]): Origin => ({
  ...internalOrigin,
  requestId: originOf(because).requestId,
})

/** What is told of sessions that ended because of something else. */
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

/** Ends every live session of an account but `except`, and says so. */
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
 * Whether the session somebody acts in is still theirs and alive. It is written, not only read, so that a sign-out at
 * the same moment comes either before or after.
 */
export function* isSignedIn(
  tx: Queries,
  t: Tables,
  { accountId, sessionId, at }: { accountId: string; sessionId: string; at: Date },
): Script<boolean> {
  const theirs = and(eq(t.sessions.id, sessionId), eq(t.sessions.accountId, accountId), live(t, at))
  const seen = tx.update(t.sessions).set({ lastSeenAt: at }).where(theirs).returning({ id: t.sessions.id })
  return (yield* step(seen)).length > 0
}
