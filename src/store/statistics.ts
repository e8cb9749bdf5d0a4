import { and, asc, count, desc, eq, gt, gte, isNull, lt } from 'drizzle-orm'
import type { StatisticsStore } from '../statistics/ports.ts'
import { type Driver, step } from './driver.ts'
import { compareRow } from './row-value.ts'

/** How many rows one INSERT writes. */
const rowsAtOnce = 50

export function statisticsStore({ db, tables: t, readLong, atomic }: Driver): StatisticsStore {
  const a = t.audit
  const h = t.hourlyCounts
  const total = async (query: PromiseLike<{ total: number }[]>): Promise<number> =>
    (await readLong(query))[0]?.total ?? 0
  return {
    entries: (event, { from, until }, { after, limit }) =>
      readLong(
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
    // Each of them reads the whole table: once an hour, and where no request waits for it.
    totals: async (at) => ({
      accounts: await total(db.select({ total: count() }).from(t.accounts)),
      devices: await total(
        db
          .select({ total: count() })
          .from(t.sessions)
          .where(
            and(isNull(t.sessions.endedAt), gt(t.sessions.idleExpiresAt, at), gt(t.sessions.absoluteExpiresAt, at)),
          ),
      ),
      needsConsent: await total(
        db.select({ total: count() }).from(t.grants).where(eq(t.grants.status, 'needs_reauthorization')),
      ),
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
    latestHour: async () =>
      (await readLong(db.select({ hour: h.hour }).from(h).orderBy(desc(h.hour)).limit(1)))[0]?.hour,
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
