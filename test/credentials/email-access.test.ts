import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { createEmailAccessRule } from '../../src/credentials/email-access.ts'
import type { AddressHolder } from '../../src/credentials/ports.ts'

const holder = (given: Partial<AddressHolder>): AddressHolder => ({
  accountId: 'usr_1',
  address: 'ada@example.com',
  locale: null,
  verified: false,
  role: 'user',
  password: false,
  otherWays: false,
  invited: false,
  ...given,
})

describe('an emailed code opens', () => {
  test.each([
    ['nothing for an unknown email address', [], undefined],
    ['the account that verified it', [holder({ verified: true })], 'held'],
    [
      'that of its verified holder, with other claims',
      [holder({ password: true, accountId: 'usr_2' }), holder({ verified: true })],
      'held',
    ],
    ['an administrator’s own account', [holder({ verified: true, role: 'administrator' })], 'held'],
    ['that of a claimant with only a password', [holder({ password: true })], 'taken_over'],
    [
      'a new account where the claimant has another sign-in method',
      [holder({ password: true, otherWays: true })],
      'fresh',
    ],
    ['a new account where others only claim it', [holder({ otherWays: true })], 'fresh'],
    ['a new account next to an account without a sign-in method', [holder({})], 'fresh'],
    ['no unverified administrator’s account', [holder({ password: true, role: 'administrator' })], 'fresh'],
    ['an invited account', [holder({ invited: true })], 'invited'],
    ['an invited administrator’s account', [holder({ invited: true, role: 'administrator' })], 'invited'],
    [
      'an invited account before that of a claimant with a password',
      [holder({ accountId: 'usr_2', password: true }), holder({ invited: true })],
      'invited',
    ],
    [
      'that of its verified holder before an invited one',
      [holder({ accountId: 'usr_2', invited: true }), holder({ verified: true })],
      'held',
    ],
    ['no unverified auditor’s account', [holder({ password: true, role: 'auditor' })], 'fresh'],
  ] as const)('%s', (_, holders, tag) => {
    const expected = tag && (tag === 'fresh' ? { tag } : { tag, accountId: 'usr_1' })
    expect(createEmailAccessRule({ autoRegister: true })(holders)).toEqual(expected)
    // Where signing in creates no account, an emailed code creates none either.
    expect(createEmailAccessRule({ autoRegister: false })(holders)).toEqual(tag === 'fresh' ? undefined : expected)
  })

  test.each([
    ['the account it was sent for', [holder({ verified: true })], 'usr_1', { tag: 'held', accountId: 'usr_1' }],
    ['nothing where another account verified it', [holder({ verified: true })], 'usr_2', undefined],
    ['nothing where any account verified it', [holder({ verified: true })], null, undefined],
    ['a new account where the claimant added another sign-in method', [holder({ otherWays: true })], 'usr_1', 'fresh'],
    ['a new account where another user registered', [holder({ password: true })], null, 'fresh'],
    [
      'the invited account it was sent for',
      [holder({ invited: true })],
      'usr_1',
      { tag: 'invited', accountId: 'usr_1' },
    ],
    ['a new account where the person was invited in the meantime', [holder({ invited: true })], null, 'fresh'],
    ['nothing where nobody claims it any more', [], null, undefined],
  ] as const)('after the message was sent: %s', (_, holders, sentFor, expected) => {
    const opened = createEmailAccessRule({ autoRegister: true })(holders, sentFor)
    expect(opened).toEqual(expected === 'fresh' ? { tag: 'fresh' } : expected)
  })

  test('an account that verified or claims the address, and never one with another method that did not verify it', () => {
    const anybody = fc.record({
      accountId: fc.constantFrom('a', 'b', 'c'),
      address: fc.constant('x@y.example'),
      locale: fc.constant(null),
      role: fc.constantFrom('user' as const, 'auditor' as const, 'administrator' as const),
      verified: fc.boolean(),
      password: fc.boolean(),
      otherWays: fc.boolean(),
      invited: fc.boolean(),
    })
    fc.assert(
      fc.property(
        fc.uniqueArray(anybody, { selector: ({ accountId }) => accountId }),
        fc.boolean(),
        (holders, autoRegister) => {
          const opened = createEmailAccessRule({ autoRegister })(holders)
          const accountId = opened && 'accountId' in opened ? opened.accountId : undefined
          const whose = holders.find((one) => one.accountId === accountId)
          if (opened?.tag === 'held') expect(whose?.verified).toBe(true)
          if (opened?.tag === 'invited') {
            expect(whose?.invited).toBe(true)
            expect(holders.some(({ verified }) => verified)).toBe(false)
          }
          if (opened?.tag === 'taken_over') {
            expect(whose).toMatchObject({ verified: false, password: true, otherWays: false, role: 'user' })
            expect(holders.some(({ verified, invited }) => verified || invited)).toBe(false)
          }
          if (!opened || opened.tag === 'fresh') expect(holders.some(({ verified }) => verified)).toBe(false)
          if (autoRegister) expect(opened === undefined).toBe(holders.length === 0)
        },
      ),
    )
  })
})
