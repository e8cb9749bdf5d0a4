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
}
export type Dialect = typeof sqlite
