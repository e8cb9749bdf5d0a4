import { expect, test } from 'vitest'
import { createFollowedClock, type Skew } from '../../src/kernel/followed-clock.ts'

const noon = Date.UTC(2026, 0, 1, 12)

type World = { aheadMs: number; tripMs: number; down?: boolean; broken?: boolean }

/** A clock that follows one which is `aheadMs` ahead, and takes `tripMs` to respond; both may change in between. */
function follow(world: World) {
  let [now, machineAheadMs] = [noon, 0]
  const reports: Skew[] = []
  let goOn: (() => void) | undefined
  let [asked, ticks] = [0, 0]
  const own = () => new Date(now)
  const ask = async () => {
    asked += 1
    if (world.down) throw new Error('it does not answer')
    if (world.broken) return new Date(Number.NaN)
    now += world.tripMs / 2
    const theirs = new Date(now + world.aheadMs)
    now += world.tripMs / 2
    return theirs
  }
  const followed = createFollowedClock({
    own,
    machine: () => new Date(now + machineAheadMs),
    report: (skew) => reports.push(skew),
    wait: (_, signal) =>
      new Promise((resolve, reject) => {
        const stop = () => reject(new Error('stopped'))
        signal.addEventListener('abort', stop)
        goOn = () => {
          signal.removeEventListener('abort', stop)
          resolve(undefined)
        }
      }),
  })
  const clock = { ...followed, start: () => followed.start(ask) }
  /** Lets one second of waiting pass, with all work it starts. */
  const tick = async () => {
    ticks += 1
    goOn?.()
    await new Promise((resolve) => setImmediate(resolve))
  }
  return {
    clock,
    told: reports,
    asked: () => asked,
    aheadMs: () => clock.now().getTime() - now,
    pass(ms: number) {
      now += ms
    },
    /** Sets the machine's clock, or suspends it: `own` does not see that time. */
    setMachine(aheadMs: number) {
      machineAheadMs = aheadMs
    },
    tick,
    /** Lets the time until the next measurement pass; returns the seconds. */
    async next() {
      const [before, from] = [asked, ticks]
      while (asked === before && ticks - from < 100) await tick()
      return ticks - from
    },
  }
}

test.each([30_000, -30_000, 0, 86_400_000])('the clock follows one that is %d ms ahead', async (aheadMs) => {
  const { clock, aheadMs: seen } = follow({ aheadMs, tripMs: 40 })
  await clock.start()
  expect(seen()).toBe(aheadMs)
  expect(clock.skewMs() + aheadMs).toBe(0)
  clock.stop()
})

test('the clock follows when the other clock is set, as after a failover to another server', async () => {
  const world = { aheadMs: 100, tripMs: 2 }
  const { clock, aheadMs, next } = follow(world)
  await clock.start()
  world.aheadMs = -7000
  await next()
  expect(aheadMs()).toBe(-7000)
  clock.stop()
})

test.each([{ down: true }, { tripMs: 1001 }, { broken: true }])(
  'the clock keeps its last offset where %o',
  async (change) => {
    const world: World = { aheadMs: 5000, tripMs: 2 }
    const { clock, aheadMs, next } = follow(world)
    await clock.start()
    Object.assign(world, { aheadMs: 9000 }, change)
    await next()
    expect(aheadMs()).toBe(5000)
    clock.stop()
  },
)

test('the clock starts without a response, with its own time', async () => {
  const { clock, aheadMs } = follow({ aheadMs: 5000, tripMs: 2, down: true })
  await clock.start()
  expect(aheadMs()).toBe(0)
  clock.stop()
})

test('a difference of more than two seconds is reported once, and its end once', async () => {
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

test('the other clock is read every 15 seconds, and every second until the first response', async () => {
  const world: World = { aheadMs: 5000, tripMs: 2, down: true }
  const { clock, aheadMs, next } = follow(world)
  await clock.start()
  expect(await next()).toBe(1)
  world.down = false
  expect(await next()).toBe(1)
  expect(aheadMs()).toBe(5000)
  expect(await next()).toBe(15)
  clock.stop()
})

test('the other clock is read within a second after the machine was suspended or its clock was set', async () => {
  const world: World = { aheadMs: 0, tripMs: 2 }
  const { clock, aheadMs, next, setMachine } = follow(world)
  await clock.start()
  world.aheadMs = 60_000
  setMachine(60_000)
  expect(await next()).toBe(1)
  expect(aheadMs()).toBe(60_000)
  expect(await next()).toBe(15)
  clock.stop()
})

test('a slow response does not override a quick one that it does not contradict', async () => {
  const world: World = { aheadMs: 5000, tripMs: 2 }
  const { clock, aheadMs, next } = follow(world)
  await clock.start()
  Object.assign(world, { aheadMs: 5400, tripMs: 900 })
  await next()
  expect(aheadMs()).toBe(5000)
  world.tripMs = 2
  await next()
  expect(aheadMs()).toBe(5400)
  clock.stop()
})

test('the clock pauses for a correction of up to a second, and goes back for a longer one', async () => {
  const world: World = { aheadMs: 5000, tripMs: 0 }
  const { clock, next, pass } = follow(world)
  await clock.start()
  const before = clock.now().getTime()
  world.aheadMs = 4000
  await next()
  expect(clock.now().getTime()).toBe(before)
  pass(600)
  expect(clock.now().getTime()).toBe(before)
  pass(600)
  expect(clock.now().getTime()).toBe(before + 200)
  world.aheadMs = -60_000
  await next()
  expect(clock.now().getTime()).toBe(noon + 1200 - 60_000)
  clock.stop()
})

test('a difference near two seconds is reported once, although it fluctuates', async () => {
  const world: World = { aheadMs: 2100, tripMs: 0 }
  const { clock, told, next } = follow(world)
  await clock.start()
  for (const aheadMs of [1900, 2100, 1500, 2100]) {
    world.aheadMs = aheadMs
    await next()
  }
  expect(told).toEqual([{ tolerable: false, ms: -2100 }])
  clock.stop()
})
