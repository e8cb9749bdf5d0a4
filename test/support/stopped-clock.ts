import { type Clock, secondsAfter } from '../../src/kernel/clock.ts'

/** A clock that stands until it is turned. */
export function createStoppedClock(start = new Date('2026-03-01T12:00:00.000Z')): {
  clock: Clock
  turn: (seconds: number) => void
} {
  let now = start
  return {
    clock: () => now,
    turn: (seconds) => {
      now = secondsAfter(now, seconds)
    },
  }
}
