import type { Fact } from '../events/catalogue.ts'

/** One entry of the audit log. */
export type AuditRecord = {
  readonly id: string
  readonly at: Date
  readonly event: string
  readonly accountId: string | null
  readonly ip: string | null
  readonly userAgent: string | null
  readonly requestId: string | null
  readonly data: Readonly<Record<string, unknown>>
}

/**
 * Filters for a person's own activity. A busy back end requests tokens all day: `loans` are those entries, and `others`
 * is the rest.
 */
export type ActivityKind = 'loans' | 'others'

/** Which entries of all accounts are searched for; `null` matches everything, and an empty list nothing. */
export type AuditFilter = {
  readonly accounts: readonly string[] | null
  readonly events: readonly string[] | null
  readonly requestId: string | null
  readonly ip: string | null
  /** From this time on. */
  readonly from: Date | null
  /** Before this time. */
  readonly until: Date | null
}
export type AuditPage = {
  readonly rows: readonly AuditRecord[]
  /** The ID after which the next page starts; `null` if there is none. */
  readonly next: string | null
}

/** The IDs of what entries name, besides accounts. */
type NamedThings = {
  readonly applications: readonly string[]
  readonly credentials: readonly string[]
  readonly teams: readonly string[]
}

export interface AuditStore {
  /**
   * Records a fact that changed nothing else, such as a refusal. A change passes its facts to the store itself
   * (`because`). Facts that `countingKey` counts share one entry for an hour, across all nodes: it contains the origin of
   * the first one and their number (`attempts`).
   */
  record(fact: Fact): Promise<void>
  /** The entries of one account, newest first; `before` is the ID of the last entry already seen. */
  list(
    accountId: string,
    page: { before: string | null; limit: number },
    kind?: ActivityKind,
  ): Promise<readonly AuditRecord[]>
  /**
   * The entries of all accounts that match a filter, newest first. A page examines a limited number of entries, so it
   * can be short, or empty, and still have a `next`.
   */
  search(filter: AuditFilter, page: { before: string | null; limit: number }): Promise<AuditPage>
  /** What people call these, in any order, also after a credential was revoked. What was deleted is missing. */
  names(of: NamedThings): Promise<readonly { readonly id: string; readonly name: string }[]>
}
