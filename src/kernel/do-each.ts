import { BusyError } from './busy.ts'

/** After so many items in a row that were busy, the rest is left: what they all need is not there. */
const mostBusy = 3

/**
 * Does `work` for one item after another. One that fails does not stop the others, except for `mostBusy` in a row that
 * were busy. Returns the errors.
 */
export async function doEach<T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<readonly unknown[]> {
  const failures: unknown[] = []
  let busy = 0
  for (const item of items) {
    if (busy === mostBusy) break
    try {
      await work(item)
      busy = 0
    } catch (error) {
      busy = error instanceof BusyError ? busy + 1 : 0
      failures.push(error)
    }
  }
  return failures
}
