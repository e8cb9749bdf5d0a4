import * as pg from 'drizzle-orm/pg-core'
import * as lite from 'drizzle-orm/sqlite-core'

/** The column kinds our tables are made of, as SQLite stores them: times are whole milliseconds. */
export const sqlite = {
  table: lite.sqliteTable,
  text: (name: string) => lite.text(name),
  time: (name: string) => lite.integer(name, { mode: 'timestamp_ms' }),
  flag: (name: string) => lite.integer(name, { mode: 'boolean' }),
  count: (name: string) => lite.integer(name),
  json: (name: string) => lite.text(name, { mode: 'json' }),
  index: lite.index,
  unique: lite.uniqueIndex,
}
export type Dialect = typeof sqlite

/**
 * The same kinds in PostgreSQL. Counters are eight bytes there as they are in SQLite, read as numbers (2⁵³).
 * The cast is the one place where the types look away; the contract suite does not.
 */
export const postgres = {
  table: pg.pgTable,
  text: (name: string) => pg.text(name),
  time: (name: string) => pg.timestamp(name, { mode: 'date', precision: 3, withTimezone: true }),
  flag: (name: string) => pg.boolean(name),
  count: (name: string) => pg.bigint(name, { mode: 'number' }),
  json: (name: string) => pg.jsonb(name),
  index: pg.index,
  unique: pg.uniqueIndex,
} as unknown as Dialect
