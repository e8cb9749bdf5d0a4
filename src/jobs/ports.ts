/** The last run of a job that nodes share, and when it runs next. */
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

/** A request to run a job: which node, and until when its lease lasts unless it is extended. */
export type RunRequest = {
  readonly owner: string
  readonly at: Date
  readonly until: Date
  /** When the job is first due, if the store does not know it yet. */
  readonly firstDue: Date
  /** The latest possible time. A job that is due later is due now: the clock was set back since it was written. */
  readonly latestDue: Date
  /** Run only if the job is due. Otherwise run it in any case, for work that has just appeared. */
  readonly onlyWhenDue: boolean
}

export type RunStart =
  | { readonly tag: 'begun'; readonly dueAt: Date }
  | { readonly tag: 'not_due'; readonly dueAt: Date }
  /** Another node is running it. */
  | { readonly tag: 'busy' }

export type RunResult = {
  readonly owner: string
  readonly at: Date
  readonly milliseconds: number
  readonly outcome: 'ok' | 'failed'
  /** When it is due next; absent if this run was not the due one. */
  readonly nextDue?: Date
}

/**
 * Runs of jobs that nodes share: only one node at a time, and each due run only once.
 *
 * A run stays due until it is finished. If its node dies during the run, another node repeats the run once the lease
 * has expired. A finished run is never repeated.
 */
export interface JobStore {
  /** When the job is due; a job that the store does not know is recorded with `firstDue`. */
  enroll(name: string, firstDue: Date): Promise<Date>
  /** Takes the run and its lease, both or neither. */
  begin(name: string, asking: RunRequest): Promise<RunStart>
  /** Extends the lease; `false` if it no longer belongs to this owner. */
  keep(name: string, owner: string, until: Date): Promise<boolean>
  /**
   * Records the result and releases the lease; `false` without any change if the lease no longer belongs to this owner.
   */
  finish(name: string, finished: RunResult): Promise<boolean>
  /** Every job ever enrolled, by name, and whether it is running. */
  list(at: Date): Promise<readonly (JobRecord & { readonly running: boolean })[]>
}

/** The kinds of rows that sweeps erase after they have ended. */
export const sweepNames = [
  'flows',
  'pendingSignIns',
  'tickets',
  'conflicts',
  'signInCodes',
  'trustedDevices',
  'invitations',
  'rateLimits',
  'guesses',
  'providerTrials',
  'openidStates',
  'registrationTokens',
  'unusedRegistrations',
  'idleRegistrations',
  'unusedDocuments',
  'idleDocuments',
  'applicationSessions',
  'sessions',
  'excessSessions',
  'endedClaims',
  'auditOfNobody',
  'auditOrigins',
  'refusedSignIns',
  'hourlyCounts',
] as const
export type SweepName = (typeof sweepNames)[number]

/**
 * One batch of a sweep, in its own transaction: it changes at most `limit` of the rows that ended before `before`. A
 * sweep that scans a table in key order starts after the key `after`, which is empty at first. Returns how many rows it
 * erased (`auditOrigins`: changed; `excessSessions`: ended; `endedClaims`: accounts), and the `after` of the next batch;
 * `undefined` at the end. `failures` has the errors of single accounts, which do not stop the sweep.
 */
export type Sweep = (range: {
  readonly before: Date
  readonly after: string
  readonly limit: number
}) => Promise<{ readonly swept: number; readonly next: string | undefined; readonly failures?: readonly unknown[] }>

export type Sweeps = Readonly<Record<SweepName, Sweep>>
