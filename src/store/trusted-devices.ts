import { and, eq, gt, isNull, lt, type SQL } from 'drizzle-orm'
import type { TrustedDeviceStore } from '../credentials/ports.ts'
import { accountLock } from './change.ts'
import { type Driver, step } from './driver.ts'

export function trustedDeviceStore({
  db,
  atomic,
  tables: { trustedDevices: t, sessions, accounts },
  read,
  write,
}: Driver): TrustedDeviceStore {
  return {
    async find(secretHash, at) {
      const [found] = await read(
        db
          .select({ id: t.id })
          .from(t)
          .where(and(eq(t.secretHash, secretHash), gt(t.expiresAt, at))),
      )
      return found?.id
    },
    trust: (device, sessionId) =>
      atomic(
        function* (tx) {
          const { accountId, lastSeenAt, expiresAt } = device
          const theirs = and(eq(sessions.id, sessionId), eq(sessions.accountId, accountId), isNull(sessions.endedAt))
          const [open] = yield* step(tx.select({ id: sessions.id }).from(sessions).where(theirs))
          if (!open) return
          yield* step(
            tx.insert(t).values(device).onConflictDoUpdate({ target: t.secretHash, set: { lastSeenAt, expiresAt } }),
          )
        },
        [accountLock(device.accountId)],
      ),
    async history(accountId, userAgent) {
      const mine = eq(sessions.accountId, accountId)
      const one = (which: SQL | undefined) =>
        read(db.select({ id: sessions.id }).from(sessions).where(which).limit(1)).then(({ length }) => length > 0)
      // One that does not say what it is is known as that. Nearly everybody comes back with what they came with.
      if (await one(and(mine, userAgent === null ? isNull(sessions.userAgent) : eq(sessions.userAgent, userAgent))))
        return { any: true, agent: true, openedAt: null }
      if (await one(mine)) return { any: true, agent: false, openedAt: null }
      const [account] = await read(
        db.select({ at: accounts.createdAt }).from(accounts).where(eq(accounts.id, accountId)),
      )
      return { any: false, agent: false, openedAt: account?.at ?? null }
    },
    async sweep(before) {
      return (await write(db.delete(t).where(lt(t.expiresAt, before)).returning({ id: t.id }))).length
    },
  }
}
