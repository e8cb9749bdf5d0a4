import type { Provider } from '../providers/provider.ts'
import { consentEndsAt, needOf } from './life-cycle.ts'
import type { StoredGrant } from './ports.ts'

/** What somebody granted at a provider, and how it stands: what they are shown of it. */
export type Standing = {
  /** `none`: nothing was ever kept, or its provider is switched off here. */
  readonly status: StoredGrant['status'] | 'none'
  readonly asked: readonly string[]
  readonly granted: readonly string[]
  /** What was asked for and not granted. */
  readonly missing: readonly string[]
  /** When the access token dies; it is renewed by itself where that can be done. */
  readonly expiresAt: Date | null
  readonly usedAt: Date | null
  /** When the consent ends whatever is done, as far as the provider says. */
  readonly endsAt: Date | null
  readonly lastError: StoredGrant['lastError']
}

/** The status as people are told it: what has expired and cannot be renewed needs its person, though nobody asked yet. */
export const grantStatusOf = (grant: StoredGrant, now: Date): StoredGrant['status'] =>
  needOf(grant, now) === 'dead' ? 'needs_reauthorization' : grant.status

/** Pure. `signInScopes` are what the sign-in itself said, for where no grant is kept. */
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
