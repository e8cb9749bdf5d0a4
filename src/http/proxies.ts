import type { IncomingMessage } from 'node:http'
import { readIp } from '../kernel/ip.ts'
import { isLoopback } from '../kernel/loopback.ts'

/** Headers that tell of a reverse proxy: RFC 7239's, and those that were there before it. */
const tellsOfProxy = /^(forwarded|x-forwarded-.*|x-real-ip)$/

/**
 * Whether a request came straight from a program on this machine: as far as can be seen. A proxy on the same host that
 * says nothing of itself looks the same, so nothing secret may rest on this in production.
 */
export const isDirect = ({ socket, headers }: IncomingMessage): boolean =>
  isLoopback(readIp(socket.remoteAddress ?? '') ?? '') &&
  isLoopback((headers.host ?? '').replace(/:\d+$/, '')) &&
  !Object.keys(headers).some((name) => tellsOfProxy.test(name))

/** Where `doctor` asks how its own requests arrive. */
export const arrivalPath = '/health/arrival'

/** What the proxies in front have said of one request, as it arrived. */
export type ProxyChain = {
  /** The connection's other end: the last proxy, or the client. */
  readonly peer: string | null
  /** The entries of every `X-Forwarded-For`, the farthest first: a proxy may add a line of its own. */
  readonly forwardedFor: readonly string[]
  /** Whether there is a `Forwarded` header (RFC 7239), which is not read. */
  readonly forwarded: boolean
  readonly scheme: string | null
  readonly host: string | null
}

export const proxyChainOf = ({ socket, headers }: IncomingMessage): ProxyChain => {
  const textOf = (name: string): string | null => {
    const value = headers[name]
    return value === undefined ? null : String(value)
  }
  return {
    peer: readIp(socket.remoteAddress ?? ''),
    forwardedFor: (textOf('x-forwarded-for') ?? '')
      .split(',')
      .map((entry) => entry.trim())
      .filter(Boolean),
    forwarded: headers.forwarded !== undefined,
    scheme: textOf('x-forwarded-proto'),
    host: textOf('host'),
  }
}
