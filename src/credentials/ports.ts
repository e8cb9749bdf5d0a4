import type { ManagedAccount, SignInMethods } from '../accounts/ports.ts'
import type { Fact } from '../events/catalogue.ts'
import type { Account, Role } from '../kernel/account.ts'
import type { Locale } from '../kernel/locale.ts'
import type { PreparedChange } from '../kernel/prepared-change.ts'
import type { Mail } from '../mail/ports.ts'

/** The purpose of a ticket. It cannot be used for another one. */
export type TicketPurpose = IssuedPurpose | ForeignPurpose
/** What the provider issued, not we: an id_token of a native app. Stored only so that it is not accepted again. */
export type ForeignPurpose = 'provider_id_token'
export type IssuedPurpose =
  | 'verify_email'
  | 'change_email'
  | 'reset_password'
  | 'invitation'
  | 'email_sign_in'
  | 'passkey_registration'
  | 'passkey_sign_in'
  | 'passkey_second_factor'

/**
 * A random secret that is sent out and can be used once: a link, a code or a challenge. It is bound to what it proves.
 * Any change of the account's credentials invalidates it (`TicketStore.endAll`, within the change).
 */
export type Ticket = {
  readonly id: string
  readonly purpose: TicketPurpose
  /** SHA-256 of the long secret in the link. */
  readonly secretHash: string
  /** Hash of the short code, keyed with the ticket's ID. To use the code, the caller must also present the binding. */
  readonly codeHash: string | null
  /** SHA-256 of the browser's cookie or the app's `flow_token`. */
  readonly bindingHash: string | null
  readonly accountId: string | null
  /** The email address that it was sent to, and therefore proves. */
  readonly email: string | null
  readonly data: Readonly<Record<string, unknown>>
  /** Wrong codes so far. */
  readonly attempts: number
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly usedAt: Date | null
}

/** A ticket to send by email. */
export type TicketToSend = { readonly row: Ticket; readonly latestOnly: boolean }

export interface TicketStore {
  issue(ticket: Ticket): Promise<void>
  /** Finds a ticket that is unused and unexpired at `at`. */
  find(
    match: { purpose: TicketPurpose } & ({ secretHash: string } | { bindingHash: string }),
    at: Date,
  ): Promise<Ticket | undefined>
  /** Counts one more wrong code and returns the new count. */
  countAttempt(id: string): Promise<number>
  /** Uses it: this can be made once. */
  using(id: string, at: Date): PreparedChange
  /** Stores a ticket that someone else issued, as used. This can be made once for each secret. */
  spending(ticket: Ticket & { readonly usedAt: Date }): PreparedChange
  /** Whether a ticket with this secret was used. */
  isSpent(secretHash: string): Promise<boolean>
}

/** A counter of wrong guesses. */
export type Guesses = { readonly failures: number; readonly lastAt: Date; readonly blockedUntil: Date }
type CounterName = 'account' | 'device' | 'network'
export type GuessKey = { readonly key: string; readonly counter: CounterName }

/** Counters shared by all nodes. */
export interface GuessStore {
  /**
   * Counts one guess on every key, or on none. `rule` returns the next state of a counter, or the remaining wait in
   * milliseconds if the guess is refused. Returns the longest wait, or `null` if the guess was counted. Atomic for
   * concurrent guesses.
   */
  take(
    keys: readonly GuessKey[],
    rule: (counter: CounterName, known: Guesses | undefined) => Guesses | number,
  ): Promise<number | null>
  /** Changes existing counters. Atomic. */
  change(keys: readonly GuessKey[], rule: (counter: CounterName, known: Guesses) => Guesses): Promise<void>
  erase(key: string): Promise<void>
}

/** A password as stored. `changedAt` identifies it: a sign-in with an earlier password does not count. */
export type StoredPassword = { readonly hash: string; readonly changedAt: Date }

/** The session and device that remain when all others of an account end. */
type SurvivingAccess = { readonly keepSession: string | null; readonly keepDevice: string | null }

