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

describe('the rotation decision', () => {
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
    ['the current token', 5, {}, 0, 'rotate'],
    ['the current token, much later', 5, {}, 9999, 'rotate'],
    ['the current token, already used', 5, used, 500, 'rotate'],
    ['the previous token at once', 4, used, 0, 'replay'],
    ['the previous token within ten seconds', 4, used, 10, 'replay'],
    ['the previous token just after, the new one used', 4, used, 10.001, 'reuse'],
    ['the previous token just after, the new one never used', 4, {}, 10.001, 'replay'],
    ['the previous token within the hour, the new one never used', 4, {}, 3600, 'replay'],
    ['the previous token after the hour', 4, {}, 3600.001, 'reuse'],
    ['the previous token on a node whose clock is behind', 4, used, -3, 'replay'],
    ['the token before the previous one, at once', 3, {}, 0, 'reuse'],
    ['the first token', 1, {}, 0, 'reuse'],
    ['a token that was never issued', 6, {}, 0, 'reuse'],
    ['the current token of an idle session', 5, {}, 10_000, 'session_expired'],
    ['an old token of an idle session', 3, {}, 10_000, 'session_expired'],
    [
      'the current token at the absolute end',
      5,
      { idleExpiresAt: secondsAfter(rotatedAt, 30_000) },
      20_000,
      'session_expired',
    ],
    ['the current token of an ended session', 5, ended, 0, 'session_revoked'],
    ['an old token of an ended session', 2, ended, 0, 'session_revoked'],
    ['the current token of a session ended and expired', 5, ended, 30_000, 'session_revoked'],
  ])('is correct for %s', (_, presented, given, seconds, outcome) => {
    const decision = decideRotation(presented, { ...session, ...given }, secondsAfter(rotatedAt, seconds), windows)
    expect(decision.tag === 'refuse' ? decision.code : decision.tag).toBe(outcome)
  })
})

/**
 * Rules 1 to 4 as a random walk against the real flow on a real store: several holders of one session's tokens (the
 * user's own tabs, and an attacker), lost responses, used access tokens, and a clock that steps around every limit. The
 * model contains only the rules of the contract; it shares no code with the flow.
 */
describe('token rotation', () => {
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
    /** Presents the `age`-newest refresh token ever issued; the response may be `lost` before it is read. */
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

  /** The contract's state of one session. */
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

  test('keeps the rules in every interleaving, for any number of holders', async () => {
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
        /** Newest last. Each pair a client read; nobody holds a lost one. */
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
          // Never a branch: every response contains the one live generation, in both tokens.
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
            // They were served in some order; their results show which.
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
          // Only a rotation moves the windows, never a replay.
          expect(row?.rotatedAt.getTime()).toBe(model.rotatedAt)
          expect(row?.absoluteExpiresAt.getTime()).toBe(model.end)
          expect(row?.endedAt !== null).toBe(model.over !== null)
        }
        // Whatever happened to this session, the other one never changed.
        expect(await at.store.sessions.find(other.session.id)).toMatchObject(other.session)
      }),
      { numRuns: 400 },
    )
    // The walk counts only if it reached every outcome.
    expect([...reached].sort()).toEqual([
      'replayed',
      'rotated',
      'session_expired',
      'session_revoked',
      'token_expired',
      'token_reused',
    ])
  })

  test('ends that session alone with token_reused when an attacker and the user both refresh, in any order', async () => {
    const holder = fc.constantFrom<'thief' | 'person'>('thief', 'person')
    await fc.assert(
      fc.asyncProperty(fc.array(holder, { minLength: 4, maxLength: 12 }), async (turns) => {
        fc.pre(new Set(turns).size === 2)
        const device = await at.newDevice(accountId)
        const other = await at.newDevice(accountId)
        const hands = { thief: device.pair, person: device.pair }
        const outcomes: string[] = []
        // Each holder uses its access token, as clients do, and returns after a minute.
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

  test('records a token reuse once, with the session it ended', async () => {
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

  test('does not extend a session beyond its absolute end, even with a refresh every minute', async () => {
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

  test('ends a session unused for its idle lifetime, and keeps one used just before', async () => {
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

  test('is refused for a disabled account, whose session does not change', async () => {
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

  test('names no user for the token of a deleted account', async () => {
    const gone = await at.newAccount()
    const { pair } = await at.newDevice(gone)
    await at.store.accounts.remove(gone, clock(), [])
    expect(await at.refresh.byToken(pair.refresh_token, from)).toMatchObject({
      ok: false,
      error: { code: 'user_not_found' },
    })
  })

  test('recognizes a browser by its cookie, so its tabs never cause a token reuse', async () => {
    const { cookie, session } = await at.newDevice(accountId, true)
    const seen = await at.devices.byCookie(cookie)
    if (!seen.ok) throw new Error('the cookie was to be known')
    const [early, ...tabs] = await Promise.all([1, 2, 3, 4].map(() => at.refresh.bySession(seen.value.session, from)))
    expect([early, ...tabs].every((answer) => answer?.ok)).toBe(true)
    // This tab was authenticated by its cookie before the others rotated twice more.
    for (let n = 0; n < 2; n++) {
      const row = await at.store.sessions.find(session.id)
      if (row) await at.refresh.bySession(row, from)
    }
    const late = await at.refresh.bySession(seen.value.session, from)
    expect(late.ok && generationOf(late.value.refresh_token)).toBe(4)
    expect(await at.store.sessions.find(session.id)).toMatchObject({ generation: 4, endedAt: null })
  })
})

describe.each(databases)('concurrent refreshes on $name', ({ place }) => {
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

  test('with one token within the window get the same generation: one rotation, one pair', async () => {
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

  test('with an old token end the session once, and all of them are refused', async () => {
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
