import { describe, expect, test } from 'vitest'
import { createLogoutNotices, type NoticeDelivery } from '../../src/applications/logout-notices.ts'
import type { LogoutNotice } from '../../src/applications/ports.ts'
import { databases } from '../support/databases.ts'
import { openedStore } from '../support/opened-store.ts'

type LogoutNoticesParts = Parameters<typeof createLogoutNotices>[0]

type Deliver = (application: string) => Promise<NoticeDelivery>

/** What works through these notices, and how many of an application it delivered or tried to. */
function working(notices: object, deliver: Deliver) {
  const asked: string[] = []
  const logoutNotices = createLogoutNotices({
    notices,
    applications: { find: async (id: string) => ({ id, backchannelLogoutUri: `https://${id}.example.org` }) },
    subjects: { of: () => 'a subject' },
    deliver: async (_uri: string, { applicationId }: LogoutNotice) => {
      asked.push(applicationId)
      return deliver(applicationId)
    },
    clock: () => new Date(0),
    random: (bytes: number) => Buffer.alloc(bytes),
    events: { emit: () => {} },
  } as unknown as LogoutNoticesParts)
  const countOf = (application: string): number => asked.filter((one) => one === application).length
  return { logoutNotices, countOf }
}

/** Notices that wait in this order, each to one application. */
function noticesTo(applications: readonly string[], deliver: Deliver) {
  let waiting = applications.map((applicationId, n) => ({
    id: `${applicationId} ${n}`,
    applicationId,
    attempts: 0,
    createdAt: new Date(0),
  }))
  const notices = {
    receivers: async () => ({ due: [...new Set(waiting.map(({ applicationId }) => applicationId))], next: null }),
    take: async (limit: number, _at: Date, _until: Date, application: string) => {
      const taken = waiting.filter(({ applicationId }) => applicationId === application).slice(0, limit)
      waiting = waiting.filter((one) => !taken.includes(one))
      return taken as unknown as readonly LogoutNotice[]
    },
    finish: async () => {},
    retry: async () => {},
  }
  return working(notices, deliver)
}
const many = (application: string): readonly string[] => Array.from({ length: 100 }, () => application)

describe('logout notices', () => {
  test('to an application that does not respond delay no other application', async () => {
    let giveUp = (): void => {}
    const hanging = new Promise<NoticeDelivery>((resolve) => {
      giveUp = () => resolve({ tag: 'transient', reason: 'timeout' })
    })
    const { logoutNotices, countOf } = noticesTo([...many('hanging'), ...many('fast')], (application) =>
      application === 'hanging' ? hanging : Promise.resolve({ tag: 'sent' }),
    )
    const round = logoutNotices.work()
    await expect.poll(() => countOf('fast')).toBe(100)
    giveUp()
    await round
    // The round does not wait for each of the others: its application would let them wait as long.
    expect(countOf('hanging')).toBe(4)
  })

  test('continue although one of them fails with an error, which is reported at the end', async () => {
    const defect = new Error('the key cannot be opened')
    const { logoutNotices, countOf } = noticesTo(['broken', ...many('fast')], (application) =>
      application === 'broken' ? Promise.reject(defect) : Promise.resolve({ tag: 'sent' }),
    )
    await expect(logoutNotices.work()).rejects.toBe(defect)
    expect(countOf('fast')).toBe(100)
  })
})

describe.each(databases)('logout notices on $name', ({ place }) => {
  test('reach an application at once, although 5,000 that are due longer wait for one that fails', async () => {
    const { store, driver } = await openedStore(await place(), () => new Date(0))
    const { db, tables, write } = driver
    const to = async (id: string, many: number, due: Date): Promise<void> => {
      await write(
        db.insert(tables.applications).values({
          ...{ id, name: id, kind: 'server', firstParty: true, clientAuth: 'none', scopes: [], resources: [] },
          ...{ redirectUris: [], postLogoutRedirectUris: [], createdAt: due, updatedAt: due },
        }),
      )
      const of = { applicationId: id, accountId: 'usr_1', sid: 'sid', attempts: 0, nextAttemptAt: due, createdAt: due }
      for (let n = 0; n < many; n += 500)
        await write(
          db
            .insert(tables.logoutNotices)
            .values(Array.from({ length: Math.min(500, many - n) }, (_, m) => ({ ...of, id: `lgt_${id}_${n + m}` }))),
        )
    }
    await to('failing', 5000, new Date(-60_000))
    await to('fine', 20, new Date(0))
    let [lists, searches] = [0, 0]
    const notices = {
      ...store.logoutNotices,
      receivers: (...given: Parameters<typeof store.logoutNotices.receivers>) => {
        lists += 1
        return store.logoutNotices.receivers(...given)
      },
      take: (...given: Parameters<typeof store.logoutNotices.take>) => {
        searches += 1
        return store.logoutNotices.take(...given)
      },
    }
    const { logoutNotices, countOf } = working(notices, async (application) =>
      application === 'failing' ? { tag: 'transient', reason: 'status_500' } : { tag: 'sent' },
    )
    const handled = await logoutNotices.work()
    expect(countOf('fine')).toBe(20)
    expect(countOf('failing')).toBeLessThanOrEqual(4)
    expect(handled).toBe(20 + countOf('failing'))
    // Besides one search for each notice, one for each of the eight workers that finds nothing.
    expect(searches).toBeLessThanOrEqual(handled + 8)
    expect(lists).toBeLessThanOrEqual(1 + 8 + 8)
    expect(await store.logoutNotices.backlog()).toBe(5000)
    await store.close()
  })
})
