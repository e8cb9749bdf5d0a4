/**
 * The HTTP connections to providers. Each provider, and each customer site behind it, has its own pool. Slow calls to
 * one of them then take no connection from another, even on the same origin.
 *
 * The URLs of some providers were entered by an administrator at run time. Without a check, that administrator could
 * use the service to reach its private network, or the metadata service of its cloud. Their pools therefore connect
 * only to public IP addresses.
 */
import type { LookupAddress, LookupOptions } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import type { Dispatcher } from 'undici'
import { isPublicIp } from '../../kernel/ip.ts'
import type { Reach } from '../provider.ts'
import type { Deadline } from './deadline.ts'
import { createPublicResolver } from './public-resolver.ts'
import { createSystemResolver } from './system-resolver.ts'

/** How much of a provider's response is read, in bytes. Every valid response is smaller. */
export const MOST_RESPONSE_BYTES = 1024 * 1024

/** The proxy for outgoing calls. The names follow the usual environment variables. */
export type ProxySettings = {
  /** `http://user:password@host:port`; https calls use it with CONNECT. */
  readonly httpsProxy: string
  /** Hosts to call without the proxy: names, domains or `*`, comma separated. */
  readonly noProxy: string
}

/** A host that a call may not reach. It names no address: the text can reach a log. */
export class PrivateAddressError extends Error {
  override name = 'PrivateAddress'
  constructor() {
    super('the host has an IP address that is not public')
  }
}

/** Resolves a name to all of its IP addresses. */
export type Resolver = (
  host: string,
  options: LookupOptions & { all: true },
  done: (error: NodeJS.ErrnoException | null, addresses: LookupAddress[]) => void,
) => void

/** Who resolves the hosts of a pool. A proxy is resolved like a host that any address may have. */
export type Resolvers = Readonly<Record<Reach, Resolver>>
const defaultResolvers: Resolvers = { any: createSystemResolver(), public: createPublicResolver() }

type RequestOptions = {
  readonly method: Dispatcher.HttpMethod
  readonly headers: Readonly<Record<string, string>>
  readonly body: string | null
  readonly signal: Deadline
}

/** The connections to one provider, or to one site behind it. */
export type Pool = {
  /** Rejects with `PrivateAddressError` before any connection if the host is out of reach. */
  request(url: string, options: RequestOptions): Promise<Dispatcher.ResponseData>
}

/**
 * The function with which a connection resolves its host. The connection is made to one of the addresses that it
 * returns, so a name that resolves to another address in the next moment gains nothing.
 */
const lookupWith =
  (resolve: Resolver): LookupFunction =>
  (host, options, done) =>
    resolve(host, { ...options, all: true }, (error, addresses) => {
      const [first] = addresses
      if (error || options.all || !first) done(error, addresses)
      else done(null, first.address, first.family)
    })

/**
 * Creates connection pools. The HTTP client is loaded at the first call: it would be most of an idle service's memory.
 */
export function createOutbound(proxy: ProxySettings | null, given: Partial<Resolvers> = {}) {
  const resolvers = { ...defaultResolvers, ...given }
  let loaded: Promise<typeof import('undici')> | undefined
  const load = (): Promise<typeof import('undici')> => {
    loaded ??= import('undici')
    return loaded
  }
  const dispatchers = new Map<Pool, Dispatcher>()

  /** Resolves a name. Fails if any of its IP addresses is private: a public one next to it may be a decoy. */
  const resolvePublic: Resolver = (host, options, done) =>
    resolvers.public(host, options, (error, addresses) =>
      error || addresses.every(({ address }) => isPublicIp(address))
        ? done(error, addresses)
        : done(new PrivateAddressError(), []),
    )

  /**
   * Checks what the resolver of a connection does not see: an IP address in the URL, and a host that a proxy resolves.
   * The proxy gets the name, since its own rules apply to names, and resolves it again.
   */
  async function checkHost(url: string, signal: Deadline): Promise<void> {
    const host = new URL(url).hostname.replace(/^\[|\]$/g, '')
    if (isIP(host) !== 0) {
      if (!isPublicIp(host)) throw new PrivateAddressError()
    } else if (proxy)
      await new Promise<void>((fulfill, reject) => {
        signal.once('abort', () => reject(new Error('timeout')))
        resolvePublic(host, { all: true }, (error) => (error ? reject(error) : fulfill()))
      })
  }

  return {
    load,
    /** Opens a pool. It has no connection limit of its own, since the breakers limit concurrent calls. */
    async open(reach: Reach): Promise<Pool> {
      const { Agent, EnvHttpProxyAgent } = await load()
      const options = {
        maxResponseSize: MOST_RESPONSE_BYTES,
        connect: { lookup: lookupWith(reach === 'public' ? resolvePublic : resolvers.any) },
        proxyTls: { lookup: lookupWith(resolvers.any) },
      }
      // The empty `httpProxy` stops the library from reading HTTP_PROXY: plain http is only used for loopback.
      const dispatcher = proxy ? new EnvHttpProxyAgent({ ...options, ...proxy, httpProxy: '' }) : new Agent(options)
      const pool: Pool = {
        async request(url, options) {
          if (reach === 'public') await checkHost(url, options.signal)
          const { method, headers, body, signal } = options
          const { origin, pathname, search } = new URL(url)
          return dispatcher.request({ origin, path: pathname + search, method, headers, body, signal })
        },
      }
      dispatchers.set(pool, dispatcher)
      return pool
    },
    /** Closes one pool after its calls have ended. */
    async drop(pool: Pool): Promise<void> {
      const dispatcher = dispatchers.get(pool)
      dispatchers.delete(pool)
      await dispatcher?.close()
    },
    async close(): Promise<void> {
      await Promise.all([...dispatchers.values()].map((dispatcher) => dispatcher.close()))
    },
  }
}
