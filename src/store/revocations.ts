import { and, asc, eq, gt, gte, isNotNull, isNull, or } from 'drizzle-orm'
import type { ConsentKey, RevocationStore } from '../connections/ports.ts'
import type { Change } from './change.ts'
import { sameConsent } from './consents.ts'
import { type Driver, step } from './driver.ts'
import { queueOf } from './queue.ts'
import { compareRow } from './row-value.ts'

/** How long a person who has returned from a provider may still be signing in, in milliseconds. */
const returningMs = 60_000

export function revocationStore(driver: Driver, change: Change): RevocationStore {
  const { db, tables, read, readLong, write } = driver
  const { revocations: t, grants, pendingAuthorizations } = tables
  /**
   * An older version may have queued the item without an issuer. Then a grant of any issuer may rest on the consent.
   */
  const standingOn = ({ provider, issuer, clientId, subject }: ConsentKey) =>
    issuer === ''
      ? and(eq(grants.provider, provider), eq(grants.clientId, clientId), eq(grants.subject, subject))
      : sameConsent(grants, { provider, issuer, clientId, subject })
  return {
    ...queueOf(driver, t, t.provider),
    async add(item) {
      await write(db.insert(t).values(item))
    },
    async stillNeeded(consent) {
      const standing = await read(
        db
          .select({ id: grants.id })
          .from(grants)
          .where(and(standingOn(consent), isNotNull(grants.accessToken)))
          .limit(1),
      )
      return standing.length > 0
    },
    finish: (id, because, called) =>
      change(function* (tx, note) {
        const [done] = yield* step(tx.delete(t).where(eq(t.id, id)).returning())
        if (!done) return
        if (called) {
          const since = and(standingOn(done), gte(grants.consentedAt, done.createdAt))
          const renewable = and(since, isNotNull(grants.accessToken), isNotNull(grants.refreshToken))
          yield* step(tx.update(grants).set({ expiresAt: called.at, dueAt: called.at }).where(renewable))
        }
        yield* note(because)
      }),
    async awaited({ accountId, provider, createdAt }, at) {
      const underway = and(isNull(pendingAuthorizations.claimedAt), gt(pendingAuthorizations.expiresAt, at))
      const back = and(
        gt(pendingAuthorizations.claimedAt, createdAt),
        gt(pendingAuthorizations.claimedAt, new Date(at.getTime() - returningMs)),
      )
      const [one] = await read(
        db
          .select({ id: pendingAuthorizations.id })
          .from(pendingAuthorizations)
          .where(
            and(
              eq(pendingAuthorizations.accountId, accountId),
              eq(pendingAuthorizations.provider, provider),
              or(underway, back),
            ),
          )
          .limit(1),
      )
      return one !== undefined
    },
    async waitingAt(provider) {
      const [one] = await read(db.select({ id: t.id }).from(t).where(eq(t.provider, provider)).limit(1))
      return one !== undefined
    },
    async postpone(id, at) {
      await write(db.update(t).set({ nextAttemptAt: at }).where(eq(t.id, id)))
    },
    of: (accountId, { after, limit }) => {
      const rest =
        after &&
        compareRow('>', [
          [t.createdAt, after.createdAt],
          [t.id, after.id],
        ])
      return readLong(
        db
          .select()
          .from(t)
          .where(and(eq(t.accountId, accountId), rest ?? undefined))
          .orderBy(asc(t.createdAt), asc(t.id))
          .limit(limit),
      )
    },
  }
}
