import { expect, test } from 'vitest'
import { overviewOf, shownDays } from '../../src/statistics/overview.ts'
import type { HourlyCount } from '../../src/statistics/ports.ts'

const today = new Date('2030-01-15T00:00:00Z')
const now = new Date('2030-01-15T10:20:00Z')
const count = (hour: string, measure: HourlyCount['measure'], label: string, many: number): HourlyCount => ({
  hour: new Date(hour),
  measure,
  label,
  count: many,
})

test('without counts, every number is zero and every day is shown', () => {
  const overview = overviewOf([], today, now)
  expect(overview).toMatchObject({ countedAt: null, accounts: 0, signInsToday: 0, methods: [] })
  expect(overview.signIns).toHaveLength(shownDays)
  expect(overview.signIns.at(-1)).toEqual({ day: today, counts: {} })
})

test('hours add up to days, by sign-in method', () => {
  const { signIns, methods } = overviewOf(
    [
      count('2030-01-14T23:00:00Z', 'signIns', 'github', 2),
      count('2030-01-15T00:00:00Z', 'signIns', 'github', 3),
      count('2030-01-15T09:00:00Z', 'signIns', 'github', 4),
      count('2030-01-15T09:00:00Z', 'signIns', 'password', 1),
    ],
    today,
    now,
  )
  expect(methods).toEqual(['github', 'password'])
  expect(signIns.slice(-2).map(({ counts }) => counts)).toEqual([{ github: 2 }, { github: 7, password: 1 }])
})

test('rare sign-in methods are shown together', () => {
  const counts = Array.from({ length: 8 }, (_, n) => count('2030-01-15T09:00:00Z', 'signIns', `p${n}`, 10 - n))
  const { signIns, methods } = overviewOf(counts, today, now)
  expect(methods).toEqual(['p0', 'p1', 'p2', 'p3', 'other'])
  expect(signIns.at(-1)?.counts).toEqual({ p0: 10, p1: 9, p2: 8, p3: 7, other: 6 + 5 + 4 + 3 })
})

test('refusals are those of the last 24 hours, most frequent first', () => {
  const { refusedToday, refusedBy } = overviewOf(
    [
      count('2030-01-14T09:00:00Z', 'refused', 'invalid_state', 50),
      count('2030-01-14T11:00:00Z', 'refused', 'invalid_state', 1),
      count('2030-01-15T09:00:00Z', 'refused', 'invalid_credentials', 5),
    ],
    today,
    now,
  )
  expect(refusedToday).toBe(6)
  expect(refusedBy).toEqual([
    ['invalid_credentials', 5],
    ['invalid_state', 1],
  ])
})

test('totals are the latest that were counted', () => {
  const counts = [count('2030-01-15T08:00:00Z', 'accounts', '', 7), count('2030-01-15T09:00:00Z', 'accounts', '', 9)]
  expect(overviewOf(counts, today, now)).toMatchObject({ accounts: 9, countedAt: new Date('2030-01-15T09:00:00Z') })
})
