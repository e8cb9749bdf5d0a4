import { describe, expect, test } from 'vitest'
import { type Sweep, type SweepName, type Sweeps, sweepNames } from '../../src/jobs/ports.ts'
import { createSweeping, retentionSeconds } from '../../src/jobs/sweeping.ts'
import { BusyError } from '../../src/kernel/busy.ts'
import { later, now } from '../store/people.ts'

/** Sweeps of tables that contain so many expired rows each. */
function setUp(given: Partial<Record<SweepName, Sweep>> = {}, rows = 0) {
  const left = new Map<SweepName, number>(sweepNames.map((name) => [name, rows]))
  const batches: { readonly name: SweepName; readonly before: Date; readonly swept: number }[] = []
  const emitted: unknown[] = []
  const defects: [unknown, string][] = []
  const pauses: number[] = []
  const sweep =
    (name: SweepName): Sweep =>
    async ({ before, limit }) => {
      const swept = Math.min(limit, left.get(name) ?? 0)
      left.set(name, (left.get(name) ?? 0) - swept)
      batches.push({ name, before, swept })
      return { swept, next: swept < limit ? undefined : '' }
    }
  const sweeps = Object.fromEntries(sweepNames.map((name) => [name, given[name] ?? sweep(name)])) as Sweeps
  let onPause = (): void => {}
  const sweeping = createSweeping({
    sweeps,
    keptSeconds: retentionSeconds({ refusedSignIns: 4000 }),
    clock: () => now,
    events: { emit: (name, data) => void emitted.push({ name, data }) },
    onDefect: (error, sweep) => defects.push([error, sweep]),
    pause: async (ms) => {
      pauses.push(ms)
      onPause()
    },
  })
  return { sweeping, left, batches, emitted, defects, pauses, whenPaused: (run: () => void) => (onPause = run) }
}

describe('the sweeps', () => {
  test('run batch by batch, with pauses, until nothing is left', async () => {
    const { sweeping, left, batches, pauses, emitted } = setUp({}, 2100)
    await sweeping.work()
    expect([...left.values()]).toEqual(sweepNames.map(() => 0))
    expect(Math.max(...batches.map(({ swept }) => swept))).toBe(500)
    expect(pauses).toHaveLength(4 * sweepNames.length)
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(5)
    expect(emitted).toEqual(
      sweepNames.map((sweep) => ({ name: 'sweep.ran', data: { sweep, outcome: 'ok', rows: 2100 } })),
    )
  })

  test('keep rows for the retention of their kind', async () => {
    const { sweeping, batches } = setUp()
    await sweeping.work()
    const before = new Map(batches.map((batch) => [batch.name, batch.before]))
    expect(before.get('tickets')).toEqual(later(-3600))
    expect(before.get('sessions')).toEqual(later(-30 * 86_400))
    expect(before.get('refusedSignIns')).toEqual(later(-4000))
  })

  test('with too much work for one run continue in the next', async () => {
    const { sweeping, left } = setUp()
    left.set('tickets', 450_000)
    await sweeping.work()
    expect(left.get('tickets')).toBe(250_000)
    await sweeping.work()
    expect(left.get('tickets')).toBe(50_000)
    await sweeping.work()
    expect(left.get('tickets')).toBe(0)
  })

  test('that walk a table continue where the previous run ended', async () => {
    const seen: string[] = []
    const { sweeping } = setUp({
      sessions: async ({ after }) => {
        seen.push(after)
        return { swept: 0, next: seen.length === 450 ? undefined : String(seen.length) }
      },
    })
    await sweeping.work()
    expect(seen).toHaveLength(400)
    await sweeping.work()
    expect(seen.slice(400, 402)).toEqual(['400', '401'])
    expect(seen).toHaveLength(450)
    await sweeping.work()
    expect(seen[450]).toBe('')
  })

  test('do not stop each other: the run names the failed ones at its end', async () => {
    const fault = new Error('no such table')
    const failing: Sweep = () => Promise.reject(fault)
    const { sweeping, left, emitted, defects } = setUp({ tickets: failing, sessions: failing }, 1200)
    await expect(sweeping.work()).rejects.toThrow('sweeps failed: tickets, sessions')
    expect([...left].filter(([, rows]) => rows > 0).map(([name]) => name)).toEqual(['tickets', 'sessions'])
    expect(defects).toEqual([
      [fault, 'sweep tickets'],
      [fault, 'sweep sessions'],
    ])
    expect(emitted).toContainEqual({ name: 'sweep.ran', data: { sweep: 'tickets', outcome: 'failed', rows: 0 } })
    expect(emitted).toContainEqual({ name: 'sweep.ran', data: { sweep: 'guesses', outcome: 'ok', rows: 1200 } })
  })

  test('in which an account fails go on with the accounts after it, and fail at their end', async () => {
    const fault = new Error('locked')
    const seen: string[] = []
    const { sweeping, defects } = setUp({
      sessions: async ({ after }) => {
        seen.push(after)
        if (after === '') return { swept: 1, next: 'b', failures: [fault] }
        return { swept: 1, next: undefined }
      },
    })
    await expect(sweeping.work()).rejects.toThrow('sweeps failed: sessions')
    expect(seen).toEqual(['', 'b'])
    expect(defects).toEqual([[fault, 'sweep sessions']])
  })

  test('in which nothing succeeds end at once, and continue after it in the next run', async () => {
    const seen: string[] = []
    const { sweeping } = setUp({
      sessions: async ({ after }) => {
        seen.push(after)
        return { swept: 0, next: 'b', failures: [new BusyError('the store', 5)] }
      },
    })
    await expect(sweeping.work()).rejects.toBeInstanceOf(BusyError)
    expect(seen).toEqual([''])
    await expect(sweeping.work()).rejects.toBeInstanceOf(BusyError)
    expect(seen).toEqual(['', 'b'])
  })

  test('that a busy database refuses end as busy, which is no defect', async () => {
    const { sweeping } = setUp({ tickets: () => Promise.reject(new BusyError('the store', 5)) })
    await expect(sweeping.work()).rejects.toBeInstanceOf(BusyError)
  })

  test('stop with the service', async () => {
    const { sweeping, batches, whenPaused } = setUp({}, 2100)
    whenPaused(() => sweeping.stop())
    await sweeping.work()
    expect(batches).toHaveLength(1)
    await sweeping.work()
    expect(batches).toHaveLength(1)
  })

  test('stop at once during a pause', async () => {
    const endless: Sweep = async () => ({ swept: 0, next: 'more' })
    const sweeps = Object.fromEntries(sweepNames.map((name) => [name, endless])) as Sweeps
    const sweeping = createSweeping({
      sweeps,
      keptSeconds: retentionSeconds({ refusedSignIns: 4000 }),
      clock: () => now,
      events: { emit: () => {} },
      onDefect: () => {},
    })
    const round = sweeping.work()
    sweeping.stop()
    await round
  })
})
