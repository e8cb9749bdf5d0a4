import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Clock, secondsAfter } from './clock.ts'

/** Some neighboring receivers of a queue. */
export type Slice = {
  /** Those that have due items, the one that has waited longest first. */
  readonly due: readonly string[]
  /** The receiver after which the next slice begins. `null`: this is the last one. */
  readonly next: string | null
}
type Receivers = {
  /** The slice after a receiver; `null` begins with the first one. */
  receivers(at: Date, after: string | null): Promise<Slice>
}

/** A queue of work for several receivers. */
type Queue<T> = Receivers & {
  take(limit: number, at: Date, until: Date, receiver: string): Promise<readonly T[]>
}

/** How long a slice is used, in seconds: reading it costs more than taking an item. */
const sliceSeconds = 1

/** Goes once through the receivers that have due items, slice by slice. */
export async function* dueReceivers(queue: Receivers, clock: Clock): AsyncGenerator<readonly string[], void, void> {
  let after: string | null = null
  do {
    // A read of SQLite ends in the turn of the event loop in which it began, and other work would wait for the walk.
    await nextTurn()
    const { due, next }: Slice = await queue.receivers(clock(), after)
    yield due
    after = next
  } while (after !== null)
}

/**
 * Takes due items of a queue: within a slice of its receivers, one of each, then the next of each, so that no receiver
 * waits for another, however many items that has. Then it goes on to the next slice. Returns a function to call one at a
 * time. It returns `undefined` if a walk through all receivers found nothing due but items of paused ones.
 */
export function takeTurns<T>(queue: Queue<T>, clock: Clock, leaseSeconds: number) {
  let walk: ReturnType<typeof dueReceivers> | undefined
  /** The receivers of the slice whose turn it still is, and those that had it. */
  let [waiting, served] = [new Set<string>(), new Set<string>()]
  let usedUntil = clock()
  return async (isPaused: (receiver: string) => boolean): Promise<{ receiver: string; item: T } | undefined> => {
    for (let isWhole = false; ; ) {
      for (const receiver of waiting) {
        if (isPaused(receiver)) continue
        waiting.delete(receiver)
        const now = clock()
        const [item] = await queue.take(1, now, secondsAfter(now, leaseSeconds), receiver)
        if (item === undefined) continue
        served.add(receiver)
        return { receiver, item }
      }
      const now = clock()
      if (served.size > 0 && now < usedUntil) waiting = new Set([...waiting, ...served])
      else {
        if (!walk) {
          walk = dueReceivers(queue, clock)
          isWhole = true
        }
        const slice = await walk.next()
        waiting = new Set(slice.done ? [] : slice.value)
        usedUntil = secondsAfter(now, sliceSeconds)
        if (slice.done) {
          walk = undefined
          if (isWhole) return undefined
        }
      }
      served = new Set()
    }
  }
}
