import type { IncomingMessage } from 'node:http'
import { readIp } from '../kernel/ip.ts'
import { isLoopback } from '../kernel/loopback.ts'

/** Headers that reveal a reverse proxy: that of RFC 7239 and its predecessors. */
const proxyHeader = /^(forwarded|x-forwarded-.*|x-real-ip)$/

/**
 * Whether a request seems to come directly from a program on this machine. A proxy on the same host that adds no header
 * looks the same, so nothing secret may depend on this in production.
 */
export const isDirect = ({ socket, headers }: IncomingMessage): boolean =>
  isLoopback(readIp(socket.remoteAddress ?? '') ?? '') &&
  isLoopback((headers.host ?? '').replace(/:\d+$/, '')) &&
  !Object.keys(headers).some((name) => proxyHeader.test(name))

/** The route that `doctor` calls to see how its own requests arrive. */
export const arrivalPath = '/health/arrival'

/** What the proxies reported about one request. */
export type ProxyChain = {
  /** The other end of the connection: the last proxy, or the client. */
  readonly peer: string | null
  /** The entries of every `X-Forwarded-For` header, the farthest first: a proxy may add a header of its own. */
  readonly forwardedFor: readonly string[]
  /** Whether there is a `Forwarded` header (RFC 7239), which is ignored. */
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
