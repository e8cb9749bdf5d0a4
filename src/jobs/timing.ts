import { Cron } from 'croner'

export type Timer = { stop(): void; next(): Date | null }

/** When something is to happen, by the machine's clock. No timer keeps the process alive. */
export type Timing = {
  readonly now: () => Date
  /** Once; at once when the moment has passed. */
  readonly at: (moment: Date, then: () => void) => Timer
  /** Again and again, first when that many seconds have passed; to the second. */
  readonly every: (seconds: number, then: () => void) => Timer
}

const timerOf = (cron: Cron): Timer => ({ stop: () => cron.stop(), next: () => cron.nextRun() })

/** Croner waits however long it is: Node's own timers overflow after 24 days, and drift. */
export const cronTiming: Timing = {
  now: () => new Date(),
  at: (moment, then) => timerOf(new Cron(new Date(Math.max(moment.getTime(), Date.now())), { unref: true }, then)),
  every: (seconds, then) =>
    timerOf(
      new Cron(
        '* * * * * *',
        // Without a beginning the first time would be the next whole second.
        { interval: seconds, startAt: new Date(Date.now() + seconds * 1000), unref: true },
        then,
      ),
    ),
}
