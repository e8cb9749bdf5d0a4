/**
 * The circuit breaker of one endpoint, built on opossum. Only calls that were made and answered change its state. It
 * also limits concurrent calls, so that a provider that hangs holds a limited number of sockets and callers.
 */
import CircuitBreaker from 'opossum'
import type { BreakerSettings } from '../provider.ts'
import type { Deadline } from './deadline.ts'

export type BreakerState = 'closed' | 'half_open' | 'open'

/** Concurrent calls to one endpoint. More calls wait in a queue. */
const CAPACITY = 64
/**
 * Calls that may wait in the queue. More are rejected at once: their callers would time out before an answer arrived.
 */
const MOST_WAITING = 256
/** Failures are counted in this sliding window, which moves in `SLICES` steps. */
const WINDOW_MS = 30_000
const SLICES = 10

/** Why a call was not made. */
export type RejectionReason = 'breaker_open' | 'at_capacity'
/**
 * A call that was not made because the breaker is open or the queue is full. It does not count against the provider.
 */
export class NotMadeError extends Error {
  override name = 'NotMadeError'
  readonly reason: RejectionReason
  constructor(reason: RejectionReason) {
    super(reason)
    this.reason = reason
  }
}

/** Methods of opossum's rolling counts that its type declarations omit. */
type RollingCounts = { increment(property: 'fires'): void; rotateBucket(): void }

type BreakerParts<C, R> = {
  readonly name: string
  readonly settings: BreakerSettings
  /** Makes one call. A thrown error counts as a failure of the endpoint, a returned value as a success. */
  readonly run: (call: C, deadline: Deadline) => Promise<R>
  readonly onChange: (state: BreakerState) => void
}
export type Breaker<C, R> = ReturnType<typeof createBreaker<C, R>>

export function createBreaker<C, R>({ name, settings, run, onChange }: BreakerParts<C, R>) {
  const circuit = new CircuitBreaker<[C, Deadline], R>(run, {
    name,
    // Our own deadline ends the call. Opossum's timeout would only stop waiting for it.
    timeout: false,
    errorThresholdPercentage: settings.errorThresholdPercent,
    volumeThreshold: settings.volume,
    resetTimeout: settings.resetMs,
    rollingCountTimeout: WINDOW_MS,
    rollingCountBuckets: SLICES,
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
  })
  // Opossum divides failures by `fires`. By default `fires` includes calls that the open breaker rejected, and calls
  // that are still pending. After an outage, thousands of rejections would hide every new failure. If the provider came
  // back and then hung, the breaker would not open. So we count a call when its answer arrives.
  const counts = circuit.status as unknown as RollingCounts
  const answered = (): void => counts.increment('fires')
  circuit.removeAllListeners('fire')
  // Count before opossum acts on the answer. Otherwise the call that closes the breaker counts in the next state.
  circuit.prependListener('success', answered)
  circuit.prependListener('failure', answered)

  let openedAt = 0
  let running = 0
  const queue = new Set<() => void>()

  const state = (): BreakerState => (circuit.opened ? 'open' : circuit.halfOpen ? 'half_open' : 'closed')

  /** Starts new counts: results from one state must not decide the next transition. */
  const changed = (): void => {
    for (let slice = 0; slice < SLICES; slice += 1) counts.rotateBucket()
    onChange(state())
  }
  circuit.on('open', () => {
    openedAt = performance.now()
    changed()
    // Release waiting calls now, so that they fail at once instead of waiting for calls to a failing provider.
    for (const proceed of queue) {
      running += 1
      proceed()
    }
  })
  circuit.on('halfOpen', changed)
  circuit.on('close', changed)

  /**
   * Takes a slot or waits for one. Resolves to `false` if the queue is full, or if half of the call's time has passed.
   * A call with less time than that would probably time out, and the timeout would count against the provider.
   */
  const takeSlot = (): Promise<boolean> => {
    // Do not wait unless the breaker is closed: opossum rejects all calls but one.
    if (running < CAPACITY || !circuit.closed) {
      running += 1
      return Promise.resolve(true)
    }
    if (queue.size >= MOST_WAITING) return Promise.resolve(false)
    return new Promise((resolve) => {
      const end = (hasSlot: boolean): void => {
        queue.delete(go)
        clearTimeout(giveUp)
        resolve(hasSlot)
      }
      const go = (): void => end(true)
      const giveUp = setTimeout(() => end(false), settings.timeoutMs / 2)
      queue.add(go)
    })
  }

  /** Passes the slot to the next waiting call. */
  const releaseSlot = (): void => {
    const [next] = queue
    if (next) next()
    else running -= 1
  }

  return {
    state,
    /** Whether it is half open and no call has been made since. */
    isUntried: (): boolean => circuit.pendingClose,
    /**
     * Whole seconds until the next trial call, at least one. Opossum measures real time and ignores the injected clock.
     */
    secondsLeft: (): number => Math.max(1, Math.ceil((openedAt + settings.resetMs - performance.now()) / 1000)),

    /** Makes the call, or throws `NotMadeError`. Any other error comes from `run`. */
    async fire(call: C, deadline: Deadline): Promise<R> {
      if (!(await takeSlot())) throw new NotMadeError('at_capacity')
      try {
        return await circuit.fire(call, deadline)
      } catch (thrown) {
        if (CircuitBreaker.isOurError(thrown as Error)) throw new NotMadeError('breaker_open')
        throw thrown
      } finally {
        releaseSlot()
      }
    },
    shutdown: (): void => circuit.shutdown(),
  }
}
