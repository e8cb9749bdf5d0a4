import { and, asc, eq, inArray, sql } from 'drizzle-orm'
import type { Origin } from '../events/catalogue.ts'
import type { Change } from './change.ts'
import type { Driver } from './driver.ts'
import { endAllExcess, live } from './endings.ts'
import { rowIs } from './row-value.ts'

/** How many rows one statement touches, so that nobody waits long behind it. */
const rowsAtOnce = 500

/** A list of always the same length: each text of a statement is prepared once, and kept. */
const filled = (ids: readonly string[]): string[] =>
  Array.from({ length: rowsAtOnce }, (_, at) => ids[at] ?? (ids[0] as string))

/**
 * Erases in batches what may be there by the thousand for one account, before the transaction that erases the account.
 * Until that one has committed the account stays: its sign-in methods and up to a hundred live sessions work, and only
 * ended sessions, trust in devices and the places in its activity are gone. Stop it anywhere, and a second call continues.
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

  /** Wrong guesses are counted for each trusted device, and no foreign key takes those along. */
  const eraseDevices = (accountId: string): Promise<void> =>
    inBatches(async () => {
      const some = await readLong(
        db.select({ id: d.id }).from(d).where(eq(d.accountId, accountId)).orderBy(asc(d.id)).limit(rowsAtOnce),
      )
      const ids = some.map(({ id }) => id)
      if (ids.length === 0) return 0
      await write(db.delete(guesses).where(inArray(guesses.key, filled(ids.map((id) => `device:${id}`)))))
      await write(db.delete(d).where(inArray(d.id, filled(ids))))
      return ids.length
    })

  /**
   * Entries stay; IP addresses and user agents go. Walked from the oldest on, so that none is looked at twice. Those
   * without a place are passed over: a call that its deadline ended is continued by the next, and not done again. The
   * condition is written so that PostgreSQL does not take `audit_placed` for it, the entries of everyone.
   */
  async function forgetPlaces(accountId: string): Promise<void> {
    let after: { readonly at: Date; readonly ordinal: number; readonly id: string } | undefined
    do {
      const rest =
        after &&
        rowIs('>', [
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
            .where(inArray(a.id, filled(ids)))
            .returning({ id: a.id }),
        )
      after = some.length < rowsAtOnce ? undefined : some.at(-1)
    } while (after)
  }

  return async (accountId: string, at: Date, origin: Origin): Promise<void> => {
    await endAllExcess(change, t, { accountId, spare: null, at }, origin)
    await eraseEndedSessions(accountId, at)
    await eraseDevices(accountId)
    await forgetPlaces(accountId)
  }
}
