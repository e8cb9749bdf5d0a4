import type { Fact } from '../events/catalogue.ts'

/** One row of the trail. */
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
 * What somebody may look for in their own trail. A busy back end borrows all day long: `others` is what is left of the
 * trail without it.
 */
export type ActivityKind = 'loans' | 'others'

export interface AuditStore {
  /**
   * For what changed nothing else: a refusal. Changes bring their fact along (`because`). Facts that `countedAs` counts
   * share one entry for an hour on all nodes: it holds where the first came from, and how many there were (`attempts`).
   */
  record(fact: Fact): Promise<void>
  /** One person's own, newest first; `before` is the id of the last one already seen. */
  list(
    accountId: string,
    page: { before: string | null; limit: number },
    kind?: ActivityKind,
  ): Promise<readonly AuditRecord[]>
  /** Everybody's, newest first; a filter that is `null` or left out does not matter. */
  search(
    about: { account: string | null; event: string | null; requestId?: string | null },
    page: { before: string | null; limit: number },
  ): Promise<readonly AuditRecord[]>
}
