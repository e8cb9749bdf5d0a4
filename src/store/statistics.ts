import { and, asc, count, desc, eq, gt, gte, isNull, lt, type SQL, sql } from 'drizzle-orm'
import type { StatisticsStore } from '../statistics/ports.ts'
import { type Driver, step } from './driver.ts'
import { compareRow } from './row-value.ts'
import type { Tables } from './schema.ts'

/** How many rows one INSERT writes. */
const rowsAtOnce = 50
/** A page of at most this many entries is a short read. */
const shortPage = 100
/** Counting a table of at most this many rows is a short read. */
const smallTable = 1000

export function statisticsStore({ db, tables: t, read, readLong, atomic }: Driver): StatisticsStore {
  const a = t.audit
  const h = t.hourlyCounts

  /** Counts the rows of a table. Small services have small tables: they do not need the thread of long reads for it. */
  const total = async (table: Tables['accounts' | 'sessions' | 'grants'], condition?: SQL): Promise<number> => {
    const first = db
      .select({ one: sql`1`.as('one') })
      .from(table)
      .limit(smallTable + 1)
      .as('first')
    const [{ rows } = { rows: 0 }] = await read(db.select({ rows: count() }).from(first))
    const counted = db.select({ total: count() }).from(table).where(condition)
    return (await (rows > smallTable ? readLong(counted) : read(counted)))[0]?.total ?? 0
  }

  return {
    entries: (event, { from, until }, { after, limit }) =>
      (limit > shortPage ? readLong : read)(
        db
          .select({ id: a.id, event: a.event, at: a.at, ordinal: a.ordinal, data: a.data })
          .from(a)
          .where(
            and(
              eq(a.event, event),
              after === null
                ? gte(a.at, from)
                : compareRow('>', [
                    [a.at, after.at],
                    [a.ordinal, after.ordinal],
                    [a.id, after.id],
                  ]),
              lt(a.at, until),
            ),
          )
          .orderBy(asc(a.at), asc(a.ordinal), asc(a.id))
          .limit(limit),
      ),
    totals: async (at) => ({
      accounts: await total(t.accounts),
      devices: await total(
        t.sessions,
        and(isNull(t.sessions.endedAt), gt(t.sessions.idleExpiresAt, at), gt(t.sessions.absoluteExpiresAt, at)),
      ),
      needsConsent: await total(t.grants, eq(t.grants.status, 'needs_reauthorization')),
    }),
    replace: (hour, counts) =>
      atomic(function* (tx) {
        yield* step(tx.delete(h).where(eq(h.hour, hour)))
        for (let from = 0; from < counts.length; from += rowsAtOnce)
          yield* step(
            tx.insert(h).values(
              counts.slice(from, from + rowsAtOnce).map((one) => ({
                ...one,
                id: `${hour.toISOString().slice(0, 13)} ${one.measure} ${one.label}`,
                hour,
              })),
            ),
          )
      }),
    latestHour: async () => (await read(db.select({ hour: h.hour }).from(h).orderBy(desc(h.hour)).limit(1)))[0]?.hour,
    since: (from) =>
      readLong(
        db
          .select({ hour: h.hour, measure: h.measure, label: h.label, count: h.count })
          .from(h)
          .where(gte(h.hour, from))
          .orderBy(asc(h.hour), asc(h.id)),
      ),
  }
}
