import { eq } from 'drizzle-orm'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { takeDue } from '../support/take-due.ts'
import {
  account,
  code,
  created,
  deleted,
  identity,
  later,
  linked,
  names,
  newcomer,
  now,
  type Opened,
  origin,
  pendingAuthorization,
  rowsOf,
  signedIn,
  tokens,
  trailOf,
  updated,
} from './people.ts'

/** What every store promises about accounts. */
export function accountsContract(opened: () => Opened): void {
  const store = () => opened().store
  const facts = () => opened().told

  describe('an account', () => {
    test('is read back exactly as it was stored, and so is its identity', async () => {
      const person = account({ email: 'Ada@Example.com', emailVerified: true, role: 'administrator' })
      const way = identity(person.id)
      expect(await store().accounts.create(person, way, { separate: false }, [])).toBe(true)
      expect(await store().accounts.find(person.id)).toEqual(person)
      expect(await store().accounts.findByIdentity(way.issuer, way.subject)).toEqual({ account: person, identity: way })
      expect(await store().accounts.identitiesOf(person.id)).toEqual([way])
      expect(await store().accounts.findByEmail('ada@example.com')).toEqual([
        { account: person, identities: [way], isInvited: false },
      ])
    })

    test('with an unknown ID is not found', async () => {
      await newcomer(opened(), {}, { subject: '42' })
      expect(await store().accounts.find('usr_nobody')).toBeUndefined()
      expect(await store().accounts.findByIdentity('github', '43')).toBeUndefined()
      expect(await store().accounts.findByIdentity('google', '42')).toBeUndefined()
      expect(await store().accounts.findByEmail('nobody@example.com')).toEqual([])
      expect(await store().accounts.identitiesOf('usr_nobody')).toEqual([])
    })

    test('stores any text, list and millisecond unchanged', async () => {
      // NUL is the one character PostgreSQL cannot hold, and lone surrogates are no text in UTF-8.
      const text = fc.string({ unit: 'grapheme' }).filter((s) => !s.includes('\0'))
      const time = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
      await fc.assert(
        fc.asyncProperty(text, fc.array(text), time, fc.boolean(), async (name, scopes, createdAt, emailVerified) => {
          const given = { name, scopes, emailVerified, linkedAt: createdAt }
          const { account: person, identity: way } = await newcomer(opened(), { name, createdAt }, given)
          expect(await store().accounts.find(person.id)).toEqual(person)
          expect(await store().accounts.identitiesOf(person.id)).toEqual([way])
        }),
        { numRuns: 40 },
      )
    })

    test('publishes its facts once and writes them to the audit log', async () => {
      const person = account()
      const way = identity(person.id)
      const because = [created(person.id), linked(way)]
      await store().accounts.create(person, way, { separate: false }, because)
      expect(facts()).toEqual(because)
      expect(await trailOf(opened())).toMatchObject([
        { event: 'account.created', accountId: person.id, at: now, data: { via: 'github' }, ...origin },
        { event: 'identity.linked', accountId: person.id, at: now, data: { how: 'on_purpose' }, ...origin },
      ])
    })

    test('is not created when its identity exists', async () => {
      const { identity: taken } = await newcomer(opened())
      const person = account({ email: 'eve@example.com', emailVerified: true })
      const way = identity(person.id, { issuer: taken.issuer, subject: taken.subject })
      expect(await store().accounts.create(person, way, { separate: true }, [created(person.id)])).toBe(false)
      expect(await store().accounts.find(person.id)).toBeUndefined()
      expect(await store().accounts.findByEmail('eve@example.com')).toEqual([])
      expect(await trailOf(opened())).toEqual([])
      expect(facts()).toEqual([])
    })

    test.each([true, false])(
      'is not created when its verified email address is taken (separate: %s)',
      async (separate) => {
        const { account: holder } = await newcomer(opened(), { email: 'ada@example.com', emailVerified: true })
        const person = account({ email: 'ADA@EXAMPLE.com', emailVerified: true })
        expect(await store().accounts.create(person, identity(person.id), { separate }, [created(person.id)])).toBe(
          false,
        )
        expect((await store().accounts.findByEmail('ada@example.com')).map((found) => found.account)).toEqual([holder])
        expect(await rowsOf(opened(), 'identities')).toHaveLength(1)
        expect(await trailOf(opened())).toEqual([])
        expect(facts()).toEqual([])
      },
    )

    test.each([
      { theirs: true, ours: false },
      { theirs: false, ours: true },
      { theirs: false, ours: false },
    ])(
      'is not created when its email address was claimed or verified in the meantime, unless separate ($theirs, $ours)',
      async ({ theirs, ours }) => {
        await newcomer(opened(), { email: 'ada@example.com', emailVerified: theirs })
        const person = account({ email: 'Ada@example.com', emailVerified: ours })
        const way = identity(person.id)
        expect(await store().accounts.create(person, way, { separate: false }, [created(person.id)])).toBe(false)
        expect(await store().accounts.find(person.id)).toBeUndefined()
        expect(await store().accounts.create(person, way, { separate: true }, [created(person.id)])).toBe(true)
        expect(await store().accounts.find(person.id)).toEqual(person)
      },
    )

    test('without an email address conflicts with no other', async () => {
      await newcomer(opened())
      await newcomer(opened())
      expect(await rowsOf(opened(), 'identities')).toHaveLength(2)
    })

    test('with a verified email address ends every unverified claim to it, and the sessions of the claimants', async () => {
      const { account: eve, identity: eves } = await newcomer(opened(), { email: 'ADA@example.com' })
      const { account: bob } = await newcomer(opened(), { email: 'bob@example.com' })
      const device = await signedIn(opened(), eve.id)
      const old = await signedIn(opened(), eve.id, { idleExpiresAt: now })
      const bobs = await signedIn(opened(), bob.id)
      const person = account({ email: 'ada@example.com', emailVerified: true, createdAt: later(5) })
      await store().accounts.create(person, identity(person.id), { separate: true }, [created(person.id)])

      expect(await store().accounts.find(eve.id)).toEqual({ ...eve, email: null, updatedAt: later(5) })
      expect(await store().accounts.identitiesOf(eve.id)).toEqual([eves])
      expect(await store().sessions.find(device.id)).toMatchObject({
        endedAt: later(5),
        endReason: 'email_claim_ended',
      })
      expect(await store().sessions.find(old.id)).toMatchObject({ endedAt: null })
      expect(await store().sessions.find(bobs.id)).toMatchObject({ endedAt: null })
      expect(await store().accounts.find(bob.id)).toEqual(bob)
      // The user who proved the email address is a stranger to the one who claimed it, who must not see their IP
      // address and agent.
      const unnamed = { ip: null, userAgent: null, requestId: origin.requestId }
      expect(facts()).toEqual([
        created(person.id),
        { name: 'account.email_claim_ended', data: {}, accountId: eve.id, origin: unnamed },
        {
          name: 'session.ended',
          data: { session: device.id, reason: 'email_claim_ended' },
          accountId: eve.id,
          origin: unnamed,
        },
      ])
      expect((await trailOf(opened())).map(({ event }) => event)).toEqual(names(facts()))
    })

    test('with an unverified email address ends no other claim', async () => {
      const { account: eve } = await newcomer(opened(), { email: 'ada@example.com' })
      const { account: other } = await newcomer(opened(), { email: 'ada@example.com' })
      expect(await store().accounts.find(eve.id)).toEqual(eve)
      expect(await store().accounts.find(other.id)).toEqual(other)
    })

    test('is found by email address: the verified holder first, then by age, each with its identities', async () => {
      const email = 'ada@example.com'
      const young = await newcomer(opened(), { email, createdAt: later(20) }, { linkedAt: later(20) })
      const { account: holder, identity: first } = await newcomer(opened(), { email: null, createdAt: later(30) })
      const old = await newcomer(opened(), { email, createdAt: later(10) })
      const earlier = identity(holder.id, { provider: 'google', linkedAt: later(-10) })
      await store().accounts.link(earlier, null, [])
      // The flows let nobody hold what others claim, but a store queried in between must know the order.
      const { accounts } = opened().driver.tables
      await opened().driver.write(
        opened()
          .driver.db.update(accounts)
          .set({ email, emailKey: email, verifiedEmailKey: email })
          .where(eq(accounts.id, holder.id)),
      )
      expect(await store().accounts.findByEmail(email)).toEqual([
        { account: { ...holder, email, emailVerified: true }, identities: [earlier, first], isInvited: false },
        { account: old.account, identities: [old.identity], isInvited: false },
        { account: young.account, identities: [young.identity], isInvited: false },
      ])
    })

    test('changes its name and its picture independently', async () => {
      const { account: person } = await newcomer(opened())
      const renamed = { ...person, name: 'Countess', updatedAt: later(1) }
      expect(await store().accounts.update(person.id, { name: 'Countess' }, later(1), [updated(person.id)])).toEqual(
        renamed,
      )
      const faceless = { ...renamed, picture: null, updatedAt: later(2) }
      expect(await store().accounts.update(person.id, { picture: null }, later(2), [])).toEqual(faceless)
      expect(await store().accounts.find(person.id)).toEqual(faceless)
      expect(facts()).toEqual([updated(person.id)])
    })

    test('that was deleted is not changed, and publishes no fact', async () => {
      expect(await store().accounts.update('usr_nobody', { name: 'x' }, now, [updated('usr_nobody')])).toBeUndefined()
      expect(facts()).toEqual([])
      expect(await trailOf(opened())).toEqual([])
    })
  })

  describe('removing an account', () => {
    test('erases all its rows, and queues its grants for revocation', async () => {
      const { account: person, identity: way } = await newcomer(opened(), {
        email: 'ada@example.com',
        emailVerified: true,
      })
      const device = await signedIn(opened(), person.id, {}, 'cookie')
      await signedIn(opened(), person.id, { endedAt: now, endReason: 'logout' })
      await store().codes.issue(code(device))
      await store().pendingAuthorizations.begin(
        pendingAuthorization({ intent: 'link', accountId: person.id, sessionId: device.id }),
      )
      await store().grants.keep(
        { provider: 'github', issuer: 'github', clientId: 'c', subject: way.subject, holder: 'person' },
        'grt_1',
        () => tokens(),
        now,
      )
      const { account: bob, identity: bobs } = await newcomer(opened())
      const bobsDevice = await signedIn(opened(), bob.id)

      expect(await store().accounts.remove(person.id, later(2), [deleted(person.id)])).toBe(true)
      expect(await store().accounts.find(person.id)).toBeUndefined()
      expect(await store().accounts.findByEmail('ada@example.com')).toEqual([])
      expect(await rowsOf(opened(), 'identities')).toEqual([bobs])
      expect(await rowsOf(opened(), 'sessions')).toMatchObject([{ id: bobsDevice.id }])
      expect(await store().sessions.findByCookie('cookie')).toBeUndefined()
      for (const table of ['signInCodes', 'pendingAuthorizations', 'grants'] as const)
        expect(await rowsOf(opened(), table)).toEqual([])
      expect(await takeDue(store().revocations, 9, later(2), later(60))).toMatchObject([
        { grantId: 'grt_1', accessToken: 'sealed access', createdAt: later(2) },
      ])
      const ended = { session: device.id, reason: 'account_deleted' }
      expect(facts()).toEqual([
        deleted(person.id),
        { name: 'session.ended', data: ended, accountId: person.id, origin },
      ])
      expect(await store().accounts.remove(person.id, later(3), [deleted(person.id)])).toBe(false)
      expect(facts()).toHaveLength(2)
    })

    test('keeps its audit log without personal data, and leaves other accounts unchanged', async () => {
      const { account: person } = await newcomer(opened())
      const { account: bob } = await newcomer(opened())
      await store().audit.record(updated(person.id))
      await store().audit.record(updated(bob.id))
      await store().accounts.remove(person.id, now, [deleted(person.id)])
      expect(await store().audit.list(person.id, { before: null, limit: 9 })).toMatchObject(
        ['account.deleted', 'account.updated'].map((event) => ({ event, ip: null, userAgent: null })),
      )
      expect(await store().audit.list(bob.id, { before: null, limit: 9 })).toMatchObject([
        { event: 'account.updated', ...origin },
      ])
    })

    test('frees its email address and its identity', async () => {
      const { account: person, identity: way } = await newcomer(opened(), {
        email: 'ada@example.com',
        emailVerified: true,
      })
      await store().accounts.remove(person.id, now, [])
      const again = await newcomer(
        opened(),
        { email: 'ada@example.com', emailVerified: true },
        { subject: way.subject },
      )
      expect(await store().accounts.find(again.account.id)).toEqual(again.account)
    })
  })
}
