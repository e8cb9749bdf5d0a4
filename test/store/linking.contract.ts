import { eq } from 'drizzle-orm'
import { describe, expect, test } from 'vitest'
import type { SignInMethods } from '../../src/accounts/ports.ts'
import type { Fact } from '../../src/events/catalogue.ts'
import { readEmail } from '../../src/kernel/email.ts'
import { takeDue } from '../support/take-due.ts'
import {
  ada,
  disable,
  identity,
  later,
  linked,
  names,
  newcomer,
  now,
  type Opened,
  origin,
  signedIn,
  tokens,
  trailOf,
  unlinked,
} from './people.ts'

/** What every store promises about linking and unlinking identities. */
export function linkingContract(opened: () => Opened): void {
  const store = () => opened().store
  const facts = () => opened().told

  describe('linking an identity', () => {
    test('adds a sign-in method, oldest first', async () => {
      const { account: person, identity: first } = await newcomer(opened(), {}, { linkedAt: now })
      const third = identity(person.id, { provider: 'google', linkedAt: later(20) })
      const second = identity(person.id, { provider: 'atlassian', linkedAt: later(10) })
      expect(await store().accounts.link(third, null, [linked(third)])).toBe(true)
      expect(await store().accounts.link(second, null, [linked(second)])).toBe(true)
      expect(await store().accounts.identitiesOf(person.id)).toEqual([first, second, third])
      expect(facts()).toEqual([linked(third), linked(second)])
    })

    test('is refused when the account has twenty identities, unless the identity is already linked', async () => {
      const { account: person, identity: own } = await newcomer(opened())
      const { identity: theirs } = await newcomer(opened())
      for (let held = 1; held < 20; held++) {
        const way = identity(person.id)
        expect(await store().accounts.link(way, null, [linked(way)])).toBe(true)
      }
      facts().length = 0
      const trail = await trailOf(opened())
      const more = identity(person.id)
      expect(await store().accounts.link(more, null, [linked(more)])).toBe('too_many_identities')
      // Another request linked this very identity first: the caller must read the state again, and the account is not
      // full.
      for (const { issuer, subject } of [own, theirs]) {
        const known = identity(person.id, { issuer, subject })
        expect(await store().accounts.link(known, null, [linked(known)])).toBe(false)
      }
      expect(await store().accounts.identitiesOf(person.id)).toHaveLength(20)
      expect(facts()).toEqual([])
      expect(await trailOf(opened())).toEqual(trail)
    })

    test('is refused when any account has the identity', async () => {
      const { account: person, identity: own } = await newcomer(opened())
      const { account: bob } = await newcomer(opened())
      for (const accountId of [person.id, bob.id]) {
        const again = identity(accountId, { issuer: own.issuer, subject: own.subject })
        expect(await store().accounts.link(again, null, [linked(again)])).toBe(false)
      }
      expect(await store().accounts.identitiesOf(person.id)).toEqual([own])
      expect(facts()).toEqual([])
      expect(await trailOf(opened())).toEqual([])
    })

    test('is refused when the account is deleted or disabled', async () => {
      const { account: person } = await newcomer(opened())
      await disable(opened(), person.id)
      for (const accountId of [person.id, 'usr_nobody']) {
        const way = identity(accountId)
        expect(await store().accounts.link(way, null, [linked(way)])).toBe(false)
      }
      expect(facts()).toEqual([])
    })

    test('verifies the account’s own email address, and ends every other claim with its sessions', async () => {
      const { account: person } = await newcomer(opened(), { email: 'ada@example.com' })
      const { account: eve } = await newcomer(opened(), { email: 'ada@example.com' })
      const device = await signedIn(opened(), eve.id)
      const kept = await signedIn(opened(), person.id)
      const way = identity(person.id, { linkedAt: later(7) })
      expect(await store().accounts.link(way, ada, [linked(way)])).toBe(true)
      expect(await store().accounts.find(person.id)).toEqual({ ...person, emailVerified: true, updatedAt: later(7) })
      expect(await store().accounts.find(eve.id)).toMatchObject({ email: null, emailVerified: false })
      expect(await store().sessions.find(device.id)).toMatchObject({ endReason: 'email_claim_ended' })
      expect(await store().sessions.find(kept.id)).toMatchObject({ endedAt: null })
      expect(names(facts())).toEqual([
        'identity.linked',
        'account.email_claim_ended',
        'session.ended',
        'account.email_verified',
      ])
    })

    test('by email address is refused when the account no longer holds it, is an administrator or has that provider', async () => {
      const { accounts } = opened().driver.tables
      const refused = async (given: Parameters<typeof newcomer>[1], change?: Partial<typeof accounts.$inferInsert>) => {
        const { account: person } = await newcomer(opened(), given, { provider: 'google', issuer: 'google' })
        if (change)
          await opened().driver.write(opened().driver.db.update(accounts).set(change).where(eq(accounts.id, person.id)))
        return (provider: string) => {
          const way = identity(person.id, { provider })
          const email = readEmail(person.email ?? '') ?? ada
          return store().accounts.link(way, null, [linked(way)], { tag: 'holds_address', email })
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
      expect(names(facts())).toEqual(['identity.linked'])
    })

    test('on request is refused when the session was ended in the meantime', async () => {
      const { account: person } = await newcomer(opened())
      const { account: other } = await newcomer(opened())
      const [device, elsewhere] = [await signedIn(opened(), person.id), await signedIn(opened(), other.id)]
      const link = (sessionId: string) => {
        const way = identity(person.id)
        return store().accounts.link(way, null, [linked(way)], { tag: 'signed_in', sessionId })
      }
      expect(await link(device.id)).toBe(true)
      expect(await link(elsewhere.id)).toBe(false)
      await store().sessions.end({ id: device.id, accountId: person.id }, 'logout', now, [])
      expect(await link(device.id)).toBe(false)
      expect(names(facts())).toEqual(['identity.linked'])
    })

    test('is not needed to verify an account’s email address, which ends every other claim and happens once', async () => {
      const { account: person } = await newcomer(opened(), { email: 'ada@example.com' })
      const { account: eve } = await newcomer(opened(), { email: 'ada@example.com' })
      const verified: Fact = {
        name: 'account.email_verified',
        data: { provider: 'google' },
        accountId: person.id,
        origin,
      }
      expect(await store().accounts.proveEmail(person.id, ada, later(7), [verified])).toBe(true)
      expect(await store().accounts.find(person.id)).toEqual({ ...person, emailVerified: true, updatedAt: later(7) })
      expect(await store().accounts.find(eve.id)).toMatchObject({ email: null })
      for (const id of [person.id, eve.id, 'usr_nobody'])
        expect(await store().accounts.proveEmail(id, ada, later(8), [verified])).toBe(false)
      expect(names(facts())).toEqual(['account.email_claim_ended', 'account.email_verified'])
    })

    test('verifies no email address that another account holds', async () => {
      const { account: person } = await newcomer(opened(), { email: 'ada@example.com' })
      const { accounts } = opened().driver.tables
      const { account: holder } = await newcomer(opened())
      await opened().driver.write(
        opened()
          .driver.db.update(accounts)
          .set({ email: 'ada@example.com', emailKey: 'ada@example.com', verifiedEmailKey: 'ada@example.com' })
          .where(eq(accounts.id, holder.id)),
      )
      expect(await store().accounts.link(identity(person.id), ada, [])).toBe(true)
      expect(await store().accounts.find(person.id)).toEqual(person)
      expect(await store().accounts.find(holder.id)).toMatchObject({ emailVerified: true })
    })

    test('verifies no email address other than the account’s own', async () => {
      const { account: person } = await newcomer(opened(), { email: 'countess@example.com' })
      const { account: eve } = await newcomer(opened(), { email: 'ada@example.com' })
      expect(await store().accounts.link(identity(person.id), ada, [])).toBe(true)
      expect(await store().accounts.find(person.id)).toEqual(person)
      expect(await store().accounts.find(eve.id)).toEqual(eve)
    })
  })

  test('the provider’s profile is replaced at the latest sign-in', async () => {
    const { account: person, identity: way } = await newcomer(opened())
    const use = {
      email: null,
      emailVerified: false,
      name: 'A',
      picture: 'https://p',
      scopes: ['x'],
      lastUsedAt: later(9),
    }
    await store().accounts.recordUse(way.id, use, [])
    await store().accounts.recordUse('idn_nobody', use, [])
    expect(await store().accounts.identitiesOf(person.id)).toEqual([{ ...way, ...use }])
    expect(await store().accounts.find(person.id)).toEqual(person)
  })

  describe('unlinking an identity', () => {
    const always = () => true

    test('passes the remaining sign-in methods to the policy, and removes the identity', async () => {
      const { account: person, identity: first } = await newcomer(opened())
      const second = identity(person.id, { provider: 'google', linkedAt: later(1) })
      await store().accounts.link(second, null, [])
      const asked: SignInMethods[] = []
      const of = { accountId: person.id, identityId: first.id, keepSession: null, at: now }
      const mayGo = (left: SignInMethods) => {
        asked.push(left)
        return true
      }
      expect(await store().accounts.unlink(of, mayGo, (gone) => [unlinked(gone)])).toBe('unlinked')
      expect(asked).toEqual([{ identities: [second], password: null, passkeys: [] }])
      expect(await store().accounts.identitiesOf(person.id)).toEqual([second])
      expect(facts()).toEqual([unlinked(first)])
      expect(await store().accounts.unlink(of, always, (gone) => [unlinked(gone)])).toBe('not_linked')
      expect(facts()).toHaveLength(1)
    })

    test('changes nothing when the policy keeps the last sign-in method', async () => {
      const { account: person, identity: way } = await newcomer(opened())
      const device = await signedIn(opened(), person.id, { identityId: way.id })
      await store().grants.keep(
        { provider: 'github', issuer: 'github', clientId: 'c', subject: way.subject, holder: 'person' },
        'grt_1',
        () => tokens(),
        now,
      )
      const of = { accountId: person.id, identityId: way.id, keepSession: null, at: now }
      expect(
        await store().accounts.unlink(
          of,
          ({ identities }) => identities.length > 0,
          (gone) => [unlinked(gone)],
        ),
      ).toBe('last_login_method')
      expect(await store().accounts.identitiesOf(person.id)).toEqual([way])
      expect(await store().sessions.find(device.id)).toMatchObject({ endedAt: null })
      expect(await store().revocations.backlog()).toBe(0)
      expect(facts()).toEqual([])
      expect(await trailOf(opened())).toEqual([])
    })

    test('of another account returns not_linked', async () => {
      const { identity: theirs } = await newcomer(opened())
      const { account: eve } = await newcomer(opened())
      const of = { accountId: eve.id, identityId: theirs.id, keepSession: null, at: now }
      expect(await store().accounts.unlink(of, always, (gone) => [unlinked(gone)])).toBe('not_linked')
      expect(await store().accounts.findByIdentity(theirs.issuer, theirs.subject)).toBeDefined()
    })

    test('ends the sessions that the identity opened, except the one to keep', async () => {
      const { account: person, identity: way } = await newcomer(opened())
      const kept = await signedIn(opened(), person.id, { identityId: way.id })
      const lost = await signedIn(opened(), person.id, { identityId: way.id })
      const over = await signedIn(opened(), person.id, { identityId: way.id, absoluteExpiresAt: now })
      const second = identity(person.id, { provider: 'google', issuer: 'google', subject: 'another way in' })
      await store().accounts.link(second, null, [])
      const other = await signedIn(opened(), person.id, { identityId: second.id })
      const of = { accountId: person.id, identityId: way.id, keepSession: kept.id, at: later(3) }
      await store().accounts.unlink(of, always, (gone) => [unlinked(gone)])
      expect(await store().sessions.find(lost.id)).toMatchObject({ endedAt: later(3), endReason: 'identity_unlinked' })
      for (const { id } of [kept, over, other])
        expect(await store().sessions.find(id)).toMatchObject({ endedAt: null, endReason: null })
      expect(facts()).toEqual([
        unlinked(way),
        {
          name: 'session.ended',
          data: { session: lost.id, reason: 'identity_unlinked' },
          accountId: person.id,
          origin,
        },
      ])
    })

    test('requires a live session: one that ended in the meantime unlinks nothing', async () => {
      const { account: person, identity: way } = await newcomer(opened())
      const { account: eve } = await newcomer(opened())
      const [ended, stale, theirs] = [
        await signedIn(opened(), person.id),
        await signedIn(opened(), person.id, { idleExpiresAt: later(1) }),
        await signedIn(opened(), eve.id),
      ]
      await store().sessions.end({ id: ended.id, accountId: person.id }, 'logout', now, [])
      const of = { accountId: person.id, identityId: way.id, at: later(1) }
      for (const { id: keepSession } of [ended, stale, theirs])
        expect(await store().accounts.unlink({ ...of, keepSession }, always, () => [unlinked(way)])).toBe(
          'session_revoked',
        )
      expect([await store().accounts.identitiesOf(person.id), facts()]).toEqual([[way], []])
    })

    test('queues its grants of every client registration for revocation, still encrypted as they were', async () => {
      const { account: person, identity: way } = await newcomer(opened())
      const { identity: others } = await newcomer(opened())
      const subject = way.subject
      await store().grants.keep(
        { provider: 'github', issuer: 'github', clientId: 'web', subject, holder: 'person' },
        'grt_web',
        () => tokens(),
        now,
      )
      await store().grants.keep(
        { provider: 'github', issuer: 'github', clientId: 'app', subject, holder: 'person' },
        'grt_app',
        () => tokens({ accessToken: 'other', refreshToken: null }),
        now,
      )
      const kept = { provider: 'github', issuer: 'github', clientId: 'web', subject: others.subject, holder: 'person' }
      await store().grants.keep(kept, 'grt_other', () => tokens(), now)
      const of = { accountId: person.id, identityId: way.id, keepSession: null, at: later(4) }
      await store().accounts.unlink(of, always, () => [])

      expect(
        await store().grants.find({ provider: 'github', issuer: 'github', clientId: 'web', subject, holder: 'person' }),
      ).toBeUndefined()
      expect(await store().grants.find(kept)).toBeDefined()
      const queued = await takeDue(store().revocations, 9, later(4), later(60))
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

    test('removes its own grant, and keeps that of the same subject at another issuer', async () => {
      const { account: person, identity: way } = await newcomer(opened())
      await newcomer(opened(), {}, { issuer: 'https://other.example', subject: way.subject })
      const grant = { provider: 'github', issuer: 'github', clientId: 'web', subject: way.subject, holder: 'person' }
      const other = { ...grant, issuer: 'https://other.example' }
      await store().grants.keep(grant, 'grt_1', () => tokens(), now)
      await store().grants.keep(other, 'grt_2', () => tokens(), now)
      const of = { accountId: person.id, identityId: way.id, keepSession: null, at: now }
      expect(await store().accounts.unlink(of, always, () => [])).toBe('unlinked')
      expect(await store().grants.find(grant)).toBeUndefined()
      expect(await store().grants.find(other)).toMatchObject({ id: 'grt_2', status: 'healthy' })
      expect(await store().revocations.of(person.id, { after: null, limit: 100 })).toMatchObject([
        { grantId: 'grt_1', issuer: 'github' },
      ])
    })
  })
}
