/**
 * The circuit breaker of one endpoint, over opossum. It decides on calls that were made and answered, and on nothing
 * else; it bounds how many calls are under way at once, so that a provider that hangs holds a bounded number of sockets
 * and callers.
 */
import CircuitBreaker from 'opossum'
import type { BreakerSettings } from '../provider.ts'
import type { Deadline } from './deadline.ts'

export type BreakerState = 'closed' | 'half_open' | 'open'

/** Calls under way at once at one endpoint. Beyond it they wait for a place. */
const CAPACITY = 64
/** Calls that wait for a place. Beyond it they are refused at once: an answer would come after its caller gave up. */
const MOST_WAITING = 256
/** The window in which failures are counted, and the slices in which it moves on. */
const WINDOW_MS = 30_000
const SLICES = 10

/** Why a call was not made. */
export type NotMade = 'breaker_open' | 'at_capacity'
/** A call that was not made, because the breaker is open or everything is taken. It says nothing about the provider. */
export class NotMadeError extends Error {
  override name = 'NotMadeError'
  readonly reason: NotMade
  constructor(reason: NotMade) {
    super(reason)
    this.reason = reason
  }
}

/** What opossum's rolling counts can do, as its types leave out. */
type RollingCounts = { increment(property: 'fires'): void; rotateBucket(): void }

type BreakerParts<C, R> = {
  readonly name: string
  readonly settings: BreakerSettings
  /** One call. What it throws counts as a failure of the endpoint; what it returns counts as an answer. */
  readonly run: (call: C, deadline: Deadline) => Promise<R>
  readonly onChange: (state: BreakerState) => void
}
export type Breaker<C, R> = ReturnType<typeof createBreaker<C, R>>

export function createBreaker<C, R>({ name, settings, run, onChange }: BreakerParts<C, R>) {
  const circuit = new CircuitBreaker<[C, Deadline], R>(run, {
    name,
    // The deadline is ours: opossum's own time-out lets go of the call without ending it.
    timeout: false,
    errorThresholdPercentage: settings.errorThresholdPercent,
    volumeThreshold: settings.volume,
    resetTimeout: settings.resetMs,
    rollingCountTimeout: WINDOW_MS,
    rollingCountBuckets: SLICES,
    rollingPercentilesEnabled: false,
    enableSnapshots: false,
  })
  // Opossum's rate is failures over `fires`, and by default `fires` also counts the calls that the open breaker refused
  // and those without an answer yet. After an outage thousands of refusals would hide every new failure: the breaker of
  // a provider that comes back and hangs would not open at all. So a fire is counted with its answer.
  const counts = circuit.status as unknown as RollingCounts
  const answered = (): void => counts.increment('fires')
  circuit.removeAllListeners('fire')
  // Counted before opossum decides on that answer, or the one that closes a breaker would count in the next state.
  circuit.prependListener('success', answered)
  circuit.prependListener('failure', answered)

  let openedAt = 0
  let running = 0
  const line = new Set<() => void>()

  const state = (): BreakerState => (circuit.opened ? 'open' : circuit.halfOpen ? 'half_open' : 'closed')

  /** What was counted in one state decides nothing in the next one. */
  const changed = (): void => {
    for (let slice = 0; slice < SLICES; slice += 1) counts.rotateBucket()
    onChange(state())
  }
  circuit.on('open', () => {
    openedAt = performance.now()
    changed()
    // Those in line learn it now instead of waiting for places that calls to a dead provider hold.
    for (const go of line) {
      running += 1
      go()
    }
  })
  circuit.on('halfOpen', changed)
  circuit.on('close', changed)

  /**
   * Takes a place, or waits for one; `false` when too many wait already, or when half of the call's time has passed:
   * with less than that its own time-out would be counted against the provider.
   */
  const place = (): Promise<boolean> => {
    // While it is not closed there is nothing to wait for: opossum refuses all calls but one.
    if (running < CAPACITY || !circuit.closed) {
      running += 1
      return Promise.resolve(true)
    }
    if (line.size >= MOST_WAITING) return Promise.resolve(false)
    return new Promise((resolve) => {
      const end = (hasPlace: boolean): void => {
        line.delete(go)
        clearTimeout(giveUp)
        resolve(hasPlace)
      }
      const go = (): void => end(true)
      const giveUp = setTimeout(() => end(false), settings.timeoutMs / 2)
      line.add(go)
    })
  }

  /** Passes the place on to the next in line. */
  const leave = (): void => {
    const [next] = line
    if (next) next()
    else running -= 1
  }

  return {
    state,
    /** Whether it is half open and no call has tried the endpoint since. */
    isUntried: (): boolean => circuit.pendingClose,
    /** Whole seconds until it may try again, at least one. Opossum counts real time, whatever clock others are given. */
    secondsLeft: (): number => Math.max(1, Math.ceil((openedAt + settings.resetMs - performance.now()) / 1000)),

    /** Makes the call, or throws `NotMadeError`; whatever else is thrown comes from `run`. */
    async fire(call: C, deadline: Deadline): Promise<R> {
      if (!(await place())) throw new NotMadeError('at_capacity')
      try {
        return await circuit.fire(call, deadline)
      } catch (thrown) {
        if (CircuitBreaker.isOurError(thrown as Error)) throw new NotMadeError('breaker_open')
        throw thrown
      } finally {
        leave()
      }
    },
    shutdown: (): void => circuit.shutdown(),
  }
}
