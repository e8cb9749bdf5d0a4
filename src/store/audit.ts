import { and, desc, eq, getTableColumns, isNotNull, isNull, lt, ne, or, type SQL } from 'drizzle-orm'
import type { AuditStore } from '../audit/ports.ts'
import type { AuditName } from '../events/catalogue.ts'
import type { Change } from './change.ts'
import type { Driver } from './driver.ts'

const loan: AuditName = 'provider_token.lent'

export function auditStore({ db, tables: { audit: t }, read, write }: Driver, change: Change): AuditStore {
  const { ordinal: _, ...columns } = getTableColumns(t)
  async function select(asked: SQL | undefined, { before, limit }: { before: string | null; limit: number }) {
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
    const [seen] = await read(
      db
        .select()
        .from(t)
        .where(and(asked, eq(t.id, before))),
    )
    if (!seen) return []
    const { at, ordinal, id } = seen
    return page(
      or(
        lt(t.at, at),
        and(eq(t.at, at), lt(t.ordinal, ordinal)),
        and(eq(t.at, at), eq(t.ordinal, ordinal), lt(t.id, id)),
      ),
    )
  }

  return {
    record: (fact) =>
      change(function* (_tx, note) {
        yield* note([fact])
      }),
    list: (account, page, kind) =>
      select(and(eq(t.accountId, account), kind && (kind === 'loans' ? eq : ne)(t.event, loan)), page),
    search: ({ account, event, requestId = null }, page) =>
      select(
        and(
          account === null ? undefined : eq(t.accountId, account),
          event === null ? undefined : eq(t.event, event),
          requestId === null ? undefined : eq(t.requestId, requestId),
        ),
        page,
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
