import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  backOffSeconds,
  concernsEverybody,
  consentEndsAt,
  errorClassOf,
  horizonSeconds,
  isUseWorthNoting,
  type Need,
  needOf,
  nextRefreshAt,
  type RefreshFailure,
  roundSize,
  waitSeconds,
  wouldNarrow,
} from '../../src/connections/life-cycle.ts'
import type { StoredGrant } from '../../src/connections/ports.ts'
import { secondsAfter } from '../../src/kernel/clock.ts'
import { missingScopes } from '../../src/providers/scopes.ts'

const now = new Date('2026-03-01T12:00:00Z')
const day = 24 * 3600
const at = (seconds: number | null): Date | null => (seconds === null ? null : secondsAfter(now, seconds))

type Case = {
  /** Seconds from now. */
  left?: number | null
  refreshToken?: string | null
  status?: StoredGrant['status']
  due?: number | null
  refreshed?: number | null
  consented?: number
}
const grant = ({ left = 3600, refreshToken = 'rt', status = 'healthy', due = null, ...then }: Case) => ({
  expiresAt: at(left),
  refreshToken,
  status,
  dueAt: at(due),
  refreshedAt: at(then.refreshed ?? null),
  consentedAt: secondsAfter(now, then.consented ?? -day),
})

describe('what happens to a grant before its token is used:', () => {
  test.each<[string, Case, Parameters<typeof needOf>[2], Need]>([
    ['a token that never expires', { left: null }, {}, 'serves'],
    ['a token with an hour left', {}, {}, 'serves'],
    ['a token with 61 seconds left', { left: 61 }, {}, 'serves'],
    ['a token with 60 seconds left', { left: 60 }, {}, 'renew'],
    ['an expired token', { left: -1 }, {}, 'renew'],
    ['a token with a minute left and no refresh token', { left: 60, refreshToken: null }, {}, 'serves'],
    ['an expired token and no refresh token', { left: 0, refreshToken: null }, {}, 'dead'],
    ['a grant the provider refused', { status: 'needs_reauthorization' }, {}, 'dead'],
    ['a withdrawn grant', { status: 'revoked' }, {}, 'withdrawn'],
    ['less left than requested', { left: 1200 }, { minTtlSeconds: 1800 }, 'renew'],
    ['as much left as requested', { left: 1801 }, { minTtlSeconds: 1800 }, 'serves'],
    [
      'a requested lifetime that was met half a minute ago',
      { left: 1200, refreshed: -30 },
      { minTtlSeconds: 1800 },
      'serves',
    ],
    [
      'a requested lifetime beyond that of a new consent',
      { left: 3590, consented: -10 },
      { minTtlSeconds: 7200 },
      'serves',
    ],
    ['a requested lifetime tried two minutes ago', { left: 1200, refreshed: -120 }, { minTtlSeconds: 1800 }, 'renew'],
    [
      'a requested lifetime without a refresh token',
      { left: 60, refreshToken: null },
      { minTtlSeconds: 1800 },
      'serves',
    ],
    ['a new token that lives half a minute', { left: 29, refreshed: -1 }, {}, 'serves'],
    ['the same with slightly more than the margin', { left: 11, refreshed: -20 }, {}, 'serves'],
    ['the same, about to expire', { left: 10, refreshed: -20 }, {}, 'renew'],
    ['a valid token that the API refused', {}, { refused: true }, 'renew'],
    ['a token without expiry that the API refused', { left: null }, { refused: true }, 'renew'],
    ['a new token that the API refused', { refreshed: -59 }, { refused: true }, 'refused_again'],
    ['a minute-old token that the API refused', { refreshed: -60 }, { refused: true }, 'renew'],
    ['a token of a new consent that the API refused', { consented: -5 }, { refused: true }, 'renew'],
    ['the only token, refused by the API', { left: null, refreshToken: null }, { refused: true }, 'refused_for_good'],
    ['a failed renewal that must wait', { left: 30, status: 'degraded', due: 5 }, {}, 'held_off'],
    [
      'a failed renewal whose token was refused in the meantime',
      { status: 'degraded', due: 5 },
      { refused: true },
      'held_off',
    ],
    ['a failed renewal with much life left', { status: 'degraded', due: 5 }, {}, 'serves'],
    ['a failed renewal after its wait', { left: 30, status: 'degraded', due: 0 }, {}, 'renew'],
    ['a healthy grant that is not due', { left: 30, due: 5 }, {}, 'renew'],
  ])('%s', (_, given, wish, need) => {
    expect(needOf(grant(given), now, wish)).toBe(need)
  })

  test('a wait has a known length', () => {
    expect(waitSeconds(grant({ status: 'degraded', due: 40 }), now)).toBe(40)
    expect(waitSeconds(grant({ refreshed: -20, due: 1800 }), now)).toBe(40)
    expect(waitSeconds(grant({ left: -5 }), now)).toBe(1)
  })
})

