import type { SignInMethods } from '../accounts/ports.ts'
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

/** A ticket that goes out by mail. */
export type TicketToSend = { readonly row: Ticket; readonly latestOnly: boolean }

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
    mayGo: (left: SignInMethods) => boolean,
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
}

/** An authenticator app of an account: one secret, which both sides make the same codes from (RFC 6238). */
export type TotpFactor = {
  readonly accountId: string
  /** Base32, sealed at `totp_factors/<account id>/secret`. */
  readonly secret: string
  readonly createdAt: Date
  /** Absent until its first code was shown: it asks for nothing before. */
  readonly confirmedAt: Date | null
  /** The newest time step a code was taken for. */
  readonly lastStep: number
}

export type RecoveryCode = { readonly id: string; readonly codeHash: string }

/** Whose credentials are changed, in which session, and when. The session must still be alive when it is written. */
export type Changing = { readonly accountId: string; readonly sessionId: string; readonly at: Date }

/**
 * `Account.secondFactorAt` is kept with what it stands for: set with the first factor, gone with the last. Every change
 * of the factors ends the account's other sessions and its tickets; all of it or nothing. The `amr` of the session it is
 * made in does not change: adding a factor proves nothing. Otherwise anyone who finds a browser open could make its
 * session a strong one with a factor of their own.
 */
export interface SecondFactorStore {
  find(accountId: string): Promise<{ totp: TotpFactor | undefined; recoveryCodesLeft: number }>
  /** Puts an unconfirmed one in place of an unconfirmed one. `false` when there is a confirmed one. */
  begin(factor: TotpFactor, because: readonly Fact[]): Promise<boolean>
  /**
   * Its first code was right: from now on it is asked for. The recovery codes take the place of all before.
   * `false` when the app made at `createdAt` is not waiting, or the session is over.
   */
  confirm(
    change: Changing & { createdAt: Date; step: number },
    codes: readonly RecoveryCode[],
    because: readonly Fact[],
  ): Promise<boolean>
  /**
   * Takes the code of this step, or `false`: that one or a later one was taken before. One winner among any number.
   * The app is known by when it was made and not by its sealed secret: `reseal` seals that again between a read and this
   * write, and a correct code would be refused.
   */
  take(of: { accountId: string; createdAt: Date; step: number }): Promise<boolean>
  /**
   * Without an app, passkeys are the second factor: asks for one of them after every other way in. `false` when there
   * is none, a second factor is asked for already, or the session is over.
   */
  ask(change: Changing, codes: readonly RecoveryCode[], because: readonly Fact[]): Promise<boolean>
  /**
   * Removes the app, confirmed or not. A passkey that is left goes on being asked for; without one nothing is, and the
   * recovery codes go too. `cancelled` is written in place of `because` for one that was not confirmed: nothing else
   * changes then. `false` when there was none, or the session is over.
   */
  remove(change: Changing, because: readonly Fact[], cancelled: readonly Fact[]): Promise<boolean>
  /** Asks for nothing any more: app and recovery codes go, passkeys stay a way in. `false` when nothing was asked for. */
  stop(change: Changing, because: readonly Fact[]): Promise<boolean>
  /** Puts these in place of all before. `false` when no second factor is asked for, or the session is over. */
  replaceCodes(change: Changing, codes: readonly RecoveryCode[], because: readonly Fact[]): Promise<boolean>
  /** Takes the code with one of these hashes, once; `because` is told how many are left. */
  useCode(
    of: { accountId: string; hashes: readonly string[]; at: Date },
    because: (left: number) => readonly Fact[],
  ): Promise<boolean>
}

/** A key pair of which only the public half is here (WebAuthn): a way in, and a second factor. */
export type Passkey = {
  readonly id: string
  readonly accountId: string
  /** Base64url, as the browser says it; nobody else's. */
  readonly credentialId: string
  /** COSE, base64url. */
  readonly publicKey: string
  /** How often it has signed, if it counts: one that goes back was copied. */
  readonly counter: number
  readonly transports: readonly string[]
  /** Kept by its maker in more places than one device. */
  readonly backedUp: boolean
  readonly name: string
  readonly createdAt: Date
  readonly lastUsedAt: Date | null
}

