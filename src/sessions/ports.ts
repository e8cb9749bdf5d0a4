import type { Action, Fact } from '../events/catalogue.ts'
import type { Account, Role } from '../kernel/account.ts'
import type { PreparedChange } from '../kernel/prepared-change.ts'

export type EndReason =
  | 'logout'
  | 'logout_all'
  | 'revoked'
  | 'replaced'
  | 'session_limit'
  | 'token_reused'
  | 'code_reused'
  | 'identity_unlinked'
  | 'email_claim_ended'
  | 'account_deleted'
  | 'password_changed'
  | 'password_reset'
  | 'password_removed'
  | 'second_factor_added'
  | 'second_factor_removed'
  | 'email_changed'
  | 'account_disabled'
  | 'by_administrator'
  | 'operator'

/** A signed-in device: one row for its whole lifetime, however often its tokens rotate. */
export type Session = {
  readonly id: string
  readonly accountId: string
  /** The identity that started it, and its provider. */
  readonly identityId: string | null
  readonly provider: string | null
  /** The name that the person has given this device. */
  readonly name: string | null
  /** How the person authenticated (RFC 8176, authentication method references). */
  readonly amr: readonly string[]
  /** The scopes of its access tokens, separated by spaces. */
  readonly scope: string
  readonly authTime: Date
  readonly createdAt: Date
  readonly lastSeenAt: Date
  readonly ip: string | null
  readonly userAgent: string | null
  /** The generation of the current refresh token. A rotation is one compare-and-set of this number. */
  readonly generation: number
  /** When `generation` became current. */
  readonly rotatedAt: Date
  /** The newest generation that a client has used. */
  readonly usedGeneration: number
  readonly idleExpiresAt: Date
  readonly absoluteExpiresAt: Date
  readonly endedAt: Date | null
  readonly endReason: EndReason | null
}

/** The sign-in method of a sign-in. It must still exist when the session starts. */
export type Opener =
  | { readonly tag: 'identity'; readonly id: string }
  /** `changedAt` in milliseconds: a password changed in the meantime is another one. */
  | { readonly tag: 'password'; readonly changedAt: number }
  | { readonly tag: 'passkey'; readonly id: string }
  /** An email to this address, given by its key. The account must have proven it, and still have it. */
  | { readonly tag: 'email'; readonly emailKey?: string }

/** What was just proven, and how. */
export type Proof = {
  readonly opener: Opener
  /** A provider's ID, or `password`, `passkey`, `email`, as in the audit log and the metrics. */
  readonly provider: string
  /** The user's ID at the provider; without a provider, the account's own ID. */
  readonly providerUserId: string
  readonly action: Action
  /** Authentication methods (RFC 8176). With `mfa` among them, no second factor is required. */
  readonly amr: readonly string[]
}

/** A sign-in with its first proof, waiting for the second. */
export type PendingSignIn = {
  readonly id: string
  readonly ticketHash: string
  readonly accountId: string
  readonly proof: Proof
  /** Whether the sign-in ends with a cookie, and which session it replaces. */
  readonly browser: boolean
  readonly replaces: string | null
  readonly returnTo: string | null
  readonly codeChallenge: string | null
  readonly provenAt: Date
  readonly expiresAt: Date
  readonly claimedAt: Date | null
}

export interface PendingSignInStore {
  /** `including` is made in the same transaction. Returns `false`, with nothing written, if it cannot be made. */
  begin(pending: PendingSignIn, including?: readonly PreparedChange[]): Promise<boolean>
  /** Neither claimed nor expired at `at`. */
  find(ticketHash: string, at: Date): Promise<PendingSignIn | undefined>
  /** Claims it: this can be made once. */
  claiming(id: string, at: Date): PreparedChange
}

/** What a token pair is signed from. A rotation reads no more than this, because it is the most frequent operation. */
export type TokenSubject = Pick<
  Session,
  'id' | 'accountId' | 'amr' | 'scope' | 'authTime' | 'generation' | 'rotatedAt' | 'idleExpiresAt' | 'absoluteExpiresAt'
>

/** A session and its account, in one read: nearly every request needs both. */
export type LiveSession = Session & { readonly account: Account }

