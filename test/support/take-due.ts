import { dueReceivers, type Slice } from '../../src/kernel/take-turns.ts'

type Queue<T> = {
  receivers(at: Date, after: string | null): Promise<Slice>
  take(limit: number, at: Date, until: Date, receiver: string): Promise<readonly T[]>
}

/** Takes up to `limit` due items of a queue, for whichever receivers they are. */
export async function takeDue<T>(queue: Queue<T>, limit: number, at: Date, until: Date): Promise<readonly T[]> {
  const taken: T[] = []
  for await (const slice of dueReceivers(queue, () => at))
    for (const receiver of slice) taken.push(...(await queue.take(limit - taken.length, at, until, receiver)))
  return taken
}
