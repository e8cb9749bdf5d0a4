import { setTimeout as pause } from 'node:timers/promises'
import { type Clock, steadyClock, systemClock } from './clock.ts'

/** How often the clock checks whether to read the other clock, in milliseconds. */
const tickMs = 1000
/** After how many ticks the other clock is read. Until the first answer, it is read at every tick. */
const ticksPerRead = 15
/** Slower answers are ignored, because the time in them may be as old as the whole round trip. In milliseconds. */
const maxRoundTripMs = 1000
/** The difference from which there is a warning, and the one below which the warning ends, in milliseconds. */
const skewLimitMs = { warn: 2000, recover: 1000 }
/** How many times the other clock is read at startup; the fastest answer counts. */
const firstReads = 3
/** Corrections backward of up to this many milliseconds hold time still instead. */
const holdStillMs = 1000
/** If the machine's clock and the steady clock diverge by this many milliseconds, the other clock is read at once. */
const jumpMs = 500

/** By how many milliseconds the machine's clock is ahead of the other clock; negative if it is behind. */
export type Skew = { readonly tolerable: boolean; readonly ms: number }

/** Reads the other clock. */
type AskTime = () => Promise<Date>

type FollowedClockParts = {
  /** A clock that advances evenly, to which the offset to the other clock is added. By default, that of this process. */
  readonly own?: Clock | undefined
  /** The clock of the machine, as programs and the operator see it. By default, `own` where it is given. */
  readonly machine?: Clock | undefined
  /** Called when the difference becomes too large, and when it is acceptable again; not for each measurement. */
  readonly report: (skew: Skew) => void
  /** Waits for `ms` milliseconds; rejects if the signal aborts first. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

/** The possible range of the offset: the other clock was read at some moment between the request and its answer. */
type Bounds = { readonly least: number; readonly most: number }

/**
 * A clock that follows another one, which several nodes share. Nodes compare times that other nodes wrote: when a
 * refresh token was rotated, or until when a lease is valid. With separate clocks that differ by 30 s, the second tab
 * of a browser would look like token theft. An answer determines the offset to within half its round trip: 500 ms at
 * worst, and usually a millisecond. An offset within the range of the latest answer is kept, so that a slow answer does
 * not make it worse.
 *
 * Corrections of up to a second never turn time back: it holds still. A longer correction is followed at once, because
 * the other nodes follow it too. It occurs after a failover to a server whose clock is behind.
 *
 * While the other clock cannot be read, the last offset stays: the two drift apart by milliseconds an hour.
 */
export function createFollowedClock({ own = steadyClock, report, wait, ...given }: FollowedClockParts) {
  const machine = given.machine ?? (own === steadyClock ? systemClock : own)
  const waiting = wait ?? ((ms, signal) => pause(ms, undefined, { signal, ref: false }))
  const stopping = new AbortController()
  let offsetMs = 0
  let latestMs = Number.NEGATIVE_INFINITY
  let tolerable = true
  /** How far the machine's clock was ahead of the steady clock at the last answer; `undefined` before the first. */
  let lastGapMs: number | undefined

  const gapMs = (): number => machine().getTime() - own().getTime()
  const skewMs = (): number => gapMs() - offsetMs

  const measure = async (ask: AskTime): Promise<Bounds | undefined> => {
    const before = own().getTime()
    const otherMs = (await ask()).getTime()
    const after = own().getTime()
    const roundTripMs = after - before
    // A NaN offset would be permanent: no later answer could be compared with it.
    if (!Number.isFinite(otherMs) || roundTripMs < 0 || roundTripMs > maxRoundTripMs) return undefined
    return { least: otherMs - after, most: otherMs - before }
  }
  const follow = (bounds: Bounds | undefined): void => {
    if (!bounds) return
    const { least, most } = bounds
    if (lastGapMs === undefined || offsetMs < least || offsetMs > most) offsetMs = (least + most) / 2
    lastGapMs = gapMs()
    const ms = Math.round(skewMs())
    if (tolerable === Math.abs(ms) <= (tolerable ? skewLimitMs.warn : skewLimitMs.recover)) return
    tolerable = !tolerable
    report({ tolerable, ms })
  }
  // Errors are ignored here: the availability of the database is reported once for each change of its state.
  const tryMeasure = (ask: AskTime) => measure(ask).catch(() => undefined)

  /**
   * Whether the machine's clock was set, or the machine was suspended. The steady clock does not count the time of a
   * suspension, so it would be behind the other nodes until the next answer.
   */
  const hasJumped = (): boolean => lastGapMs !== undefined && Math.abs(gapMs() - lastGapMs) > jumpMs

  /** Waits for a tick; `false` if `stop` ended the wait. */
  const ticked = (): Promise<boolean> =>
    waiting(tickMs, stopping.signal).then(
      () => true,
      () => false,
    )
  const watch = async (ask: AskTime): Promise<void> => {
    for (let ticks = 1; await ticked(); ticks += 1) {
      if (ticks < ticksPerRead && lastGapMs !== undefined && !hasJumped()) continue
      follow(await tryMeasure(ask))
      ticks = 0
    }
  }

  return {
    now: ((): Date => {
      const ms = own().getTime() + offsetMs
      if (ms >= latestMs || latestMs - ms > holdStillMs) latestMs = ms
      return new Date(latestMs)
    }) as Clock,
    /** By how many milliseconds the machine's clock is ahead. */
    skewMs,
    /** Reads the other clock for the first time, then regularly until `stop`. */
    async start(ask: AskTime): Promise<void> {
      let best: Bounds | undefined
      for (let n = 0; n < firstReads; n += 1) {
        const bounds = await tryMeasure(ask)
        if (bounds && (!best || bounds.most - bounds.least < best.most - best.least)) best = bounds
      }
      follow(best)
      void watch(ask)
    },
    stop: (): void => stopping.abort(),
  }
}
