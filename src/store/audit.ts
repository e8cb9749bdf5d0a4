import { createHash } from 'node:crypto'
import { and, desc, eq, getTableColumns, gte, inArray, lt, type SQL, sql } from 'drizzle-orm'
import type { AuditFilter, AuditPage, AuditRecord, AuditStore } from '../audit/ports.ts'
import { type AuditName, countingKey, type Fact } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import { timeDigits } from '../kernel/ids.ts'
import { type Change, entryLock } from './change.ts'
import { createCounting } from './counting.ts'
import type { Driver } from './driver.ts'
import { compareRow } from './row-value.ts'

/** How long facts of one kind share one audit log entry, in milliseconds. */
const entrySpanMs = 3_600_000

/** Has the form of other IDs, so that entries of about the same time are close together in the index. */
const entryOf = (kind: string, at: Date): string => {
  const begins = at.getTime() - (at.getTime() % entrySpanMs)
  return `aud_${timeDigits(begins)}${createHash('sha256').update(kind).digest('hex').slice(0, 32)}`
}

const loan: AuditName = 'provider_token.lent'
/**
 * A literal, as in the partial index for these rows: with a parameter, the database could not know that the index
 * applies.
 */
const isNotLoan = sql.raw(`event <> '${loan}'`)

/** How many ranges of an index one search merges at most. With more, the condition is tested on each row. */
const maxRanges = 16
/** How many rows one statement of a search reads, if some of them may not match. */
const examinedAtOnce = 200
/** How many rows one page of a search examines at most; the next page continues after them. */
const maxExamined = 1000

type StoredRow = AuditRecord & { readonly ordinal: number }
const compareNewestFirst = (a: StoredRow, b: StoredRow): number =>
  b.at.getTime() - a.at.getTime() || b.ordinal - a.ordinal || (a.id < b.id ? 1 : -1)
const withoutOrdinal = ({ ordinal: _, ...row }: StoredRow): AuditRecord => row

type Page = { readonly before: string | null; readonly limit: number }
type Row = { readonly accountId: string | null; readonly event: string }

export function auditStore({ db, tables, read, readLong }: Driver, change: Change, clock: Clock): AuditStore {
  const { audit: t, applications, serviceCredentials, teams } = tables
  const { ordinal: _, ...columns } = getTableColumns(t)
  const newestFirst = [desc(t.at), desc(t.ordinal), desc(t.id)]
  const placeBefore = (row: { readonly at: Date; readonly ordinal: number; readonly id: string }): SQL =>
    compareRow('<', [
      [t.at, row.at],
      [t.ordinal, row.ordinal],
      [t.id, row.id],
    ])
  /** `has`: whether a row belongs to this list. The page after a row that does not belong is empty. */
  async function select(asked: SQL | undefined, { before, limit }: Page, has: (row: Row) => boolean) {
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
    return page(placeBefore(seen))
  }

  /** The narrowest ranges of an index for a filter, and the conditions that all of their rows fulfill. */
  function rangesFor({ accounts, events, requestId, ip }: AuditFilter): {
    readonly ranges: readonly (SQL | undefined)[]
    readonly fulfilled: readonly (keyof AuditFilter)[]
  } {
    if (requestId !== null) return { ranges: [eq(t.requestId, requestId)], fulfilled: ['requestId'] }
    if (ip !== null) return { ranges: [eq(t.ip, ip)], fulfilled: ['ip'] }
    if (accounts && events && accounts.length * events.length <= maxRanges) {
      const both = accounts.flatMap((account) =>
        events.map((event) => and(eq(t.accountId, account), eq(t.event, event))),
      )
      return { ranges: both, fulfilled: ['accounts', 'events'] }
    }
    if (accounts) return { ranges: accounts.map((account) => eq(t.accountId, account)), fulfilled: ['accounts'] }
    if (events && events.length <= maxRanges)
      return { ranges: events.map((event) => eq(t.event, event)), fulfilled: ['events'] }
    return { ranges: [undefined], fulfilled: [] }
  }
  const isMatch = ({ accounts, events, requestId, ip }: AuditFilter, row: AuditRecord): boolean =>
    (accounts === null || (row.accountId !== null && accounts.includes(row.accountId))) &&
    (events === null || events.includes(row.event)) &&
    (requestId === null || row.requestId === requestId) &&
    (ip === null || row.ip === ip)

  /**
   * Each range is read newest first, and the rows are merged. A condition that is in no range is tested here, on a
   * limited number of rows: a page costs the same whatever is asked.
   */
  async function search(filter: AuditFilter, { before, limit }: Page): Promise<AuditPage> {
    const { ranges, fulfilled } = rangesFor(filter)
    const conditions = ['accounts', 'events', 'requestId', 'ip'] as const
    const isExact = conditions.every((name) => filter[name] === null || fulfilled.includes(name))
    const atOnce = isExact ? limit + 1 : examinedAtOnce
    const found: AuditRecord[] = []
    // By ID alone, as above.
    const [start] = before === null ? [] : await read(db.select().from(t).where(eq(t.id, before)))
    if (before !== null && !start) return { rows: [], next: null }
    for (let seen = start, examined = 0; ; ) {
      const place = seen && placeBefore(seen)
      const end = seen === undefined && filter.until !== null ? lt(t.at, filter.until) : undefined
      const begin = filter.from === null ? undefined : gte(t.at, filter.from)
      const chunks = await Promise.all(
        ranges.map((range) =>
          readLong(
            db
              .select()
              .from(t)
              .where(and(range, place, end, begin))
              .orderBy(...newestFirst)
              .limit(atOnce),
          ),
        ),
      )
      // Rows after these may be missing from a range that was cut off.
      const rows = chunks.flat().sort(compareNewestFirst).slice(0, atOnce)
      for (const row of rows) {
        if (isMatch(filter, row) && found.push(withoutOrdinal(row)) > limit)
          return { rows: found.slice(0, limit), next: found[limit - 1]?.id ?? null }
      }
      seen = rows.at(-1)
      examined += rows.length
      if (rows.length < atOnce || seen === undefined) return { rows: found, next: null }
      if (examined >= maxExamined) return { rows: found, next: seen.id }
    }
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
    search,

    async names({ applications: ofApplications, credentials: ofCredentials, teams: ofTeams }) {
      const named = [
        [applications, ofApplications],
        [serviceCredentials, ofCredentials],
        [teams, ofTeams],
      ] as const
      // Only what the page has: most pages have one of them, or none.
      const found = await Promise.all(
        named.map(([table, ids]) =>
          ids.length === 0
            ? []
            : readLong(
                db
                  .select({ id: table.id, name: table.name })
                  .from(table)
                  .where(inArray(table.id, [...ids])),
              ),
        ),
      )
      return found.flat()
    },
  }
}
