import type { Fact } from '../events/catalogue.ts'
import type { Account } from '../kernel/account.ts'
import type { Picture } from '../kernel/picture.ts'
import type { PreparedChange } from '../kernel/prepared-change.ts'
import type { Slice } from '../kernel/take-turns.ts'
import type { ApplicationAuth, ApplicationKind, ApplicationSource, IdTokenAlgorithm, SubjectType } from './policy.ts'

/** A JSON Web Key Set of public keys. */
export type ApplicationKeys = { readonly keys: readonly Readonly<Record<string, unknown>>[] }

/** A registered application: a client of the OpenID provider. */
export type Application = {
  readonly id: string
  readonly name: string
  readonly kind: ApplicationKind
  /** Operated by the operator of this service: people are not asked for consent. */
  readonly firstParty: boolean
  readonly redirectUris: readonly string[]
  readonly postLogoutRedirectUris: readonly string[]
  /** What it may ask for: standard scopes, and those of its resources. */
  readonly scopes: readonly string[]
  /** The APIs it may request access tokens for (RFC 8707). */
  readonly resources: readonly string[]
  readonly clientAuth: ApplicationAuth
  /** SHA-256 of the secret; `null` for an application that cannot keep one. */
  readonly secretHash: string | null
  readonly previousHash: string | null
  readonly previousUntil: Date | null
  /** `null`: the lifetimes of the service. */
  readonly accessTtlSeconds: number | null
  readonly refreshTtlSeconds: number | null
  readonly backchannelLogoutUri: string | null
  /** The origins from which its scripts may call the API in a browser. */
  readonly corsOrigins: readonly string[]
  /** The URL of a picture, for programs that ask for it. It is never loaded, and no page shows it. */
  readonly logoUri: string | null
  /** The name of its uploaded logo, which pages show (`pictureName`). */
  readonly logo: string | null
  /** Since when nobody can sign in to it, and its tokens are refused; `null` if it is enabled. */
  readonly disabledAt: Date | null
  /** Its public keys (RFC 7517), with which it signs assertions and request objects; `null` if it has none here. */
  readonly jwks: ApplicationKeys | null
  /** Where it publishes its keys instead. */
  readonly jwksUri: string | null
  /** Whether each of its tokens must be bound to a key of its own (RFC 9449). */
  readonly requiresDpop: boolean
  /** Whether it knows people by account ID, or by a pairwise subject. */
  readonly subjectType: SubjectType
  /** A list of redirect URIs, at the host that is the sector of pairwise subjects; `null`: the host of its own ones. */
  readonly sectorIdentifierUri: string | null
  /** The signing algorithm of its id_tokens and logout tokens. */
  readonly idTokenAlgorithm: IdTokenAlgorithm
  /** Who registered it. It never changes. */
  readonly source: ApplicationSource
  /** SHA-256 of the token with which it manages its own registration (RFC 7592); `null` if it has none. */
  readonly registrationHash: string | null
  /** What its metadata document said when it was last read, as a SHA-256; `null` if it has none. */
  readonly documentHash: string | null
  readonly documentReadAt: Date | null
  /** The administrator who created it. */
  readonly createdBy: string | null
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly lastUsedAt: Date | null
}

/** The parts of an application that an administrator changes. */
export type ApplicationChange = Partial<
  Pick<
    Application,
    | 'name'
    | 'firstParty'
    | 'redirectUris'
    | 'postLogoutRedirectUris'
    | 'scopes'
    | 'resources'
    | 'clientAuth'
    | 'accessTtlSeconds'
    | 'refreshTtlSeconds'
    | 'backchannelLogoutUri'
    | 'corsOrigins'
    | 'logoUri'
    | 'jwks'
    | 'jwksUri'
    | 'requiresDpop'
    | 'subjectType'
    | 'sectorIdentifierUri'
    | 'idTokenAlgorithm'
  >
>

