import { and, eq, isNull } from 'drizzle-orm'
import { type Queries, type Script, step } from './driver.ts'
import type { Tables } from './schema.ts'

/** Held by every change that may remove an administrator: how many are left depends on all accounts. */
export const administratorsLock = 'administrators'

/**
 * Runs within the transaction, under the lock. Of two administrators removed concurrently, the second sees the first.
 * An invited administrator who has not accepted yet does not count: nobody can sign in to that account.
 */
export function* isLastAdministrator(tx: Queries, { accounts }: Tables, accountId: string): Script<boolean> {
  const left = yield* step(
    tx
      .select({ id: accounts.id })
      .from(accounts)
      .where(and(eq(accounts.role, 'administrator'), isNull(accounts.disabledAt), isNull(accounts.invitedAt)))
      .limit(2),
  )
  return left.length === 1 && left[0]?.id === accountId
}
