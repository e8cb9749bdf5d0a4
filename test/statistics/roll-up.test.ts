import { expect, test } from 'vitest'
import { BusyError } from '../../src/kernel/busy.ts'
import { type CountedEntry, type HourlyCount, measures, type StatisticsStore } from '../../src/statistics/ports.ts'
import { createRollUp, hourOf, keptHours } from '../../src/statistics/roll-up.ts'

const now = new Date('2030-01-01T12:34:56Z')
type Given = { readonly event: string; readonly at: Date; readonly data: Readonly<Record<string, unknown>> }

/** A store in memory, and a clock to turn. */
function world(given: readonly Given[] = []) {
  const entries: CountedEntry[] = given.map((entry, n) => ({ ...entry, id: `aud_${n}`, ordinal: n }))
  const hours = new Map<number, readonly Omit<HourlyCount, 'hour'>[]>()
  const replaced: Date[] = []
  const time = { now }
  const statistics: StatisticsStore = {
    entries: async (event, { from, until }, { after, limit }) =>
      entries
        .filter((one) => one.event === event && one.at >= from && one.at < until)
        .filter((one) => after === null || one.ordinal > after.ordinal)
        .slice(0, limit),
    totals: async () => ({ accounts: 10, devices: 20, needsConsent: 1 }),
    replace: async (hour, counts, measured = measures) => {
      replaced.push(hour)
      const others = (hours.get(hour.getTime()) ?? []).filter(({ measure }) => !measured.includes(measure))
      hours.set(hour.getTime(), [...others, ...counts])
    },
    latestHour: async () => (hours.size === 0 ? undefined : new Date(Math.max(...hours.keys()))),
    since: async () => [],
  }
  const rollUp = createRollUp({ statistics, clock: () => time.now })
  const countOf = (hour: Date, measure: string, label = ''): number | undefined =>
    hours.get(hour.getTime())?.find((one) => one.measure === measure && one.label === label)?.count
  return { rollUp, replaced, time, countOf, entries, statistics }
}
const signIn = (at: Date, provider: string): Given => ({ event: 'authentication.succeeded', at, data: { provider } })
const minutesAgo = (minutes: number): Date => new Date(now.getTime() - minutes * 60_000)

test('the first run counts fourteen days, and a later one only the last two hours', async () => {
  const daily = Array.from({ length: 20 }, (_, days) => signIn(minutesAgo(days * 24 * 60), 'google'))
  const { rollUp, replaced, time } = world(daily)
  await rollUp.work()
  // An hour without entries is not written, except for the present one.
  expect(replaced).toHaveLength(keptHours / 24 + 1)
  replaced.length = 0
  time.now = new Date(now.getTime() + 600_000)
  await rollUp.work()
  expect(replaced).toEqual([new Date('2030-01-01T11:00:00Z'), hourOf(now)])
})

test('a run ends after the day in progress when the node stops, and the next one continues', async () => {
  const stopping = new AbortController()
  const daily = Array.from({ length: 14 }, (_, days) => signIn(minutesAgo(days * 24 * 60), 'google'))
  const { rollUp, replaced, statistics } = world(daily)
  const { replace } = statistics
  statistics.replace = async (...given) => {
    stopping.abort()
    await replace(...given)
  }
  await rollUp.work(stopping.signal)
  expect(replaced).toHaveLength(1)
  await rollUp.work()
  expect(replaced.at(-1)).toEqual(hourOf(now))
})

test('a run that took long is followed by a pause of 200 times as long, at most ten minutes', async () => {
  const { rollUp, replaced, time, statistics } = world()
  await rollUp.work()
  const { totals } = statistics
  statistics.totals = async (at) => {
    time.now = new Date(time.now.getTime() + 1000)
    return totals(at)
  }
  await rollUp.work()
  replaced.length = 0
  time.now = new Date(time.now.getTime() + 199_999)
  await rollUp.work()
  expect(replaced).toEqual([])
  time.now = new Date(time.now.getTime() + 1)
  await rollUp.work()
  expect(replaced).toHaveLength(2)
  statistics.totals = async (at) => {
    time.now = new Date(time.now.getTime() + 60_000)
    return totals(at)
  }
  time.now = new Date(time.now.getTime() + 600_000)
  await rollUp.work()
  replaced.length = 0
  time.now = new Date(time.now.getTime() + 600_000)
  await rollUp.work()
  expect(replaced).toHaveLength(2)
})

test('if the totals cannot be counted now, entries are counted, known totals stay, and a pause follows', async () => {
  const { rollUp, replaced, time, countOf, entries, statistics } = world()
  await rollUp.work()
  const { totals } = statistics
  const next = (): Date => new Date(time.now.getTime() + 600_000)
  time.now = next()
  entries.push({ ...signIn(minutesAgo(1), 'github'), id: 'aud_1', ordinal: 1 })
  statistics.totals = async () => {
    time.now = new Date(time.now.getTime() + 5000)
    throw new BusyError('the database', 1)
  }
  await rollUp.work()
  expect(countOf(hourOf(now), 'signIns', 'github')).toBe(1)
  expect(countOf(hourOf(now), 'accounts')).toBe(10)
  replaced.length = 0
  time.now = new Date(time.now.getTime() + 599_999)
  await rollUp.work()
  expect(replaced).toEqual([])
  // In the next hour, they are still the latest that are known.
  time.now = new Date(now.getTime() + 3_600_000)
  await rollUp.work()
  expect(replaced).not.toEqual([])
  expect(countOf(hourOf(now), 'accounts')).toBe(10)
  expect(countOf(hourOf(time.now), 'accounts')).toBeUndefined()
  time.now = next()
  statistics.totals = totals
  await rollUp.work()
  expect(countOf(hourOf(time.now), 'accounts')).toBe(10)
})

