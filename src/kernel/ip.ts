import { isIPv4, isIPv6, SocketAddress } from 'node:net'

/**
 * The one spelling of an IP address, however a socket or a proxy writes it: without brackets, port and zone, IPv6 in its
 * short form (RFC 5952), and IPv4-mapped IPv6 (RFC 4291 §2.5.5.2) as the IPv4 address it stands for. `null` for anything
 * else. Limits count by it: with two spellings, a client would be two.
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
