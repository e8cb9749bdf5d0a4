import { type SQL, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'

/**
 * Compares the columns that a list is ordered by with the place of one of its rows. Databases read an index from a row
 * value on; of `a < x or (a = x and b < y)`, which means the same, they make no range and read it from its beginning.
 */
export const rowIs = (
  sign: '<' | '>' | '>=',
  place: readonly (readonly [column: SQLiteColumn, value: unknown])[],
): SQL => {
  const columns = place.map(([column]) => column)
  const values = place.map(([column, value]) => sql.param(value, column))
  return sql`(${sql.join(columns, sql`, `)}) ${sql.raw(sign)} (${sql.join(values, sql`, `)})`
}
