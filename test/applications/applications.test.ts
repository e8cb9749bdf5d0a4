import { expect, test } from 'vitest'
import { createApplications } from '../../src/applications/applications.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { ok } from '../../src/kernel/result.ts'
import { openedStore } from '../support/opened-store.ts'
import { from } from '../support/people.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

test('while no key for RS256 can be made, no application has it', async () => {
  const { clock } = createStoppedClock()
  const { store, ids, heard } = await openedStore({ tag: 'sqlite', file: ':memory:' }, clock)
  let isDown = true
  let made = 0
  const applications = createApplications({
    applications: store.applications,
    sessions: store.applicationSessions,
    clock,
    ids,
    random: systemRandom,
    verifyAssertion: () => Promise.resolve(false),
    sectorDocument: () => Promise.resolve(undefined),
    async prepareRs256() {
      if (isDown) throw new Error('down')
      made += 1
    },
    throttle: { takeWrong: () => Promise.resolve(ok(null)) },
    record: () => Promise.resolve(),
    onDefect: () => undefined,
  })
  const about = { name: 'Shop', kind: 'server', redirectUris: ['https://shop.example.org/callback'] } as const
  const created = await applications.create(null, about, from)
  const id = created.ok ? created.value.application.id : ''
  const rs256 = { idTokenAlgorithm: 'RS256' } as const
  const algorithms = async () => (await applications.list()).map(({ idTokenAlgorithm }) => idTokenAlgorithm)

  await expect(applications.update(null, id, rs256, from)).rejects.toThrow('down')
  await expect(applications.create(null, { ...about, ...rs256 }, from)).rejects.toThrow('down')
  expect(await algorithms()).toEqual(['ES256'])
  expect(heard('application.updated')).toEqual([])

  isDown = false
  // A change that is refused makes none.
  expect((await applications.update(null, id, { ...rs256, redirectUris: [] }, from)).ok).toBe(false)
  expect(made).toBe(0)
  expect((await applications.update(null, id, rs256, from)).ok).toBe(true)
  expect([await algorithms(), made]).toEqual([['RS256'], 1])
  await store.close()
})
