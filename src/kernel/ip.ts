import { BlockList, isIPv4, isIPv6, SocketAddress } from 'node:net'

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

/**
 * IPv4 addresses that are not public: the special-purpose registry of IANA (RFC 6890), multicast, and the address at
 * which every machine in Azure reaches the platform.
 */
const privateIpv4 = listOf('ipv4', [
  ['0.0.0.0', 8],
  ['10.0.0.0', 8],
  ['100.64.0.0', 10],
  ['127.0.0.0', 8],
  ['168.63.129.16', 32],
  ['169.254.0.0', 16],
  ['172.16.0.0', 12],
  ['192.0.0.0', 24],
  ['192.0.2.0', 24],
  ['192.88.99.0', 24],
  ['192.168.0.0', 16],
  ['198.18.0.0', 15],
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4],
  ['240.0.0.0', 4],
])
/**
 * Only global unicast addresses can be public. All others are refused by that rule: loopback, link-local, unique-local,
 * multicast, IPv4-mapped and NAT64, which lead to an IPv4 address.
 */
const globalIpv6 = listOf('ipv6', [['2000::', 3]])
/** Global unicast addresses for protocols and documentation. Teredo and 6to4 lead to an IPv4 address. */
const privateIpv6 = listOf('ipv6', [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
])

function listOf(family: 'ipv4' | 'ipv6', networks: readonly (readonly [address: string, prefix: number])[]): BlockList {
  const list = new BlockList()
  for (const [address, prefix] of networks) list.addSubnet(address, prefix, family)
  return list
}

/**
 * Whether an IP address is on the public internet, so that calling it cannot reach this machine, its network or the
 * metadata service of its cloud. False for anything that is not an IP address, and for one with a zone.
 */
export function isPublicIp(address: string): boolean {
  if (isIPv4(address)) return !privateIpv4.check(address, 'ipv4')
  if (!isIPv6(address) || address.includes('%')) return false
  return globalIpv6.check(address, 'ipv6') && !privateIpv6.check(address, 'ipv6')
}
