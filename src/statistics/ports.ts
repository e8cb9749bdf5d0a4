/**
 * What is counted. `signIns` by sign-in method, `refused` by error code, `newAccounts` by how they were created; the
 * other three are totals at the end of the hour, without a label.
 */
export const measures = ['signIns', 'refused', 'newAccounts', 'accounts', 'devices', 'needsConsent'] as const
export type Measure = (typeof measures)[number]

/** How often something happened within one hour, or how many there were at its end. */
export type HourlyCount = {
  /** The start of the hour, UTC. */
  readonly hour: Date
  readonly measure: Measure
  readonly label: string
  readonly count: number
}

/** A fact of the audit log that is counted. */
export type CountedEntry = {
  readonly id: string
  readonly event: string
  readonly at: Date
  readonly ordinal: number
  readonly data: Readonly<Record<string, unknown>>
}

export interface StatisticsStore {
  /** Entries of these events from `from` on and before `until`, oldest first, after the given one. */
  entries(
    event: string,
    time: { readonly from: Date; readonly until: Date },
    page: { readonly after: CountedEntry | null; readonly limit: number },
  ): Promise<readonly CountedEntry[]>
  /**
   * Counts what exists now: accounts, live sessions, and grants that their users must renew. It reads page by page;
   * `undefined` if `stopping` ended it between two pages.
   */
  totals(
    at: Date,
    stopping?: AbortSignal,
  ): Promise<Readonly<Record<'accounts' | 'devices' | 'needsConsent', number>> | undefined>
  /** Replaces the counts of one hour: those of these measures, by default of all. A repeated run writes the same again. */
  replace(hour: Date, counts: readonly Omit<HourlyCount, 'hour'>[], measured?: readonly Measure[]): Promise<void>
  /** The latest hour with counts; `undefined` if there is none. */
  latestHour(): Promise<Date | undefined>
  /** All counts of hours from `from` on, oldest first. */
  since(from: Date): Promise<readonly HourlyCount[]>
}
