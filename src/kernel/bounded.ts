import { BusyError } from './busy.ts'
import { untimed } from './limit.ts'

/**
 * Runs at most `atOnce` of something together; the rest waits in line, at most `waiting` of them. Throws `BusyError`
 * where the line is full: an answer that comes after its asker gave up helps nobody, and is paid for all the same.
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
  // The line has a limit of its own, its length: who waited in it still has the time a request has for its statements.
  return <T>(work: () => Promise<T>): Promise<T> => untimed(() => inTurn(work))
}
