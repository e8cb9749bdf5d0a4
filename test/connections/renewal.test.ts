import { eq } from 'drizzle-orm'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { GrantStore } from '../../src/connections/ports.ts'
import { secondsAfter } from '../../src/kernel/clock.ts'
import type { Sealer } from '../../src/kernel/crypto.ts'
import type { RefreshOutcome, TokenGrant } from '../../src/providers/provider.ts'
import type { StoreConfig } from '../../src/store/open.ts'
import { databasesAboveStore } from '../support/databases.ts'
import { type LentTokens, lentTokens } from '../support/lent-tokens.ts'
import { newSealer } from '../support/sealers.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

describe.each(databasesAboveStore)('token renewal on $name', ({ place }) => {
  let { clock, turn } = createStoppedClock()
  let config: StoreConfig
  let sealer: Sealer
  let nodes: LentTokens[]
  /** The tokens the provider received, and its next response. */
  let presented: string[]
  let answer: (refreshToken: string) => Promise<RefreshOutcome>

  const refreshed = (accessToken: string, refreshToken: string | null): RefreshOutcome => ({
    tag: 'refreshed',
    tokens: {
      accessToken,
      refreshToken,
      idToken: null,
      scopes: null,
      expiresAt: secondsAfter(clock(), 3600),
      refreshExpiresAt: null,
    },
  })
  const newNode = async (): Promise<LentTokens> => {
    const node = await lentTokens(config, {
      clock: () => clock(),
      sealer,
      refresh: async (_, refreshToken) => {
        presented.push(refreshToken)
        return answer(refreshToken)
      },
    })
    nodes.push(node)
    return node
  }

  beforeAll(async () => {
    config = await place()
    sealer = newSealer()
  })
  beforeEach(() => {
    ;({ clock, turn } = createStoppedClock())
    nodes = []
    presented = []
    answer = async () => refreshed('renewed', 'rt-2')
  })
  afterEach(async () => {
    for (const { store } of nodes) await store.close()
  })

  test('returns a token that is still valid', async () => {
    const node = await newNode()
    const grant = await node.lent(3600, { accessToken: 'still good' })
    expect(await node.renewal.ensureValidToken(node.keyOf(grant))).toMatchObject({
      ok: true,
      value: { accessToken: 'still good' },
    })
    expect(presented).toEqual([])
  })

  test('renews once for twenty concurrent callers on two nodes, and all get the new token', async () => {
    const [here, there] = [await newNode(), await newNode()]
    // As a provider with rotation does: the old refresh token works once.
    const spent = new Set<string>()
    answer = async (refreshToken) => {
      if (spent.has(refreshToken)) return { tag: 'needs_reauthorization', reason: 'invalid_grant' }
      spent.add(refreshToken)
      for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve))
      return refreshed('renewed', 'rt-2')
    }
    const grant = await here.lent(-5, { refreshToken: 'rt-1' })
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? here : there).renewal.ensureValidToken(here.keyOf(grant))),
    )
    expect(new Set(answers.map((one) => (one.ok ? one.value.accessToken : one.error.code)))).toEqual(
      new Set(['renewed']),
    )
    expect(presented).toEqual(['rt-1'])
    expect(await here.open(grant)).toMatchObject({ accessToken: 'renewed', refreshToken: 'rt-2', leaseOwner: null })
    expect(nodes.flatMap(({ heard }) => heard('provider_token.refreshed')).map(({ data }) => data.result)).toEqual([
      'refreshed',
    ])
  })

  test('keeps the old refresh token and scopes when the response has none', async () => {
    const node = await newNode()
    answer = async () => refreshed('renewed', null)
    const grant = await node.lent(0, { refreshToken: 'rt-1', scopes: ['a', 'b'] })
    await node.renewal.ensureValidToken(node.keyOf(grant))
    expect(await node.open(grant)).toMatchObject({ accessToken: 'renewed', refreshToken: 'rt-1', scopes: ['a', 'b'] })
  })

  test('marks a dead grant once, with one event, and does not retry it', async () => {
    const [here, there] = [await newNode(), await newNode()]
    answer = async () => ({ tag: 'needs_reauthorization', reason: 'invalid_grant' })
    const grant = await here.lent(-5)
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, n) => (n % 2 === 0 ? here : there).renewal.ensureValidToken(here.keyOf(grant))),
    )
    turn(86_400)
    answers.push(await here.renewal.ensureValidToken(here.keyOf(grant)))
    expect(answers.every((one) => !one.ok && one.error.code === 'needs_reauthorization')).toBe(true)
    expect(presented).toHaveLength(1)
    expect(nodes.flatMap(({ heard }) => heard('provider_token.needs_reauthorization'))).toMatchObject([
      { accountId: 'usr_1', data: { provider: 'atlassian' } },
    ])
    expect(await here.open(grant)).toMatchObject({ status: 'needs_reauthorization' })
  })

  test.each<[RefreshOutcome, string]>([
    [{ tag: 'transient', reason: 'status_500' }, 'transient'],
    [{ tag: 'transient', reason: 'status_429' }, 'rate_limited'],
    [{ tag: 'client_config', reason: 'invalid_client' }, 'client_misconfigured'],
  ])(
    'keeps the tokens after a provider failure (%o), and does not retry for each caller',
    async (failure, lastError) => {
      const node = await newNode()
      answer = async () => failure
      const grant = await node.lent(-5, { accessToken: 'old', refreshToken: 'rt-1' })
      const ask = () => node.renewal.ensureValidToken(node.keyOf(grant))
      const answers = await Promise.all(Array.from({ length: 20 }, ask))
      expect(answers.every((one) => !one.ok && one.error.code === 'provider_unavailable')).toBe(true)
      expect(presented).toHaveLength(1)
      expect(await node.open(grant)).toMatchObject({
        status: 'degraded',
        failures: 1,
        lastError,
        lastErrorAt: clock(),
        accessToken: 'old',
        refreshToken: 'rt-1',
        leaseOwner: null,
      })
      expect(node.heard('provider_token.needs_reauthorization')).toEqual([])
    },
  )

  test('waits longer after each failure, up to five minutes, and resets with the first success', async () => {
    const node = await newNode()
    answer = async () => ({ tag: 'transient', reason: 'timeout' })
    const grant = await node.lent(-5)
    const waits: number[] = []
    for (let attempt = 0; attempt < 11; attempt++) {
      await node.renewal.ensureValidToken(node.keyOf(grant))
      const since = clock().getTime()
      const asked = presented.length
      while (presented.length === asked) {
        turn(0.5)
        await node.renewal.ensureValidToken(node.keyOf(grant))
      }
      waits.push((clock().getTime() - since) / 1000)
    }
    expect([...waits].sort((a, b) => a - b)).toEqual(waits)
    expect(waits[0]).toBeLessThanOrEqual(2)
    expect(waits.at(-1)).toBeGreaterThan(150)
    expect(waits.at(-1)).toBeLessThanOrEqual(300)
    answer = async () => refreshed('renewed', null)
    turn(300)
    expect(await node.renewal.ensureValidToken(node.keyOf(grant))).toMatchObject({
      ok: true,
      value: { accessToken: 'renewed' },
    })
  })

  test('respects a provider’s Retry-After', async () => {
    const node = await newNode()
    answer = async () => ({ tag: 'transient', reason: 'status_429', retryAfter: 40 })
    const grant = await node.lent(-5)
    expect(await node.renewal.ensureValidToken(node.keyOf(grant))).toMatchObject({
      error: { code: 'provider_unavailable', retryAfter: 46 },
    })
    turn(40)
    await node.renewal.ensureValidToken(node.keyOf(grant))
    expect(presented).toHaveLength(1)
    turn(6)
    await node.renewal.ensureValidToken(node.keyOf(grant))
    expect(presented).toHaveLength(2)
  })

  test('returns a token with some life left while it cannot be renewed', async () => {
    const node = await newNode()
    answer = async () => ({ tag: 'transient', reason: 'timeout' })
    const grant = await node.lent(30, { accessToken: 'half a minute left' })
    for (const _ of [1, 2])
      expect(await node.renewal.ensureValidToken(node.keyOf(grant))).toMatchObject({
        ok: true,
        value: { accessToken: 'half a minute left' },
      })
    turn(30)
    expect(await node.renewal.ensureValidToken(node.keyOf(grant))).toMatchObject({
      error: { code: 'provider_unavailable' },
    })
  })

  test('that finishes after a new consent is discarded: the new consent counts', async () => {
    const node = await newNode()
    const grant = await node.lent(-5, { refreshToken: 'rt-1' })
    const consented = {
      ...grant,
      tokens: {
        ...grant.tokens,
        accessToken: 'consented',
        refreshToken: 'rt-new',
        expiresAt: secondsAfter(clock(), 3600),
      },
    }
    answer = async () => {
      await node.vault.keep(consented)
      return refreshed('late', 'rt-late')
    }
    expect(await node.renewal.ensureValidToken(node.keyOf(grant))).toMatchObject({
      ok: true,
      value: { accessToken: 'consented' },
    })
    expect(await node.open(grant)).toMatchObject({ accessToken: 'consented', refreshToken: 'rt-new' })
  })

  test('that is refused after a new consent does not invalidate it', async () => {
    const node = await newNode()
    const grant = await node.lent(-5)
    answer = async () => {
      await node.vault.keep({
        ...grant,
        tokens: { ...grant.tokens, accessToken: 'consented', expiresAt: secondsAfter(clock(), 3600) },
      })
      return { tag: 'needs_reauthorization', reason: 'invalid_grant' }
    }
    expect(await node.renewal.ensureValidToken(node.keyOf(grant))).toMatchObject({
      ok: true,
      value: { accessToken: 'consented' },
    })
    expect(await node.open(grant)).toMatchObject({ status: 'healthy' })
    expect(node.heard('provider_token.needs_reauthorization')).toEqual([])
  })

  test('is delayed by a node that died halfway for one lease, and no longer', async () => {
    const node = await newNode()
    const grant = await node.lent(-5)
    const { id } = await node.open(grant)
    await node.store.grants.lease(id, 'the dead node', secondsAfter(clock(), 90), clock())
    expect(await node.renewal.ensureValidToken(node.keyOf(grant))).toMatchObject({
      error: { code: 'provider_unavailable' },
    })
    expect(presented).toEqual([])
    turn(90)
    expect(await node.renewal.ensureValidToken(node.keyOf(grant))).toMatchObject({
      ok: true,
      value: { accessToken: 'renewed' },
    })
  })

  test('that another node does not finish leaves the token in use until it expires', async () => {
    const node = await newNode()
    const grant = await node.lent(150, { accessToken: 'half a minute left' })
    turn(120)
    const { id } = await node.open(grant)
    await node.store.grants.lease(id, 'the dead node', secondsAfter(clock(), 90), clock())
    const ask = (refused?: string) => node.renewal.ensureValidToken(node.keyOf(grant), refused ? { refused } : {})
    expect(await ask()).toMatchObject({ ok: true, value: { accessToken: 'half a minute left' } })
    expect(await ask('half a minute left')).toMatchObject({ error: { code: 'provider_unavailable', retryAfter: 5 } })
    turn(30)
    expect(await ask()).toMatchObject({ error: { code: 'provider_unavailable', retryAfter: 5 } })
    expect(presented).toEqual([])
  })

  test('of an unknown grant fails with not_connected', async () => {
    const node = await newNode()
    const key = {
      provider: 'atlassian',
      issuer: 'atlassian',
      clientId: 'atlassian-client',
      subject: 'nobody',
      holder: 'person',
    }
    expect(await node.renewal.ensureValidToken(key)).toMatchObject({ error: { code: 'not_connected' } })
  })

  describe('with a minimum lifetime', () => {
    const ask = (node: LentTokens, grant: TokenGrant, minTtlSeconds: number) =>
      node.renewal.ensureValidToken(node.keyOf(grant), { minTtlSeconds })

    test('happens when less is left, and returns the lifetime and the scopes', async () => {
      const node = await newNode()
      const grant = await node.lent(1200, { scopes: ['a'] })
      turn(120)
      expect(await ask(node, grant, 1080)).toMatchObject({ ok: true, value: { accessToken: 'renewed' } })
      expect(await ask(node, grant, 1000)).toEqual({
        ok: true,
        value: {
          accessToken: 'renewed',
          expiresAt: secondsAfter(clock(), 3600),
          scopes: ['a'],
          askedScopes: ['openid'],
        },
      })
      expect(presented).toHaveLength(1)
    })

    test('above the provider’s maximum returns the newest token without repeated renewals', async () => {
      const [here, there] = [await newNode(), await newNode()]
      const grant = await here.lent(3600)
      turn(120)
      for (let minute = 0; minute < 5; minute++) {
        const answers = await Promise.all(
          Array.from({ length: 20 }, (_, n) => ask(n % 2 === 0 ? here : there, grant, 86_400)),
        )
        expect(answers.every(({ ok }) => ok)).toBe(true)
        expect(presented).toHaveLength(minute + 1)
        turn(59)
        await ask(here, grant, 86_400)
        expect(presented).toHaveLength(minute + 1)
        turn(1)
      }
    })

    test('returns the current token while the provider does not respond', async () => {
      const node = await newNode()
      answer = async () => ({ tag: 'transient', reason: 'timeout' })
      const grant = await node.lent(1200, { accessToken: 'twenty minutes left' })
      turn(120)
      for (const _ of [1, 2, 3])
        expect(await ask(node, grant, 3000)).toMatchObject({ value: { accessToken: 'twenty minutes left' } })
      expect(presented).toHaveLength(1)
    })
  })

  describe('of a token that the provider’s API refused', () => {
    test('happens once, and every caller that was refused with it gets the new one', async () => {
      const [here, there] = [await newNode(), await newNode()]
      const grant = await here.lent(3600, { accessToken: 'refused' })
      const ask = (node: LentTokens) => node.renewal.ensureValidToken(node.keyOf(grant), { refused: 'refused' })
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(n % 2 === 0 ? here : there)))
      turn(300)
      answers.push(await ask(here))
      expect(new Set(answers.map((one) => one.ok && one.value.accessToken))).toEqual(new Set(['renewed']))
      expect(presented).toHaveLength(1)
    })

    test('is not repeated within a minute for a new token', async () => {
      const node = await newNode()
      let made = 0
      answer = async () => refreshed(`made ${++made}`, `rt-${made}`)
      const grant = await node.lent(0)
      const ask = (refused?: string) => node.renewal.ensureValidToken(node.keyOf(grant), refused ? { refused } : {})
      expect(await ask()).toMatchObject({ value: { accessToken: 'made 1' } })
      turn(20)
      for (const _ of [1, 2])
        expect(await ask('made 1')).toMatchObject({ error: { code: 'provider_unavailable', retryAfter: 40 } })
      turn(40)
      expect(await ask('made 1')).toMatchObject({ value: { accessToken: 'made 2' } })
    })

    test('without a refresh token marks the grant as dead, and publishes one event', async () => {
      const node = await newNode()
      const grant = await node.lent(3600, { accessToken: 'the only one', refreshToken: null, expiresAt: null })
      const ask = () => node.renewal.ensureValidToken(node.keyOf(grant), { refused: 'the only one' })
      const answers = await Promise.all([ask(), ask(), ask()])
      answers.push(await node.renewal.ensureValidToken(node.keyOf(grant)))
      expect(answers.every((one) => !one.ok && one.error.code === 'needs_reauthorization')).toBe(true)
      expect(node.heard('provider_token.needs_reauthorization')).toHaveLength(1)
      expect(await node.open(grant)).toMatchObject({ status: 'needs_reauthorization', lastError: 'invalid_grant' })
    })
  })

  test('shares a provider failure between nodes, without another call', async () => {
    const [here, there] = [await newNode(), await newNode()]
    answer = async () => ({ tag: 'transient', reason: 'status_429', retryAfter: 60 })
    const grant = await here.lent(-5)
    await here.renewal.ensureValidToken(here.keyOf(grant))
    expect(await there.renewal.ensureValidToken(there.keyOf(grant))).toMatchObject({
      error: { code: 'provider_unavailable', retryAfter: 68 },
    })
    expect(presented).toHaveLength(1)
  })

  test('drops scopes the provider removed, and reports them as missing until they return', async () => {
    const node = await newNode()
    const grant = await node.lent(0, { scopes: ['openid', 'jira'] })
    const renewed = async (scopes: readonly string[] | null) => {
      answer = async () => {
        const brought = refreshed('renewed', null)
        return brought.tag === 'refreshed' ? { ...brought, tokens: { ...brought.tokens, scopes } } : brought
      }
      turn(3600)
      const said = await node.renewal.ensureValidToken(node.keyOf(grant))
      const { scopes: stored, status, lastError } = await node.open(grant)
      expect(said).toMatchObject({ ok: true, value: { scopes: stored } })
      return { stored, status, lastError }
    }
    const gone = { stored: ['openid'], status: 'healthy', lastError: 'scope_missing' }
    expect(await renewed(['openid'])).toEqual(gone)
    expect(await renewed(['openid', 'jira'])).toEqual({ ...gone, stored: ['openid', 'jira'], lastError: null })
  })

  test('of a withdrawn grant returns nothing, and makes no call', async () => {
    const node = await newNode()
    const grant = await node.lent(3600)
    const { id } = await node.open(grant)
    const { grants } = node.driver.tables
    await node.driver.write(
      node.driver.db
        .update(grants)
        .set({ status: 'revoked', accessToken: null, refreshToken: null })
        .where(eq(grants.id, id)),
    )
    expect(await node.renewal.ensureValidToken(node.keyOf(grant))).toMatchObject({ error: { code: 'not_connected' } })
    turn(7200)
    await node.renewal.renewDue()
    expect(await node.renewal.ensureValidToken(node.keyOf(grant))).toMatchObject({ error: { code: 'not_connected' } })
    expect(await node.vault.find(node.keyOf(grant))).toMatchObject({ status: 'revoked' })
  })

  test('of a grant from another client registration is not attempted', async () => {
    const node = await newNode()
    const grant = { ...(await node.lent(3600)), clientId: 'before-the-move' }
    await node.vault.keep(grant)
    expect(await node.renewal.ensureValidToken(node.keyOf(grant))).toMatchObject({ ok: true })
    turn(3600)
    expect(await node.renewal.ensureValidToken(node.keyOf(grant))).toMatchObject({
      error: { code: 'provider_unavailable' },
    })
    expect(presented).toEqual([])
  })

  test('records use once an hour', async () => {
    const node = await newNode()
    const grant = await node.lent(86_400)
    const used = async () => {
      await node.renewal.ensureValidToken(node.keyOf(grant))
      return (await node.open(grant)).usedAt
    }
    const first = clock()
    expect(await used()).toEqual(first)
    turn(3599)
    expect(await used()).toEqual(first)
    turn(1)
    expect(await used()).toEqual(clock())
  })

  describe('that is interrupted', () => {
    test('stores the new tokens after a short database outage', async () => {
      const node = await newNode()
      const { renewed } = node.store.grants
      let tries = 0
      const grants: GrantStore = {
        ...node.store.grants,
        renewed: async (...given) => {
          if (++tries < 4) throw new Error('the store is away')
          return renewed(...given)
        },
      }
      const away = await lentTokens(config, { clock, sealer, grants, refresh: async () => answer('') })
      nodes.push(away)
      const grant = await away.lent(0)
      expect(await away.renewal.ensureValidToken(away.keyOf(grant))).toMatchObject({
        value: { accessToken: 'renewed' },
      })
      expect(await node.open(grant)).toMatchObject({ accessToken: 'renewed', refreshToken: 'rt-2' })
    })

    test('waits for a longer outage only until its lease expires', async () => {
      const node = await newNode()
      let waited = 0
      const away = await lentTokens(config, {
        clock,
        sealer,
        refresh: async () => answer(''),
        grants: { ...node.store.grants, renewed: () => Promise.reject(new Error('the store is away')) },
        pause: async (ms) => {
          waited += ms
        },
      })
      nodes.push(away)
      const grant = await away.lent(0)
      await expect(away.renewal.ensureValidToken(away.keyOf(grant))).rejects.toThrow('away')
      expect(waited).toBeGreaterThan(60_000)
      expect(waited).toBeLessThan(90_000)
    })

    /** As Atlassian does: a spent refresh token is valid for ten more minutes, and then invalid. */
    const rotating = (leewaySeconds: number) => {
      const spent = new Map<string, Date>()
      let made = 1
      answer = async (refreshToken) => {
        const at = spent.get(refreshToken)
        if (at && clock() > secondsAfter(at, leewaySeconds))
          return { tag: 'needs_reauthorization', reason: 'unauthorized_client' }
        if (!at) spent.set(refreshToken, clock())
        return refreshed(`made ${++made}`, `rt-${made}`)
      }
    }
    /** A node that made its request, got a response and died. */
    const crashed = async (): Promise<TokenGrant> => {
      const node = await newNode()
      const grant = await node.lent(0, { refreshToken: 'rt-1' })
      const { id } = await node.open(grant)
      await node.store.grants.lease(id, 'crashed', secondsAfter(clock(), 90), clock())
      await answer('rt-1')
      return grant
    }

    test('by a crash retries with the old refresh token, which is valid for a while at Atlassian', async () => {
      rotating(600)
      const grant = await crashed()
      const node = await newNode()
      turn(91)
      expect(await node.renewal.ensureValidToken(node.keyOf(grant))).toMatchObject({ value: { accessToken: 'made 3' } })
      expect(await node.open(grant)).toMatchObject({ status: 'healthy', refreshToken: 'rt-3' })
    })

    test('by a crash publishes one event after that, or elsewhere, and does not retry', async () => {
      // None of the other grants may be due.
      config = await place()
      rotating(0)
      const grant = await crashed()
      const node = await newNode()
      turn(91)
      for (let n = 0; n < 10; n++) {
        await node.renewal.renewDue()
        expect(await node.renewal.ensureValidToken(node.keyOf(grant))).toMatchObject({
          error: { code: 'needs_reauthorization' },
        })
        turn(600)
      }
      expect(presented).toEqual(['rt-1'])
      expect(node.heard('provider_token.needs_reauthorization')).toHaveLength(1)
      expect(await node.open(grant)).toMatchObject({ status: 'needs_reauthorization', dueAt: null })
    })
  })
})
