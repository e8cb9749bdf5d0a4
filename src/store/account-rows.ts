import { and, asc, eq, inArray, sql } from 'drizzle-orm'
import type { Origin } from '../events/catalogue.ts'
import type { Change } from './change.ts'
import type { Driver } from './driver.ts'
import { endAllExcess, live } from './endings.ts'
import { compareRow } from './row-value.ts'

/** How many rows one statement changes, so that no other writer waits long for it. */
const rowsAtOnce = 500

/** Pads a list to one fixed length, so that each statement has one text and is prepared once. */
const padded = (ids: readonly string[]): string[] =>
  Array.from({ length: rowsAtOnce }, (_, at) => ids[at] ?? (ids[0] as string))

/**
 * Erases, in batches, rows of which one account may have thousands. It runs before the transaction that erases the
 * account. Until that transaction commits, the account works: its sign-in methods and up to a hundred live sessions
 * stay. Only ended sessions, trusted devices, and the IP addresses and user agents in its activity are gone. If a call
 * is interrupted, the next one continues.
 */
export function eraseHistory({ db, tables: t, readLong, write }: Driver, change: Change) {
  const { sessions: s, trustedDevices: d, audit: a, guesses } = t
  const inBatches = async (batch: () => Promise<number>): Promise<void> => {
    while ((await batch()) === rowsAtOnce);
  }

  const eraseEndedSessions = (accountId: string, at: Date): Promise<void> =>
    inBatches(async () => {
      const over = and(eq(s.accountId, accountId), sql`not (${live(t, at)})`)
      const some = db.select({ id: s.id }).from(s).where(over).limit(rowsAtOnce)
      return (await write(db.delete(s).where(inArray(s.id, some)).returning({ id: s.id }))).length
    })

  /** Also deletes the counters of wrong guesses for each trusted device: no foreign key covers them. */
  const eraseDevices = (accountId: string): Promise<void> =>
    inBatches(async () => {
      const some = await readLong(
        db.select({ id: d.id }).from(d).where(eq(d.accountId, accountId)).orderBy(asc(d.id)).limit(rowsAtOnce),
      )
      const ids = some.map(({ id }) => id)
      if (ids.length === 0) return 0
      await write(db.delete(guesses).where(inArray(guesses.key, padded(ids.map((id) => `device:${id}`)))))
      await write(db.delete(d).where(inArray(d.id, padded(ids))))
      return ids.length
    })

  /**
   * Keeps the audit log entries and erases their IP addresses and user agents. It goes from the oldest entry to the
   * newest, so that it reads none twice. Entries without either are skipped, so a call after a timeout continues where
   * the last one stopped. `coalesce` keeps PostgreSQL from choosing the index `audit_placed`, which covers the entries
   * of all accounts.
   */
  async function eraseOrigins(accountId: string): Promise<void> {
    let after: { readonly at: Date; readonly ordinal: number; readonly id: string } | undefined
    do {
      const rest =
        after &&
        compareRow('>', [
          [a.at, after.at],
          [a.ordinal, after.ordinal],
          [a.id, after.id],
        ])
      const some: readonly { readonly at: Date; readonly ordinal: number; readonly id: string }[] = await readLong(
        db
          .select({ at: a.at, ordinal: a.ordinal, id: a.id })
          .from(a)
          .where(and(eq(a.accountId, accountId), rest, sql`coalesce(${a.ip}, ${a.userAgent}) is not null`))
          .orderBy(asc(a.at), asc(a.ordinal), asc(a.id))
          .limit(rowsAtOnce),
      )
      const ids = some.map(({ id }) => id)
      if (ids.length > 0)
        await write(
          db
            .update(a)
            .set({ ip: null, userAgent: null })
            .where(inArray(a.id, padded(ids)))
            .returning({ id: a.id }),
        )
      after = some.length < rowsAtOnce ? undefined : some.at(-1)
    } while (after)
  }

  return async (accountId: string, at: Date, origin: Origin): Promise<void> => {
    await endAllExcess(change, t, { accountId, spare: null, at }, origin)
    await eraseEndedSessions(accountId, at)
    await eraseDevices(accountId)
    await eraseOrigins(accountId)
  }
}
