import { describe, expect, test } from 'vitest'
import type { Ticket } from '../../src/credentials/ports.ts'
import type { Fact } from '../../src/events/catalogue.ts'
import { mail } from './mails.contract.ts'
import { account, identity, later, linked, newcomer, newId, now, type Opened, origin, trailOf } from './people.ts'
import { ticket } from './tickets.contract.ts'

const email = 'pat@example.com'
const created = (accountId: string): Fact => ({
  name: 'account.created',
  accountId,
  origin,
  data: { via: 'invitation', by: null },
})
const withdrawn = (accountId: string): Fact => ({
  name: 'account.invitation_withdrawn',
  accountId,
  origin,
  data: { by: null },
})
const verified = (accountId: string): Fact => ({
  name: 'account.email_verified',
  accountId,
  origin,
  data: { provider: 'email' },
})

/** What every store promises about accounts that wait for an invited person. */
export function invitedAccountsContract(opened: () => Opened): void {
  const store = () => opened().store
  const invitationTo = (accountId: string, given: Partial<Ticket> = {}) => ({
    ticket: ticket({ purpose: 'invitation', accountId, email, ...given }),
    letter: mail({ accountId, to: email }),
  })
  async function invite(given: Parameters<typeof account>[0] = {}) {
    const person = account({ email, ...given })
    const invitation = invitationTo(person.id)
    const done = await store().invitedAccounts.create(person, email, invitation, [created(person.id)])
    return { person, invitation, done }
  }
  const get = async (id: string) => (await store().users.get(id, now))?.account

  describe('an invited account', () => {
    test('is stored with its ticket and message, and is shown as invited', async () => {
      const { person, invitation, done } = await invite({ role: 'auditor' })
      const shown = {
        ...person,
        lastSignInAt: null,
        invitedAt: person.createdAt,
        invitationExpiresAt: invitation.ticket.expiresAt,
      }
      expect(done).toEqual(shown)
      expect(await get(person.id)).toEqual(shown)
      expect(await store().mails.backlog()).toBe(1)
      expect(await store().accounts.findByEmail(email)).toEqual([{ account: person, identities: [], isInvited: true }])
      expect(await store().addresses.holders(email)).toMatchObject([{ accountId: person.id, invited: true }])
    })

    test('is refused for an email address that is verified or invited, but not for one that is claimed', async () => {
      await newcomer(opened(), { email, emailVerified: false })
      const { person } = await invite()
      expect((await invite()).done).toBe('email_taken')
      expect(
        await store().invitedAccounts.accept((await invitationTo(person.id)).ticket, { at: now, hash: null }, []),
      ).toBe(false)
      await newcomer(opened(), { email: 'held@example.com', emailVerified: true })
      const another = account({ email: 'held@example.com' })
      expect(await store().invitedAccounts.create(another, 'held@example.com', null, [])).toBe('email_taken')
      expect(await store().mails.backlog()).toBe(1)
    })

    test('is accepted once: the address is verified, other claims and the invitation end', async () => {
      const { account: claimant } = await newcomer(opened(), { email, emailVerified: false })
      const { person, invitation } = await invite()
      const accept = () =>
        store().invitedAccounts.accept(invitation.ticket, { at: later(1), hash: 'hash' }, [verified(person.id)])
      expect(await Promise.all([accept(), accept(), accept()])).toEqual(expect.arrayContaining([true, false, false]))
      expect(await get(person.id)).toMatchObject({ emailVerified: true, invitedAt: null, invitationExpiresAt: null })
      expect(await get(claimant.id)).toMatchObject({ email: null })
      expect(await store().passwords.find(email)).toMatchObject({ hash: 'hash', account: { id: person.id } })
      const events = (await trailOf(opened())).filter(({ accountId }) => accountId === person.id)
      expect(events.map(({ event }) => event).sort()).toEqual([
        'account.created',
        'account.email_verified',
        'account.invitation_accepted',
      ])
      expect(await store().invitedAccounts.withdraw(person.id, [withdrawn(person.id)])).toBe('not_invited')
      expect(await store().invitedAccounts.send(person.id, invitationTo(person.id), [])).toBe('not_invited')
    })

    test('is sent again with another ticket, which replaces the previous one', async () => {
      const { person, invitation } = await invite()
      const again = invitationTo(person.id, { createdAt: later(5), expiresAt: later(500) })
      expect(await store().invitedAccounts.send(person.id, again, [])).toMatchObject({
        invitedAt: later(5),
        invitationExpiresAt: later(500),
      })
      const accept = (one: Ticket) => store().invitedAccounts.accept(one, { at: later(6), hash: null }, [])
      expect([await accept(invitation.ticket), await accept(again.ticket)]).toEqual([false, true])
      expect(await store().invitedAccounts.send(newId('usr'), again, [])).toBe('not_found')
    })

    test('is deleted with its messages when it is withdrawn', async () => {
      const { person, invitation } = await invite()
      expect(await store().invitedAccounts.withdraw(person.id, [withdrawn(person.id)])).toBe('withdrawn')
      expect([await get(person.id), await store().mails.backlog()]).toEqual([undefined, 0])
      expect(await store().invitedAccounts.withdraw(person.id, [withdrawn(person.id)])).toBe('not_found')
      expect(await store().invitedAccounts.accept(invitation.ticket, { at: now, hash: null }, [])).toBe(false)
    })

    test('gets an identity only if it is still invited with the address that the provider proves', async () => {
      const { person } = await invite()
      const proven = { address: email, key: email }
      const link = (key = email) => {
        const way = identity(person.id)
        const condition = { tag: 'invited', email: { address: key, key } } as const
        return store().accounts.link(way, proven, [linked(way)], condition)
      }
      expect(await link('other@example.com')).toBe(false)
      expect(await link()).toBe(true)
      expect(await get(person.id)).toMatchObject({ emailVerified: true, invitedAt: null })
      expect(await link()).toBe(false)
    })

    test('of an administrator gets no identity, and is not the last administrator', async () => {
      const { person } = await invite({ role: 'administrator' })
      const way = identity(person.id)
      const proven = { address: email, key: email }
      expect(await store().accounts.link(way, proven, [linked(way)], { tag: 'invited', email: proven })).toBe(false)
      expect(await store().accounts.remove(person.id, now, [])).toBe(true)
    })
  })
}
