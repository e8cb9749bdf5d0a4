import { describe, expect, test } from 'vitest'
import type { StoredGrant } from '../../src/connections/ports.ts'
import { grantStatusOf, standingOf } from '../../src/connections/standing.ts'
import { secondsAfter } from '../../src/kernel/clock.ts'
import { missingScopes } from '../../src/providers/scopes.ts'

const now = new Date('2026-03-01T12:00:00Z')
const provider = { lifetime: { absoluteDays: 365 }, missingScopes }
const grant = (given: Partial<StoredGrant> = {}): StoredGrant => ({
  id: 'grt_1',
  provider: 'google',
  issuer: 'google',
  clientId: 'app',
  subject: 's',
  holder: 'person',
  accessToken: 'at',
  refreshToken: 'rt',
  askedScopes: ['openid', 'calendar'],
  scopes: ['openid'],
  expiresAt: secondsAfter(now, 3600),
  refreshExpiresAt: null,
  status: 'healthy',
  consentedAt: now,
  refreshedAt: null,
  usedAt: now,
  dueAt: null,
  failures: 0,
  lastError: null,
  lastErrorAt: null,
  updatedAt: now,
  leaseOwner: null,
  leaseUntil: null,
  fence: 1,
  ...given,
})

describe('the status of a permission', () => {
  test('includes the requested, granted and missing scopes, and its end', () => {
    expect(standingOf(grant(), provider, [], now)).toEqual({
      status: 'healthy',
      asked: ['openid', 'calendar'],
      granted: ['openid'],
      missing: ['calendar'],
      expiresAt: secondsAfter(now, 3600),
      usedAt: now,
      endsAt: secondsAfter(now, 365 * 24 * 3600),
      lastError: null,
    })
  })

  test('comes from the sign-in where no grant is stored, or its provider is disabled', () => {
    const none = {
      status: 'none',
      asked: [],
      granted: ['openid', 'email'],
      missing: [],
      expiresAt: null,
      usedAt: null,
      endsAt: null,
      lastError: null,
    }
    expect(standingOf(undefined, provider, ['openid', 'email'], now)).toEqual(none)
    expect(standingOf(grant(), undefined, ['openid', 'email'], now)).toEqual(none)
  })

  test('is expired for good where it cannot be renewed, even without an attempt', () => {
    const over = { expiresAt: secondsAfter(now, -1) }
    expect(grantStatusOf(grant({ ...over, refreshToken: null }), now)).toBe('needs_reauthorization')
    expect(grantStatusOf(grant({ ...over, status: 'degraded' }), now)).toBe('degraded')
    expect(grantStatusOf(grant({ ...over, status: 'revoked', accessToken: null, refreshToken: null }), now)).toBe(
      'revoked',
    )
  })
})
