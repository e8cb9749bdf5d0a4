import express, { type Express, type Request } from 'express'
import type { VNode } from 'preact'
import type { Branding } from '../branding/branding.ts'
import type { AppError } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import type { Fact } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/ids.ts'
import { readIp } from '../kernel/ip.ts'
import { createPageBrand } from './brand.ts'
import { createCookies } from './cookies.ts'
import { createCors, type RegisteredOrigins } from './cors.ts'
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
  /** What every handler receives. */
  readonly vinculum: D
  readonly publicUrl: URL
  /** The URLs of applications on other origins (`RETURN_TO_ALLOWED`). Browsers may call the API from these origins. */
  readonly applications: readonly URL[]
  /** The same for registered applications. */
  readonly registeredOrigins: RegisteredOrigins
  readonly trustProxyHops: number
  readonly clock: Clock
  readonly random: Random
  readonly events: Pick<Bus, 'emit'>
  readonly authenticate: Authenticate
  readonly recentAuthSeconds: number
  /** How long the store may take for a request, in milliseconds; `null`: the store limits each of its waits itself. */
  readonly requestMs: number | null
  /** `null`: no rate limits. */
  readonly rateLimits: RateLimitStore | null
  readonly csrfKey: Buffer
  readonly branding: Pick<Branding, 'current' | 'load'>
  readonly applicationLogo: Frame['applicationLogo']
  readonly errorPage: (error: AppError, context: ErrorContext) => VNode
  readonly record: (fact: Fact) => Promise<void>
  readonly onDefect: (error: unknown, requestId: string) => void
  /** Called with a warning that an operator should act on. */
  readonly onWarning: (message: string) => void
  readonly staticFiles: readonly StaticFile[]
  readonly version: string
}

/**
 * The whole HTTP surface: the given routes, and the documents derived from them. It also defines how the server refuses
 * what never reaches the app.
 */
export function createApp<D>(parts: AppParts<D>): { readonly app: Express; readonly refusals: Refusals } {
  const { publicUrl, clock, rateLimits, staticFiles, version } = parts
  const app = express()
  app.disable('x-powered-by')
  app.disable('etag')
  // Otherwise the default error handler of Express would show stack traces.
  app.set('env', 'production')
  app.enable('case sensitive routing')
  app.enable('strict routing')
  app.set('query parser', 'simple')
  app.set('trust proxy', parts.trustProxyHops)

  const brand = createPageBrand(parts.branding.current, publicUrl)
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
    publicUrl,
    clock,
    limiter,
    random: parts.random,
    events: parts.events,
    headers: createHeaders(publicUrl),
    cookies,
    csrf: createCsrf({ publicUrl, key: parts.csrfKey }),
    cors: createCors(parts.applications, parts.registeredOrigins),
    describe,
    authenticate: parts.authenticate,
    recentAuthSeconds: parts.recentAuthSeconds,
    requestMs: parts.requestMs,
    requestId: createRequestIds(clock, parts.random),
    addressOf: parts.trustProxyHops === 0 ? peerOrWarning(parts.onWarning) : forwardedFor,
    brand: brand.page,
    brandFile: brand.file,
    applicationLogo: parts.applicationLogo,
    reloadBrand: parts.branding.load,
    errorPage: parts.errorPage,
    record: parts.record,
    onDefect: parts.onDefect,
  }
  const unroutable = mount(app, frame, routes, [...staticFiles, ...referenceFiles], parts.vinculum)
  return { app, refusals: { unroutable, unreadable: createUnreadable(frame, rateLimits !== null) } }
}

/**
 * Behind a proxy that is not configured, all clients share one address, and so its rate limits. Warned about once, at
 * the first request that shows it.
 */
function peerOrWarning(warn: (message: string) => void): (request: Request) => string | null {
  let warned = false
  return (request) => {
    const { 'x-forwarded-for': list, forwarded } = request.headers
    // `doctor` sends a made-up list to this path, and reports itself what the proxies do. Compare the raw URL, because
    // it may not be parsable.
    const isDoctors = request.url.split('?', 1)[0] === arrivalPath
    if (!warned && !isDoctors && (list !== undefined || forwarded !== undefined)) {
      warned = true
      const name = list === undefined ? 'Forwarded' : 'X-Forwarded-For'
      warn(
        `header ${name} ignored because TRUST_PROXY_HOPS is 0: all clients behind that proxy share one IP address and its rate limits`,
      )
    }
    return peerOf(request)
  }
}

const peerOf = (request: Request): string | null => readIp(request.socket.remoteAddress ?? '')

/** The client address as the trusted proxies report it. A reported value that is not an address is ignored. */
const forwardedFor = (request: Request): string | null => readIp(request.ip ?? '') ?? peerOf(request)
