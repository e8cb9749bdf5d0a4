import type { Bus } from '../events/bus.ts'
import type { Clock } from '../kernel/clock.ts'
import { secondsAfter } from '../kernel/clock.ts'
import { outsideLimit } from '../kernel/limit.ts'
import type { JobRecord, JobStore } from './ports.ts'
import { steadyTiming, type Timer, type Timing } from './timing.ts'

/** A background job. `shared`: one node runs it at a time; otherwise every node runs its own. */
export type Job = {
  readonly name: string
  readonly everySeconds: number
  readonly shared: boolean
  /** For a shared job: it is due as soon as the first node starts, not a period later. */
  readonly isDueAtFirst?: true
  /** `stopping` is aborted when this node stops: long work then ends soon, at a point where it can continue later. */
  readonly work: (stopping: AbortSignal) => Promise<unknown>
  /** How much work is waiting for it. */
  readonly backlog?: () => Promise<number>
}

/** The status of a job for operators. For a job that is not shared: on this node, since its start. */
export type JobStatus = Omit<JobRecord, 'dueAt'> & {
  readonly everySeconds: number
  readonly shared: boolean
  /** `null` while nothing is scheduled, because the scheduler is not running. */
  readonly dueAt: Date | null
  readonly running: boolean
  /** `null` for a job that does not count its backlog. */
  readonly backlog: number | null
}

type SchedulerParts = {
  jobs: readonly Job[]
  store: JobStore
  clock: Clock
  events: Pick<Bus, 'emit'>
  /** Identifies this process as the owner of leases. */
  owner: string
  onDefect: (error: unknown, job: string) => void
  timing?: Timing
}

/** By how many seconds the clocks of two nodes may differ. */
const differenceSeconds = 2
/** How long a node that died can delay a job. A running node extends its lease three times in this period. */
const leaseSeconds = 60
/** When to check again if another node is running the job, or the database does not answer. */
const recheckSeconds = 10

/** The first time after `at` in steps of the period from `due`: missed periods are made up for by one run. */
export const nextDue = (due: Date, everySeconds: number, at: Date): Date =>
  secondsAfter(due, everySeconds * Math.max(1, Math.floor((at.getTime() - due.getTime()) / (everySeconds * 1000)) + 1))

type RunMode = 'when due' | 'now'
type RunOutcome = { readonly worked: boolean; readonly dueAt: Date | null }

/**
 * Runs the jobs. A job never runs twice at the same time on this node, nor, if it is shared, on two nodes.
 *
 * The store holds when a shared job is due, so each period is run by one node. A period that passed while no node was
 * running is made up for once, soon after the next start.
 */
