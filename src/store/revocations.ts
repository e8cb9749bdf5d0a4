import { and, asc, count, eq, gt, gte, inArray, isNotNull, isNull, lte, or, sql } from 'drizzle-orm'
import type { ConsentKey, RevocationStore } from '../connections/ports.ts'
import type { Change } from './change.ts'
import { type Driver, step } from './driver.ts'

/** How long somebody who came back from a provider may still be on the way in. */
const returningMs = 60_000

export function revocationStore(
  { db, tables: { revocations: t, grants, flows }, read, write }: Driver,
  change: Change,
): RevocationStore {
  const sameConsent = ({ provider, clientId, subject }: ConsentKey) =>
    and(eq(grants.provider, provider), eq(grants.clientId, clientId), eq(grants.subject, subject))
  return {
    async take(limit, at, until) {
      const due = db
        .select({ id: t.id })
        .from(t)
        .where(lte(t.nextAttemptAt, at))
        .orderBy(asc(t.nextAttemptAt), asc(t.id))
        .limit(limit)
      // Asked again outside the list: a worker that waited for a row sees that it is no longer due.
      const taken = await write(
        db
          .update(t)
          .set({ nextAttemptAt: until })
          .where(and(inArray(t.id, due), lte(t.nextAttemptAt, at)))
          .returning(),
      )
      return taken.sort((a, b) => a.createdAt.getTime() - b.createdAt.getTime() || (a.id < b.id ? -1 : 1))
    },
    async stillNeeded(consent) {
      const standing = await read(
        db
          .select({ id: grants.id })
          .from(grants)
          .where(and(sameConsent(consent), isNotNull(grants.accessToken)))
          .limit(1),
      )
      return standing.length > 0
    },
    finish: (id, because, called) =>
      change(function* (tx, note) {
        const [done] = yield* step(tx.delete(t).where(eq(t.id, id)).returning())
        if (!done) return
        if (called) {
          const since = and(sameConsent(done), gte(grants.consentedAt, done.createdAt))
          const renewable = and(since, isNotNull(grants.accessToken), isNotNull(grants.refreshToken))
          yield* step(tx.update(grants).set({ expiresAt: called.at, dueAt: called.at }).where(renewable))
        }
        yield* note(because)
      }),
    async retry(id, at, error) {
      await write(
        db
          .update(t)
          .set({ attempts: sql`${t.attempts} + 1`, nextAttemptAt: at, lastError: error })
          .where(eq(t.id, id)),
      )
    },
    async awaited({ accountId, provider, createdAt }, at) {
      const underway = and(isNull(flows.claimedAt), gt(flows.expiresAt, at))
      const back = and(gt(flows.claimedAt, createdAt), gt(flows.claimedAt, new Date(at.getTime() - returningMs)))
      const [one] = await read(
        db
          .select({ id: flows.id })
          .from(flows)
          .where(and(eq(flows.accountId, accountId), eq(flows.provider, provider), or(underway, back)))
          .limit(1),
      )
      return one !== undefined
    },
    async postpone(id, at) {
      await write(db.update(t).set({ nextAttemptAt: at }).where(eq(t.id, id)))
    },
    of: (accountId) => read(db.select().from(t).where(eq(t.accountId, accountId)).orderBy(asc(t.createdAt), asc(t.id))),
    async backlog() {
      const [waiting] = await read(db.select({ rows: count() }).from(t))
      return waiting?.rows ?? 0
    },
  }
}
