import { and, desc, eq, isNull, sql } from 'drizzle-orm'
import type { TrustedDeviceStore } from '../credentials/ports.ts'
import { caps, deleteBeyond } from './caps.ts'
import { accountLock } from './change.ts'
import { type Driver, step } from './driver.ts'

/**
 * In how many of an account's sessions, the newest ones, a user agent is searched for. Ended sessions stay for a month,
 * and a program may have started tens of thousands.
 */
const mostRemembered = 500

export function trustedDeviceStore({
  db,
  atomic,
  tables: { trustedDevices: t, sessions, accounts },
  read,
  reads,
}: Driver): TrustedDeviceStore {
  const ofAccount = eq(sessions.accountId, sql.placeholder('accountId'))
  const anywhere = reads(db.select({ id: sessions.id }).from(sessions).where(ofAccount).limit(1))
  const bySecret = reads(
    db
      .select({ id: t.id, expiresAt: t.expiresAt })
      .from(t)
      .where(eq(t.secretHash, sql.placeholder('secretHash'))),
  )
  const newest = db
    .select({ id: sessions.id, userAgent: sessions.userAgent })
    .from(sessions)
    .where(ofAccount)
    .orderBy(desc(sessions.id))
    .limit(mostRemembered)
    .as('newest')
  const withAgent = reads(
    db
      .select({ id: newest.id })
      .from(newest)
      // A client without a user agent is recognized as such.
      .where(sql`coalesce(${newest.userAgent}, '') = ${sql.placeholder('agent')}`)
      .limit(1),
  )

  return {
    async find(secretHash, at) {
      const [found] = await bySecret({ secretHash })
      return found && found.expiresAt > at ? found.id : undefined
    },
    trust: (device, sessionId) =>
      atomic(
        function* (tx) {
          const { accountId, lastSeenAt, expiresAt } = device
          const openSession = and(
            eq(sessions.id, sessionId),
            eq(sessions.accountId, accountId),
            isNull(sessions.endedAt),
          )
          const [open] = yield* step(tx.select({ id: sessions.id }).from(sessions).where(openSession))
          if (!open) return
          const [trusted] = yield* step(
            tx
              .insert(t)
              .values(device)
              .onConflictDoUpdate({ target: t.secretHash, set: { lastSeenAt, expiresAt } })
              .returning({ id: t.id }),
          )
          // The device was known before, so there is not one more.
          if (trusted?.id !== device.id) return
          const which = eq(t.accountId, accountId)
          yield* deleteBeyond(tx, t, { which, key: t.id, age: t.lastSeenAt, most: caps.trustedDevices })
        },
        [accountLock(device.accountId)],
      ),
    async history(accountId, userAgent) {
      // Nearly everyone returns with a user agent they have used before.
      if ((await withAgent({ accountId, agent: userAgent ?? '' })).length > 0)
        return { any: true, agent: true, openedAt: null }
      if ((await anywhere({ accountId })).length > 0) return { any: true, agent: false, openedAt: null }
      const [account] = await read(
        db.select({ at: accounts.createdAt }).from(accounts).where(eq(accounts.id, accountId)),
      )
      return { any: false, agent: false, openedAt: account?.at ?? null }
    },
  }
}
