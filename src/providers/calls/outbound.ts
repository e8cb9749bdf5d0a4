/**
 * The HTTP connections to providers: one pool for each provider, and for each customer's site behind it, so that calls
 * that wait for one of them take no connection from another, even on the same origin.
 */
import type { Dispatcher } from 'undici'

/** As much of a provider's response as is read, in bytes; everything in it is smaller. */
export const MOST_RESPONSE_BYTES = 1024 * 1024

/** Where outgoing calls go through; the names are those of the environment variables every HTTP client knows. */
export type ProxySettings = {
  /** `http://user:password@host:port`; https calls go through it by CONNECT. */
  readonly httpsProxy: string
  /** Hosts reached directly: names, domains, `*`; comma separated. */
  readonly noProxy: string
}

/** Makes pools. The HTTP client is loaded at the first call: it is most of what an idle service would hold. */
export function createOutbound(proxy: ProxySettings | null) {
  let loaded: Promise<typeof import('undici')> | undefined
  const load = (): Promise<typeof import('undici')> => {
    loaded ??= import('undici')
    return loaded
  }
  const pools = new Set<Dispatcher>()

  return {
    load,
    /** How many connections a pool opens is left to the breakers, which bound how many calls are under way. */
    async open(): Promise<Dispatcher> {
      const { Agent, EnvHttpProxyAgent } = await load()
      const options = { maxResponseSize: MOST_RESPONSE_BYTES }
      // An empty `httpProxy` keeps the library from reading HTTP_PROXY by itself: plain http is for loopback alone.
      const pool = proxy ? new EnvHttpProxyAgent({ ...options, ...proxy, httpProxy: '' }) : new Agent(options)
      pools.add(pool)
      return pool
    },
    /** Closes one pool when its calls have ended. */
    async drop(pool: Dispatcher): Promise<void> {
      pools.delete(pool)
      await pool.close()
    },
    async close(): Promise<void> {
      await Promise.all([...pools].map((pool) => pool.close()))
    },
  }
}