export interface SessionStore {
  /**
   * Starts a session, and ends `replaces`, the previous session of the browser, in the same transaction. `cookieHash`
   * is SHA-256 of the cookie. Returns `false`, with nothing written, if the sign-in method no longer exists, or the
   * account is deleted or disabled. It does the same if the account now requires a second factor and `amr` contains
   * none. With `scopeOf`, the scope follows from the account's role in that transaction. Of a concurrent sign-in and
   * change of role, the second sees the first. The account has at most 100 live sessions afterwards, even with
   * concurrent starts: the least recently seen ones beyond that end with the reason `session_limit`. If it has hundreds
   * that are open and not live, the sweep ends the rest.
   *
   * All of `including` is made in the same transaction, if the session starts. If it cannot be made, no session starts.
   */
  start(
    session: Session,
    with_: {
      opener: Opener
      cookieHash: string | null
      replaces: string | null
      scopeOf?: (role: Role) => string
      including?: readonly PreparedChange[]
    },
    because: readonly Fact[],
  ): Promise<boolean>
  /** Finds ended and expired sessions too, so that callers can give the reason for a refusal. */
  find(id: string): Promise<LiveSession | undefined>
  findByCookie(cookieHash: string): Promise<LiveSession | undefined>
  /**
   * `generation` → `generation + 1`. `undefined` if it is not current, the session is over at `at`, or the account is
   * disabled. Of concurrent calls, exactly one succeeds.
   */
  rotate(id: string, generation: number, at: Date, idleExpiresAt: Date): Promise<TokenSubject | undefined>
  /** Records that a client has used `generation`; the value never decreases. Resolves once the write is durable. */
  markUsed(id: string, generation: number, at: Date): Promise<void>
  /** Records that the device was seen; with `idleExpiresAt`, also extends its idle limit. */
  touch(id: string, at: Date, idleExpiresAt: Date | null): Promise<void>
  /** `false` if it was already over or belongs to another account. */
  end(of: { id: string; accountId: string }, reason: EndReason, at: Date, because: readonly Fact[]): Promise<boolean>
  /**
   * Ends all sessions of an account except `except`, with one `because` each, and the trust in all devices except
   * `keepDevice`. Returns the IDs of the ended sessions once everything is done. Thousands of sessions end in several
   * transactions. If the process dies in between, some have ended, nothing was acknowledged, and the same call ends the
   * rest.
   */
  endAll(
    accountId: string,
    except: string | null,
    reason: EndReason,
    at: Date,
    because: (sessionId: string) => Fact,
    keepDevice?: string | null,
  ): Promise<readonly string[]>
  /** Names the device; `undefined` if the session is over or belongs to another account. */
  rename(
    of: { id: string; accountId: string },
    name: string | null,
    at: Date,
    because: readonly Fact[],
  ): Promise<Session | undefined>
  /** Live sessions, most recently seen first; at most 100. */
  list(accountId: string, at: Date): Promise<readonly Session[]>
}

/** A one-time code for an app on another origin. It stands for a session that has already started. */
export type OneTimeCode = {
  readonly codeHash: string
  readonly sessionId: string
  readonly accountId: string
  /** The values of AuthResponse for the sign-in. */
  readonly action: Action
  readonly provider: string
  readonly providerUserId: string
  readonly codeChallenge: string
  readonly expiresAt: Date
  readonly usedAt: Date | null
}

export interface SignInCodeStore {
  issue(code: OneTimeCode): Promise<void>
  find(codeHash: string): Promise<OneTimeCode | undefined>
  /** Uses it; only the first call returns `true`. */
  spend(codeHash: string, at: Date): Promise<boolean>
}

/**
 * What `end-sessions` ends, one kind after the other. Proofs come first, so that none of them starts a session later.
 */
export const endableKinds = ['tickets', 'pendingSignIns', 'codes', 'sessions', 'trustedDevices'] as const
export type EndableKind = (typeof endableKinds)[number]

export interface EndableStore {
  /**
   * One transaction: ends those of the next rows of this kind, in key order after the key `after`, that were created
   * before `before`. Sessions end with the reason `operator` and one fact each; rows of other kinds are deleted. `last`
   * is the key to continue after; it is absent at the end of the table.
   */
  endSome(
    kind: EndableKind,
    range: { readonly before: Date; readonly after: string },
    at: Date,
  ): Promise<{ readonly ended: number; readonly last: string | undefined }>
}

/**
 * A signing key. It is published from its creation, signs from `activatesAt`, and is removed some time after its
 * successor became active.
 */
export type StoredKey = {
  readonly id: string
  /** `rs256`: for what is signed with RS256; only once an application has asked for it. */
  readonly purpose: 'access' | 'refresh' | 'rs256'
  /** 1, 2, 3 … for each purpose: two nodes that create the first key at the same time create one. */
  readonly sequence: number
  /** Private JWK (or the HMAC secret), sealed at `signing_keys/<id>/secret`. */
  readonly secret: string
  /** Public JWK as JSON; `null` for HMAC. */
  readonly publicJwk: string | null
  readonly createdAt: Date
  readonly activatesAt: Date
}

export interface KeyStore {
  list(): Promise<readonly StoredKey[]>
  /** `false` if that sequence number is taken: another node was faster, so read again. */
  add(key: StoredKey, because: readonly Fact[]): Promise<boolean>
  remove(ids: readonly string[]): Promise<void>
}
