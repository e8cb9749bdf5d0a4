import type { Fact } from '../events/catalogue.ts'
import type { Account, Role } from '../kernel/account.ts'
import type { Locale } from '../kernel/locale.ts'
import type { Mail } from '../mail/ports.ts'

/** What a ticket is good for, and for nothing else. */
export type TicketPurpose =
  | 'verify_email'
  | 'change_email'
  | 'reset_password'
  | 'email_sign_in'
  | 'passkey_registration'
  | 'passkey_sign_in'
  | 'passkey_second_factor'

/**
 * Something random that is sent out, to be brought back once: a link, a code, a challenge. Bound to what it proves, and
 * dead with any change of the account's credentials (`TicketStore.endAll`, within the change).
 */
export type Ticket = {
  readonly id: string
  readonly purpose: TicketPurpose
  /** SHA-256 of the long secret in the link. */
  readonly secretHash: string
  /** Of the short code, keyed with the ticket's id; whoever types it must also hold the binding. */
  readonly codeHash: string | null
  /** SHA-256 of the browser's cookie or the app's `flow_token`. */
  readonly bindingHash: string | null
  readonly accountId: string | null
  /** The address it was sent to, and so proves. */
  readonly email: string | null
  readonly data: Readonly<Record<string, unknown>>
  /** Wrong codes so far. */
  readonly attempts: number
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly usedAt: Date | null
}

export interface TicketStore {
  issue(ticket: Ticket): Promise<void>
  /** Unused and unexpired at `at`. */
  find(
    match: { purpose: TicketPurpose } & ({ secretHash: string } | { bindingHash: string }),
    at: Date,
  ): Promise<Ticket | undefined>
  /** Counts one more wrong code; answers how many there are now. */
  countAttempt(id: string): Promise<number>
  /** Takes it, once. */
  use(id: string, at: Date): Promise<boolean>
  sweep(before: Date): Promise<number>
}

/** A counter of wrong guesses. */
export type Guesses = { readonly failures: number; readonly lastAt: Date; readonly blockedUntil: Date }
type CounterName = 'account' | 'device' | 'network'
export type GuessKey = { readonly key: string; readonly counter: CounterName }

/** Counters every node agrees on. */
export interface GuessStore {
  /**
   * Counts one guess on every key, or on none: `rule` answers a counter's next state, or the wait in milliseconds that
   * refuses it. Answers the longest wait, `null` when it was counted. Atomic, however many guess at once.
   */
  take(
    keys: readonly GuessKey[],
    rule: (counter: CounterName, known: Guesses | undefined) => Guesses | number,
  ): Promise<number | null>
  /** Changes those that are there. Atomic. */
  change(keys: readonly GuessKey[], rule: (counter: CounterName, known: Guesses) => Guesses): Promise<void>
  forget(key: string): Promise<void>
  /** Those last counted before. */
  sweep(before: Date): Promise<number>
}

/** An account that holds or claims an address, as far as it matters to a mail sent there. */
export type AddressHolder = {
  readonly accountId: string
  readonly address: string
  readonly locale: Locale | null
  readonly verified: boolean
  readonly role: Role
  /** It has a password, and so one for this address. */
  readonly password: boolean
  /** It has an identity or a passkey too: the password is not its only way in. */
  readonly otherWays: boolean
}

/** What a mail to an address opens; see `mail-opens.ts`. */
export type OpenedByMail = { readonly tag: 'held' | 'taken_over'; readonly accountId: string }
export type OpensByMail = (holders: readonly AddressHolder[]) => OpenedByMail | undefined

/** What is proven by mail. Every verb takes its ticket in the same transaction: once, and only while it is good. */
export interface AddressStore {
  /** Whoever holds or claims it. */
  holders(emailKey: string): Promise<readonly AddressHolder[]>
  /** A ticket and the letters it goes out with, or letters alone: all or nothing. */
  send(ticket: Ticket | null, mails: readonly Mail[]): Promise<void>

  /**
   * The ticket's account's own address becomes verified (as `AccountStore.proveEmail`); where it is already, nothing
   * changes. `false` when the ticket is over, or the address is no longer the account's, or somebody else's.
   */
  verify(ticket: Ticket, at: Date, because: readonly Fact[]): Promise<boolean>

  /**
   * The ticket's account gets the ticket's address, verified, and its password is for that one from then on. Sessions
   * but `keepSession` end, and so do tickets and others' claims to the address. `mails` is told the address it had.
   * `false` when the ticket is over or somebody holds the address.
   */
  change(
    ticket: Ticket,
    with_: { readonly keepSession: string; readonly at: Date },
    because: readonly Fact[],
    mails: (before: { readonly email: string | null; readonly verified: boolean }) => readonly Mail[],
  ): Promise<boolean>

  /**
   * The account a mail to the ticket's address opens: `opens` is asked again, inside the transaction. One that is taken
   * over loses password, factors and sessions, its address is verified, and only then is `because` noted. `undefined` when the ticket is over or the
   * address opens another account by now.
   */
  enter(ticket: Ticket, opens: OpensByMail, at: Date, because: readonly Fact[]): Promise<Account | undefined>

  /**
   * The same, and sets a password: all sessions and tickets end. Of a disabled account nothing is changed: it is
   * answered as it is.
   */
  reset(
    ticket: Ticket,
    with_: { readonly hash: string; readonly at: Date },
    opens: OpensByMail,
    because: readonly Fact[],
  ): Promise<Account | undefined>
}
