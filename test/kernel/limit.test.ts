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

describe('a limit', () => {
  test('is over when its time is, and not before', async () => {
    expect(new Limit(60_000).isOver()).toBe(false)
    expect(new Limit(0).isOver()).toBe(true)
    expect(new Limit(0).left).toBe(0)
  })

  test('is over for a caller that has been gone for a while, and not for one that has just left', async () => {
    const limit = new Limit(60_000, () => true)
    expect(limit.isOver()).toBe(false)
    await expect.poll(() => limit.isOver(), { timeout: 20_000 }).toBe(true)
    expect(limit.left).toBeGreaterThan(0)
  })

  test('goes with everything that is begun within it, and with nothing else', async () => {
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

  test('does not count what has a limit of its own', async () => {
    const limit = new Limit(60_000)
    const [began, before] = [performance.now(), limit.left]
    await withinLimit(limit, () => untimed(() => expect.poll(() => performance.now() - began).toBeGreaterThan(50)))
    expect(before - limit.left).toBeLessThan(performance.now() - began - 50)
  })

  test('takes out what several such things at once take together, not the sum of them', async () => {
    const limit = new Limit(60_000)
    const before = limit.left
    const work = () => untimed(() => new Promise((resolve) => setTimeout(resolve, 50)))
    await withinLimit(limit, () => Promise.all([work(), work(), work(), work()]))
    expect(limit.left).toBeLessThanOrEqual(before)
  })

  test('tells once, and only who still watches', async () => {
    const told: string[] = []
    whenOver(new Limit(0), false, () => told.push('over'))
    whenOver(new Limit(60_000), false, () => told.push('too early'))()
    whenOver(new Limit(0), false, () => told.push('no longer watched'))()
    await expect.poll(() => told).toEqual(['over'])
  })
})
