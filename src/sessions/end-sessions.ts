import { setTimeout as sleep } from 'node:timers/promises'
import type { Clock } from '../kernel/clock.ts'
import { type EndableKind, type EndableStore, endableKinds } from './ports.ts'

/** The shortest pause between two batches, in milliseconds. */
const leastPauseMs = 5

export type EndedCounts = Readonly<Record<EndableKind, number>>

type EndSessionsParts = {
  readonly store: EndableStore
  readonly clock: Clock
  readonly pause?: (ms: number) => Promise<unknown>
}

/**
 * Ends every live session that was created before a time, and everything from before it that could open one: emailed
 * links and codes, pending sign-ins, sign-in codes and trust in devices. It makes a restored backup safe.
 *
 * It works in small transactions while a service is running. Interrupted, it has ended a part; run it again for the rest.
 */
export const createEndSessions =
  ({ store, clock, pause = sleep }: EndSessionsParts) =>
  async (before: Date, report: (kind: EndableKind, ended: number) => void = () => {}): Promise<EndedCounts> => {
    const counts: Record<EndableKind, number> = {
      tickets: 0,
      pendingSignIns: 0,
      codes: 0,
      sessions: 0,
      trustedDevices: 0,
    }
    for (const kind of endableKinds) {
      for (let after: string | undefined = ''; after !== undefined; ) {
        const began = performance.now()
        const { ended, last } = await store.endSome(kind, { before, after }, clock())
        counts[kind] += ended
        if (ended > 0) report(kind, counts[kind])
        after = last
        // SQLite has one writer at a time: a running service gets as much time as it had to wait.
        if (last !== undefined) await pause(Math.max(leastPauseMs, performance.now() - began))
      }
    }
    return counts
  }
