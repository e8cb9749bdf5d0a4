/**
 * Workers that handle what `take` returns, up to `atOnce` concurrently. `take` is called one at a time, so that each call
 * sees what is in progress. After an error of `take` or `handle`, nothing more is taken until `result` reports it.
 */
export function createWorkers<T>(
  atOnce: number,
  take: () => Promise<T | undefined>,
  handle: (taken: T) => Promise<void>,
) {
  const working = new Set<Promise<void>>()
  let taking: Promise<T | undefined> = Promise.resolve(undefined)
  let handled = 0
  let failure: { readonly thrown: unknown } | undefined
  const fail = (thrown: unknown): undefined => {
    failure ??= { thrown }
  }

  const takeNext = (): Promise<T | undefined> => {
    taking = taking.then(() => (failure ? undefined : take().catch(fail)))
    return taking
  }
  const work = async (): Promise<void> => {
    for (let taken = await takeNext(); taken !== undefined; taken = await takeNext()) {
      await handle(taken)
      handled += 1
    }
  }

  return {
    isIdle: (): boolean => working.size === 0,
    /** Starts the workers that are idle. Each works until `take` returns nothing. */
    start(): void {
      while (working.size < atOnce) {
        const worker = work()
          .catch(fail)
          .finally(() => working.delete(worker))
        working.add(worker)
      }
    },
    /** Waits until all workers are idle. */
    async end(): Promise<void> {
      while (working.size > 0) await Promise.all(working)
    },
    /** How many were handled since the last result. Throws the first error since then. */
    result(): number {
      const [since, failed] = [handled, failure]
      handled = 0
      failure = undefined
      if (failed) throw failed.thrown
      return since
    },
  }
}

/** Handles everything that `take` returns. Returns how many, or rejects with the first error, once nothing is in progress. */
export async function workThrough<T>(...parts: Parameters<typeof createWorkers<T>>): Promise<number> {
  const workers = createWorkers(...parts)
  workers.start()
  await workers.end()
  return workers.result()
}
