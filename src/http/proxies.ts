import type { IncomingMessage } from 'node:http'

/** Headers that tell of a reverse proxy: RFC 7239's, and those that were there before it. */
const tellsOfProxy = /^(forwarded|x-forwarded-.*|x-real-ip)$/

const loopbackAddress = /^(::ffff:)?127\.|^::1$/
const loopbackName = /^(localhost|([a-z0-9-]+\.)+localhost|127(\.\d{1,3}){3}|\[::1\])(:\d+)?$/i

/**
 * Whether a request came straight from a program on this machine: as far as can be seen. A proxy on the same host that
 * says nothing of itself looks the same, so nothing secret may rest on this in production.
 */
export const isDirect = ({ socket, headers }: IncomingMessage): boolean =>
  loopbackAddress.test(socket.remoteAddress ?? '') &&
  loopbackName.test(headers.host ?? '') &&
  !Object.keys(headers).some((name) => tellsOfProxy.test(name))
