import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { opensByMail } from '../../src/credentials/mail-opens.ts'
import type { AddressHolder } from '../../src/credentials/ports.ts'

const holder = (given: Partial<AddressHolder>): AddressHolder => ({
  ...{ accountId: 'usr_1', address: 'ada@example.com', locale: null, verified: false, role: 'user' },
  ...{ password: false, otherWays: false },
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
    ['nothing where there is another way in too', [holder({ password: true, otherWays: true })], undefined],
    ['nothing for a mere claim', [holder({ otherWays: true })], undefined],
    ['nothing of an account nobody can enter', [holder({})], undefined],
    ['no administrator’s that was never proven', [holder({ password: true, role: 'administrator' })], undefined],
  ] as const)('%s', (_, holders, tag) => {
    expect(opensByMail(holders)).toEqual(tag && { tag, accountId: 'usr_1' })
  })

  test('an account that holds or claims it, and never one with another way in that did not prove it', () => {
    const anybody = fc.record({
      ...{ accountId: fc.constantFrom('a', 'b', 'c'), address: fc.constant('x@y.example'), locale: fc.constant(null) },
      role: fc.constantFrom('user' as const, 'auditor' as const, 'administrator' as const),
      ...{ verified: fc.boolean(), password: fc.boolean(), otherWays: fc.boolean() },
    })
    fc.assert(
      fc.property(fc.uniqueArray(anybody, { selector: ({ accountId }) => accountId }), (holders) => {
        const opened = opensByMail(holders)
        const whose = holders.find(({ accountId }) => accountId === opened?.accountId)
        if (opened?.tag === 'held') expect(whose?.verified).toBe(true)
        if (opened?.tag === 'taken_over') {
          expect(whose).toMatchObject({ verified: false, password: true, otherWays: false, role: 'user' })
          expect(holders.some(({ verified }) => verified)).toBe(false)
        }
        if (!opened) expect(holders.some(({ verified }) => verified)).toBe(false)
      }),
    )
  })
})