test('a run that fails otherwise reports its error, and a pause follows', async () => {
  const { rollUp, replaced, time, statistics } = world()
  const { totals } = statistics
  statistics.totals = async () => {
    time.now = new Date(time.now.getTime() + 1000)
    throw new Error('a defect')
  }
  await expect(rollUp.work()).rejects.toThrow('a defect')
  statistics.totals = totals
  time.now = new Date(time.now.getTime() + 199_999)
  await rollUp.work()
  expect(replaced).toEqual([])
  time.now = new Date(time.now.getTime() + 1)
  await rollUp.work()
  expect(replaced).toEqual([hourOf(time.now)])
})

test('the signal that ends a run early ends the count of the totals, too', async () => {
  const { rollUp, statistics } = world()
  const given: unknown[] = []
  statistics.totals = async (_, stopping) => {
    given.push(stopping)
    return undefined
  }
  const { signal } = new AbortController()
  await rollUp.work(signal)
  expect(given).toEqual([signal])
})

test('the first run asks once a day for each event, and a later one once', async () => {
  const { rollUp, statistics, time } = world()
  const { entries } = statistics
  const asked: string[] = []
  statistics.entries = (event, time, page) => {
    asked.push(event)
    return entries(event, time, page)
  }
  await rollUp.work()
  const events = ['authentication.succeeded', 'authentication.failed', 'account.created']
  expect(asked).toEqual(Array.from({ length: keptHours / 24 + 1 }, () => events).flat())
  asked.length = 0
  time.now = new Date(now.getTime() + 600_000)
  await rollUp.work()
  expect(asked).toEqual(events)
})

test('a run that was interrupted goes on after the last stored hour', async () => {
  const daily = Array.from({ length: 10 }, (_, days) => signIn(minutesAgo((9 - days) * 24 * 60), 'google'))
  const { rollUp, replaced, statistics } = world(daily)
  const { replace } = statistics
  statistics.replace = async (...given) => {
    if (replaced.length === 4) throw new Error('the database is gone')
    await replace(...given)
  }
  await expect(rollUp.work()).rejects.toThrow('gone')
  statistics.replace = replace
  await rollUp.work()
  // Each of the ten days once, and the last hour that was stored, and the one before it, again.
  expect(new Set(replaced.map(String)).size).toBe(11)
  expect(replaced.length).toBeLessThanOrEqual(12)
})

test('a pause of hours is counted afterwards', async () => {
  const hourly = Array.from({ length: 5 }, (_, hours) => signIn(minutesAgo(-60 * (hours + 1)), 'google'))
  const { rollUp, replaced, time } = world(hourly)
  await rollUp.work()
  replaced.length = 0
  time.now = new Date(now.getTime() + 5 * 3_600_000)
  await rollUp.work()
  expect(replaced).toHaveLength(7)
})

test('an entry that was committed after the run is counted by the next one', async () => {
  const { rollUp, entries, countOf } = world([signIn(minutesAgo(40), 'github')])
  await rollUp.work()
  const hour = hourOf(minutesAgo(40))
  expect(countOf(hour, 'signIns', 'github')).toBe(1)
  entries.push({ ...signIn(minutesAgo(39), 'github'), id: 'aud_late', ordinal: 99 })
  await rollUp.work()
  expect(countOf(hour, 'signIns', 'github')).toBe(2)
})

test('an entry that stands for many attempts counts as many', async () => {
  const data = { code: 'too_many_attempts', attempts: 40 }
  const { rollUp, countOf } = world([{ event: 'authentication.failed', at: minutesAgo(1), data }])
  await rollUp.work()
  expect(countOf(hourOf(now), 'refused', 'too_many_attempts')).toBe(40)
})

test('an hour with more entries than one page is counted whole', async () => {
  const { rollUp, countOf } = world(Array.from({ length: 2500 }, () => signIn(minutesAgo(1), 'password')))
  await rollUp.work()
  expect(countOf(hourOf(now), 'signIns', 'password')).toBe(2500)
})

test('the labels of a measure are bounded: further ones are counted together', async () => {
  const { rollUp, countOf } = world(Array.from({ length: 60 }, (_, n) => signIn(minutesAgo(1), `p${n}`)))
  await rollUp.work()
  expect(countOf(hourOf(now), 'signIns', 'p39')).toBe(1)
  expect(countOf(hourOf(now), 'signIns', 'other')).toBe(20)
})

test('totals belong to the present hour only', async () => {
  const { rollUp, countOf } = world()
  await rollUp.work()
  expect(countOf(hourOf(now), 'accounts')).toBe(10)
  expect(countOf(new Date('2030-01-01T11:00:00Z'), 'accounts')).toBeUndefined()
})
