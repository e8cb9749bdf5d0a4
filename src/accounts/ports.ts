import type { Fact } from '../events/catalogue.ts'
import type { Account, AccountMetadata, IdentityUse, Role } from '../kernel/account.ts'
import type { Email } from '../kernel/email.ts'
import type { PreparedChange } from '../kernel/prepared-change.ts'

/** An identity at a provider that signs in to an account. Its key is (issuer, subject), never an email address. */
export type Identity = {
  readonly id: string
  readonly accountId: string
  readonly provider: string
  /** The issuer for OpenID Connect; otherwise the provider's ID. */
  readonly issuer: string
  readonly subject: string
  readonly linkedAt: Date
} & IdentityUse

/**
 * A condition of a link. It was checked when the evidence was gathered, and must still hold when the link is written.
 */
export type LinkCondition =
  /** The account has this email address as verified, is not an administrator, and has no identity of this provider. */
  | { readonly tag: 'holds_address'; readonly email: Email }
  /** An administrator invited this email address to the account, and nobody has accepted. It is not an administrator. */
  | { readonly tag: 'invited'; readonly email: Email }
  /** The session that requested the link is still alive. */
  | { readonly tag: 'signed_in'; readonly sessionId: string }

/** All sign-in methods of an account, as rows. */
export type SignInMethods = {
  readonly identities: readonly Identity[]
  /** Whether the account has proven the email address of the password. */
  readonly password: { readonly emailVerified: boolean } | null
  readonly passkeys: readonly { readonly id: string; readonly name: string }[]
}

/** An account that has or claims an email address. */
export type Namesake = {
  readonly account: Account
  readonly identities: readonly Identity[]
  /** An administrator invited the person, who has not proven the address yet. */
  readonly isInvited?: boolean
}

export interface AccountStore {
  find(id: string): Promise<Account | undefined>
  findByIdentity(issuer: string, subject: string): Promise<{ account: Account; identity: Identity } | undefined>
  /** The accounts that have or claim the email address: first the one that verified it, then by age. */
  findByEmail(emailKey: string): Promise<readonly Namesake[]>
  /** Oldest link first. */
  identitiesOf(accountId: string): Promise<readonly Identity[]>
  signInMethodsOf(accountId: string): Promise<SignInMethods>

  /**
   * Creates the account and its identity, both or neither. Returns `false`, with nothing written, if the identity
   * exists or another account has verified the email address. Unless `separate`, it also returns `false` if another
   * account has or claims the address, and `separate` with an unverified address if `mostClaims` accounts do. The
   * caller then gathers the evidence again. With a verified address, the claims of all other accounts to it end, with
   * their sessions.
   */
  create(
    account: Account,
    identity: Identity,
    options: { separate: boolean },
    because: readonly Fact[],
  ): Promise<boolean>

  /**
   * Adds the identity to its account. Returns `false`, with nothing written, if the identity exists anywhere, the
   * account is deleted or disabled, or the condition `provided` no longer holds. Returns `too_many_identities` if the
   * account has twenty; concurrent links cannot exceed that. If `proves` is the account's own unverified email address
   * and no other account has it, the address becomes verified. Then the claims of all other accounts to it end, with
   * their sessions.
   */
  link(
    identity: Identity,
    proves: Email | null,
    because: readonly Fact[],
    provided?: LinkCondition,
  ): Promise<boolean | 'too_many_identities'>

  /**
   * Marks the account's own email address as verified, unless another account has verified it. The claims of all other
   * accounts to it end, with their sessions. Returns `false` if nothing was written.
   */
  proveEmail(accountId: string, email: Email, at: Date, because: readonly Fact[]): Promise<boolean>

  /** Stores what the provider reported, together with the facts of the sign-in (`because`). */
  recordUse(identityId: string, use: IdentityUse, because: readonly Fact[]): Promise<void>

  /**
   * Removes an identity and ends the sessions it started (except `keepSession`). Its grant is deleted and queued for
   * revocation. `mayRemove` decides within the transaction, from the methods that would be left: of two concurrent
   * calls for the last two methods, one is refused. `session_revoked`: the session that requested it (`keepSession`)
   * was ended in the meantime.
   */
  unlink(
    of: { accountId: string; identityId: string; keepSession: string | null; at: Date },
    mayRemove: (left: SignInMethods) => boolean,
    because: (gone: Identity) => readonly Fact[],
  ): Promise<'unlinked' | 'not_linked' | 'last_login_method' | 'session_revoked'>

