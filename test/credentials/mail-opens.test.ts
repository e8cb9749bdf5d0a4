import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { opensByMail } from '../../src/credentials/mail-opens.ts'
import type { AddressHolder } from '../../src/credentials/ports.ts'

const holder = (given: Partial<AddressHolder>): AddressHolder => ({
  accountId: 'usr_1',
  address: 'ada@example.com',
  locale: null,
  verified: false,
  role: 'user',
  password: false,
  otherWays: false,
  ...given,
})

describe('a mail to an address opens', () => {
  test.each([
    ['nothing where nobody is', [], undefined],
    ['the account that holds it', [holder({ verified: true })], 'held'],
    [
      'that of its holder, whoever else claims it',
      [holder({ password: true, accountId: 'usr_2' }), holder({ verified: true })],
      'held',
    ],
    ['an administrator’s own', [holder({ verified: true, role: 'administrator' })], 'held'],
    ['that of whoever has nothing but a password for it', [holder({ password: true })], 'taken_over'],
    ['a fresh one where there is another way in too', [holder({ password: true, otherWays: true })], 'fresh'],
    ['a fresh one beside a mere claim', [holder({ otherWays: true })], 'fresh'],
    ['a fresh one beside an account nobody can enter', [holder({})], 'fresh'],
    ['no administrator’s that was never proven', [holder({ password: true, role: 'administrator' })], 'fresh'],
    ['no auditor’s either', [holder({ password: true, role: 'auditor' })], 'fresh'],
  ] as const)('%s', (_, holders, tag) => {
    const expected = tag && (tag === 'fresh' ? { tag } : { tag, accountId: 'usr_1' })
    expect(opensByMail({ autoRegister: true })(holders)).toEqual(expected)
    // Where nobody gets an account by coming along, nobody gets one by mail.
    expect(opensByMail({ autoRegister: false })(holders)).toEqual(tag === 'fresh' ? undefined : expected)
  })

  test.each([
    ['the account it was for', [holder({ verified: true })], 'usr_1', { tag: 'held', accountId: 'usr_1' }],
    ['nothing where another has proven it since', [holder({ verified: true })], 'usr_2', undefined],
    ['nothing where somebody has proven it since', [holder({ verified: true })], null, undefined],
    [
      'a fresh one where the one to take over has another way in by now',
      [holder({ otherWays: true })],
      'usr_1',
      'fresh',
    ],
    ['a fresh one where somebody has registered since', [holder({ password: true })], null, 'fresh'],
    ['nothing where nobody claims it any more', [], null, undefined],
  ] as const)('after the letter went out: %s', (_, holders, sentFor, expected) => {
    const opened = opensByMail({ autoRegister: true })(holders, sentFor)
    expect(opened).toEqual(expected === 'fresh' ? { tag: 'fresh' } : expected)
  })

  test('an account that holds or claims it, and never one with another way in that did not prove it', () => {
    const anybody = fc.record({
      accountId: fc.constantFrom('a', 'b', 'c'),
      address: fc.constant('x@y.example'),
      locale: fc.constant(null),
      role: fc.constantFrom('user' as const, 'auditor' as const, 'administrator' as const),
      verified: fc.boolean(),
      password: fc.boolean(),
      otherWays: fc.boolean(),
    })
    fc.assert(
      fc.property(
        fc.uniqueArray(anybody, { selector: ({ accountId }) => accountId }),
        fc.boolean(),
        (holders, autoRegister) => {
          const opened = opensByMail({ autoRegister })(holders)
          const accountId = opened && 'accountId' in opened ? opened.accountId : undefined
          const whose = holders.find((one) => one.accountId === accountId)
          if (opened?.tag === 'held') expect(whose?.verified).toBe(true)
          if (opened?.tag === 'taken_over') {
            expect(whose).toMatchObject({ verified: false, password: true, otherWays: false, role: 'user' })
            expect(holders.some(({ verified }) => verified)).toBe(false)
          }
          if (!opened || opened.tag === 'fresh') expect(holders.some(({ verified }) => verified)).toBe(false)
          if (autoRegister) expect(opened === undefined).toBe(holders.length === 0)
        },
      ),
    )
  })
})
