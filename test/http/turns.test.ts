import { expect, test } from 'vitest'
import { createTurns } from '../../src/http/turns.ts'

/** An event loop whose turns and whose clock the test moves. */
function createLoop() {
  let at = 0
  let turnBegan = 0
  let due: (() => void)[] = []
  const started: number[] = []
  const inTurn = createTurns({ now: () => at, endOfTurn: (run) => void due.push(run) })
  return {
    started,
    /** Requests with these numbers arrive; the work of each takes this many milliseconds. */
    arrive(numbers: readonly number[], ms: number): void {
      for (const number of numbers)
        inTurn(() => {
          started.push(number)
          at += ms
        })
    },
    /** Ends the turn. Returns how long its work held the loop, in milliseconds. */
    endTurn(): number {
      const [now, from] = [due, at]
      due = []
      for (const run of now) run()
      turnBegan = at
      return at - from
    },
    /** How long the work of this turn has held the loop so far, in milliseconds. */
    held: (): number => at - turnBegan,
    pass(ms: number): void {
      at += ms
      turnBegan = at
    },
  }
}
const upTo = (count: number, from = 0): readonly number[] => Array.from({ length: count }, (_, n) => from + n)

test('no turn is held for longer than two shares and a few requests, and all start in order of arrival', () => {
  const loop = createLoop()
  loop.pass(5)
  loop.arrive(upTo(200), 1)
  expect(loop.held()).toBeLessThanOrEqual(18)
  const turns: number[] = []
  while (loop.started.length < 200 && turns.length < 1000) turns.push(loop.endTurn())
  expect(loop.started).toEqual(upTo(200))
  expect(Math.max(...turns)).toBeLessThanOrEqual(11)
})

test('cheap requests that wait are also spread over turns', () => {
  const loop = createLoop()
  loop.arrive(upTo(10), 5)
  loop.arrive(upTo(100, 10), 0.01)
  loop.endTurn()
  expect(loop.started.length).toBeLessThan(30)
})

test('a request that arrives during a burst starts after those before it', () => {
  const loop = createLoop()
  loop.arrive(upTo(50), 5)
  loop.endTurn()
  loop.arrive([50], 5)
  for (let turn = 0; turn < 100; turn++) loop.endTurn()
  expect(loop.started).toEqual(upTo(51))
})

test('without a burst, every request starts at once', () => {
  const loop = createLoop()
  for (let at = 0; at < 100; at++) {
    loop.arrive([at], 20)
    expect(loop.started).toEqual(upTo(at + 1))
    loop.endTurn()
  }
})
