import type { Action, Fact } from '../events/catalogue.ts'
import type { Account, Role } from '../kernel/account.ts'

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

/** One device signed in: one row for its whole life, however often its tokens rotate. */
export type Session = {
  readonly id: string
  readonly accountId: string
  /** The identity that opened it, and its provider. */
  readonly identityId: string | null
  readonly provider: string | null
  /** What its person calls this device. */
  readonly name: string | null
  /** How it was proven (RFC 8176, authentication method references). */
  readonly amr: readonly string[]
  /** Scopes of its access tokens, space separated. */
  readonly scope: string
  readonly authTime: Date
  readonly createdAt: Date
  readonly lastSeenAt: Date
  readonly ip: string | null
  readonly userAgent: string | null
  /** Which refresh token is current. A rotation is one compare-and-set of this number. */
  readonly generation: number
  /** When `generation` became current. */
  readonly rotatedAt: Date
  /** The newest generation that was used with us. */
  readonly usedGeneration: number
  readonly idleExpiresAt: Date
  readonly absoluteExpiresAt: Date
  readonly endedAt: Date | null
  readonly endReason: EndReason | null
}

/** What a sign-in rests on, and must still be there when its session starts. */
export type Opener =
  | { readonly tag: 'identity'; readonly id: string }
  /** `changedAt` in milliseconds: a password changed meanwhile is another one. */
  | { readonly tag: 'password'; readonly changedAt: number }
  | { readonly tag: 'passkey'; readonly id: string }
  /** A mail to an address, by its key: one the account has proven, and still has. */
  | { readonly tag: 'email'; readonly emailKey?: string }

/** What was just proven, and how. */
export type Proof = {
  readonly opener: Opener
  /** A provider's id, or `password`, `passkey`, `email`: what the trail and the metrics call it. */
  readonly provider: string
  /** Who they are there; the account's own id where there is no provider. */
  readonly providerUserId: string
  readonly action: Action
  /** How (RFC 8176). With `mfa` among them no second factor is asked for. */
  readonly amr: readonly string[]
}

/** A sign-in whose first proof is made, and whose second is still to come. */
export type PendingSignIn = {
  readonly id: string
  readonly ticketHash: string
  readonly accountId: string
  readonly proof: Proof
  /** Whether it ends in a cookie, and which session that replaces. */
  readonly browser: boolean
  readonly replaces: string | null
  readonly returnTo: string | null
  readonly codeChallenge: string | null
  readonly provenAt: Date
  readonly expiresAt: Date
  readonly claimedAt: Date | null
}

export interface PendingSignInStore {
  begin(pending: PendingSignIn): Promise<void>
  /** Neither claimed nor expired at `at`. */
  find(ticketHash: string, at: Date): Promise<PendingSignIn | undefined>
  /** Takes it, once. */
  claim(id: string, at: Date): Promise<boolean>
}

/** What a token pair is signed from: what a rotation brings back, and no more, since it happens more than anything else. */
export type TokenSubject = Pick<
  Session,
  'id' | 'accountId' | 'amr' | 'scope' | 'authTime' | 'generation' | 'rotatedAt' | 'idleExpiresAt' | 'absoluteExpiresAt'
>

/** A session and whose it is, in one read: nearly every request asks for both. */
export type LiveSession = Session & { readonly account: Account }

