import { and, asc, eq, gt, isNotNull, isNull, ne, or, type SQL, sql } from 'drizzle-orm'
import { type Fact, internalOrigin } from '../events/catalogue.ts'
import type { Sweep } from '../jobs/ports.ts'
import { mostClaims } from '../kernel/account.ts'
import { secondsAfter } from '../kernel/clock.ts'
import { doEach } from '../kernel/do-each.ts'
import type { Email } from '../kernel/email.ts'
import type { Ids } from '../kernel/ids.ts'
import { eraseAccount, eraseHistory, eraseRecentOrigins, isShortHistory } from './account-rows.ts'
import { accountLock, type Change, type Note } from './change.ts'
import { type Driver, type Queries, type Script, step } from './driver.ts'
import { live, originForOtherAccounts, originOf, signedOut } from './endings.ts'
import { deleteGuesses } from './guesses.ts'
import { compareRow } from './row-value.ts'
import type { Tables } from './schema.ts'
import { signInMethodsOf } from './sign-in-methods.ts'
import { endTickets } from './tickets.ts'

/**
 * Held by every change that decides who has an email address. A row lock cannot do this: the row often does not exist
 * yet.
 */
export const addressLock = (emailKey: string): string => `email:${emailKey}`

/**
 * How many accounts with one email address are read: those that may claim it, and the one that an administrator
 * invited. A database from before `mostClaims` may have more.
 */
export const mostHolders = mostClaims + 1

/** Of the accounts with one email address, first the one that has proven it, then the invited one, then by age. */
export const holdersFirst = ({ accounts: a }: Tables): SQL[] => [
  sql`case when ${a.verifiedEmailKey} is not null then 0 when ${a.invitedAt} is not null then 1 else 2 end`,
  asc(a.createdAt),
  asc(a.id),
]

/** Whether so many accounts have or claim the email address. */
export function* isClaimedBy(tx: Queries, { accounts }: Tables, emailKey: string, most: number): Script<boolean> {
  const some = tx.select({ id: accounts.id }).from(accounts).where(eq(accounts.emailKey, emailKey)).limit(most)
  return (yield* step(some)).length === most
}

/** The columns of an account whose person has proven the email address: an invitation to it is over. */
export const noInvitation = { invitedAt: null, invitationExpiresAt: null } as const

/**
 * Ends all unverified claims of other accounts to an email address that `proven.by` has proven. Their password for it,
 * their sessions, and pending confirmations end. An account left without any sign-in method is deleted.
 *
 * The owner waits for this transaction, and strangers decide how many rows the claimants have. So it ends only what is
 * capped for each account. A claimant with a long history is disabled here, and `claimSweep` deletes it.
 */
export function* endClaims(
  tx: Queries,
  t: Tables,
  note: Note,
  ids: Ids,
  proven: { key: string; by: string; at: Date },
  because: readonly Fact[],
): Script<void> {
  const { at } = proven
  const origin = originForOtherAccounts(because)
  const claimants = yield* step(
    tx
      .update(t.accounts)
      .set({ email: null, emailKey: null, updatedAt: at })
      .where(
        and(eq(t.accounts.emailKey, proven.key), ne(t.accounts.id, proven.by), isNull(t.accounts.verifiedEmailKey)),
      )
      .returning({ id: t.accounts.id }),
  )
  for (const { id: accountId } of claimants) {
    const ended = yield* step(
      tx
        .update(t.sessions)
        .set({ endedAt: at, endReason: 'email_claim_ended' })
        .where(and(eq(t.sessions.accountId, accountId), live(t, at)))
        .returning({ id: t.sessions.id }),
    )
    yield* step(tx.delete(t.passwords).where(eq(t.passwords.accountId, accountId)))
    const stays = yield* hasSignInMethod(tx, t, accountId)
    const isErasedLater = !stays && !(yield* isShortHistory(tx, t, accountId))
    yield* note([
      { name: 'account.email_claim_ended', data: isErasedLater ? { deletion: 'later' } : {}, accountId, origin },
      ...signedOut(ended, 'email_claim_ended', accountId, origin),
    ])
    if (!stays && !isErasedLater) {
      yield* eraseAccount(tx, t, note, ids, { accountId, at, origin })
      yield* note([{ name: 'account.deleted', data: {}, accountId, origin }])
      yield* step(tx.update(t.audit).set({ ip: null, userAgent: null }).where(eq(t.audit.accountId, accountId)))
      continue
    }
    // Before the account's devices are deleted: their guess counters are found through them.
    if (isErasedLater) yield* deleteGuesses(tx, t, accountId)
    yield* endTickets(tx, t, accountId)
    if (isErasedLater) yield* step(tx.update(t.accounts).set({ disabledAt: at }).where(eq(t.accounts.id, accountId)))
  }
}

