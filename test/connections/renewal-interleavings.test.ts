import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import { secondsAfter } from '../../src/kernel/clock.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import type { RefreshOutcome, TokenGrant } from '../../src/providers/provider.ts'
import { isThorough } from '../store/thorough.ts'
import { type LentTokens, lentTokens } from '../support/lent-tokens.ts'
import { newSealer } from '../support/sealers.ts'
import { newFile } from '../support/sqlite.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

/** One concurrent action on one of two nodes; `slow` is for how many turns the provider delays it. */
type Deed =
  | { readonly tag: 'ask'; readonly node: 0 | 1; readonly minTtlSeconds: number; readonly slow: number }
  | { readonly tag: 'refused'; readonly node: 0 | 1; readonly slow: number }
  | { readonly tag: 'round'; readonly node: 0 | 1; readonly slow: number }
  | { readonly tag: 'consent' }
type Burst = {
  readonly deeds: readonly Deed[]
  /** A node that dies after the provider responded, before it could store the tokens. */
  readonly dies: 0 | 1 | null
  /** The provider fails, but does not spend the refresh token. */
  readonly fails: boolean
  readonly thenSeconds: number
}

const node = fc.constantFrom<(0 | 1)[]>(0, 1)
const slow = fc.integer({ min: 0, max: 8 })
const deed = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      tag: fc.constant('ask' as const),
      node,
      minTtlSeconds: fc.constantFrom(0, 1800, 7200),
      slow,
    }),
  },
  { weight: 1, arbitrary: fc.record({ tag: fc.constant('refused' as const), node, slow }) },
  { weight: 3, arbitrary: fc.record({ tag: fc.constant('round' as const), node, slow }) },
  { weight: 1, arbitrary: fc.record({ tag: fc.constant('consent' as const) }) },
)
const burst = fc.record({
  deeds: fc.array(deed, { minLength: 1, maxLength: 6 }),
  dies: fc.oneof({ weight: 5, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: node }),
  fails: fc.oneof({ weight: 4, arbitrary: fc.constant(false) }, { weight: 1, arbitrary: fc.constant(true) }),
  thenSeconds: fc.constantFrom(0, 5, 61, 91, 400, 1900, 3600),
})

const open: LentTokens[] = []
afterAll(async () => {
  for (const { store } of open) await store.close()
})

test('concurrent work on two nodes spends a refresh token once, and only a crash can lose a grant', () =>
  fc.assert(
    fc.asyncProperty(fc.array(burst, { minLength: 1, maxLength: 8 }), async (bursts) => {
      const { clock, turn } = createStoppedClock()
      const [file, sealer] = [newFile(), newSealer()]
      /** Refresh tokens the provider accepts, each once; access tokens it issued, and when they expire. */
      const good = new Set<string>()
      const lives = new Map<string, Date>()
      let [made, reused, crashes, calls] = [0, 0, 0, 0]
      let now: Burst = { deeds: [], dies: null, fails: false, thenSeconds: 0 }
      let died: (node: number) => void = () => {}

      const tokens = () => {
        const expiresAt = secondsAfter(clock(), 3600)
        const [accessToken, refreshToken] = [`at-${++made}`, `rt-${made}`]
        good.add(refreshToken)
        lives.set(accessToken, expiresAt)
        return { accessToken, refreshToken, expiresAt, refreshExpiresAt: null, scopes: ['openid'] }
      }
      const provider =
        (of: number) =>
        async (_: string, refreshToken: string): Promise<RefreshOutcome> => {
          calls++
          const turns = now.deeds.reduce(
            (most, one) => ('slow' in one && one.node === of ? Math.max(most, one.slow) : most),
            0,
          )
          for (let n = 0; n < turns; n++) await new Promise((resolve) => setImmediate(resolve))
          if (now.fails) return { tag: 'transient', reason: 'status_503' }
          if (!good.delete(refreshToken)) {
            reused++
            return { tag: 'needs_reauthorization', reason: 'invalid_grant' }
          }
          const brought = tokens()
          if (now.dies !== of) return { tag: 'refreshed', tokens: { ...brought, idToken: null } }
          crashes++
          died(of)
          return new Promise(() => {})
        }
      const newNode = async (of: number): Promise<LentTokens> => {
        const started = await lentTokens(
          { tag: 'sqlite', file },
          { clock, sealer, random: systemRandom, refresh: provider(of) },
        )
        open.push(started)
        return started
      }
      const nodes = [await newNode(0), await newNode(1)] as [LentTokens, LentTokens]
      const grant: TokenGrant = await nodes[0].lent(3600, tokens())
      const key = nodes[0].keyOf(grant)

      const check = (said: Awaited<ReturnType<LentTokens['renewal']['ensureValidToken']>>): void => {
        if (said.ok) {
          const until = lives.get(said.value.accessToken)
          expect(until?.getTime()).toBeGreaterThan(clock().getTime())
          expect(said.value.expiresAt).toEqual(until)
        } else expect(['needs_reauthorization', 'provider_unavailable']).toContain(said.error.code)
      }
      const perform = async (one: Deed): Promise<void> => {
        if (one.tag === 'consent') {
          await nodes[0].vault.keep({ ...grant, tokens: tokens() }, 'person', 'on_purpose')
          return
        }
        const { renewal, open: opened } = nodes[one.node]
        if (one.tag === 'round') return void (await renewal.renewDue())
        if (one.tag === 'ask') return check(await renewal.ensureValidToken(key, { minTtlSeconds: one.minTtlSeconds }))
        const { accessToken } = await opened(grant)
        check(await renewal.ensureValidToken(key, { refused: accessToken }))
      }

      for (const each of bursts) {
        now = each
        const callsBefore = calls
        const wasDead = (await nodes[0].open(grant)).status === 'needs_reauthorization'
        const ends = [0, 1].map((of) => {
          let end: () => void = () => {}
          return { of, gone: new Promise<void>((resolve) => (end = resolve)), end: () => end() }
        })
        died = (of) => ends[of]?.end()
        await Promise.all(
          each.deeds.map((one) => Promise.race([perform(one), ...('node' in one ? [ends[one.node]?.gone] : [])])),
        )
        // A node that died returns under another name; its leases last for a while.
        if (each.dies !== null && crashes > 0) nodes[each.dies] = await newNode(each.dies)
        if (wasDead && !each.deeds.some(({ tag }) => tag === 'consent')) expect(calls).toBe(callsBefore)
        // Only a crash leads to a request with a spent token, and then once.
        expect(reused).toBeLessThanOrEqual(crashes)
        turn(each.thenSeconds)
      }

      now = { deeds: [], dies: null, fails: false, thenSeconds: 0 }
      turn(400)
      const last = await nodes[1].renewal.ensureValidToken(key)
      check(last)
      if (crashes === 0) expect(last).toMatchObject({ ok: true })
      const dead = (await nodes[1].open(grant)).status === 'needs_reauthorization'
      expect(last.ok).toBe(!dead)
      expect(dead).toBe(!last.ok && last.error.code === 'needs_reauthorization')
      expect(nodes[0].heard('provider_token.needs_reauthorization').length).toBeLessThanOrEqual(reused)
      for (const { store } of open.splice(0)) await store.close()
    }),
    { numRuns: isThorough ? 40 : 15 },
  ))
