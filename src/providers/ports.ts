import type { Fact } from '../events/catalogue.ts'
import type { Result } from '../kernel/result.ts'
import type { Intent } from './provider.ts'

/**
 * The pending authorization of a provider round trip: a sign-in, a link or a team connection. It ends when the provider
 * sends the user back.
 */
export type PendingAuthorization = {
  readonly id: string
  /** The time and the hash of `state`; see `stateHashOf`. Only the browser or the app holds the value itself. */
  readonly stateHash: string
  /** SHA-256 of the browser's flow cookie, or of the app's `flow_token`. */
  readonly bindingHash: string
  readonly provider: string
  /**
   * The provider's issuer and client ID at the start. The code is sent only to the same issuer and client registration.
   * Absent in rows from versions without these columns.
   */
  readonly issuer: string | null
  readonly clientId: string | null
  /**
   * The version of the provider's settings at the start, which finishes the round trip. `null` for a provider from the
   * environment.
   */
  readonly providerVersion: string | null
  readonly intent: Intent
  readonly redirectUri: string
  /** PKCE verifier, sealed at `flows/<id>/verifier`. */
  readonly verifier: string
  readonly nonce: string | null
  /** The account that links or connects, and its session. Both are absent for a sign-in. */
  readonly accountId: string | null
  readonly sessionId: string | null
  /** The team to connect. */
  readonly teamId: string | null
  /** The requested scopes, if they differ from the provider's defaults. */
  readonly scopes: readonly string[] | null
  readonly returnTo: string | null
  /** The app's own S256 challenge, for a return to another origin. */
  readonly codeChallenge: string | null
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly claimedAt: Date | null
}

export interface PendingAuthorizationStore {
  /** Stores it, together with its audit log entries. The start of a sign-in writes no entry. */
  begin(flow: PendingAuthorization, because?: readonly Fact[]): Promise<void>
  /**
   * Claims it once. Returns `undefined` unless state, binding and provider all match and it is neither claimed nor
   * expired at `at`. Of any number of concurrent claims exactly one succeeds.
   */
  claim(
    match: { stateHash: string; bindingHash: string; provider: string },
    at: Date,
  ): Promise<PendingAuthorization | undefined>
  /** Finds out why a claim failed. Claimed and expired rows are kept until a background job deletes them. */
  find(stateHash: string): Promise<PendingAuthorization | undefined>
}

/**
 * `draft`: not in use yet, and at most one of each provider. `live`: in use while the provider is enabled. `former`: it
 * was live.
 */
export type VersionState = 'draft' | 'live' | 'former'

/** One version of the settings of a provider that administrators manage. */
export type ProviderVersion = {
  readonly id: string
  readonly provider: string
  /** Counts from 1 for each provider. */
  readonly version: number
  readonly state: VersionState
  /** The settings that are not secret, by the names that they have in the environment without the prefix. */
  readonly settings: Readonly<Record<string, string>>
  /** The secret settings as JSON, sealed at `provider_versions/<id>/secret`; `null` if there are none. */
  readonly secret: string | null
  readonly secretExpiresAt: Date | null
  /** The last notice about the expiry: how many days before. */
  readonly noticedDays: number | null
  readonly author: string | null
  readonly createdAt: Date
  readonly liveAt: Date | null
  /** When its author signed in with it. */
  readonly triedAt: Date | null
  /** What the provider returned then, sealed at `provider_versions/<id>/trial`. */
  readonly trial: string | null
  readonly trialExpiresAt: Date | null
}

/** A provider that administrators manage at run time, without its settings. */
export type ProviderRecord = {
  readonly id: string
  readonly kind: string
  readonly enabled: boolean
  readonly position: number
  /** Grows with every change. */
  readonly revision: number
  /** The number of the newest version. */
  readonly version: number
  readonly createdBy: string | null
  readonly createdAt: Date
  readonly updatedBy: string | null
  readonly updatedAt: Date
  /** Set while its last grants are revoked at the provider; it is gone for everything else. */
  readonly deletedAt: Date | null
}
export type StoredProvider = ProviderRecord & {
  readonly live: ProviderVersion | null
  readonly draft: ProviderVersion | null
}

/** What a change writes. */
export type ProviderWrite = {
  /** The record afterwards; `null` deletes the provider and all its versions. */
  readonly record: ProviderRecord | null
  /** Versions that are new or changed, as they are afterwards. */
  readonly versions?: readonly ProviderVersion[]
  /** The versions to delete, by ID. */
  readonly deleted?: readonly string[]
  readonly because: readonly Fact[]
}

export interface ProviderStore {
  /** A text that differs after every change of any provider, by any node. Cheap: every node asks each second. */
  revisions(): Promise<string>
  /** All of them, in their order. There are at most `mostProviders`. */
  list(): Promise<readonly StoredProvider[]>
  /** One version of any state, by its ID. */
  version(id: string): Promise<ProviderVersion | undefined>
  /** The versions of one provider, newest first. There are at most `mostVersions`. */
  versions(provider: string): Promise<readonly ProviderVersion[]>
  /**
   * Changes one provider. `decide` sees all of them and runs in the transaction, alone; it may run more than once. An
   * error changes nothing.
   */
  change<E>(id: string, decide: (all: readonly StoredProvider[]) => Result<ProviderWrite, E>): Promise<Result<null, E>>
}
