import { describe, expect, test } from 'vitest'
import { createLogoutNotices, type NoticeDelivery } from '../../src/applications/logout-notices.ts'
import type { LogoutNotice } from '../../src/applications/ports.ts'

type LogoutNoticesParts = Parameters<typeof createLogoutNotices>[0]

/** Notices that wait in this order, each to one application. */
function noticesTo(applications: readonly string[], deliver: (application: string) => Promise<NoticeDelivery>) {
  let waiting = applications.map((applicationId, n) => ({
    id: `${applicationId} ${n}`,
    applicationId,
    attempts: 0,
    createdAt: new Date(0),
  }))
  const asked: string[] = []
  const logoutNotices = createLogoutNotices({
    notices: {
      take: async (limit: number, _at: Date, _until: Date, except: readonly string[]) => {
        const taken = waiting.filter(({ applicationId }) => !except.includes(applicationId)).slice(0, limit)
        waiting = waiting.filter((one) => !taken.includes(one))
        return taken as unknown as readonly LogoutNotice[]
      },
      finish: async () => {},
      retry: async () => {},
    },
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
