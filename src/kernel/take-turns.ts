import { type Clock, secondsAfter } from './clock.ts'

/** A queue of work for several receivers. */
type Queue<T> = {
  receivers(at: Date): Promise<readonly string[]>
  take(limit: number, at: Date, until: Date, receiver: string): Promise<readonly T[]>
}

/** How long a list of receivers is used, in seconds: reading it costs more than taking an item. */
const listSeconds = 1

/**
 * Takes due items of a queue: one of each receiver, then the next of each, so that no receiver waits for another,
 * however many items that has. Returns a function to call one at a time. It returns `undefined` if nothing is due but
 * items of paused receivers.
 */
export function takeTurns<T>(queue: Queue<T>, clock: Clock, leaseSeconds: number) {
  /** The receivers whose turn it still is, and those that had it. */
  let [waiting, served] = [new Set<string>(), new Set<string>()]
  let listedUntil = clock()
  return async (isPaused: (receiver: string) => boolean): Promise<{ receiver: string; item: T } | undefined> => {
    for (let isNew = false; ; ) {
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
      if (served.size > 0 && now < listedUntil) waiting = new Set([...waiting, ...served])
      else if (isNew) return undefined
      else {
        waiting = new Set(await queue.receivers(now))
        listedUntil = secondsAfter(now, listSeconds)
        isNew = true
      }
      served = new Set()
    }
  }
}
