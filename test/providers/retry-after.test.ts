import { describe, expect, test } from 'vitest'
import { readHold } from '../../src/providers/calls/retry-after.ts'

const now = new Date('2026-11-20T12:00:00Z')
const epoch = now.getTime() / 1000

describe('the wait a provider asks for', () => {
  test.each<[string, number, Record<string, string>, ReturnType<typeof readHold>]>([
    ['seconds', 429, { 'retry-after': '17' }, { seconds: 17, of: 'endpoint' }],
    ['a date', 503, { 'retry-after': 'Fri, 20 Nov 2026 12:00:40 GMT' }, { seconds: 40, of: 'endpoint' }],
    ['a date in the past', 503, { 'retry-after': 'Fri, 20 Nov 2026 11:00:00 GMT' }, undefined],
    ['more than the maximum wait', 503, { 'retry-after': '999999999' }, { seconds: 300, of: 'endpoint' }],
    [
      'a date in the far future',
      503,
      { 'retry-after': 'Fri, 20 Nov 2099 12:00:00 GMT' },
      { seconds: 300, of: 'endpoint' },
    ],
    ['a negative number', 503, { 'retry-after': '-5' }, undefined],
    ['half a second', 503, { 'retry-after': '0.5' }, undefined],
    ['a word', 503, { 'retry-after': 'soon' }, undefined],
    ['nothing with a 503', 503, {}, undefined],
    ['nothing with a 429', 429, {}, { seconds: 1, of: 'endpoint' }],
    ['zero', 429, { 'retry-after': '0' }, { seconds: 0, of: 'endpoint' }],
    [
      'GitHub’s reset',
      403,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': `${epoch + 90}` },
      { seconds: 90, of: 'token' },
    ],
    ['GitHub’s secondary limit', 403, { 'retry-after': '60' }, { seconds: 60, of: 'token' }],
    [
      'a 403 with quota left',
      403,
      { 'x-ratelimit-remaining': '4999', 'x-ratelimit-reset': `${epoch + 90}` },
      undefined,
    ],
    ['a 403 without headers', 403, {}, undefined],
    [
      'Atlassian’s reset',
      429,
      { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': '2026-11-20T12:01Z' },
      { seconds: 60, of: 'token' },
    ],
    ['an invalid reset', 429, { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': 'x' }, { seconds: 1, of: 'token' }],
    ['anything with 200', 200, { 'retry-after': '60' }, undefined],
    ['anything with 500', 500, { 'retry-after': '60' }, undefined],
  ])('is read from %s', (_name, status, headers, hold) => {
    expect(readHold('token', status, headers, now)).toEqual(hold)
  })

  test.each<[string, number, string, ReturnType<typeof readHold>]>([
    ['GitHub’s secondary limit', 403, 'You have exceeded a secondary rate limit.', { seconds: 60, of: 'token' }],
    ['GitHub’s secondary limit', 429, 'You have exceeded a secondary rate limit.', { seconds: 60, of: 'token' }],
    ['its older name', 403, 'You have triggered an abuse detection mechanism.', { seconds: 60, of: 'token' }],
    ['Google’s quota', 403, '{"error":{"errors":[{"reason":"rateLimitExceeded"}]}}', { seconds: 60, of: 'token' }],
    ['a missing permission', 403, 'Resource not accessible by integration', undefined],
    ['another limit', 403, 'Organization limit reached', undefined],
    ['an endless message', 403, `${'x'.repeat(5000)} rate limit`, undefined],
  ])('is read from the message of %s (%d) where no header has it', (_name, status, message, hold) => {
    expect(readHold('userinfo', status, {}, now, message)).toEqual(hold)
  })

  test('is read from a header first', () => {
    const words = 'You have exceeded a secondary rate limit.'
    expect(readHold('userinfo', 403, { 'retry-after': '17' }, now, words)).toEqual({ seconds: 17, of: 'token' })
  })

  test('is not read from a message where it would delay every user', () => {
    const words = 'You have exceeded a secondary rate limit.'
    expect(readHold('token', 403, {}, now, words)).toBeUndefined()
    expect(readHold('token', 429, {}, now, words)).toEqual({ seconds: 1, of: 'endpoint' })
    expect(readHold('userinfo', 503, {}, now, words)).toBeUndefined()
  })

  test.each(['userinfo', 'api'] as const)('applies to one user at %s', (endpoint) => {
    const asked = { 'retry-after': '17' }
    expect(readHold(endpoint, 429, asked, now)).toEqual({ seconds: 17, of: 'token' })
    expect(readHold(endpoint, 429, {}, now)).toEqual({ seconds: 1, of: 'token' })
    expect(readHold(endpoint, 403, asked, now)).toEqual({ seconds: 17, of: 'token' })
  })

  test.each([
    ['userinfo', 'endpoint'],
    ['api', 'site'],
  ] as const)('after a 503 at %s applies to one %s', (endpoint, of) => {
    expect(readHold(endpoint, 503, { 'retry-after': '17' }, now)).toEqual({ seconds: 17, of })
  })

  test.each(['token', 'discovery', 'jwks', 'revoke'] as const)('applies to every user at %s', (endpoint) => {
    expect(readHold(endpoint, 429, { 'retry-after': '17' }, now)).toEqual({ seconds: 17, of: 'endpoint' })
  })
})
