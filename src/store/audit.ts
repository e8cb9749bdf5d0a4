import { createHash } from 'node:crypto'
import { and, desc, eq, getTableColumns, type SQL, sql } from 'drizzle-orm'
import type { AuditStore } from '../audit/ports.ts'
import { type AuditName, countingKey, type Fact } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Change, entryLock } from './change.ts'
import { createCounting } from './counting.ts'
import type { Driver } from './driver.ts'
import { compareRow } from './row-value.ts'

/** How long facts of one kind share one audit log entry, in milliseconds. */
const entrySpanMs = 3_600_000

/** Has the form of other IDs, so that entries of about the same time are close together in the index. */
const entryOf = (kind: string, at: Date): string => {
  const begins = at.getTime() - (at.getTime() % entrySpanMs)
  return `aud_${begins.toString(16).padStart(12, '0')}${createHash('sha256').update(kind).digest('hex').slice(0, 32)}`
}

const loan: AuditName = 'provider_token.lent'
/**
 * A literal, as in the partial index for these rows: with a parameter, the database could not know that the index
 * applies.
 */
const isNotLoan = sql.raw(`event <> '${loan}'`)

type Page = { readonly before: string | null; readonly limit: number }
type Row = { readonly accountId: string | null; readonly event: string; readonly requestId: string | null }

export function auditStore(
  { db, tables: { audit: t }, read, readLong }: Driver,
  change: Change,
  clock: Clock,
): AuditStore {
  const { ordinal: _, ...columns } = getTableColumns(t)
  /** `has`: whether a row belongs to this list. The page after a row that does not belong is empty. */
  async function select(asked: SQL | undefined, { before, limit }: Page, has: (row: Row) => boolean) {
    const newestFirst = [desc(t.at), desc(t.ordinal), desc(t.id)]
    const page = (after?: SQL) =>
      readLong(
        db
          .select(columns)
          .from(t)
          .where(and(asked, after))
          .orderBy(...newestFirst)
          .limit(limit),
      )
    if (before === null) return page()
    // By ID alone: with more conditions, PostgreSQL may scan all rows of an account.
    const [seen] = await read(db.select().from(t).where(eq(t.id, before)))
    if (!seen || !has(seen)) return []
    return page(
      compareRow('<', [
        [t.at, seen.at],
        [t.ordinal, seen.ordinal],
        [t.id, seen.id],
      ]),
    )
  }

  const write = (facts: readonly Fact[], entry?: string): Promise<void> =>
    change(
      function* (_tx, note) {
        yield* note(facts, entry)
      },
      entry === undefined ? [] : [entryLock(entry)],
    )
  const count = createCounting(write)

  return {
    record: (fact) => {
      const kind = countingKey(fact)
      // All nodes count in the same entry.
      return kind === null ? write([fact]) : count(fact, entryOf(kind, clock()))
    },
    list: (account, page, kind) =>
      select(
        and(eq(t.accountId, account), kind && (kind === 'loans' ? eq(t.event, loan) : isNotLoan)),
        page,
        ({ accountId, event }) => accountId === account && (!kind || (event === loan) === (kind === 'loans')),
      ),
    search: ({ account, event, requestId = null }, page) =>
      select(
        and(
          account === null ? undefined : eq(t.accountId, account),
          event === null ? undefined : eq(t.event, event),
          requestId === null ? undefined : eq(t.requestId, requestId),
        ),
        page,
        (row) =>
          (account === null || row.accountId === account) &&
          (event === null || row.event === event) &&
          (requestId === null || row.requestId === requestId),
      ),
  }
}
