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

/** Who asks for a round, and until when it is theirs alone unless they say that they are still at it. */
export type Asking = {
  readonly owner: string
  readonly at: Date
  readonly until: Date
  /** When the job is first due, if nobody has ever heard of it. */
  readonly firstDue: Date
  /** Only if it is due; otherwise whether it is or not, for work that has just appeared. */
  readonly onlyWhenDue: boolean
}

export type Begun =
  | { readonly tag: 'begun'; readonly dueAt: Date }
  | { readonly tag: 'not_due'; readonly dueAt: Date }
  /** Somebody else is at it. */
  | { readonly tag: 'busy' }

export type Finished = {
  readonly owner: string
  readonly at: Date
  readonly milliseconds: number
  readonly outcome: 'ok' | 'failed'
  /** When it is due next; absent when this round was not the one that was due. */
  readonly nextDue?: Date
}

/**
 * The rounds of jobs that nodes share: one node at a time, and each round that is due once in all.
 *
 * A round stays due until it is finished. So one whose node died in the middle is taken by another node once the lease
 * has run out, and one that ended is nobody's twice.
 */
export interface JobStore {
  /** When it is due; it is written down as `firstDue` if nobody has heard of it. */
  enroll(name: string, firstDue: Date): Promise<Date>
  /** Takes the round and the lease on it, both or neither. */
  begin(name: string, asking: Asking): Promise<Begun>
  /** Holds the lease on; `false` when it is no longer this owner's. */
  keep(name: string, owner: string, until: Date): Promise<boolean>
  /** Writes down how it went and lets go; `false`, and nothing changes, when it is no longer this owner's. */
  finish(name: string, finished: Finished): Promise<boolean>
  /** Every job anybody ever enrolled, by name, and whether one is at it. */
  list(at: Date): Promise<readonly (JobRecord & { readonly running: boolean })[]>
}

/** What is swept: rows that ended long ago, of one kind each. */
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
  'sessions',
  'excessSessions',
  'auditOfNobody',
  'auditOrigins',
  'refusedSignIns',
] as const
export type SweepName = (typeof sweepNames)[number]

/**
 * One batch of a sweep, in a transaction of its own: it touches at most `limit` of the rows that ended before `before`.
 * A sweep that walks a table in the order of its keys begins after the key `after`, which is empty at first. Returns how
 * many rows it erased (`auditOrigins`: changed; `excessSessions`: ended), and the `after` of the next batch; `undefined` at the end.
 */
export type Sweep = (range: {
  readonly before: Date
  readonly after: string
  readonly limit: number
}) => Promise<{ readonly swept: number; readonly next: string | undefined }>

export type Sweeps = Readonly<Record<SweepName, Sweep>>
