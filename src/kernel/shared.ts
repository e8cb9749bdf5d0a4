/** Does work once for everyone who asks while it is under way; the next one after that has it done again. */
export function createShared<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  return () => {
    running ??= work().finally(() => {
      running = undefined
    })
    return running
  }
}
