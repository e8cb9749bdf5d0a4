import { BusyError } from './busy.ts'
import { Limit, limitOfCaller, outsideLimit, SharedLimit, whenOver, withinSharedLimit } from './limit.ts'

/** How long a caller that did not wait for the end of shared work should wait before it asks again, in seconds. */
const retryAfter = 1

/** Waits for the result of shared work. */
export type SharedWork<T> = () => Promise<T>

/**
 * Starts work that several callers wait for. It does not end with the request that started it, nor with any other: one
 * that leaves must not make it fail for those who stay, nor lose what it brings. Each caller waits for the result within
 * its own limit, and gets a `BusyError` if that is over first. The work then continues. `onLost` gets an error that no
 * caller waits for.
 */
export function share<T>(work: () => Promise<T>, onLost: (error: unknown) => void = () => {}): SharedWork<T> {
  const limit = new SharedLimit()
  let waiting = 0
  const result = withinSharedLimit(limit, work)
  result.catch((error: unknown) => {
    if (waiting === 0) onLost(error)
  })
  return () => {
    waiting++
    const caller = limitOfCaller()
    if (!caller) return result
    return new Promise((resolve, reject) => {
      const leave = limit.join(caller)
      const over = (): void => {
        waiting--
        leave()
        reject(new BusyError('shared work', retryAfter))
      }
      const endWatch = caller instanceof Limit ? whenOver(caller, true, over) : undefined
      void result.then(resolve, reject).finally(() => {
        endWatch?.()
        leave()
      })
    })
  }
}

/**
 * Starts work that no caller waits for. Concurrent calls with the same key start it once. It is outside the limit of its
 * request: nobody would handle the error of a wait that ends with it.
 */
export function createBackgroundWork(onDefect: (error: unknown) => void) {
  const run = createSharedByKey<void>()
  return (key: string, work: () => Promise<void>): void =>
    void outsideLimit(() => run(key, () => work().catch(onDefect)))
}

/** Shares one run of work among all calls during it; the next call after it starts a new run. */
export function createShared<T>(work: () => Promise<T>): () => Promise<T> {
  const run = createSharedByKey<T>()
  return () => run('', work)
}

/** The same for work that is shared by those who name the same key. */
export function createSharedByKey<T>(): (key: string, work: () => Promise<T>) => Promise<T> {
  const running = new Map<string, SharedWork<T>>()
  return (key, work) => {
    const current = running.get(key)
    if (current) return current()
    const started = share(() => work().finally(() => running.delete(key)))
    running.set(key, started)
    return started()
  }
}
