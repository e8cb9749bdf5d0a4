import { describe, expect, test } from 'vitest'
import type { AuditFilter, AuditPage } from '../../src/audit/ports.ts'
import { now, type Opened } from './people.ts'

export const everyEntry: AuditFilter = {
  accounts: null,
  events: null,
  requestId: null,
  ip: null,
  from: null,
  until: null,
}

/** What every store promises about searches in the audit log. */
export function auditContract(opened: () => Opened): void {
  describe('a search in the audit log', () => {
    const at = (minutes: number): Date => new Date(now.getTime() + minutes * 60_000)
    async function write(count: number, row: (n: number) => { event: string; accountId: string; ip: string }) {
      const { driver } = opened()
      const rows = Array.from({ length: count }, (_, n) => ({
        ...row(n),
        id: `aud_${String(n).padStart(8, '0')}`,
        // Several entries share one time: their ordinals tell them apart.
        at: at(Math.floor(n / 3)),
        ordinal: n,
        userAgent: null,
        requestId: `r${n}`,
        data: {},
      }))
      for (let from = 0; from < count; from += 100)
        await driver.write(driver.db.insert(driver.tables.audit).values(rows.slice(from, from + 100)))
    }
    const search = (filter: AuditFilter, before: string | null, limit: number): Promise<AuditPage> =>
      opened().store.audit.search(filter, { before, limit })

    test('finds entries by each condition, alone and together, page by page', async () => {
      await write(60, (n) => ({
        event: n % 2 === 0 ? 'account.updated' : 'account.exported',
        accountId: `usr_${n % 5}`,
        ip: n % 3 === 0 ? '203.0.113.1' : '203.0.113.2',
      }))
      const all = (await search(everyEntry, null, 99)).rows
      expect(all.map(({ requestId }) => requestId)).toEqual(Array.from({ length: 60 }, (_, n) => `r${59 - n}`))
      const manyEvents = ['account.updated', ...Array.from({ length: 16 }, (_, n) => `account.other${n}`)]
      const choices = {
        accounts: [null, ['usr_1'], ['usr_1', 'usr_4', 'usr_9'], []],
        events: [null, ['account.updated'], ['account.updated', 'account.exported'], manyEvents, []],
        ip: [null, '203.0.113.1'],
        from: [null, at(7)],
        until: [null, at(14)],
        requestId: [null, 'r21'],
      }
      const filters = Object.entries(choices).reduce<readonly AuditFilter[]>(
        (some, [name, values]) => some.flatMap((one) => values.map((value) => ({ ...one, [name]: value }))),
        [everyEntry],
      )
      for (const filter of filters) {
        const { accounts, events, ip, from, until, requestId } = filter
        const expected = all.filter(
          (row) =>
            (accounts?.includes(String(row.accountId)) ?? true) &&
            (events?.includes(row.event) ?? true) &&
            (ip === null || row.ip === ip) &&
            (requestId === null || row.requestId === requestId) &&
            (from === null || row.at >= from) &&
            (until === null || row.at < until),
        )
        const found = []
        for (let before: string | null = null; ; ) {
          const { rows, next } = await search(filter, before, 13)
          found.push(...rows)
          expect(rows.length).toBeLessThanOrEqual(13)
          if (next === null) break
          before = next
        }
        expect(found, JSON.stringify(filter)).toEqual(expected)
      }
    })

    test('examines a limited number of entries for one page, and the next page continues after them', async () => {
      await write(1100, (n) => ({ event: n === 50 ? 'rare' : 'frequent', accountId: 'usr_1', ip: '203.0.113.1' }))
      const filter = { ...everyEntry, ip: '203.0.113.1', events: ['rare'] }
      const first = await search(filter, null, 9)
      expect(first).toEqual({ rows: [], next: 'aud_00000100' })
      expect(await search(filter, first.next, 9)).toMatchObject({ rows: [{ requestId: 'r50' }], next: null })
    })
  })
}
