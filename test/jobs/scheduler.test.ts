import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { LeaseStore } from '../../src/jobs/ports.ts'
import { createScheduler, type Job, type Scheduler } from '../../src/jobs/scheduler.ts'
import { databases } from '../support/databases.ts'
import { type OpenedStore, openedStore } from '../support/opened-store.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

/** Work that goes on until it is let go, and says how often it was begun. */
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

describe('a node', () => {
  const { clock } = createStoppedClock()
  const leases: LeaseStore = { take: async () => true, release: async () => {} }
  let defects: [unknown, string][]
  const started: Scheduler[] = []
  const schedulerOf = (...jobs: Job[]): Scheduler => {
    const scheduler = createScheduler({
      jobs,
      leases,
      clock,
      owner: 'here',
      onDefect: (error, name) => defects.push([error, name]),
    })
    started.push(scheduler)
    return scheduler
  }
  beforeEach(() => {
    vi.useFakeTimers()
    defects = []
  })
  afterEach(async () => {
    await Promise.all(started.splice(0).map((scheduler) => scheduler.stop()))
    vi.useRealTimers()
  })

  test('does each job when its period has passed, again and again', async () => {
    const [often, seldom] = [vi.fn(async () => {}), vi.fn(async () => {})]
    schedulerOf(job({ work: often }), job({ name: 'reload', everySeconds: 600, work: seldom })).start()
    await vi.advanceTimersByTimeAsync(59_999)
    expect(often).toHaveBeenCalledTimes(0)
    await vi.advanceTimersByTimeAsync(600_001)
    expect(often).toHaveBeenCalledTimes(11)
    expect(seldom).toHaveBeenCalledTimes(1)
  })

  test('never does one job twice at once: a round that takes long is waited for', async () => {
    const { work, letGo } = heldWork()
    const scheduler = schedulerOf(job({ work }))
    scheduler.start()
    await vi.advanceTimersByTimeAsync(300_000)
    const asked = scheduler.run('sweep')
    expect(work).toHaveBeenCalledTimes(1)
    letGo()
    await asked
    await vi.advanceTimersByTimeAsync(60_000)
    expect(work).toHaveBeenCalledTimes(2)
  })

  test('does a job at once when asked by name, and nothing for a name it does not know', async () => {
    const work = vi.fn(async () => {})
    const scheduler = schedulerOf(job({ work }))
    await scheduler.run('sweep')
    await scheduler.run('nothing')
    expect(work).toHaveBeenCalledTimes(1)
  })

  test('reports what a job throws, and does it again the next time', async () => {
    const work = vi.fn(() => Promise.reject(new Error('the disk is full')))
    const scheduler = schedulerOf(job({ work }))
    await scheduler.run('sweep')
    await scheduler.run('sweep')
    expect(defects).toEqual([
      [new Error('the disk is full'), 'sweep'],
      [new Error('the disk is full'), 'sweep'],
    ])
  })

  test('that stops begins nothing new, and waits for what is under way', async () => {
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
})

describe.each(databases)('two nodes on $name', ({ place }) => {
  let { clock, turn } = createStoppedClock()
  let stores: OpenedStore[]
  beforeEach(async () => {
    ;({ clock, turn } = createStoppedClock())
    const config = await place()
    stores = [await openedStore(config, () => clock()), await openedStore(config, () => clock())]
  })
  afterEach(async () => {
    for (const { store } of stores) await store.close()
  })
  const nodesDoing = (work: Job['work'], shared: boolean): readonly Scheduler[] =>
    stores.map(({ store }, n) =>
      createScheduler({
        jobs: [job({ work, shared })],
        leases: store.leases,
        clock: () => clock(),
        owner: `node ${n}`,
        onDefect: (error) => {
          throw error
        },
      }),
    )

  test('never do a shared job at the same time, and either may do it next', async () => {
    let atOnce = 0
    let most = 0
    let rounds = 0
    const nodes = nodesDoing(async () => {
      rounds++
      most = Math.max(most, ++atOnce)
      for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve))
      atOnce--
    }, true)
    for (let round = 0; round < 10; round++) await Promise.all(nodes.map((node) => node.run('sweep')))
    expect(most).toBe(1)
    expect(rounds).toBeGreaterThanOrEqual(10)
    rounds = 0
    for (const node of nodes) await node.run('sweep')
    expect(rounds).toBe(2)
  })

  test('each do a job that is not shared', async () => {
    const work = vi.fn(async () => {})
    await Promise.all(nodesDoing(work, false).map((node) => node.run('sweep')))
    expect(work).toHaveBeenCalledTimes(2)
  })

  test('take over from one that died in the middle, after its lease', async () => {
    const work = vi.fn(async () => {})
    const [, survivor] = nodesDoing(work, true)
    await stores[0]?.store.leases.take('sweep', 'the dead node', new Date(clock().getTime() + 120_000), clock())
    await survivor?.run('sweep')
    expect(work).toHaveBeenCalledTimes(0)
    turn(120)
    await survivor?.run('sweep')
    expect(work).toHaveBeenCalledTimes(1)
  })
})