  /**
   * Withdraws the grants of one of the account's identities, or of all. Tokens are erased at once and queued for
   * revocation; the sign-in methods stay. `because` is called for each identity that had a grant. Returns those
   * identities.
   */
  withdraw(
    of: { accountId: string; identityId: string | null; at: Date },
    because: (from: Identity) => readonly Fact[],
  ): Promise<readonly Identity[]>

  update(
    id: string,
    change: Partial<Pick<Account, 'name' | 'picture' | 'locale' | 'timeZone'>>,
    at: Date,
    because: readonly Fact[],
  ): Promise<Account | undefined>

  /**
   * Erases the account and everything it owns; its grants are queued for revocation. Audit log entries stay, without
   * personal data. The last enabled administrator cannot be erased. A long history (ended sessions, trusted devices,
   * activity) is erased in batches first. If the process dies in between, the account still exists, without that
   * history.
   */
  remove(id: string, at: Date, because: readonly Fact[]): Promise<boolean | 'last_administrator'>
}

/** A search among all accounts; `null` matches everything. */
export type UserSearch = {
  /** Part of an email address, a name or an ID, case-insensitive. */
  readonly text: string | null
  readonly role: Role | null
  readonly disabled: boolean | null
  readonly verified?: boolean | null
  readonly secondFactor?: boolean | null
  readonly invited?: boolean | null
  /** Only accounts with an identity at this provider. */
  readonly provider?: string | null
  /**
   * Only accounts that signed in within this time, to the hour. Without a start, it includes those that never did. The
   * list is then ordered by the last sign-in, latest first.
   */
  readonly lastSignIn?: { readonly from: Date | null; readonly before: Date | null } | null
  /** Where the previous page ended; `null` for the first. */
  readonly after: UserPlace | null
  readonly limit: number
}
/** The position of an account in a list. The account may be deleted in the meantime. */
export type UserPlace = {
  /** The time that the list is ordered by: of creation, or of the last sign-in. */
  readonly at: Date
  readonly id: string
  /** In a search, for an account that matches by prefix: the index it was found in, and its key there. */
  readonly begins?: { readonly index: number; readonly key: string }
}
/** An account as administrators see it. */
export type ManagedAccount = Account & {
  /** The hour of the last sign-in; `null`: never. */
  readonly lastSignInAt: Date | null
  /**
   * When an administrator added the person, or last sent them an invitation; `null` once the person has proven the
   * email address, and for accounts that people created themselves.
   */
  readonly invitedAt: Date | null
  /** When the link of the invitation expires; `null` if none was sent. */
  readonly invitationExpiresAt: Date | null
}
export type UserPage = {
  readonly accounts: readonly ManagedAccount[]
  /** Where the next page starts; `null` if there is none. */
  readonly next: UserPlace | null
}
/** How many accounts match a search. */
export type UserCount = {
  readonly count: number
  /** Whether these are all. Otherwise there are more, or not every account was examined. */
  readonly isComplete: boolean
}
/** An account, and how many identities, sessions and passkeys it has. */
export type UserListItem = {
  readonly account: ManagedAccount
  readonly identities: number
  readonly sessions: number
  readonly passkeys: number
  readonly password: boolean
}
export type UserRefusal = 'not_found' | 'last_administrator' | 'address_needed'

/**
 * Accounts as administrators see them. Every change returns the account after it, or the reason for a refusal, with
 * nothing written. The last enabled administrator can neither be disabled nor get another role, even by concurrent
 * calls.
 */
/** An account with an identity at a provider, and all its sign-in methods. */
export type ProviderAccount = {
  readonly account: Pick<Account, 'id' | 'email' | 'name' | 'disabledAt'>
  readonly methods: SignInMethods
}

