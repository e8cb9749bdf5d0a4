import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { BusyError } from '../../src/kernel/busy.ts'
import { currentLimit, Limit, requestLimit, untimed, withinLimit } from '../../src/kernel/limit.ts'
import { createBackgroundWork, createShared, createSharedByKey, share } from '../../src/kernel/shared.ts'

test('concurrent calls share one run, and a later call starts another', async () => {
  let times = 0
  const shared = createShared(async () => {
    times += 1
    return times
  })
  expect(await Promise.all([shared(), shared(), shared()])).toEqual([1, 1, 1])
  expect(await shared()).toBe(2)
})

test('calls for one key share one run, and those for another have their own', async () => {
  const run = createSharedByKey<string>()
  const started: string[] = []
  const ask = (key: string) =>
    run(key, async () => {
      started.push(key)
      await turn()
      return `of ${key}`
    })
  expect(await Promise.all([ask('a'), ask('b'), ask('a')])).toEqual(['of a', 'of b', 'of a'])
  expect(started).toEqual(['a', 'b'])
  expect(await ask('a')).toBe('of a')
  expect(started).toEqual(['a', 'b', 'a'])
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

describe('shared work', () => {
  let ahead = 0
  beforeEach(() => {
    ahead = 0
    const now = performance.now.bind(performance)
    vi.spyOn(performance, 'now').mockImplementation(() => now() + ahead)
  })
  afterEach(() => {
    vi.restoreAllMocks()
  })
  const pass = (seconds: number): void => {
    ahead += seconds * 1000
  }

  /** Work that ends on request. `during` is what it does first. */
  function work(during: () => Promise<unknown> = async () => undefined) {
    let finish = (_: string): void => undefined
    let lose = (_: Error): void => undefined
    const end = new Promise<string>((resolve, reject) => {
      finish = resolve
      lose = reject
    })
    const run = async (): Promise<string> => {
      await during()
      return end
    }
    return { run, finish, lose }
  }
  const within = <T>(limit: Limit, wait: () => Promise<T>) =>
    withinLimit(limit, wait).catch((error: unknown) => error as Error)

  test('continues when the caller that started it has left, and others get its result', async () => {
    const { run, finish } = work()
    const shared = createShared(run)
    let isGone = false
    const first = within(new Limit(60_000, () => isGone), shared)
    const second = within(new Limit(60_000), shared)
    isGone = true
    pass(2)
    expect(await first).toBeInstanceOf(BusyError)
    finish('done')
    expect(await second).toBe('done')
  })

  test('makes each caller wait no longer than its own limit', async () => {
    const { run, finish } = work()
    const shared = createShared(run)
    const patient = within(new Limit(60_000), shared)
    const hasty = within(new Limit(5000), shared)
    pass(6)
    expect(await hasty).toMatchObject({ name: 'BusyError', retryAfter: 1 })
    finish('done')
    expect(await patient).toBe('done')
  })

  test('starts its statements with limits of their own, also long after its first caller has left', async () => {
    const seen: Limit[] = []
    const first = new Limit(5000)
    let proceed = (): void => undefined
    const later = new Promise<void>((resolve) => {
      proceed = resolve
    })
    const shared = withinLimit(first, () =>
      share(async () => {
        await later
        expect(requestLimit()).toBeUndefined()
        seen.push(currentLimit(60_000), currentLimit(1000))
      }),
    )
    pass(60)
    proceed()
    await shared()
    expect(first.isOver()).toBe(true)
    expect(seen.map((limit) => limit.isOver())).toEqual([false, false])
    const left = seen.map((limit) => limit.left)
    expect(left[0]).toBeLessThanOrEqual(5000)
    expect(left[1]).toBeLessThanOrEqual(1000)
  })

  test.each(['before the caller waits', 'while it waits'])(
    'pauses the limits of its callers during a call to a provider that began %s',
    async (when) => {
      const call = work()
      const begun = work()
      const { run, finish } = work(async () => {
        if (when === 'while it waits') await begun.run()
        await untimed(call.run)
      })
      const shared = createShared(run)
      const [first, second] = [new Limit(5000), new Limit(5000)]
      const answers = [within(first, shared), within(second, shared)]
      begun.finish('')
      await turn()
      pass(60)
      expect([first, second].map((limit) => limit.isOver())).toEqual([false, false])
      call.finish('')
      await turn()
      pass(4)
      expect([first, second].map((limit) => limit.isOver())).toEqual([false, false])
      finish('done')
      expect(await Promise.all(answers)).toEqual(['done', 'done'])
      pass(2)
      expect([first, second].map((limit) => limit.isOver())).toEqual([true, true])
    },
  )

  test('pauses them also if it waits for other shared work, which makes the call', async () => {
    const call = work()
    const inner = createShared(() => untimed(call.run))
    const outer = createShared(() => inner())
    const limit = new Limit(5000)
    const answer = within(limit, outer)
    await turn()
    pass(60)
    expect(limit.isOver()).toBe(false)
    call.finish('done')
    expect(await answer).toBe('done')
  })

  test('that no caller waits for is started once, and fails nowhere when the request that started it ends', async () => {
    const { run, lose } = work()
    const lost: unknown[] = []
    let starts = 0
    const start = createBackgroundWork((error) => lost.push(error))
    const touch = (): void =>
      start('a', async () => {
        starts += 1
        await run()
      })
    withinLimit(new Limit(5000), touch)
    withinLimit(new Limit(5000), touch)
    pass(6)
    // Longer than limits are watched: a rejection that nobody handles would end the process.
    await new Promise((resolve) => setTimeout(resolve, 60))
    lose(new Error('no'))
    await expect.poll(() => lost).toMatchObject([{ message: 'no' }])
    expect(starts).toBe(1)
  })

  test('reports an error that no caller waits for, and no other one', async () => {
    const lost: unknown[] = []
    const lose = async (limit: Limit, leaves: boolean): Promise<unknown> => {
      const failing = work()
      const answer = within(limit, () => share(failing.run, (error) => lost.push(error))())
      if (leaves) await answer
      failing.lose(new Error('no'))
      return answer
    }
    expect(await lose(new Limit(60_000), false)).toMatchObject({ message: 'no' })
    expect(lost).toEqual([])
    expect(await lose(new Limit(0), true)).toBeInstanceOf(BusyError)
    await turn()
    expect(lost).toMatchObject([{ message: 'no' }])
  })
})
