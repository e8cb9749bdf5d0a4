import express, { type Express, type Request } from 'express'
import type { VNode } from 'preact'
import type { AppError } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import type { Fact } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/ids.ts'
import { readIp } from '../kernel/ip.ts'
import { createCookies } from './cookies.ts'
import { createCors } from './cors.ts'
import { createCsrf } from './csrf.ts'
import { documentation } from './docs.tsx'
import type { ErrorContext, Frame } from './frame.ts'
import { createHeaders } from './headers.ts'
import { createLimiter, type Limiter, type LimitName } from './limits.ts'
import { mount } from './mount.ts'
import type { RateLimitStore } from './ports.ts'
import type { Authenticate } from './principal.ts'
import { createProblems } from './problem.ts'
import { arrivalPath } from './proxies.ts'
import { referenceFiles } from './reference-files.ts'
import { createRequestIds } from './request-id.ts'
import type { Route } from './route.ts'
import type { Refusals } from './server.ts'
import type { StaticFile } from './static.ts'
import { createUnreadable } from './unreadable.ts'

export type AppParts<D> = {
  readonly routes: readonly Route<D>[]
  /** What every handler is given. */
  readonly vinculum: D
  readonly publicUrl: URL
  /** Where applications of other origins live (`RETURN_TO_ALLOWED`): their origins may call the API from a browser. */
  readonly applications: readonly URL[]
  readonly trustProxyHops: number
  readonly clock: Clock
  readonly random: Random
  readonly events: Pick<Bus, 'emit'>
  readonly authenticate: Authenticate
  readonly recentAuthSeconds: number
  /** How long the store may take for a request, in milliseconds; `null`: it bounds each of its waits by itself. */
  readonly requestMs: number | null
  /** `null`: nothing is limited. */
  readonly rateLimits: RateLimitStore | null
  readonly csrfKey: Buffer
  readonly errorPage: (error: AppError, context: ErrorContext) => VNode
  readonly record: (fact: Fact) => Promise<void>
  readonly onDefect: (error: unknown, requestId: string) => void
  /** Something an operator should mend. */
  readonly onWarning: (message: string) => void
  readonly staticFiles: readonly StaticFile[]
  readonly version: string
}

/**
 * The whole HTTP surface: the given routes, and the documents that are read off them; and how the server refuses what
 * the app is never given.
 */
export function createApp<D>(parts: AppParts<D>): { readonly app: Express; readonly refusals: Refusals } {
  const { publicUrl, clock, rateLimits, staticFiles, version } = parts
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  // Express's own last resort shows stacks unless it believes this.
  app.set('env', 'production')
  app.enable('case sensitive routing')
  app.enable('strict routing')
  app.set('query parser', 'simple')
  app.set('trust proxy', parts.trustProxyHops)

  const cookies = createCookies(parts)
  const describe = createProblems(parts)
  const stylesheet = staticFiles.find(({ contentType }) => contentType.startsWith('text/css'))?.path
  const routes: readonly Route<D>[] = [
    ...parts.routes,
    ...documentation({
      routes: () => routes,
      publicUrl,
      version,
      stylesheet,
      sessionCookie: cookies.nameOf('session'),
      describe,
    }),
  ]
  const limiters = new Map<LimitName, Limiter | undefined>()
  const onFault = (error: unknown): void => parts.onDefect(error, 'rate limits')
  const limiter = (name: LimitName): Limiter | undefined => {
    if (rateLimits && !limiters.has(name))
      limiters.set(name, createLimiter(name, { store: rateLimits, clock, onFault }))
    return limiters.get(name)
  }
  const frame: Frame = {
    clock,
    limiter,
    random: parts.random,
    events: parts.events,
    headers: createHeaders(publicUrl),
    cookies,
    csrf: createCsrf({ publicUrl, key: parts.csrfKey }),
    cors: createCors(parts.applications),
    describe,
    authenticate: parts.authenticate,
    recentAuthSeconds: parts.recentAuthSeconds,
    requestMs: parts.requestMs,
    requestId: createRequestIds(parts.random),
    addressOf: parts.trustProxyHops === 0 ? peerOrWarning(parts.onWarning) : forwardedFor,
    errorPage: parts.errorPage,
    record: parts.record,
    onDefect: parts.onDefect,
  }
  const unroutable = mount(app, frame, routes, [...staticFiles, ...referenceFiles], parts.vinculum)
  return { app, refusals: { unroutable, unreadable: createUnreadable(frame, rateLimits !== null) } }
}

/** Behind a proxy nobody told us of, everybody shares one address, and so its limits. Said once, where it shows. */
function peerOrWarning(warn: (message: string) => void): (request: Request) => string | null {
  let warned = false
  return (request) => {
    const { 'x-forwarded-for': list, forwarded } = request.headers
    // `doctor` sends a made-up list there, and reports itself what the proxies in front do.
    // By its raw URL, since there may be none that can be taken apart.
    const isDoctors = request.url.split('?', 1)[0] === arrivalPath
    if (!warned && !isDoctors && (list !== undefined || forwarded !== undefined)) {
      warned = true
      const name = list === undefined ? 'Forwarded' : 'X-Forwarded-For'
      warn(
        `${name} arrives but TRUST_PROXY_HOPS is 0: it changes nothing, and everybody behind that proxy shares one address and its rate limits`,
      )
    }
    return peerOf(request)
  }
}

const peerOf = (request: Request): string | null => readIp(request.socket.remoteAddress ?? '')

/** As far as the trusted proxies vouch for it; what they pass on that is no address is not believed. */
const forwardedFor = (request: Request): string | null => readIp(request.ip ?? '') ?? peerOf(request)
