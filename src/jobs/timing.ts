import { steadyClock, systemClock } from '../kernel/clock.ts'

export type Timer = { stop(): void; next(): Date | null }

/** Timers that setting the machine's clock does not affect. None of them keeps the process alive. */
export type Timing = {
  readonly now: () => Date
  /** Runs once; at once if the moment has passed. */
  readonly at: (moment: Date, then: () => void) => Timer
  /** Runs repeatedly, first after this many seconds. */
  readonly every: (seconds: number, then: () => void) => Pick<Timer, 'stop'>
}

/**
 * Node's own timers wait for a duration. With timers that compare the machine's clock, a clock that is set back an hour
 * at boot would stop every job for that hour. No job waits longer than its period, so no delay overflows.
 */
export const steadyTiming: Timing = {
  now: steadyClock,
  at(moment, then) {
    const msLeft = (): number => moment.getTime() - steadyClock().getTime()
    let isSet = true
    const timer = setTimeout(
      () => {
        isSet = false
        then()
      },
      Math.max(0, msLeft()),
    ).unref()
    return {
      stop: () => {
        isSet = false
        clearTimeout(timer)
      },
      // Operators compare it with the machine's clock.
      next: () => (isSet ? new Date(systemClock().getTime() + msLeft()) : null),
    }
  },
  every(seconds, then) {
    const timer = setInterval(then, seconds * 1000).unref()
    return { stop: () => clearInterval(timer) }
  },
}
