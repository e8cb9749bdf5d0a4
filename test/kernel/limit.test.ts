import { setImmediate as turn } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import {
  currentLimit,
  Limit,
  outsideLimit,
  requestLimit,
  untimed,
  whenOver,
  withinLimit,
} from '../../src/kernel/limit.ts'

describe('a time limit', () => {
  test('ends on time, and not before', async () => {
    expect(new Limit(60_000).isOver()).toBe(false)
    expect(new Limit(0).isOver()).toBe(true)
    expect(new Limit(0).left).toBe(0)
  })

  test('ends for a caller that has been gone for a while, and not for one that just left', async () => {
    const limit = new Limit(60_000, () => true)
    expect(limit.isOver()).toBe(false)
    await expect.poll(() => limit.isOver()).toBe(true)
    expect(limit.left).toBeGreaterThan(0)
  })

  test('applies to everything started within it, and to nothing else', async () => {
    const limit = new Limit(1000)
    await withinLimit(limit, async () => {
      await turn()
      expect(currentLimit(5)).toBe(limit)
      outsideLimit(() => expect(requestLimit()).toBeUndefined())
      expect(requestLimit()).toBe(limit)
    })
    expect(requestLimit()).toBeUndefined()
    expect(currentLimit(5)).not.toBe(limit)
  })

  test('does not count the time of work with a limit of its own', async () => {
    const limit = new Limit(60_000)
    const [began, before] = [performance.now(), limit.left]
    await withinLimit(limit, () => untimed(() => expect.poll(() => performance.now() - began).toBeGreaterThan(50)))
    expect(before - limit.left).toBeLessThan(performance.now() - began - 50)
  })

  test('excludes the elapsed time of several concurrent ones, not their sum', async () => {
    const limit = new Limit(60_000)
    const before = limit.left
    const work = () => untimed(() => new Promise((resolve) => setTimeout(resolve, 50)))
    await withinLimit(limit, () => Promise.all([work(), work(), work(), work()]))
    expect(limit.left).toBeLessThanOrEqual(before)
  })

  test('notifies once, and only current observers', async () => {
    const notified: string[] = []
    whenOver(new Limit(0), false, () => notified.push('over'))
    whenOver(new Limit(60_000), false, () => notified.push('too early'))()
    whenOver(new Limit(0), false, () => notified.push('no longer watched'))()
    await expect.poll(() => notified).toEqual(['over'])
  })
})
