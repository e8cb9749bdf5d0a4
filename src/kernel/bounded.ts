import { BusyError } from './busy.ts'
import { untimed } from './limit.ts'

/**
 * Runs at most `atOnce` pieces of work at the same time; at most `waiting` more wait in a queue. Throws `BusyError` if
 * the queue is full: a result that comes after its caller gave up costs as much and helps nobody.
 */
export function createBounded(what: string, { atOnce, waiting }: { atOnce: number; waiting: number }) {
  const line: (() => void)[] = []
  let running = 0
  const leave = (): void => {
    const next = line.shift()
    if (next) next()
    else running--
  }
  const inTurn = async <T>(work: () => Promise<T>): Promise<T> => {
    if (running < atOnce) running++
    else if (line.length >= waiting) throw new BusyError(what, 5)
    else await new Promise<void>((resolve) => line.push(resolve))
    try {
      return await work()
    } finally {
      leave()
    }
  }
  // The time in the queue does not count toward the request's time limit: the queue is bounded by its length instead.
  return <T>(work: () => Promise<T>): Promise<T> => untimed(() => inTurn(work))
}
