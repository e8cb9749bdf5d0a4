import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Guesses, GuessStore } from '../../src/credentials/ports.ts'
import { type Counter, createThrottle, nextGuess, undoGuess } from '../../src/credentials/throttle.ts'

const counters = ['account', 'device', 'network'] as const satisfies readonly Counter[]
const free: Record<Counter, number> = { account: 5, device: 5, network: 250 }
const start = new Date('2026-01-02T03:04:05.678Z')
const later = (seconds: number, from = start): Date => new Date(from.getTime() + seconds * 1000)

/** Guesses as fast as allowed for this long; returns when each was allowed, in seconds. */
function guessFor(counter: Counter, seconds: number): readonly number[] {
  const at: number[] = []
  let known: Guesses | undefined
  let now = start
  while (now < later(seconds)) {
    const next = nextGuess(counter, known, now)
    if (typeof next === 'number') {
      now = new Date(now.getTime() + next)
      continue
    }
    known = next
    at.push((now.getTime() - start.getTime()) / 1000)
  }
  return at
}

describe('rate limits on guessing', () => {
  test.each(counters)('%s: some guesses are free, and then each wait doubles', (counter) => {
    const at = guessFor(counter, 86_400)
    const waits = at.slice(1).map((moment, index) => moment - (at[index] ?? 0))
    expect(waits.slice(0, free[counter])).toEqual(Array.from({ length: free[counter] }, () => 0))
    expect(waits.slice(free[counter], free[counter] + 11)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900])
    expect(Math.max(...waits)).toBe(900)
  })
  test('allow about a hundred guesses a day at one account', () => {
    expect(guessFor('account', 86_400).length).toBeLessThanOrEqual(115)
  })

  const guesses = fc.record({
    failures: fc.integer({ min: 0, max: 1000 }),
    lastAt: fc.integer({ min: -100_000, max: 0 }).map((seconds) => later(seconds)),
    blockedUntil: fc.integer({ min: -100_000, max: 1000 }).map((seconds) => later(seconds)),
  })
  test('count nothing during a wait, however many attempts are made', () => {
    fc.assert(
      fc.property(fc.constantFrom(...counters), guesses, (counter, known) => {
        const next = nextGuess(counter, known, start)
        if (typeof next === 'number') expect(next).toBe(known.blockedUntil.getTime() - start.getTime())
        else expect(next.failures === known.failures + 1 || next.failures === 1).toBe(true)
      }),
    )
  })
  test('never wait longer than a quarter of an hour, and a clock error only extends a wait', () => {
    fc.assert(
      fc.property(fc.constantFrom(...counters), guesses, (counter, known) => {
        const next = nextGuess(counter, { ...known, blockedUntil: start }, start)
        if (typeof next === 'number') throw new Error('it was not blocked')
        const wait = next.blockedUntil.getTime() - start.getTime()
        expect(wait).toBeGreaterThanOrEqual(0)
        expect(wait).toBeLessThanOrEqual(900_000)
        const more = nextGuess(counter, { ...known, failures: known.failures + 1, blockedUntil: start }, start)
        expect(typeof more !== 'number' && more.blockedUntil >= next.blockedUntil).toBe(true)
      }),
    )
  })
  test('do not count a correct guess, which ends the wait it would have caused', () => {
    fc.assert(
      fc.property(fc.constantFrom(...counters), guesses, (counter, known) => {
        const before = { ...known, lastAt: start, blockedUntil: start }
        const next = nextGuess(counter, before, start)
        if (typeof next === 'number') throw new Error('it was not blocked')
        expect(undoGuess(next, next)).toEqual(before)
      }),
    )
  })
  test('keep the wait that another attempt caused in the meantime', () => {
    const mine = { failures: 5, lastAt: start, blockedUntil: start }
    const now = { failures: 7, lastAt: later(1), blockedUntil: later(3) }
    expect(undoGuess(now, mine)).toEqual({ failures: 6, lastAt: later(1), blockedUntil: later(3) })
  })
  test('forget old failures', () => {
    const known = { failures: 90, lastAt: start, blockedUntil: start }
    expect(nextGuess('account', known, later(86_400))).toMatchObject({ failures: 91 })
    expect(nextGuess('account', known, later(86_401))).toMatchObject({ failures: 1 })
  })
})