export interface PasskeyStore {
  /** Oldest first. */
  list(accountId: string): Promise<readonly Passkey[]>
  findByCredential(credentialId: string): Promise<Passkey | undefined>
  /**
   * Ends the account's other sessions and its tickets with it. The `amr` of this session does not
   * change (see `SecondFactorStore`). `false`, with nothing written, when its credential is known, whosever it is, the session is
   * over, or the account has fifty already: each is sent along whenever one is asked for.
   */
  add(passkey: Passkey, change: Changing, because: readonly Fact[]): Promise<boolean>
  /**
   * It signed: `false` when its counter did not grow since, unless neither side counts (WebAuthn §7.2, step 22). Of two
   * answers with one count one is refused.
   */
  used(id: string, use: { counter: number; backedUp: boolean; at: Date }): Promise<boolean>
  /** `false` when there is no such passkey on this account. */
  rename(of: { id: string; accountId: string }, name: string, because: readonly Fact[]): Promise<boolean>
  /**
   * `mayGo` is asked within the transaction about what would be left. The last factor takes the second factor with it,
   * recovery codes included. Other sessions and tickets end.
   */
  remove(
    change: Changing & { id: string },
    mayGo: (left: SignInMethods) => boolean,
    because: readonly Fact[],
  ): Promise<'removed' | 'passkey_not_found' | 'last_login_method' | 'session_revoked'>
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
export type OpenedByMail =
  | { readonly tag: 'held' | 'taken_over'; readonly accountId: string }
  | { readonly tag: 'fresh' }
export type OpensByMail = (
  holders: readonly AddressHolder[],
  sentFor?: string | null | undefined,
) => OpenedByMail | undefined

/** How somebody who reads the mail comes in; `fresh` is the account they get where there is none for them yet. */
export type ComingByMail = { readonly opens: OpensByMail; readonly fresh: Account; readonly at: Date }
/** What it came to. */
export type CameByMail = { readonly tag: OpenedByMail['tag']; readonly account: Account }

/** What is proven by mail. Every verb takes its ticket in the same transaction: once, and only while it is good. */
export interface AddressStore {
  /** Whoever holds or claims it. */
  holders(emailKey: string): Promise<readonly AddressHolder[]>
  /**
   * A ticket and the messages that carry it, with the reason: all or nothing. With `latestOnly`, the unused tickets of
   * the same purpose for the same account, or for the same email address where there is no account, end with it.
   */
  send(ticket: TicketToSend, mails: readonly Mail[], because: readonly Fact[]): Promise<void>

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
   * over loses password, factors and sessions, and its address is verified; a fresh one is written down with its address
   * verified, and others' claims to it end. `because` is asked what to note of what it came to. `undefined` when the
   * ticket is over or the address opens another account by now.
   */
  enter(
    ticket: Ticket,
    coming: ComingByMail,
    because: (tag: OpenedByMail['tag']) => readonly Fact[],
  ): Promise<CameByMail | undefined>

  /**
   * The same, and sets a password: all sessions and tickets end, and no device is trusted but `keepDevice`, where the
   * account was its holder's already. Of a disabled account nothing is changed: it is answered as it is.
   */
  reset(
    ticket: Ticket,
    coming: ComingByMail & { readonly hash: string; readonly keepDevice: string | null },
    because: (tag: OpenedByMail['tag']) => readonly Fact[],
  ): Promise<CameByMail | undefined>
}

/** What a back end proves itself with. Of its secrets only hashes are here. */
export type ServiceCredential = {
  readonly id: string
  /** What its operators call it. */
  readonly name: string
  readonly secretHash: string
  /** The one before, good until a moment. */
  readonly previousHash: string | null
  readonly previousUntil: Date | null
  readonly scopes: readonly string[]
  /** The administrator's account, while there is one. */
  readonly createdBy: string | null
  readonly createdAt: Date
  readonly lastUsedAt: Date | null
  readonly revokedAt: Date | null
}

export interface ServiceCredentialStore {
  /** `false` when `most` of them are not revoked, however many are created at once. */
  create(credential: ServiceCredential, most: number, because: readonly Fact[]): Promise<boolean>
  /** Revoked ones are found too. */
  find(id: string): Promise<ServiceCredential | undefined>
  /** Those not revoked, newest first. */
  list(): Promise<readonly ServiceCredential[]>
  /** The secret so far is the previous one until `previousUntil`; `undefined` when it is revoked or not there. */
  rotate(
    id: string,
    secretHash: string,
    previousUntil: Date,
    because: readonly Fact[],
  ): Promise<ServiceCredential | undefined>
  /** `false` when it already was, or is not there. */
  revoke(id: string, at: Date, because: readonly Fact[]): Promise<boolean>
  /** Notes that it was used; never goes back. */
  touch(id: string, at: Date): Promise<void>
}
