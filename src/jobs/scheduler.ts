import type { Bus } from '../events/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { secondsAfter } from '../kernel/clock.ts'
import { outsideLimit } from '../kernel/limit.ts'
import type { JobRecord, JobStore } from './ports.ts'
import { cronTiming, type Timer, type Timing } from './timing.ts'

/** A piece of work that comes round. `shared`: one node at a time; otherwise every node does its own. */
export type Job = {
  readonly name: string
  readonly everySeconds: number
  readonly shared: boolean
  readonly work: () => Promise<unknown>
  /** How much waits for it now. */
  readonly backlog?: () => Promise<number>
}

/** A job as an operator looks at it. One that is not shared is told as this node does it, since its start. */
export type JobStatus = Omit<JobRecord, 'dueAt'> & {
  readonly everySeconds: number
  readonly shared: boolean
  /** Absent while nothing is planned: the scheduler does not run. */
  readonly dueAt: Date | null
  readonly running: boolean
  /** Absent for a job that counts none. */
  readonly backlog: number | null
}

type SchedulerParts = {
  jobs: readonly Job[]
  store: JobStore
  clock: Clock
  events: Pick<Bus, 'emit'>
  /** Of this process alone: a lease is known by it. */
  owner: string
  onDefect: (error: unknown, job: string) => void
  timing?: Timing
}

/** A node that died holds a job up for so long at most; one that lives says three times meanwhile that it does. */
const leaseSeconds = 60
/** When to look again where nothing could be learned: another node is at it, or the database does not answer. */
const againSeconds = 10

/** The first of its moments after `at`, counted on from `due`: however many have passed meanwhile, one is left. */
export const nextDue = (due: Date, everySeconds: number, at: Date): Date =>
  secondsAfter(due, everySeconds * Math.max(1, Math.floor((at.getTime() - due.getTime()) / (everySeconds * 1000)) + 1))

type Round = 'when due' | 'now'
type Ended = { readonly worked: boolean; readonly dueAt: Date | null }

/**
 * Runs the jobs, each never twice at once: not here, and, if shared, on no two nodes either.
 *
 * When a shared job is due stands in the store, so each of its periods is run by one node, and one that passed while no
 * node was there is run once, soon after the next one starts.
 */
