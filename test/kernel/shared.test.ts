import { expect, test } from 'vitest'
import { createShared, createSharedByKey } from '../../src/kernel/shared.ts'

test('concurrent calls share one run, and a later call starts another', async () => {
  let times = 0
  const shared = createShared(async () => {
    times += 1
    return times
  })
  expect(await Promise.all([shared(), shared(), shared()])).toEqual([1, 1, 1])
  expect(await shared()).toBe(2)
})

test('a failure rejects all its callers, and the next call tries again', async () => {
  let fails = true
  const shared = createShared(async () => {
    if (fails) throw new Error('no')
    return 'yes'
  })
  const answers = await Promise.allSettled([shared(), shared()])
  expect(answers.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
  fails = false
  expect(await shared()).toBe('yes')
})

test('concurrent calls share one run only if they have the same key', async () => {
  const runs: string[] = []
  const shared = createSharedByKey<number>()
  const run = (key: string) =>
    shared(key, async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return runs.push(key)
    })
  expect(await Promise.all([run('a'), run('b'), run('a')])).toEqual([1, 2, 1])
  expect(await run('a')).toBe(3)
  expect(runs).toEqual(['a', 'b', 'a'])
})
