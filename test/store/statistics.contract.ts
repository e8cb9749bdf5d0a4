import { describe, expect, test } from 'vitest'
import type { CountedEntry } from '../../src/statistics/ports.ts'
import { statisticsStore } from '../../src/store/statistics.ts'
import { account, later, now, type Opened, origin, session } from './people.ts'

/** What every store promises about the counts that the overview shows. */
export function statisticsContract(opened: () => Opened): void {
  const statistics = () => opened().store.statistics
  const hour = new Date('2030-01-01T11:00:00Z')
  const next = new Date('2030-01-01T12:00:00Z')
  const refusal = (code: string) => ({
    name: 'authentication.failed' as const,
    accountId: null,
    origin,
    data: { provider: 'github', code, intent: 'login' as const },
  })

  describe('statistics', () => {
    test('entries of one event are read in pages, oldest first, within the time', async () => {
      for (const code of ['a', 'b', 'c', 'd', 'e']) await opened().store.audit.record(refusal(code))
      const found: CountedEntry[] = []
      for (let after: CountedEntry | null = null; ; ) {
        const time = { from: now, until: later(3600) }
        const page = await statistics().entries('authentication.failed', time, { after, limit: 2 })
        found.push(...page)
        after = page.at(-1) ?? null
        if (page.length < 2) break
      }
      expect(found.map(({ data }) => data.code)).toEqual(['a', 'b', 'c', 'd', 'e'])
      const all = { after: null, limit: 10 }
      expect(await statistics().entries('account.created', { from: now, until: later(3600) }, all)).toEqual([])
      expect(await statistics().entries('authentication.failed', { from: later(-60), until: now }, all)).toEqual([])
    })

    test('the counts of an hour are replaced as a whole, and no other hour changes', async () => {
      expect(await statistics().latestHour()).toBeUndefined()
      await statistics().replace(hour, [
        { measure: 'signIns', label: 'password', count: 3 },
        { measure: 'signIns', label: 'github', count: 4 },
      ])
      await statistics().replace(next, [{ measure: 'accounts', label: '', count: 9 }])
      await statistics().replace(hour, [{ measure: 'signIns', label: 'github', count: 5 }])
      expect(await statistics().latestHour()).toEqual(next)
      expect(await statistics().since(hour)).toEqual([
        { hour, measure: 'signIns', label: 'github', count: 5 },
        { hour: next, measure: 'accounts', label: '', count: 9 },
      ])
      expect(await statistics().since(next)).toHaveLength(1)
    })

    test('an hour may have more counts than one statement writes', async () => {
      const counts = Array.from({ length: 120 }, (_, n) => ({ measure: 'refused' as const, label: `c${n}`, count: n }))
      await statistics().replace(hour, counts)
      expect(await statistics().since(hour)).toHaveLength(120)
    })

    test('the counts of some measures are replaced without the others', async () => {
      await statistics().replace(hour, [
        { measure: 'signIns', label: 'github', count: 4 },
        { measure: 'accounts', label: '', count: 9 },
      ])
      await statistics().replace(hour, [{ measure: 'signIns', label: 'password', count: 5 }], ['signIns', 'refused'])
      expect(await statistics().since(hour)).toEqual([
        { hour, measure: 'accounts', label: '', count: 9 },
        { hour, measure: 'signIns', label: 'password', count: 5 },
      ])
    })

    test('totals read at most 1000 rows with one statement, and stop between two', async () => {
      const { driver } = opened()
      const people = Array.from({ length: 2000 }, () => account())
      for (let from = 0; from < people.length; from += 250)
        await driver.write(driver.db.insert(driver.tables.accounts).values(people.slice(from, from + 250)))
      const stopping = new AbortController()
      const counted: unknown[] = []
      const counting = async <T>(read: (query: PromiseLike<T>) => Promise<T>, query: PromiseLike<T>): Promise<T> => {
        const result = await read(query)
        counted.push(...(result as { rows: number }[]).map(({ rows }) => rows))
        return result
      }
      const watched: typeof driver = {
        ...driver,
        read: (query) => counting(driver.read, query),
        readLong: (query) => counting(driver.readLong, query),
      }
      const { totals } = statisticsStore(watched)
      expect(await totals(now)).toMatchObject({ accounts: 2000 })
      expect(counted).toEqual([1000, 1000, 0, 0, 0])
      counted.length = 0
      watched.readLong = async (query) => {
        stopping.abort()
        return counting(driver.readLong, query)
      }
      expect(await statisticsStore(watched).totals(now, stopping.signal)).toBeUndefined()
      expect(counted).toEqual([1000, 1000])
    })

    test.each([3, 1500])('totals count what exists, in a table of %i rows', async (most) => {
      const { driver } = opened()
      const { db, tables, write } = driver
      const owner = account()
      const people = [owner, ...Array.from({ length: most - 1 }, () => account())]
      // Of three sessions, one is live.
      const sessions = Array.from({ length: most }, (_, n) =>
        session(owner.id, [{}, { endedAt: now, endReason: 'logout' as const }, { idleExpiresAt: now }][n % 3]),
      )
      expect(await statistics().totals(now)).toEqual({ accounts: 0, devices: 0, needsConsent: 0 })
      for (let from = 0; from < most; from += 250) {
        await write(db.insert(tables.accounts).values(people.slice(from, from + 250)))
        await write(db.insert(tables.sessions).values(sessions.slice(from, from + 250)))
      }
      expect(await statistics().totals(now)).toEqual({ accounts: most, devices: most / 3, needsConsent: 0 })
    })
  })
}
