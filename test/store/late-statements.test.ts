import { expect, test } from 'vitest'
import { createIds, systemRandom } from '../../src/kernel/ids.ts'
import type { Driver } from '../../src/store/driver.ts'
import { openDriver, storeOver } from '../../src/store/open.ts'

const kinds = ['reads', 'writes', 'waitingWrites', 'steps'] as const

test('no store prepares a statement before its first use, and each only once', async () => {
  const driver = await openDriver({ tag: 'sqlite', file: ':memory:' })
  let prepared = 0
  const counted = Object.fromEntries(
    kinds.map((kind) => [
      kind,
      (query: PromiseLike<unknown>) => {
        prepared += 1
        return driver[kind](query)
      },
    ]),
  ) as Pick<Driver, (typeof kinds)[number]>
  const clock = () => new Date('2026-01-01T00:00:00Z')
  const store = storeOver(
    { ...driver, ...counted },
    { clock, ids: createIds(clock, systemRandom), publish: () => undefined },
  )
  expect(prepared).toBe(0)
  expect(await store.accounts.find('usr_none')).toBeUndefined()
  expect(await store.accounts.find('usr_none')).toBeUndefined()
  expect(prepared).toBe(1)
  await store.close()
})
