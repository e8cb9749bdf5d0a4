import { asc, eq, getTableColumns, sql } from 'drizzle-orm'
import type { Guesses, GuessStore } from '../credentials/ports.ts'
import { type Driver, placeholdersFor, type Queries, type Script, step } from './driver.ts'
import type { Tables } from './schema.ts'

export function guessStore({ db, tables: { guesses: t }, atomic, steps, waitingWrites }: Driver): GuessStore {
  /** Sorts keys, so that two transactions that lock the same keys do not wait for each other. */
  const inOrder = <K extends { readonly key: string }>(keys: readonly K[]): readonly K[] =>
    [...keys].sort((a, b) => (a.key < b.key ? -1 : 1))
  const locksOf = (keys: readonly { readonly key: string }[]): readonly string[] =>
    keys.map(({ key }) => `guess:${key}`)

  const byKey = eq(t.key, sql.placeholder('key'))
  const finding = steps(
    db.select({ failures: t.failures, lastAt: t.lastAt, blockedUntil: t.blockedUntil }).from(t).where(byKey),
  )
  const putting = steps(
    db
      .insert(t)
      .values(placeholdersFor(getTableColumns(t)))
      .onConflictDoUpdate({
        target: t.key,
        set: {
          failures: sql`excluded.failures`,
          lastAt: sql`excluded.last_at`,
          blockedUntil: sql`excluded.blocked_until`,
        },
      }),
  )
  const erasing = waitingWrites(db.delete(t).where(byKey), { repeatable: true })

  function* find(key: string): Script<Guesses | undefined> {
    const [row] = yield* step(finding({ key }))
    return row
  }
  const put = (key: string, next: Guesses) => step(putting({ key, ...next }))

  return {
    take(keys, rule) {
      const ordered = inOrder(keys)
      return atomic(function* () {
        const next: { key: string; guesses: Guesses }[] = []
        let longest = 0
        for (const { key, counter } of ordered) {
          const ruled = rule(counter, yield* find(key))
          if (typeof ruled === 'number') longest = Math.max(longest, ruled)
          else next.push({ key, guesses: ruled })
        }
        if (longest > 0) return longest
        for (const { key, guesses } of next) yield* put(key, guesses)
        return null
      }, locksOf(ordered))
    },
    change(keys, rule) {
      const ordered = inOrder(keys)
      return atomic(function* () {
        for (const { key, counter } of ordered) {
          const known = yield* find(key)
          if (known) yield* put(key, rule(counter, known))
        }
      }, locksOf(ordered))
    },
    async erase(key) {
      await erasing({ key })
    },
  }
}

/** The keys under which wrong guesses for an account and its trusted devices are counted. */
export const guessKeys = (accountId: string, devices: readonly { readonly id: string }[]): readonly string[] => [
  `account:${accountId}`,
  ...devices.map(({ id }) => `device:${id}`),
]

/**
 * Deletes guess counters, which no foreign key covers. It runs before an account is deleted, in the same transaction.
 */
export function* deleteGuesses(tx: Queries, { guesses, trustedDevices }: Tables, accountId: string): Script<void> {
  const devices = yield* step(
    tx
      .select({ id: trustedDevices.id })
      .from(trustedDevices)
      .where(eq(trustedDevices.accountId, accountId))
      .orderBy(asc(trustedDevices.id)),
  )
  for (const key of guessKeys(accountId, devices)) yield* step(tx.delete(guesses).where(eq(guesses.key, key)))
}
