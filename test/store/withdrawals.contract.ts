import { describe, expect, test } from 'vitest'
import type { Identity } from '../../src/accounts/ports.ts'
import type { Fact } from '../../src/events/catalogue.ts'
import { takeDue } from '../support/take-due.ts'
import { identity, later, newcomer, newId, now, type Opened, origin, pendingAuthorization, tokens } from './people.ts'

/** What every store promises about withdrawals, and about pending revocations. */
export function withdrawalsContract(opened: () => Opened): void {
  const store = () => opened().store
  const grantOf = ({ provider, issuer, subject }: Identity, clientId = 'c', holder = 'person') => ({
    provider,
    issuer,
    clientId,
    subject,
    holder,
  })
  const kept = (of: Identity, at = now, clientId?: string, holder?: string) =>
    store().grants.keep(grantOf(of, clientId, holder), newId('grt'), () => tokens(), at)
  const withdrawn = ({ accountId, provider, id }: Identity): Fact => ({
    name: 'provider_token.withdrawn',
    data: { provider, identity: id },
    accountId,
    origin,
  })
  const take = async (of: Identity, at = now, identityId: string | null = of.id) =>
    store().accounts.withdraw({ accountId: of.accountId, identityId, at }, (from) => [withdrawn(from)])

  describe('a person’s grant', () => {
    test('is erased when it is withdrawn, for every client registration, and queued as it was encrypted', async () => {
      const { identity: way } = await newcomer(opened())
      await kept(way)
      await kept(way, now, 'another app')
      await kept(way, now, 'c', 'team_1')
      const before = await store().grants.find(grantOf(way))
      expect(await take(way, later(1))).toEqual([way])
      expect(opened().told).toEqual([withdrawn(way)])
      for (const app of ['c', 'another app'])
        expect(await store().grants.find(grantOf(way, app))).toMatchObject({
          status: 'revoked',
          accessToken: null,
          refreshToken: null,
          scopes: [],
          askedScopes: [],
          expiresAt: null,
          dueAt: null,
          leaseOwner: null,
          updatedAt: later(1),
        })
      // The team's grant stays with the team, and so does the sign-in.
      expect(await store().grants.find(grantOf(way, 'c', 'team_1'))).toMatchObject({ status: 'healthy' })
      expect(await store().accounts.identitiesOf(way.accountId)).toEqual([way])
      const queued = await store().revocations.of(way.accountId, { after: null, limit: 100 })
      expect(queued).toHaveLength(2)
      expect(queued.find(({ clientId }) => clientId === 'c')).toMatchObject({
        grantId: before?.id,
        accessToken: 'sealed access',
        refreshToken: 'sealed refresh',
        attempts: 0,
        createdAt: later(1),
        nextAttemptAt: later(1),
        teamId: null,
      })
    })

    test('is withdrawn once', async () => {
      const { identity: way } = await newcomer(opened())
      await kept(way)
      await take(way)
      expect(await take(way)).toEqual([])
      expect(opened().told).toHaveLength(1)
      expect(await store().revocations.of(way.accountId, { after: null, limit: 100 })).toHaveLength(1)
      // Nor by unlinking it afterwards: the callback is already on its way.
      const done = { accountId: way.accountId, identityId: way.id, keepSession: null, at: now }
      await store().accounts.unlink(
        done,
        () => true,
        () => [],
      )
      expect(await store().revocations.of(way.accountId, { after: null, limit: 100 })).toHaveLength(1)
      expect(await store().grants.find(grantOf(way))).toBeUndefined()
    })

    test('is withdrawn with one identity or with all, and never another user’s', async () => {
      const { account, identity: way } = await newcomer(opened())
      const second = identity(account.id, { provider: 'google' })
      await store().accounts.link(second, null, [])
      const { identity: other } = await newcomer(opened())
      for (const one of [way, second, other]) await kept(one)
      expect(await take(way, now, other.id)).toEqual([])
      expect(await take(way)).toEqual([way])
      expect(await take(way, now, null)).toEqual([second])
      expect(await store().grants.find(grantOf(other))).toMatchObject({ status: 'healthy' })
    })

    test('that is withdrawn during a renewal stays withdrawn, and a new consent starts again', async () => {
      const { identity: way } = await newcomer(opened())
      await kept(way)
      const { id = '' } = (await store().grants.find(grantOf(way))) ?? {}
      const leased = await store().grants.lease(id, 'me', later(60), now)
      await take(way)
      const { askedScopes: _, ...brought } = tokens({ accessToken: 'renewed' })
      expect(await store().grants.renewed(id, leased?.fence ?? 0, brought, now)).toBe(false)
      expect(await store().grants.lent(grantOf(way), now, [withdrawn(way)])).toBe(false)
      await kept(way, later(9))
      expect(await store().grants.find(grantOf(way))).toMatchObject({ id, status: 'healthy', consentedAt: later(9) })
    })

    test('is lent only while it exists, and each loan is recorded', async () => {
      const { identity: way } = await newcomer(opened())
      const lent: Fact = {
        name: 'provider_token.lent',
        data: { provider: way.provider, credential: 'svc_1' },
        accountId: way.accountId,
        origin,
      }
      expect(await store().grants.lent(grantOf(way), now, [lent])).toBe(false)
      await kept(way)
      expect(await store().grants.lent(grantOf(way), later(7), [lent])).toBe(true)
      expect(opened().told).toEqual([lent])
      expect(await store().grants.find(grantOf(way))).toMatchObject({ usedAt: later(7) })
    })
  })

  describe('a pending revocation', () => {
    async function queued() {
      const { identity: way } = await newcomer(opened())
      await kept(way)
      await take(way, now)
      const [item] = await takeDue(store().revocations, 1, now, later(60))
      if (!item) throw new Error('nothing waits')
      return { way, item }
    }

    test('is listed for its account, the oldest first', async () => {
      const { account, identity: way } = await newcomer(opened())
      const second = identity(account.id, { provider: 'google' })
      await store().accounts.link(second, null, [])
      await kept(way)
      await kept(second)
      await take(second, later(1), second.id)
      await take(way, later(2), way.id)
      const told = await store().revocations.of(account.id, { after: null, limit: 100 })
      expect(told.map(({ provider, createdAt }) => [provider, createdAt])).toEqual([
        ['google', later(1)],
        ['github', later(2)],
      ])
      expect(await store().revocations.of('usr_nobody', { after: null, limit: 100 })).toEqual([])
    })

    test('waits while its user is at the provider, or has just returned', async () => {
      const { way, item } = await queued()
      const { accountId } = way
      const awaited = (at = now) => store().revocations.awaited(item, at)
      const begin = async (given: Parameters<typeof pendingAuthorization>[0]) => {
        const one = pendingAuthorization({ intent: 'link', accountId, sessionId: 'ses_1', ...given })
        await store().pendingAuthorizations.begin(one)
        return one
      }
      expect(await awaited()).toBe(false)
      await begin({ provider: 'google' })
      await begin({ accountId: null, intent: 'login' })
      // Finished before the withdrawal, which revokes the new tokens.
      await begin({ createdAt: later(-9), claimedAt: later(-1) })
      expect(await awaited()).toBe(false)
      const one = await begin({})
      expect([await awaited(), await awaited(later(299)), await awaited(later(300))]).toEqual([true, true, false])
      await store().pendingAuthorizations.claim(
        { stateHash: one.stateHash, bindingHash: 'binding', provider: 'github' },
        later(10),
      )
      expect([await awaited(later(69)), await awaited(later(70))]).toEqual([true, false])
    })

    test('that is postponed is taken again without a failed attempt', async () => {
      const { item } = await queued()
      await store().revocations.postpone(item.id, later(10))
      expect(await takeDue(store().revocations, 1, later(9), later(60))).toEqual([])
      expect(await takeDue(store().revocations, 1, later(10), later(60))).toMatchObject([
        { id: item.id, attempts: 0, lastError: null },
      ])
    })

    test('leaves a consent given in the meantime to be checked, where a call was made', async () => {
      const { way, item } = await queued()
      await kept(way, later(5))
      await store().revocations.finish(item.id, [], { at: later(9) })
      expect(await store().grants.find(grantOf(way))).toMatchObject({
        status: 'healthy',
        dueAt: later(9),
        expiresAt: later(9),
        accessToken: 'sealed access',
      })
    })

    test('leaves other consents unchanged: without a call, without a refresh token, or from before', async () => {
      const none = await queued()
      await kept(none.way, later(5))
      await store().revocations.finish(none.item.id, [])
      expect(await store().grants.find(grantOf(none.way))).toMatchObject({ expiresAt: later(3600), dueAt: null })

      const plain = await queued()
      const given = tokens({ refreshToken: null })
      await store().grants.keep(grantOf(plain.way), newId('grt'), () => given, later(5))
      await store().revocations.finish(plain.item.id, [], { at: later(9) })
      expect(await store().grants.find(grantOf(plain.way))).toMatchObject({ expiresAt: later(3600) })

      const shared = await queued()
      await kept(shared.way, later(-5), 'c', 'team_1')
      await store().revocations.finish(shared.item.id, [], { at: later(9) })
      expect(await store().grants.find(grantOf(shared.way, 'c', 'team_1'))).toMatchObject({ expiresAt: later(3600) })
    })
  })
}
