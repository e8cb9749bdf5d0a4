import type { Ways } from '../accounts/ports.ts'
import type { Fact } from '../events/catalogue.ts'
import type { Account } from '../kernel/account.ts'
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

/** A password as it is kept. `changedAt` names it: whoever proved an older one proved another. */
export type StoredPassword = { readonly hash: string; readonly changedAt: Date }

/** Who goes on being signed in, and known, when everything else of an account ends. */
type Staying = { readonly keepSession: string | null; readonly keepDevice: string | null }

/**
 * A password belongs to one address, first come, verified or not; it ends when somebody else proves the address. Of any
 * number of changes at once one is made.
 */
export interface PasswordStore {
  /** That of an address, and whose it is. */
  find(emailKey: string): Promise<(StoredPassword & { readonly account: Account }) | undefined>
  findOf(accountId: string): Promise<StoredPassword | undefined>
  /**
   * Opens an account with its password, its ticket and its letter. `false`, with nothing written but the letter for
   * `taken`, when anybody has proven the address or it has a password.
   */
  register(
    opening: { account: Account; emailKey: string; hash: string; ticket: Ticket },
    because: readonly Fact[],
    letters: { readonly opened: readonly Mail[]; readonly taken: readonly Mail[] },
  ): Promise<boolean>
  /**
   * A first password (`expected: null`), or another one in place of the one changed at `expected`; its `changedAt` is
   * later than that in any case. Ends every other session, whatever was sent out, and the trust in other devices.
   * `false`, with nothing written, when it is not as expected, the address is no longer the account's or another's.
   */
  set(
    change: { accountId: string; emailKey: string; hash: string; expected: Date | null; at: Date } & Staying,
    because: readonly Fact[],
  ): Promise<boolean>
  /** Takes it away, if `mayGo` says so of what would be left, and ends the same. Two at once on the last two: one is refused. */
  remove(
    of: { accountId: string; at: Date } & Staying,
    mayGo: (left: Ways) => boolean,
    because: readonly Fact[],
  ): Promise<'removed' | 'no_password' | 'last_login_method'>
  /** The same password, hashed anew; not a change of it. `false` when it is no longer this one. */
  rehash(accountId: string, from: string, to: string): Promise<boolean>
}

/** A browser somebody proved themselves in. */
export type TrustedDevice = {
  readonly id: string
  readonly accountId: string
  /** SHA-256 of whose it is and what the browser keeps. */
  readonly secretHash: string
  readonly createdAt: Date
  readonly lastSeenAt: Date
  readonly expiresAt: Date
}

export interface TrustedDeviceStore {
  /** Its id, while it is trusted at `at`. */
  find(secretHash: string, at: Date): Promise<string | undefined>
  /**
   * Trusts it, while the session it was proven with lives: a credential changed meanwhile ended both. One that is known
   * already is seen again, and trusted for longer.
   */
  trust(device: TrustedDevice, sessionId: string): Promise<void>
  /**
   * Whether an account was signed in anywhere, as far as is still known, and with this agent; `openedAt` says since when
   * there is one that was signed in nowhere.
   */
  history(
    accountId: string,
    userAgent: string | null,
  ): Promise<{ readonly openedAt: Date | null; readonly any: boolean; readonly agent: boolean }>
  sweep(before: Date): Promise<number>
}
