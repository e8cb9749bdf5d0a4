import { eq } from 'drizzle-orm'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Ways } from '../../src/accounts/ports.ts'
import type { Fact } from '../../src/events/catalogue.ts'
import { type Email, readEmail } from '../../src/kernel/email.ts'
import type { StoreConfig } from '../../src/store/open.ts'
import { addressesContract } from './addresses.contract.ts'
import { grantsContract } from './grants.contract.ts'
import { guessesContract } from './guesses.contract.ts'
import { jiraContract } from './jira.contract.ts'
import { jobsContract } from './jobs.contract.ts'
import { mailsContract } from './mails.contract.ts'
import { noticesContract } from './notices.contract.ts'
import { passkeysContract } from './passkeys.contract.ts'
import { passwordsContract } from './passwords.contract.ts'
import {
  account,
  type Backend,
  code,
  conflict,
  created,
  deleted,
  flow,
  identity,
  key,
  later,
  linked,
  loggedOut,
  newcomer,
  newId,
  now,
  type Opened,
  open,
  origin,
  session,
  signedIn,
  tokens,
  unlinked,
  updated,
} from './people.ts'
import { sealedContract } from './sealed.contract.ts'
import { secondFactorsContract } from './second-factors.contract.ts'
import { serviceCredentialContract } from './service-credentials.contract.ts'
import { teamsContract } from './teams.contract.ts'
import { ticketsContract } from './tickets.contract.ts'
import { userContract } from './users.contract.ts'
import { withdrawalsContract } from './withdrawals.contract.ts'

const ada: Email = { address: 'ada@example.com', key: 'ada@example.com' }

/** Opened by nothing that could be taken away. */
const byMail = { opener: { tag: 'email' } } as const

const names = (facts: readonly Fact[]): string[] => facts.map(({ name }) => name)

