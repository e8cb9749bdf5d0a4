import type { Fact } from '../events/catalogue.ts'
import type { IdentityUse } from '../kernel/account.ts'
import type { PreparedChange } from '../kernel/prepared-change.ts'
import type { Slice } from '../kernel/take-turns.ts'

/** Why a refresh failed. Some causes pass without help; others need the operator or the person. */
export type GrantErrorClass = 'transient' | 'rate_limited' | 'invalid_grant' | 'client_misconfigured' | 'scope_missing'

/**
 * What a person has granted us at a provider, with its tokens, sealed. There is one row for each (provider, app,
 * provider account, holder). A person's own sign-in and the team they connected have separate tokens, so that a new
 * consent for one takes no scopes from the other.
 */
export type StoredGrant = {
  readonly id: string
  readonly provider: string
  /** The issuer of the subject for OpenID Connect; otherwise the provider's ID. */
  readonly issuer: string
  readonly clientId: string
  readonly subject: string
  /** `person`, or the ID of the team it was given to. */
  readonly holder: string
  /** Sealed at `grants/<id>/access_token`; `null` once withdrawn. */
  readonly accessToken: string | null
  /** Sealed at `grants/<id>/refresh_token`. */
  readonly refreshToken: string | null
  /** The scopes requested and the scopes granted, as the provider spells them. */
  readonly askedScopes: readonly string[]
  readonly scopes: readonly string[]
  readonly expiresAt: Date | null
  /** When the refresh token expires in any case, if the provider reports it. */
  readonly refreshExpiresAt: Date | null
  /**
   * `degraded`: the last refresh failed and will be retried. `needs_reauthorization`: only the person can fix it.
   * `revoked`: the person withdrew it in our service.
   */
  readonly status: 'healthy' | 'degraded' | 'needs_reauthorization' | 'revoked'
  readonly consentedAt: Date
  readonly refreshedAt: Date | null
  /** When its token was last used or lent. */
  readonly usedAt: Date | null
  /** When it is to be refreshed next; `null` if never, or not by us. While `degraded`, it is not refreshed earlier. */
  readonly dueAt: Date | null
  /** Consecutive failed refreshes. */
  readonly failures: number
  readonly lastError: GrantErrorClass | null
  readonly lastErrorAt: Date | null
  readonly updatedAt: Date
  /**
   * Which worker is renewing it, until when, and how often it was leased or replaced: a late response with an old fence
   * is not written.
   */
  readonly leaseOwner: string | null
  readonly leaseUntil: Date | null
  readonly fence: number
}

/** One consent at a provider, identified by the identity (issuer and subject) and by our app. */
export type ConsentKey = Pick<StoredGrant, 'provider' | 'issuer' | 'clientId' | 'subject'>
/** One grant based on it. */
export type GrantKey = ConsentKey & { readonly holder: string }
export type NewTokens = Pick<
  StoredGrant,
  'accessToken' | 'refreshToken' | 'askedScopes' | 'scopes' | 'expiresAt' | 'refreshExpiresAt' | 'dueAt'
>

/** Keeps the stored tokens; only the use of the grant is recorded. */
export type UnchangedTokens = { readonly stays: true; readonly dueAt: Date | null }

/** The result of a renewal. */
export type RenewedTokens = Omit<NewTokens, 'askedScopes'> & {
  /** The grant has lost scopes. */
  readonly lastError?: 'scope_missing'
  /** Absent for a renewal that no caller is waiting for. */
  readonly usedAt?: Date
}

/** One registration at a provider: refresh tokens work only with the app they were issued to. */
export type App = Pick<ConsentKey, 'provider' | 'clientId'>

