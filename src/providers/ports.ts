import type { Fact } from '../events/catalogue.ts'
import type { Intent } from './provider.ts'

/** A sign-in, a linking or a team's connecting under way: begun here, to be finished by the provider sending somebody back. */
export type PendingAuthorization = {
  readonly id: string
  /** SHA-256 of `state`; the value itself is only ever with the browser or the app. */
  readonly stateHash: string
  /** SHA-256 of the browser's flow cookie, or of the app's `flow_token`. */
  readonly bindingHash: string
  readonly provider: string
  /**
   * What the provider was when it began: the code goes to no other issuer, and to no other registration of ours. Absent
   * where a version before these columns began it.
   */
  readonly issuer: string | null
  readonly clientId: string | null
  readonly intent: Intent
  readonly redirectUri: string
  /** PKCE verifier, sealed at `flows/<id>/verifier`. */
  readonly verifier: string
  readonly nonce: string | null
  /** Who is linking or connecting, and in which session; both absent for a sign-in. */
  readonly accountId: string | null
  readonly sessionId: string | null
  /** The team that is connected. */
  readonly teamId: string | null
  /** What is asked for, where it is not the provider's own least. */
  readonly scopes: readonly string[] | null
  readonly returnTo: string | null
  /** The app's own S256 challenge, for a return to another origin. */
  readonly codeChallenge: string | null
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly claimedAt: Date | null
}

export interface PendingAuthorizationStore {
  /** Stores it, with what is to be written to the audit log about it; nothing is written about a sign-in that begins. */
  begin(flow: PendingAuthorization, because?: readonly Fact[]): Promise<void>
  /**
   * Takes the flow, once: `undefined` unless state, binding and provider all match and it is neither claimed
   * nor expired at `at`. Of any number of claims at once exactly one succeeds.
   */
  claim(
    match: { stateHash: string; bindingHash: string; provider: string },
    at: Date,
  ): Promise<PendingAuthorization | undefined>
  /** To tell why a claim failed. Claimed and expired flows are kept until they are swept. */
  find(stateHash: string): Promise<PendingAuthorization | undefined>
}
