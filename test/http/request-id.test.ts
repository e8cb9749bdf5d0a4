import { expect, test } from 'vitest'
import { createRequestIds, requestIdPattern } from '../../src/http/request-id.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

test('request IDs sort by time, and differ within a millisecond', () => {
  const { clock, turn } = createStoppedClock()
  const next = createRequestIds(clock, systemRandom)
  const moments = [0, 0.001, 0.25, 86_400].map((seconds) => {
    turn(seconds)
    return [next(), next(), next()].sort()
  })
  const ids = moments.flat()
  expect(ids).toEqual([...ids].sort())
  expect(new Set(ids).size).toBe(ids.length)
  for (const id of ids) expect(id).toMatch(requestIdPattern)
})