/**
 * Passwords. A password belongs to one email address, verified or not, first come, first served. It ends when another
 * person verifies the address. Of several concurrent changes only one succeeds.
 */
export interface PasswordStore {
  /** The password of an email address, and its account. */
  find(emailKey: string): Promise<(StoredPassword & { readonly account: Account }) | undefined>
  findOf(accountId: string): Promise<StoredPassword | undefined>
  /**
   * Creates an account with its password, ticket and message. If the address is verified by another account, has a
   * password, or is claimed by `mostClaims` accounts, it returns `false` and stores only the message for `taken`.
   */
  register(
    opening: { account: Account; emailKey: string; hash: string; ticket: Ticket },
    because: readonly Fact[],
    letters: { readonly opened: readonly Mail[]; readonly taken: readonly Mail[] },
  ): Promise<boolean>
  /**
   * Sets a first password (`expected: null`), or replaces the one changed at `expected`. `changedAt` always increases.
   * It ends all other sessions, all tickets and the trust in other devices. Returns `false` and writes nothing if the
   * password is not the expected one, or the address no longer belongs to the account.
   */
  set(
    change: { accountId: string; emailKey: string; hash: string; expected: Date | null; at: Date } & SurvivingAccess,
    because: readonly Fact[],
  ): Promise<boolean>
  /**
   * Removes the password if `mayGo` allows it for the remaining sign-in methods, and ends the same as `set`. If two
   * calls would remove the last two methods, one of them is refused.
   */
  remove(
    of: { accountId: string; at: Date } & SurvivingAccess,
    mayGo: (left: SignInMethods) => boolean,
    because: readonly Fact[],
  ): Promise<'removed' | 'no_password' | 'last_login_method'>
  /**
   * Stores a new hash of the same password, which is not a change of it. Returns `false` if the password has changed.
   */
  rehash(accountId: string, from: string, to: string): Promise<boolean>
}

/** A browser in which the account's owner has signed in. */
export type TrustedDevice = {
  readonly id: string
  readonly accountId: string
  /** SHA-256 of the account and the secret in the browser. */
  readonly secretHash: string
  readonly createdAt: Date
  readonly lastSeenAt: Date
  readonly expiresAt: Date
}

export interface TrustedDeviceStore {
  /** Returns its ID if it is trusted at `at`. */
  find(secretHash: string, at: Date): Promise<string | undefined>
  /**
   * Trusts a device if its session is still valid: a credential change in the meantime ends both. A known device is
   * trusted for longer.
   */
  trust(device: TrustedDevice, sessionId: string): Promise<void>
  /**
   * Whether the known history of an account contains any sign-in (`any`), and its 500 newest sessions contain one with
   * this user agent (`agent`).
   * `openedAt` is when an account without any sign-in was created.
   */
  history(
    accountId: string,
    userAgent: string | null,
  ): Promise<{ readonly openedAt: Date | null; readonly any: boolean; readonly agent: boolean }>
}

/** An authenticator app of an account. Both sides generate codes from the same secret (RFC 6238). */
export type TotpFactor = {
  readonly accountId: string
  /** Base32, sealed at `totp_factors/<account id>/secret`. */
  readonly secret: string
  readonly createdAt: Date
  /** `null` until its first code was entered. It is not required before. */
  readonly confirmedAt: Date | null
  /** The latest time step for which a code was accepted. */
  readonly lastStep: number
}

export type RecoveryCode = { readonly id: string; readonly codeHash: string }

/** A credential change: the account, the session and the time. The session must still be valid when it is written. */
export type CredentialChange = { readonly accountId: string; readonly sessionId: string; readonly at: Date }

/**
 * Second factors. `Account.secondFactorAt` is set with the first factor and cleared with the last. Every change of
 * factors ends the account's other sessions and its tickets, in one transaction. The `amr` of the current session does
 * not change, since adding a factor proves nothing. Otherwise anyone with access to an open browser could strengthen
 * its session with a factor of their own.
 */
