import type { GrantLifetime, Provider } from '../providers/provider.ts'
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
  /** When the consent ends by itself, if it is not used and as far as is known. */
  readonly endsAt: Date | null
  readonly lastError: StoredGrant['lastError']
}

/** Pure. `signInScopes` are what the sign-in itself said, for where no grant is kept. */
export function standingOf(
  grant: StoredGrant | undefined,
  provider: Pick<Provider, 'lifetime' | 'missingScopes'> | undefined,
  signInScopes: readonly string[],
): Standing {
  if (!grant || !provider) {
    const nothing = { asked: [], missing: [], expiresAt: null, usedAt: null, endsAt: null, lastError: null }
    return { status: 'none', granted: signInScopes, ...nothing }
  }
  const { status, askedScopes, scopes, expiresAt, usedAt, lastError } = grant
  const missing = status === 'revoked' ? [] : provider.missingScopes(askedScopes, scopes)
  const endsAt = consentEndsAt(grant, provider.lifetime)
  return { status, asked: askedScopes, granted: scopes, missing, expiresAt, usedAt, endsAt, lastError }
}

const day = 86_400_000

/** The earliest of the provider's own clocks: since the last renewal, since the consent, and what it said itself. */
export function consentEndsAt(
  {
    status,
    refreshToken,
    refreshedAt,
    consentedAt,
    refreshExpiresAt,
  }: Pick<StoredGrant, 'status' | 'refreshToken' | 'refreshedAt' | 'consentedAt' | 'refreshExpiresAt'>,
  { idleDays, absoluteDays }: GrantLifetime,
): Date | null {
  if (refreshToken === null || status === 'revoked' || status === 'needs_reauthorization') return null
  const renewed = Math.max(refreshedAt?.getTime() ?? 0, consentedAt.getTime())
  const ends = [
    ...(idleDays === undefined ? [] : [renewed + idleDays * day]),
    ...(absoluteDays === undefined ? [] : [consentedAt.getTime() + absoluteDays * day]),
    ...(refreshExpiresAt === null ? [] : [refreshExpiresAt.getTime()]),
  ]
  return ends.length === 0 ? null : new Date(Math.min(...ends))
}
