import { beforeEach, describe, expect, test } from 'vitest'
import type { Account } from '../../src/kernel/account.ts'
import { takeDue } from '../support/take-due.ts'
import { identity, linked, newcomer, now, type Opened, origin, updated } from './people.ts'

/** A notice is queued with the change it reports. */
export function noticesContract(opened: () => Opened): void {
  describe('a notice', () => {
    let person: Account
    beforeEach(async () => {
      ;({ account: person } = await newcomer(opened(), {
        email: 'ada@example.com',
        emailVerified: true,
        locale: 'pt-BR',
      }))
    })
    const queued = () => takeDue(opened().store.mails, 100, now, now)
    const link = (accountId: string) => {
      const way = identity(accountId, { provider: 'google' })
      return opened().store.accounts.link(way, null, [linked(way)])
    }

    test('is queued with the change it reports, to the verified email address and in its reader’s language', async () => {
      await link(person.id)
      expect(await queued()).toMatchObject([
        {
          to: 'ada@example.com',
          locale: 'pt-BR',
          template: 'identity.linked',
          params: { provider: 'google', ip: origin.ip, user_agent: origin.userAgent, at: now.toISOString() },
          secret: null,
          accountId: person.id,
          attempts: 0,
        },
      ])
    })

    test('is not queued when the change is refused', async () => {
      const { identity: taken } = await newcomer(opened())
      const again = identity(person.id, { issuer: taken.issuer, subject: taken.subject })
      expect(await opened().store.accounts.link(again, null, [linked(again)])).toBe(false)
      expect(await queued()).toEqual([])
    })

    test('is not queued for events that appear only in the audit log', async () => {
      await opened().store.accounts.update(person.id, { name: 'A' }, now, [updated(person.id)])
      expect(await queued()).toEqual([])
    })

    test('is never sent to an unverified email address, which may belong to another person', async () => {
      for (const given of [{ email: 'eve@example.com' }, {}]) {
        const { account: claimant } = await newcomer(opened(), given)
        await link(claimant.id)
      }
      expect(await queued()).toEqual([])
    })

    test('is deleted with its account', async () => {
      await link(person.id)
      await opened().store.accounts.remove(person.id, now, [])
      expect(await queued()).toEqual([])
    })
  })
}