export interface SecondFactorStore {
  find(accountId: string): Promise<{ totp: TotpFactor | undefined; recoveryCodesLeft: number }>
  /** Stores an unconfirmed app and replaces a previous unconfirmed one. Returns `false` if there is a confirmed one. */
  begin(factor: TotpFactor, because: readonly Fact[]): Promise<boolean>
  /**
   * Confirms the app after its first correct code; from now on it is required. The recovery codes replace all previous
   * ones. Returns `false` if the app made at `createdAt` is not pending, or the session has ended.
   */
  confirm(
    change: CredentialChange & { createdAt: Date; step: number },
    codes: readonly RecoveryCode[],
    because: readonly Fact[],
  ): Promise<boolean>
  /**
   * Accepts the code of this step: this can be made once, and not after a later step was used. The app is identified by its creation time and not by its sealed secret: `reseal` may encrypt
   * the secret again between a read and this write, and a correct code would be refused.
   */
  taking(of: { accountId: string; createdAt: Date; step: number }): PreparedChange
  /**
   * Makes passkeys the second factor of an account without an app: one is required after every other sign-in method.
   * Returns `false` if there is no passkey, a second factor is already required, or the session has ended.
   */
  ask(change: CredentialChange, codes: readonly RecoveryCode[], because: readonly Fact[]): Promise<boolean>
  /**
   * Removes the app, confirmed or not. A remaining passkey is still required. Without one, no second factor is
   * required, and the recovery codes are deleted. For an unconfirmed app nothing else changes, and `cancelled` is
   * recorded instead of `because`. Returns `false` if there was no app, or the session has ended.
   */
  remove(change: CredentialChange, because: readonly Fact[], cancelled: readonly Fact[]): Promise<boolean>
  /**
   * Turns off the second factor: app and recovery codes are deleted, passkeys stay as a sign-in method. Returns `false`
   * if none was required.
   */
  stop(change: CredentialChange, because: readonly Fact[]): Promise<boolean>
  /** Replaces all recovery codes. Returns `false` if no second factor is required, or the session has ended. */
  replaceCodes(change: CredentialChange, codes: readonly RecoveryCode[], because: readonly Fact[]): Promise<boolean>
  /** Whether there is an unused code with one of these hashes. */
  hasCode(of: { accountId: string; hashes: readonly string[] }): Promise<boolean>
  /** Uses the code with one of these hashes: this can be made once. `because` receives the number of remaining codes. */
  usingCode(
    of: { accountId: string; hashes: readonly string[]; at: Date },
    because: (left: number) => readonly Fact[],
  ): PreparedChange
}

/** A key pair of which only the public key is stored (WebAuthn). It is a sign-in method and a second factor. */
export type Passkey = {
  readonly id: string
  readonly accountId: string
  /** Base64url, as sent by the browser. Unique. */
  readonly credentialId: string
  /** COSE, base64url. */
  readonly publicKey: string
  /** The signature counter, if the device has one. A lower value means that the key was copied. */
  readonly counter: number
  readonly transports: readonly string[]
  /** Synced to more than one device by its provider. */
  readonly backedUp: boolean
  /** Which make of authenticator holds it (WebAuthn §6.5.1), as a UUID; `null` if it does not say. */
  readonly aaguid: string | null
  readonly name: string
  readonly createdAt: Date
  readonly lastUsedAt: Date | null
}

