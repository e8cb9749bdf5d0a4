import { Cron } from 'croner'

export type Timer = { stop(): void; next(): Date | null }

/** Timers by the machine's clock. None of them keeps the process alive. */
export type Timing = {
  readonly now: () => Date
  /** Runs once; at once if the moment has passed. */
  readonly at: (moment: Date, then: () => void) => Timer
  /** Runs repeatedly, first after this many seconds; accurate to the second. */
  readonly every: (seconds: number, then: () => void) => Timer
}

const timerOf = (cron: Cron): Timer => ({ stop: () => cron.stop(), next: () => cron.nextRun() })

/** Croner supports any delay: Node's own timers overflow after 24 days, and drift. */
export const cronTiming: Timing = {
  now: () => new Date(),
  at: (moment, then) => timerOf(new Cron(new Date(Math.max(moment.getTime(), Date.now())), { unref: true }, then)),
  every: (seconds, then) =>
    timerOf(
      new Cron(
        '* * * * * *',
        // Without a start, the first run would be at the next whole second.
        { interval: seconds, startAt: new Date(Date.now() + seconds * 1000), unref: true },
        then,
      ),
    ),
}
