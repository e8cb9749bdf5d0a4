import { setTimeout as sleep } from 'node:timers/promises'
import type { Bus } from '../events/bus.ts'
import { BusyError } from '../kernel/busy.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { type SweepName, type Sweeps, sweepNames } from './ports.ts'

/** How many rows one statement may change, so that no request waits long for it. */
const rowsAtOnce = 500
/** How many batches of one sweep one run executes; the next run continues. */
const maxBatches = 400
/** The shortest pause between two batches, in milliseconds. */
const minPauseMs = 5

const hour = 3600
const day = 24 * hour

/**
 * How long rows are kept after they have ended, in seconds. Proofs are kept an hour longer than they are valid, so that
 * a refusal can state the reason.
 */
export const retentionSeconds = (
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
  providerTrials: 0,
  openidStates: hour,
  registrationTokens: day,
  unusedRegistrations: 30 * day,
  idleRegistrations: 180 * day,
  unusedDocuments: day,
  idleDocuments: 180 * day,
  applicationSessions: 30 * day,
  sessions: 30 * day,
  excessSessions: 0,
  endedClaims: 0,
  auditOfNobody: 90 * day,
  auditOrigins: 90 * day,
  hourlyCounts: 30 * day,
  ...settings,
})

type SweepingParts = {
  readonly sweeps: Sweeps
  /** How long rows are kept after they have ended, in seconds. */
  readonly keptSeconds: Readonly<Record<SweepName, number>>
  readonly clock: Clock
  readonly events: Pick<Bus, 'emit'>
  /** Called with the error of a sweep that failed. */
  readonly onDefect: (error: unknown, sweep: string) => void
  /** Waits between two batches; `signal` ends the wait. */
  readonly pause?: (ms: number, value: undefined, options: { signal: AbortSignal }) => Promise<unknown>
}

/**
 * Erases rows that ended long ago, in small batches while the service runs. Deleting 200,000 expired rows in one
 * statement blocks the event loop for seconds with SQLite. A sweep that fails does not stop the others.
 */
export function createSweeping({ sweeps, keptSeconds, clock, events, onDefect, pause = sleep }: SweepingParts) {
  const stopping = new AbortController()
  /** Where the next run continues a sweep that did not reach its end. */
  const resume = new Map<SweepName, string>()

  /** Pauses for as long as the batch took, so that other requests and writers can run. */
  const pauseBetween = async (ms: number): Promise<void> => {
    try {
      await pause(Math.max(minPauseMs, ms), undefined, { signal: stopping.signal })
    } catch (error) {
      if (!stopping.signal.aborted) throw error
    }
  }

  const sweep = async (name: SweepName, count: (rows: number) => void): Promise<void> => {
    const before = secondsAfter(clock(), -keptSeconds[name])
    let [defect, busy]: unknown[] = []
    for (let batch = 0; batch < maxBatches && !stopping.signal.aborted; batch++) {
      const began = performance.now()
      const range = { before, after: resume.get(name) ?? '', limit: rowsAtOnce }
      const { swept, next, failures = [] } = await sweeps[name](range)
      count(swept)
      defect ??= failures.find((error) => !(error instanceof BusyError))
      busy ??= failures.find((error) => error instanceof BusyError)
      if (next === undefined) resume.delete(name)
      else resume.set(name, next)
      // The next run continues: after a batch in which accounts were only busy, the database may not be there.
      const isBusy = swept === 0 && failures.length > 0 && failures.every((error) => error instanceof BusyError)
      if (next === undefined || isBusy) break
      await pauseBetween(performance.now() - began)
    }
    const failure = defect ?? busy
    if (failure !== undefined) throw failure
  }

  return {
    /** One run of every sweep. Rejects at the end if any of them failed. */
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
      // An unavailable database is not a defect, and is logged by `createHealth`.
      const defect = failed.find(({ error }) => !(error instanceof BusyError))
      if (!defect) throw failed[0]?.error
      throw new Error(`sweeps failed: ${failed.map(({ name }) => name).join(', ')}`, { cause: defect.error })
    },

    /** Starts no further batch. */
    stop: (): void => stopping.abort(),
  }
}
export type Sweeping = ReturnType<typeof createSweeping>
