import type { Fact } from '../events/catalogue.ts'
import type { Account, IdentityUse, Role } from '../kernel/account.ts'
import type { Email } from '../kernel/email.ts'

/** A way into an account through a provider. Its key is (issuer, subject), never an e-mail. */
export type Identity = {
  readonly id: string
  readonly accountId: string
  readonly provider: string
  /** The issuer for OpenID Connect, the provider's id elsewhere. */
  readonly issuer: string
  readonly subject: string
  readonly linkedAt: Date
} & IdentityUse

/** What a link rests on and must still be true when it is written; the evidence was gathered before. */
export type LinkCondition =
  /** The account holds this address as verified, is no administrator, and has no identity of this provider. */
  | { readonly tag: 'holds_address'; readonly email: Email }
  /** Whoever asked for it is still signed in. */
  | { readonly tag: 'signed_in'; readonly sessionId: string }

/** All there is to sign in to an account with, as rows. */
export type SignInMethods = {
  readonly identities: readonly Identity[]
  /** Whether the address it belongs to is one the account has proven. */
  readonly password: { readonly emailVerified: boolean } | null
  readonly passkeys: readonly { readonly id: string; readonly name: string }[]
}

export interface AccountStore {
  find(id: string): Promise<Account | undefined>
  findByIdentity(issuer: string, subject: string): Promise<{ account: Account; identity: Identity } | undefined>
  /** Every account that holds or claims the address: the verified holder first, then by age. */
  findByEmail(emailKey: string): Promise<readonly { account: Account; identities: readonly Identity[] }[]>
  /** Oldest link first. */
  identitiesOf(accountId: string): Promise<readonly Identity[]>
  signInMethodsOf(accountId: string): Promise<SignInMethods>

  /**
   * Account and identity, both or neither. `false`, with nothing written, when the identity exists, the
   * verified address is held, or (unless `separate`) any other account holds or claims the address
   * meanwhile: whoever asks then gathers the evidence again. With a verified address, every other
   * account's mere claim to it ends, with that account's sessions.
   */
  create(
    account: Account,
    identity: Identity,
    options: { separate: boolean },
    because: readonly Fact[],
  ): Promise<boolean>

  /**
   * Adds the identity to its account. `false`, with nothing written, when the identity exists anywhere or the account
   * is gone or disabled, or what it rests on (`provided`) no longer holds; `too_many_identities` when the account has
   * twenty. Of many links at once, only as many are written as there is room for. When `proves` is the account's own
   * unverified address and nobody else holds it, the address becomes verified, and every other account's mere claim to
   * it ends, with its sessions.
   */
  link(
    identity: Identity,
    proves: Email | null,
    because: readonly Fact[],
    provided?: LinkCondition,
  ): Promise<boolean | 'too_many_identities'>

  /**
   * The account's own unverified address becomes verified, unless somebody else holds it; every other account's mere
   * claim to it ends, with its sessions. `false`, with nothing written, otherwise.
   */
  proveEmail(accountId: string, email: Email, at: Date, because: readonly Fact[]): Promise<boolean>

  /** Stores what the provider reported, together with what else the sign-in decided (`because`). */
  recordUse(identityId: string, use: IdentityUse, because: readonly Fact[]): Promise<void>

  /**
   * Removes an identity, ends the sessions it opened (other than `keepSession`), and moves its grant to the queue of
   * revocations unless something else still needs that grant. `mayRemove` is asked, inside the transaction,
   * about what would be left. Two at once on the last two: one is refused. `session_revoked`: whoever asked for it
   * (`keepSession`) was signed out meanwhile.
   */
  unlink(
    of: { accountId: string; identityId: string; keepSession: string | null; at: Date },
    mayRemove: (left: SignInMethods) => boolean,
    because: (gone: Identity) => readonly Fact[],
  ): Promise<'unlinked' | 'not_linked' | 'last_login_method' | 'session_revoked'>

  /**
   * Takes back what the account granted with one of its identities, or with all: tokens are erased at once and queued
   * for revocation, the sign-ins stay. `because` is asked for each identity that had granted something. Answers those.
   */
  withdraw(
    of: { accountId: string; identityId: string | null; at: Date },
    because: (from: Identity) => readonly Fact[],
  ): Promise<readonly Identity[]>

  update(
    id: string,
    change: Partial<Pick<Account, 'name' | 'picture'>>,
    at: Date,
    because: readonly Fact[],
  ): Promise<Account | undefined>

  /**
   * Erases the account with everything it owns; its grants go to the queue of revocations. Audit rows stay, without
   * personal data. The last administrator who is not disabled stays. A long history (ended sessions, trusted devices,
   * activity) goes in batches before; if the process dies in between, the account is still there without that history.
   */
  remove(id: string, at: Date, because: readonly Fact[]): Promise<boolean | 'last_administrator'>
}

