import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { secondsAfter } from '../../src/kernel/clock.ts'
import { decideRotation } from '../../src/sessions/rotation.ts'
import type { TokenPair } from '../../src/sessions/tokens.ts'
import { databases } from '../support/databases.ts'
import { type DeviceSessions, deviceSessions, windows } from '../support/device-sessions.ts'
import { from } from '../support/people.ts'
import { newSealer } from '../support/sealers.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

describe('the decision', () => {
  const rotatedAt = new Date('2026-03-01T12:00:00Z')
  const session = {
    generation: 5,
    rotatedAt,
    usedGeneration: 4,
    idleExpiresAt: secondsAfter(rotatedAt, 10_000),
    absoluteExpiresAt: secondsAfter(rotatedAt, 20_000),
    endedAt: null,
  }
  const used = { usedGeneration: 5 }
  const ended = { endedAt: rotatedAt }

  test.each<[string, number, Partial<typeof session> | typeof ended, number, string]>([
    ['the current one', 5, {}, 0, 'rotate'],
    ['the current one, much later', 5, {}, 9999, 'rotate'],
    ['the current one, already used', 5, used, 500, 'rotate'],
    ['the previous one at once', 4, used, 0, 'replay'],
    ['the previous one within ten seconds', 4, used, 10, 'replay'],
    ['the previous one just after, the new one used', 4, used, 10.001, 'reuse'],
    ['the previous one just after, the new one never used', 4, {}, 10.001, 'replay'],
    ['the previous one within the hour, the new one never used', 4, {}, 3600, 'replay'],
    ['the previous one after the hour', 4, {}, 3600.001, 'reuse'],
    ['the previous one on a node whose clock is behind', 4, used, -3, 'replay'],
    ['the one before, at once', 3, {}, 0, 'reuse'],
    ['the first one', 1, {}, 0, 'reuse'],
    ['one that was never made', 6, {}, 0, 'reuse'],
    ['the current one of a session not used for too long', 5, {}, 10_000, 'session_expired'],
    ['an old one of a session not used for too long', 3, {}, 10_000, 'session_expired'],
    [
      'the current one at the absolute end',
      5,
      { idleExpiresAt: secondsAfter(rotatedAt, 30_000) },
      20_000,
      'session_expired',
    ],
    ['the current one of an ended session', 5, ended, 0, 'session_revoked'],
    ['an old one of an ended session', 2, ended, 0, 'session_revoked'],
    ['the current one of a session ended and expired', 5, ended, 30_000, 'session_revoked'],
  ])('on %s', (_, presented, given, seconds, outcome) => {
    const decision = decideRotation(presented, { ...session, ...given }, secondsAfter(rotatedAt, seconds), windows)
    expect(decision.tag === 'refuse' ? decision.code : decision.tag).toBe(outcome)
  })
})

/**
 * The whole of rules 1 to 4, walked at random against the real flow on a real store: several holders of the same device's tokens (the person's
 * own tabs, and a thief), answers that get lost, access tokens used, and the clock stepping around every edge. The model
 * knows only the contract's sentences; it shares no code with the flow.
 */