export interface PasskeyStore {
  /** Oldest first. */
  list(accountId: string): Promise<readonly Passkey[]>
  findByCredential(credentialId: string): Promise<Passkey | undefined>
  /**
   * Adds a passkey, and ends the account's other sessions and its tickets. The `amr` of this session does not change
   * (see `SecondFactorStore`). Returns `false` and writes nothing if the credential is known for any account, the
   * session has ended, or the account has fifty passkeys: all of them are sent in each request.
   */
  add(passkey: Passkey, change: CredentialChange, because: readonly Fact[]): Promise<boolean>
  /**
   * Records a use. It cannot be made if the counter did not increase, unless neither side counts (WebAuthn §7.2, step
   * 22). Of two responses with the same count one is refused.
   */
  using(id: string, use: { counter: number; backedUp: boolean; at: Date }): PreparedChange
  /** Returns `false` if the account has no such passkey. */
  rename(of: { id: string; accountId: string }, name: string, because: readonly Fact[]): Promise<boolean>
  /**
   * Removes a passkey. `mayGo` is called within the transaction with the remaining sign-in methods. Removing the last
   * factor turns off the second factor and deletes the recovery codes. Other sessions and tickets end.
   */
  remove(
    change: CredentialChange & { id: string },
    mayGo: (left: SignInMethods) => boolean,
    because: readonly Fact[],
  ): Promise<'removed' | 'passkey_not_found' | 'last_login_method' | 'session_revoked'>
}

/** An account that has verified or claims an email address, with what matters for a message to it. */
export type AddressHolder = {
  readonly accountId: string
  readonly address: string
  readonly locale: Locale | null
  readonly verified: boolean
  readonly role: Role
  /** It has a password, and therefore one for this address. */
  readonly password: boolean
  /** It also has an identity or a passkey, so the password is not its only sign-in method. */
  readonly otherWays: boolean
  /** An administrator invited the person, who has not proven the address yet. It has no sign-in method. */
  readonly invited: boolean
}

/** The account to which an email gives access; see `email-access.ts`. */
export type EmailAccess =
  | { readonly tag: 'held' | 'invited' | 'taken_over'; readonly accountId: string }
  | { readonly tag: 'fresh' }
export type EmailAccessRule = (
  holders: readonly AddressHolder[],
  sentFor?: string | null | undefined,
) => EmailAccess | undefined

/** How a person who can read the email signs in. `fresh` is the account to create if there is none for them. */
export type EmailSignIn = { readonly opens: EmailAccessRule; readonly fresh: Account; readonly at: Date }
/** The result of it. */
export type EmailSignInResult = { readonly tag: EmailAccess['tag']; readonly account: Account }

/**
 * Changes that an email proves. Every verb uses its ticket in the same transaction: once, and only while it is valid.
 */
export interface AddressStore {
  /** The accounts that have verified or claim it, as `AccountStore.findByEmail`. */
  holders(emailKey: string): Promise<readonly AddressHolder[]>
  /**
   * Stores a ticket, its messages and the audit facts in one transaction. With `latestOnly` it ends unused tickets of
   * the same purpose for the same account, or for the same email address if there is no account.
   */
  send(ticket: TicketToSend, mails: readonly Mail[], because: readonly Fact[]): Promise<void>

  /**
   * Verifies the account's own address (as `AccountStore.proveEmail`). If it is already verified, nothing changes.
   * Returns `false` if the ticket is no longer valid, or the address is no longer the account's, or belongs to another
   * one.
   */
  verify(ticket: Ticket, at: Date, because: readonly Fact[]): Promise<boolean>

  /**
   * Gives the account the ticket's address as verified. Its password then belongs to that address. All sessions except
   * `keepSession` end, as do tickets and claims of others to the address. `mails` receives the previous address.
   * Returns `false` if the ticket is no longer valid or another account has the address.
   */
  change(
    ticket: Ticket,
    with_: { readonly keepSession: string; readonly at: Date },
    because: readonly Fact[],
    mails: (before: { readonly email: string | null; readonly verified: boolean }) => readonly Mail[],
  ): Promise<boolean>

  /**
   * Signs in to the account for the ticket's address: `opens` is called again within the transaction. An account that
   * is taken over loses its password, factors and sessions, and its address is verified. A fresh account is created
   * with its address verified, and claims of others to it end. `because` returns the audit facts for the result.
   * Returns `undefined` if the ticket is no longer valid, or the address now gives access to another account.
   */
  open(
    ticket: Ticket,
    coming: EmailSignIn,
    because: (tag: EmailAccess['tag']) => readonly Fact[],
  ): Promise<EmailSignInResult | undefined>

