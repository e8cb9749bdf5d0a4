import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { retryDelay } from '../../src/connections/revocation.ts'
import { secondsAfter } from '../../src/kernel/clock.ts'
import type { Sealer } from '../../src/kernel/crypto.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import type { RevocationOutcome, TokenGrant } from '../../src/providers/provider.ts'
import type { StoreConfig } from '../../src/store/open.ts'
import { pendingAuthorization } from '../store/people.ts'
import { databasesAboveStore } from '../support/databases.ts'
import { evenRandom, type LentTokens, lentTokens } from '../support/lent-tokens.ts'
import { aGrant, anAccount } from '../support/people.ts'
import { newSealer } from '../support/sealers.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'
import { takeDue } from '../support/take-due.ts'

describe('the wait between two attempts', () => {
  const most = (bytes: number) => Buffer.alloc(bytes, 0xff)
  const least = (bytes: number) => Buffer.alloc(bytes)

  test('doubles from a quarter of a minute to six hours', () => {
    expect([1, 2, 3, 4, 10, 11, 12, 25].map((attempts) => Math.round(retryDelay(attempts, most)))).toEqual([
      15, 30, 60, 120, 7680, 15_360, 21_600, 21_600,
    ])
  })

  test('is up to half random, so that a thousand do not return together', () => {
    expect(retryDelay(5, least)).toBeCloseTo(retryDelay(5, most) / 2)
    const chosen = new Set(Array.from({ length: 100 }, () => retryDelay(12, systemRandom)))
    expect(chosen.size).toBeGreaterThan(50)
  })

  test('is never shorter than the provider’s Retry-After', () => {
    expect(retryDelay(1, most, 900)).toBe(900)
    expect(retryDelay(12, most, 900)).toBeCloseTo(21_600, 3)
  })
})

