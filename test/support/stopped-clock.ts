import { type Clock, secondsAfter } from '../../src/kernel/clock.ts'

/** A clock that changes only when a test advances it. */
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
