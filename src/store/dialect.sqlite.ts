import { sql } from 'drizzle-orm'
import { index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

/** The column kinds our tables are made of, as SQLite stores them: times are whole milliseconds. */
export const sqlite = {
  table: sqliteTable,
  text: (name: string) => text(name),
  time: (name: string) => integer(name, { mode: 'timestamp_ms' }),
  flag: (name: string) => integer(name, { mode: 'boolean' }),
  count: (name: string) => integer(name),
  json: (name: string) => text(name, { mode: 'json' }),
  index,
  unique: uniqueIndex,
  /** Put behind a text that is to be compared by bytes: SQLite does so by itself. */
  byteOrder: sql.empty(),
}
export type Dialect = typeof sqlite
