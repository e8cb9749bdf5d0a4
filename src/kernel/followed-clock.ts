import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from './clock.ts'

/** How often the other clock is asked, in milliseconds. */
const everyMs = 15_000
/** An answer that took longer says too little: the time in it may be as old as the whole round trip. In milliseconds. */
const longestRoundTripMs = 1000
/** By how much the two may differ without anyone being told, in milliseconds. */
const tolerableMs = 2000
/** How often the other clock is asked at the start, of which the quickest answer counts. */
const firstAsks = 3

/** By how much the machine's clock is ahead of the other one, in milliseconds; behind if negative. */
export type Skew = { readonly tolerable: boolean; readonly ms: number }

type Parts = {
  /** Time that passes evenly. The offset to the other clock is added to it. */
  readonly own: Clock
  /** The clock of the machine, as its programs and its operator see it. */
  readonly machine: Clock
  /** Asks the other clock. */
  readonly ask: () => Promise<Date>
  /** Hears when the difference becomes intolerable, and when it is tolerable again: not each time it is measured. */
  readonly report: (skew: Skew) => void
  /** Waits, for `ms` milliseconds or until the signal; rejects then. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

/**
 * A clock that follows another one, which several nodes share. Nodes compare times that others wrote: when a refresh
 * token was rotated, until when a lease holds. With clocks of their own, 30 s apart, the second tab of a browser would
 * look like a thief. The time of the other clock is taken to be that of the middle of the round trip, so it is known to
 * half a round trip: 500 ms at worst, and usually a millisecond.
 *
 * While the other clock cannot be asked, the last offset stays: the two drift apart by milliseconds an hour.
 */
export function createFollowedClock({ own, machine, ask, report, wait }: Parts) {
  const waiting = wait ?? ((ms, signal) => pause(ms, undefined, { signal, ref: false }))
  const stopping = new AbortController()
  let offsetMs = 0
  let tolerable = true

  const measure = async (): Promise<{ readonly roundTripMs: number; readonly offsetMs: number } | undefined> => {
    const before = own().getTime()
    const theirs = await ask()
    const after = own().getTime()
    const roundTripMs = after - before
    if (roundTripMs < 0 || roundTripMs > longestRoundTripMs) return undefined
    return { roundTripMs, offsetMs: theirs.getTime() - (before + after) / 2 }
  }
  const skewMs = (): number => machine().getTime() - (own().getTime() + offsetMs)
  const follow = (measured: { readonly offsetMs: number } | undefined): void => {
    if (!measured) return
    offsetMs = measured.offsetMs
    const ms = Math.round(skewMs())
    if (tolerable === Math.abs(ms) <= tolerableMs) return
    tolerable = !tolerable
    report({ tolerable, ms })
  }
  // Whether the database answers is told elsewhere, once for each change of its state.
  const quietly = () => measure().catch(() => undefined)

  return {
    now: ((): Date => new Date(own().getTime() + offsetMs)) as Clock,
    /** By how much the machine's clock is ahead, in milliseconds. */
    skewMs,
    /** Measures for the first time, then again and again until `stop`. */
    async start(): Promise<void> {
      let best: Awaited<ReturnType<typeof measure>>
      for (let n = 0; n < firstAsks; n += 1) {
        const measured = await quietly()
        if (measured && (!best || measured.roundTripMs < best.roundTripMs)) best = measured
      }
      follow(best)
      void (async () => {
        while (!stopping.signal.aborted) {
          const waited = await waiting(everyMs, stopping.signal).then(
            () => true,
            () => false,
          )
          if (waited) follow(await quietly())
        }
      })()
    },
    stop: (): void => stopping.abort(),
  }
}
