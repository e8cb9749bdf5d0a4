import { and, asc, count, desc, eq, gt, gte, inArray, lt, max, type SQL, sql } from 'drizzle-orm'
import type { StatisticsStore } from '../statistics/ports.ts'
import { type Driver, step } from './driver.ts'
import { live } from './endings.ts'
import { compareRow } from './row-value.ts'
import type { Tables } from './schema.ts'

/** How many rows one INSERT writes. */
const rowsAtOnce = 50
/** A page of at most this many entries is a short read. */
const shortPage = 100
/** How many rows one statement counts, so that none takes long on a cold disk. Counting these few is a short read. */
const countedAtOnce = 1000

type CountedTable = Tables['accounts' | 'sessions' | 'grants']

export function statisticsStore({ db, tables: t, read, readLong, atomic }: Driver): StatisticsStore {
  const a = t.audit
  const h = t.hourlyCounts

  const pageAfter = (after: string, table: CountedTable, condition: SQL | undefined) => {
    const page = db
      .select({ id: table.id, matching: sql`case when ${condition ?? sql`1 = 1`} then 1 end`.as('matching') })
      .from(table)
      .where(gt(table.id, after))
      .orderBy(asc(table.id))
      .limit(countedAtOnce)
      .as('page')
    return db.select({ rows: count(), matching: count(page.matching), last: max(page.id) }).from(page)
  }

  /**
   * Counts the rows of a table, page by page. Small services have small tables: they do not need the thread of long
   * reads for it. `undefined` if `stopping` ended the count.
   */
  async function total(
    stopping: AbortSignal | undefined,
    table: CountedTable,
    condition?: SQL,
  ): Promise<number | undefined> {
    let found = 0
    for (let after = ''; !stopping?.aborted; ) {
      const page = pageAfter(after, table, condition)
      const [{ rows, matching, last } = { rows: 0, matching: 0, last: null }] = await (after === ''
        ? read(page)
        : readLong(page))
      found += matching
      if (rows < countedAtOnce || last === null) return found
      after = last
    }
    return undefined
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
    async totals(at, stopping) {
      const accounts = await total(stopping, t.accounts)
      const devices = await total(stopping, t.sessions, live(t, at))
      const needsConsent = await total(stopping, t.grants, eq(t.grants.status, 'needs_reauthorization'))
      if (accounts === undefined || devices === undefined || needsConsent === undefined) return undefined
      return { accounts, devices, needsConsent }
    },
    replace: (hour, counts, measured) =>
      atomic(function* (tx) {
        yield* step(tx.delete(h).where(and(eq(h.hour, hour), measured && inArray(h.measure, [...measured]))))
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