/** The contract of the databases, in memory: see `test/store/guesses.contract.ts`. */
function inMemory(): GuessStore & { rows: Map<string, Guesses> } {
  const rows = new Map<string, Guesses>()
  return {
    rows,
    async take(keys, rule) {
      const ruled = keys.map(({ key, counter }) => [key, rule(counter, rows.get(key))] as const)
      const waits = ruled.flatMap(([, next]) => (typeof next === 'number' ? [next] : []))
      if (waits.length > 0) return Math.max(...waits)
      for (const [key, next] of ruled) if (typeof next !== 'number') rows.set(key, next)
      return null
    },
    async change(keys, rule) {
      for (const { key, counter } of keys) {
        const known = rows.get(key)
        if (known) rows.set(key, rule(counter, known))
      }
    },
    async erase(key) {
      rows.delete(key)
    },
  }
}
function opened() {
  let now = start
  const guesses = inMemory()
  const throttle = createThrottle({ guesses, clock: () => now, networkOf: (ip) => ip })
  const guess = async (given: Partial<Parameters<typeof throttle.take>[0]> = {}) =>
    throttle.take({ subject: 'usr_ada', ip: '203.0.113.7', trustedDevice: null, ...given })
  const wrong = async (times: number, given = {}): Promise<boolean[]> => {
    const passed: boolean[] = []
    for (let at = 0; at < times; at++) passed.push((await guess(given)).ok)
    return passed
  }
  return { throttle, guesses, guess, wrong, turn: (seconds: number) => (now = later(seconds, now)) }
}

describe('attempts at one account', () => {
  test('are allowed five times, then refused with the time to wait', async () => {
    const { guess, wrong } = opened()
    expect(await wrong(8)).toEqual([true, true, true, true, true, true, false, false])
    expect(await guess()).toMatchObject({
      ok: false,
      error: { code: 'too_many_attempts', params: { seconds: '1' }, retryAfter: 1 },
    })
  })
  test('from every network count together', async () => {
    const { wrong } = opened()
    for (let at = 0; at < 6; at++) expect(await wrong(1, { ip: `203.0.113.${at}` })).toEqual([true])
    expect(await wrong(1, { ip: '198.51.100.1' })).toEqual([false])
  })
  test('succeed for the owner on a trusted device, whatever others do', async () => {
    const { wrong, guess, throttle } = opened()
    await wrong(20)
    const mine = { trustedDevice: 'dev_mine' }
    const attempt = await guess(mine)
    expect(attempt.ok).toBe(true)
    if (attempt.ok) await attempt.value.right()
    await throttle.completed({ subject: 'usr_ada', ...mine })
    expect((await guess()).ok).toBe(false)
  })
  test('on a trusted device are limited like elsewhere', async () => {
    const { wrong } = opened()
    expect(await wrong(7, { trustedDevice: 'dev_mine' })).toEqual([...Array(6).fill(true), false])
  })
  test('start again from zero after a completed sign-in, only at the account’s counter', async () => {
    const { wrong, throttle, guesses } = opened()
    await wrong(4)
    await throttle.completed({ subject: 'usr_ada', trustedDevice: null })
    expect(guesses.rows.get('network:203.0.113.7')?.failures).toBe(4)
    expect(await wrong(6)).toEqual(Array(6).fill(true))
  })
  test('that pass the first factor neither count nor reset earlier failures', async () => {
    const { wrong, guess, guesses, turn } = opened()
    await wrong(9)
    turn(900)
    const attempt = await guess()
    expect(attempt.ok).toBe(true)
    const before = guesses.rows.get('account:usr_ada')?.failures ?? 0
    if (attempt.ok) await attempt.value.right()
    expect(guesses.rows.get('account:usr_ada')?.failures).toBe(before - 1)
    // The second factor follows at once.
    expect((await guess()).ok).toBe(true)
    expect((await guess()).ok).toBe(false)
  })
})

test('a network that guesses at many accounts is slowed down, even after a success of its own', async () => {
  const { wrong, throttle } = opened()
  for (let at = 0; at < 251; at++) expect(await wrong(1, { subject: `usr_${at}` })).toEqual([true])
  await throttle.completed({ subject: 'usr_0', trustedDevice: null })
  expect(await wrong(1, { subject: 'usr_0' })).toEqual([false])
  expect(await wrong(1, { subject: 'usr_0', ip: '198.51.100.1' })).toEqual([true])
})
