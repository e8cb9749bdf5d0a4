import { type DestinationStream, type Logger, pino } from 'pino'
import type { Bus } from '../events/bus.ts'
import { type Event, type EventName, eventCatalogue } from '../events/catalogue.ts'
import { createLogSink } from './log-sink.ts'

/** A last safeguard: a member with one of these names is logged as `[redacted]`. */
const secretNames = new Set([
  'password',
  'token',
  'access_token',
  'refresh_token',
  'id_token',
  'accessToken',
  'refreshToken',
  'idToken',
  'verifier',
  'code_verifier',
  'client_secret',
  'clientSecret',
  'private_key',
  'privateKey',
  'cookie',
  'authorization',
  'flow_token',
  'secret',
  'totp',
  'set-cookie',
])

type Level = 'debug' | 'info' | 'warn' | 'error'

/**
 * The log level of each event, by name. The catalogue sets the level of facts. A span that succeeds is a detail: metrics
 * have its duration, and the fact that follows from it has a line of its own.
 */
const levels = new Map(
  Object.entries(eventCatalogue).flatMap(([name, entry]): [string, Level][] => {
    if (entry.kind === 'fact') return 'log' in entry ? [[name, entry.log]] : []
    return [
      [`${name}.start`, 'debug'],
      [`${name}.stop`, 'debug'],
      [`${name}.exception`, 'warn'],
    ]
  }) as [EventName, Level][],
)

/** A circuit breaker that closes again is logged at `info`, unlike its opening. */
const levelOf = (event: Event): Level | undefined =>
  event.name === 'provider.breaker_changed' && event.data.state !== 'open' ? 'info' : levels.get(event.name)

/** How many levels of members are searched: those of the entry, and two below. */
const depth = 3

/**
 * The entry without its secrets, copied only if it has some. Pino's own redaction walks every path on every line: for
 * the lines of one sign-in, that costs more than its signatures.
 */
function withoutSecrets(entry: object, levels = depth): object {
  let copy: Record<string, unknown> | undefined
  for (const name of Object.keys(entry)) {
    const value = (entry as Readonly<Record<string, unknown>>)[name]
    let shown = value
    if (secretNames.has(name)) shown = '[redacted]'
    else if (levels > 1 && typeof value === 'object' && value !== null && !(value instanceof Error))
      shown = withoutSecrets(value, levels - 1)
    if (shown === value) continue
    copy ??= { ...entry }
    copy[name] = shown
  }
  return copy ?? entry
}

/**
 * The log of a process: JSON lines on standard output, or on another descriptor. `droppedLines` returns how many lines
 * could not be written.
 */
export function createProcessLog(level: string, descriptor = 1): { log: Logger; droppedLines: () => number } {
  const sink = createLogSink({
    descriptor,
    onRecovered: (lines) => log.warn({ lines }, 'log lines dropped while the log output could not be written'),
  })
  const log = createLog(level, sink)
  return { log, droppedLines: sink.dropped }
}

/** JSON lines, written to `to`. */
export function createLog(level: string, to: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: {
        level: (label) => ({ level: label }),
        log: (entry) => withoutSecrets(entry) as Record<string, unknown>,
      },
      serializers: { err: (error: Error) => withoutSecrets(pino.stdSerializers.err(error), depth - 1) },
    },
    to,
  )
}

/**
 * Logs events: spans and facts at the level that the catalogue sets. Payloads contain no secrets by construction, and
 * identify a person only by ID.
 */
export function logEvents(events: Bus, log: Logger): void {
  const shown = [...levels].flatMap(([name, level]) => (log.isLevelEnabled(level) ? [name] : []))
  events.on('log', shown, (event) => {
    const line: Record<string, unknown> = { ...event.data, event: event.name }
    if ('accountId' in event) line.account = event.accountId
    if ('origin' in event && event.origin?.requestId) line.request_id = event.origin.requestId
    if ('ms' in event) line.ms = Math.round(event.ms * 100) / 100
    if ('code' in event) line.outcome = event.code
    const level = levelOf(event)
    if (level !== undefined) log[level](line)
  })
}

/**
 * Logs one line when the clock of this machine is wrong, and one when it is right again. `skew_ms` is positive if it is
 * ahead.
 */
export const logSkew =
  (log: Logger) =>
  ({ tolerable, ms }: { readonly tolerable: boolean; readonly ms: number }): void => {
    const fields = { event: 'clock.skew', skew_ms: ms }
    if (tolerable) log.info(fields, 'machine clock agrees with the database clock again')
    else
      log.warn(
        fields,
        'machine clock differs from the database clock: synchronize both with NTP; the service uses the database clock',
      )
  }

/** The effect of each state of the database on requests. */
const healthLines: Readonly<Record<string, string>> = {
  healthy: 'database available again',
  unreachable: 'database unreachable: requests that need it get 503 until it responds',
  refusing: 'database cannot read or write: requests that need it get 503 until it can',
  contended: 'database too slow or rows locked: some requests get 503',
}

/** Logs one line for each change of the database's state, with its cause; a stack trace would add nothing. */
export const logHealth =
  (log: Logger) =>
  ({ state, cause }: { readonly state: string; readonly cause?: unknown }): void => {
    const { code, message } = (cause ?? {}) as { readonly code?: string; readonly message?: string }
    const line = healthLines[state] ?? state
    if (state === 'healthy') log.info({ event: 'database.state', state }, line)
    else log.error({ event: 'database.state', state, code, reason: message }, line)
  }

/** How long the log may take to write its last lines, in milliseconds. */
const lastFlushMs = 1000

/** Waits for the last log lines. A blocked sink does not keep the process from ending. */
export const flushLog = (log: Logger): Promise<void> =>
  new Promise((resolve) => {
    const timer = setTimeout(resolve, lastFlushMs)
    log.flush(() => {
      clearTimeout(timer)
      resolve()
    })
  })
