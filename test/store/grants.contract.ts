import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StoredGrant } from '../../src/connections/ports.ts'
import type { Fact } from '../../src/events/catalogue.ts'
import type { Store } from '../../src/store/open.ts'
import { type Backend, known, later, newId, now, type Opened, open, origin, tokens } from './people.ts'

/** What every store promises about grants: who may renew one, what is stored, and when it is due. */
export function grantsContract({ name, emptied }: Backend): void {
  describe(`${name} keeps grants: a grant`, () => {
    const grant = { provider: 'github', issuer: 'github', clientId: 'web', subject: '42', holder: 'person' }
    let opened: Opened
    let store: Store
    let told: Fact[]
    beforeEach(async () => {
      opened = await open(await emptied())
      ;({ store, told } = opened)
      await known(store, grant)
    })
    afterEach(() => store.close())

    const kept = async (): Promise<StoredGrant> => {
      const found = await store.grants.find(grant)
      if (!found) throw new Error('it was not kept')
      return found
    }
    const keep = async (given = tokens(), at = now): Promise<StoredGrant> => {
      await store.grants.keep(grant, newId('grt'), () => given, at)
      return kept()
    }
    const marked: Fact = {
      name: 'provider_token.needs_reauthorization',
      data: { provider: 'github' },
      accountId: null,
      origin,
    }

    test('is read back as it was stored', async () => {
      await store.grants.keep(grant, 'grt_1', (id) => tokens({ accessToken: `sealed to ${id}` }), now)
      expect(await kept()).toEqual({
        id: 'grt_1',
        ...grant,
        accessToken: 'sealed to grt_1',
        refreshToken: 'sealed refresh',
        askedScopes: ['repo'],
        scopes: ['repo'],
        expiresAt: later(3600),
        refreshExpiresAt: null,
        status: 'healthy',
        consentedAt: now,
        refreshedAt: null,
        usedAt: now,
        dueAt: null,
        updatedAt: now,
        failures: 0,
        lastError: null,
        lastErrorAt: null,
        leaseOwner: null,
        leaseUntil: null,
        fence: 1,
      })
      expect(await store.grants.find({ ...grant, clientId: 'app' })).toBeUndefined()
    })

    test('of the same subject at another issuer is a separate grant', async () => {
      const elsewhere = { ...grant, issuer: 'https://moved.example' }
      await known(store, elsewhere)
      await store.grants.keep(grant, 'grt_1', () => tokens({ accessToken: 'one' }), now)
      await store.grants.keep(elsewhere, 'grt_2', () => tokens({ accessToken: 'other' }), now)
      expect(await kept()).toMatchObject({ id: 'grt_1', accessToken: 'one' })
      expect(await store.grants.find(elsewhere)).toMatchObject({ id: 'grt_2', accessToken: 'other' })
      expect(await store.grants.lent(elsewhere, later(1), [])).toBe(true)
      expect(await kept()).toMatchObject({ usedAt: now })
      expect(await store.revocations.stillNeeded({ ...grant, issuer: 'https://third.example' })).toBe(false)
    })

    test('is stored only for an account with that identity; a team needs none', async () => {
      const stranger = { ...grant, subject: 'nobody' }
      expect(await store.grants.keep(stranger, newId('grt'), () => tokens(), now)).toBe(false)
      expect(await store.grants.find(stranger)).toBeUndefined()
      expect(await store.grants.keep({ ...stranger, holder: 'team_1' }, newId('grt'), () => tokens(), now)).toBe(true)
      expect(await store.grants.keep(grant, newId('grt'), () => tokens(), now)).toBe(true)
    })

    test('stores what the provider reported about the identity, whether or not its tokens stay', async () => {
      const identityNow = async () => (await store.accounts.findByIdentity(grant.issuer, grant.subject))?.identity
      const before = await identityNow()
      const use = {
        email: null,
        emailVerified: false,
        name: 'A',
        picture: 'https://p',
        scopes: ['x'],
        lastUsedAt: later(9),
      }
      await store.grants.keep(grant, newId('grt'), () => tokens(), later(9), use)
      expect(await identityNow()).toEqual({ ...before, ...use })
      const again = { ...use, name: 'B', lastUsedAt: later(10) }
      await store.grants.keep(grant, newId('grt'), () => ({ stays: true, dueAt: null }), later(10), again)
      expect(await identityNow()).toEqual({ ...before, ...again })
    })

    test('that is stored again keeps its ID, to which its tokens are sealed', async () => {
      const first = await keep()
      const sealedTo: string[] = []
      await store.grants.keep(
        grant,
        'grt_new',
        (id) => {
          sealedTo.push(id)
          return tokens({ accessToken: `for ${id}`, scopes: ['repo', 'gist'], expiresAt: null })
        },
        later(1),
      )
      const again = await kept()
      expect(sealedTo).toEqual([first.id])
      expect(again).toMatchObject({ id: first.id, accessToken: `for ${first.id}`, scopes: ['repo', 'gist'] })
      expect(again).toMatchObject({ expiresAt: null, updatedAt: later(1) })
      expect(again.fence).toBeGreaterThan(first.fence)
      const { grants } = opened.driver.tables
      expect(await opened.driver.read(opened.driver.db.select().from(grants))).toHaveLength(1)
    })

    test('without a new refresh token keeps the old one', async () => {
      await keep(tokens({ refreshToken: 'first' }))
      expect(await keep(tokens({ refreshToken: null }))).toMatchObject({ refreshToken: 'first' })
      expect(await keep(tokens({ refreshToken: 'second' }))).toMatchObject({ refreshToken: 'second' })
    })

    test('is leased to one at a time', async () => {
      const { id, fence } = await keep()
      const leased = await store.grants.lease(id, 'one', later(30), now)
      expect(leased).toMatchObject({ id, leaseOwner: 'one', leaseUntil: later(30), fence: fence + 1 })
      expect(await store.grants.lease(id, 'two', later(59), later(29))).toBeUndefined()
      expect(await store.grants.lease(id, 'two', later(60), later(30))).toMatchObject({
        leaseOwner: 'two',
        fence: fence + 2,
      })
      expect(await store.grants.lease('grt_nobody', 'two', later(60), now)).toBeUndefined()
    })

    test('is renewed once by its lease holder', async () => {
      const { id } = await keep()
      const fence = (await store.grants.lease(id, 'one', later(30), now))?.fence ?? Number.NaN
      const fresh = tokens({ accessToken: 'fresh', refreshToken: null })
      expect(await store.grants.renewed(id, fence, fresh, later(1))).toBe(true)
      expect(await store.grants.find(grant)).toMatchObject({
        accessToken: 'fresh',
        refreshToken: 'sealed refresh',
        updatedAt: later(1),
        status: 'healthy',
        leaseOwner: null,
        leaseUntil: null,
      })
      expect(await store.grants.renewed(id, fence, tokens({ accessToken: 'late' }), later(2))).toBe(false)
      expect(await store.grants.find(grant)).toMatchObject({ accessToken: 'fresh' })
    })

    test('is not renewed over a later lease or consent', async () => {
      const { id } = await keep()
      const first = (await store.grants.lease(id, 'one', later(30), now))?.fence ?? Number.NaN
      const second = (await store.grants.lease(id, 'two', later(60), later(30)))?.fence ?? Number.NaN
      expect(await store.grants.renewed(id, first, tokens(), later(31))).toBe(false)
      await keep(tokens({ accessToken: 'consented' }), later(32))
      expect(await store.grants.renewed(id, second, tokens(), later(33))).toBe(false)
      expect(await store.grants.died(id, second, later(33), [marked])).toBe(false)
      expect(await store.grants.find(grant)).toMatchObject({ accessToken: 'consented', status: 'healthy' })
      expect(told).toEqual([])
    })

    test('is released when renewal fails, and marked when it needs a new consent', async () => {
      const { id } = await keep()
      const first = (await store.grants.lease(id, 'one', later(30), now))?.fence ?? Number.NaN
      await store.grants.release(id, first)
      expect(await store.grants.find(grant)).toMatchObject({ status: 'healthy', leaseOwner: null, leaseUntil: null })
      const second = (await store.grants.lease(id, 'one', later(30), later(1)))?.fence ?? Number.NaN
      expect(await store.grants.died(id, second, later(2), [marked])).toBe(true)
      expect(await store.grants.find(grant)).toMatchObject({ status: 'needs_reauthorization', leaseOwner: null })
      expect(told).toEqual([marked])
      expect(await keep()).toMatchObject({ status: 'healthy' })
    })

    test('that stays unchanged when stored again only updates its last use and due time', async () => {
      const first = await keep(tokens({ dueAt: later(1800) }))
      const seen: (StoredGrant | undefined)[] = []
      await store.grants.keep(
        grant,
        newId('grt'),
        (_, stored) => {
          seen.push(stored)
          return { stays: true, dueAt: later(900) }
        },
        later(60),
      )
      expect(seen).toEqual([first])
      expect(await kept()).toEqual({ ...first, usedAt: later(60), dueAt: later(900) })
    })

    test('whose tokens changed while it was stored again is evaluated once more', async () => {
      const first = await keep()
      const fence = (await store.grants.lease(first.id, 'one', later(30), now))?.fence ?? Number.NaN
      const [other] = [await store.grants.renewed(first.id, fence, tokens({ scopes: ['repo', 'gist'] }), later(1))]
      expect(other).toBe(true)
      const seen: (readonly string[] | undefined)[] = []
      await store.grants.keep(
        grant,
        newId('grt'),
        (_, stored) => {
          seen.push(stored?.scopes)
          return tokens()
        },
        later(2),
      )
      expect(seen).toEqual([['repo', 'gist']])
    })

    test('that failed to renew is degraded, counts its failures, and is healthy again with new tokens', async () => {
      const { id } = await keep(tokens({ dueAt: later(10) }))
      const lease = async (at: Date) => (await store.grants.lease(id, 'one', later(30, at), at))?.fence ?? Number.NaN
      expect(await store.grants.failed(id, await lease(now), 'transient', later(2), later(1))).toBe(true)
      expect(await kept()).toMatchObject({
        status: 'degraded',
        failures: 1,
        lastError: 'transient',
        lastErrorAt: later(1),
        dueAt: later(2),
        accessToken: 'sealed access',
        leaseOwner: null,
        leaseUntil: null,
      })
      const second = await lease(later(3))
      expect(await store.grants.failed(id, second, 'rate_limited', later(60), later(4))).toBe(true)
      expect(await kept()).toMatchObject({ failures: 2, lastError: 'rate_limited', lastErrorAt: later(4) })
      expect(await store.grants.failed(id, second - 1, 'transient', later(90), later(5))).toBe(false)
      expect(await kept()).toMatchObject({ failures: 2, dueAt: later(60) })
      const third = await lease(later(60))
      const brought = { ...tokens({ dueAt: later(99) }), usedAt: later(61) }
      expect(await store.grants.renewed(id, third, brought, later(61))).toBe(true)
      expect(await kept()).toMatchObject({
        status: 'healthy',
        failures: 0,
        lastError: null,
        lastErrorAt: null,
        dueAt: later(99),
        refreshedAt: later(61),
        usedAt: later(61),
      })
    })

    test('that lost scopes is healthy, and its missing scopes are published', async () => {
      const { id } = await keep()
      const fence = (await store.grants.lease(id, 'one', later(30), now))?.fence ?? Number.NaN
      await store.grants.renewed(id, fence, { ...tokens({ scopes: [] }), lastError: 'scope_missing' }, later(1))
      expect(await kept()).toMatchObject({
        status: 'healthy',
        failures: 0,
        lastError: 'scope_missing',
        lastErrorAt: later(1),
        scopes: [],
        askedScopes: ['repo'],
      })
    })

    test('that is dead is no longer due, and stores the reason', async () => {
      const { id } = await keep(tokens({ dueAt: now }))
      const fence = (await store.grants.lease(id, 'one', later(30), now))?.fence ?? Number.NaN
      expect(await store.grants.died(id, fence, later(1), [marked])).toBe(true)
      expect(await kept()).toMatchObject({ dueAt: null, lastError: 'invalid_grant', lastErrorAt: later(1) })
    })

    test('stores its last use and due time, unless it changed in the meantime', async () => {
      const { id, fence } = await keep()
      await store.grants.used(id, fence, later(900), later(60))
      expect(await kept()).toMatchObject({ usedAt: later(60), dueAt: later(900) })
      await store.grants.used(id, fence + 1, later(1), later(120))
      expect(await kept()).toMatchObject({ usedAt: later(60), dueAt: later(900) })
    })

    describe('that is due', () => {
      const app = { provider: 'github', clientId: 'web' }
      const given = async (id: string, seconds: number | null, of = app): Promise<string> => {
        const dueAt = seconds === null ? null : later(seconds)
        const key = { ...of, issuer: of.provider, subject: id, holder: 'person' }
        await known(store, key)
        await store.grants.keep(key, id, () => tokens({ dueAt }), now)
        return id
      }

      test('is found by due time, for its own client registration only', async () => {
        await given('grt_b', 20)
        await given('grt_a', 20)
        await given('grt_c', 10)
        await given('grt_later', 31)
        await given('grt_never', null)
        await given('grt_app', 0, { ...app, clientId: 'app' })
        await given('grt_google', 0, { ...app, provider: 'google' })
        expect(await store.grants.due(app, later(30), 9)).toEqual(['grt_c', 'grt_a', 'grt_b'])
        expect(await store.grants.due(app, later(30), 2)).toEqual(['grt_c', 'grt_a'])
        expect(await store.grants.due(app, later(9), 9)).toEqual([])
        expect(await store.grants.dueBy(app, later(31), 9)).toBe(4)
        expect(await store.grants.dueBy(app, later(31), 3)).toBe(3)
      })

      test('is not found while it is leased', async () => {
        const id = await given('grt_1', 0)
        const leased = await store.grants.lease(id, 'one', later(90), later(1), 'if due')
        expect(leased).toMatchObject({ leaseOwner: 'one' })
        expect(await store.grants.due(app, later(89), 9)).toEqual([])
        expect(await store.grants.due(app, later(90), 9)).toEqual([id])
      })

      test('is leased only while due, and not when it was renewed, marked or withdrawn in the meantime', async () => {
        const [renewed, dead] = [await given('grt_1', 0), await given('grt_2', 0)]
        const lease = (id: string) => store.grants.lease(id, 'one', later(90), later(1), 'if due')
        const first = await lease(renewed)
        await store.grants.renewed(renewed, first?.fence ?? Number.NaN, tokens({ dueAt: later(1800) }), later(2))
        expect(await lease(renewed)).toBeUndefined()
        const second = await lease(dead)
        await store.grants.died(dead, second?.fence ?? Number.NaN, later(2), [])
        expect(await lease(dead)).toBeUndefined()
        const { grants } = opened.driver.tables
        const revoked = { status: 'revoked', accessToken: null, refreshToken: null, dueAt: now } as const
        await opened.driver.write(opened.driver.db.update(grants).set(revoked))
        expect(await lease(renewed)).toBeUndefined()
        expect(await store.grants.due(app, later(9999), 9)).toEqual([])
        expect(await store.grants.dueBy(app, later(9999), 9)).toBe(0)
      })
    })
  })
}