  /**
   * The account of the ticket, if its person already holds the email address, and what uses the ticket up: it cannot be
   * made if that is over. `undefined`: `open` decides.
   */
  held(
    ticket: Ticket,
    coming: Pick<EmailSignIn, 'opens' | 'at'>,
  ): Promise<{ readonly account: Account; readonly using: PreparedChange } | undefined>

  /**
   * The same as `open`, and sets a password. All sessions, tickets and trusted devices end, except `keepDevice` if the account
   * already belonged to the person. A disabled account is returned unchanged.
   */
  reset(
    ticket: Ticket,
    coming: EmailSignIn & { readonly hash: string; readonly keepDevice: string | null },
    because: (tag: EmailAccess['tag']) => readonly Fact[],
  ): Promise<EmailSignInResult | undefined>
}

/** An invitation to send: its ticket and its message. */
export type InvitationToSend = { readonly ticket: Ticket; readonly letter: Mail }

/** Accounts that administrators create for an email address, until a person proves that the address is theirs. */
export interface InvitedAccountStore {
  /**
   * Creates the account without any sign-in method. Of concurrent calls for one email address, the first creates it.
   * `email_taken`: an account has verified the address, or is invited with it. Unverified claims of others stay.
   */
  create(
    account: Account,
    emailKey: string,
    invitation: InvitationToSend | null,
    because: readonly Fact[],
  ): Promise<ManagedAccount | 'email_taken'>
  /** Sends an invitation again; the link of the previous one becomes invalid. */
  send(
    accountId: string,
    invitation: InvitationToSend,
    because: readonly Fact[],
  ): Promise<ManagedAccount | 'not_found' | 'not_invited'>
  /** Deletes the account and the messages that wait for it. `not_invited`: the person has accepted in the meantime. */
  withdraw(accountId: string, because: readonly Fact[]): Promise<'withdrawn' | 'not_found' | 'not_invited'>
  /**
   * Uses the ticket of the message, verifies the email address and sets the password, if there is one. Claims of other
   * accounts to the address end. Returns `false` if the ticket is no longer valid, or the account no longer invited.
   */
  accept(
    ticket: Ticket,
    accepted: { readonly at: Date; readonly hash: string | null },
    because: readonly Fact[],
  ): Promise<boolean>
}

/** The credential of a back end. Only hashes of its secrets are stored. */
export type ServiceCredential = {
  readonly id: string
  /** The name that administrators gave it. */
  readonly name: string
  readonly secretHash: string
  /** The previous secret, which is valid until `previousUntil`. */
  readonly previousHash: string | null
  readonly previousUntil: Date | null
  readonly scopes: readonly string[]
  /** The account of the administrator who created it, while it exists. */
  readonly createdBy: string | null
  readonly createdAt: Date
  readonly lastUsedAt: Date | null
  readonly revokedAt: Date | null
}

export interface ServiceCredentialStore {
  /** Returns `false` if `most` active credentials exist, even with concurrent calls. */
  create(credential: ServiceCredential, most: number, because: readonly Fact[]): Promise<boolean>
  /** Finds revoked credentials too. */
  find(id: string): Promise<ServiceCredential | undefined>
  /** Active credentials, newest first. */
  list(): Promise<readonly ServiceCredential[]>
  /**
   * Replaces the secret. The current one becomes the previous one until `previousUntil`. Returns `undefined` if the
   * credential is revoked or does not exist.
   */
  rotate(
    id: string,
    secretHash: string,
    previousUntil: Date,
    because: readonly Fact[],
  ): Promise<ServiceCredential | undefined>
  /** Returns `false` if it was already revoked or does not exist. */
  revoke(id: string, at: Date, because: readonly Fact[]): Promise<boolean>
  /** Records the time of use, which never decreases. */
  touch(id: string, at: Date): Promise<void>
}
