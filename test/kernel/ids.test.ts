import { expect, test } from 'vitest'
import { createIds, secretToken, systemRandom } from '../../src/kernel/ids.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

test('an ID begins with its kind, and has 128 random bits', () => {
  const { clock } = createStoppedClock()
  const ids = createIds(clock, systemRandom)
  expect(ids('usr')).toMatch(/^usr_[0-9a-f]{12}[0-9a-f]{32}$/)
  expect(ids('ses')).toMatch(/^ses_/)
})

test('no two IDs are equal, even within a millisecond', () => {
  const ids = createIds(createStoppedClock().clock, systemRandom)
  expect(new Set(Array.from({ length: 20_000 }, () => ids('usr'))).size).toBe(20_000)
})

test('IDs sort by creation time', () => {
  const { clock, turn } = createStoppedClock(new Date(0))
  const ids = createIds(clock, systemRandom)
  const made = [0, 0.001, 1, 3600, 86_400 * 365, 86_400 * 365 * 100, 86_400 * 365 * 1000].map((step) => {
    turn(step)
    return ids('aud')
  })
  expect([...made].sort()).toEqual(made)
})

test('a secret is 256 bits in 43 characters that need no escaping in a URL or a cookie, and is unique', () => {
  const made = Array.from({ length: 10_000 }, () => secretToken(systemRandom))
  expect(made.every((secret) => /^[A-Za-z0-9_-]{43}$/.test(secret))).toBe(true)
  expect(new Set(made).size).toBe(made.length)
})

test('random bytes are used once, in requests of any size', () => {
  const drawn = Array.from({ length: 3000 }, (_, n) => systemRandom(n % 7 === 0 ? 10_000 : 16).subarray(0, 16))
  expect(new Set(drawn.map((bytes) => bytes.toString('hex'))).size).toBe(drawn.length)
  expect([0, 1, 8192, 8193].map((bytes) => systemRandom(bytes).length)).toEqual([0, 1, 8192, 8193])
})
