import { eq } from 'drizzle-orm'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { GrantStore } from '../../src/connections/ports.ts'
import { secondsAfter } from '../../src/kernel/clock.ts'
import type { Sealer } from '../../src/kernel/crypto.ts'
import type { Grant, RefreshOutcome } from '../../src/providers/provider.ts'
import type { StoreConfig } from '../../src/store/open.ts'
import { databases } from '../support/databases.ts'
import { type LentTokens, lentTokens } from '../support/lent-tokens.ts'
import { newSealer } from '../support/sealers.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

describe.each(databases)('on $name', ({ place }) => {
  let { clock, turn } = createStoppedClock()
  let config: StoreConfig
  let sealer: Sealer
  let nodes: LentTokens[]
  /** What the provider was asked with, and what it does then. */
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

  test('a token that serves is handed out as it is', async () => {
    const node = await newNode()
    const grant = await node.lent(3600, { accessToken: 'still good' })
    expect(await node.renewal.ensureValidToken(node.keyOf(grant))).toMatchObject({
      ok: true,
      value: { accessToken: 'still good' },
    })
    expect(presented).toEqual([])
  })

  test('twenty askers at once on two nodes renew it once, and all get the new one', async () => {
    const [here, there] = [await newNode(), await newNode()]
    // As a provider does that rotates: the old refresh token works once.
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

  test('a renewal without a new refresh token keeps the old one, and the scopes when none are said', async () => {
    const node = await newNode()
    answer = async () => refreshed('renewed', null)
    const grant = await node.lent(0, { refreshToken: 'rt-1', scopes: ['a', 'b'] })
    await node.renewal.ensureValidToken(node.keyOf(grant))
    expect(await node.open(grant)).toMatchObject({ accessToken: 'renewed', refreshToken: 'rt-1', scopes: ['a', 'b'] })
  })

  test('a dead grant is found dead once, with one event, and is not asked about again', async () => {
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
    'a failure of the provider (%o) leaves its tokens as they are, and is not repeated for each who asks',
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

  test('after failures in a row it waits longer each time, up to five minutes, and forgets them with the first success', async () => {
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

  test('a provider that says when to come back is not asked before', async () => {
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

  test('while it cannot be renewed, a token with some life left still serves', async () => {
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

  test('a renewal that comes after a new consent is not written: what the person just granted counts', async () => {
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

  test('a refusal that comes after a new consent does not kill it', async () => {
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

  test('a node that died in the middle holds it up for one lease, and no longer', async () => {
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

  test('a grant nobody gave is none', async () => {
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

  describe('a token that is to last', () => {
    const ask = (node: LentTokens, grant: Grant, minTtlSeconds: number) =>
      node.renewal.ensureValidToken(node.keyOf(grant), { minTtlSeconds })

    test('is renewed when less is left, and says how long it lasts and what it may do', async () => {
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

    test('longer than its provider makes any is the newest there is, and no storm', async () => {
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

    test('is what it is while its provider does not answer', async () => {
      const node = await newNode()
      answer = async () => ({ tag: 'transient', reason: 'timeout' })
      const grant = await node.lent(1200, { accessToken: 'twenty minutes left' })
      turn(120)
      for (const _ of [1, 2, 3])
        expect(await ask(node, grant, 3000)).toMatchObject({ value: { accessToken: 'twenty minutes left' } })
      expect(presented).toHaveLength(1)
    })
  })

  describe('a token the provider’s API refused', () => {
    test('is renewed once, and whoever was refused with it too gets the new one', async () => {
      const [here, there] = [await newNode(), await newNode()]
      const grant = await here.lent(3600, { accessToken: 'refused' })
      const ask = (node: LentTokens) => node.renewal.ensureValidToken(node.keyOf(grant), { refused: 'refused' })
      const answers = await Promise.all(Array.from({ length: 20 }, (_, n) => ask(n % 2 === 0 ? here : there)))
      turn(300)
      answers.push(await ask(here))
      expect(new Set(answers.map((one) => one.ok && one.value.accessToken))).toEqual(new Set(['renewed']))
      expect(presented).toHaveLength(1)
    })

    test('though it was made just now is not made again for a minute', async () => {
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

    test('with nothing to renew it with means that the grant is dead: marked and told once', async () => {
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

  test('what one node found out about a provider that fails, the other need not find out again', async () => {
    const [here, there] = [await newNode(), await newNode()]
    answer = async () => ({ tag: 'transient', reason: 'status_429', retryAfter: 60 })
    const grant = await here.lent(-5)
    await here.renewal.ensureValidToken(here.keyOf(grant))
    expect(await there.renewal.ensureValidToken(there.keyOf(grant))).toMatchObject({
      error: { code: 'provider_unavailable', retryAfter: 68 },
    })
    expect(presented).toHaveLength(1)
  })

  test('scopes the provider took away are gone, and said to be missing until they are back', async () => {
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

  test('of a grant that was taken back nothing is handed out, and nothing is asked', async () => {
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

  test('a grant made with another registration is not risked with this one', async () => {
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

  test('that it is used is written down once an hour', async () => {
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

  describe('when things end in the middle,', () => {
    test('new tokens are stored though the store was away for a moment', async () => {
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

    test('and a store that stays away is not waited for longer than the lease lasts', async () => {
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

    /** As Atlassian does: a spent refresh token is good for ten minutes more, and then for nothing. */
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
    /** A node that asked, was answered, and is no more. */
    const crashed = async (): Promise<Grant> => {
      const node = await newNode()
      const grant = await node.lent(0, { refreshToken: 'rt-1' })
      const { id } = await node.open(grant)
      await node.store.grants.lease(id, 'crashed', secondsAfter(clock(), 90), clock())
      await answer('rt-1')
      return grant
    }

    test('the one after a crash asks with the old refresh token, which is good for a while at Atlassian', async () => {
      rotating(600)
      const grant = await crashed()
      const node = await newNode()
      turn(91)
      expect(await node.renewal.ensureValidToken(node.keyOf(grant))).toMatchObject({ value: { accessToken: 'made 3' } })
      expect(await node.open(grant)).toMatchObject({ status: 'healthy', refreshToken: 'rt-3' })
    })

    test('and later than that, or elsewhere, its person is told, and nobody asks again', async () => {
      // Of the others here nothing shall be due.
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