export interface UserStore {
  /**
   * Accounts with an identity at this provider, in the order of their subjects there, after the subject `after`. Each
   * call reads a limited number of identities; `next` is where the next page starts, `null` at the end.
   */
  atProvider(
    provider: string,
    page: { readonly after: string; readonly limit: number },
  ): Promise<{ readonly accounts: readonly ProviderAccount[]; readonly next: string | null }>
  /**
   * At most `limit` accounts, newest first; an account created in the meantime does not change the order. With a text,
   * the accounts whose email address, name or ID begins with it come first. A page of a search examines a limited
   * number of accounts, so it can be short, or empty, and still have a `next`.
   */
  list(search: UserSearch): Promise<UserPage>
  /**
   * Counts what `list` would return, up to a limit. A search, and conditions that are in no index, are counted among a
   * limited number of accounts. So a count costs the same at any number of accounts.
   */
  count(search: Omit<UserSearch, 'after' | 'limit'>): Promise<UserCount>
  get(id: string, at: Date): Promise<UserListItem | undefined>
  /** The accounts with this email address, verified or not, oldest first. */
  atAddress(emailKey: string, limit: number): Promise<readonly Account[]>
  /** What pages call these accounts, in any order. Deleted accounts are missing. */
  names(ids: readonly string[]): Promise<readonly Pick<Account, 'id' | 'name' | 'email'>[]>
  /**
   * With a role, the account's sessions get `scope` in the same transaction, so that no later request has the old one.
   * An administrator needs a verified email address: when another person proves a merely claimed one, the account loses
   * its password.
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
  ): Promise<ManagedAccount | UserRefusal>
  /**
   * Changes the metadata. `decide` gets the current state, and nobody changes it in the meantime; `undefined` changes
   * nothing.
   */
  updateMetadata(
    id: string,
    decide: (
      current: AccountMetadata,
    ) => { readonly metadata: AccountMetadata; readonly because: readonly Fact[] } | undefined,
    at: Date,
  ): Promise<ManagedAccount | 'not_found'>
  /**
   * Ends the account's sessions, and invalidates its links and codes. An account that is already disabled is not
   * changed.
   */
  disable(
    id: string,
    at: Date,
    because: readonly Fact[],
    ended: (sessionId: string) => Fact,
  ): Promise<ManagedAccount | 'not_found' | 'last_administrator'>
  enable(id: string, at: Date, because: readonly Fact[]): Promise<ManagedAccount | 'not_found'>
  /**
   * Turns two-step sign-in off: deletes the authenticator app and recovery codes; passkeys remain sign-in methods. Ends
   * the account's sessions, and invalidates its links, codes and pending sign-ins. `because` gets the factor.
   */
  removeSecondFactor(
    id: string,
    at: Date,
    because: (factor: 'totp' | 'passkey') => readonly Fact[],
    ended: (sessionId: string) => Fact,
  ): Promise<ManagedAccount | 'not_found' | 'second_factor_missing'>
}

/**
 * An open conflict: the email address of this identity already belongs to an account. Sealed, short-lived, and used
 * once.
 */
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
  /** Only an open conflict: not resolved, not expired at `at`, and with this binding. */
  find(match: { ticketHash: string; bindingHash: string }, at: Date): Promise<Conflict | undefined>
  /** Marks it as resolved: this can be made once. */
  resolving(id: string, at: Date, because: readonly Fact[]): PreparedChange
}

export type Row = Readonly<Record<string, unknown>>
type Rows = readonly Row[]
/** Rows without an upper limit: one page for each step, read when requested. */
export type Pages = AsyncIterable<Rows>

/** All data about a person, table by table, without anything that lets a finder of the file sign in. */
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
  readonly revocations: Pages
  /** Wrong guesses for the account and its trusted devices. */
  readonly guesses: Rows
  /** Service credentials that they created. */
  readonly serviceCredentials: Rows
  readonly providers: Rows
  readonly providerVersions: Rows
  /** What they allowed applications to see. */
  readonly applicationConsents: Rows
  /** Their sign-ins to applications, newest first. */
  readonly applicationSessions: Pages
  /** Logout notices to applications that wait to be delivered. */
  readonly logoutNotices: Pages
  /** Sign-ins to applications that are still open. */
  readonly openidStates: Rows
  /** Applications that they registered. */
  readonly applications: Rows
  /** The initial access tokens they created, for applications that register themselves. */
  readonly registrationTokens: Rows
  /** The teams they belong to. */
  readonly teamMembers: Rows
  /** Invitations they sent, and those to their verified email address. */
  readonly teamInvitations: Rows
  /** Jira connections they made for a team. */
  readonly jiraIntegrations: Rows
  readonly activity: Pages
}

export interface PersonalDataStore {
  /**
   * Reads everything in one transaction, except for the pages: those are read later, in their state at that time.
   * `undefined` if the account does not exist.
   */
  gather(accountId: string, because: readonly Fact[]): Promise<PersonalData | undefined>
}
