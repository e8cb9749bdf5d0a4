import { desc, inArray, type SQL } from 'drizzle-orm'
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core'
import { type Queries, type Script, step } from './driver.ts'

/**
 * How many rows of each kind one account may have. Beyond that the oldest are deleted. Refusing new ones instead would
 * let a stranger who knows a password lock the owner out, and each of these is easy to request again. Tickets are
 * counted per purpose, so that challenges a browser requests freely do not displace a link that was emailed.
 */
export const caps = {
  trustedDevices: 100,
  tickets: 50,
  pendingSignIns: 50,
  signInCodes: 100,
  pendingAuthorizations: 50,
  openidStates: 100,
} as const

/** How many rows one transaction deletes. Only an account older than the cap has more than one row too many. */
const rowsAtOnce = 500

/**
 * Deletes the rows in `which` beyond `most`, those with the lowest `age` first. Call it after an insert and under the
 * account's lock: without the lock, two concurrent calls would not see each other's row.
 */
export function* deleteBeyond(
  tx: Queries,
  table: SQLiteTable,
  { which, key, age, most }: { which: SQL | undefined; key: SQLiteColumn; age: SQLiteColumn; most: number },
): Script<void> {
  const beyond = tx
    .select({ key })
    .from(table)
    .where(which)
    .orderBy(desc(age), desc(key))
    .limit(rowsAtOnce)
    .offset(most)
  yield* step(tx.delete(table).where(inArray(key, beyond)))
}
