import type { IncomingHttpHeaders } from 'node:http'
import type { Route } from './route.ts'

/**
 * What scripts of other origins may do with a resource. `any`: public documents, for every origin. `application`: the
 * bearer API, for the origins of allowed applications. `client`: the endpoints of registered applications, which read no
 * cookie, for every origin. `none`: pages, redirects, and routes for back ends.
 */
export type CrossOrigin = 'any' | 'client' | 'application' | 'none'

/**
 * Derived from the route. Browsers never need the routes of back ends or monitoring systems, and a route with a page
 * must never be readable by another origin.
 */
export function crossOriginOf({ surface, shared, credential, anyOrigin }: Route<never>): CrossOrigin {
  if (shared) return 'any'
  if (anyOrigin) return 'client'
  if (surface !== 'api' || credential === 'service' || credential === 'metrics' || credential === 'doctor')
    return 'none'
  return 'application'
}

const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])
const exposed = ['X-Request-Id', 'Retry-After', 'WWW-Authenticate', 'Link', 'DPoP-Nonce'].join(', ')
/** `Accept-Language` and `Accept` need no permission unless their values are unusual (Fetch, "CORS-safelisted"). */
const requestHeaders = ['Authorization', 'Content-Type', 'Accept', 'Accept-Language', 'DPoP'].join(', ')
/** For how many seconds a browser may cache the answer; Chromium caches none for longer than 7200. */
const preflightSeconds = '600'

/** The origins of registered applications. They change while the service runs. */
export type RegisteredOrigins = {
  readonly refresh: () => Promise<void>
  readonly has: (origin: string) => boolean
}

/**
 * Cross-origin resource sharing (Fetch, §3.2). Origins are allowed by exact match, without patterns. `null`, the origin
 * of every sandboxed frame, is never allowed. `Access-Control-Allow-Credentials` is never sent, so no browser lets
 * another origin read a response that was authorized by a cookie.
 */
export function createCors(allowed: readonly URL[], registered: RegisteredOrigins) {
  const origins = new Set(allowed.map(({ origin }) => origin).filter((origin) => origin !== 'null'))

  const permission = (shares: CrossOrigin, { origin }: IncomingHttpHeaders): string | undefined => {
    if (shares === 'none' || origin === undefined) return undefined
    if (shares === 'any' || shares === 'client') return '*'
    return origins.has(origin) || registered.has(origin) ? origin : undefined
  }

  return {
    /**
     * Before a response to a script of another origin: reads the registered origins, if they may have changed.
     * `undefined` if there is nothing to wait for, as for nearly every request.
     */
    prepare(shares: CrossOrigin, { origin }: IncomingHttpHeaders): Promise<void> | undefined {
      const mayHaveChanged = shares === 'application' && origin !== undefined && !origins.has(origin)
      return mayHaveChanged ? registered.refresh() : undefined
    },
    /** The headers that let the calling script read the response, even if it is an error. */
    answer(shares: CrossOrigin, headers: IncomingHttpHeaders): readonly string[] {
      const origin = permission(shares, headers)
      if (origin === undefined) return []
      return ['Access-Control-Allow-Origin', origin, 'Access-Control-Expose-Headers', exposed]
    },
    /** The method a preflight asks for; `undefined` for any other request. */
    preflightFor({ method, headers }: { method: string; headers: IncomingHttpHeaders }): string | undefined {
      const wanted = headers['access-control-request-method']
      return method === 'OPTIONS' && headers.origin !== undefined ? wanted : undefined
    },
    /** The headers of a preflight response; `undefined` if the request is refused. */
    preflight(shares: CrossOrigin, method: string, headers: IncomingHttpHeaders): readonly string[] | undefined {
      const origin = permission(shares, headers)
      if (origin === undefined || !methods.has(method)) return undefined
      return [
        'Access-Control-Allow-Origin',
        origin,
        'Access-Control-Allow-Methods',
        method,
        'Access-Control-Allow-Headers',
        shares === 'any' ? '*' : requestHeaders,
        'Access-Control-Max-Age',
        preflightSeconds,
      ]
    },
  }
}
export type Cors = ReturnType<typeof createCors>
