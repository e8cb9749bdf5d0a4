import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nextStep, type Step } from '../../src/sessions/steps.ts'

const since = new Date('2026-01-01T00:00:00Z')
const ways = {
  password: ['pwd'],
  provider: ['fed'],
  'provider whose second factor is trusted': ['fed', 'mfa'],
  'link by mail': ['otp'],
  'passkey with user verification': ['hwk', 'user', 'mfa'],
} as const
type Way = keyof typeof ways
const all = Object.keys(ways) as Way[]

describe('after the first method', () => {
  const standing = { disabledAt: null, secondFactorAt: null, emailVerified: true }
  const step = (way: Way, account: Partial<Parameters<typeof nextStep>[0]['account']>, requireVerifiedEmail = false) =>
    nextStep({ account: { ...standing, ...account }, amr: ways[way], policy: { requireVerifiedEmail } })

  test.each(all)('a %s signs in where nothing else is required', (way) => {
    expect(step(way, {})).toBe('enter')
  })

  test.each(all)('a %s never signs in to a disabled account', (way) => {
    expect(step(way, { disabledAt: since, secondFactorAt: since, emailVerified: false }, true)).toBe('user_disabled')
  })

  test.each<[Way, Step]>([
    ['password', 'second_factor'],
    ['provider', 'second_factor'],
    ['link by mail', 'second_factor'],
    ['provider whose second factor is trusted', 'enter'],
    ['passkey with user verification', 'enter'],
  ])('with a second factor, a %s leads to %s', (way, expected) => {
    expect(step(way, { secondFactorAt: since })).toBe(expected)
  })

  test.each<[Way, Step]>([
    ['password', 'email_unverified'],
    ['provider', 'enter'],
    ['link by mail', 'enter'],
    ['provider whose second factor is trusted', 'enter'],
    ['passkey with user verification', 'enter'],
  ])('with an unverified email address that must be verified, a %s leads to %s', (way, expected) => {
    expect(step(way, { emailVerified: false }, true)).toBe(expected)
    expect(step(way, { emailVerified: false }, false)).toBe('enter')
  })

  test('no sign-in skips what its account requires, in any state', () => {
    const moment = fc.option(fc.constant(since), { nil: null })
    const anAccount = fc.record({ disabledAt: moment, secondFactorAt: moment, emailVerified: fc.boolean() })
    const amr = fc.subarray(['pwd', 'fed', 'otp', 'hwk', 'swk', 'user', 'mfa'])
    fc.assert(
      fc.property(anAccount, amr, fc.boolean(), (account, shown, requireVerifiedEmail) => {
        const come = nextStep({ account, amr: shown, policy: { requireVerifiedEmail } })
        const asksMore = account.secondFactorAt !== null && !shown.includes('mfa')
        const unproven = requireVerifiedEmail && !account.emailVerified && shown.includes('pwd')
        expect(come === 'enter').toBe(account.disabledAt === null && !asksMore && !unproven)
        // A second factor does not help against the other two.
        if (come === 'second_factor') expect([account.disabledAt, unproven]).toEqual([null, false])
      }),
      { numRuns: 1000 },
    )
  })

  test('an unverified email address is reported before a second factor is asked for', () => {
    expect(step('password', { emailVerified: false, secondFactorAt: since }, true)).toBe('email_unverified')
  })
})
