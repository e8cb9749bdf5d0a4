import type { Provider } from '../providers/provider.ts'
import { consentEndsAt, needOf } from './life-cycle.ts'
import type { StoredGrant } from './ports.ts'

/** What a user granted at a provider and its state, for display. */
export type Standing = {
  /** `none`: nothing was ever stored, or the provider is not enabled. */
  readonly status: StoredGrant['status'] | 'none'
  readonly asked: readonly string[]
  readonly granted: readonly string[]
  /** Requested scopes that were not granted. */
  readonly missing: readonly string[]
  /** When the access token expires. It is renewed automatically if possible. */
  readonly expiresAt: Date | null
  readonly usedAt: Date | null
  /** When the consent ends in any case, if the provider reports it. */
  readonly endsAt: Date | null
  readonly lastError: StoredGrant['lastError']
}

/**
 * The status for display: a grant that has expired and cannot be renewed needs its user, even if nothing has failed
 * yet.
 */
export const grantStatusOf = (grant: StoredGrant, now: Date): StoredGrant['status'] =>
  needOf(grant, now) === 'dead' ? 'needs_reauthorization' : grant.status

/** Pure. `signInScopes` are the scopes of the sign-in itself, for a user without a stored grant. */
export function standingOf(
  grant: StoredGrant | undefined,
  provider: Pick<Provider, 'lifetime' | 'missingScopes'> | undefined,
  signInScopes: readonly string[],
  now: Date,
): Standing {
  if (!grant || !provider) {
    const nothing = { asked: [], missing: [], expiresAt: null, usedAt: null, endsAt: null, lastError: null }
    return { status: 'none', granted: signInScopes, ...nothing }
  }
  const status = grantStatusOf(grant, now)
  const { askedScopes, scopes, expiresAt, usedAt, lastError } = grant
  const missing = provider.missingScopes(askedScopes, scopes)
  const endsAt = consentEndsAt(grant, provider.lifetime)
  return { status, asked: askedScopes, granted: scopes, missing, expiresAt, usedAt, endsAt, lastError }
}
