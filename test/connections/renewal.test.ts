import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { secondsAfter } from '../../src/kernel/clock.ts'
import type { Sealer } from '../../src/kernel/crypto.ts'
import type { Refreshed } from '../../src/providers/provider.ts'
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
  let answer: (refreshToken: string) => Promise<Refreshed>

  const refreshed = (accessToken: string, refreshToken: string | null): Refreshed => ({
    tag: 'refreshed',
    tokens: {
      ...{ accessToken, refreshToken, idToken: null, scopes: null },
      ...{ expiresAt: secondsAfter(clock(), 3600), refreshExpiresAt: null },
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

  test.each<[Refreshed, string]>([
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
        ...{ status: 'degraded', failures: 1, lastError, lastErrorAt: clock() },
        ...{ accessToken: 'old', refreshToken: 'rt-1', leaseOwner: null },
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
    const key = { provider: 'atlassian', clientId: 'atlassian-client', subject: 'nobody', holder: 'person' }
    expect(await node.renewal.ensureValidToken(key)).toMatchObject({ error: { code: 'not_connected' } })
  })
})
