import { setTimeout as sleep } from 'node:timers/promises'
import type { Bus } from '../events/bus.ts'
import { BusyError } from '../kernel/busy.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { type SweepName, type Sweeps, sweepNames } from './ports.ts'

/** How many rows one statement may touch, so that no request waits long behind it. */
const rowsAtOnce = 500
/** How many batches of one sweep a round runs; the next round continues. */
const mostBatches = 400
/** The shortest pause between two batches, in milliseconds. */
const leastPauseMs = 5

const hour = 3600
const day = 24 * hour

/**
 * How long rows are kept after they ended, in seconds. What is proof of something stays an hour longer than it is
 * valid, so that we can say why it is refused.
 */
export const keptSeconds = (
  settings: Readonly<Record<'refusedSignIns', number>>,
): Readonly<Record<SweepName, number>> => ({
  flows: hour,
  pendingSignIns: hour,
  tickets: hour,
  conflicts: hour,
  signInCodes: hour,
  trustedDevices: hour,
  invitations: hour,
  rateLimits: hour,
  guesses: 2 * day,
  sessions: 30 * day,
  excessSessions: 0,
  auditOfNobody: 90 * day,
  auditOrigins: 90 * day,
  ...settings,
})

type SweepingParts = {
  readonly sweeps: Sweeps
  /** How long rows are kept after they ended, in seconds. */
  readonly keptSeconds: Readonly<Record<SweepName, number>>
  readonly clock: Clock
  readonly events: Pick<Bus, 'emit'>
  /** Hears why a sweep failed. */
  readonly onDefect: (error: unknown, sweep: string) => void
  /** Waits between two batches; `signal` ends the wait. */
  readonly pause?: (ms: number, value: undefined, options: { signal: AbortSignal }) => Promise<unknown>
}

/**
 * Erases what ended long ago, in small batches beside a running service: 200,000 expired rows in one statement stop the
 * event loop for seconds with SQLite. A sweep that fails does not stop the others.
 */
export function createSweeping({ sweeps, keptSeconds, clock, events, onDefect, pause = sleep }: SweepingParts) {
  const stopping = new AbortController()
  /** Where the next round continues, for a sweep that did not reach its end. */
  const resume = new Map<SweepName, string>()

  /** Lets the event loop and other writers in, for as long as they had to wait. */
  const rest = async (ms: number): Promise<void> => {
    try {
      await pause(Math.max(leastPauseMs, ms), undefined, { signal: stopping.signal })
    } catch (error) {
      if (!stopping.signal.aborted) throw error
    }
  }

  const sweep = async (name: SweepName, count: (rows: number) => void): Promise<void> => {
    const before = secondsAfter(clock(), -keptSeconds[name])
    for (let batch = 0; batch < mostBatches && !stopping.signal.aborted; batch++) {
      const began = performance.now()
      const { swept, next } = await sweeps[name]({ before, after: resume.get(name) ?? '', limit: rowsAtOnce })
      count(swept)
      if (next === undefined) {
        resume.delete(name)
        return
      }
      resume.set(name, next)
      await rest(performance.now() - began)
    }
  }

  return {
    /** One round of every sweep. Rejects at the end if any of them failed. */
    async work(): Promise<void> {
      const failed: { readonly name: SweepName; readonly error: unknown }[] = []
      for (const name of sweepNames) {
        if (stopping.signal.aborted) break
        let rows = 0
        let outcome: 'ok' | 'failed' = 'ok'
        try {
          await sweep(name, (more) => {
            rows += more
          })
        } catch (error) {
          outcome = 'failed'
          failed.push({ name, error })
          onDefect(error, `sweep ${name}`)
        }
        events.emit('sweep.ran', { sweep: name, outcome, rows })
      }
      if (failed.length === 0) return
      // A database that is not available is no defect, and is logged elsewhere.
      const defect = failed.find(({ error }) => !(error instanceof BusyError))
      if (!defect) throw failed[0]?.error
      throw new Error(`sweeps failed: ${failed.map(({ name }) => name).join(', ')}`, { cause: defect.error })
    },

    /** No further batch begins. */
    stop: (): void => stopping.abort(),
  }
}
export type Sweeping = ReturnType<typeof createSweeping>
