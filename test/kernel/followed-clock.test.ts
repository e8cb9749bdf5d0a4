import { expect, test } from 'vitest'
import { createFollowedClock, type Skew } from '../../src/kernel/followed-clock.ts'

const noon = Date.UTC(2026, 0, 1, 12)

/** A clock that follows one which is `aheadMs` ahead, and takes `tripMs` to answer; both may change in between. */
function follow(world: { aheadMs: number; tripMs: number; down?: boolean }) {
  let now = noon
  const told: Skew[] = []
  let goOn: (() => void) | undefined
  let asked = 0
  const own = () => new Date(now)
  const clock = createFollowedClock({
    own,
    machine: own,
    ask: async () => {
      asked += 1
      if (world.down) throw new Error('it does not answer')
      now += world.tripMs / 2
      const theirs = new Date(now + world.aheadMs)
      now += world.tripMs / 2
      return theirs
    },
    report: (skew) => told.push(skew),
    wait: (_, signal) =>
      new Promise((resolve, reject) => {
        goOn = () => resolve(undefined)
        signal.addEventListener('abort', () => reject(new Error('stopped')))
      }),
  })
  return {
    clock,
    told,
    asked: () => asked,
    aheadMs: () => clock.now().getTime() - now,
    /** Lets the time until the next measurement pass. */
    async next() {
      const before = asked
      goOn?.()
      await expect.poll(() => asked).toBe(before + 1)
      // The measurement is taken in after its answer.
      await new Promise((resolve) => setImmediate(resolve))
    },
  }
}

test.each([30_000, -30_000, 0, 86_400_000])('says the time of a clock that is %d ms ahead', async (aheadMs) => {
  const { clock, aheadMs: seen } = follow({ aheadMs, tripMs: 40 })
  await clock.start()
  expect(seen()).toBe(aheadMs)
  expect(clock.skewMs() + aheadMs).toBe(0)
  clock.stop()
})

test('follows when the other clock is set, as after a failover to another server', async () => {
  const world = { aheadMs: 100, tripMs: 2 }
  const { clock, aheadMs, next } = follow(world)
  await clock.start()
  world.aheadMs = -7000
  await next()
  expect(aheadMs()).toBe(-7000)
  clock.stop()
})

test.each([{ down: true }, { tripMs: 1001 }])('keeps what it knew where %o', async (change) => {
  const world = { aheadMs: 5000, tripMs: 2, down: false }
  const { clock, aheadMs, next } = follow(world)
  await clock.start()
  Object.assign(world, { aheadMs: 9000 }, change)
  await next()
  expect(aheadMs()).toBe(5000)
  clock.stop()
})

test('starts although nothing answers, with its own time', async () => {
  const { clock, aheadMs } = follow({ aheadMs: 5000, tripMs: 2, down: true })
  await clock.start()
  expect(aheadMs()).toBe(0)
  clock.stop()
})

test('tells of a difference of more than two seconds once, and once that it is over', async () => {
  const world = { aheadMs: 2000, tripMs: 0 }
  const { clock, told, next } = follow(world)
  await clock.start()
  expect(told).toEqual([])
  for (const aheadMs of [2001, 60_000, -5000]) {
    world.aheadMs = aheadMs
    await next()
  }
  expect(told).toEqual([{ tolerable: false, ms: -2001 }])
  world.aheadMs = 0
  await next()
  await next()
  expect(told).toEqual([
    { tolerable: false, ms: -2001 },
    { tolerable: true, ms: 0 },
  ])
  clock.stop()
})
