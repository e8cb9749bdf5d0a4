import { createHash } from 'node:crypto'
import { and, desc, eq, getTableColumns, lt, ne, or, type SQL } from 'drizzle-orm'
import type { AuditStore } from '../audit/ports.ts'
import { type AuditName, countedAs } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Change, entryLock } from './change.ts'
import type { Driver } from './driver.ts'

/** How long facts of one kind are counted in one entry, in milliseconds. */
const countedMs = 3_600_000

/** In the form of other IDs, so that entries of about the same time lie together in the index. */
const entryOf = (kind: string, at: Date): string => {
  const begins = at.getTime() - (at.getTime() % countedMs)
  return `aud_${begins.toString(16).padStart(12, '0')}${createHash('sha256').update(kind).digest('hex').slice(0, 32)}`
}

const loan: AuditName = 'provider_token.lent'

export function auditStore({ db, tables: { audit: t }, read }: Driver, change: Change, clock: Clock): AuditStore {
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
    record: (fact) => {
      const kind = countedAs(fact)
      // Every node counts in the same entry.
      const entry = kind === null ? undefined : entryOf(kind, clock())
      return change(
        function* (_tx, note) {
          yield* note([fact], entry)
        },
        entry === undefined ? [] : [entryLock(entry)],
      )
    },
    list: (account, page, kind) =>
      select(and(eq(t.accountId, account), kind && (kind === 'loans' ? eq : ne)(t.event, loan)), page),
    search: ({ account, event }, page) =>
      select(
        and(account === null ? undefined : eq(t.accountId, account), event === null ? undefined : eq(t.event, event)),
        page,
      ),
  }
}
