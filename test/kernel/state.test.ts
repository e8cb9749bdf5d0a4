import { expect, test } from 'vitest'
import { sha256 } from '../../src/kernel/crypto.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { createState, stateHashOf } from '../../src/kernel/state.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

test('hashes of states sort by the time of the states, and contain none of their secrets', () => {
  const { clock, turn } = createStoppedClock()
  const states = [0, 0, 0.001, 60, 86_400].map((seconds) => {
    turn(seconds)
    return createState(clock, systemRandom)
  })
  const [first, second, ...later] = states.map(stateHashOf)
  expect(new Set([first, second]).size).toBe(2)
  expect([first, ...later]).toEqual([first, ...later].sort())
  for (const state of states) {
    expect(state).toMatch(/^[0-9a-f]{12}[\w-]{43}$/)
    expect(stateHashOf(state)).toBe(state.slice(0, 12) + sha256(state))
  }
})

test.each(['', '\0', '0123456789a\0', '0123456789ag', ' 0123456789ab', '0123456789AB', '’'.repeat(12)])(
  'only hexadecimal digits of a foreign state are stored as they are: %j',
  (state) => {
    expect(stateHashOf(state)).toBe(sha256(state))
  },
)
