import { atMost } from './at-most.ts'
import { whenBusy } from './busy.ts'
import { createSharedByKey } from './shared.ts'

/**
 * How long a request waits for the write that its generation was used, in milliseconds. While another process locks the
 * database file, every read with a new token would otherwise wait for its whole deadline.
 */
const noteMs = 250

/**
 * Records that the client has a generation of tokens, before the request continues. From then on, the response with this
 * generation cannot have been lost, and the previous refresh token is valid only within the concurrency window. If it
 * cannot be written now (full disk, locked database, standby), the request continues: nothing can be rotated then
 * either, and the next request with this token records it again. A write that takes longer than the wait is still
 * performed. Concurrent requests with the same token share one write: while its row is locked, they would otherwise fill
 * the pool with connections that only wait.
 */
export function createUseRecorder(onDefect: (error: unknown) => void) {
  const shared = createSharedByKey<void>()
  return async (session: string, generation: number, write: () => Promise<void>): Promise<void> => {
    let isAwaited = true
    const noted = shared(`${session} ${generation}`, write)
      .catch(whenBusy(undefined))
      .catch((thrown: unknown) => {
        if (isAwaited) throw thrown
        onDefect(thrown)
      })
    await atMost(noteMs, noted, undefined).finally(() => {
      isAwaited = false
    })
  }
}
