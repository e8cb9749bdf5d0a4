import { type DestinationStream, type Logger, pino } from 'pino'
import type { Bus } from '../events/bus.ts'
import { catalogue, type Event } from '../events/catalogue.ts'
import { createLogSink } from './log-sink.ts'

/** Whatever else is logged by mistake: a member with one of these names leaves as `[redacted]`. */
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
  'cookie',
  'authorization',
  'flow_token',
  'secret',
  'totp',
  'set-cookie',
])

type Level = 'debug' | 'info' | 'warn' | 'error'

/**
 * The level of every event that is logged, by name: a span's end says all its start did, facts are as the catalogue
 * says.
 */
const levels = new Map<string, Level>(
  Object.entries(catalogue).flatMap(([name, entry]): [string, Level][] => {
    if (entry.kind === 'fact') return 'log' in entry ? [[name, entry.log]] : []
    return [
      [`${name}.start`, 'debug'],
      [`${name}.stop`, 'info'],
      [`${name}.exception`, 'warn'],
    ]
  }),
)

/** A breaker that closes again is good news, whatever its opening was. */
const levelOf = (event: Event): Level | undefined =>
  event.name === 'provider.breaker_changed' && event.data.state !== 'open' ? 'info' : levels.get(event.name)

/** How deep members are looked at: the entry's own, and two levels below. */
const depth = 3

/**
 * The entry without its secrets, copied only where there are any. Pino's own redaction walks every path on every line:
 * for the lines of one sign-in that costs more than its signatures.
 */
function withoutSecrets(entry: object, levels = depth): object {
  let copy: Record<string, unknown> | undefined
  for (const [name, value] of Object.entries(entry)) {
    let shown: unknown = value
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
 * The log of a process: lines of JSON on standard output, or on another descriptor. `droppedLines` counts the lines that
 * could not be written.
 */
export function createProcessLog(level: string, descriptor = 1): { log: Logger; droppedLines: () => number } {
  const sink = createLogSink({ descriptor, onRecovered: (lines) => log.warn({ lines }, 'log lines were dropped') })
  const log = createLog(level, sink)
  return { log, droppedLines: sink.dropped }
}

/** Lines of JSON, written to `to`. */
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
 * Tells events to the log: spans and facts at the level their catalogue line names. Payloads hold no secret by
 * construction; a person is named by id alone.
 */
export function logEvents(events: Bus, log: Logger): void {
  events.all('log', (event) => {
    const level = levelOf(event)
    if (level === undefined || !log.isLevelEnabled(level)) return
    const { at: _, origin, ...rest } = event as typeof event & { origin?: { requestId: string | null } }
    log[level]({
      ...rest.data,
      event: rest.name,
      ...('accountId' in rest ? { account: rest.accountId } : {}),
      ...(origin?.requestId ? { request_id: origin.requestId } : {}),
      ...('ms' in rest ? { ms: Math.round(rest.ms * 100) / 100 } : {}),
      ...('code' in rest ? { outcome: rest.code } : {}),
    })
  })
}

/** One line when this machine's clock is set wrong, and one when it is right again; `skew_ms` is positive when it is ahead. */
export const logSkew =
  (log: Logger) =>
  ({ tolerable, ms }: { readonly tolerable: boolean; readonly ms: number }): void => {
    const fields = { event: 'clock.skew', skew_ms: ms }
    if (tolerable) log.info(fields, 'the clock of this machine agrees with the database again')
    else
      log.warn(
        fields,
        'the clock of this machine differs from the clock of the database: synchronize both (NTP). The service uses the clock of the database',
      )
  }

/** What each state of the database means for requests. */
const healthLines: Readonly<Record<string, string>> = {
  healthy: 'the database works again',
  unreachable: 'the database cannot be reached: requests that need it get 503 until it can',
  refusing: 'the database refuses to read or write: requests that need it get 503 until it does not',
  contended: 'the database is too slow or its rows are locked: some requests get 503',
}

/** One line for each change of the database's state, with what showed it: a stack would say nothing more. */
export const logHealth =
  (log: Logger) =>
  ({ state, cause }: { readonly state: string; readonly cause?: unknown }): void => {
    const { code, message } = (cause ?? {}) as { readonly code?: string; readonly message?: string }
    const line = healthLines[state] ?? state
    if (state === 'healthy') log.info({ event: 'database.state', state }, line)
    else log.error({ event: 'database.state', state, code, reason: message }, line)
  }
