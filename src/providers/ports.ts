import type { Fact } from '../events/catalogue.ts'
import type { Intent } from './provider.ts'

/**
 * The pending authorization of a provider round trip: a sign-in, a link or a team connection. It ends when the provider
 * sends the user back.
 */
export type PendingAuthorization = {
  readonly id: string
  /** SHA-256 of `state`. Only the browser or the app holds the value itself. */
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