describe('a grant is due for renewal', () => {
  const due = (
    given: { left?: number | null; refreshToken?: string | null; used?: number | null; refreshEnds?: number | null },
    lifetime = {},
    chance = 0.5,
  ): number | null => {
    const { left = 3600, refreshToken = 'rt', used = 0, refreshEnds = null } = given
    const row = { refreshToken, expiresAt: at(left), refreshExpiresAt: at(refreshEnds), usedAt: at(used) }
    const moment = nextRefreshAt(row, lifetime, now, chance)
    return moment && (moment.getTime() - now.getTime()) / 1000
  }
  const atlassian = { idleDays: 90, absoluteDays: 365 }

  test('in the second half of its access token’s life, with time to spare, while it is used', () => {
    expect(due({}, {}, 0)).toBe(1800)
    expect(due({}, {}, 1)).toBe(3420)
    expect(due({ left: 600 }, {}, 1)).toBe(480)
    expect(due({ left: 60 }, {}, 0)).toBe(30)
    expect(due({ left: 60 }, {}, 1)).toBe(30)
    expect(due({ used: -29 * day }, atlassian, 0)).toBe(1800)
  })

  test('shortly before the provider’s idle limit, after thirty days without use', () => {
    expect(due({ used: -31 * day })).toBeNull()
    expect(due({ used: -31 * day }, atlassian, 0)).toBeCloseTo(63 * day)
    expect(due({ used: null }, atlassian, 1)).toBeCloseTo(81 * day)
    expect(due({ used: null }, { idleDays: 180 }, 1)).toBeCloseTo(162 * day)
  })

  test('before its refresh token expires, as a GitHub App’s does after half a year', () => {
    expect(due({ left: 8 * 3600, refreshEnds: 184 * day })).toBeLessThan(8 * 3600)
    expect(due({ used: -31 * day, left: 8 * 3600, refreshEnds: 180 * day }, {}, 1)).toBeCloseTo(162 * day)
  })

  test('never without a refresh token, nor with an access token that never expires', () => {
    expect(due({ refreshToken: null }, atlassian)).toBeNull()
    expect(due({ left: null }, atlassian)).toBeNull()
  })

  test('always before its access token expires, and after now, while it is used', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 30 * day }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        fc.option(fc.integer({ min: 1, max: 365 })),
        (left, chance, idleDays) => {
          const moment = due({ left }, idleDays === null ? {} : { idleDays }, chance)
          expect(moment).not.toBeNull()
          expect(moment).toBeGreaterThan(0)
          expect(moment).toBeLessThan(left)
        },
      ),
    )
  })
})

test('a consent ends a year after it was given where the provider has such a limit, or with its only token', () => {
  const given = { consentedAt: now, expiresAt: at(3600), refreshToken: 'rt', status: 'healthy' } as const
  expect(consentEndsAt(given, { absoluteDays: 365 })).toEqual(secondsAfter(now, 365 * day))
  expect(consentEndsAt(given, { idleDays: 180 })).toBeNull()
  expect(consentEndsAt({ ...given, refreshToken: null }, { absoluteDays: 365 })).toEqual(at(3600))
  expect(consentEndsAt({ ...given, status: 'revoked' }, { absoluteDays: 365 })).toBeNull()
})

test('the use of a grant is recorded once an hour', () => {
  expect([null, -3600, -3601, -3599, 0].map((used) => isUseWorthNoting({ usedAt: at(used) }, now))).toEqual([
    true,
    true,
    true,
    false,
    false,
  ])
})

test('a run renews a sixtieth of the upcoming grants, within a minimum and a maximum', () => {
  expect([0, 3000, 3001, 12_000, 60_000, 1_000_000].map(roundSize)).toEqual([50, 50, 51, 200, 1000, 1000])
})

describe('after a failure,', () => {
  test('the wait doubles from a second to five minutes, up to half of it random', () => {
    expect([1, 2, 3, 8, 9, 10, 1000].map((failures) => backOffSeconds(failures, 1))).toEqual([
      1, 2, 4, 128, 256, 300, 300,
    ])
    expect(backOffSeconds(5, 0)).toBe(8)
  })

  test('the wait is never shorter than the provider’s Retry-After', () => {
    expect(backOffSeconds(1, 0, 120)).toBe(120)
    expect(backOffSeconds(1, 1, 120)).toBe(150)
    expect(backOffSeconds(10, 1, 120)).toBe(300)
  })

  test.each<[RefreshFailure, string, boolean]>([
    [{ tag: 'needs_reauthorization', reason: 'invalid_grant' }, 'invalid_grant', false],
    [{ tag: 'client_config', reason: 'access_denied' }, 'client_misconfigured', false],
    [{ tag: 'transient', reason: 'status_429', retryAfter: 5 }, 'rate_limited', true],
    [{ tag: 'transient', reason: 'held_off', retryAfter: 5 }, 'rate_limited', true],
    [{ tag: 'transient', reason: 'slow_down' }, 'rate_limited', true],
    [{ tag: 'transient', reason: 'breaker_open' }, 'transient', true],
    [{ tag: 'transient', reason: 'timeout' }, 'transient', false],
    [{ tag: 'transient', reason: 'status_503' }, 'transient', false],
  ])('%o is %s, and affects every grant: %s', (failure, error, everybody) => {
    expect([errorClassOf(failure), concernsEverybody(failure)]).toEqual([error, everybody])
  })
})

