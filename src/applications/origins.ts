import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { createShared } from '../kernel/shared.ts'
import type { ApplicationStore } from './ports.ts'

/** For how long a node uses the origins that it read: a change on another node takes effect after this time. */
const freshSeconds = 10

type OriginsParts = {
  applications: Pick<ApplicationStore, 'corsOrigins'>
  clock: Clock
  onDefect: (error: unknown) => void
}

/**
 * The origins of enabled applications, from which scripts may call the API (CORS). They are read when a script of
 * another origin calls, and at most once in a while: anyone can send such requests.
 */
export function createOrigins({ applications, clock, onDefect }: OriginsParts) {
  let known: ReadonlySet<string> = new Set()
  let freshUntil: Date | undefined

  const read = async (): Promise<void> => {
    known = await applications.corsOrigins()
    freshUntil = secondsAfter(clock(), freshSeconds)
  }
  const readOnce = createShared(() => read().catch(onDefect))

  return {
    /** Reads the origins if they are not fresh. If that fails, those of the last time stay in use. */
    async refresh(): Promise<void> {
      if (freshUntil === undefined || clock() >= freshUntil) await readOnce()
    },
    has: (origin: string): boolean => known.has(origin),
    /** After a change on this node, the next request reads the origins again. */
    expire: (): void => {
      freshUntil = undefined
    },
  }
}
