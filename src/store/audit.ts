import { and, desc, eq, getTableColumns, isNotNull, isNull, lt, or, type SQL, sql } from 'drizzle-orm'
import type { AuditStore } from '../audit/ports.ts'
import type { AuditName } from '../events/catalogue.ts'
import type { Change } from './change.ts'
import type { Driver } from './driver.ts'
import { rowIs } from './row-value.ts'

const loan: AuditName = 'provider_token.lent'
/** Written out, as in the index of these rows: a database does not know what the value of a parameter will be. */
const isNoLoan = sql.raw(`event <> '${loan}'`)

type Page = { readonly before: string | null; readonly limit: number }
type Row = { readonly accountId: string | null; readonly event: string }

export function auditStore({ db, tables: { audit: t }, read, write }: Driver, change: Change): AuditStore {
  const { ordinal: _, ...columns } = getTableColumns(t)
  /** `has`: whether a row is one of those asked for. A page after a row that is not is empty. */
  async function select(asked: SQL | undefined, { before, limit }: Page, has: (row: Row) => boolean) {
    const newestFirst = [desc(t.at), desc(t.ordinal), desc(t.id)]
    const page = (after?: SQL) =>
      read(
        db
          .select(columns)
          .from(t)
          .where(and(asked, after))
          .orderBy(...newestFirst)
          .limit(limit),
      )
    if (before === null) return page()
    // By its key alone: with the rest of the question beside it, PostgreSQL may walk the rows of an account.
    const [seen] = await read(db.select().from(t).where(eq(t.id, before)))
    if (!seen || !has(seen)) return []
    return page(
      rowIs('<', [
        [t.at, seen.at],
        [t.ordinal, seen.ordinal],
        [t.id, seen.id],
      ]),
    )
  }

  return {
    record: (fact) =>
      change(function* (_tx, note) {
        yield* note([fact])
      }),
    list: (account, page, kind) =>
      select(
        and(eq(t.accountId, account), kind && (kind === 'loans' ? eq(t.event, loan) : isNoLoan)),
        page,
        ({ accountId, event }) => accountId === account && (!kind || (event === loan) === (kind === 'loans')),
      ),
    search: ({ account, event }, page) =>
      select(
        and(account === null ? undefined : eq(t.accountId, account), event === null ? undefined : eq(t.event, event)),
        page,
        (row) => (account === null || row.accountId === account) && (event === null || row.event === event),
      ),
    async sweep(before) {
      const old = lt(t.at, before)
      const aboutNobody = db
        .delete(t)
        .where(and(old, isNull(t.accountId)))
        .returning({ id: t.id })
      const placed = or(isNotNull(t.ip), isNotNull(t.userAgent))
      const erased = await write(aboutNobody)
      const forgotten = await write(
        db.update(t).set({ ip: null, userAgent: null }).where(and(old, placed)).returning({ id: t.id }),
      )
      return erased.length + forgotten.length
    },
  }
}
