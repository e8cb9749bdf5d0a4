import { isIPv4, isIPv6, SocketAddress } from 'node:net'

/**
 * The one spelling of an IP address, however a socket or a proxy writes it. It has no brackets, port or zone; IPv6 is
 * in its short form (RFC 5952); IPv4-mapped IPv6 (RFC 4291 §2.5.5.2) becomes IPv4. `null` for anything else. Rate
 * limits use it as their key: with two spellings, a client would have two limits.
 */
export function readIp(text: string): string | null {
  if (isIPv4(text)) return text
  const [, bracketed, withPort] = /^(?:\[([^\]]*)\](?::\d{1,5})?|([^:]*):\d{1,5})$/.exec(text) ?? []
  if (withPort !== undefined) return isIPv4(withPort) ? withPort : null
  const address = (bracketed ?? text).replace(/%.*$/, '')
  if (!isIPv6(address)) return null
  const short = new SocketAddress({ address, family: 'ipv6' }).address
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(short)?.[1] ?? short
}
