import { eq } from 'drizzle-orm'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { StoredGrant } from '../../src/connections/ports.ts'
import { secondsAfter } from '../../src/kernel/clock.ts'
import type { Sealer } from '../../src/kernel/crypto.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import type { RefreshOutcome, TokenGrant } from '../../src/providers/provider.ts'
import type { StoreConfig } from '../../src/store/open.ts'
import { databases, databasesAboveStore } from '../support/databases.ts'
import { type LentTokens, lentTokens } from '../support/lent-tokens.ts'
import { aGrant } from '../support/people.ts'
import { newSealer } from '../support/sealers.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

const day = 24 * 3600

describe.each(databasesAboveStore)('the scheduled renewal, on $name,', ({ place }) => {
  let { clock, turn } = createStoppedClock()
  let config: StoreConfig
  let sealer: Sealer
  let nodes: LentTokens[]
  /** The tokens the providers received. */
  let presented: { provider: string; refreshToken: string }[]
  let answer: (provider: string, refreshToken: string) => Promise<RefreshOutcome>

  const refreshed = (given: Partial<TokenGrant['tokens']> = {}): RefreshOutcome => ({
    tag: 'refreshed',
    tokens: {
      accessToken: 'renewed',
      refreshToken: null,
      idToken: null,
      scopes: null,
      expiresAt: secondsAfter(clock(), 3600),
      refreshExpiresAt: null,
      ...given,
    },
  })
  const newNode = async (given: Sealer = sealer): Promise<LentTokens> => {
    const node = await lentTokens(config, {
      clock: () => clock(),
      sealer: given,
      random: systemRandom,
      refresh: async (provider, refreshToken) => {
        presented.push({ provider, refreshToken })
        return answer(provider, refreshToken)
      },
    })
    nodes.push(node)
    return node
  }
  const given = async (
    node: LentTokens,
    provider: string,
    tokens: Partial<TokenGrant['tokens']> = {},
  ): Promise<TokenGrant> => {
    const grant = aGrant(provider, {}, { expiresAt: secondsAfter(clock(), 3600), ...tokens })
    await node.identified(grant)
    await node.vault.keep(grant)
    return grant
  }
  const several = (many: number, one: (n: number) => Promise<TokenGrant>): Promise<TokenGrant[]> =>
    Promise.all(Array.from({ length: many }, (_, n) => one(n)))
  const set = async (node: LentTokens, grant: TokenGrant, changes: Partial<StoredGrant>): Promise<void> => {
    const { grants } = node.driver.tables
    const { id } = await node.open(grant)
    await node.driver.write(node.driver.db.update(grants).set(changes).where(eq(grants.id, id)))
  }

  beforeEach(async () => {
    ;({ clock, turn } = createStoppedClock())
    config = await place()
    sealer = newSealer()
    nodes = []
    presented = []
    answer = async () => refreshed()
  })
  afterEach(async () => {
    for (const { store } of nodes) await store.close()
  })

  test('renews used grants before they expire, and skips those not due', async () => {
    const node = await newNode()
    const grant = await given(node, 'atlassian', { refreshToken: 'rt-1' })
    turn(1799)
    expect(await node.renewal.renewDue()).toBe(0)
    turn(1621)
    expect(await node.renewal.renewDue()).toBe(1)
    const stored = await node.open(grant)
    expect(stored).toMatchObject({ accessToken: 'renewed', refreshToken: 'rt-1', refreshedAt: clock() })
    expect(stored.dueAt?.getTime()).toBeGreaterThanOrEqual(secondsAfter(clock(), 1800).getTime())
    expect(await node.renewal.renewDue()).toBe(0)
    expect(presented).toHaveLength(1)
  })

  test('keeps a used grant valid around the clock', async () => {
    const node = await newNode()
    const grant = await given(node, 'google')
    for (let minute = 0; minute < 180; minute++) {
      turn(60)
      await node.renewal.renewDue()
      const { expiresAt } = await node.open(grant)
      expect(expiresAt?.getTime()).toBeGreaterThan(secondsAfter(clock(), 60).getTime())
    }
    expect(presented.length).toBeLessThanOrEqual(6)
  })

  test('lets an unused grant’s access token expire, and renews it only before the provider’s idle limit', async () => {
    const node = await newNode()
    const grant = await given(node, 'atlassian')
    let renewals = 0
    for (let days = 0; days < 300; days++) {
      turn(day)
      renewals += await node.renewal.renewDue()
    }
    // Every day for the month in which it counts as used, and then about every seventy days.
    const used = presented.length
    expect(used).toBeGreaterThanOrEqual(30)
    expect(used).toBeLessThanOrEqual(31 + 5)
    expect(renewals).toBe(used)
    const { refreshedAt } = await node.open(grant)
    expect(refreshedAt?.getTime()).toBeGreaterThan(secondsAfter(clock(), -90 * day).getTime())
  })

  test('resumes for an idle grant from its next use', async () => {
    const node = await newNode()
    const grant = await given(node, 'atlassian')
    await set(node, grant, { usedAt: secondsAfter(clock(), -40 * day), dueAt: secondsAfter(clock(), 50 * day) })
    await node.renewal.ensureValidToken(node.keyOf(grant))
    const { dueAt, usedAt, expiresAt } = await node.open(grant)
    expect(usedAt).toEqual(clock())
    expect(dueAt?.getTime()).toBeLessThan(expiresAt?.getTime() ?? 0)
  })

  test('never requests what never expires or cannot be renewed', async () => {
    const node = await newNode()
    await given(node, 'google', { expiresAt: null })
    await given(node, 'google', { refreshToken: null })
    turn(400 * day)
    expect(await node.renewal.renewDue()).toBe(0)
    expect(await node.renewal.backlog()).toBe(0)
  })

  test('on two nodes at once calls each provider once for each grant', async () => {
    const [here, there] = [await newNode(), await newNode()]
    await several(60, (n) => given(here, 'atlassian', { refreshToken: `rt-${n}` }))
    answer = async () => {
      for (let n = 0; n < 5; n++) await new Promise((resolve) => setImmediate(resolve))
      return refreshed({ refreshToken: 'next' })
    }
    turn(3600)
    expect(await here.renewal.backlog()).toBe(60)
    let renewed = 0
    while ((await here.renewal.backlog()) > 0)
      renewed += (await Promise.all([here, there].map((node) => node.renewal.renewDue()))).reduce((a, b) => a + b)
    expect(renewed).toBe(60)
    expect(new Set(presented.map(({ refreshToken }) => refreshToken)).size).toBe(60)
    expect(presented).toHaveLength(60)
  })

  test('gives its result to concurrent callers', async () => {
    const node = await newNode()
    const grant = await given(node, 'atlassian')
    turn(3600)
    answer = async () => {
      for (let n = 0; n < 20; n++) await new Promise((resolve) => setImmediate(resolve))
      return refreshed()
    }
    const round = node.renewal.renewDue()
    const asked = await Promise.all(Array.from({ length: 5 }, () => node.renewal.ensureValidToken(node.keyOf(grant))))
    expect(asked.map((one) => one.ok && one.value.accessToken)).toEqual(Array.from({ length: 5 }, () => 'renewed'))
    await round
    expect(presented).toHaveLength(1)
  })

  test('does not let a hanging provider delay another’s grants', async () => {
    const node = await newNode()
    await several(30, () => given(node, 'atlassian'))
    const others = await several(5, () => given(node, 'google'))
    turn(3600)
    let letGo: () => void = () => {}
    const hanging = new Promise<void>((resolve) => {
      letGo = resolve
    })
    answer = async (provider) => {
      if (provider === 'google') return refreshed()
      await hanging
      return { tag: 'transient', reason: 'timeout' }
    }
    const round = node.renewal.renewDue()
    await expect
      .poll(async () => (await Promise.all(others.map((one) => node.open(one)))).map(({ accessToken }) => accessToken))
      .toEqual(others.map(() => 'renewed'))
    letGo()
    expect(await round).toBe(5)
  })

  test.each<[string, RefreshOutcome, number]>([
    ['asks to wait', { tag: 'transient', reason: 'status_429', retryAfter: 30 }, 20],
    ['is down according to the circuit breaker', { tag: 'transient', reason: 'breaker_open', retryAfter: 30 }, 20],
    ['rejects our client registration', { tag: 'client_config', reason: 'access_denied' }, 24],
  ])('stops calling a provider that %s: the rest stay unchanged and due', async (_, failure, most) => {
    const node = await newNode()
    const grants = await several(50, () => given(node, 'atlassian'))
    turn(3600)
    answer = async () => failure
    expect(await node.renewal.renewDue()).toBe(0)
    expect(presented.length).toBeLessThanOrEqual(most)
    const stored = await Promise.all(grants.map((grant) => node.open(grant)))
    expect(stored.filter(({ status }) => status === 'degraded')).toHaveLength(presented.length)
    expect(stored.filter(({ status }) => status === 'healthy')).toHaveLength(50 - presented.length)
    // Once the provider recovers, all of them are renewed.
    answer = async () => refreshed()
    turn(120)
    expect(await node.renewal.renewDue()).toBe(50)
    for (const grant of grants)
      expect(await node.open(grant)).toMatchObject({ status: 'healthy', failures: 0, lastError: null })
  })

  test('continues with the others when one fails, is dead or cannot be decrypted', async () => {
    const [node, elsewhere] = [await newNode(), await newNode(newSealer())]
    const lost = await given(elsewhere, 'atlassian')
    const [failing, dead] = [
      await given(node, 'atlassian', { refreshToken: 'failing' }),
      await given(node, 'atlassian', { refreshToken: 'dead' }),
    ]
    await several(20, () => given(node, 'atlassian'))
    turn(3600)
    answer = async (_, refreshToken) => {
      if (refreshToken === 'failing') return { tag: 'transient', reason: 'status_500' }
      return refreshToken === 'dead' ? { tag: 'needs_reauthorization', reason: 'invalid_grant' } : refreshed()
    }
    expect(await node.renewal.renewDue()).toBe(20)
    const now = clock()
    expect(await node.open(failing)).toMatchObject({ status: 'degraded', lastError: 'transient', lastErrorAt: now })
    expect(await node.open(dead)).toMatchObject({
      status: 'needs_reauthorization',
      lastError: 'invalid_grant',
      lastErrorAt: now,
      dueAt: null,
    })
    expect(await elsewhere.open(lost)).toMatchObject({ status: 'degraded', lastError: 'client_misconfigured' })
    expect(node.heard('provider_token.needs_reauthorization')).toHaveLength(1)
    expect(
      node
        .heard('provider_token.refreshed')
        .map(({ data }) => data.result)
        .sort(),
    ).toEqual([
      'client_misconfigured',
      'needs_reauthorization',
      ...Array.from({ length: 20 }, () => 'refreshed'),
      'transient',
    ])
    turn(day)
    answer = async () => refreshed()
    await node.renewal.renewDue()
    expect(presented.filter(({ refreshToken }) => refreshToken === 'dead')).toHaveLength(1)
  })

  test('starts nothing new once the service stops', async () => {
    const node = await newNode()
    await several(50, () => given(node, 'atlassian'))
    turn(3600)
    answer = async () => {
      void node.renewal.stop()
      return refreshed()
    }
    expect(await node.renewal.renewDue()).toBeLessThanOrEqual(20)
    expect(await node.renewal.renewDue()).toBe(0)
  })
})

