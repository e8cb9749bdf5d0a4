import type { Fact } from '../events/catalogue.ts'

/**
 * The permission a person gave us at a provider: its tokens, sealed. One row for each (provider, app, provider
 * account).
 */
export type StoredGrant = {
  readonly id: string
  readonly provider: string
  readonly clientId: string
  readonly subject: string
  /** Sealed at `grants/<id>/access_token`. */
  readonly accessToken: string
  /** Sealed at `grants/<id>/refresh_token`. */
  readonly refreshToken: string | null
  readonly scopes: readonly string[]
  readonly expiresAt: Date | null
  readonly status: 'healthy' | 'needs_reauthorization'
  readonly updatedAt: Date
  /**
   * Who is renewing it, until when, and how often it was leased or replaced: a late answer with an old fence is not
   * written.
   */
  readonly leaseOwner: string | null
  readonly leaseUntil: Date | null
  readonly fence: number
}

export type GrantKey = { readonly provider: string; readonly clientId: string; readonly subject: string }
export type NewTokens = Pick<StoredGrant, 'accessToken' | 'refreshToken' | 'scopes' | 'expiresAt'>

export interface GrantStore {
  find(key: GrantKey): Promise<StoredGrant | undefined>
  /**
   * Keeps a new consent: inserts, or replaces the tokens of the row with the same key — its `id` then stays, so
   * `tokens` is asked for with the id that counts (values are sealed to their row). A missing refresh token
   * leaves the stored one. Raises the fence, so that a renewal under way loses.
   */
  keep(key: GrantKey, newId: string, tokens: (id: string) => NewTokens, at: Date): Promise<StoredGrant>
  /** Leases it for renewal unless somebody holds an unexpired lease; raises the fence. */
  lease(id: string, owner: string, until: Date, at: Date): Promise<StoredGrant | undefined>
  /** Writes what the renewal brought and ends the lease; `false` when the fence moved on. */
  renewed(id: string, fence: number, tokens: NewTokens, at: Date): Promise<boolean>
  /** Ends the lease without new tokens; with `needsReauthorization` the grant is marked. */
  gaveUp(id: string, fence: number, needsReauthorization: boolean, at: Date, because: readonly Fact[]): Promise<boolean>
}

/** A grant to be withdrawn at its provider. Outlives the account it came from. */
export type Revocation = GrantKey & {
  readonly id: string
  /** Whose it was, for their activity. */
  readonly accountId: string
  /** Its tokens stay sealed at `grants/<grantId>/…`. */
  readonly grantId: string
  readonly accessToken: string
  readonly refreshToken: string | null
  readonly attempts: number
  readonly nextAttemptAt: Date
  readonly lastError: string | null
  readonly createdAt: Date
}

export interface RevocationStore {
  /** Takes up to `limit` due ones for this worker until `until`; two workers never hold the same one. */
  take(limit: number, at: Date, until: Date): Promise<readonly Revocation[]>
  /** Done: erased with its tokens. */
  finish(id: string, because: readonly Fact[]): Promise<void>
  retry(id: string, at: Date, error: string): Promise<void>
  /** How many wait. */
  backlog(): Promise<number>
}
