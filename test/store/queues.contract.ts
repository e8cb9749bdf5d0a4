import { describe, expect, test } from 'vitest'
import { createIds, systemRandom } from '../../src/kernel/ids.ts'
import { storeOver } from '../../src/store/open.ts'
import { recorded, recording } from '../support/recorded-statements.ts'
import { later, newId, now, type Opened } from './people.ts'

const columns = { mails: 'domain', revocations: 'provider', logoutNotices: 'application_id' } as const
type Name = keyof typeof columns

const parts = { clock: () => now, ids: createIds(() => now, systemRandom), publish: () => {} }

/**
 * What every store promises about its queues of work for other services. `explain`: how the database would execute a
 * statement, line by line.
 */
export function queuesContract(
  opened: () => Opened,
  explain: (sql: string, params: readonly unknown[]) => Promise<readonly string[]>,
): void {
  /** So many items for a receiver, due at this time. */
  async function fill(name: Name, receiver: string, items: number, nextAttemptAt: Date): Promise<void> {
    const { db, tables, write } = opened().driver
    const common = () => ({ attempts: 0, nextAttemptAt, lastError: null, createdAt: now })
    const insert = {
      mails: () => {
        const message = {
          to: `ada@${receiver}`,
          domain: receiver,
          locale: 'en',
          template: 'sign_in',
          params: {},
        } as const
        return db.insert(tables.mails).values(rows(() => ({ ...common(), ...message, id: newId('eml') })))
      },
      revocations: () => {
        const grant = { provider: receiver, issuer: '', clientId: 'c', subject: 's', accessToken: 'a' }
        const of = { ...grant, accountId: 'usr_1', grantId: 'grt_1' }
        return db.insert(tables.revocations).values(rows(() => ({ ...common(), ...of, id: newId('rvk') })))
      },
      logoutNotices: () => {
        const of = { applicationId: receiver, accountId: 'usr_1', sid: 'sid' }
        return db.insert(tables.logoutNotices).values(rows(() => ({ ...common(), ...of, id: newId('lgt') })))
      },
    }[name]
    const rows = <T>(row: () => T): T[] => Array.from({ length: items }, row)
    if (name === 'logoutNotices')
      await write(
        db.insert(tables.applications).values({
          ...{ id: receiver, name: 'Shop', kind: 'server', firstParty: true, clientAuth: 'none' },
          ...{
            redirectUris: [],
            postLogoutRedirectUris: [],
            scopes: [],
            resources: [],
            createdAt: now,
            updatedAt: now,
          },
        }),
      )
    await write(insert())
  }

  describe.each(Object.keys(columns) as Name[])('the queue of %s', (name) => {
    test('lists the receivers with due items, the one that has waited longest first', async () => {
      await fill(name, 'a.example', 2, later(2))
      await fill(name, 'b.example', 300, later(1))
      await fill(name, 'c.example', 1, later(4))
      await fill(name, 'd.example', 1, later(3))
      const queue = opened().store[name]
      expect(await queue.receivers(now, null)).toEqual({ due: [], next: null })
      expect((await queue.receivers(later(3), null)).due).toEqual(['b.example', 'a.example', 'd.example'])
      expect((await queue.receivers(later(3), 'a.example')).due).toEqual(['b.example', 'd.example'])
      expect(await queue.take(9, later(3), later(60), 'a.example')).toHaveLength(2)
      expect((await queue.receivers(later(3), null)).due).toEqual(['b.example', 'd.example'])
    })

    test('looks at 200 receivers at once, due or not, and goes on after the last one', async () => {
      const names = Array.from({ length: 202 }, (_, n) => `${1000 + n}.example`)
      await Promise.all(names.map((of, n) => fill(name, of, 1, n === 3 || n > 199 ? now : later(60))))
      const queue = opened().store[name]
      const [fourth, last, ...rest] = [names[3], names[199], names[200], names[201]]
      expect(await queue.receivers(now, null)).toEqual({ due: [fourth], next: last })
      const { due, next } = await queue.receivers(now, String(last))
      expect([[...due].sort(), next]).toEqual([rest, null])
    })

    test('is worked on while long reads fail', async () => {
      await fill(name, 'a.example', 1, now)
      const { driver } = opened()
      const readLong = () => Promise.reject(new Error('the thread for long reads has ended'))
      const queue = storeOver({ ...driver, readLong }, parts)[name]
      expect(await queue.receivers(now, null)).toEqual({ due: ['a.example'], next: null })
      expect(await queue.take(1, now, later(60), 'a.example')).toHaveLength(1)
    })

    test('is searched without passing over the items of other receivers', async () => {
      await fill(name, 'a.example', 300, now)
      await fill(name, 'b.example', 1, now)
      const store = storeOver(recording(opened().driver), parts)
      recorded.length = 0
      await store[name].receivers(now, '9.example')
      await store[name].take(1, now, later(60), 'b.example')
      const planOf = async (sql: string, params: readonly unknown[] = []): Promise<string> => {
        const plan = (await explain(sql, params)).join('\n')
        expect(plan).not.toMatch(/seq scan|scan (mails|revocations|logout_notices)$/im)
        // SQLite writes a condition next to its index, PostgreSQL in the next line.
        return plan.replace(/ on .*\n *Index Cond:/g, '')
      }
      const [list = { sql: '', params: [] }, take = list] = recorded
      const column = columns[name]
      expect(await planOf(list.sql, list.params)).toMatch(new RegExp(`_next_attempt \\(+${column} ?=`))
      // PostgreSQL does not show how it goes from one receiver to the next.
      const [, step = ''] = /union all\s+select \((.*)\), receivers\.place/.exec(list.sql) ?? []
      const next = await planOf(step.replaceAll('receivers.name', "'a.example'"))
      expect(next).toMatch(new RegExp(`_next_attempt \\(+${column} ?>`))
      const taken = await planOf(take.sql, take.params)
      expect(taken).toMatch(new RegExp(`_next_attempt \\(+${column} ?=.* AND \\(?next_attempt_at ?<`))
      expect(taken).not.toMatch(/sort|temp b-tree/i)
    })
  })
}
