/**
 * Refuses input that never becomes a request: bytes that are not HTTP, headers that Node does not accept, and slow
 * senders.
 */
import { STATUS_CODES } from 'node:http'
import { fail } from '../errors/catalogue.ts'
import { internalOrigin } from '../events/catalogue.ts'
import { readIp } from '../kernel/ip.ts'
import type { Frame } from './frame.ts'
import { withHeaders } from './headers.ts'
import { createLocalCounters, limits, networkOf } from './limits.ts'

/** Errors of Node's parser, by code; anything else is a malformed request. */
const faults: Readonly<Record<string, 'headers_too_large' | 'payload_too_large' | 'request_timeout'>> = {
  HPE_HEADER_OVERFLOW: 'headers_too_large',
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 'payload_too_large',
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
}

/**
 * Resolves with the bytes of a whole response. `undefined` means that the peer sent too much of this within a minute:
 * only close the connection. The response is always a problem document in English: the path and the caller are unknown.
 * The peer is that of the connection, even if it is a proxy: a request that a proxy forwards can be read.
 */
export function createUnreadable(frame: Frame, limited: boolean) {
  const counters = createLocalCounters()
  const { hits, seconds } = limits.unreadable

  return async (parserCode: string | undefined, peer: string): Promise<string | undefined> => {
    if (limited) {
      const counted = await counters.hit(networkOf(readIp(peer) ?? peer), seconds * 1000, frame.clock())
      if (counted.hits > hits) return undefined
    }
    const { error } = fail(faults[parserCode ?? ''] ?? 'invalid_request')
    const requestId = frame.requestId()
    const { status, body, headers } = frame.describe(error, { locale: 'en', requestId, oauth: false })
    const content = JSON.stringify(body)
    const list = withHeaders(frame.headers.api, {
      ...headers,
      'Content-Language': 'en',
      'Content-Type': 'application/problem+json',
      'Content-Length': String(Buffer.byteLength(content)),
      'X-Request-Id': requestId,
      Connection: 'close',
    })
    frame.events.emit(
      'http.answered',
      { method: 'other', route: 'unreadable', status, ms: 0 },
      { ...internalOrigin, requestId },
    )
    const head = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`]
    for (let at = 0; at < list.length; at += 2) head.push(`${list[at]}: ${list[at + 1]}`)
    return `${head.join('\r\n')}\r\n\r\n${content}`
  }
}
export type UnreadableRequests = ReturnType<typeof createUnreadable>