describe('every interleaving keeps the rules', () => {
  const idle = 5000
  const absolute = 12_000
  const { clock, turn } = createStoppedClock()
  let at: DeviceSessions
  let accountId: string
  beforeAll(async () => {
    at = await deviceSessions(
      { tag: 'sqlite', file: ':memory:' },
      { clock, refreshTtlSeconds: idle, refreshAbsoluteTtlSeconds: absolute },
    )
    accountId = await at.newAccount()
  })
  afterAll(() => at.store.close())

  const generationOf = (token: string): number =>
    Number(String(JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti).split('.')[0])

  type Step =
    /** Presents the `age`-newest refresh token ever handed out; the answer may be `lost` before it is read. */
    | { readonly do: 'refresh'; readonly age: number; readonly lost: boolean }
    | { readonly do: 'use'; readonly age: number }
    | { readonly do: 'turn'; readonly seconds: number }
    | { readonly do: 'refresh at once'; readonly ages: readonly number[] }
  const age = fc.constantFrom(0, 0, 0, 1, 1, 2, 3)
  const step: fc.Arbitrary<Step> = fc.oneof(
    { weight: 5, arbitrary: fc.record({ do: fc.constant('refresh' as const), age, lost: fc.boolean() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('use' as const), age }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant('turn' as const),
        seconds: fc.constantFrom(0.5, 1, 9.999, 10, 10.001, 3599, 3600, 3600.001, idle - 1, idle, 1800, 7000),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({
        do: fc.constant('refresh at once' as const),
        ages: fc.array(age, { minLength: 2, maxLength: 4 }),
      }),
    },
  )

  /** What the contract says of one device. */
  type Model = {
    generation: number
    rotatedAt: number
    used: number
    idleEnd: number
    end: number
    over: string | null
  }
  const expectedOf = (model: Model, presented: number, expiry: number, now: number): string => {
    if (now >= expiry) return now >= model.end ? 'session_expired' : 'token_expired'
    if (model.over) return model.over
    if (now >= model.idleEnd || now >= model.end) return 'session_expired'
    if (presented === model.generation) return 'rotated'
    const since = now - model.rotatedAt
    const lost = model.used < model.generation
    if (presented === model.generation - 1 && (since <= 10_000 || (since <= 3_600_000 && lost))) return 'replayed'
    return 'token_reused'
  }

  test('for any number of holders', { timeout: 60_000 }, async () => {
    const reached = new Set<string>()
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
        const device = await at.newDevice(accountId)
        const other = await at.newDevice(accountId)
        const start = clock().getTime()
        const model: Model = {
          generation: 1,
          rotatedAt: start,
          used: 0,
          idleEnd: start + idle * 1000,
          end: start + absolute * 1000,
          over: null,
        }
        /** Newest last. Each pair a client read; an answer that was lost is in nobody's hands. */
        const held: TokenPair[] = [device.pair]
        const pick = (age: number): TokenPair => held[Math.max(0, held.length - 1 - age)] as TokenPair
        const expiryOf = (token: string): number =>
          JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).exp * 1000

        const refresh = async (pair: TokenPair): Promise<TokenPair | undefined> => {
          const presented = generationOf(pair.refresh_token)
          const now = clock().getTime()
          const expected = expectedOf(model, presented, expiryOf(pair.refresh_token), now)
          const answer = await at.refresh.byToken(pair.refresh_token, from)
          const outcome = answer.ok
            ? generationOf(answer.value.refresh_token) === presented + 1 && presented === model.generation
              ? 'rotated'
              : 'replayed'
            : answer.error.code
          reached.add(outcome)
          expect(outcome).toBe(expected)
          if (outcome === 'rotated')
            Object.assign(model, {
              generation: presented + 1,
              rotatedAt: now,
              used: presented,
              idleEnd: now + idle * 1000,
            })
          if (outcome === 'token_reused') model.over = 'session_revoked'
          // Never a branch: whatever is answered is the one live generation, for both tokens.
          if (answer.ok) {
            expect(generationOf(answer.value.refresh_token)).toBe(model.generation)
            expect(generationOf(answer.value.access_token)).toBe(model.generation)
            return answer.value
          }
          return undefined
        }

        for (const step of steps) {
          if (step.do === 'turn') turn(step.seconds)
          else if (step.do === 'refresh') {
            const pair = await refresh(pick(step.age))
            if (pair && !step.lost) held.push(pair)
          } else if (step.do === 'use') {
            const { access_token: token } = pick(step.age)
            const answer = await at.devices.byAccessToken(token)
            if (answer.ok) model.used = Math.max(model.used, generationOf(token))
            expect(answer.ok).toBe(
              clock().getTime() < expiryOf(token) &&
                !model.over &&
                clock().getTime() < Math.min(model.idleEnd, model.end),
            )
          } else {
            const pairs = step.ages.map(pick)
            const answers = await Promise.all(pairs.map(({ refresh_token }) => at.refresh.byToken(refresh_token, from)))
            // In some order they were served one after the other; what counts is what they got.
            const generations = new Set(
              answers.flatMap((answer) => (answer.ok ? [generationOf(answer.value.refresh_token)] : [])),
            )
            const [now, row] = [clock(), await at.store.sessions.find(device.session.id)]
            if (!row) throw new Error('the session went away')
            expect(
              [...generations].filter((generation) => generation > row.generation || generation < model.generation),
            ).toEqual([])
            if (row.generation > model.generation)
              Object.assign(model, { rotatedAt: now.getTime(), idleEnd: now.getTime() + idle * 1000 })
            expect(row.generation - model.generation).toBeLessThanOrEqual(
              new Set(pairs.map(({ refresh_token }) => refresh_token)).size,
            )
            model.generation = row.generation
            model.used = row.usedGeneration
            if (row.endedAt) model.over = 'session_revoked'
            for (const answer of answers)
              if (answer.ok && generationOf(answer.value.refresh_token) === row.generation) held.push(answer.value)
          }
          const row = await at.store.sessions.find(device.session.id)
          expect(row).toMatchObject({ generation: model.generation, usedGeneration: model.used })
          // A replay never moves the windows, a rotation alone does.
          expect(row?.rotatedAt.getTime()).toBe(model.rotatedAt)
          expect(row?.absoluteExpiresAt.getTime()).toBe(model.end)
          expect(row?.endedAt !== null).toBe(model.over !== null)
        }
        // Whatever became of this device, the other one was never touched.
        expect(await at.store.sessions.find(other.session.id)).toMatchObject(other.session)
      }),
      { numRuns: 400 },
    )
    // The walk was worth it only if it came by every outcome.
    expect([...reached].sort()).toEqual([
      'replayed',
      'rotated',
      'session_expired',
      'session_revoked',
      'token_expired',
      'token_reused',
    ])
  })

  test('a thief and the person both go on refreshing: whoever is first, it ends in token_reused for the device, and only for it', async () => {
    const holder = fc.constantFrom<'thief' | 'person'>('thief', 'person')
    await fc.assert(
      fc.asyncProperty(fc.array(holder, { minLength: 4, maxLength: 12 }), async (turns) => {
        fc.pre(new Set(turns).size === 2)
        const device = await at.newDevice(accountId)
        const other = await at.newDevice(accountId)
        const hands = { thief: device.pair, person: device.pair }
        const outcomes: string[] = []
        // Each uses the access token they got, as clients do, and comes back after a minute.
        for (const who of [...turns, 'thief', 'person', 'thief', 'person'] as const) {
          const answer = await at.refresh.byToken(hands[who].refresh_token, from)
          outcomes.push(answer.ok ? 'ok' : answer.error.code)
          if (answer.ok) {
            hands[who] = answer.value
            await at.devices.byAccessToken(answer.value.access_token)
          }
          turn(60)
        }
        expect(outcomes.filter((outcome) => outcome === 'token_reused')).toHaveLength(1)
        expect(outcomes.slice(outcomes.indexOf('token_reused') + 1)).not.toContain('ok')
        expect(await at.store.sessions.find(device.session.id)).toMatchObject({ endReason: 'token_reused' })
        expect((await at.refresh.byToken(other.pair.refresh_token, from)).ok).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('a reuse is written down once, with the device it ended', async () => {
    const device = await at.newDevice(accountId)
    const next = await at.refresh.byToken(device.pair.refresh_token, from)
    if (!next.ok) throw new Error('the first refresh was to succeed')
    await at.refresh.byToken(next.value.refresh_token, from)
    at.told.length = 0
    await Promise.all([1, 2, 3].map(() => at.refresh.byToken(device.pair.refresh_token, from)))
    expect(at.heard('session.token_reused')).toMatchObject([
      { accountId, origin: from, data: { session: device.session.id } },
    ])
    expect(at.heard('session.refreshed').map(({ data }) => data.result)).toEqual(['reused', 'refused', 'refused'])
  })

  test('refreshing every minute does not outlive the absolute end', async () => {
    const device = await at.newDevice(accountId)
    let pair = device.pair
    for (let minute = 1; ; minute++) {
      turn(60)
      const answer = await at.refresh.byToken(pair.refresh_token, from)
      if (!answer.ok) {
        expect(answer.error.code).toBe('session_expired')
        expect(minute * 60).toBe(absolute)
        return
      }
      expect(answer.value.refresh_expires_in).toBeLessThanOrEqual(absolute - minute * 60)
      pair = answer.value
    }
  })

  test('a session not used for its idle life is over, one used just before is not', async () => {
    const [unused, used] = [await at.newDevice(accountId), await at.newDevice(accountId)]
    turn(idle - 1)
    expect((await at.refresh.byToken(used.pair.refresh_token, from)).ok).toBe(true)
    turn(1)
    expect(await at.refresh.byToken(unused.pair.refresh_token, from)).toMatchObject({
      error: { code: 'token_expired' },
    })
    expect(await at.store.sessions.list(accountId, clock())).toContainEqual(
      expect.objectContaining({ id: used.session.id }),
    )
  })

  test('a disabled account gets no new pair, and its session does not move', async () => {
    const disabled = await at.newAccount()
    const { pair, session } = await at.newDevice(disabled)
    await at.store.users.disable(disabled, clock(), [], (id) => ({
      name: 'session.ended',
      accountId: disabled,
      origin: from,
      data: { session: id, reason: 'account_disabled' },
    }))
    expect(await at.refresh.byToken(pair.refresh_token, from)).toMatchObject({
      ok: false,
      error: { code: 'user_disabled' },
    })
    expect(await at.devices.byAccessToken(pair.access_token)).toMatchObject({
      ok: false,
      error: { code: 'user_disabled' },
    })
    expect(await at.store.sessions.find(session.id)).toMatchObject({ generation: 1, usedGeneration: 0 })
  })

  test('the token of somebody who is gone names nobody', async () => {
    const gone = await at.newAccount()
    const { pair } = await at.newDevice(gone)
    await at.store.accounts.remove(gone, clock(), [])
    expect(await at.refresh.byToken(pair.refresh_token, from)).toMatchObject({
      ok: false,
      error: { code: 'user_not_found' },
    })
  })

  test('a browser is known by its cookie, so its tabs never look like a thief', async () => {
    const { cookie, session } = await at.newDevice(accountId, true)
    const seen = await at.devices.byCookie(cookie)
    if (!seen.ok) throw new Error('the cookie was to be known')
    const [early, ...tabs] = await Promise.all([1, 2, 3, 4].map(() => at.refresh.bySession(seen.value.session, from)))
    expect([early, ...tabs].every((answer) => answer?.ok)).toBe(true)
    // This tab was known by its cookie before the others rotated twice more.
    for (let n = 0; n < 2; n++) {
      const row = await at.store.sessions.find(session.id)
      if (row) await at.refresh.bySession(row, from)
    }
    const late = await at.refresh.bySession(seen.value.session, from)
    expect(late.ok && generationOf(late.value.refresh_token)).toBe(4)
    expect(await at.store.sessions.find(session.id)).toMatchObject({ generation: 4, endedAt: null })
  })
})

describe.each(databases)('many at once on $name', ({ place }) => {
  const { clock, turn } = createStoppedClock()
  let nodes: readonly [DeviceSessions, DeviceSessions]
  beforeAll(async () => {
    const [config, sealer] = [await place(), newSealer()]
    nodes = [await deviceSessions(config, { clock, sealer }), await deviceSessions(config, { clock, sealer })]
  })
  afterAll(async () => {
    for (const node of nodes) await node.store.close()
  })
  beforeEach(() => {
    for (const { told } of nodes) told.length = 0
  })

  test('with one token inside the window all get the same generation: one rotation, one pair', async () => {
    const { pair, session } = await nodes[0].newDevice(await nodes[0].newAccount())
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) =>
        (n % 2 === 0 ? nodes[0] : nodes[1]).refresh.byToken(pair.refresh_token, from),
      ),
    )
    const refreshed = new Set(answers.map((answer) => (answer.ok ? answer.value.refresh_token : answer.error.code)))
    expect([...refreshed]).toEqual([expect.stringMatching(/^ey/)])
    expect(await nodes[1].store.sessions.find(session.id)).toMatchObject({ generation: 2, endedAt: null })
    const results = nodes.flatMap(({ heard }) => heard('session.refreshed')).map(({ data }) => data.result)
    expect(results.filter((result) => result === 'rotated')).toHaveLength(1)
    expect(results.filter((result) => result === 'replayed')).toHaveLength(39)
  })

  test('with an old token they end the device once, and every one of them is refused', async () => {
    const accountId = await nodes[0].newAccount()
    const { pair, session } = await nodes[0].newDevice(accountId)
    const next = await nodes[1].refresh.byToken(pair.refresh_token, from)
    if (!next.ok) throw new Error('the first refresh was to succeed')
    await nodes[0].devices.byAccessToken(next.value.access_token)
    turn(11)
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        (n % 2 === 0 ? nodes[0] : nodes[1]).refresh.byToken(pair.refresh_token, from),
      ),
    )
    expect(answers.every(({ ok }) => !ok)).toBe(true)
    expect(nodes.flatMap(({ heard }) => heard('session.token_reused'))).toHaveLength(1)
    expect(await nodes[0].store.sessions.find(session.id)).toMatchObject({ endReason: 'token_reused' })
    expect(await nodes[1].refresh.byToken(next.value.refresh_token, from)).toMatchObject({
      error: { code: 'session_revoked' },
    })
  })
})