describe('a sign-in', () => {
  const wide = { ...grant({}), scopes: ['read:me', 'read:jira-work'] }
  const narrows = (stored: typeof wide, brought: readonly string[]): boolean =>
    wouldNarrow(stored, brought, missingScopes, now)

  test('would narrow a usable grant that has more scopes', () => {
    expect(narrows(wide, ['read:me'])).toBe(true)
    expect(narrows({ ...wide, ...grant({ left: -5 }) }, ['read:me'])).toBe(true)
    expect(narrows({ ...wide, ...grant({ status: 'degraded' }) }, ['read:me'])).toBe(true)
    expect(narrows({ ...wide, ...grant({ left: null, refreshToken: null }) }, ['read:me'])).toBe(true)
  })

  test('with as many scopes, or more, narrows nothing', () => {
    expect(narrows(wide, ['read:jira-work', 'read:me', 'read:jira-user'])).toBe(false)
    expect(narrows({ ...wide, scopes: ['openid', 'read:me'] }, ['read:me'])).toBe(false)
  })

  test('does not narrow a grant that is dead, expired or withdrawn', () => {
    for (const gone of [{ status: 'needs_reauthorization' }, { status: 'revoked' }] as const)
      expect(narrows({ ...wide, ...grant(gone) }, ['read:me'])).toBe(false)
    expect(narrows({ ...wide, ...grant({ left: -1, refreshToken: null }) }, ['read:me'])).toBe(false)
  })
})

describe('ten thousand grants with tokens for an hour', () => {
  const many = 10_000
  /** Evenly distributed, and the same in every run. */
  const chances = (seed: number) => {
    let state = seed
    return () => {
      state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32
      return state / 2 ** 32
    }
  }
  const mostOverMean = (perMinute: readonly number[]): number =>
    Math.max(...perMinute) / (perMinute.reduce((sum, one) => sum + one, 0) / perMinute.length)

  /** Runs every half minute, as the job does; how many were refreshed in each minute. */
  const refreshesPerMinute = (dueAt: number[], minutes: number, chance: () => number): number[] => {
    const perMinute = Array.from({ length: minutes }, () => 0)
    const due = [...dueAt]
    for (let second = 0; second < minutes * 60; second += 30) {
      const coming = due.filter((moment) => moment <= second + horizonSeconds).length
      const overdue = due
        .map((moment, n) => ({ moment, n }))
        .filter(({ moment }) => moment <= second)
        .sort((a, b) => a.moment - b.moment)
        .slice(0, roundSize(coming))
      for (const { n } of overdue) {
        const moment = secondsAfter(now, second)
        const row = {
          refreshToken: 'rt',
          refreshExpiresAt: null,
          usedAt: now,
          expiresAt: secondsAfter(moment, 3600),
        }
        const next = nextRefreshAt(row, { idleDays: 90 }, moment, chance())
        due[n] = ((next?.getTime() ?? 0) - now.getTime()) / 1000
      }
      perMinute[Math.floor(second / 60)] = (perMinute[Math.floor(second / 60)] ?? 0) + overdue.length
    }
    return perMinute
  }

  test.each([1, 2])('issued in the same minute are renewed evenly across the hour (%i)', (seed) => {
    const chance = chances(seed)
    const dueAt = Array.from({ length: many }, () => {
      const given = secondsAfter(now, chance() * 60)
      const row = {
        refreshToken: 'rt',
        refreshExpiresAt: null,
        usedAt: given,
        expiresAt: secondsAfter(given, 3600),
      }
      return ((nextRefreshAt(row, { idleDays: 90 }, given, chance())?.getTime() ?? 0) - now.getTime()) / 1000
    })
    // By due time, before any run …
    const fallingDue = Array.from({ length: 60 }, (_, minute) =>
      dueAt.filter((moment) => Math.floor(moment / 60) === minute),
    ).map(({ length }) => length)
    expect(mostOverMean(fallingDue)).toBeLessThanOrEqual(3)
    // … and by the time of the refresh: in the first hour, and over three of them.
    const refreshed = refreshesPerMinute(dueAt, 3 * 60, chance)
    expect(mostOverMean(refreshed.slice(0, 60))).toBeLessThanOrEqual(3)
    expect(mostOverMean(refreshed)).toBeLessThanOrEqual(3)
  })

  test('that are overdue after a night are renewed evenly within the hour', () => {
    const chance = chances(7)
    const overdue = Array.from({ length: many }, () => -chance() * 8 * 3600)
    const refreshed = refreshesPerMinute(overdue, 3 * 60, chance)
    expect(refreshed.slice(0, 40).reduce((sum, one) => sum + one, 0)).toBeGreaterThanOrEqual(many)
    expect(mostOverMean(refreshed.slice(0, 60))).toBeLessThanOrEqual(3)
    expect(mostOverMean(refreshed)).toBeLessThanOrEqual(3)
  })
})