/** What every store promises, whatever it is made of. A new adapter passes this file or is not an adapter. */
export function storeContract(backend: Backend): void {
  const { name, emptied } = backend
  grantsContract(backend)
  jiraContract(backend)
  guessesContract(backend)
  passwordsContract(backend)
  describe(`${name} keeps the store contract`, () => {
    let config: StoreConfig
    let opened: Opened
    let store: Opened['store']
    let told: Fact[]

    beforeEach(async () => {
      config = await emptied()
      opened = await open(config)
      store = opened.store
      told = opened.told
    })
    afterEach(() => store.close())

    /** Every row of the trail, in the order it was written. */
    const trail = async () => {
      const { audit } = opened.driver.tables
      return opened.driver.read(opened.driver.db.select().from(audit).orderBy(audit.at, audit.ordinal))
    }
    const disable = (id: string) => {
      const { accounts } = opened.driver.tables
      return opened.driver.write(opened.driver.db.update(accounts).set({ disabledAt: now }).where(eq(accounts.id, id)))
    }
    const rowsOf = async (table: 'identities' | 'sessions' | 'signInCodes' | 'flows' | 'grants' | 'revocations') =>
      opened.driver.read(opened.driver.db.select().from(opened.driver.tables[table]))

    noticesContract(() => opened)
    mailsContract(() => opened)
    ticketsContract(() => opened)
    addressesContract(() => opened)
    withdrawalsContract(() => opened)

    describe('an account', () => {
      test('comes back exactly as it was stored, and so does its identity', async () => {
        const person = account({ email: 'Ada@Example.com', emailVerified: true, role: 'administrator' })
        const way = identity(person.id)
        expect(await store.accounts.create(person, way, { separate: false }, [])).toBe(true)
        expect(await store.accounts.find(person.id)).toEqual(person)
        expect(await store.accounts.findByIdentity(way.issuer, way.subject)).toEqual({ account: person, identity: way })
        expect(await store.accounts.identitiesOf(person.id)).toEqual([way])
        expect(await store.accounts.findByEmail('ada@example.com')).toEqual([{ account: person, identities: [way] }])
      })

      test('that nobody has is not found', async () => {
        await newcomer(opened, {}, { subject: '42' })
        expect(await store.accounts.find('usr_nobody')).toBeUndefined()
        expect(await store.accounts.findByIdentity('github', '43')).toBeUndefined()
        expect(await store.accounts.findByIdentity('google', '42')).toBeUndefined()
        expect(await store.accounts.findByEmail('nobody@example.com')).toEqual([])
        expect(await store.accounts.identitiesOf('usr_nobody')).toEqual([])
      })

      test('keeps any text, list and millisecond', async () => {
        // NUL is the one character PostgreSQL cannot hold, and lone surrogates are no text in UTF-8.
        const text = fc.string({ unit: 'grapheme' }).filter((s) => !s.includes('\0'))
        const time = fc.date({ min: new Date(0), max: new Date('9999-12-31T23:59:59.999Z'), noInvalidDate: true })
        await fc.assert(
          fc.asyncProperty(text, fc.array(text), time, fc.boolean(), async (name, scopes, createdAt, emailVerified) => {
            const given = { name, scopes, emailVerified, linkedAt: createdAt }
            const { account: person, identity: way } = await newcomer(opened, { name, createdAt }, given)
            expect(await store.accounts.find(person.id)).toEqual(person)
            expect(await store.accounts.identitiesOf(person.id)).toEqual([way])
          }),
          { numRuns: 40 },
        )
      })

      test('tells its reasons, once, and writes them into the trail', async () => {
        const person = account()
        const way = identity(person.id)
        const because = [created(person.id), linked(way)]
        await store.accounts.create(person, way, { separate: false }, because)
        expect(told).toEqual(because)
        expect(await trail()).toMatchObject([
          { event: 'account.created', accountId: person.id, at: now, data: { via: 'github' }, ...origin },
          { event: 'identity.linked', accountId: person.id, at: now, data: { how: 'on_purpose' }, ...origin },
        ])
      })

      test('is refused with nothing written when its identity exists', async () => {
        const { identity: taken } = await newcomer(opened)
        const person = account({ email: 'eve@example.com', emailVerified: true })
        const way = identity(person.id, { issuer: taken.issuer, subject: taken.subject })
        expect(await store.accounts.create(person, way, { separate: true }, [created(person.id)])).toBe(false)
        expect(await store.accounts.find(person.id)).toBeUndefined()
        expect(await store.accounts.findByEmail('eve@example.com')).toEqual([])
        expect(await trail()).toEqual([])
        expect(told).toEqual([])
      })

      test.each([true, false])(
        'is refused with nothing written when its verified address is held (separate: %s)',
        async (separate) => {
          const { account: holder } = await newcomer(opened, { email: 'ada@example.com', emailVerified: true })
          const person = account({ email: 'ADA@EXAMPLE.com', emailVerified: true })
          expect(await store.accounts.create(person, identity(person.id), { separate }, [created(person.id)])).toBe(
            false,
          )
          expect((await store.accounts.findByEmail('ada@example.com')).map((found) => found.account)).toEqual([holder])
          expect(await rowsOf('identities')).toHaveLength(1)
          expect(await trail()).toEqual([])
          expect(told).toEqual([])
        },
      )

      test.each([
        { theirs: true, ours: false },
        { theirs: false, ours: true },
        { theirs: false, ours: false },
      ])(
        'is refused when anybody holds or claims its address meanwhile, unless it is to be separate ($theirs, $ours)',
        async ({ theirs, ours }) => {
          await newcomer(opened, { email: 'ada@example.com', emailVerified: theirs })
          const person = account({ email: 'Ada@example.com', emailVerified: ours })
          const way = identity(person.id)
          expect(await store.accounts.create(person, way, { separate: false }, [created(person.id)])).toBe(false)
          expect(await store.accounts.find(person.id)).toBeUndefined()
          expect(await store.accounts.create(person, way, { separate: true }, [created(person.id)])).toBe(true)
          expect(await store.accounts.find(person.id)).toEqual(person)
        },
      )

      test('without an address is in nobody’s way', async () => {
        await newcomer(opened)
        await newcomer(opened)
        expect(await rowsOf('identities')).toHaveLength(2)
      })

      test('with a proven address ends every mere claim to it, and the sessions of the claimants', async () => {
        const { account: eve, identity: eves } = await newcomer(opened, { email: 'ADA@example.com' })
        const { account: bob } = await newcomer(opened, { email: 'bob@example.com' })
        const device = await signedIn(opened, eve.id)
        const old = await signedIn(opened, eve.id, { idleExpiresAt: now })
        const bobs = await signedIn(opened, bob.id)
        const person = account({ email: 'ada@example.com', emailVerified: true, createdAt: later(5) })
        await store.accounts.create(person, identity(person.id), { separate: true }, [created(person.id)])

        expect(await store.accounts.find(eve.id)).toEqual({ ...eve, email: null, updatedAt: later(5) })
        expect(await store.accounts.identitiesOf(eve.id)).toEqual([eves])
        expect(await store.sessions.find(device.id)).toMatchObject({
          endedAt: later(5),
          endReason: 'email_claim_ended',
        })
        expect(await store.sessions.find(old.id)).toMatchObject({ endedAt: null })
        expect(await store.sessions.find(bobs.id)).toMatchObject({ endedAt: null })
        expect(await store.accounts.find(bob.id)).toEqual(bob)
        // Whoever proved the address is a stranger to whoever claimed it: their address and agent are not told.
        const unnamed = { ip: null, userAgent: null, requestId: origin.requestId }
        expect(told).toEqual([
          created(person.id),
          { name: 'account.email_claim_ended', data: {}, accountId: eve.id, origin: unnamed },
          {
            name: 'session.ended',
            data: { session: device.id, reason: 'email_claim_ended' },
            accountId: eve.id,
            origin: unnamed,
          },
        ])
        expect((await trail()).map(({ event }) => event)).toEqual(names(told))
      })

      test('that only claims an address ends nobody’s claim', async () => {
        const { account: eve } = await newcomer(opened, { email: 'ada@example.com' })
        const { account: other } = await newcomer(opened, { email: 'ada@example.com' })
        expect(await store.accounts.find(eve.id)).toEqual(eve)
        expect(await store.accounts.find(other.id)).toEqual(other)
      })

      test('is found by address: the verified holder first, then by age, each with its identities', async () => {
        const email = 'ada@example.com'
        const young = await newcomer(opened, { email, createdAt: later(20) }, { linkedAt: later(20) })
        const { account: holder, identity: first } = await newcomer(opened, { email: null, createdAt: later(30) })
        const old = await newcomer(opened, { email, createdAt: later(10) })
        const earlier = identity(holder.id, { provider: 'google', linkedAt: later(-10) })
        await store.accounts.link(earlier, null, [])
        // Nobody may hold what others claim by the verbs, yet a store that is asked in between must know the order.
        const { accounts } = opened.driver.tables
        await opened.driver.write(
          opened.driver.db
            .update(accounts)
            .set({ email, emailKey: email, verifiedEmailKey: email })
            .where(eq(accounts.id, holder.id)),
        )
        expect(await store.accounts.findByEmail(email)).toEqual([
          { account: { ...holder, email, emailVerified: true }, identities: [earlier, first] },
          { account: old.account, identities: [old.identity] },
          { account: young.account, identities: [young.identity] },
        ])
      })

      test('changes its name or picture, each alone', async () => {
        const { account: person } = await newcomer(opened)
        const renamed = { ...person, name: 'Countess', updatedAt: later(1) }
        expect(await store.accounts.update(person.id, { name: 'Countess' }, later(1), [updated(person.id)])).toEqual(
          renamed,
        )
        const faceless = { ...renamed, picture: null, updatedAt: later(2) }
        expect(await store.accounts.update(person.id, { picture: null }, later(2), [])).toEqual(faceless)
        expect(await store.accounts.find(person.id)).toEqual(faceless)
        expect(told).toEqual([updated(person.id)])
      })

      test('that is gone is not changed, and says nothing', async () => {
        expect(await store.accounts.update('usr_nobody', { name: 'x' }, now, [updated('usr_nobody')])).toBeUndefined()
        expect(told).toEqual([])
        expect(await trail()).toEqual([])
      })
    })

    describe('linking', () => {
      test('adds a way in, oldest first', async () => {
        const { account: person, identity: first } = await newcomer(opened, {}, { linkedAt: now })
        const third = identity(person.id, { provider: 'google', linkedAt: later(20) })
        const second = identity(person.id, { provider: 'atlassian', linkedAt: later(10) })
        expect(await store.accounts.link(third, null, [linked(third)])).toBe(true)
        expect(await store.accounts.link(second, null, [linked(second)])).toBe(true)
        expect(await store.accounts.identitiesOf(person.id)).toEqual([first, second, third])
        expect(told).toEqual([linked(third), linked(second)])
      })

      test('is refused with nothing written when the identity is anybody’s', async () => {
        const { account: person, identity: own } = await newcomer(opened)
        const { account: bob } = await newcomer(opened)
        for (const accountId of [person.id, bob.id]) {
          const again = identity(accountId, { issuer: own.issuer, subject: own.subject })
          expect(await store.accounts.link(again, null, [linked(again)])).toBe(false)
        }
        expect(await store.accounts.identitiesOf(person.id)).toEqual([own])
        expect(told).toEqual([])
        expect(await trail()).toEqual([])
      })

      test('is refused when the account is gone or disabled', async () => {
        const { account: person } = await newcomer(opened)
        await disable(person.id)
        for (const accountId of [person.id, 'usr_nobody']) {
          const way = identity(accountId)
          expect(await store.accounts.link(way, null, [linked(way)])).toBe(false)
        }
        expect(told).toEqual([])
      })

      test('proves the account’s own claim, and then every other claim ends with its sessions', async () => {
        const { account: person } = await newcomer(opened, { email: 'ada@example.com' })
        const { account: eve } = await newcomer(opened, { email: 'ada@example.com' })
        const device = await signedIn(opened, eve.id)
        const kept = await signedIn(opened, person.id)
        const way = identity(person.id, { linkedAt: later(7) })
        expect(await store.accounts.link(way, ada, [linked(way)])).toBe(true)
        expect(await store.accounts.find(person.id)).toEqual({ ...person, emailVerified: true, updatedAt: later(7) })
        expect(await store.accounts.find(eve.id)).toMatchObject({ email: null, emailVerified: false })
        expect(await store.sessions.find(device.id)).toMatchObject({ endReason: 'email_claim_ended' })
        expect(await store.sessions.find(kept.id)).toMatchObject({ endedAt: null })
        expect(names(told)).toEqual([
          'identity.linked',
          'account.email_claim_ended',
          'session.ended',
          'account.email_verified',
        ])
      })

      test('by an address is refused when the account no longer holds it, is an administrator’s or has that provider', async () => {
        const { accounts } = opened.driver.tables
        const refused = async (
          given: Parameters<typeof newcomer>[1],
          change?: Partial<typeof accounts.$inferInsert>,
        ) => {
          const { account: person } = await newcomer(opened, given, { provider: 'google', issuer: 'google' })
          if (change)
            await opened.driver.write(opened.driver.db.update(accounts).set(change).where(eq(accounts.id, person.id)))
          return (provider: string) => {
            const way = identity(person.id, { provider })
            const email = readEmail(person.email ?? '') ?? ada
            return store.accounts.link(way, null, [linked(way)], { tag: 'holds_address', email })
          }
        }
        const holder = await refused({ email: 'ada@example.com', emailVerified: true })
        expect(await holder('google')).toBe(false)
        expect(await holder('github')).toBe(true)
        expect(await holder('github')).toBe(false)
        const claimant = await refused({ email: 'ada@example.com' })
        expect(await claimant('github')).toBe(false)
        const promoted = await refused({ email: 'grace@example.com', emailVerified: true, role: 'administrator' })
        expect(await promoted('github')).toBe(false)
        expect(names(told)).toEqual(['identity.linked'])
      })

      test('on purpose is refused when whoever asked was signed out meanwhile', async () => {
        const { account: person } = await newcomer(opened)
        const { account: other } = await newcomer(opened)
        const [device, elsewhere] = [await signedIn(opened, person.id), await signedIn(opened, other.id)]
        const link = (sessionId: string) => {
          const way = identity(person.id)
          return store.accounts.link(way, null, [linked(way)], { tag: 'signed_in', sessionId })
        }
        expect(await link(device.id)).toBe(true)
        expect(await link(elsewhere.id)).toBe(false)
        await store.sessions.end({ id: device.id, accountId: person.id }, 'logout', now, [])
        expect(await link(device.id)).toBe(false)
        expect(names(told)).toEqual(['identity.linked'])
      })

      test('or not, an account’s own claim can be proven; every other claim ends, and nothing is proven twice', async () => {
        const { account: person } = await newcomer(opened, { email: 'ada@example.com' })
        const { account: eve } = await newcomer(opened, { email: 'ada@example.com' })
        const verified: Fact = {
          name: 'account.email_verified',
          data: { provider: 'google' },
          accountId: person.id,
          origin,
        }
        expect(await store.accounts.proveEmail(person.id, ada, later(7), [verified])).toBe(true)
        expect(await store.accounts.find(person.id)).toEqual({ ...person, emailVerified: true, updatedAt: later(7) })
        expect(await store.accounts.find(eve.id)).toMatchObject({ email: null })
        for (const id of [person.id, eve.id, 'usr_nobody'])
          expect(await store.accounts.proveEmail(id, ada, later(8), [verified])).toBe(false)
        expect(names(told)).toEqual(['account.email_claim_ended', 'account.email_verified'])
      })

      test('proves nothing that somebody else holds', async () => {
        const { account: person } = await newcomer(opened, { email: 'ada@example.com' })
        const { accounts } = opened.driver.tables
        const { account: holder } = await newcomer(opened)
        await opened.driver.write(
          opened.driver.db
            .update(accounts)
            .set({ email: 'ada@example.com', emailKey: 'ada@example.com', verifiedEmailKey: 'ada@example.com' })
            .where(eq(accounts.id, holder.id)),
        )
        expect(await store.accounts.link(identity(person.id), ada, [])).toBe(true)
        expect(await store.accounts.find(person.id)).toEqual(person)
        expect(await store.accounts.find(holder.id)).toMatchObject({ emailVerified: true })
      })

      test('proves no other address than the account’s own', async () => {
        const { account: person } = await newcomer(opened, { email: 'countess@example.com' })
        const { account: eve } = await newcomer(opened, { email: 'ada@example.com' })
        expect(await store.accounts.link(identity(person.id), ada, [])).toBe(true)
        expect(await store.accounts.find(person.id)).toEqual(person)
        expect(await store.accounts.find(eve.id)).toEqual(eve)
      })
    })

    test('what a provider said at the latest sign-in replaces what it said before', async () => {
      const { account: person, identity: way } = await newcomer(opened)
      const use = {
        ...{ email: null, emailVerified: false, name: 'A', picture: 'https://p', scopes: ['x'] },
        lastUsedAt: later(9),
      }
      await store.accounts.recordUse(way.id, use)
      await store.accounts.recordUse('idn_nobody', use)
      expect(await store.accounts.identitiesOf(person.id)).toEqual([{ ...way, ...use }])
      expect(await store.accounts.find(person.id)).toEqual(person)
    })

    describe('unlinking', () => {
      const always = () => true

      test('asks about what would be left, and takes the identity away', async () => {
        const { account: person, identity: first } = await newcomer(opened)
        const second = identity(person.id, { provider: 'google', linkedAt: later(1) })
        await store.accounts.link(second, null, [])
        const asked: Ways[] = []
        const of = { accountId: person.id, identityId: first.id, keepSession: null, at: now }
        const mayGo = (left: Ways) => {
          asked.push(left)
          return true
        }
        expect(await store.accounts.unlink(of, mayGo, (gone) => [unlinked(gone)])).toBe('unlinked')
        expect(asked).toEqual([{ identities: [second], password: false, passkeys: [] }])
        expect(await store.accounts.identitiesOf(person.id)).toEqual([second])
        expect(told).toEqual([unlinked(first)])
        expect(await store.accounts.unlink(of, always, (gone) => [unlinked(gone)])).toBe('not_linked')
        expect(told).toHaveLength(1)
      })

      test('changes nothing when the last way in may not go', async () => {
        const { account: person, identity: way } = await newcomer(opened)
        const device = await signedIn(opened, person.id, { identityId: way.id })
        await store.grants.keep(
          { provider: 'github', clientId: 'c', subject: way.subject, holder: 'person' },
          'grt_1',
          () => tokens(),
          now,
        )
        const of = { accountId: person.id, identityId: way.id, keepSession: null, at: now }
        expect(
          await store.accounts.unlink(
            of,
            ({ identities }) => identities.length > 0,
            (gone) => [unlinked(gone)],
          ),
        ).toBe('last_login_method')
        expect(await store.accounts.identitiesOf(person.id)).toEqual([way])
        expect(await store.sessions.find(device.id)).toMatchObject({ endedAt: null })
        expect(await store.revocations.backlog()).toBe(0)
        expect(told).toEqual([])
        expect(await trail()).toEqual([])
      })

      test('somebody else’s identity is not linked', async () => {
        const { identity: theirs } = await newcomer(opened)
        const { account: eve } = await newcomer(opened)
        const of = { accountId: eve.id, identityId: theirs.id, keepSession: null, at: now }
        expect(await store.accounts.unlink(of, always, (gone) => [unlinked(gone)])).toBe('not_linked')
        expect(await store.accounts.findByIdentity(theirs.issuer, theirs.subject)).toBeDefined()
      })

      test('ends the sessions that identity opened, but for the one that is kept', async () => {
        const { account: person, identity: way } = await newcomer(opened)
        const kept = await signedIn(opened, person.id, { identityId: way.id })
        const lost = await signedIn(opened, person.id, { identityId: way.id })
        const over = await signedIn(opened, person.id, { identityId: way.id, absoluteExpiresAt: now })
        const second = identity(person.id, { provider: 'google', issuer: 'google', subject: 'another way in' })
        await store.accounts.link(second, null, [])
        const other = await signedIn(opened, person.id, { identityId: second.id })
        const of = { accountId: person.id, identityId: way.id, keepSession: kept.id, at: later(3) }
        await store.accounts.unlink(of, always, (gone) => [unlinked(gone)])
        expect(await store.sessions.find(lost.id)).toMatchObject({ endedAt: later(3), endReason: 'identity_unlinked' })
        for (const { id } of [kept, over, other])
          expect(await store.sessions.find(id)).toMatchObject({ endedAt: null, endReason: null })
        expect(told).toEqual([
          unlinked(way),
          {
            name: 'session.ended',
            data: { session: lost.id, reason: 'identity_unlinked' },
            accountId: person.id,
            origin,
          },
        ])
      })

      test('is for whoever is still signed in: a device signed out meanwhile unlinks nothing', async () => {
        const { account: person, identity: way } = await newcomer(opened)
        const { account: eve } = await newcomer(opened)
        const [ended, stale, theirs] = [
          await signedIn(opened, person.id),
          await signedIn(opened, person.id, { idleExpiresAt: later(1) }),
          await signedIn(opened, eve.id),
        ]
        await store.sessions.end({ id: ended.id, accountId: person.id }, 'logout', now, [])
        const of = { accountId: person.id, identityId: way.id, at: later(1) }
        for (const { id: keepSession } of [ended, stale, theirs])
          expect(await store.accounts.unlink({ ...of, keepSession }, always, () => [unlinked(way)])).toBe(
            'session_revoked',
          )
        expect([await store.accounts.identitiesOf(person.id), told]).toEqual([[way], []])
      })

      test('queues its grants for revocation, of every app of ours, still sealed as they were', async () => {
        const { account: person, identity: way } = await newcomer(opened)
        const { identity: others } = await newcomer(opened)
        const subject = way.subject
        await store.grants.keep(
          { provider: 'github', clientId: 'web', subject, holder: 'person' },
          'grt_web',
          () => tokens(),
          now,
        )
        await store.grants.keep(
          { provider: 'github', clientId: 'app', subject, holder: 'person' },
          'grt_app',
          () => tokens({ accessToken: 'other', refreshToken: null }),
          now,
        )
        const kept = { provider: 'github', clientId: 'web', subject: others.subject, holder: 'person' }
        await store.grants.keep(kept, 'grt_other', () => tokens(), now)
        const of = { accountId: person.id, identityId: way.id, keepSession: null, at: later(4) }
        await store.accounts.unlink(of, always, () => [])

        expect(
          await store.grants.find({ provider: 'github', clientId: 'web', subject, holder: 'person' }),
        ).toBeUndefined()
        expect(await store.grants.find(kept)).toBeDefined()
        const queued = await store.revocations.take(9, later(4), later(60))
        const byGrant = [...queued].sort((a, b) => a.grantId.localeCompare(b.grantId))
        const fresh = { provider: 'github', subject, attempts: 0, lastError: null, createdAt: later(4) }
        expect(byGrant).toMatchObject([
          { ...fresh, grantId: 'grt_app', clientId: 'app', accessToken: 'other', refreshToken: null },
          {
            ...fresh,
            grantId: 'grt_web',
            clientId: 'web',
            accessToken: 'sealed access',
            refreshToken: 'sealed refresh',
          },
        ])
        expect(byGrant.every(({ id }) => id.startsWith('rvk_'))).toBe(true)
      })

      test('leaves a grant another identity still stands on', async () => {
        const { account: person, identity: way } = await newcomer(opened)
        await newcomer(opened, {}, { issuer: 'https://other.example', subject: way.subject })
        const grant = { provider: 'github', clientId: 'web', subject: way.subject, holder: 'person' }
        await store.grants.keep(grant, 'grt_1', () => tokens(), now)
        const of = { accountId: person.id, identityId: way.id, keepSession: null, at: now }
        expect(await store.accounts.unlink(of, always, () => [])).toBe('unlinked')
        expect(await store.grants.find(grant)).toBeDefined()
        expect(await store.revocations.backlog()).toBe(0)
      })
    })

    describe('removing an account', () => {
      test('erases all it owns, and queues its grants', async () => {
        const { account: person, identity: way } = await newcomer(opened, {
          email: 'ada@example.com',
          emailVerified: true,
        })
        const device = await signedIn(opened, person.id, {}, 'cookie')
        await signedIn(opened, person.id, { endedAt: now, endReason: 'logout' })
        await store.codes.issue(code(device))
        await store.flows.begin(flow({ intent: 'link', accountId: person.id, sessionId: device.id }))
        await store.grants.keep(
          { provider: 'github', clientId: 'c', subject: way.subject, holder: 'person' },
          'grt_1',
          () => tokens(),
          now,
        )
        const { account: bob, identity: bobs } = await newcomer(opened)
        const bobsDevice = await signedIn(opened, bob.id)

        expect(await store.accounts.remove(person.id, later(2), [deleted(person.id)])).toBe(true)
        expect(await store.accounts.find(person.id)).toBeUndefined()
        expect(await store.accounts.findByEmail('ada@example.com')).toEqual([])
        expect(await rowsOf('identities')).toEqual([bobs])
        expect(await rowsOf('sessions')).toMatchObject([{ id: bobsDevice.id }])
        expect(await store.sessions.findByCookie('cookie')).toBeUndefined()
        for (const table of ['signInCodes', 'flows', 'grants'] as const) expect(await rowsOf(table)).toEqual([])
        expect(await store.revocations.take(9, later(2), later(60))).toMatchObject([
          { grantId: 'grt_1', accessToken: 'sealed access', createdAt: later(2) },
        ])
        const ended = { session: device.id, reason: 'account_deleted' }
        expect(told).toEqual([deleted(person.id), { name: 'session.ended', data: ended, accountId: person.id, origin }])
        expect(await store.accounts.remove(person.id, later(3), [deleted(person.id)])).toBe(false)
        expect(told).toHaveLength(2)
      })

      test('leaves its trail, without personal data, and everybody else’s as it was', async () => {
        const { account: person } = await newcomer(opened)
        const { account: bob } = await newcomer(opened)
        await store.audit.record(updated(person.id))
        await store.audit.record(updated(bob.id))
        await store.accounts.remove(person.id, now, [deleted(person.id)])
        expect(await store.audit.list(person.id, { before: null, limit: 9 })).toMatchObject(
          ['account.deleted', 'account.updated'].map((event) => ({ event, ip: null, userAgent: null })),
        )
        expect(await store.audit.list(bob.id, { before: null, limit: 9 })).toMatchObject([
          { event: 'account.updated', ...origin },
        ])
      })

      test('frees its address and its identity', async () => {
        const { account: person, identity: way } = await newcomer(opened, {
          email: 'ada@example.com',
          emailVerified: true,
        })
        await store.accounts.remove(person.id, now, [])
        const again = await newcomer(
          opened,
          { email: 'ada@example.com', emailVerified: true },
          { subject: way.subject },
        )
        expect(await store.accounts.find(again.account.id)).toEqual(again.account)
      })
    })

    describe('a conflict', () => {
      const opening = (id: string): Fact => ({
        name: 'conflict.opened',
        data: { provider: 'github' },
        accountId: id,
        origin,
      })

      test('is found while it is open, by its ticket and its binding', async () => {
        const question = conflict()
        await store.conflicts.open(question, [opening('usr_1')])
        const match = { ticketHash: question.ticketHash, bindingHash: question.bindingHash }
        expect(await store.conflicts.find(match, later(599))).toEqual(question)
        expect(await store.conflicts.find(match, later(600))).toBeUndefined()
        expect(await store.conflicts.find({ ...match, bindingHash: 'another browser' }, now)).toBeUndefined()
        expect(await store.conflicts.find({ ...match, ticketHash: 'another ticket' }, now)).toBeUndefined()
        expect(told).toEqual([opening('usr_1')])
      })

      test('is resolved once', async () => {
        const question = conflict()
        await store.conflicts.open(question, [])
        expect(await store.conflicts.resolve(question.id, later(1))).toBe(true)
        expect(await store.conflicts.resolve(question.id, later(1))).toBe(false)
        const match = { ticketHash: question.ticketHash, bindingHash: question.bindingHash }
        expect(await store.conflicts.find(match, later(1))).toBeUndefined()
      })

      test('that expired is not resolved', async () => {
        const question = conflict()
        await store.conflicts.open(question, [])
        expect(await store.conflicts.resolve(question.id, later(600))).toBe(false)
      })

      test('is swept once it has expired', async () => {
        const question = conflict()
        await store.conflicts.open(question, [])
        await store.conflicts.open(conflict({ expiresAt: later(10) }), [])
        expect(await store.conflicts.sweep(later(10))).toBe(0)
        expect(await store.conflicts.sweep(later(11))).toBe(1)
        const match = { ticketHash: question.ticketHash, bindingHash: question.bindingHash }
        expect(await store.conflicts.find(match, now)).toEqual(question)
      })
    })

    describe('a session', () => {
      let person: Awaited<ReturnType<typeof newcomer>>['account']
      beforeEach(async () => {
        person = (await newcomer(opened)).account
      })

      test('comes back exactly as it was started, by its id and by its cookie', async () => {
        const device = session(person.id)
        const signIn: Fact = {
          name: 'authentication.succeeded',
          data: { provider: 'github', action: 'login_existing', session: device.id },
          accountId: person.id,
          origin,
        }
        await store.sessions.start(device, { ...byMail, cookieHash: 'h', replaces: null }, [signIn])
        expect(await store.sessions.find(device.id)).toEqual({ ...device, account: person })
        expect(await store.sessions.findByCookie('h')).toEqual({ ...device, account: person })
        expect(await store.sessions.find('ses_nobody')).toBeUndefined()
        expect(await store.sessions.findByCookie('no cookie')).toBeUndefined()
        expect(told).toEqual([signIn])
        expect(await trail()).toMatchObject([{ event: signIn.name, data: signIn.data }])
      })

      test('is not started by an identity that was unlinked meanwhile, or is another account’s', async () => {
        const { identity: theirs } = await newcomer(opened)
        for (const identityId of ['idn_gone', theirs.id]) {
          const device = session(person.id, { identityId })
          const opener = { tag: 'identity', id: identityId } as const
          expect(
            await store.sessions.start(device, { opener, cookieHash: null, replaces: null }, [updated(person.id)]),
          ).toBe(false)
          expect(await store.sessions.find(device.id)).toBeUndefined()
        }
        expect(told).toEqual([])
      })

      test('tells that its account is disabled, and rotates no more', async () => {
        const { id, generation } = await signedIn(opened, person.id, {}, 'h')
        await disable(person.id)
        expect(await store.sessions.find(id)).toMatchObject({ account: { disabledAt: now } })
        expect(await store.sessions.findByCookie('h')).toMatchObject({ account: { disabledAt: now } })
        expect(await store.sessions.rotate(id, generation, now, later(900))).toBeUndefined()
      })

      test('is found even when it is over', async () => {
        const ended = await signedIn(opened, person.id, { endedAt: now, endReason: 'revoked' })
        const expired = await signedIn(opened, person.id, { idleExpiresAt: later(-1) })
        expect(await store.sessions.find(ended.id)).toMatchObject({ endedAt: now, endReason: 'revoked' })
        expect(await store.sessions.find(expired.id)).toMatchObject({ endedAt: null, idleExpiresAt: later(-1) })
      })

      test('without an account is not started', async () => {
        const nowhere = { ...byMail, cookieHash: null, replaces: null }
        expect(await store.sessions.start(session('usr_nobody'), nowhere, [])).toBe(false)
        expect(await rowsOf('sessions')).toEqual([])
      })

      test('ends the one it replaces, and says so', async () => {
        const old = await signedIn(opened, person.id, {}, 'old')
        const device = session(person.id, { createdAt: later(2) })
        await store.sessions.start(device, { ...byMail, cookieHash: 'new', replaces: old.id }, [updated(person.id)])
        expect(await store.sessions.findByCookie('old')).toMatchObject({ endedAt: later(2), endReason: 'replaced' })
        expect(await store.sessions.findByCookie('new')).toMatchObject({ endedAt: null })
        const ended = { session: old.id, reason: 'replaced' }
        expect(told).toEqual([updated(person.id), { name: 'session.ended', data: ended, accountId: person.id, origin }])
      })

      test('that replaces what is already over, or unknown, says nothing of it', async () => {
        const old = await signedIn(opened, person.id, { endedAt: now, endReason: 'logout' })
        for (const replaces of [old.id, 'ses_nobody'])
          await store.sessions.start(session(person.id), { ...byMail, cookieHash: null, replaces }, [])
        expect(await store.sessions.find(old.id)).toMatchObject({ endReason: 'logout' })
        expect(told).toEqual([])
      })

      test('rotates from its current generation to the next', async () => {
        const device = await signedIn(opened, person.id, { generation: 6, usedGeneration: 5 }, 'h')
        const rotated = {
          ...device,
          generation: 7,
          usedGeneration: 6,
          rotatedAt: later(5),
          lastSeenAt: later(5),
          idleExpiresAt: later(900),
        }
        const { id, accountId, amr, scope, authTime, generation, rotatedAt, idleExpiresAt, absoluteExpiresAt } = rotated
        expect(await store.sessions.rotate(device.id, 6, later(5), later(900))).toEqual({
          ...{ id, accountId, amr, scope, authTime, generation, rotatedAt, idleExpiresAt, absoluteExpiresAt },
        })
        expect(await store.sessions.findByCookie('h')).toEqual({ ...rotated, account: person })
      })

      test.each([
        ['an older generation', {}, 5],
        ['a generation to come', {}, 7],
        ['an ended session', { endedAt: now, endReason: 'logout' as const }, 6],
        ['an idle session', { idleExpiresAt: later(5) }, 6],
        ['a session past its absolute limit', { absoluteExpiresAt: later(5) }, 6],
      ])('does not rotate: %s', async (_, given, generation) => {
        const device = await signedIn(opened, person.id, { generation: 6, usedGeneration: 5, ...given })
        expect(await store.sessions.rotate(device.id, generation, later(5), later(900))).toBeUndefined()
        expect(await store.sessions.find(device.id)).toEqual({ ...device, account: person })
      })

      test('rotates beside others of the same moment, each by the generation presented for it', async () => {
        const devices = await Promise.all(
          Array.from({ length: 20 }, (_, generation) => signedIn(opened, person.id, { generation })),
        )
        const ended = await signedIn(opened, person.id, { endedAt: now, endReason: 'logout' })
        const answers = await Promise.all([
          ...devices.map(({ id }, n) => store.sessions.rotate(id, n % 5 === 4 ? n - 1 : n, later(5), later(900))),
          store.sessions.rotate(ended.id, ended.generation, later(5), later(900)),
          store.sessions.rotate('ses_nobody', 0, later(5), later(900)),
        ])
        const rotates = (n: number) => n < 20 && n % 5 !== 4
        expect(answers.map((answer) => answer?.generation)).toEqual(
          answers.map((_, n) => (rotates(n) ? n + 1 : undefined)),
        )
        expect(answers.map((answer) => answer?.id)).toEqual(
          answers.map((_, n) => (rotates(n) ? devices[n]?.id : undefined)),
        )
        for (const [n, { id }] of devices.entries())
          expect(await store.sessions.find(id)).toMatchObject({ generation: rotates(n) ? n + 1 : n })
      })

      test('rotates once for a token presented several times in the same moment', async () => {
        const { id } = await signedIn(opened, person.id, { generation: 6 })
        const answers = await Promise.all(
          Array.from({ length: 5 }, () => store.sessions.rotate(id, 6, later(5), later(900))),
        )
        expect(answers.filter(Boolean)).toMatchObject([{ generation: 7 }])
        expect(await store.sessions.find(id)).toMatchObject({ generation: 7 })
      })

      test('rotates at its own moment, whoever else is asked about', async () => {
        const [one, two] = [await signedIn(opened, person.id), await signedIn(opened, person.id)]
        const answers = await Promise.all([
          store.sessions.rotate(one.id, one.generation, later(5), later(900)),
          store.sessions.rotate(two.id, two.generation, later(6), later(800)),
        ])
        expect(answers).toMatchObject([
          { id: one.id, rotatedAt: later(5), idleExpiresAt: later(900) },
          { id: two.id, rotatedAt: later(6), idleExpiresAt: later(800) },
        ])
        expect(await store.sessions.find(one.id)).toMatchObject({ rotatedAt: later(5), idleExpiresAt: later(900) })
        expect(await store.sessions.find(two.id)).toMatchObject({ rotatedAt: later(6), idleExpiresAt: later(800) })
      })

      test('counts beyond 32 bits', async () => {
        const device = await signedIn(opened, person.id, { generation: 2 ** 40 })
        expect(await store.sessions.rotate(device.id, 2 ** 40, now, later(900))).toMatchObject({
          generation: 2 ** 40 + 1,
        })
      })

      test('remembers the newest generation that was used, and never goes back', async () => {
        const device = await signedIn(opened, person.id, { generation: 3, usedGeneration: 1 })
        await store.sessions.markUsed(device.id, 3, later(4))
        expect(await store.sessions.find(device.id)).toMatchObject({ usedGeneration: 3, lastSeenAt: later(4) })
        await store.sessions.markUsed(device.id, 2, later(5))
        expect(await store.sessions.find(device.id)).toMatchObject({ usedGeneration: 3 })
        await store.sessions.markUsed(device.id, 4, later(6))
        expect(await store.sessions.find(device.id)).toMatchObject({ usedGeneration: 3 })
      })

      test('is touched: seen, and with a new idle limit if one is given', async () => {
        const device = await signedIn(opened, person.id)
        await store.sessions.touch(device.id, later(5), null)
        expect(await store.sessions.find(device.id)).toMatchObject({
          lastSeenAt: later(5),
          idleExpiresAt: device.idleExpiresAt,
        })
        await store.sessions.touch(device.id, later(6), later(700))
        expect(await store.sessions.find(device.id)).toMatchObject({ lastSeenAt: later(6), idleExpiresAt: later(700) })
      })

      test.each([
        ['ended', { endedAt: now, endReason: 'logout' as const }],
        ['expired', { idleExpiresAt: later(5) }],
      ])('that %s is not brought back by a touch', async (_, given) => {
        const device = await signedIn(opened, person.id, given)
        await store.sessions.touch(device.id, later(5), later(700))
        await store.sessions.touch(device.id, later(5), null)
        expect(await store.sessions.find(device.id)).toEqual({ ...device, account: person })
      })

      test('ends once, for its own account only', async () => {
        const device = await signedIn(opened, person.id)
        const because = [loggedOut(person.id)(device.id)]
        const of = { id: device.id, accountId: person.id }
        expect(await store.sessions.end({ ...of, accountId: 'usr_eve' }, 'logout', later(1), because)).toBe(false)
        expect(told).toEqual([])
        expect(await store.sessions.end(of, 'logout', later(1), because)).toBe(true)
        expect(await store.sessions.end(of, 'revoked', later(2), because)).toBe(false)
        expect(await store.sessions.find(device.id)).toMatchObject({ endedAt: later(1), endReason: 'logout' })
        expect(told).toEqual(because)
        expect(await trail()).toHaveLength(1)
      })

      test('that has expired is already over', async () => {
        const device = await signedIn(opened, person.id, { idleExpiresAt: later(1) })
        expect(await store.sessions.end({ id: device.id, accountId: person.id }, 'logout', later(1), [])).toBe(false)
      })

      test('ends with all of its account’s, but for one, each for its own reason', async () => {
        const devices = [await signedIn(opened, person.id), await signedIn(opened, person.id)]
        const kept = await signedIn(opened, person.id)
        const over = await signedIn(opened, person.id, { endedAt: now, endReason: 'revoked' })
        const other = await signedIn(opened, (await newcomer(opened)).account.id)
        const ids = devices.map(({ id }) => id).sort()
        const because = loggedOut(person.id)
        expect(await store.sessions.endAll(person.id, kept.id, 'logout_all', later(1), because)).toEqual(ids)
        expect(told).toEqual(ids.map(because))
        for (const id of ids)
          expect(await store.sessions.find(id)).toMatchObject({ endedAt: later(1), endReason: 'logout_all' })
        for (const { id } of [kept, other]) expect(await store.sessions.find(id)).toMatchObject({ endedAt: null })
        expect(await store.sessions.find(over.id)).toMatchObject({ endReason: 'revoked' })
        expect(await store.sessions.endAll(person.id, null, 'logout_all', later(2), because)).toEqual([kept.id])
      })

      test('ends with all of its account’s, and no device is trusted any more but the one that is kept', async () => {
        const device = (accountId: string) => ({
          ...{ id: newId('dev'), accountId, secretHash: newId('tkt'), createdAt: now, lastSeenAt: now },
          expiresAt: later(60),
        })
        const other = (await newcomer(opened)).account.id
        const [mine, lost, theirs] = [device(person.id), device(person.id), device(other)]
        for (const one of [mine, lost, theirs])
          await store.trustedDevices.trust(one, (await signedIn(opened, one.accountId)).id)
        const trusted = async () => {
          const found = [mine, lost, theirs].map(({ secretHash }) => store.trustedDevices.find(secretHash, now))
          return (await Promise.all(found)).filter((id) => id !== undefined)
        }
        expect(await trusted()).toEqual([mine.id, lost.id, theirs.id])
        await store.sessions.endAll(person.id, null, 'logout_all', now, loggedOut(person.id), mine.id)
        expect(await trusted()).toEqual([mine.id, theirs.id])
        await store.sessions.endAll(person.id, null, 'logout_all', now, loggedOut(person.id))
        expect(await trusted()).toEqual([theirs.id])
      })

      test('is one of very many and ends with them', async () => {
        await Promise.all(Array.from({ length: 230 }, () => signedIn(opened, person.id)))
        const ended = await store.sessions.endAll(person.id, null, 'logout_all', later(1), loggedOut(person.id))
        expect(ended).toHaveLength(230)
        expect(new Set((await trail()).map(({ data }) => data.session))).toEqual(new Set(ended))
        expect((await trail()).map(({ data }) => data.session)).toEqual(ended)
      })

      test('is listed while it is live, last seen first', async () => {
        const first = await signedIn(opened, person.id, { lastSeenAt: later(1) })
        const last = await signedIn(opened, person.id, { lastSeenAt: later(3) })
        const twins = [
          await signedIn(opened, person.id, { id: 'ses_b', lastSeenAt: later(2) }),
          await signedIn(opened, person.id, { id: 'ses_a', lastSeenAt: later(2) }),
        ]
        await signedIn(opened, person.id, { endedAt: now, endReason: 'logout' })
        await signedIn(opened, person.id, { idleExpiresAt: later(5) })
        await signedIn(opened, person.id, { absoluteExpiresAt: later(5) })
        await signedIn(opened, (await newcomer(opened)).account.id)
        expect(await store.sessions.list(person.id, later(5))).toEqual([last, ...twins, first])
      })

      test('is swept once it has been over for long, with its codes', async () => {
        const live = await signedIn(opened, person.id)
        const over = await Promise.all([
          signedIn(opened, person.id, { endedAt: later(9), endReason: 'logout' }),
          signedIn(opened, person.id, { idleExpiresAt: later(9) }),
          signedIn(opened, person.id, { absoluteExpiresAt: later(9) }),
        ])
        const just = await signedIn(opened, person.id, { endedAt: later(10), endReason: 'logout' })
        for (const device of over) await store.codes.issue(code(device))
        expect(await store.sessions.sweep(later(10))).toBe(3)
        for (const { id } of over) expect(await store.sessions.find(id)).toBeUndefined()
        for (const { id } of [live, just]) expect(await store.sessions.find(id)).toBeDefined()
        expect(await rowsOf('signInCodes')).toEqual([])
        expect(await store.sessions.sweep(later(10))).toBe(0)
      })

      test('is swept however many there are', async () => {
        const { db, tables, write } = opened.driver
        const devices = Array.from({ length: 4100 }, (_, n) => ({
          ...session(person.id, n % 3 === 0 ? {} : { idleExpiresAt: later(-1) }),
          cookieHash: null,
        }))
        for (let from = 0; from < devices.length; from += 500)
          await write(db.insert(tables.sessions).values(devices.slice(from, from + 500)))
        expect(await store.sessions.sweep(now)).toBe(devices.filter((_, n) => n % 3 !== 0).length)
        expect(await store.sessions.list(person.id, now)).toHaveLength(devices.filter((_, n) => n % 3 === 0).length)
      })
    })

    describe('a sign-in code', () => {
      test('is spent once, while it lasts', async () => {
        const device = await signedIn(opened, (await newcomer(opened)).account.id)
        const [good, late] = [code(device), code(device)]
        await store.codes.issue(good)
        await store.codes.issue(late)
        expect(await store.codes.find(good.codeHash)).toEqual(good)
        expect(await store.codes.spend(good.codeHash, later(59))).toBe(true)
        expect(await store.codes.spend(good.codeHash, later(59))).toBe(false)
        expect(await store.codes.find(good.codeHash)).toEqual({ ...good, usedAt: later(59) })
        expect(await store.codes.spend(late.codeHash, later(60))).toBe(false)
        expect(await store.codes.spend('unknown', now)).toBe(false)
        expect(await store.codes.find('unknown')).toBeUndefined()
      })

      test('is swept once it has expired', async () => {
        const device = await signedIn(opened, (await newcomer(opened)).account.id)
        const kept = code(device)
        await store.codes.issue(kept)
        await store.codes.issue(code(device, { expiresAt: later(10) }))
        expect(await store.codes.sweep(later(10))).toBe(0)
        expect(await store.codes.sweep(later(11))).toBe(1)
        expect(await store.codes.find(kept.codeHash)).toEqual(kept)
      })
    })

    describe('a signing key', () => {
      const rotated: Fact = { name: 'signing_key.rotated', data: { key: 'key_1' }, accountId: null, origin }

      test('comes back as it was added, in order', async () => {
        const keys = [
          key({ sequence: 1 }),
          key({ sequence: 2 }),
          key({ purpose: 'refresh', sequence: 1, publicJwk: null }),
        ]
        for (const added of [...keys].reverse()) expect(await store.keys.add(added, [rotated])).toBe(true)
        expect(await store.keys.list()).toEqual(keys)
        expect(told).toHaveLength(3)
      })

      test('is refused, quietly, when its number is taken', async () => {
        const first = key()
        await store.keys.add(first, [])
        expect(await store.keys.add(key(), [rotated])).toBe(false)
        expect(await store.keys.list()).toEqual([first])
        expect(told).toEqual([])
      })

      test('is removed', async () => {
        const keys = [key({ sequence: 1 }), key({ sequence: 2 }), key({ sequence: 3 })]
        for (const added of keys) await store.keys.add(added, [])
        await store.keys.remove(keys.slice(0, 2).map(({ id }) => id))
        await store.keys.remove([])
        expect(await store.keys.list()).toEqual(keys.slice(2))
      })
    })

    describe('a pending flow', () => {
      const matching = ({ stateHash, bindingHash, provider }: ReturnType<typeof flow>) => ({
        ...{ stateHash, bindingHash, provider },
      })

      test('is claimed once, and says afterwards that it was', async () => {
        const begun = flow()
        await store.flows.begin(begun)
        expect(await store.flows.find(begun.stateHash)).toEqual(begun)
        const claimed = { ...begun, claimedAt: later(1) }
        expect(await store.flows.claim(matching(begun), later(1))).toEqual(claimed)
        expect(await store.flows.claim(matching(begun), later(1))).toBeUndefined()
        expect(await store.flows.find(begun.stateHash)).toEqual(claimed)
        expect(await store.flows.find('unknown')).toBeUndefined()
      })

      test.each([{ stateHash: 'x' }, { bindingHash: 'x' }, { provider: 'google' }])(
        'is not claimed by another: %o',
        async (other) => {
          const begun = flow()
          await store.flows.begin(begun)
          expect(await store.flows.claim({ ...matching(begun), ...other }, now)).toBeUndefined()
          expect(await store.flows.find(begun.stateHash)).toEqual(begun)
        },
      )

      test('that expired is not claimed, and is kept until it is swept', async () => {
        const begun = flow()
        await store.flows.begin(begun)
        expect(await store.flows.claim(matching(begun), later(300))).toBeUndefined()
        expect(await store.flows.sweep(later(300))).toBe(0)
        expect(await store.flows.find(begun.stateHash)).toEqual(begun)
        expect(await store.flows.sweep(later(301))).toBe(1)
        expect(await store.flows.find(begun.stateHash)).toBeUndefined()
      })

      test('of somebody linking comes back with who and where', async () => {
        const { account: person } = await newcomer(opened)
        const begun = flow({ intent: 'link', accountId: person.id, sessionId: 'ses_1', nonce: 'n', returnTo: null })
        await store.flows.begin(begun)
        expect(await store.flows.find(begun.stateHash)).toEqual(begun)
      })
    })

    describe('a revocation', () => {
      const done: Fact = {
        name: 'provider_token.revoked',
        data: { provider: 'github', result: 'revoked' },
        accountId: null,
        origin,
      }
      /** As many as wanted, queued the way they are: by unlinking. */
      const queue = async (many: number, at = now) => {
        for (let n = 0; n < many; n++) {
          const { account: person, identity: way } = await newcomer(opened)
          const grant = { provider: 'github', clientId: 'c', subject: way.subject, holder: 'person' }
          await store.grants.keep(grant, newId('grt'), () => tokens(), now)
          await store.accounts.remove(person.id, at, [])
        }
      }

      test('is taken when it is due, by one worker at a time', async () => {
        await queue(3)
        expect(await store.revocations.backlog()).toBe(3)
        expect(await store.revocations.take(9, later(-1), later(60))).toEqual([])
        const first = await store.revocations.take(2, now, later(60))
        const second = await store.revocations.take(2, now, later(60))
        expect([first.length, second.length]).toEqual([2, 1])
        expect(new Set([...first, ...second].map(({ id }) => id)).size).toBe(3)
        expect(await store.revocations.take(9, later(59), later(120))).toEqual([])
        expect(await store.revocations.take(9, later(60), later(120))).toHaveLength(3)
      })

      test('is taken longest due first', async () => {
        await queue(1, later(5))
        await queue(1, later(1))
        await queue(1, later(3))
        expect(await store.revocations.take(2, later(9), later(60))).toMatchObject([
          { createdAt: later(1) },
          { createdAt: later(3) },
        ])
      })

      test('that failed comes again later, and remembers how often and why', async () => {
        await queue(1)
        const [taken] = await store.revocations.take(1, now, later(60))
        expect(taken).toMatchObject({ attempts: 0, lastError: null })
        await store.revocations.retry(taken?.id ?? '', later(30), 'provider_unavailable')
        expect(await store.revocations.take(1, later(29), later(90))).toEqual([])
        expect(await store.revocations.take(1, later(30), later(90))).toMatchObject([
          { attempts: 1, lastError: 'provider_unavailable' },
        ])
      })

      test('that is done is erased with its tokens, and says so once', async () => {
        await queue(1)
        const [taken] = await store.revocations.take(1, now, later(60))
        await store.revocations.finish(taken?.id ?? '', [done])
        await store.revocations.finish(taken?.id ?? '', [done])
        expect(await rowsOf('revocations')).toEqual([])
        expect(await store.revocations.backlog()).toBe(0)
        expect(told).toEqual([done])
      })
    })

    describe('the trail', () => {
      test('tells a person their own, newest first, page by page', async () => {
        const events = Array.from(
          { length: 7 },
          (_, n): Fact => ({ ...updated('usr_1'), origin: { ...origin, requestId: `r${n}` } }),
        )
        for (const fact of events) await store.audit.record(fact)
        await store.audit.record(updated('usr_2'))
        const all = await store.audit.list('usr_1', { before: null, limit: 99 })
        expect(new Set(all.map(({ requestId }) => requestId))).toEqual(new Set(events.map((_, n) => `r${n}`)))
        expect(all[0]).toEqual({
          ...{ id: expect.stringMatching(/^aud_/), at: now, event: 'account.updated', accountId: 'usr_1' },
          ...{ ip: origin.ip, userAgent: origin.userAgent, requestId: expect.any(String), data: { fields: ['name'] } },
        })
        const pages = []
        for (let before: string | null = null; ; ) {
          const page = await store.audit.list('usr_1', { before, limit: 3 })
          if (page.length === 0) break
          pages.push(page)
          before = page.at(-1)?.id ?? null
        }
        expect(pages.map((page) => page.length)).toEqual([3, 3, 1])
        expect(pages.flat()).toEqual(all)
        expect(told).toHaveLength(8)
      })

      test('tells loans and the rest of it apart', async () => {
        const lent: Fact = {
          ...{ name: 'provider_token.lent', accountId: 'usr_1', origin },
          data: { provider: 'google', credential: 'svc_1' },
        }
        await store.audit.record(updated('usr_1'))
        for (let n = 0; n < 3; n++) await store.audit.record(lent)
        await store.audit.record(updated('usr_1'))
        await store.audit.record({ ...lent, accountId: 'usr_2' })
        const all = await store.audit.list('usr_1', { before: null, limit: 9 })
        const [newest, lent3, lent2, lent1, oldest] = all
        expect(await store.audit.list('usr_1', { before: null, limit: 9 }, 'loans')).toEqual([lent3, lent2, lent1])
        expect(await store.audit.list('usr_1', { before: null, limit: 9 }, 'others')).toEqual([newest, oldest])
        expect(await store.audit.list('usr_1', { before: lent3?.id ?? '', limit: 1 }, 'loans')).toEqual([lent2])
        expect(await store.audit.list('usr_1', { before: newest?.id ?? '', limit: 9 }, 'others')).toEqual([oldest])
      })

      test('forgets in time where things came from, and what was about nobody', async () => {
        await store.audit.record(updated('usr_1'))
        await store.audit.record({ ...updated('usr_1'), accountId: null })
        expect(await store.audit.sweep(now)).toBe(0)
        expect(await store.audit.sweep(later(1))).toBe(2)
        expect(await store.audit.sweep(later(1))).toBe(0)
        expect(await trail()).toMatchObject([{ accountId: 'usr_1', ip: null, userAgent: null }])
      })

      test('keeps the order of what happened at once', async () => {
        const person = account()
        const way = identity(person.id)
        const because = [created(person.id), linked(way), updated(person.id)]
        await store.accounts.create(person, way, { separate: false }, because)
        const listed = await store.audit.list(person.id, { before: null, limit: 9 })
        expect(listed.map(({ event }) => event)).toEqual(names(because).reverse())
        const last = listed[1]?.id ?? ''
        expect(await store.audit.list(person.id, { before: last, limit: 9 })).toEqual(listed.slice(2))
      })

      test('shows nobody a page of somebody else’s', async () => {
        await store.audit.record(updated('usr_1'))
        await store.audit.record(updated('usr_2'))
        const [theirs] = await store.audit.list('usr_2', { before: null, limit: 1 })
        expect(await store.audit.list('usr_1', { before: theirs?.id ?? '', limit: 9 })).toEqual([])
      })
    })

    jobsContract(() => opened)
    sealedContract(() => opened)

    describe('a rate limit', () => {
      test('counts hits within a window, and starts anew when it is over', async () => {
        expect(await store.rateLimits.hit('ip', 10_000, now)).toEqual({ hits: 1, resetsAt: later(10) })
        expect(await store.rateLimits.hit('ip', 10_000, later(9))).toEqual({ hits: 2, resetsAt: later(10) })
        expect(await store.rateLimits.hit('other', 10_000, later(9))).toEqual({ hits: 1, resetsAt: later(19) })
        expect(await store.rateLimits.hit('ip', 10_000, later(10))).toEqual({ hits: 1, resetsAt: later(20) })
      })

      test('is swept once its window is over', async () => {
        await store.rateLimits.hit('old', 10_000, now)
        await store.rateLimits.hit('new', 20_000, now)
        expect(await store.rateLimits.sweep(later(10))).toBe(0)
        expect(await store.rateLimits.sweep(later(11))).toBe(1)
        expect(await store.rateLimits.hit('new', 20_000, later(11))).toMatchObject({ hits: 2 })
      })
    })

    describe('a script', () => {
      test('that throws leaves nothing behind', async () => {
        const { driver } = opened
        const thrown = driver.atomic(function* (tx) {
          const row = account()
          yield tx.insert(driver.tables.accounts).values({ ...row, emailKey: null, verifiedEmailKey: null })
          throw new Error('second thoughts')
        })
        await expect(thrown).rejects.toThrow('second thoughts')
        expect(await driver.read(driver.db.select().from(driver.tables.accounts))).toEqual([])
      })

      test('tells its reasons only after the commit', async () => {
        const person = account()
        const outside = await open(config)
        const seen: Promise<unknown>[] = []
        told.push = (fact) => seen.push(outside.store.accounts.find(fact.accountId ?? ''))
        await store.accounts.create(person, identity(person.id), { separate: false }, [created(person.id)])
        expect(await Promise.all(seen)).toEqual([person])
        await outside.store.close()
      })
    })

    userContract({ emptied })
    serviceCredentialContract({ emptied })

    test('a store is ready until it is closed', async () => {
      const other = await open(config)
      expect(await other.store.ready()).toBe(true)
      await other.store.close()
      expect(await other.store.ready()).toBe(false)
      await expect(other.store.flows.begin(flow())).rejects.toThrow()
    })

    test('what was stored is there when the store is opened again, and migrating again does nothing', async () => {
      const { account: person } = await newcomer(opened)
      const again = await open(config)
      expect(await again.store.accounts.find(person.id)).toEqual(person)
      await again.store.close()
    })
  })
  secondFactorsContract({ name, emptied })
  passkeysContract({ name, emptied })
  teamsContract({ name, emptied })
}
