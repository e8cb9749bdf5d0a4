import { type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'

/**
 * Compares the columns that order a list with the position of one of its rows. With a row value, databases start
 * reading the index at that position. The equivalent `a < x or (a = x and b < y)` makes them read the index from its
 * beginning.
 */
export const compareRow = (
  sign: '<' | '>' | '>=',
  place: readonly (readonly [column: SQLiteColumn, value: unknown])[],
): SQL => {
  const columns = place.map(([column]) => column)
  const values = place.map(([column, value]) => sql.param(value, column))
  return sql`(${sql.join(columns, sql`, `)}) ${sql.raw(sign)} (${sql.join(values, sql`, `)})`
}
