import { sql } from 'drizzle-orm'
import { bigint, boolean, index, jsonb, pgTable, text, timestamp, uniqueIndex } from 'drizzle-orm/pg-core'
import type { Dialect } from './dialect.sqlite.ts'

/**
 * The same kinds in PostgreSQL. Counters are eight bytes there as they are in SQLite, read as numbers (2⁵³).
 * The cast is the one place where the types look away; the contract suite does not.
 */
export const postgres = {
  table: pgTable,
  text: (name: string) => text(name),
  time: (name: string) => timestamp(name, { mode: 'date', precision: 3, withTimezone: true }),
  flag: (name: string) => boolean(name),
  count: (name: string) => bigint(name, { mode: 'number' }),
  json: (name: string) => jsonb(name),
  index,
  unique: uniqueIndex,
  byteOrder: sql.raw(' collate "C"'),
} as unknown as Dialect
