import { and, eq, isNull, ne, type Placeholder, type SQL, sql } from 'drizzle-orm'
import type {
  AddressHolder,
  AddressStore,
  EmailAccess,
  EmailSignIn,
  EmailSignInResult,
  Ticket,
} from '../credentials/ports.ts'
import type { Fact } from '../events/catalogue.ts'
import { type Email, readEmail } from '../kernel/email.ts'
import type { Ids } from '../kernel/ids.ts'
import { accountColumns } from './accounts.ts'
import { accountLock, type Change, type Note, prepareChange } from './change.ts'
import { addressLock, endClaims, holdersFirst, mostHolders, noInvitation, proveEmail } from './claims.ts'
import type { Driver, Queries, Script } from './driver.ts'
import { step } from './driver.ts'
import { endingChange, endSessions, originOf } from './endings.ts'
import type { Tables } from './schema.ts'
import { endOthers, endTickets, putTicket, ticketLocks, useTicket } from './tickets.ts'

/** The account and email address of a ticket; `undefined` for a ticket that lacks either, which proves nothing. */
const subjectOf = ({ accountId, email: written }: Ticket): { accountId: string; email: Email } | undefined => {
  const email = written === null ? undefined : readEmail(written)
  return accountId === null || !email ? undefined : { accountId, email }
}

