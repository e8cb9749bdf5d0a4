import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import {
  deleted,
  insertSessions,
  later,
  newcomer,
  newId,
  now,
  type Opened,
  origin,
  rowsOf,
  session,
  trailOf,
} from './people.ts'
import { watched } from './watched.ts'

/** What every store promises when it erases a long-lived account. */
export function erasingContract(opened: () => Opened): void {
  /** An account with thousands of rows of its own: of each kind, more than one statement deletes. */
  async function veteran(): Promise<string> {
    const { driver } = opened()
    const { db, tables, write } = driver
    const { account } = await newcomer(opened())
    const accountId = account.id
    const some = async <T>(count: number, row: (n: number) => T, insert: (rows: T[]) => PromiseLike<unknown>) => {
      const rows = Array.from({ length: count }, (_, n) => row(n))
      for (let from = 0; from < count; from += 100) await write(insert(rows.slice(from, from + 100)))
    }
    await some(
      650,
      () => ({ ...session(accountId, { endedAt: later(-60), endReason: 'logout' }), cookieHash: null }),
      (rows) => db.insert(tables.sessions).values(rows),
    )
    await insertSessions(driver, accountId, 550)
    const devices = Array.from({ length: 550 }, () => newId('dev'))
    await some(
      550,
      (n) => ({
        id: devices[n] ?? '',
        accountId,
        secretHash: newId('dev'),
        createdAt: now,
        lastSeenAt: now,
        expiresAt: later(600),
      }),
      (rows) => db.insert(tables.trustedDevices).values(rows),
    )
    await some(
      550,
      (n) => ({ key: `device:${devices[n]}`, failures: 1, lastAt: now, blockedUntil: now }),
      (rows) => db.insert(tables.guesses).values(rows),
    )
    await some(
      1600,
      // Rows of one moment as well: paging must not get stuck in the middle of them.
      (n) => ({
        id: newId('aud'),
        at: later(-Math.max(0, 9000 - 2 * n)),
        ordinal: n,
        event: 'account.updated',
        accountId,
        ip: origin.ip,
        userAgent: origin.userAgent,
        requestId: null,
        data: {},
      }),
      (rows) => db.insert(tables.audit).values(rows),
    )
    return accountId
  }

  describe('erasing an account with thousands of rows', () => {
    test('works in batches until every row is gone', async () => {
      const accountId = await veteran()
      const { account: other } = await newcomer(opened())
      await insertSessions(opened().driver, other.id, 3)
      const { store, statements } = watched(opened())
      expect(await store.accounts.remove(accountId, now, [deleted(accountId)])).toBe(true)
      expect(Math.max(...statements.map(({ rows }) => rows))).toBe(500)
      expect(await store.accounts.find(accountId)).toBeUndefined()
      expect(await rowsOf(opened(), 'sessions')).toHaveLength(3)
      expect(await rowsOf(opened(), 'trustedDevices')).toEqual([])
      const { driver } = opened()
      expect(await driver.read(driver.db.select().from(driver.tables.guesses))).toEqual([])
      const trail = await trailOf(opened())
      expect(trail.filter(({ ip, userAgent }) => ip !== null || userAgent !== null)).toEqual([])
      expect(trail.filter(({ event }) => event === 'account.updated')).toHaveLength(1600)
      // Each session that still worked ended, and the audit log records it.
      expect(trail.filter(({ event }) => event === 'session.ended')).toHaveLength(550)
    })

    test('leaves a working account when the process dies halfway; the next call erases the rest', async () => {
      const accountId = await veteran()
      const { driver } = opened()
      const { store, dieAt } = watched(opened())
      dieAt(/^delete from "accounts"/i)
      await expect(store.accounts.remove(accountId, now, [deleted(accountId)])).rejects.toThrow('the process died')
      expect(await opened().store.sessions.list(accountId, now)).toHaveLength(100)
      expect(await opened().store.accounts.identitiesOf(accountId)).toHaveLength(1)
      expect(await opened().store.accounts.remove(accountId, now, [deleted(accountId)])).toBe(true)
      expect(await driver.read(driver.db.select().from(driver.tables.accounts))).toEqual([])
    })

    test('erases each IP address in its activity once, however many calls it takes', async () => {
      const accountId = await veteran()
      const { store, statements, dieAt } = watched(opened())
      dieAt(/^delete from "accounts"/i)
      const forgotten = () => statements.splice(0).filter(({ sql }) => /^update "audit"/i.test(sql)).length
      await expect(store.accounts.remove(accountId, now, [deleted(accountId)])).rejects.toThrow('the process died')
      expect(forgotten()).toBeGreaterThan(3)
      await expect(store.accounts.remove(accountId, now, [deleted(accountId)])).rejects.toThrow('the process died')
      // Otherwise a call that is cut off at its deadline would do the same work again and never finish.
      expect(forgotten()).toBeLessThan(2)
    })

    test('changes nothing in its history where it is the last administrator', async () => {
      const accountId = await veteran()
      const { db, tables, write } = opened().driver
      await write(db.update(tables.accounts).set({ role: 'administrator' }).where(eq(tables.accounts.id, accountId)))
      expect(await opened().store.accounts.remove(accountId, now, [deleted(accountId)])).toBe('last_administrator')
      expect(await rowsOf(opened(), 'sessions')).toHaveLength(1200)
      expect(await rowsOf(opened(), 'trustedDevices')).toHaveLength(550)
    })
  })
}