export function createScheduler({
  jobs,
  store,
  clock,
  events,
  owner,
  onDefect,
  timing = steadyTiming,
}: SchedulerParts) {
  const timers = new Map<string, Timer>()
  const running = new Map<string, Promise<RunOutcome>>()
  const own = new Map<string, Omit<JobRecord, 'name' | 'dueAt'>>()
  const noRuns = { startedAt: null, finishedAt: null, milliseconds: null, outcome: null, runs: 0, failures: 0 }
  const stopping = new AbortController()

  /** Runs the work. An error is reported and recorded in the result, and goes no further. */
  const perform = async ({ name, work }: Job) => {
    const started = performance.now()
    let outcome: 'ok' | 'failed' = 'ok'
    try {
      await work(stopping.signal)
    } catch (error) {
      outcome = 'failed'
      onDefect(error, name)
    }
    const ms = performance.now() - started
    events.emit('job.ran', { job: name, outcome, ms })
    return { outcome, milliseconds: Math.round(ms) }
  }

  const runLocal = async (job: Job): Promise<RunOutcome> => {
    const before = own.get(job.name) ?? noRuns
    const startedAt = clock()
    own.set(job.name, { ...before, startedAt })
    const { outcome, milliseconds } = await perform(job)
    const [runs, failures] = [before.runs + 1, before.failures + (outcome === 'failed' ? 1 : 0)]
    own.set(job.name, { startedAt, finishedAt: clock(), milliseconds, outcome, runs, failures })
    return { worked: true, dueAt: null }
  }

  /** Extends the lease regularly until the returned function is called. */
  const keepLease = (name: string): (() => void) => {
    let over = false
    const keep = async (): Promise<void> => {
      try {
        const kept = await store.keep(name, owner, secondsAfter(clock(), leaseSeconds))
        if (!kept && !over) onDefect(new Error('job lease expired: this node was unresponsive for too long'), name)
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

  const runShared = async (job: Job, round: RunMode): Promise<RunOutcome> => {
    const { name, everySeconds } = job
    const at = clock()
    const nextPeriod = secondsAfter(at, everySeconds)
    // No job is due later than a period from now: the clock that all nodes share was set back.
    const latestDue = secondsAfter(nextPeriod, differenceSeconds)
    const begun = await store.begin(name, {
      owner,
      at,
      until: secondsAfter(at, leaseSeconds),
      firstDue: secondsAfter(at, everySeconds),
      latestDue,
      onlyWhenDue: round === 'when due',
    })
    if (begun.tag === 'busy') return { worked: false, dueAt: null }
    if (begun.tag === 'not_due') return { worked: false, dueAt: begun.dueAt }
    const stopKeeping = keepLease(name)
    const done = await perform(job)
    stopKeeping()
    // Counted from the start of the run: a period that passed during the run was missed.
    const missed = begun.dueAt <= at ? nextDue(begun.dueAt, everySeconds, at) : undefined
    const due = begun.dueAt > latestDue ? nextPeriod : missed
    await store.finish(name, { owner, at: clock(), ...done, ...(due && { nextDue: due }) })
    return { worked: true, dueAt: due ?? begun.dueAt }
  }

  const run = (job: Job, round: RunMode): Promise<RunOutcome> => {
    const current = running.get(job.name)
    if (current) return current
    // A request may have started the job, whose work must not end with that request.
    const begun = outsideLimit(() => (job.shared ? runShared(job, round) : runLocal(job)))
      .catch((error): RunOutcome => {
        onDefect(error, job.name)
        return { worked: false, dueAt: null }
      })
      .finally(() => running.delete(job.name))
    running.set(job.name, begun)
    return begun
  }

  const at = (job: Job, moment: Date, then: (job: Job, moment: Date) => Promise<void>): void => {
    if (stopping.signal.aborted) return
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

  const whenDue = async (job: Job): Promise<void> => schedule(job, (await run(job, 'when due')).dueAt)
  /** Due times use the clock shared by all nodes; the timer only gets the remaining time, at most a period. */
  const schedule = (job: Job, dueAt: Date | null): void => {
    const seconds = dueAt ? (dueAt.getTime() - clock().getTime()) / 1000 : recheckSeconds
    at(job, secondsAfter(timing.now(), Math.min(seconds, job.everySeconds)), whenDue)
  }

  const enrolling: Promise<void>[] = []
  const enroll = async (job: Job): Promise<void> => {
    const dueAt = await store
      .enroll(job.name, secondsAfter(clock(), job.isDueAtFirst ? 0 : job.everySeconds))
      .catch((error) => {
        onDefect(error, job.name)
        return null
      })
    schedule(job, dueAt)
  }

  const statusOf = (job: Job, shared: ReadonlyMap<string, JobRecord & { running: boolean }>) => {
    const { name } = job
    if (job.shared) return { dueAt: null, running: false, ...noRuns, ...shared.get(name) }
    return { dueAt: timers.get(name)?.next() ?? null, running: running.has(name), ...(own.get(name) ?? noRuns) }
  }

  const backlogs = (): Promise<readonly (number | null)[]> =>
    Promise.all(jobs.map(async ({ backlog }) => (backlog ? await backlog() : null)))

  return {
    start(): void {
      for (const job of jobs)
        if (job.shared) enrolling.push(enroll(job))
        else at(job, secondsAfter(timing.now(), job.everySeconds), everyPeriod)
    },

    /**
     * Runs a job now, for work that has just appeared. It waits for a run in progress first, which may have missed that
     * work.
     */
    async run(name: string): Promise<void> {
      const job = jobs.find((one) => one.name === name)
      if (!job) return
      await running.get(name)
      if (!stopping.signal.aborted) await run(job, 'now')
    },

    /** All jobs in the order of their definition. */
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

    /** The backlog of each job that counts it. */
    async backlogs(): Promise<readonly { readonly job: string; readonly backlog: number }[]> {
      const waiting = await backlogs()
      return jobs.flatMap(({ name: job }, n) => {
        const backlog = waiting[n] ?? null
        return backlog === null ? [] : [{ job, backlog }]
      })
    },

    /** Starts no further runs, and waits for those in progress. */
    async stop(): Promise<void> {
      stopping.abort()
      for (const timer of timers.values()) timer.stop()
      await Promise.all([...enrolling, ...running.values()])
    },
  }
}
export type Scheduler = ReturnType<typeof createScheduler>
