import { describe, expect, test } from 'vitest'
import type { Ticket } from '../../src/credentials/ports.ts'
import { later, newcomer, newId, now, type Opened, sweptIn } from './people.ts'

export const ticket = (given: Partial<Ticket> = {}): Ticket => ({
  id: newId('tkt'),
  purpose: 'verify_email',
  secretHash: newId('tkt'),
  codeHash: null,
  bindingHash: null,
  accountId: null,
  email: null,
  data: {},
  attempts: 0,
  createdAt: now,
  expiresAt: later(60),
  usedAt: null,
  ...given,
})

/** What every store promises about tickets. */
export function ticketsContract(opened: () => Opened): void {
  const tickets = () => opened().store.tickets

  describe('a ticket', () => {
    test('is found by its secret or its binding, for its own purpose, until it expires', async () => {
      const { account } = await newcomer(opened())
      const one = ticket({
        purpose: 'email_sign_in',
        codeHash: 'c',
        bindingHash: 'b',
        accountId: account.id,
        email: 'ada@example.com',
        data: { returnTo: '/x', n: [1, null] },
      })
      const { secretHash } = one
      await tickets().issue(one)
      expect(await tickets().find({ purpose: 'email_sign_in', secretHash }, later(59))).toEqual(one)
      expect(await tickets().find({ purpose: 'email_sign_in', bindingHash: 'b' }, now)).toEqual(one)
      expect(await tickets().find({ purpose: 'reset_password', secretHash }, now)).toBeUndefined()
      expect(await tickets().find({ purpose: 'email_sign_in', secretHash: 'b' }, now)).toBeUndefined()
      expect(await tickets().find({ purpose: 'email_sign_in', secretHash }, later(60))).toBeUndefined()
    })

    test('is used once, under concurrency and before it expires', async () => {
      for (let round = 0; round < 10; round++) {
        const one = ticket()
        await tickets().issue(one)
        const used = await Promise.all(Array.from({ length: 8 }, () => tickets().using(one.id, now).make()))
        expect(used.filter(Boolean)).toHaveLength(1)
        expect(await tickets().find({ purpose: one.purpose, secretHash: one.secretHash }, now)).toBeUndefined()
      }
      const late = ticket()
      await tickets().issue(late)
      expect(await tickets().using(late.id, later(60)).make()).toBe(false)
      expect(await tickets().using('tkt_none', now).make()).toBe(false)
    })

    test('counts every wrong code, under concurrency too', async () => {
      const one = ticket()
      await tickets().issue(one)
      const counts = await Promise.all(Array.from({ length: 9 }, () => tickets().countAttempt(one.id)))
      expect(counts.sort()).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9])
      expect(await tickets().countAttempt('tkt_none')).toBe(Number.POSITIVE_INFINITY)
    })

    test('is swept after it expires, and deleted with its account', async () => {
      const { account } = await newcomer(opened())
      const [mine, old] = [ticket({ accountId: account.id }), ticket({ expiresAt: later(-1) })]
      await tickets().issue(mine)
      await tickets().issue(old)
      expect(await sweptIn(opened().store, 'tickets', now)).toBe(1)
      await opened().store.accounts.remove(account.id, now, [])
      expect(await tickets().find({ purpose: mine.purpose, secretHash: mine.secretHash }, now)).toBeUndefined()
    })
  })
}
