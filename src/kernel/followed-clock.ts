import { setTimeout as pause } from 'node:timers/promises'
import type { Clock } from './clock.ts'

/** How often there is a look whether to ask the other clock, in milliseconds. */
const tickMs = 1000
/** How often the other clock is asked, in ticks. Until it has answered once, every tick. */
const everyTicks = 15
/** An answer that took longer says too little: the time in it may be as old as the whole round trip. In milliseconds. */
const longestRoundTripMs = 1000
/** By how much the two may differ without a warning, and how close they must be again to end one, in milliseconds. */
const tolerableMs = { before: 2000, again: 1000 }
/** How often the other clock is asked at the start, of which the quickest answer counts. */
const firstAsks = 3
/** A correction that goes back no further lets time stand still instead, in milliseconds. */
const standStillMs = 1000
/** How far the machine's clock and the steady one move apart before the other clock is asked at once, in milliseconds. */
const jumpMs = 500

/** By how much the machine's clock is ahead of the other one, in milliseconds; behind if negative. */
export type Skew = { readonly tolerable: boolean; readonly ms: number }

type FollowedClockParts = {
  /** Time that passes evenly. The offset to the other clock is added to it. */
  readonly own: Clock
  /** The clock of the machine, as its programs and its operator see it. */
  readonly machine: Clock
  /** Asks the other clock. */
  readonly ask: () => Promise<Date>
  /** Hears when the difference becomes intolerable, and when it is tolerable again: not each time it is measured. */
  readonly report: (skew: Skew) => void
  /** Waits for `ms` milliseconds; rejects when the signal comes first. */
  readonly wait?: (ms: number, signal: AbortSignal) => Promise<unknown>
}

/** What the offset can be: the other clock was read at some moment between the request and its answer. */
type Bounds = { readonly least: number; readonly most: number }

/**
 * A clock that follows another one, which several nodes share. Nodes compare times that others wrote: when a refresh
 * token was rotated, until when a lease holds. With clocks of their own, 30 s apart, the second tab of a browser would
 * look like a thief. An answer tells the offset to half its round trip: 500 ms at worst, and usually a millisecond. An
 * offset that an answer does not contradict stays, so that a slow answer makes nothing worse.
 *
 * Corrections of up to a second never take time back: it stands still. A longer one, as after a failover to a server
 * whose clock is behind, is followed at once, because the other nodes follow it too.
 *
 * While the other clock cannot be asked, the last offset stays: the two drift apart by milliseconds an hour.
 */
export function createFollowedClock({ own, machine, ask, report, wait }: FollowedClockParts) {
  const waiting = wait ?? ((ms, signal) => pause(ms, undefined, { signal, ref: false }))
  const stopping = new AbortController()
  let offsetMs = 0
  let latestMs = Number.NEGATIVE_INFINITY
  let tolerable = true
  /** How far the machine's clock was ahead of the steady one at the last answer; `undefined` before the first. */
  let lastGapMs: number | undefined

  const gapMs = (): number => machine().getTime() - own().getTime()
  const skewMs = (): number => gapMs() - offsetMs

  const measure = async (): Promise<Bounds | undefined> => {
    const before = own().getTime()
    const theirs = (await ask()).getTime()
    const after = own().getTime()
    const roundTripMs = after - before
    // An offset that is no number would stay for good: no later answer could be compared with it.
    if (!Number.isFinite(theirs) || roundTripMs < 0 || roundTripMs > longestRoundTripMs) return undefined
    return { least: theirs - after, most: theirs - before }
  }
  const follow = (bounds: Bounds | undefined): void => {
    if (!bounds) return
    const { least, most } = bounds
    if (lastGapMs === undefined || offsetMs < least || offsetMs > most) offsetMs = (least + most) / 2
    lastGapMs = gapMs()
    const ms = Math.round(skewMs())
    if (tolerable === Math.abs(ms) <= (tolerable ? tolerableMs.before : tolerableMs.again)) return
    tolerable = !tolerable
    report({ tolerable, ms })
  }
  // Whether the database answers is reported elsewhere, once for each change of its state.
  const quietly = () => measure().catch(() => undefined)

  /**
   * The machine's clock was set, or the machine was suspended: the steady clock does not count the time in which it
   * was. It would be that far behind the other nodes until the next answer.
   */
  const hasJumped = (): boolean => lastGapMs !== undefined && Math.abs(gapMs() - lastGapMs) > jumpMs

  /** Waits for a tick; `false` where `stop` ended the wait. */
  const ticked = (): Promise<boolean> =>
    waiting(tickMs, stopping.signal).then(
      () => true,
      () => false,
    )
  const watch = async (): Promise<void> => {
    for (let ticks = 1; await ticked(); ticks += 1) {
      if (ticks < everyTicks && lastGapMs !== undefined && !hasJumped()) continue
      follow(await quietly())
      ticks = 0
    }
  }

  return {
    now: ((): Date => {
      const ms = own().getTime() + offsetMs
      if (ms >= latestMs || latestMs - ms > standStillMs) latestMs = ms
      return new Date(latestMs)
    }) as Clock,
    /** By how much the machine's clock is ahead, in milliseconds. */
    skewMs,
    /** Measures for the first time, then again and again until `stop`. */
    async start(): Promise<void> {
      let best: Bounds | undefined
      for (let n = 0; n < firstAsks; n += 1) {
        const bounds = await quietly()
        if (bounds && (!best || bounds.most - bounds.least < best.most - best.least)) best = bounds
      }
      follow(best)
      void watch()
    },
    stop: (): void => stopping.abort(),
  }
}
