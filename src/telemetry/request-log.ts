import type { Logger } from 'pino'
import type { Bus } from '../events/bus.ts'

/**
 * Logs one line for each request: method, route pattern, status, milliseconds and request ID. The level is `info`, or
 * `warn` for a status of 500 and above. `share` is the share of requests that are logged, from 0 to 1; a status of 500
 * and above is always logged. The URL, headers and body are never logged: they contain codes, tokens and personal
 * input. The route pattern is the metric label, from a closed list.
 */
export function logRequests(events: Bus, log: Logger, share: number): void {
  events.on('request log', ['http.answered'], (event) => {
    if (event.name !== 'http.answered') return
    const { method, route, status, ms } = event.data
    const requestId = event.origin?.requestId ?? null
    const isFailure = status >= 500
    if (!isFailure && !isSampled(requestId, share)) return
    log[isFailure ? 'warn' : 'info'](
      { method, route, status, ms: Math.round(ms * 100) / 100, request_id: requestId },
      'request',
    )
  })
}

/**
 * Whether a request is in the sample. The last 32 bits of a request ID are random, so they serve as the random number,
 * and the same ID always gives the same result.
 */
export const isSampled = (requestId: string | null, share: number): boolean =>
  share >= 1 || Number.parseInt(requestId?.slice(-8) ?? '', 16) / 2 ** 32 < share