export function createScheduler({ jobs, store, clock, events, owner, onDefect, timing = cronTiming }: SchedulerParts) {
  const timers = new Map<string, Timer>()
  const running = new Map<string, Promise<Ended>>()
  const own = new Map<string, Omit<JobRecord, 'name' | 'dueAt'>>()
  const never = { startedAt: null, finishedAt: null, milliseconds: null, outcome: null, runs: 0, failures: 0 }
  let stopped = false

  /** The work itself; what it throws is reported and told, and ends here. */
  const perform = async ({ name, work }: Job) => {
    const started = performance.now()
    let outcome: 'ok' | 'failed' = 'ok'
    try {
      await work()
    } catch (error) {
      outcome = 'failed'
      onDefect(error, name)
    }
    const ms = performance.now() - started
    events.emit('job.ran', { job: name, outcome, ms })
    return { outcome, milliseconds: Math.round(ms) }
  }

  const here = async (job: Job): Promise<Ended> => {
    const before = own.get(job.name) ?? never
    const startedAt = clock()
    own.set(job.name, { ...before, startedAt })
    const { outcome, milliseconds } = await perform(job)
    const [runs, failures] = [before.runs + 1, before.failures + (outcome === 'failed' ? 1 : 0)]
    own.set(job.name, { startedAt, finishedAt: clock(), milliseconds, outcome, runs, failures })
    return { worked: true, dueAt: null }
  }

  /** Says now and then that this node is still at it, until it is told to stop. */
  const holdOn = (name: string): (() => void) => {
    let over = false
    const keep = async (): Promise<void> => {
      try {
        const kept = await store.keep(name, owner, secondsAfter(clock(), leaseSeconds))
        if (!kept && !over) onDefect(new Error('this node stood still for so long that its lease ran out'), name)
      } catch (error) {
        onDefect(error, name)
      }
    }
    const timer = timing.every(leaseSeconds / 3, () => void keep())
    return () => {
      over = true
      timer.stop()
    }
  }

  const inTurn = async (job: Job, round: Round): Promise<Ended> => {
    const { name, everySeconds } = job
    const at = clock()
    const begun = await store.begin(name, {
      owner,
      at,
      until: secondsAfter(at, leaseSeconds),
      firstDue: secondsAfter(at, everySeconds),
      onlyWhenDue: round === 'when due',
    })
    if (begun.tag === 'busy') return { worked: false, dueAt: null }
    if (begun.tag === 'not_due') return { worked: false, dueAt: begun.dueAt }
    const letGo = holdOn(name)
    const done = await perform(job)
    letGo()
    // Counted from the beginning: a period that passed while it ran is one that was missed.
    const due = begun.dueAt <= at ? nextDue(begun.dueAt, everySeconds, at) : undefined
    await store.finish(name, { owner, at: clock(), ...done, ...(due && { nextDue: due }) })
    return { worked: true, dueAt: due ?? begun.dueAt }
  }

  const run = (job: Job, round: Round): Promise<Ended> => {
    const current = running.get(job.name)
    if (current) return current
    // A request may have woken it: its work does not end when that request does.
    const begun = outsideLimit(() => (job.shared ? inTurn(job, round) : here(job)))
      .catch((error): Ended => {
        onDefect(error, job.name)
        return { worked: false, dueAt: null }
      })
      .finally(() => running.delete(job.name))
    running.set(job.name, begun)
    return begun
  }

  const at = (job: Job, moment: Date, then: (job: Job, moment: Date) => Promise<void>): void => {
    if (stopped) return
    timers.get(job.name)?.stop()
    timers.set(
      job.name,
      timing.at(moment, () => void then(job, moment)),
    )
  }

  const everyPeriod = async (job: Job, moment: Date): Promise<void> => {
    await run(job, 'now')
    at(job, nextDue(moment, job.everySeconds, timing.now()), everyPeriod)
  }

  const whenDue = async (job: Job): Promise<void> => lookAt(job, (await run(job, 'when due')).dueAt)
  /** What is due is due by the clock everybody shares; how long that is from now is all the timer is told. */
  const lookAt = (job: Job, dueAt: Date | null): void => {
    const seconds = dueAt ? (dueAt.getTime() - clock().getTime()) / 1000 : Math.min(againSeconds, job.everySeconds)
    at(job, secondsAfter(timing.now(), seconds), whenDue)
  }

  const enrolling: Promise<void>[] = []
  const enroll = async (job: Job): Promise<void> => {
    const dueAt = await store.enroll(job.name, secondsAfter(clock(), job.everySeconds)).catch((error) => {
      onDefect(error, job.name)
      return null
    })
    lookAt(job, dueAt)
  }

  const statusOf = (job: Job, shared: ReadonlyMap<string, JobRecord & { running: boolean }>) => {
    const { name } = job
    if (job.shared) return { dueAt: null, running: false, ...never, ...shared.get(name) }
    return { dueAt: timers.get(name)?.next() ?? null, running: running.has(name), ...(own.get(name) ?? never) }
  }

  const backlogs = (): Promise<readonly (number | null)[]> =>
    Promise.all(jobs.map(async ({ backlog }) => (backlog ? await backlog() : null)))

  return {
    start(): void {
      for (const job of jobs)
        if (job.shared) enrolling.push(enroll(job))
        else at(job, secondsAfter(timing.now(), job.everySeconds), everyPeriod)
    },

    /** Runs a job now, for work that has just appeared: after a round under way, which may have looked already. */
    async run(name: string): Promise<void> {
      const job = jobs.find((one) => one.name === name)
      if (!job) return
      await running.get(name)
      if (!stopped) await run(job, 'now')
    },

    /** Every job there is, in the order they are defined in. */
    async status(): Promise<readonly JobStatus[]> {
      const [records, waiting] = await Promise.all([store.list(clock()), backlogs()])
      const shared = new Map(records.map((record) => [record.name, record]))
      return jobs.map((job, n) => ({
        ...statusOf(job, shared),
        name: job.name,
        everySeconds: job.everySeconds,
        shared: job.shared,
        backlog: waiting[n] ?? null,
      }))
    },

    /** How much waits for each job that counts it. */
    async backlogs(): Promise<readonly { readonly job: string; readonly backlog: number }[]> {
      const waiting = await backlogs()
      return jobs.flatMap(({ name: job }, n) => {
        const backlog = waiting[n] ?? null
        return backlog === null ? [] : [{ job, backlog }]
      })
    },

    /** No new round begins; the ones under way are waited for. */
    async stop(): Promise<void> {
      stopped = true
      for (const timer of timers.values()) timer.stop()
      await Promise.all([...enrolling, ...running.values()])
    },
  }
}
export type Scheduler = ReturnType<typeof createScheduler>
