import { and, asc, eq, gte, inArray, isNotNull, isNull, or, sql } from 'drizzle-orm'
import type { Origin } from '../events/catalogue.ts'
import { secondsAfter } from '../kernel/clock.ts'
import type { Ids } from '../kernel/ids.ts'
import { eraseSignIns } from './application-endings.ts'
import type { Change, Note } from './change.ts'
import { type Driver, type Queries, type Script, step } from './driver.ts'
import { endAllExcess, live } from './endings.ts'
import { deleteGuesses } from './guesses.ts'
import { compareRow } from './row-value.ts'
import type { Tables } from './schema.ts'
import { signInMethodQueries } from './sign-in-methods.ts'
import { leaveTeams } from './team-endings.ts'
import { eraseGrants, grantsOf } from './withdrawals.ts'

/** How many rows one statement changes, so that no other writer waits long for it. */
const rowsAtOnce = 500

/** Pads a list to one fixed length, so that each statement has one text and is prepared once. */
const padded = (ids: readonly string[]): string[] =>
  Array.from({ length: rowsAtOnce }, (_, at) => ids[at] ?? (ids[0] as string))

/**
 * Erases, in batches, rows of which one account may have thousands. It runs before the transaction that erases the
 * account. Until that transaction commits, the account works: its sign-in methods and up to a hundred live sessions
 * stay. Only ended sessions with their sign-ins to applications, trusted devices, and the IP addresses and user agents
 * in its activity are gone. If a call is interrupted, the next one continues.
 */
export function eraseHistory({ db, tables: t, readLong, write, atomic }: Driver, change: Change, ids: Ids) {
  const { sessions: s, applicationSessions: p, trustedDevices: d, audit: a, guesses } = t
  const inBatches = async (batch: () => Promise<number>): Promise<void> => {
    while ((await batch()) === rowsAtOnce);
  }

  const eraseEndedSessions = (accountId: string, at: Date): Promise<void> =>
    inBatches(async () => {
      const over = and(eq(s.accountId, accountId), sql`not (${live(t, at)})`)
      const some = db.select({ id: s.id }).from(s).where(over).limit(rowsAtOnce)
      return (await write(db.delete(s).where(inArray(s.id, some)).returning({ id: s.id }))).length
    })

  /**
   * Only those that are over. A session that expires leaves the rows of its sign-ins open: their applications are
   * notified here, and those of the live sessions when the account is deleted.
   */
  const eraseEndedSignIns = (accountId: string, at: Date): Promise<void> =>
    inBatches(() =>
      atomic((tx) => {
        // Sessions that are over were erased before. With `not exists`, PostgreSQL could read every session.
        const device = tx.select({ id: s.id }).from(s).where(eq(s.id, p.sessionId))
        const over = and(eq(p.accountId, accountId), or(isNotNull(p.endedAt), isNull(sql`${device}`)))
        const some = tx.select({ id: p.id }).from(p).where(over).limit(rowsAtOnce)
        return eraseSignIns(tx, t, { clock: () => at, ids }, inArray(p.id, some))
      }),
    )

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

  return async ({ accountId, at }: { accountId: string; at: Date }, origin: Origin): Promise<void> => {
    await endAllExcess(change, t, { accountId, spare: null, at }, origin)
    await eraseEndedSessions(accountId, at)
    await eraseEndedSignIns(accountId, at)
    await eraseDevices(accountId)
    await eraseOrigins(accountId)
  }
}

/** Up to how many rows of each kind are erased with their account, in one transaction. */
const mostAtOnce = 200

/** Whether one transaction may erase the account: it has few rows of each kind of which an account may have many. */
export function* isShortHistory(tx: Queries, t: Tables, accountId: string): Script<boolean> {
  for (const table of [t.sessions, t.applicationSessions, t.audit]) {
    const some = tx.select({ id: table.id }).from(table).where(eq(table.accountId, accountId))
    if ((yield* step(some.limit(mostAtOnce + 1))).length > mostAtOnce) return false
  }
  return true
}

/**
 * Erases the account's row and everything that belongs to it. Its grants are queued for revocation. Call it where the
 * account has a short history, or after `eraseHistory`; then note `account.deleted`. `origin`: as other accounts see it.
 */
export function* eraseAccount(
  tx: Queries,
  t: Tables,
  note: Note,
  ids: Ids,
  { accountId, at, origin }: { accountId: string; at: Date; origin: Origin },
): Script<boolean> {
  const identities = yield* step(signInMethodQueries(tx, t, accountId).identities)
  // Before the account's devices are deleted: their guess counters are found through them.
  yield* deleteGuesses(tx, t, accountId)
  yield* leaveTeams(tx, t, note, ids, { accountId, at, origin })
  const deleted = tx.delete(t.accounts).where(eq(t.accounts.id, accountId)).returning({ id: t.accounts.id })
  if ((yield* step(deleted)).length === 0) return false
  yield* step(tx.delete(t.mails).where(eq(t.mails.accountId, accountId)))
  const { serviceCredentials, providerVersions, providers, applications, registrationTokens } = t
  // What a provider returned about this person when they tried a draft goes with their account.
  const noTrial = { author: null, trial: null, trialExpiresAt: null }
  yield* step(tx.update(providerVersions).set(noTrial).where(eq(providerVersions.author, accountId)))
  yield* step(tx.update(providers).set({ updatedBy: null }).where(eq(providers.updatedBy, accountId)))
  for (const table of [serviceCredentials, providers, applications, registrationTokens])
    yield* step(tx.update(table).set({ createdBy: null }).where(eq(table.createdBy, accountId)))
  for (const identity of identities) yield* eraseGrants(tx, t, ids, grantsOf(t, identity), { accountId, at })
  return true
}

/** Erases the IP addresses in the account's newest entries: written while its history was erased, or by a slow clock. */
export function* eraseRecentOrigins(tx: Queries, { audit: a }: Tables, accountId: string, at: Date): Script<void> {
  const recent = and(eq(a.accountId, accountId), gte(a.at, secondsAfter(at, -3600)))
  yield* step(tx.update(a).set({ ip: null, userAgent: null }).where(recent))
}
