/**
 * The HTTP connections to providers. Each provider, and each customer site behind it, has its own pool. Slow calls to
 * one of them then take no connection from another, even on the same origin.
 */
import type { Dispatcher } from 'undici'

/** How much of a provider's response is read, in bytes. Every valid response is smaller. */
export const MOST_RESPONSE_BYTES = 1024 * 1024

/** The proxy for outgoing calls. The names follow the usual environment variables. */
export type ProxySettings = {
  /** `http://user:password@host:port`; https calls use it with CONNECT. */
  readonly httpsProxy: string
  /** Hosts to call without the proxy: names, domains or `*`, comma separated. */
  readonly noProxy: string
}

/**
 * Creates connection pools. The HTTP client is loaded at the first call: it would be most of an idle service's memory.
 */
export function createOutbound(proxy: ProxySettings | null) {
  let loaded: Promise<typeof import('undici')> | undefined
  const load = (): Promise<typeof import('undici')> => {
    loaded ??= import('undici')
    return loaded
  }
  const pools = new Set<Dispatcher>()

  return {
    load,
    /** Opens a pool. It has no connection limit of its own, since the breakers limit concurrent calls. */
    async open(): Promise<Dispatcher> {
      const { Agent, EnvHttpProxyAgent } = await load()
      const options = { maxResponseSize: MOST_RESPONSE_BYTES }
      // The empty `httpProxy` stops the library from reading HTTP_PROXY: plain http is only used for loopback.
      const pool = proxy ? new EnvHttpProxyAgent({ ...options, ...proxy, httpProxy: '' }) : new Agent(options)
      pools.add(pool)
      return pool
    },
    /** Closes one pool after its calls have ended. */
    async drop(pool: Dispatcher): Promise<void> {
      pools.delete(pool)
      await pool.close()
    },
    async close(): Promise<void> {
      await Promise.all([...pools].map((pool) => pool.close()))
    },
  }
}
