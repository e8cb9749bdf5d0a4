import type { Fact } from '../events/catalogue.ts'
import type { IdentityUse } from '../kernel/account.ts'

/** Why a refresh brought nothing: what may pass by itself, and what the operator or the person must mend. */
export type GrantErrorClass = 'transient' | 'rate_limited' | 'invalid_grant' | 'client_misconfigured' | 'scope_missing'

/**
 * The permission a person gave us at a provider: its tokens, sealed. One row for each (provider, app, provider
 * account, holder): somebody's own sign-in and the team they connected have tokens of their own, so that neither's new
 * consent takes scopes from the other.
 */
export type StoredGrant = {
  readonly id: string
  readonly provider: string
  /** Of the subject: the issuer for OpenID Connect, the provider's id elsewhere. */
  readonly issuer: string
  readonly clientId: string
  readonly subject: string
  /** `person`, or the id of the team it was given to. */
  readonly holder: string
  /** Sealed at `grants/<id>/access_token`; `null` once it was withdrawn. */
  readonly accessToken: string | null
  /** Sealed at `grants/<id>/refresh_token`. */
  readonly refreshToken: string | null
  /** What the consent was asked for, and what it gave, in the provider's spelling. */
  readonly askedScopes: readonly string[]
  readonly scopes: readonly string[]
  readonly expiresAt: Date | null
  /** When the refresh token dies whatever we do, if the provider said. */
  readonly refreshExpiresAt: Date | null
  /**
   * `degraded`: the last refresh failed and is tried again. `needs_reauthorization`: only the person can help.
   * `revoked`: they took it back, here.
   */
  readonly status: 'healthy' | 'degraded' | 'needs_reauthorization' | 'revoked'
  readonly consentedAt: Date
  readonly refreshedAt: Date | null
  /** When its token was last used or lent. */
  readonly usedAt: Date | null
  /** When it is to be refreshed next; `null`: never, or not by us. While `degraded` nobody asks before. */
  readonly dueAt: Date | null
  /** Refreshes that failed in a row. */
  readonly failures: number
  readonly lastError: GrantErrorClass | null
  readonly lastErrorAt: Date | null
  readonly updatedAt: Date
  /**
   * Who is renewing it, until when, and how often it was leased or replaced: a late answer with an old fence is not
   * written.
   */
  readonly leaseOwner: string | null
  readonly leaseUntil: Date | null
  readonly fence: number
}

/** One consent at a provider: whose it is, by the whole identity (issuer and subject), and to which app of ours. */
export type ConsentKey = Pick<StoredGrant, 'provider' | 'issuer' | 'clientId' | 'subject'>
/** One grant made with it. */
export type GrantKey = ConsentKey & { readonly holder: string }
export type NewTokens = Pick<
  StoredGrant,
  'accessToken' | 'refreshToken' | 'askedScopes' | 'scopes' | 'expiresAt' | 'refreshExpiresAt' | 'dueAt'
>

/** The stored tokens stay as they are; that the grant was used is all there is to write. */
export type Stays = { readonly stays: true; readonly dueAt: Date | null }

/** What a renewal brought. */
export type RenewedTokens = Omit<NewTokens, 'askedScopes'> & {
  /** Scopes the grant had are gone. */
  readonly lastError?: 'scope_missing'
  /** Absent when nobody is waiting for it. */
  readonly usedAt?: Date
}

/** One registration at a provider: refresh tokens work with the one they were made for alone. */
export type App = Pick<ConsentKey, 'provider' | 'clientId'>