function* hasSignInMethod(tx: Queries, t: Tables, accountId: string): Script<boolean> {
  const { identities, password, passkeys } = yield* signInMethodsOf(tx, t, accountId)
  return password !== null || identities.length + passkeys.length > 0
}

/** For how long the sweep looks for claimants that are still to be deleted: through any time without running nodes. */
const daysSearched = 30

/**
 * Deletes the accounts that `endClaims` left for later. It finds them by the entries in the audit log. A batch reads
 * `limit` entries. What was interrupted is found again by the next run, and continues.
 */
export function claimSweep(driver: Driver, change: Change, ids: Ids): Sweep {
  const { db, tables: t, readLong } = driver
  const { audit: a } = t
  const history = eraseHistory(driver, change, ids)

  async function erase(accountId: string, at: Date): Promise<boolean> {
    await history({ accountId, at }, internalOrigin)
    return change(
      function* (tx, note) {
        if (yield* hasSignInMethod(tx, t, accountId)) return false
        if (!(yield* eraseAccount(tx, t, note, ids, { accountId, at, origin: internalOrigin }))) return false
        yield* note([{ name: 'account.deleted', data: {}, accountId, origin: internalOrigin }])
        yield* eraseRecentOrigins(tx, t, accountId, at)
        return true
      },
      [accountLock(accountId)],
    )
  }

  return async ({ before: at, after, limit }) => {
    const [milliseconds, ordinal, id] = after === '' ? [] : after.split(' ')
    const rest =
      milliseconds === undefined
        ? gt(a.at, secondsAfter(at, -daysSearched * 24 * 3600))
        : compareRow('>', [
            [a.at, new Date(Number(milliseconds))],
            [a.ordinal, Number(ordinal)],
            [a.id, id],
          ])
    const entries = await readLong(
      db
        .select({ at: a.at, ordinal: a.ordinal, id: a.id, data: a.data, accountId: t.accounts.id })
        .from(a)
        .leftJoin(t.accounts, eq(t.accounts.id, a.accountId))
        .where(and(eq(a.event, 'account.email_claim_ended'), rest))
        .orderBy(asc(a.at), asc(a.ordinal), asc(a.id))
        .limit(limit),
    )
    let swept = 0
    const failures = await doEach(entries, async ({ data, accountId }) => {
      if (data.deletion === 'later' && accountId !== null && (await erase(accountId, at))) swept++
    })
    const last = entries.length < limit ? undefined : entries.at(-1)
    return { swept, next: last && `${last.at.getTime()} ${last.ordinal} ${last.id}`, failures }
  }
}

/**
 * Marks the account's email address as verified, unless another account has proven the same address. Returns `false` if
 * nothing changed.
 */
export function* proveEmail(
  tx: Queries,
  t: Tables,
  note: Note,
  ids: Ids,
  accountId: string,
  { key }: Email,
  at: Date,
  because: readonly Fact[],
): Script<boolean> {
  const [holder] = yield* step(
    tx.select({ id: t.accounts.id }).from(t.accounts).where(eq(t.accounts.verifiedEmailKey, key)),
  )
  if (holder) return false
  const claimed = and(eq(t.accounts.id, accountId), eq(t.accounts.emailKey, key), isNull(t.accounts.verifiedEmailKey))
  const proven = tx.update(t.accounts).set({ verifiedEmailKey: key, updatedAt: at }).where(claimed)
  if ((yield* step(proven.returning({ id: t.accounts.id }))).length === 0) return false
  const invited = and(eq(t.accounts.id, accountId), isNotNull(t.accounts.invitedAt))
  const accepted = tx.update(t.accounts).set(noInvitation).where(invited).returning({ id: t.accounts.id })
  if ((yield* step(accepted)).length > 0)
    yield* note([{ name: 'account.invitation_accepted', data: {}, accountId, origin: originOf(because) }])
  yield* endClaims(tx, t, note, ids, { key, by: accountId, at }, because)
  return true
}

/** Whether an account has proven the email address, or an administrator has invited its person. */
export function* isTaken(tx: Queries, { accounts }: Tables, emailKey: string): Script<boolean> {
  const taken = or(isNotNull(accounts.verifiedEmailKey), isNotNull(accounts.invitedAt))
  const found = tx
    .select({ id: accounts.id })
    .from(accounts)
    .where(and(eq(accounts.emailKey, emailKey), taken))
    .limit(1)
  return (yield* step(found)).length > 0
}
