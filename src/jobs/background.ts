import { defineJobs } from './jobs.ts'
import type { JobStore } from './ports.ts'
import { createScheduler } from './scheduler.ts'
import { createSweeping } from './sweeping.ts'

type BackgroundParts = Omit<Parameters<typeof createScheduler>[0], 'jobs' | 'store'> &
  Omit<Parameters<typeof createSweeping>[0], 'sweeps'> & {
    readonly work: Omit<Parameters<typeof defineJobs>[0], 'sweeping'>
    readonly stored: { readonly jobs: JobStore; readonly sweeps: Parameters<typeof createSweeping>[0]['sweeps'] }
  }

/** Background jobs: on a schedule, or when a flow has queued work. */
export function createBackground({ work, stored, ...parts }: BackgroundParts) {
  const sweeping = createSweeping({ ...parts, sweeps: stored.sweeps })
  const scheduler = createScheduler({ ...parts, store: stored.jobs, jobs: defineJobs({ ...work, sweeping }) })
  return {
    scheduler,
    /** Ends what runs, and starts nothing any more. */
    async stop(): Promise<void> {
      sweeping.stop()
      await scheduler.stop()
    },
  }
}