export function addressStore({ db, tables: t, reads }: Driver, change: Change, ids: Ids): AddressStore {
  const columns = accountColumns(t)
  const locksOf = ({ accountId, email }: { accountId: string; email: Email }): readonly string[] => [
    accountLock(accountId),
    addressLock(email.key),
  ]

  /** Whether the account of the row has one in this table. */
  const has = (tx: Queries, { accountId }: Tables['passwords' | 'identities' | 'passkeys']): SQL<boolean> => {
    const own = tx.select({ accountId }).from(accountId.table).where(eq(accountId, t.accounts.id))
    return sql`exists ${own}`.mapWith(Boolean) as SQL<boolean>
  }
  /** One query, so that it takes the same time whether or not an account has the address: timing must not reveal it. */
  const holdersQuery = (tx: Queries, emailKey: string | Placeholder) =>
    tx
      .select({
        account: columns,
        invitedAt: t.accounts.invitedAt,
        password: has(tx, t.passwords),
        identity: has(tx, t.identities),
        passkey: has(tx, t.passkeys),
      })
      .from(t.accounts)
      .where(eq(t.accounts.emailKey, emailKey))
      .orderBy(...holdersFirst(t))
      .limit(mostHolders)
  type Row = Awaited<ReturnType<typeof holdersQuery>>[number]
  const findingHolders = reads(holdersQuery(db, sql.placeholder('emailKey')))
  const holdersIn = (rows: readonly Row[], emailKey: string): readonly AddressHolder[] =>
    rows.map(({ account, invitedAt, password, identity, passkey }) => {
      const { id: accountId, email, emailVerified: verified, locale, role } = account
      const methods = { password, otherWays: identity || passkey, invited: invitedAt !== null }
      return { accountId, address: email ?? emailKey, locale, verified, role, ...methods }
    })

  /**
   * Gives the account to the person who has just proven the email address, and ends everything its creator could use to
   * get back in. The creator never proved the address. An invited account has nothing of the kind.
   */
  function* takeOver(
    tx: Queries,
    note: Note,
    { accountId, key, at }: { accountId: string; key: string; at: Date },
    because: readonly Fact[],
  ): Script<void> {
    const origin = originOf(because)
    yield* step(
      tx
        .update(t.accounts)
        .set({ verifiedEmailKey: key, secondFactorAt: null, updatedAt: at, ...noInvitation })
        .where(eq(t.accounts.id, accountId)),
    )
    yield* note([{ name: 'account.email_verified', data: { provider: 'email' }, accountId, origin }])
    yield* endClaims(tx, t, note, ids, { key, by: accountId, at }, because)
    const factors = yield* step(
      tx
        .delete(t.totpFactors)
        .where(eq(t.totpFactors.accountId, accountId))
        .returning({ confirmedAt: t.totpFactors.confirmedAt }),
    )
    yield* step(tx.delete(t.recoveryCodes).where(eq(t.recoveryCodes.accountId, accountId)))
    yield* step(tx.delete(t.trustedDevices).where(eq(t.trustedDevices.accountId, accountId)))
    if (factors.some(({ confirmedAt }) => confirmedAt !== null))
      yield* note([{ name: 'second_factor.removed', data: { factor: 'totp' }, accountId, origin }])
    yield* step(tx.delete(t.passwords).where(eq(t.passwords.accountId, accountId)))
    yield* endTickets(tx, t, accountId)
    yield* endSessions(tx, t, note, { accountId, except: null, reason: 'email_claim_ended', at }, originOf(because))
  }

  /**
   * Uses the ticket, then decides which account the person who controls the address gets. A disabled account is not
   * changed. The facts of a new account are noted here, before the facts that follow from it.
   */
  function* open(
    tx: Queries,
    note: Note,
    { ticket, key, opens, fresh, at }: EmailSignIn & { ticket: Ticket; key: string },
    because: (tag: EmailAccess['tag']) => readonly Fact[],
  ): Script<EmailSignInResult | undefined> {
    if (!(yield* useTicket(tx, t, ticket.id, at))) return undefined
    yield* endOthers(tx, t, ticket)
    const opened = opens(holdersIn(yield* step(holdersQuery(tx, key)), key), ticket.accountId)
    if (!opened) return undefined
    if (opened.tag === 'fresh') {
      const { emailVerified: _, ...row } = fresh
      yield* step(tx.insert(t.accounts).values({ ...row, emailKey: key, verifiedEmailKey: key }))
      yield* note(because('fresh'))
      yield* endClaims(tx, t, note, ids, { key, by: fresh.id, at }, because('fresh'))
      return { tag: 'fresh', account: fresh }
    }
    const { tag, accountId } = opened
    const [before] = yield* step(tx.select(columns).from(t.accounts).where(eq(t.accounts.id, accountId)))
    if (!before) return undefined
    if (tag === 'held' || before.disabledAt !== null) return { tag: 'held', account: before }
    yield* takeOver(tx, note, { accountId, key, at }, because(tag))
    const [account] = yield* step(tx.select(columns).from(t.accounts).where(eq(t.accounts.id, accountId)))
    return account && { tag, account }
  }

  const ending = endingChange(change, t)
  /** The change for a ticket that may end all sessions of its account. */
  const opening = (
    { accountId }: Ticket,
    { at }: EmailSignIn,
    because: (tag: EmailAccess['tag']) => readonly Fact[],
  ): Change => (accountId === null ? change : ending({ accountId, spare: null, at }, originOf(because('taken_over'))))

  /** The email address a ticket is about, and the locks for deciding it. The account may not exist yet. */
  const aboutOf = ({ accountId, email: written }: Ticket): { key: string; locks: readonly string[] } | undefined => {
    const email = written === null ? undefined : readEmail(written)
    if (!email) return undefined
    return {
      key: email.key,
      locks: accountId === null ? [addressLock(email.key)] : locksOf({ accountId, email }),
    }
  }

  return {
    holders: async (emailKey) => holdersIn(await findingHolders({ emailKey }), emailKey),

    send: ({ row, latestOnly }, mails, because) =>
      change(
        function* (tx, note, post) {
          if (latestOnly) yield* endOthers(tx, t, row)
          yield* putTicket(tx, t, row)
          yield* post(mails)
          yield* note(because)
        },
        latestOnly || row.accountId !== null ? ticketLocks(row) : [],
      ),

    async verify(ticket, at, because) {
      const subject = subjectOf(ticket)
      if (!subject) return false
      const { accountId, email } = subject
      return change(function* (tx, note) {
        if (!(yield* useTicket(tx, t, ticket.id, at))) return false
        if (yield* proveEmail(tx, t, note, ids, accountId, email, at, because)) {
          yield* note(because)
          return true
        }
        const proven = and(eq(t.accounts.id, accountId), eq(t.accounts.verifiedEmailKey, email.key))
        return (yield* step(tx.select({ id: t.accounts.id }).from(t.accounts).where(proven))).length > 0
      }, locksOf(subject))
    },

    async change(ticket, { keepSession, at }, because, mails) {
      const subject = subjectOf(ticket)
      if (!subject) return false
      const { accountId, email } = subject
      const changing = ending({ accountId, spare: keepSession, at }, originOf(because))
      return changing(function* (tx, note, post) {
        if (!(yield* useTicket(tx, t, ticket.id, at))) return false
        const held = and(eq(t.accounts.verifiedEmailKey, email.key), ne(t.accounts.id, accountId))
        if ((yield* step(tx.select({ id: t.accounts.id }).from(t.accounts).where(held))).length > 0) return false
        const mine = and(eq(t.accounts.id, accountId), isNull(t.accounts.disabledAt))
        const [before] = yield* step(tx.select(columns).from(t.accounts).where(mine))
        if (!before) return false
        yield* step(
          tx
            .update(t.accounts)
            .set({ email: email.address, emailKey: email.key, verifiedEmailKey: email.key, updatedAt: at })
            .where(mine),
        )
        // Before this account's password moves to the new address: an address has at most one password.
        yield* endClaims(tx, t, note, ids, { key: email.key, by: accountId, at }, because)
        yield* step(
          tx.delete(t.passwords).where(and(eq(t.passwords.emailKey, email.key), ne(t.passwords.accountId, accountId))),
        )
        yield* step(tx.update(t.passwords).set({ emailKey: email.key }).where(eq(t.passwords.accountId, accountId)))
        yield* endTickets(tx, t, accountId)
        yield* note(because)
        yield* endSessions(
          tx,
          t,
          note,
          { accountId, except: keepSession, reason: 'email_changed', at },
          originOf(because),
        )
        yield* post(mails({ email: before.email, verified: before.emailVerified }))
        return true
      }, locksOf(subject))
    },

    async held(ticket, { opens, at }) {
      const about = aboutOf(ticket)
      if (!about) return undefined
      const { key, locks } = about
      const holder = (rows: readonly Row[]) => {
        const opened = opens(holdersIn(rows, key), ticket.accountId)
        return opened?.tag === 'held' ? rows.find(({ account }) => account.id === opened.accountId)?.account : undefined
      }
      const account = holder(await findingHolders({ emailKey: key }))
      if (!account) return undefined
      const using = prepareChange(change, {
        *script(tx) {
          if (!(yield* useTicket(tx, t, ticket.id, at))) return false
          yield* endOthers(tx, t, ticket)
          return holder(yield* step(holdersQuery(tx, key)))?.id === account.id
        },
        locks,
      })
      return { account, using }
    },

    async open(ticket, coming, because) {
      const about = aboutOf(ticket)
      if (!about) return undefined
      const { key, locks } = about
      return opening(
        ticket,
        coming,
        because,
      )(function* (tx, note) {
        const opened = yield* open(tx, note, { ...coming, ticket, key }, because)
        if (opened?.tag === 'taken_over' || opened?.tag === 'invited') yield* note(because(opened.tag))
        return opened
      }, locks)
    },

    async reset(ticket, { hash, keepDevice, ...coming }, because) {
      const about = aboutOf(ticket)
      if (!about) return undefined
      const { key, locks } = about
      const { at } = coming
      return opening(
        ticket,
        coming,
        because,
      )(function* (tx, note) {
        const opened = yield* open(tx, note, { ...coming, ticket, key }, because)
        if (!opened || opened.account.disabledAt) return opened
        const { tag, account } = opened
        const { id: accountId } = account
        yield* step(
          tx.delete(t.passwords).where(and(eq(t.passwords.emailKey, key), ne(t.passwords.accountId, accountId))),
        )
        yield* step(
          tx
            .insert(t.passwords)
            .values({ accountId, emailKey: key, hash, changedAt: at })
            .onConflictDoUpdate({ target: t.passwords.accountId, set: { emailKey: key, hash, changedAt: at } }),
        )
        yield* endTickets(tx, t, accountId, keepDevice)
        if (tag !== 'fresh') yield* note(because(tag))
        const ending = { accountId, except: null, reason: 'password_reset', at } as const
        yield* endSessions(tx, t, note, ending, originOf(because(tag)))
        return opened
      }, locks)
    },
  }
}
