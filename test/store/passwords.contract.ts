import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { SignInMethods } from '../../src/accounts/ports.ts'
import type { Ticket } from '../../src/credentials/ports.ts'
import type { Fact } from '../../src/events/catalogue.ts'
import type { Mail } from '../../src/mail/ports.ts'
import { takeDue } from '../support/take-due.ts'
import {
  account,
  type Backend,
  created,
  later,
  newcomer,
  newId,
  now,
  type Opened,
  open,
  origin,
  session,
  sweptIn,
} from './people.ts'

const key = 'ada@example.com'
const mail = (template: Mail['template']): Mail => ({
  id: newId('eml'),
  to: key,
  locale: 'en',
  template,
  params: {},
  secret: null,
  accountId: null,
  attempts: 0,
  nextAttemptAt: now,
  lastError: null,
  createdAt: now,
})
const ticket = (accountId: string, given: Partial<Ticket> = {}): Ticket => ({
  id: newId('tkt'),
  purpose: 'verify_email',
  secretHash: newId('tkt'),
  codeHash: null,
  bindingHash: null,
  accountId,
  email: key,
  data: {},
  attempts: 0,
  createdAt: now,
  expiresAt: later(600),
  usedAt: null,
  ...given,
})
const fact = (name: 'password.set' | 'password.changed' | 'password.removed', accountId: string): Fact => ({
  name,
  accountId,
  origin,
  data: {},
})
const anything = () => true
const hasAny = ({ identities, password, passkeys }: SignInMethods) =>
  identities.length > 0 || password !== null || passkeys.length > 0

