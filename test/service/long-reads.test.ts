import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type * as LongReads from '../../src/store/long-reads.ts'
import { type Answer, startWorld } from '../support/service.ts'

/** How many rows each long read goes through before it finishes. */
let rowsBefore = 0
const slow = () =>
  `with recursive n(i) as (select 1 union all select i + 1 from n where i < ${rowsBefore}) select count(*) from n`
let asked = 0

vi.mock('../../src/store/long-reads.ts', async (original) => {
  const real = await original<typeof LongReads>()
  return {
    ...real,
    createLongReads: (parts: Parameters<typeof real.createLongReads>[0]) => {
      const reads = real.createLongReads(parts)
      return {
        ...reads,
        async ask(read: LongReads.LongRead) {
          asked++
          if (rowsBefore > 0) await reads.ask({ sql: slow(), params: [], asArrays: false })
          return reads.ask(read)
        },
      }
    },
  }
})

/** A world with an administrator. */
async function start(deadlineMs: number) {
  const world = await startWorld({ env: { REQUEST_DEADLINE_MS: String(deadlineMs) } })
  const { access_token: token, user } = await world.signIn('google', world.newcomer())
  await world.vinculum.makeAdministrator(user.id)
  return { ...world, user, ask: (path: string): Promise<Answer> => world.call('GET', path, { token }) }
}
type World = Awaited<ReturnType<typeof start>>

describe('while a long list is read, other requests are answered', () => {
  let world: World
  beforeAll(async () => {
    world = await start(60_000)
  })
  afterAll(() => world.stop())

  test.each([
    '/users?search=ada',
    '/users/{id}',
    '/audit?event=session.created',
    '/me/sessions',
    '/me/activity',
    '/service-credentials',
    '/jobs',
  ])('GET %s', async (path) => {
    rowsBefore = 2_000_000
    asked = 0
    let isDone = false
    const list = world.ask(path.replace('{id}', world.user.id)).finally(() => {
      isDone = true
    })
    let others = 0
    while (!isDone) {
      for (const other of ['/health/live', '/me']) expect((await world.ask(other)).status).toBe(200)
      others++
    }
    expect((await list).status).toBe(200)
    expect(asked).toBeGreaterThan(0)
    // If the list were read on the main thread, the other requests would wait for it.
    expect(others).toBeGreaterThan(3)
  })
})

test('a list that exceeds its deadline returns 503, and the next request is answered', async () => {
  const world = await start(500)
  rowsBefore = 10_000_000
  const late = await world.ask('/users')
  expect([late.status, late.body.code, late.headers.get('retry-after')]).toEqual([503, 'not_ready', '1'])
  expect((await world.ask('/me')).status).toBe(200)
  rowsBefore = 0
  await expect.poll(async () => (await world.ask('/users')).status).toBe(200)
  await world.stop()
})
