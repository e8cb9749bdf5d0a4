import type { Clock } from '../kernel/clock.ts'
import { secondsAfter } from '../kernel/clock.ts'
import type { LeaseStore } from './ports.ts'

/** A piece of work that comes round. `shared`: one node at a time; otherwise every node does its own. */
export type Job = {
  readonly name: string
  readonly everySeconds: number
  readonly shared: boolean
  readonly work: () => Promise<unknown>
}

type Parts = {
  jobs: readonly Job[]
  leases: LeaseStore
  clock: Clock
  owner: string
  onDefect: (error: unknown, job: string) => void
}

/** Longer than any round of work; a node that died holds a job up for so long at most. */
const leaseSeconds = 120

/** Runs the jobs, each never twice at once: not here, and, if shared, on no two nodes either (a lease in the store). */
export function createScheduler({ jobs, leases, clock, owner, onDefect }: Parts) {
  const timers = new Set<NodeJS.Timeout>()
  const running = new Map<string, Promise<void>>()
  let stopped = false

  const work = async ({ name, shared, work: run }: Job): Promise<void> => {
    try {
      const at = clock()
      if (shared && !(await leases.take(name, owner, secondsAfter(at, leaseSeconds), at))) return
      try {
        await run()
      } finally {
        if (shared) await leases.release(name, owner)
      }
    } catch (error) {
      onDefect(error, name)
    }
  }

  const run = (job: Job): Promise<void> => {
    const current = running.get(job.name)
    if (current) return current
    const round = work(job).finally(() => running.delete(job.name))
    running.set(job.name, round)
    return round
  }

  return {
    start(): void {
      for (const job of jobs) {
        const timer = setInterval(() => void run(job), job.everySeconds * 1000)
        timer.unref()
        timers.add(timer)
      }
    },
    /** Runs a job now, for work that has just appeared; a round under way is waited for instead. */
    async run(name: string): Promise<void> {
      const job = jobs.find((one) => one.name === name)
      if (job && !stopped) await run(job)
    },
    /** No new round begins; the ones under way are waited for. */
    async stop(): Promise<void> {
      stopped = true
      for (const timer of timers) clearInterval(timer)
      await Promise.all(running.values())
    },
  }
}
export type Scheduler = ReturnType<typeof createScheduler>
