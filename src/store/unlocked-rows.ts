import { inArray, type SQL, type SQLWrapper, sql } from 'drizzle-orm'
import type { SQLiteColumn } from 'drizzle-orm/sqlite-core'
import type { Driver } from './driver.ts'

/**
 * A condition: `key` is in the rows that `selected` finds. PostgreSQL locks these rows first, and skips those that
 * another transaction has locked, so that no statement waits for them or changes a row because of its old value. The
 * array is evaluated once. A plan may evaluate `IN (SELECT … SKIP LOCKED)` for each row, with other rows each time, and
 * could so change the whole table.
 */
export const inUnlockedRows = <Q extends PromiseLike<unknown> & SQLWrapper>(
  { skipLocked }: Pick<Driver, 'skipLocked'>,
  key: SQLiteColumn,
  selected: Q,
): SQL => (skipLocked ? sql`${key} = any(array(${skipLocked(selected)}))` : inArray(key, selected))