export interface GrantStore {
  find(key: GrantKey): Promise<StoredGrant | undefined>
  /**
   * Keeps a new consent: inserts, or replaces the tokens of the row with the same key — its `id` then stays, so
   * `tokens` is asked for with the id that counts (values are sealed to their row) and with what is stored there, and
   * asked again when that changed meanwhile. A missing refresh token leaves the stored one, unless that is dead. Raises the fence, so that a
   * renewal under way loses; unless `tokens` says that the stored ones stay.
   *
   * What the provider reported of a person's identity (`use`) is stored with it.
   *
   * `false`, with nothing written, when the key is a person's and nobody has that identity any more: of a sign-in and an
   * unlinking (or the deletion of the account) at once, the tokens are with one of them, and never left behind.
   */
  keep(
    key: GrantKey,
    newId: string,
    tokens: (id: string, stored: StoredGrant | undefined) => NewTokens | Stays,
    at: Date,
    use?: IdentityUse,
  ): Promise<boolean>
  /**
   * Leases it for renewal unless somebody holds an unexpired lease, or with `ifDue` unless it is due; raises the fence.
   */
  lease(id: string, owner: string, until: Date, at: Date, ifDue?: 'if due'): Promise<StoredGrant | undefined>
  /** Ends the lease and changes nothing. */
  release(id: string, fence: number): Promise<void>
  /** Writes what the renewal brought and ends the lease; `false` when the fence moved on. */
  renewed(id: string, fence: number, tokens: RenewedTokens, at: Date): Promise<boolean>
  /** Ends the lease of a renewal that is to be tried again at `dueAt`, and not before; `false` as above. */
  failed(id: string, fence: number, error: GrantErrorClass, dueAt: Date, at: Date): Promise<boolean>
  /** Ends the lease of one only its person can help; it is never due again. `false` as above, and then nothing is noted. */
  died(id: string, fence: number, at: Date, because: readonly Fact[]): Promise<boolean>
  /** Writes down that it is used, unless the fence moved on. */
  used(id: string, fence: number, dueAt: Date | null, at: Date): Promise<void>
  /**
   * Repairs what versions before left behind, among up to `limit` rows after `after` in the order of their ids: fills in
   * a missing issuer, and withdraws the grants of persons whose identity is gone, to be revoked at their provider too.
   * `next` is where to go on; `null` at the end.
   */
  repair(after: string, limit: number, at: Date): Promise<{ readonly withdrawn: number; readonly next: string | null }>
  /** Ids of those that are due and that nobody is renewing, the longest due first. */
  due(app: App, at: Date, limit: number): Promise<readonly string[]>
  /** How many are due by then; counted up to `most`. */
  dueBy(app: App, by: Date, most: number): Promise<number>
  /**
   * Writes a loan down; `false`, with nothing written, when there is nothing to lend any more: it was withdrawn
   * meanwhile.
   */
  lent(key: GrantKey, at: Date, because: readonly Fact[]): Promise<boolean>
}

/** A grant to be withdrawn at its provider. Outlives the account it came from. */
export type Revocation = ConsentKey & {
  readonly id: string
  /** Whose it was, for their activity; empty where that is not known any more. */
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

/** Whose revocations: one provider's, or those of all but some. */
export type QueueOf = { readonly provider: string } | { readonly noneOf: readonly string[] }

/** Where a page of them continues. */
export type RevocationPlace = { readonly createdAt: Date; readonly id: string }

export interface RevocationStore {
  /** Queues what no grant here holds, sealed as if one with its `grantId` did. */
  add(item: Revocation): Promise<void>
  /** Takes up to `limit` due ones for this worker until `until`; two workers never hold the same one. */
  take(limit: number, at: Date, until: Date, of?: QueueOf): Promise<readonly Revocation[]>
  /** Whether other grants stand on the same consent: then it must not be revoked at its provider. */
  stillNeeded(consent: ConsentKey): Promise<boolean>
  /**
   * Done: erased with its tokens. Where a call was made (`called`), grants that were kept on the same consent since it
   * was queued may have died with it: what of them can be renewed is due at once, so that what they are worth is found
   * out.
   */
  finish(id: string, because: readonly Fact[], called?: { readonly at: Date }): Promise<void>
  retry(id: string, at: Date, error: string): Promise<void>
  /**
   * Whether its person is on the way to or from this provider to link, to extend or to connect something, since it was
   * queued or longer: what they bring back may be of the same consent.
   */
  awaited(item: Revocation, at: Date): Promise<boolean>
  /** Not now: as if it had not been taken. */
  postpone(id: string, at: Date): Promise<void>
  /** At most `limit` of those of an account that wait, the oldest first; with `after`, those behind it. */
  of(
    accountId: string,
    page: { readonly after: RevocationPlace | null; readonly limit: number },
  ): Promise<readonly Revocation[]>
  /** How many wait. */
  backlog(): Promise<number>
}
