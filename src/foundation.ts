import type { Logger } from 'pino'
import type { CompleteConfig } from './config.ts'
import { createBus } from './events/bus.ts'
import type { Timing } from './jobs/timing.ts'
import { BusyError } from './kernel/busy.ts'
import { type Clock, systemClock } from './kernel/clock.ts'
import { createSealer } from './kernel/crypto.ts'
import { createFollowedClock } from './kernel/followed-clock.ts'
import { createIds, type Random, systemRandom } from './kernel/ids.ts'
import { openStore, type Store } from './store/open.ts'
import { createProcessLog, flushLog, logEvents, logHealth, logSkew } from './telemetry/log.ts'
import { logRequests } from './telemetry/request-log.ts'

/** What a test or an embedding program can replace. */
export type VinculumParts = {
  readonly clock: Clock
  /**
   * Whether that clock is corrected by the database's, like the machine's own; or the function that returns its time.
   */
  readonly followDatabase: boolean | NonNullable<Store['time']>
  readonly random: Random
  readonly log: Logger
  /** How many lines of that log could not be written. */
  readonly droppedLogLines: () => number
  /** Starts the jobs when they are due. */
  readonly timing: Timing
}

/** Opens what everything else is built upon: time, randomness, log, events and the store. */
export async function openFoundation(config: CompleteConfig, parts: Partial<VinculumParts>) {
  const { followDatabase = parts.clock === undefined } = parts
  // SQLite uses the clock of this machine. A clock that is passed in is always right.
  const follows = config.store.tag === 'postgres' && followDatabase !== false
  const followed = follows ? createFollowedClock({ own: parts.clock, report: (skew) => logSkew(log)(skew) }) : undefined
  const clock = followed?.now ?? parts.clock ?? systemClock
  const random = parts.random ?? systemRandom
  const { log, droppedLines } = parts.log
    ? { log: parts.log, droppedLines: parts.droppedLogLines ?? (() => 0) }
    : createProcessLog(config.logLevel)
  const ids = createIds(clock, random)
  const onDefect = (error: unknown, context?: string): void => {
    // A temporary failure is no defect. Its cause is logged once where it began, not for each request.
    if (error instanceof BusyError && error.cause === undefined) return
    log.error({ err: error, request_id: context }, 'defect')
  }

  const events = createBus(clock)
  logEvents(events, log)
  if (config.requestLog !== null) logRequests(events, log, config.requestLog)
  const store = await openStore(
    config.store,
    { clock, ids, publish: events.publish },
    { requestMs: config.requestDeadlineMs, report: logHealth(log), warn: (message) => log.warn(message) },
  )
  const closeStore = (): Promise<void> => {
    followed?.stop()
    return store.close()
  }
  const ask = typeof followDatabase === 'function' ? followDatabase : store.time
  if (ask) await followed?.start(ask)

  return {
    /** What almost every part of the service needs. */
    base: { clock, ids, random, events, sealer: createSealer(config.encryptionKeys, random), onDefect },
    log,
    droppedLines,
    /** By how many milliseconds the machine's clock is ahead of the shared one; absent if it is that clock. */
    clockSkewMs: followed?.skewMs,
    store,
    /** After a failed start: the log stays open for the message about it. */
    closeStore,
    async close(): Promise<void> {
      await closeStore()
      await flushLog(log)
    },
  }
}

export type Foundation = Awaited<ReturnType<typeof openFoundation>>
