import { sql } from 'drizzle-orm'
import { customType, index, integer, sqliteTable, text, uniqueIndex } from 'drizzle-orm/sqlite-core'

/** The column kinds of our tables in SQLite. Times are whole milliseconds. */
export const sqlite = {
  table: sqliteTable,
  text: (name: string) => text(name),
  /** Text that is sealed. By its kind, `sealed.ts` finds every such column. */
  sealed: customType<{ data: string }>({ dataType: () => 'text' }),
  time: (name: string) => integer(name, { mode: 'timestamp_ms' }),
  flag: (name: string) => integer(name, { mode: 'boolean' }),
  count: (name: string) => integer(name),
  json: (name: string) => text(name, { mode: 'json' }),
  index,
  unique: uniqueIndex,
  /** Appended to a text that is compared by bytes. Empty, because SQLite compares bytes anyway. */
  byteOrder: sql.empty(),
}
export type Dialect = typeof sqlite