export interface ApplicationStore {
  /** `false`, with nothing written, if administrators have created `most` already. */
  create(application: Application, most: number, because: readonly Fact[]): Promise<boolean>
  find(id: string): Promise<Application | undefined>
  /** All of them, newest first. */
  list(): Promise<readonly Application[]>
  /** The origins from which scripts of enabled applications may call. */
  corsOrigins(): Promise<ReadonlySet<string>>
  /** Whether there is any: without one, the engine is not loaded. */
  any(): Promise<boolean>
  /**
   * Changes it in one transaction. `decide` sees the current state; `undefined` changes nothing. Returns the changed
   * application; `undefined` if it does not exist or `decide` refused.
   */
  update(
    id: string,
    decide: (current: Application) => (ApplicationChange & { readonly updatedAt: Date }) | undefined,
    because: readonly Fact[],
  ): Promise<Application | undefined>
  /**
   * Writes what a metadata document says, or replaces what it said before. `because` is recorded if that differs. Beyond
   * `most` documents, one that nobody has used makes room. `undefined` if there is none.
   */
  putDocument(application: Application, most: number, because: readonly Fact[]): Promise<Application | undefined>
  /** The current secret becomes the previous one. `undefined` if the application does not exist or has no secret. */
  rotateSecret(
    id: string,
    secretHash: string,
    previousUntil: Date,
    because: readonly Fact[],
  ): Promise<Application | undefined>
  /** The previous secret is invalid at once. `undefined` if the application does not exist or has none at `at`. */
  endPreviousSecret(id: string, at: Date, because: readonly Fact[]): Promise<Application | undefined>
  /** Stores its logo, or removes it with `null`. `undefined` if the application does not exist. */
  setLogo(id: string, logo: Picture | null, at: Date, because: readonly Fact[]): Promise<Application | undefined>
  /** A logo by the hash of its content. */
  logo(hash: string): Promise<Picture | undefined>
  /** Disables it, or enables it with `null`. Nothing is recorded if it was so already. */
  setDisabled(id: string, at: Date | null, because: readonly Fact[]): Promise<Application | undefined>
  /**
   * Deletes it with its consents and sessions. It is disabled first, and these are erased in batches: after a crash, the
   * next call continues.
   */
  remove(id: string, at: Date, because: readonly Fact[]): Promise<boolean>
  touch(id: string, at: Date): Promise<void>
}

/** An initial access token (RFC 7591 §1.2): its holder may register applications. Only its hash is stored. */
export type RegistrationToken = {
  readonly id: string
  /** What an administrator calls it. */
  readonly name: string
  readonly tokenHash: string
  /** How many more applications may be registered with it. */
  readonly usesLeft: number
  readonly expiresAt: Date
  readonly createdBy: string | null
  readonly createdAt: Date
}

export interface RegistrationStore {
  /**
   * Writes an application that registers itself. With `tokenHash`, one use of that token is taken in the same
   * transaction: of concurrent calls for its last use, exactly one succeeds. Nothing is written if the token is unknown,
   * used up or expired, or if there are `most` such applications already.
   */
  register(
    application: Application,
    by: { readonly tokenHash: string | null; readonly at: Date; readonly most: number },
    because: (tokenId: string | null) => readonly Fact[],
  ): Promise<'registered' | 'token_invalid' | 'too_many'>
  /** `false`, with nothing written, if there are `most` already. */
  createToken(token: RegistrationToken, most: number, because: readonly Fact[]): Promise<boolean>
  findToken(tokenHash: string): Promise<RegistrationToken | undefined>
  /** All of them, newest first. */
  listTokens(): Promise<readonly RegistrationToken[]>
  /** Deletes it. Applications that were registered with it stay. */
  revokeToken(id: string, because: readonly Fact[]): Promise<boolean>
}

/** What a person allows an application to see. */
export type Consent = {
  readonly accountId: string
  readonly applicationId: string
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  /** The metadata document that the person saw; with another one, the consent does not count. */
  readonly documentHash: string | null
}

export interface ConsentStore {
  find(accountId: string, applicationId: string): Promise<Consent | undefined>
  /** Adds to what was allowed before for the same document; concurrent calls lose nothing. */
  allow(consent: Consent, at: Date, because: readonly Fact[]): Promise<void>
}

/**
 * A sign-in to an application, in one session of the person. Its tokens have generations, as those of a session have:
 * see `sessions/rotation.ts`.
 */
export type ApplicationSession = {
  readonly id: string
  readonly applicationId: string
  readonly sessionId: string
  readonly accountId: string
  /** The session ID that the application knows. It stays when another sign-in of the browser replaces the session. */
  readonly sid: string
  readonly scope: string
  readonly resources: readonly string[]
  readonly amr: readonly string[]
  readonly authTime: Date
  /** The thumbprint of the key that its refresh tokens are bound to (RFC 9449 §5); `null` if they are not. */
  readonly dpopKey: string | null
  readonly createdAt: Date
  readonly generation: number
  readonly rotatedAt: Date
  readonly usedGeneration: number
  readonly idleExpiresAt: Date
  readonly absoluteExpiresAt: Date
  readonly endedAt: Date | null
}

/** An application session with what decides whether it is alive. */
export type FoundApplicationSession = ApplicationSession & {
  readonly account: Account
  /** Whether its application is disabled. */
  readonly isDisabled: boolean
  /** The state of the device session that it belongs to. */
  readonly session: {
    readonly idleExpiresAt: Date
    readonly absoluteExpiresAt: Date
    readonly endedAt: Date | null
  }
}

/** A person with sign-ins to an application. */
export type ApplicationUser = {
  readonly accountId: string
  readonly name: string | null
  readonly email: string | null
  readonly lastSignedInAt: Date
  /** Whether one of the sign-ins is alive. */
  readonly isSignedIn: boolean
}

