import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { JobStore } from '../../src/jobs/ports.ts'
import { createScheduler, type Job, nextDue, type Scheduler } from '../../src/jobs/scheduler.ts'
import type { Timer, Timing } from '../../src/jobs/timing.ts'
import { secondsAfter } from '../../src/kernel/clock.ts'
import { databases } from '../support/databases.ts'
import { type OpenedStore, openedStore } from '../support/opened-store.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

/** Work that continues until it is released, and counts its starts. */
function heldWork() {
  let letGo = (): void => {}
  const held = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const work = vi.fn(() => held)
  return { work, letGo: () => letGo() }
}
const job = (given: Partial<Job> & Pick<Job, 'work'>): Job => ({
  name: 'sweep',
  everySeconds: 60,
  shared: false,
  ...given,
})

/** For nodes that share nothing. */
const nobody = {} as JobStore

describe('a node', () => {
  const { clock } = createStoppedClock()
  let ran: object[]
  let defects: [unknown, string][]
  const started: Scheduler[] = []
  const schedulerOf = (...jobs: Job[]): Scheduler => {
    const scheduler = createScheduler({
      jobs,
      store: nobody,
      clock,
      events: { emit: (_, data) => void ran.push(data) },
      owner: 'here',
      onDefect: (error, name) => defects.push([error, name]),
    })
    started.push(scheduler)
    return scheduler
  }
  beforeEach(() => {
    vi.useFakeTimers()
    defects = []
    ran = []
  })
  afterEach(async () => {
    await Promise.all(started.splice(0).map((scheduler) => scheduler.stop()))
    vi.useRealTimers()
  })

  test('runs each job when its period has passed, repeatedly', async () => {
    const [often, seldom] = [vi.fn(async () => {}), vi.fn(async () => {})]
    schedulerOf(job({ work: often }), job({ name: 'reload', everySeconds: 600, work: seldom })).start()
    await vi.advanceTimersByTimeAsync(59_999)
    expect(often).toHaveBeenCalledTimes(0)
    await vi.advanceTimersByTimeAsync(600_001)
    expect(often).toHaveBeenCalledTimes(11)
    expect(seldom).toHaveBeenCalledTimes(1)
  })

  test('runs each job in its period although the clock of the machine is set back', async () => {
    const work = vi.fn(async () => {})
    const scheduler = schedulerOf(job({ work }))
    scheduler.start()
    await vi.advanceTimersByTimeAsync(90_000)
    expect(work).toHaveBeenCalledTimes(1)
    vi.setSystemTime(Date.now() - 3_600_000)
    await vi.advanceTimersByTimeAsync(120_000)
    expect(work).toHaveBeenCalledTimes(3)
  })

  test('never runs one job twice at once: a long run is waited for', async () => {
    const { work, letGo } = heldWork()
    const scheduler = schedulerOf(job({ work }))
    scheduler.start()
    await vi.advanceTimersByTimeAsync(300_000)
    const asked = scheduler.run('sweep')
    expect(work).toHaveBeenCalledTimes(1)
    letGo()
    // New work may have arrived after the current run looked: one more run follows at once.
    await asked
    expect(work).toHaveBeenCalledTimes(2)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(work).toHaveBeenCalledTimes(3)
  })

  test('runs a job at once when asked by name, and nothing for an unknown name', async () => {
    const work = vi.fn(async () => {})
    const scheduler = schedulerOf(job({ work }))
    await scheduler.run('sweep')
    await scheduler.run('nothing')
    expect(work).toHaveBeenCalledTimes(1)
  })

  test('reports what a job throws, and runs it again the next time', async () => {
    const work = vi.fn(() => Promise.reject(new Error('the disk is full')))
    const scheduler = schedulerOf(job({ work }))
    await scheduler.run('sweep')
    await scheduler.run('sweep')
    expect(defects).toEqual([
      [new Error('the disk is full'), 'sweep'],
      [new Error('the disk is full'), 'sweep'],
    ])
    expect(ran).toMatchObject([
      { job: 'sweep', outcome: 'failed' },
      { job: 'sweep', outcome: 'failed' },
    ])
  })

  test('that stops starts nothing new, and waits for work in progress', async () => {
    const { work, letGo } = heldWork()
    const scheduler = schedulerOf(job({ work }))
    scheduler.start()
    await vi.advanceTimersByTimeAsync(60_000)
    let stopped = false
    const stopping = scheduler.stop().then(() => {
      stopped = true
    })
    await vi.advanceTimersByTimeAsync(600_000)
    expect(stopped).toBe(false)
    letGo()
    await stopping
    await scheduler.run('sweep')
    await vi.advanceTimersByTimeAsync(600_000)
    expect(work).toHaveBeenCalledTimes(1)
  })

  test('that stops tells the work in progress', async () => {
    let isTold = false
    const scheduler = schedulerOf(
      job({
        work: async (stopping) => {
          await new Promise((resolve) => stopping.addEventListener('abort', resolve))
          isTold = true
        },
      }),
    )
    scheduler.start()
    await vi.advanceTimersByTimeAsync(60_000)
    await scheduler.stop()
    expect(isTold).toBe(true)
  })
})

