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
  /** The entries of all accounts, newest first. A filter that is `null` or absent matches everything. */
  search(
    about: { account: string | null; event: string | null; requestId?: string | null },
    page: { before: string | null; limit: number },
  ): Promise<readonly AuditRecord[]>
}