export interface ApplicationSessionStore {
  /** How many people are signed in to each application at `at`; it stops counting at `most` for each. */
  countUsers(applicationIds: readonly string[], at: Date, most: number): Promise<ReadonlyMap<string, number>>
  /** The people with sign-ins to an application, by account ID, after `after`. Ended ones are included for a while. */
  users(
    applicationId: string,
    page: { readonly after: string; readonly limit: number },
    at: Date,
  ): Promise<readonly ApplicationUser[]>
  /**
   * Starts one. `false`, with nothing written, if the device session is over at `createdAt`, or if the account is
   * disabled or the application disabled or deleted. The oldest ones of the same application and session beyond `most` end.
   * So do the oldest ones of the account beyond the most it may have; their applications get a logout notice.
   * `including` is made in the same transaction. If it cannot be made, nothing starts.
   */
  start(
    session: ApplicationSession,
    most: number,
    including: PreparedChange,
    because: readonly Fact[],
  ): Promise<boolean>
  /** Also one that has ended; `undefined` once its device session or account is deleted. */
  find(id: string): Promise<FoundApplicationSession | undefined>
  /**
   * `generation` → `generation + 1`. `undefined` if it is not current, or if the application session, its device
   * session or its account is over at `at`. Of concurrent calls, exactly one succeeds.
   */
  rotate(
    of: { readonly id: string; readonly applicationId: string; readonly generation: number },
    at: Date,
    idleExpiresAt: Date,
  ): Promise<ApplicationSession | undefined>
  /** Records that the application has used `generation`; the value never decreases. */
  markUsed(id: string, generation: number): Promise<void>
  /** Ends one sign-in. `false` if it was already over. */
  end(id: string, at: Date, because: readonly Fact[]): Promise<boolean>
  /**
   * Ends every sign-in of an application within one device session, or the one with the ID `only`. Returns how many
   * ended. The application gets a logout notice, unless others are left: a notice is about all of them.
   */
  endAll(
    of: { sessionId: string; applicationId: string; only?: string },
    at: Date,
    because: readonly Fact[],
  ): Promise<number>
}

/** An application that a person allowed something, or is signed in to. */
export type AccountApplication = {
  readonly application: Application
  /** What it may see: what the person allowed, or what a first-party application asked for. */
  readonly scopes: readonly string[]
  readonly resources: readonly string[]
  /** `null`: it needed no consent. */
  readonly allowedAt: Date | null
  /** One for each device that is signed in to it, newest first. */
  readonly signIns: readonly {
    readonly sessionId: string
    readonly signedInAt: Date
    readonly deviceName: string | null
    readonly userAgent: string | null
  }[]
}

export interface ApplicationAccessStore {
  list(accountId: string, at: Date): Promise<readonly AccountApplication[]>
  /**
   * Deletes the consent, ends the sign-ins and queues their logout notices, in one transaction. `false`, with nothing
   * written, if there is neither.
   */
  withdraw(
    of: { readonly accountId: string; readonly applicationId: string },
    at: Date,
    because: readonly Fact[],
  ): Promise<boolean>
}

/** A back-channel logout notice that waits to be delivered. */
export type LogoutNotice = {
  readonly id: string
  readonly applicationId: string
  readonly accountId: string
  readonly sid: string
  readonly attempts: number
  readonly createdAt: Date
}

export interface LogoutNoticeStore {
  /** Of the next applications after `after`, the IDs of those that have due notices. */
  receivers(at: Date, after: string | null): Promise<Slice>
  /** Takes up to `limit` due notices to an application, oldest first. No other worker gets them before `until`. */
  take(limit: number, at: Date, until: Date, applicationId: string): Promise<readonly LogoutNotice[]>
  retry(id: string, at: Date, error: string): Promise<void>
  finish(id: string): Promise<void>
  backlog(): Promise<number>
}

/** What the engine stores between two requests. `payload` is sealed at `openid_states/<id>/payload`. */
export type OpenidState = {
  readonly id: string
  readonly kind: string
  readonly payload: string
  readonly accountId: string | null
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly usedAt: Date | null
}

export interface OpenidStateStore {
  /**
   * Writes it, or replaces the one with the same ID. Replacing keeps `usedAt`. An account has a bounded number of them:
   * the oldest are deleted.
   */
  put(state: OpenidState): Promise<void>
  find(id: string): Promise<OpenidState | undefined>
  /** Uses it up; only the first call returns `true`. */
  use(id: string, at: Date): Promise<boolean>
  /** The same, prepared for a change that it belongs to. */
  using(id: string, at: Date): PreparedChange
  remove(id: string): Promise<void>
  /** Writes it if there is none with this ID. Of concurrent calls with one ID, exactly one returns `true`. */
  claim(state: OpenidState): Promise<boolean>
}
