import { desc, inArray, type SQL } from 'drizzle-orm'
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core'
import { type Queries, type Script, step } from './driver.ts'

/**
 * How many rows of each kind one account may have. Beyond it the oldest are deleted: each of these is cheap to ask for
 * again, and refusing new ones would let a stranger who knows a password keep its owner out. Tickets are counted for
 * each purpose, so that what a browser may ask for freely does not push out a link in somebody's mailbox.
 */
export const caps = {
  trustedDevices: 100,
  tickets: 50,
  pendingSignIns: 50,
  signInCodes: 100,
  flows: 50,
} as const

/** How many rows one transaction drops: more than one only for an account from before there was a cap. */
const rowsAtOnce = 500

/**
 * Deletes of the rows in `which` those beyond `most`, the ones with the lowest `age` first. Call it after an insert and
 * under the account's lock, or of two at once neither sees the other's row.
 */
export function* dropBeyond(
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