/** What every store promises about passwords, and about the devices they are trusted on. */
export function passwordsContract({ name, emptied }: Backend): void {
  describe(`${name} keeps passwords:`, () => {
    let config: Awaited<ReturnType<typeof emptied>>
    let opened: Opened
    let store: Opened['store']
    beforeEach(async () => {
      config = await emptied()
      opened = await open(config)
      store = opened.store
    })
    afterEach(() => store.close())

    const told = (): string[] => opened.told.map((each) => each.name)
    const messages = async (): Promise<string[]> =>
      (await takeDue(store.mails, 100, later(1), later(2))).map(({ template }) => template).sort()
    const register = (email = key, at = store) => {
      const person = account({ email, picture: null })
      const row = ticket(person.id, { email })
      const opening = { account: person, emailKey: email.toLowerCase(), hash: `hash of ${person.id}`, ticket: row }
      const mails = { opened: [mail('verify_email')], taken: [mail('address_taken')] }
      return at.passwords
        .register(opening, [created(person.id)], mails)
        .then((done) => ({ done, person, ticket: row, hash: opening.hash }))
    }
    const change = (accountId: string, given: Partial<Parameters<typeof store.passwords.set>[0]> = {}) =>
      store.passwords.set(
        {
          accountId,
          emailKey: key,
          hash: 'another',
          expected: now,
          at: later(60),
          keepSession: null,
          keepDevice: null,
          ...given,
        },
        [fact(given.expected === null ? 'password.set' : 'password.changed', accountId)],
      )
    const start = async (accountId: string) => {
      const started = session(accountId, { absoluteExpiresAt: later(6000), idleExpiresAt: later(6000) })
      const with_ = { opener: { tag: 'email' }, cookieHash: null, replaces: null } as const
      expect(await store.sessions.start(started, with_, [])).toBe(true)
      return started.id
    }
    const endOf = async (id: string) => (await store.sessions.find(id))?.endReason

    describe('at registration,', () => {
      test('account, password, ticket and message are stored together', async () => {
        const { done, person, hash, ticket: row } = await register()
        expect(done).toBe(true)
        expect(await store.passwords.find(key)).toEqual({ account: person, hash, changedAt: now })
        expect(await store.passwords.findOf(person.id)).toEqual({ hash, changedAt: now })
        expect(await store.tickets.find({ purpose: 'verify_email', secretHash: row.secretHash }, now)).toEqual(row)
        expect([await messages(), told()]).toEqual([['verify_email'], ['account.created']])
        expect(await store.accounts.signInMethodsOf(person.id)).toEqual({
          identities: [],
          password: { emailVerified: false },
          passkeys: [],
        })
      })

      test('an email address with a password is not registered again: its owner is notified, and nothing else changes', async () => {
        const { person } = await register()
        const second = await register()
        expect(second.done).toBe(false)
        expect(await store.accounts.find(second.person.id)).toBeUndefined()
        expect((await store.passwords.find(key))?.account.id).toBe(person.id)
        expect([await messages(), told()]).toEqual([['address_taken', 'verify_email'], ['account.created']])
      })

      test('a verified email address is refused, and an unverified one of another account is accepted', async () => {
        await newcomer(opened, { email: key, emailVerified: true })
        expect((await register()).done).toBe(false)
        await newcomer(opened, { email: 'eve@example.com', emailVerified: false })
        expect((await register('eve@example.com')).done).toBe(true)
      })

      test('one of concurrent registrations on several nodes succeeds', async () => {
        const other = (await open(config)).store
        try {
          for (let round = 0; round < 10; round++) {
            const email = `many${round}@example.com`
            const all = await Promise.all(Array.from({ length: 6 }, (_, at) => register(email, at % 2 ? other : store)))
            expect(all.filter(({ done }) => done)).toHaveLength(1)
            expect(await store.accounts.findByEmail(email)).toHaveLength(1)
          }
        } finally {
          await other.close()
        }
      })

      test('an email address is kept until another account verifies it', async () => {
        const { person } = await register()
        await newcomer(opened, { email: key, emailVerified: true })
        expect(await store.passwords.find(key)).toBeUndefined()
        expect(await store.accounts.find(person.id)).toBeUndefined()
      })
    })

    describe('when they change,', () => {
      test('a first password can be set for the account’s own email address', async () => {
        const { account: person } = await newcomer(opened, { email: key, emailVerified: true })
        expect(await change(person.id, { expected: null, emailKey: 'other@example.com' })).toBe(false)
        expect(await change(person.id, { expected: null })).toBe(true)
        expect(await store.passwords.find(key)).toMatchObject({ hash: 'another', changedAt: later(60) })
        expect(await change(person.id, { expected: null })).toBe(false)
        expect(told()).toEqual(['password.set'])
        // The user is notified, too.
        expect(await messages()).toEqual(['password.set'])
      })

      test('a first password is refused for an address that has one, or that another account verified', async () => {
        await register()
        const { account: person } = await newcomer(opened, { email: key })
        expect(await change(person.id, { expected: null })).toBe(false)
        const { account: claimant } = await newcomer(opened, { email: 'eve@example.com' })
        await newcomer(opened, { email: 'eve@example.com', emailVerified: true })
        expect(await change(claimant.id, { expected: null, emailKey: 'eve@example.com' })).toBe(false)
      })

      test('only the verified current password is replaced: one of two concurrent changes succeeds', async () => {
        const { person } = await register()
        const done = await Promise.all([change(person.id, { hash: 'one' }), change(person.id, { hash: 'two' })])
        expect(done.sort()).toEqual([false, true])
        expect(await change(person.id, { expected: now })).toBe(false)
        expect(told()).toEqual(['account.created', 'password.changed'])
      })

      test('the change time always increases, whatever the clock says', async () => {
        const { person } = await register()
        expect(await change(person.id, { at: later(-60) })).toBe(true)
        expect(await store.passwords.findOf(person.id)).toEqual({ hash: 'another', changedAt: later(0.001) })
      })

      test('every other session, every sent ticket and the trust in every other device ends', async () => {
        const { person, ticket: row } = await register()
        const [mine, other] = [await start(person.id), await start(person.id)]
        const trusted = ['a', 'b'].map((secretHash) => ({
          id: newId('dev'),
          accountId: person.id,
          secretHash,
          createdAt: now,
          lastSeenAt: now,
          expiresAt: later(600),
        }))
        for (const each of trusted) await store.trustedDevices.trust(each, mine)
        const keepDevice = trusted[0]?.id ?? null
        expect(await change(person.id, { keepSession: mine, keepDevice })).toBe(true)
        expect([await endOf(mine), await endOf(other)]).toEqual([null, 'password_changed'])
        expect(await store.tickets.find({ purpose: 'verify_email', secretHash: row.secretHash }, now)).toBeUndefined()
        expect(await store.trustedDevices.find('a', now)).toBe(keepDevice)
        expect(await store.trustedDevices.find('b', now)).toBeUndefined()
        expect(told()).toEqual(['account.created', 'password.changed', 'session.ended'])
      })

      test('a sign-in with the old password no longer starts a session', async () => {
        const { person } = await register()
        const begin = (changedAt: Date) =>
          store.sessions.start(
            session(person.id),
            { opener: { tag: 'password', changedAt: changedAt.getTime() }, cookieHash: null, replaces: null },
            [],
          )
        expect(await begin(now)).toBe(true)
        await change(person.id)
        expect([await begin(now), await begin(later(60))]).toEqual([false, true])
      })

      test('the password of a disabled account is never changed', async () => {
        const { person } = await register()
        const { accounts } = opened.driver.tables
        await opened.driver.write(opened.driver.db.update(accounts).set({ disabledAt: now }))
        expect(await change(person.id)).toBe(false)
      })
    })

    test('rehashed without counting as a change', async () => {
      const { person, hash } = await register()
      expect(await store.passwords.rehash(person.id, 'something else', 'new hash')).toBe(false)
      expect(await store.passwords.rehash(person.id, hash, 'new hash')).toBe(true)
      expect(await store.passwords.findOf(person.id)).toEqual({ hash: 'new hash', changedAt: now })
    })

    describe('when they are removed,', () => {
      const remove = (
        accountId: string,
        mayGo: (left: SignInMethods) => boolean = hasAny,
        keepSession: string | null = null,
      ) =>
        store.passwords.remove({ accountId, at: now, keepSession, keepDevice: null }, mayGo, [
          fact('password.removed', accountId),
        ])

      test('every other session ends', async () => {
        const { account: person } = await newcomer(opened, { email: key })
        await change(person.id, { expected: null })
        const [mine, other] = [await start(person.id), await start(person.id)]
        expect(await remove(person.id, hasAny, mine)).toBe('removed')
        expect(await store.passwords.find(key)).toBeUndefined()
        expect([await endOf(mine), await endOf(other)]).toEqual([null, 'password_removed'])
        expect(await remove(person.id)).toBe('no_password')
      })

      test('the last sign-in method stays', async () => {
        const { person } = await register()
        expect(await remove(person.id)).toBe('last_login_method')
        expect(await store.passwords.findOf(person.id)).toBeDefined()
      })

      test('one of two methods removed concurrently stays', async () => {
        for (let round = 0; round < 10; round++) {
          const email = `two${round}@example.com`
          const { account: person, identity } = await newcomer(opened, { email })
          await change(person.id, { expected: null, emailKey: email })
          const unlink = store.accounts.unlink(
            { accountId: person.id, identityId: identity.id, keepSession: null, at: now },
            hasAny,
            () => [],
          )
          const outcomes = await Promise.all([remove(person.id), unlink])
          expect(outcomes.filter((outcome) => outcome === 'last_login_method')).toHaveLength(1)
        }
      })

      test('the policy decides', async () => {
        const { person } = await register()
        expect(await remove(person.id, anything)).toBe('removed')
      })
    })

    describe('devices stay trusted', () => {
      const device = (accountId: string, secretHash: string, expiresAt = later(600)) => ({
        id: newId('dev'),
        accountId,
        secretHash,
        createdAt: now,
        lastSeenAt: now,
        expiresAt,
      })

      test('until they expire or are swept', async () => {
        const { person } = await register()
        const one = device(person.id, 'one')
        await store.trustedDevices.trust(one, await start(person.id))
        expect(await store.trustedDevices.find('one', later(599))).toBe(one.id)
        expect(await store.trustedDevices.find('one', later(600))).toBeUndefined()
        expect(await store.trustedDevices.find('two', now)).toBeUndefined()
        expect(await sweptIn(store, 'trustedDevices', later(600))).toBe(0)
        expect(await sweptIn(store, 'trustedDevices', later(601))).toBe(1)
      })

      test('for longer when they are seen again', async () => {
        const { person } = await register()
        const mine = await start(person.id)
        const one = device(person.id, 'one')
        await store.trustedDevices.trust(one, mine)
        await store.trustedDevices.trust(device(person.id, 'one', later(900)), mine)
        expect(await store.trustedDevices.find('one', later(899))).toBe(one.id)
      })

      test('only by a live session of the same account', async () => {
        const { person } = await register()
        const { person: eve } = await register('eve@example.com')
        const mine = await start(person.id)
        await store.trustedDevices.trust(device(eve.id, 'hers'), mine)
        await store.sessions.end({ id: mine, accountId: person.id }, 'logout', now, [])
        await store.trustedDevices.trust(device(person.id, 'mine'), mine)
        expect(await store.trustedDevices.find('hers', now)).toBeUndefined()
        expect(await store.trustedDevices.find('mine', now)).toBeUndefined()
      })

      test('with the user agents an account was signed in with', async () => {
        const { person } = await register()
        expect(await store.trustedDevices.history(person.id, 'Netscape/1.1')).toEqual({
          openedAt: now,
          any: false,
          agent: false,
        })
        await start(person.id)
        expect(await store.trustedDevices.history(person.id, 'Netscape/1.1')).toMatchObject({ any: true, agent: true })
        expect(await store.trustedDevices.history(person.id, 'Mosaic/1.0')).toMatchObject({ any: true, agent: false })
        expect(await store.trustedDevices.history(person.id, null)).toMatchObject({ any: true, agent: false })
      })

      test('with the user agents of its 500 newest sessions', async () => {
        const { person } = await register()
        const { db, tables, write } = opened.driver
        const rows = Array.from({ length: 501 }, (_, n) => ({
          ...session(person.id, { id: `ses_${1000 + n}`, userAgent: `agent ${n}` }),
          cookieHash: null,
        }))
        for (let from = 0; from < rows.length; from += 250)
          await write(db.insert(tables.sessions).values(rows.slice(from, from + 250)))
        const isKnown = async (agent: string) => (await store.trustedDevices.history(person.id, agent)).agent
        expect([await isKnown('agent 0'), await isKnown('agent 1'), await isKnown('agent 500')]).toEqual([
          false,
          true,
          true,
        ])
      })

      test('under the names their users give them', async () => {
        const { person } = await register()
        const mine = { id: await start(person.id), accountId: person.id }
        expect((await store.sessions.rename(mine, 'Kitchen', now, []))?.name).toBe('Kitchen')
        expect(await store.sessions.list(person.id, now)).toMatchObject([{ name: 'Kitchen' }])
        expect((await store.sessions.rename(mine, null, now, []))?.name).toBeNull()
        expect(await store.sessions.rename({ ...mine, accountId: 'usr_eve' }, 'Mine', now, [])).toBeUndefined()
        await store.sessions.end(mine, 'logout', now, [])
        expect(await store.sessions.rename(mine, 'Gone', now, [])).toBeUndefined()
      })
    })
  })
}
