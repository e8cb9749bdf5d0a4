import { insteadOfRequestLimit, Limit } from './limit.ts'

/** Shares one run of work among all calls during it; the next call after it starts a new run. */
export function createShared<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => {
    running ??= work().finally(() => {
      running = undefined
    })
    return running
  }
}

/** How long such a run may take, in milliseconds. Several requests share it, so it has the limit of none. */
const sharedMs = 5000

/** The same by key: concurrent calls with the same key share one run. */
export function createSharedByKey<T>(): (key: string, work: () => Promise<T>) => Promise<T> {
  const running = new Map<string, Promise<T>>()
  return (key, work) => {
    const current = running.get(key)
    if (current) return current
    const begun = insteadOfRequestLimit(new Limit(sharedMs), work).finally(() => running.delete(key))
    running.set(key, begun)
    return begun
  }
}