describe('many overdue grants', () => {
  test('are renewed evenly: at most three times the average in any minute', async () => {
    const { clock, turn } = createStoppedClock()
    const [sqlite] = databases
    if (!sqlite) throw new Error('there is no SQLite')
    const node = await lentTokens(await sqlite.place(), {
      clock,
      sealer: newSealer(),
      random: systemRandom,
      refresh: async () => ({
        tag: 'refreshed',
        tokens: {
          accessToken: 'renewed',
          refreshToken: null,
          idToken: null,
          scopes: null,
          expiresAt: secondsAfter(clock(), 3600),
          refreshExpiresAt: null,
        },
      }),
    })
    const many = 2800
    await Promise.all(Array.from({ length: many }, () => node.lent(3600)))
    turn(8 * 3600)
    const perMinute: number[] = []
    for (let minute = 0; minute < 60; minute++) {
      let renewed = 0
      for (const _ of [1, 2]) {
        renewed += await node.renewal.renewDue()
        turn(30)
      }
      perMinute.push(renewed)
    }
    const all = perMinute.reduce((sum, one) => sum + one, 0)
    expect(all).toBeGreaterThanOrEqual(many)
    expect(Math.max(...perMinute) / (all / perMinute.length)).toBeLessThanOrEqual(3)
    expect(Math.max(...perMinute) / (many / perMinute.length)).toBeLessThanOrEqual(3)
    await node.store.close()
  })
})
