import { and, eq, isNotNull, isNull, ne, or } from 'drizzle-orm'
import type { Fact } from '../events/catalogue.ts'
import type { Email } from '../kernel/email.ts'
import type { Ids } from '../kernel/ids.ts'
import type { Note } from './change.ts'
import { type Queries, type Script, step } from './driver.ts'
import { live, originForOtherAccounts, originOf, signedOut } from './endings.ts'
import { deleteGuesses } from './guesses.ts'
import type { Tables } from './schema.ts'
import { signInMethodsOf } from './sign-in-methods.ts'
import { leaveTeams } from './team-endings.ts'
import { endTickets } from './tickets.ts'

/**
 * Held by every change that decides who has an email address. A row lock cannot do this: the row often does not exist
 * yet.
 */
export const addressLock = (emailKey: string): string => `email:${emailKey}`

/** The columns of an account whose person has proven the email address: an invitation to it is over. */
export const noInvitation = { invitedAt: null, invitationExpiresAt: null } as const

/**
 * Ends all unverified claims of other accounts to an email address that `proven.by` has proven. Their password for it,
 * their sessions, and pending confirmations end. An account left without any sign-in method is deleted.
 */
export function* endClaims(
  tx: Queries,
  t: Tables,
  note: Note,
  ids: Ids,
  proven: { key: string; by: string; at: Date },
  because: readonly Fact[],
): Script<void> {
  const claimants = yield* step(
    tx
      .update(t.accounts)
      .set({ email: null, emailKey: null, updatedAt: proven.at })
      .where(
        and(eq(t.accounts.emailKey, proven.key), ne(t.accounts.id, proven.by), isNull(t.accounts.verifiedEmailKey)),
      )
      .returning({ id: t.accounts.id }),
  )
  for (const { id: accountId } of claimants) {
    const ended = yield* step(
      tx
        .update(t.sessions)
        .set({ endedAt: proven.at, endReason: 'email_claim_ended' })
        .where(and(eq(t.sessions.accountId, accountId), live(t, proven.at)))
        .returning({ id: t.sessions.id }),
    )
    yield* note([
      { name: 'account.email_claim_ended', data: {}, accountId, origin: originForOtherAccounts(because) },
      ...signedOut(ended, 'email_claim_ended', accountId, originForOtherAccounts(because)),
    ])
    yield* step(tx.delete(t.passwords).where(eq(t.passwords.accountId, accountId)))
    const { identities, passkeys } = yield* signInMethodsOf(tx, t, accountId)
    const stays = identities.length > 0 || passkeys.length > 0
    // Before the account's devices are deleted: their guess counters are found through them.
    if (!stays) yield* deleteGuesses(tx, t, accountId)
    yield* endTickets(tx, t, accountId)
    if (stays) continue
    yield* leaveTeams(tx, t, note, ids, { accountId, at: proven.at, origin: originForOtherAccounts(because) })
    yield* step(tx.delete(t.accounts).where(eq(t.accounts.id, accountId)))
    yield* step(tx.delete(t.mails).where(eq(t.mails.accountId, accountId)))
    yield* note([{ name: 'account.deleted', data: {}, accountId, origin: originForOtherAccounts(because) }])
    yield* step(tx.update(t.audit).set({ ip: null, userAgent: null }).where(eq(t.audit.accountId, accountId)))
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
