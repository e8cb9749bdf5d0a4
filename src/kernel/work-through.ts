/**
 * Handles what `take` returns, up to `atOnce` concurrently, until it returns nothing. `take` is called one at a time, so
 * that each call sees what is in progress. Returns how many were handled. Rejects with an error of `take` or `handle`
 * once nothing is in progress any more.
 */
export async function workThrough<T>(
  atOnce: number,
  take: () => Promise<T | undefined>,
  handle: (taken: T) => Promise<void>,
): Promise<number> {
  let handled = 0
  let taking: Promise<T | undefined> = Promise.resolve(undefined)
  const worker = async (): Promise<void> => {
    for (;;) {
      taking = taking.then(take)
      const taken = await taking
      if (taken === undefined) return
      await handle(taken)
      handled += 1
    }
  }
  const ends = await Promise.allSettled(Array.from({ length: atOnce }, worker))
  for (const end of ends) if (end.status === 'rejected') throw end.reason
  return handled
}