describe.each(databasesAboveStore)('revocation on $name', ({ place }) => {
  let { clock, turn } = createStoppedClock()
  let config: StoreConfig
  let sealer: Sealer
  let nodes: LentTokens[]
  let asked: { provider: string; accessToken: string; refreshToken: string | null }[]
  let answer: () => Promise<RevocationOutcome>

  const newNode = async (given: Sealer = sealer): Promise<LentTokens> => {
    const node = await lentTokens(config, {
      clock: () => clock(),
      sealer: given,
      revoke: async (provider, tokens) => {
        asked.push({ provider, ...tokens })
        return answer()
      },
    })
    nodes.push(node)
    return node
  }
  /** Linked, and then unlinked: its grant waits to be revoked. */
  const unlinked = async (
    node: LentTokens,
    accessToken = 'at-1',
    account = anAccount(),
    provider = 'atlassian',
  ): Promise<TokenGrant> => {
    const grant = aGrant(provider, {}, { accessToken, refreshToken: 'rt-1', expiresAt: secondsAfter(clock(), 3600) })
    const identity = await node.identified(grant, account)
    await node.vault.keep(grant)
    const of = { accountId: account.id, identityId: identity.id, keepSession: null, at: clock() }
    expect(
      await node.store.accounts.unlink(
        of,
        () => true,
        () => [],
      ),
    ).toBe('unlinked')
    return grant
  }
  const results = (): string[] =>
    nodes.flatMap(({ heard }) => heard('provider_token.revoked')).map(({ data }) => data.result)

  beforeEach(async () => {
    ;({ clock, turn } = createStoppedClock())
    config = await place()
    sealer = newSealer()
    nodes = []
    asked = []
    answer = async () => ({ tag: 'revoked' })
  })
  afterEach(async () => {
    for (const { store } of nodes) await store.close()
  })

  test('revokes a removed grant at the provider with its tokens, and then erases them', async () => {
    const node = await newNode()
    await unlinked(node)
    expect(await node.revocation.backlog()).toBe(1)
    expect(await node.revocation.work()).toBe(1)
    expect(asked).toEqual([{ provider: 'atlassian', accessToken: 'at-1', refreshToken: 'rt-1' }])
    expect(await node.revocation.backlog()).toBe(0)
    expect(await node.revocation.work()).toBe(0)
    expect(results()).toEqual(['revoked'])
  })

  test('checks a consent that was given during the call before using it', async () => {
    const node = await newNode()
    const grant = await unlinked(node)
    turn(1)
    answer = async () => {
      // The call may have ended the new consent as well: nobody knows what the revocation of a consent includes.
      await node.identified(grant)
      await node.vault.keep(grant)
      return { tag: 'revoked' }
    }
    await node.revocation.work()
    expect(await node.open(grant)).toMatchObject({ status: 'healthy', expiresAt: clock(), dueAt: clock() })
  })

  test('checks a consent that was given between two attempts, the first of which may have succeeded', async () => {
    const node = await newNode()
    const grant = await unlinked(node)
    answer = async () => ({ tag: 'transient', reason: 'timeout' })
    await node.revocation.work()
    turn(5)
    await node.identified(grant)
    await node.vault.keep(grant)
    turn(15)
    await node.revocation.work()
    expect(results()).toEqual(['still_needed'])
    expect(await node.open(grant)).toMatchObject({ status: 'healthy', expiresAt: clock() })
    // A consent from before any call is certainly unaffected.
    const other = await unlinked(node)
    await node.identified(other)
    await node.vault.keep(other)
    await node.revocation.work()
    expect((await node.open(other)).expiresAt).not.toEqual(clock())
  })

  test('delays no other grants while some wait for users who are at the provider', async () => {
    const node = await newNode()
    for (let n = 0; n < 25; n++) {
      const account = anAccount()
      await unlinked(node, `held-${n}`, account)
      const begun = { intent: 'link', provider: 'atlassian', accountId: account.id } as const
      await node.store.pendingAuthorizations.begin(
        pendingAuthorization({ ...begun, createdAt: clock(), expiresAt: secondsAfter(clock(), 600) }),
      )
    }
    turn(1)
    await unlinked(node, 'at-last')
    expect(await node.revocation.work()).toBe(1)
    expect(asked.map(({ accessToken }) => accessToken)).toEqual(['at-last'])
    turn(10)
    expect(await node.revocation.work()).toBe(0)
    expect(await node.revocation.backlog()).toBe(25)
  })

  test('ends where a provider has no revocation endpoint', async () => {
    const node = await newNode()
    answer = async () => ({ tag: 'not_supported' })
    await unlinked(node)
    await node.revocation.work()
    expect(results()).toEqual(['not_supported'])
    expect(await node.revocation.backlog()).toBe(0)
  })

  test('is retried with increasing delay for about three days while a provider is down, and then given up', async () => {
    const node = await newNode()
    answer = async () => ({ tag: 'transient', reason: 'status_503' })
    await unlinked(node)
    const started = clock().getTime()
    for (let attempt = 1; attempt < 25; attempt++) {
      expect(await node.revocation.work()).toBe(1)
      turn(retryDelay(attempt, evenRandom) - 1)
      expect(await node.revocation.work()).toBe(0)
      turn(1)
    }
    expect(results()).toEqual([])
    expect(await node.revocation.work()).toBe(1)
    expect(asked).toHaveLength(25)
    const days = (clock().getTime() - started) / 86_400_000
    expect(days).toBeGreaterThan(2)
    expect(days).toBeLessThan(4)
    expect(results()).toEqual(['gave_up'])
    expect(await node.revocation.backlog()).toBe(0)
  })

  test('succeeds after a provider recovers', async () => {
    const node = await newNode()
    answer = async () => ({ tag: 'transient', reason: 'timeout', retryAfter: 120 })
    await unlinked(node)
    await node.revocation.work()
    answer = async () => ({ tag: 'revoked' })
    turn(119)
    expect(await node.revocation.work()).toBe(0)
    turn(1)
    expect(await node.revocation.work()).toBe(1)
    expect(results()).toEqual(['revoked'])
  })

  test('keeps the new grant when its user linked again: the old one is not revoked', async () => {
    const node = await newNode()
    const grant = await unlinked(node)
    await node.identified(grant)
    await node.vault.keep({ ...grant, tokens: { ...grant.tokens, accessToken: 'linked again' } })
    await node.revocation.work()
    expect(asked).toEqual([])
    expect(results()).toEqual(['still_needed'])
    expect(await node.open(grant)).toMatchObject({ accessToken: 'linked again', status: 'healthy' })
  })

  test('assigns a grant to one of two workers', async () => {
    const [here, there] = [await newNode(), await newNode()]
    for (let n = 0; n < 30; n++) await unlinked(here, `at-${n}`)
    answer = async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return { tag: 'revoked' }
    }
    await Promise.all([
      here.revocation.work(),
      there.revocation.work(),
      here.revocation.work(),
      there.revocation.work(),
    ])
    expect(asked.map(({ accessToken }) => accessToken).sort()).toEqual(
      Array.from({ length: 30 }, (_, n) => `at-${n}`).sort(),
    )
  })

  test('keeps a grant with its worker, even late in a long run', async () => {
    const [here, there] = [await newNode(), await newNode()]
    for (let n = 0; n < 12; n++) await unlinked(here, `at-${n}`)
    // Every call takes half a minute. If the other node could take more than what still waits, it would be the one in
    // progress.
    const left: number[] = []
    answer = async () => {
      turn(30)
      left.push((await takeDue(there.store.revocations, 50, clock(), clock())).length)
      return { tag: 'revoked' }
    }
    for (let rounds = 0; rounds < 12; rounds++) await here.revocation.work()
    expect(left).toEqual([11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0])
  })

  test('continues after a grant that no key decrypts', async () => {
    const [here, elsewhere] = [await newNode(), await newNode(newSealer())]
    await unlinked(elsewhere, 'sealed with a lost key')
    turn(1)
    await unlinked(here, 'at-2')
    expect(await here.revocation.work()).toBe(2)
    expect(asked.map(({ accessToken }) => accessToken)).toEqual(['at-2'])
    expect(await here.revocation.backlog()).toBe(1)
  })

  test('delays no provider’s grants while another is unresponsive', async () => {
    const node = await newNode()
    for (let n = 0; n < 60; n++) await unlinked(node, `slow-${n}`)
    turn(1)
    const answers: (() => void)[] = []
    answer = () =>
      asked.at(-1)?.provider === 'google'
        ? Promise.resolve({ tag: 'revoked' })
        : new Promise((resolve) => answers.push(() => resolve({ tag: 'transient', reason: 'timeout' })))
    await unlinked(node, 'quick-1', anAccount(), 'google')
    const round = node.revocation.work()
    const askedOf = (provider: string) => asked.filter((one) => one.provider === provider)
    await expect.poll(() => askedOf('google')).toHaveLength(1)
    await expect.poll(() => answers).toHaveLength(1)
    // Nor is one that is queued while the run still waits.
    await unlinked(node, 'quick-2', anAccount(), 'google')
    node.revocation.wake()
    await expect.poll(() => askedOf('google')).toHaveLength(2)
    turn(26)
    answers[0]?.()
    expect(await round).toBe(3)
    expect(askedOf('atlassian')).toHaveLength(1)
  })

  test('counts no attempt while the circuit breaker is open, and the rest waits too', async () => {
    const node = await newNode()
    for (let n = 0; n < 3; n++) await unlinked(node, `at-${n}`)
    answer = async () => ({ tag: 'transient', reason: 'breaker_open', retryAfter: 30 })
    expect(await node.revocation.work()).toBe(0)
    expect(asked).toHaveLength(1)
    turn(30)
    answer = async () => ({ tag: 'revoked' })
    expect(await node.revocation.work()).toBe(3)
    expect(await node.revocation.backlog()).toBe(0)
    expect(results()).toEqual(['revoked', 'revoked', 'revoked'])
  })

  test('covers all grants of a deleted account', async () => {
    const node = await newNode()
    const account = anAccount()
    const grant = aGrant('atlassian', {}, { accessToken: 'of somebody who goes' })
    await node.identified(grant, account)
    await node.vault.keep(grant)
    await node.store.accounts.remove(account.id, clock(), [])
    await node.revocation.work()
    expect(asked).toMatchObject([{ accessToken: 'of somebody who goes' }])
  })
})