/** What is looked for among all accounts; `null` does not matter. */
export type UserSearch = {
  /** Part of an email address, a name or an ID, in upper or lower case. */
  readonly text: string | null
  readonly role: Role | null
  readonly disabled: boolean | null
  /** Where the previous page ended; `null` for the first. */
  readonly after: UserPlace | null
  readonly limit: number
}
/** A place in a list of accounts: that of an account, which may be deleted in the meantime. */
export type UserPlace = {
  readonly createdAt: Date
  readonly id: string
  /** In a search, among the accounts of which something begins with the text: in which index, and its key there. */
  readonly begins?: { readonly index: number; readonly key: string }
}
export type UserPage = {
  readonly accounts: readonly Account[]
  /** Where the next page begins; `null` if there is none. */
  readonly next: UserPlace | null
}
/** An account, and how much there is to it. */
export type User = {
  readonly account: Account
  readonly identities: number
  readonly sessions: number
  readonly passkeys: number
  readonly password: boolean
}
export type UserRefusal = 'not_found' | 'last_administrator' | 'address_needed'

/**
 * Accounts as whoever looks after the service sees them. Every change answers the account as it is afterwards, or why
 * not, with nothing written. The last administrator who is not disabled is neither disabled nor given another role,
 * however many try at once.
 */
export interface UserStore {
  /**
   * At most `limit` accounts, newest first; an account created in the meantime does not change the order. With a text,
   * the accounts whose email address, name or ID begins with it come first. A page of a
   * search examines a limited number of accounts, so it can be short, or empty, and still have a `next`.
   */
  list(search: UserSearch): Promise<UserPage>
  get(id: string, at: Date): Promise<User | undefined>
  /**
   * With a role its sessions get `scope` in the same transaction, so that nobody asks with the old one afterwards.
   * Nobody becomes administrator without a verified address: whoever proves a claimed one ends that account's password.
   */
  update(
    id: string,
    change: {
      readonly name?: string | null
      readonly picture?: string | null
      readonly role?: { readonly name: Role; readonly scope: string }
    },
    at: Date,
    because: (before: Account) => readonly Fact[],
  ): Promise<Account | UserRefusal>
  /** Ends its sessions, and whatever was sent out to be brought back; an account that is disabled stays as it is. */
  disable(
    id: string,
    at: Date,
    because: readonly Fact[],
    ended: (sessionId: string) => Fact,
  ): Promise<Account | 'not_found' | 'last_administrator'>
  enable(id: string, at: Date, because: readonly Fact[]): Promise<Account | 'not_found'>
  /**
   * Asks for no second factor any more: app and recovery codes go, passkeys stay a way in. Ends its sessions, and whatever
   * was sent out or begun before. `because` is told what was asked for.
   */
  removeSecondFactor(
    id: string,
    at: Date,
    because: (factor: 'totp' | 'passkey') => readonly Fact[],
    ended: (sessionId: string) => Fact,
  ): Promise<Account | 'not_found' | 'second_factor_missing'>
}

/** An open question: this identity's address already has an account. Sealed, short, one use. */
export type Conflict = {
  readonly id: string
  readonly ticketHash: string
  /** SHA-256 of the browser's conflict cookie, or of the app's `flow_token`. */
  readonly bindingHash: string
  readonly provider: string
  /** The provider's grant as JSON, sealed at `conflicts/<id>/grant`. */
  readonly grant: string
  readonly returnTo: string | null
  readonly codeChallenge: string | null
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly resolvedAt: Date | null
}

export interface ConflictStore {
  open(conflict: Conflict, because: readonly Fact[]): Promise<void>
  /** Only while open: not resolved, not expired at `at`, and with this binding. */
  find(match: { ticketHash: string; bindingHash: string }, at: Date): Promise<Conflict | undefined>
  /** Takes it, once. */
  resolve(id: string, at: Date): Promise<boolean>
}

export type Row = Readonly<Record<string, unknown>>
type Rows = readonly Row[]
/** Rows of which there may be any number: one page for each step, read when it is asked for. */
export type Pages = AsyncIterable<Rows>

/** All there is about somebody, table by table, without what would let its finder in. */
export type PersonalData = {
  readonly account: Row
  readonly identities: Rows
  readonly sessions: Pages
  readonly passwords: Rows
  readonly totpFactors: Rows
  readonly recoveryCodes: Rows
  readonly passkeys: Rows
  readonly trustedDevices: Rows
  readonly tickets: Rows
  readonly mails: Rows
  readonly pendingSignIns: Rows
  readonly signInCodes: Rows
  readonly flows: Rows
  readonly grants: Rows
  readonly revocations: Rows
  /** Wrong guesses at the account and its trusted devices. */
  readonly guesses: Rows
  /** Those they made for back ends. */
  readonly serviceCredentials: Rows
  /** The teams they are in. */
  readonly teamMembers: Rows
  /** Invitations they sent, and those to the address they have proven. */
  readonly teamInvitations: Rows
  /** What they connected for a team. */
  readonly jiraIntegrations: Rows
  readonly activity: Pages
}

export interface PersonalDataStore {
  /**
   * Read in one transaction, except for the pages; those are read later, and show what is there then. `undefined` where
   * there is no such account.
   */
  gather(accountId: string, because: readonly Fact[]): Promise<PersonalData | undefined>
}