export interface SessionStore {
  /**
   * Starts it; ends `replaces` in the same transaction (a sign-in in a browser that had one). `cookieHash` is SHA-256
   * of the cookie. `false`, with nothing written, when what opens it is no longer there, its account is erased or
   * disabled, or asks for a second factor by now and `amr` names none. With `scopeOf` its scope follows from the role its
   * account has in that very transaction: of a sign-in and a loss of the role at once, whichever comes second sees the
   * other. However many start at once, the account has at most 100 live sessions afterwards: the others, those least
   * recently seen, end with the reason `session_limit`.
   */
  start(
    session: Session,
    with_: {
      opener: Opener
      cookieHash: string | null
      replaces: string | null
      scopeOf?: (role: Role) => string
    },
    because: readonly Fact[],
  ): Promise<boolean>
  /** Ended and expired sessions are found too: whoever asks says why they are refused. */
  find(id: string): Promise<LiveSession | undefined>
  findByCookie(cookieHash: string): Promise<LiveSession | undefined>
  /**
   * `generation` → `generation + 1`, or `undefined` when it is not current, the session is over at `at`, or its account
   * is disabled. One winner among any number at once.
   */
  rotate(id: string, generation: number, at: Date, idleExpiresAt: Date): Promise<TokenSubject | undefined>
  /** Notes that `generation` was used with us; never goes back. Answers after it is durable. */
  markUsed(id: string, generation: number, at: Date): Promise<void>
  /** Notes that the device was seen; with `idleExpiresAt` its idle limit moves as well. */
  touch(id: string, at: Date, idleExpiresAt: Date | null): Promise<void>
  /** `false` when it was already over or is not this account's. */
  end(of: { id: string; accountId: string }, reason: EndReason, at: Date, because: readonly Fact[]): Promise<boolean>
  /**
   * Ends all of an account, but for `except`; one `because` each. No device is trusted any more but `keepDevice`.
   * Returns the ended ids when all of it is done. Thousands end in several transactions: if the process dies in between,
   * some have ended, nothing was acknowledged, and the same call ends the rest.
   */
  endAll(
    accountId: string,
    except: string | null,
    reason: EndReason,
    at: Date,
    because: (sessionId: string) => Fact,
    keepDevice?: string | null,
  ): Promise<readonly string[]>
  /** What its person calls it; `undefined` when it is over or not this account's. */
  rename(
    of: { id: string; accountId: string },
    name: string | null,
    at: Date,
    because: readonly Fact[],
  ): Promise<Session | undefined>
  /** Live ones, last seen first; at most 100. */
  list(accountId: string, at: Date): Promise<readonly Session[]>
}

/** A one-time code for an app on another origin; it stands for a session already started. */
export type SignInCode = {
  readonly codeHash: string
  readonly sessionId: string
  readonly accountId: string
  /** What AuthResponse says of the sign-in. */
  readonly action: Action
  readonly provider: string
  readonly providerUserId: string
  readonly codeChallenge: string
  readonly expiresAt: Date
  readonly usedAt: Date | null
}

export interface SignInCodeStore {
  issue(code: SignInCode): Promise<void>
  find(codeHash: string): Promise<SignInCode | undefined>
  /** Spends it, once. */
  spend(codeHash: string, at: Date): Promise<boolean>
}

/** What `end-sessions` ends, one kind after the other. Proofs come first, so that none of them opens a session later. */
export const endableKinds = ['tickets', 'pendingSignIns', 'codes', 'sessions', 'trustedDevices'] as const
export type EndableKind = (typeof endableKinds)[number]

export interface EndableStore {
  /**
   * One transaction: of the next rows of this kind in the order of their keys, after the key `after`, ends those that
   * were created before `before`. Sessions are ended with the reason `operator` and one fact each; rows of other kinds
   * are deleted. `last` is the key to continue after; it is absent at the end of the table.
   */
  endSome(
    kind: EndableKind,
    range: { readonly before: Date; readonly after: string },
    at: Date,
  ): Promise<{ readonly ended: number; readonly last: string | undefined }>
}

/** A signing key: born published, signs from `activatesAt`, dies some time after its successor took over. */
export type StoredKey = {
  readonly id: string
  readonly purpose: 'access' | 'refresh'
  /** 1, 2, 3 … for each purpose: two nodes making the first key at once make one. */
  readonly sequence: number
  /** Private JWK (or the HMAC secret), sealed at `signing_keys/<id>/secret`. */
  readonly secret: string
  /** Public JWK as JSON; absent for HMAC. */
  readonly publicJwk: string | null
  readonly createdAt: Date
  readonly activatesAt: Date
}

export interface KeyStore {
  list(): Promise<readonly StoredKey[]>
  /** `false` when that sequence number is taken: somebody was faster, read again. */
  add(key: StoredKey, because: readonly Fact[]): Promise<boolean>
  remove(ids: readonly string[]): Promise<void>
}
