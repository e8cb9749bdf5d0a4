/** How a job that nodes share last went, and when it is to run next. */
export type JobRecord = {
  readonly name: string
  readonly dueAt: Date
  readonly startedAt: Date | null
  readonly finishedAt: Date | null
  readonly milliseconds: number | null
  readonly outcome: 'ok' | 'failed' | null
  readonly runs: number
  readonly failures: number
}

/** One owner at a time for a named piece of work, across every node. */
export interface LeaseStore {
  /** Takes it until `until` if it is free, expired or already ours. */
  take(name: string, owner: string, until: Date, at: Date): Promise<boolean>
  release(name: string, owner: string): Promise<void>
}