export interface GrantStore {
  find(key: GrantKey): Promise<StoredGrant | undefined>
  /**
   * Stores a new consent: inserts a row, or replaces the tokens of the row with the same key, whose `id` then stays.
   * Values are sealed for their row, so `tokens` is called with the final ID and the stored row. It is called again if
   * the row changed in the meantime. Without a new refresh token the stored one is kept, unless the provider has
   * permanently refused it. Increases the fence, so that a renewal in progress loses, unless `tokens` keeps the stored
   * ones.
   *
   * What the provider reported about a person's identity (`use`) is stored with it.
   *
   * Returns `false`, with nothing written, if the key is a person's and their identity no longer exists. So a sign-in
   * concurrent with an unlinking, or with deleting the account, never leaves tokens without an identity.
   */
  keep(
    key: GrantKey,
    newId: string,
    tokens: (id: string, stored: StoredGrant | undefined) => NewTokens | UnchangedTokens,
    at: Date,
    use?: IdentityUse,
  ): Promise<boolean>
  /** The same as part of another change, for a sign-in: the tokens and the session are stored together. */
  keeping(...given: Parameters<GrantStore['keep']>): PreparedChange
  /**
   * Leases the grant for renewal, and increases the fence. `undefined` if another worker has an unexpired lease, or
   * with `ifDue` if it is not due.
   */
  lease(id: string, owner: string, until: Date, at: Date, ifDue?: 'if due'): Promise<StoredGrant | undefined>
  /** Ends the lease without any other change. */
  release(id: string, fence: number): Promise<void>
  /** Stores the result of a renewal and ends the lease; `false` if the fence has changed. */
  renewed(id: string, fence: number, tokens: RenewedTokens, at: Date): Promise<boolean>
  /** Ends the lease of a renewal that will be retried at `dueAt`, not earlier; `false` as above. */
  failed(id: string, fence: number, error: GrantErrorClass, dueAt: Date, at: Date): Promise<boolean>
  /**
   * Ends the lease of a grant that only the person can fix; it is never due again. `false` as above, and then nothing
   * is recorded.
   */
  died(id: string, fence: number, at: Date, because: readonly Fact[]): Promise<boolean>
  /** Records that it was used, unless the fence has changed. */
  used(id: string, fence: number, dueAt: Date | null, at: Date): Promise<void>
  /**
   * Repairs rows of older versions, among up to `limit` rows after `after` in the order of their IDs. It fills in a
   * missing issuer, and withdraws personal grants whose identity no longer exists, which are then also revoked at the
   * provider. `next` is where to continue; `null` at the end.
   */
  repair(after: string, limit: number, at: Date): Promise<{ readonly withdrawn: number; readonly next: string | null }>
  /** IDs of due grants without a lease, the longest due first. */
  due(app: App, at: Date, limit: number): Promise<readonly string[]>
  /** How many are due by then, counted up to `most`. */
  dueBy(app: App, by: Date, most: number): Promise<number>
  /** Records a loan; `false`, with nothing written, if the grant was withdrawn in the meantime. */
  lent(key: GrantKey, at: Date, because: readonly Fact[]): Promise<boolean>
}

/** A grant to be revoked at its provider. It outlives the account it came from. */
export type Revocation = ConsentKey & {
  readonly id: string
  /** The account whose activity shows it; empty if it is no longer known. */
  readonly accountId: string
  /** The team whose connection it was. */
  readonly teamId: string | null
  /** Its tokens stay sealed at `grants/<grantId>/…`. */
  readonly grantId: string
  readonly accessToken: string
  readonly refreshToken: string | null
  readonly attempts: number
  readonly nextAttemptAt: Date
  readonly lastError: string | null
  readonly createdAt: Date
}

/** Where the next page continues. */
export type RevocationPlace = { readonly createdAt: Date; readonly id: string }

export interface RevocationStore {
  /** Queues tokens that belong to no stored grant, sealed as if a grant with its `grantId` had them. */
  add(item: Revocation): Promise<void>
  /** Of the next providers after `after`, those that have due items. */
  receivers(at: Date, after: string | null): Promise<Slice>
  /** Takes up to `limit` due items of a provider for this worker until `until`; no two workers get the same one. */
  take(limit: number, at: Date, until: Date, provider: string): Promise<readonly Revocation[]>
  /** Whether other grants rest on the same consent: then it must not be revoked at its provider. */
  stillNeeded(consent: ConsentKey): Promise<boolean>
  /**
   * Deletes the item and its tokens. If the provider was called (`called`), the call may also have invalidated grants
   * stored on the same consent since the item was queued. Those that can be renewed are made due at once, to find out
   * whether they are still valid.
   */
  finish(id: string, because: readonly Fact[], called?: { readonly at: Date }): Promise<void>
  retry(id: string, at: Date, error: string): Promise<void>
  /**
   * Whether the account is linking, extending or connecting something at this provider, or returned from it within the
   * last minute, after the item was queued. The result may rest on the same consent.
   */
  awaited(item: Revocation, at: Date): Promise<boolean>
  /** Puts the item back, as if it had not been taken. */
  postpone(id: string, at: Date): Promise<void>
  /** At most `limit` waiting items of an account, oldest first; with `after`, those after it. */
  of(
    accountId: string,
    page: { readonly after: RevocationPlace | null; readonly limit: number },
  ): Promise<readonly Revocation[]>
  /** Whether an item of this provider is waiting. */
  waitingAt(provider: string): Promise<boolean>
  /** How many items are waiting. */
  backlog(): Promise<number>
}
