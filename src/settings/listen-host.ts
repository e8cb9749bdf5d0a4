import { isIP } from 'node:net'

/**
 * Returns what is wrong with the host to listen on, or `undefined`. Whether it belongs to this machine is known only
 * when the service listens.
 */
export function listenHostFault(host: string): string | undefined {
  if (isIP(host) !== 0) return undefined
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(host))
    return 'must be an IP address or a host name to listen on, not a URL; set PUBLIC_URL for the URL of the service'
  if (host.includes('/')) return 'must be one IP address, without a path or a range'
  const [, bracketed, port] = /^\[([^\]]*)\](:\d+)?$/.exec(host) ?? []
  if (bracketed !== undefined && port === undefined) return 'must be an IPv6 address without brackets'
  if (/^[^:]+:\d+$/.test(host) || port !== undefined) return 'must be without a port; set PORT for that'
  if (host === '*') return 'must be 0.0.0.0 or :: to listen on all IP addresses'
  // A name of digits only would be read as an IP address: 3000 is 0.0.11.184.
  const isName =
    host.length <= 253 && /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/i.test(host)
  return isName && !/(^|\.)\d+$/.test(host)
    ? undefined
    : 'must be an IP address of this machine, or a host name that resolves to one'
}
