type Queue<T> = {
  receivers(at: Date): Promise<readonly string[]>
  take(limit: number, at: Date, until: Date, receiver: string): Promise<readonly T[]>
}

/** Takes up to `limit` due items of a queue, for whichever receivers they are. */
export async function takeDue<T>(queue: Queue<T>, limit: number, at: Date, until: Date): Promise<readonly T[]> {
  const taken: T[] = []
  for (const receiver of await queue.receivers(at))
    taken.push(...(await queue.take(limit - taken.length, at, until, receiver)))
  return taken
}
