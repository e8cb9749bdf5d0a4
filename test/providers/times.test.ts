import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readHold } from '../../src/providers/calls/retry-after.ts'
import { readSeconds, readSecondsText } from '../../src/providers/calls/times.ts'
import { readTokens } from '../../src/providers/calls/token-answer.ts'

const now = new Date('2026-11-20T12:00:00Z')

describe('a time from a provider', () => {
  test.each([
    [0, 0],
    [1_700_000_000, 1_700_000_000],
    [1_700_000_000.987, 1_700_000_000],
    [Number.MAX_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
    [Number.MAX_SAFE_INTEGER + 1, null],
    [1e300, null],
    [JSON.parse('1e400'), null],
    [Number.NaN, null],
    [-0.5, null],
    [-1, null],
    ['1700000000', null],
    [[1_700_000_000], null],
    [true, null],
    [null, null],
    [undefined, null],
  ])('%j is parsed as %j', (value, seconds) => {
    expect(readSeconds(value)).toBe(seconds)
  })

  test.each([
    ['0', 0],
    ['0017', 17],
    ['9007199254740991', 9_007_199_254_740_991],
    ['9007199254740992', null],
    ['9'.repeat(400), null],
    ['1e3', null],
    ['1.5', null],
    ['-1', null],
    ['+1', null],
    [' 1', null],
    ['\u0661\u0662', null],
    ['', null],
  ])('written as %j is parsed as %j', (text, seconds) => {
    expect(readSecondsText(text)).toBe(seconds)
  })

  test('is a safe integer from zero, or null, for any input', () => {
    fc.assert(
      fc.property(fc.oneof(fc.double(), fc.anything()), (value) => {
        const seconds = readSeconds(value)
        expect(seconds === null || (Number.isSafeInteger(seconds) && seconds >= 0)).toBe(true)
      }),
    )
  })

  test('that is invalid gives no token a lifetime, and delays no call', () => {
    for (const lifetime of [JSON.parse('1e400'), 1e300, -1, '9'.repeat(400), '1e9', Number.NaN]) {
      const tokens = readTokens(
        { access_token: 'at', expires_in: lifetime, refresh_token_expires_in: lifetime },
        () => now,
      )
      expect([lifetime, tokens.expiresAt, tokens.refreshExpiresAt]).toEqual([lifetime, null, null])
    }
    for (const nonsense of ['9'.repeat(400), '1e9', '-1'])
      expect(readHold('token', 503, { 'retry-after': nonsense }, now)).toBeUndefined()
    const reset = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '9'.repeat(400) }
    expect(readHold('token', 429, reset, now)).toEqual({ seconds: 1, of: 'token' })
  })
})