/** Timers over a clock that only the test advances. */
function turnedTiming(clock: () => Date): { timing: Timing; ring: () => void } {
  const set = new Map<object, { moment: Date; then: () => void; again?: number }>()
  const add = (moment: Date, then: () => void, again?: number): Timer => {
    const timer: Timer = { stop: () => void set.delete(timer), next: () => set.get(timer)?.moment ?? null }
    set.set(timer, { moment, then, ...(again ? { again } : {}) })
    return timer
  }
  return {
    timing: {
      now: clock,
      at: add,
      every: (seconds, then) => add(secondsAfter(clock(), seconds), then, seconds),
    },
    ring(): void {
      for (const [timer, { moment, then, again }] of [...set]) {
        if (moment > clock()) continue
        if (again) set.set(timer, { moment: secondsAfter(moment, again), then, again })
        else set.delete(timer)
        then()
      }
    },
  }
}

describe.each(databases)('two nodes on $name', ({ place }) => {
  const start = new Date('2026-03-01T12:00:00.000Z')
  let { clock, turn } = createStoppedClock(start)
  let { timing, ring } = turnedTiming(clock)
  let stores: OpenedStore[]
  let asked: Set<Promise<unknown>>
  let started: Scheduler[]
  beforeEach(async () => {
    ;({ clock, turn } = createStoppedClock(start))
    ;({ timing, ring } = turnedTiming(clock))
    ;[asked, started] = [new Set(), []]
    const config = await place()
    stores = [await openedStore(config, clock), await openedStore(config, clock)]
  })
  afterEach(async () => {
    await Promise.all(started.map((scheduler) => scheduler.stop()))
    for (const { store } of stores) await store.close()
  })

  /** A store that tracks its pending calls: time advances only after they finish. */
  const noting = (jobs: JobStore): JobStore =>
    new Proxy(jobs, {
      get: (of, name: keyof JobStore) =>
        ((...given: never[]) => {
          const answer = (of[name] as (...given: never[]) => Promise<unknown>)(...given)
          const noted = answer.catch(() => {}).finally(() => asked.delete(noted))
          asked.add(noted)
          return answer
        }) as never,
    })
  const settled = async (): Promise<void> => {
    for (let turns = 0; turns < 5; turns++) {
      while (asked.size > 0) {
        await Promise.all(asked)
        turns = 0
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const pass = async (seconds: number): Promise<void> => {
    for (let second = 0; second < seconds; second++) {
      turn(1)
      ring()
      await settled()
    }
  }
  const node = (n: number, given: Partial<Job> & Pick<Job, 'work'>): Scheduler => {
    const scheduler = createScheduler({
      jobs: [job({ shared: true, ...given })],
      store: noting((stores[n] as OpenedStore).store.jobs),
      clock,
      events: (stores[n] as OpenedStore).events,
      owner: `node ${n} of ${started.length}`,
      onDefect: (error) => {
        throw error
      },
      timing,
    })
    started.push(scheduler)
    return scheduler
  }
  const nodesDoing = (work: Job['work'], shared = true) =>
    [node(0, { work, shared }), node(1, { work, shared })] as const
  const sinceStart = (): number => (clock().getTime() - start.getTime()) / 1000

  test('run a job that is due at first soon after the first start, and then once in each period', async () => {
    const at: number[] = []
    const work = async () => void at.push(sinceStart())
    for (const n of [0, 1]) node(n, { work, isDueAtFirst: true }).start()
    await settled()
    await pass(65)
    // Not again at the start of another node: the period is stored.
    node(1, { work, isDueAtFirst: true }).start()
    await settled()
    await pass(20)
    expect(at).toHaveLength(2)
    expect(at[0]).toBeLessThanOrEqual(1)
    expect(at[1]).toBeLessThanOrEqual(61)
  })

  test('never run a shared job at the same time, and either may run it next', async () => {
    let atOnce = 0
    let most = 0
    let rounds = 0
    const nodes = nodesDoing(async () => {
      rounds++
      most = Math.max(most, ++atOnce)
      for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve))
      atOnce--
    })
    for (let round = 0; round < 10; round++) await Promise.all(nodes.map((one) => one.run('sweep')))
    expect(most).toBe(1)
    expect(rounds).toBeGreaterThanOrEqual(10)
    rounds = 0
    for (const one of nodes) await one.run('sweep')
    expect(rounds).toBe(2)
  })

  test('each run a job that is not shared', async () => {
    const work = vi.fn(async () => {})
    await Promise.all(nodesDoing(work, false).map((one) => one.run('sweep')))
    expect(work).toHaveBeenCalledTimes(2)
  })

  test('run each period once between them, on schedule, whenever they started', async () => {
    const rounds: number[] = []
    const nodes = nodesDoing(async () => void rounds.push(sinceStart()))
    nodes[0].start()
    await pass(17)
    nodes[1].start()
    await pass(600)
    expect(rounds).toEqual([60, 120, 180, 240, 300, 360, 420, 480, 540, 600])
    const [record] = await (stores[0] as OpenedStore).store.jobs.list(clock())
    expect(record).toMatchObject({ runs: 10, failures: 0, running: false, outcome: 'ok' })
  })

  test('run a job in its period although the clock is set back, as that of a machine with SQLite', async () => {
    let behind = 0
    const rounds: number[] = []
    for (const n of [0, 1]) {
      const { store, events } = stores[n] as OpenedStore
      const scheduler = createScheduler({
        jobs: [job({ shared: true, work: async () => void rounds.push(sinceStart()) })],
        store: noting(store.jobs),
        clock: () => secondsAfter(clock(), -behind),
        events,
        owner: `node ${n}`,
        onDefect: (error) => {
          throw error
        },
        timing,
      })
      started.push(scheduler)
      scheduler.start()
    }
    await settled()
    await pass(70)
    behind = 3600
    await pass(170)
    expect(rounds).toEqual([60, 120, 180, 240])
  })

  test('run missed periods once, soon after one of them is back', async () => {
    const rounds: number[] = []
    const work = async () => void rounds.push(sinceStart())
    node(0, { work }).start()
    await pass(65)
    await started[0]?.stop()
    await pass(5 * 60)
    const again = [node(0, { work }), node(1, { work })]
    for (const one of again) one.start()
    await settled()
    await pass(70)
    expect(rounds).toEqual([60, 366, 420])
  })

  test('wait for a long run to finish, and run missed periods once', async () => {
    const rounds: number[] = []
    const { work: hold, letGo } = heldWork()
    const nodes = nodesDoing(() => {
      rounds.push(sinceStart())
      return hold()
    })
    for (const one of nodes) one.start()
    await pass(400)
    expect(rounds).toEqual([60])
    expect((await nodes[1].status())[0]).toMatchObject({ running: true, startedAt: new Date(start.getTime() + 60_000) })
    letGo()
    await pass(75)
    // The first check after it ended, and then the original schedule.
    expect(rounds).toHaveLength(3)
    expect(rounds[1]).toBeGreaterThan(400)
    expect(rounds[1]).toBeLessThanOrEqual(411)
    expect(rounds[2]).toBe(420)
  })

  test('take over from one that died during a run after its lease expires: that run is not missed', async () => {
    const rounds: number[] = []
    node(0, { work: async () => void rounds.push(sinceStart()) }).start()
    await pass(59)
    const [at, until] = [new Date(start.getTime() + 60_000), new Date(start.getTime() + 120_000)]
    const died = await (stores[1] as OpenedStore).store.jobs.begin('sweep', {
      owner: 'a node that died',
      at,
      until,
      firstDue: at,
      latestDue: until,
      onlyWhenDue: true,
    })
    expect(died.tag).toBe('begun')
    await pass(60)
    expect(rounds).toEqual([])
    await pass(71)
    expect(rounds).toHaveLength(2)
    expect(rounds[0]).toBeLessThanOrEqual(130)
    expect(rounds[1]).toBe(180)
  })

  test('run new work even while one of them finds that nothing is due', async () => {
    const work = vi.fn(async () => {})
    const [here, there] = nodesDoing(work)
    here.start()
    await settled()
    turn(60)
    await there.run('sweep')
    expect(work).toHaveBeenCalledTimes(1)
    // The check begins, and will find that the other node was faster.
    ring()
    await here.run('sweep')
    expect(work).toHaveBeenCalledTimes(2)
  })

  test('count failures, and report when each job is due', async () => {
    let fails = true
    const defects: unknown[] = []
    const scheduler = createScheduler({
      jobs: [
        {
          name: 'sweep',
          everySeconds: 60,
          shared: true,
          work: async () => {
            if (fails) throw new Error('not today')
          },
          backlog: async () => 4,
        },
        job({ name: 'reload', work: async () => {} }),
      ],
      store: (stores[0] as OpenedStore).store.jobs,
      clock,
      events: { emit: () => {} },
      owner: 'one',
      onDefect: (error) => defects.push(error),
    })
    await scheduler.run('sweep')
    fails = false
    await scheduler.run('sweep')
    await scheduler.run('reload')
    expect(defects).toEqual([new Error('not today')])
    expect(await scheduler.status()).toMatchObject([
      {
        name: 'sweep',
        shared: true,
        everySeconds: 60,
        runs: 2,
        failures: 1,
        outcome: 'ok',
        running: false,
        backlog: 4,
      },
      { name: 'reload', shared: false, runs: 1, failures: 0, outcome: 'ok', running: false, backlog: null },
    ])
    expect(await scheduler.backlogs()).toEqual([{ job: 'sweep', backlog: 4 }])
  })

  test('show no job that was removed from the code', async () => {
    await (stores[0] as OpenedStore).store.jobs.enroll('of an older version', start)
    expect((await node(0, { work: async () => {} }).status()).map(({ name }) => name)).toEqual(['sweep'])
  })
})

test('the next due time is the first one after now, counted from the previous one', () => {
  const seconds = fc.integer({ min: 1, max: 100_000 })
  fc.assert(
    fc.property(seconds, fc.integer({ min: 0, max: 10_000_000 }), (every, late) => {
      const due = new Date('2026-03-01T12:00:00.000Z')
      const at = new Date(due.getTime() + late)
      const next = nextDue(due, every, at)
      expect(next.getTime()).toBeGreaterThan(at.getTime())
      expect(next.getTime() - at.getTime()).toBeLessThanOrEqual(every * 1000)
      expect((next.getTime() - due.getTime()) % (every * 1000)).toBe(0)
    }),
  )
})
