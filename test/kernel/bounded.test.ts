import { expect, test } from 'vitest'
import { createBounded } from '../../src/kernel/bounded.ts'
import { BusyError } from '../../src/kernel/busy.ts'

/** Work that ends on request. */
function work() {
  let finish = (): void => undefined
  let started = false
  const done = new Promise<void>((resolve) => {
    finish = resolve
  })
  return {
    run: async () => {
      started = true
      await done
    },
    finish,
    started: () => started,
  }
}
const settle = () => new Promise((resolve) => setImmediate(resolve))

test('a limited number runs at once, the next when one is done, in order of arrival', async () => {
  const bounded = createBounded('it', { atOnce: 2, waiting: 10 })
  const all = [work(), work(), work(), work()]
  const running = all.map(({ run }) => bounded(run))
  await settle()
  expect(all.map(({ started }) => started())).toEqual([true, true, false, false])
  all[1]?.finish()
  await settle()
  expect(all.map(({ started }) => started())).toEqual([true, true, true, false])
  for (const { finish } of all) finish()
  await Promise.all(running)
  expect(all.every(({ started }) => started())).toBe(true)
})

test('a caller that finds the queue full gets a retry time, and the queue continues', async () => {
  const bounded = createBounded('it', { atOnce: 1, waiting: 1 })
  const [first, second] = [work(), work()]
  const running = [bounded(first.run), bounded(second.run)]
  const refused = bounded(async () => undefined)
  await expect(refused).rejects.toThrow(BusyError)
  await expect(refused).rejects.toMatchObject({ retryAfter: 5 })
  first.finish()
  second.finish()
  await Promise.all(running)
  await expect(bounded(async () => 'again')).resolves.toBe('again')
})

test('a failure frees its place like a success', async () => {
  const bounded = createBounded('it', { atOnce: 1, waiting: 5 })
  const failing = Array.from({ length: 5 }, () => bounded(() => Promise.reject(new Error('no'))))
  expect((await Promise.allSettled(failing)).every(({ status }) => status === 'rejected')).toBe(true)
  await expect(bounded(async () => 1)).resolves.toBe(1)
})
