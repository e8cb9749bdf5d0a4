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
