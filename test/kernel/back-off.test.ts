import { expect, test } from 'vitest'
import { backOff } from '../../src/kernel/back-off.ts'

const bounds = { first: 2, most: 60 }

test('the wait doubles up to a maximum, for any number of failures', () => {
  expect([1, 2, 3, 5, 6, 7, 5000].map((failures) => backOff(failures, bounds, 1))).toEqual([2, 4, 8, 32, 60, 60, 60])
})

test('the wait is up to half random', () => {
  expect([0, 0.5, 1].map((chance) => backOff(3, bounds, chance))).toEqual([4, 6, 8])
})
