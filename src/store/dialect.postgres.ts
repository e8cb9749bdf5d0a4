import { sql } from 'drizzle-orm'
import { bigint, boolean, customType, index, jsonb, pgTable, text, timestamp, uniqueIndex } from 'drizzle-orm/pg-core'
import type { Dialect } from './dialect.sqlite.ts'

/**
 * The same column kinds in PostgreSQL. Counters have eight bytes, as in SQLite, and are read as numbers (exact up to
 * 2⁵³). The cast is the only place where types are not checked; the contract suite tests it.
 */
export const postgres = {
  table: pgTable,
  text: (name: string) => text(name),
  sealed: customType<{ data: string }>({ dataType: () => 'text' }),
  time: (name: string) => timestamp(name, { mode: 'date', precision: 3, withTimezone: true }),
  flag: (name: string) => boolean(name),
  count: (name: string) => bigint(name, { mode: 'number' }),
  json: (name: string) => jsonb(name),
  index,
  unique: uniqueIndex,
  byteOrder: sql.raw(' collate "C"'),
} as unknown as Dialect
