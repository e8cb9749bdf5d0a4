/** Mounts routes in Express: finds the route of a request, and checks what the route declares, in order. */
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { Express, Request, Response } from 'express'
import { z } from 'zod'
import { type AppError, fail } from '../errors/catalogue.ts'
import { readHttpMethod } from '../kernel/http-method.ts'
import { Limit, withinLimit } from '../kernel/limit.ts'
import { acceptsOf, bodyKindOf } from './body.ts'
import { applicationLogoFile, applicationLogoHash } from './brand.ts'
import { authorize, checkBody, checkCredential, readQuery } from './checks.ts'
import { type CrossOrigin, crossOriginOf } from './cors.ts'
import type { BoundRoute, Frame, Target } from './frame.ts'
import { countHeader } from './headers.ts'
import { Incoming } from './incoming.ts'
import type { Limiter } from './limits.ts'
import { invalidRequest } from './problem.ts'
import type { Refusal, Stop } from './refusal.ts'
import { formPageOf, refusedOn } from './refused-form.ts'
import { Responder } from './responder.ts'
import type { Auth, Input, Route } from './route.ts'
import type { Refusals } from './server.ts'
import type { StaticFile } from './static.ts'
import { stripperOf } from './strip-reply.ts'
import { createTurns } from './turns.ts'

/** A path and its routes. */
type Resource<D> = {
  readonly path: string
  readonly bound: Partial<Record<string, BoundRoute<D>>>
  readonly allowed: string
  readonly surface: 'api' | 'browser'
  readonly oauth: boolean
  /** For a method that the path does not have: applications may read this error too, unless the path has pages. */
  readonly crossOrigin: CrossOrigin
}

/** The route of a request. `params` are still percent-encoded. */
type RouteMatch<D> = {
  readonly target: Target
  readonly limiter: Limiter | undefined
  readonly resource?: Resource<D>
  readonly bound?: BoundRoute<D> | undefined
  readonly params?: Readonly<Record<string, string>>
  readonly file?: StaticFile
}

/**
 * Puts routes into an Express app, with one handler for all of them. A request passes limit → authorization →
 * validation → handler → answer, in that order. So strangers learn nothing about a body they may not send, and every
 * request is counted before it is answered, also if it is refused. Returns what refuses a request that Express does not
 * pass on.
 */
export function mount<D>(
  app: Express,
  frame: Frame,
  routes: readonly Route<D>[],
  files: readonly StaticFile[],
  vinculum: D,
): Refusals['unroutable'] {
  const find = createFinder(frame, routes, files)

  const handle = async (
    incoming: Incoming,
    responder: Responder,
    response: Response,
    found: RouteMatch<D>,
    refusal?: AppError,
  ): Promise<void> => {
    const { request } = incoming
    try {
      const limited = found.limiter && (await found.limiter(request, response, incoming.address))
      if (limited) return responder.refuse(limited)
      const refused = refusal ?? headerFault(request)
      if (refused) return responder.refuse(refused)
      const { expect } = request.headers
      if (expect !== undefined && !knownExpectation.test(expect)) {
        // A body may or may not follow, so the connection cannot be used again.
        return responder.send(417, [...frame.headers.api, 'Connection', 'close'], '')
      }
      const late = found.resource || found.file ? undefined : await lateFile(frame, request.path)
      const preparing = frame.cors.prepare(sharesOf(frame, request, found), request.headers)
      if (preparing) await preparing
      const preflight = preflightOf(frame, request, found)
      if (preflight) return responder.send(204, [...frame.headers.api, ...preflight])
      const file = found.file ?? late
      if (file) return await answerFile(frame, file, request, responder)
      if (!found.resource) return responder.refuse(fail('not_found').error)
      await serve(frame, found, incoming, responder, vinculum)
    } catch (thrown) {
      await responder.failed(thrown)
    }
  }
  const inTurn = createTurns()
  /** Responds within the time limit, if there is one, and only while the client is connected. */
  const answer = (request: Request, response: Response, found: RouteMatch<D>, refusal?: AppError): void => {
    const isGone = (): boolean => request.socket.destroyed && !response.writableEnded
    // Waiting for a turn counts toward the limit.
    const limit = frame.requestMs === null ? undefined : new Limit(frame.requestMs, isGone)
    // Created on arrival: the time until the turn counts, and a client that leaves before it still has an address.
    const incoming = new Incoming(frame, request, found.target)
    const responder = new Responder(frame, incoming, response)
    const start = (): void => {
      const handling = (): Promise<void> => handle(incoming, responder, response, found, refusal)
      void (limit ? withinLimit(limit, handling) : handling())
    }
    // Probes do not wait: they ask whether the service responds. Nor does a request behind another one on the same
    // connection: Node reads as many of those as a client sends, so the line of waiting requests would have no end.
    if (found.bound?.route.limit === 'none' || response.socket === null) start()
    else inTurn(start)
  }

  app.use((request: Request, response: Response): void => {
    answer(request, response, find(request.method, request.path, bodyKindOf(request)))
  })
  // For a URL that it cannot parse (`http://[`), Express calls no handler and would answer with a page of its own.
  return (request, response) => answer(request, response, find(request.method, ''), invalidRequest)
}

/**
 * Finds the route of a method and a path. A path without parameters is found in one lookup, and wins over one with
 * parameters; of those, only the ones with as many segments and the same first one are tried. Nothing is decoded here: a
 * path that cannot be decoded still has a route, and so the limit, the surface and the documented errors of that route.
 */
function createFinder<D>(frame: Frame, routes: readonly Route<D>[], files: readonly StaticFile[]) {
  const exact = new Map<string, Resource<D>>()
  type Pattern = {
    readonly segments: readonly string[]
    readonly parameters: readonly { readonly at: number; readonly name: string }[]
    readonly resource: Resource<D>
  }
  const patterns = new Map<string, Pattern[]>()
  const all = inOrder(resources(frame, routes))
  for (const resource of all) {
    const segments = resource.path.split('/')
    const parameters = segments.flatMap((segment, at) =>
      segment.startsWith(':') ? { at, name: segment.slice(1) } : [],
    )
    if (parameters.length === 0) exact.set(resource.path, resource)
    else {
      const outline = outlineOf(segments)
      patterns.set(outline, [...(patterns.get(outline) ?? []), { segments, parameters, resource }])
    }
  }
  const statics = new Map(files.map((file) => [file.path, file]))
  const browse = frame.limiter('browse')
  const ofFiles = frame.limiter('static')

  const prepare = (resource: Resource<D>, bound: BoundRoute<D> | undefined): RouteMatch<D> => ({
    resource,
    bound,
    limiter: bound ? bound.limiter : browse,
    target: {
      pattern: resource.path,
      // HEAD counts as GET, and methods that a path does not have count as one: each is a metric series for each path.
      method: bound ? readHttpMethod(bound.route.method.toUpperCase()) : 'other',
      surface: bound ? bound.route.surface : resource.surface,
      oauth: bound ? bound.route.oauth !== undefined : resource.oauth,
      crossOrigin: bound ? bound.crossOrigin : resource.crossOrigin,
      bound: bound as BoundRoute<unknown> | undefined,
    },
  })
  /** Everything that is the same for every request, for each method of each path. */
  const prepared = new Map(
    all.map((resource) => [
      resource,
      new Map(Object.entries(resource.bound).map(([method, bound]) => [method, prepare(resource, bound)])),
    ]),
  )

  const match = (path: string): (Pick<RouteMatch<D>, 'params'> & { resource: Resource<D> }) | undefined => {
    const known = exact.get(path)
    if (known) return { resource: known }
    const given = path.split('/')
    for (const { segments, parameters, resource } of patterns.get(outlineOf(given)) ?? []) {
      const fits = segments.every((segment, at) => (segment.startsWith(':') ? given[at] !== '' : segment === given[at]))
      if (!fits) continue
      const params: Record<string, string> = {}
      for (const { at, name } of parameters) params[name] = given[at] as string
      return { resource, params }
    }
    return undefined
  }

  return (method: string, path: string, body?: ReturnType<typeof bodyKindOf>): RouteMatch<D> => {
    const file = statics.get(path) ?? frame.brandFile(path)
    if (file) {
      const offered = method === 'GET' || method === 'HEAD'
      const target = { pattern: '/static', surface: 'browser', oauth: false, crossOrigin: 'none' } as const
      return { file, limiter: ofFiles, target: { ...target, method: offered ? 'GET' : 'other' } }
    }
    const matched = match(path)
    if (!matched) {
      // A web application that requests a wrong path can read this error. Otherwise it would see a network failure.
      const target = { pattern: 'unknown', surface: 'browser', oauth: false, crossOrigin: 'application' } as const
      return { limiter: browse, target: { ...target, method: readHttpMethod(method) } }
    }
    const { resource, params } = matched
    const methods = prepared.get(resource)
    const found =
      (body === 'form' ? methods?.get(`${method}${formOnly}`) : undefined) ??
      methods?.get(method) ??
      // Where only forms are accepted, another body is refused for its type, not for the method.
      methods?.get(`${method}${formOnly}`) ??
      prepare(resource, undefined)
    const { bound, limiter, target } = found
    return params ? { resource, bound, limiter, target, params } : found
  }
}

/** What narrows a path down to few patterns: its number of segments and the first one, which is never a parameter. */
const outlineOf = (segments: readonly string[]): string => `${segments.length} ${segments[1]}`

/** What is wrong with the headers of a request; `undefined` if nothing is. */
function headerFault({ headers, httpVersion, rawHeaders, url }: Request): AppError | undefined {
  // If there are two hosts, a proxy may have used the other one (RFC 9112 §3.2).
  const hosts = headers.host === undefined ? (httpVersion === '1.0' ? 1 : 0) : countHeader(rawHeaders, 'host')
  if (hosts !== 1) return invalidRequest
  // One of two proofs would be ignored (RFC 9449 §4.3).
  if (headers.dpop !== undefined && countHeader(rawHeaders, 'dpop') > 1) return invalidRequest
  let size = url.length
  for (const text of rawHeaders) size += text.length + 2
  return size > maxHeaderBytes || rawHeaders.length > maxHeaders * 2 ? fail('headers_too_large').error : undefined
}

/** Node accepts more than this (`server.ts`), so that a request with too much gets a normal response. */
const maxHeaderBytes = 16_384
const maxHeaders = 100

/** The only expectation that HTTP defines (RFC 9110 §10.1.1), matched as Node does. */
const knownExpectation = /(?:^|\W)100-continue(?:$|\W)/i

const nothing = z.strictObject({})

/** Added to the method of a route for the forms of other sites, next to one for JSON. */
const formOnly = ' form'

function resources<D>(frame: Frame, routes: readonly Route<D>[]): readonly Resource<D>[] {
  const found = new Map<string, Partial<Record<string, BoundRoute<D>>>>()
  for (const route of routes) {
    const bound = found.get(route.path) ?? {}
    found.set(route.path, bound)
    if (route.path.startsWith('/:')) throw new Error(`${route.path} begins with a parameter`)
    if (route.fromAnotherSite && route.auth !== 'none') throw new Error(`${route.path} reads credentials of a form`)
    const method = route.method.toUpperCase() + (route.fromAnotherSite ? formOnly : '')
    if (bound[method]) throw new Error(`${method} ${route.path} is declared twice`)
    const accepts = acceptsOf(route)
    const entry: BoundRoute<D> = {
      route,
      accepts,
      limiter: frame.limiter(route.limit),
      headers: route.shared ? frame.headers.shared : route.oauth ? frame.headers.oauth : frame.headers.api,
      crossOrigin: crossOriginOf(route),
      body: route.body ?? nothing,
      strip: stripperOf(() => route.reply),
    }
    bound[method] = entry
    // HEAD counts as GET only where GET changes nothing: the HEAD of a link scanner must not use up a sign-in.
    if (method === 'GET' && route.limit !== 'sign_in') bound.HEAD = entry
  }
  for (const bound of found.values()) {
    const { POST } = bound
    if (POST) bound.POST = { ...POST, formPage: formPageOf(POST.route, (path) => found.get(path)?.GET) }
  }
  return [...found].map(([path, bound]) => {
    const all = Object.values(bound).flatMap((each) => (each ? [each.route] : []))
    const shares = new Set(Object.values(bound).map((each) => each?.crossOrigin ?? 'none'))
    const [only = 'none'] = shares
    return {
      path,
      bound,
      allowed: [...new Set(Object.keys(bound).map((method) => method.replace(formOnly, '')))].sort().join(', '),
      surface: all.some(({ surface }) => surface === 'browser') ? 'browser' : 'api',
      oauth: all.some(({ oauth }) => oauth !== undefined),
      crossOrigin: shares.size === 1 ? only : 'none',
    }
  })
}

/** `/auth/conflicts/:ticket` comes before `/auth/:provider/callback`: a literal segment wins over a parameter. */
function inOrder<R extends { readonly path: string }>(resources: readonly R[]): readonly R[] {
  const ranked = resources.map((resource) => ({ resource, rank: resource.path.replace(/:\w+/g, '\u{10ffff}') }))
  return ranked.sort((a, b) => (a.rank < b.rank ? -1 : 1)).map(({ resource }) => resource)
}

async function serve<D>(
  frame: Frame,
  { resource, bound, params }: RouteMatch<D>,
  incoming: Incoming,
  responder: Responder,
  vinculum: D,
): Promise<void> {
  if (!bound) {
    const allowed = resource?.allowed ?? ''
    return responder.refuse(fail('method_not_allowed', { allowed }).error, { headers: { Allow: allowed } })
  }
  const { route } = bound
  const { request } = incoming
  const decoded = params ? decode(params) : {}
  if (!decoded) return responder.refuse(invalidRequest)
  if (isChecked(route)) {
    const stop = await authorize(frame, incoming, route)
    if (stop) return responder.stop(stop)
  }
  if (route.credential === 'refresh') {
    const stop = checkCredential(incoming)
    if (stop) return responder.stop(stop)
  }
  if (route.params) {
    const read = route.params.safeParse(decoded)
    // An ID that cannot exist gets the same answer as one that does not exist.
    if (!read.success) return responder.refuse(fail('not_found').error)
    incoming.params = read.data
  }
  // A page ignores unknown query parameters, which other sites add to links. An API refuses them.
  const query = route.query ?? (route.surface === 'api' && request.url.includes('?') ? nothing : undefined)
  if (query) {
    const stop = readQuery(incoming, query)
    if (stop) return responder.stop(stop)
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    const stop = await checkBody(frame, incoming, bound)
    const shown = isRefusal(stop) && (await refusedOn(frame, bound, incoming, responder, stop, vinculum))
    if (shown) return responder.refuseOn(shown, stop.error, stop)
    if (stop) return responder.stop(stop)
  }

  const result = await route.handle(incoming as unknown as Input<never, never, never, 'user'>, vinculum)
  if (result.ok) return responder.answer(result.value)
  await responder.audit(result.error)
  const refusal = { error: result.error, cookies: result.cookies, faults: result.faults }
  const shown = await refusedOn(frame, bound, incoming, responder, refusal, vinculum)
  if (shown) return responder.refuseOn(shown, refusal.error, refusal)
  responder.refuse(result.error, refusal)
}

const isRefusal = (stop: Stop | undefined): stop is Refusal => typeof stop === 'object' && 'error' in stop

/** Whether the frame looks at credentials before the handler does. */
const isChecked = <D>(route: Route<D>): route is Route<D> & { readonly auth: Exclude<Auth, 'none'> } =>
  route.auth !== 'none'

/** The decoded parameters of a path; `undefined` if one is not UTF-8. */
function decode(params: Readonly<Record<string, string>>): Record<string, string> | undefined {
  try {
    return Object.fromEntries(Object.entries(params).map(([name, text]) => [name, decodeURIComponent(text)]))
  } catch {
    return undefined
  }
}

/** What scripts of other origins may do with the resource: by the method that a preflight asks for, if it is one. */
function sharesOf<D>(frame: Frame, request: Request, { resource, target }: RouteMatch<D>): CrossOrigin {
  const wanted = frame.cors.preflightFor(request)
  return (wanted === undefined ? undefined : resource?.bound[wanted]?.crossOrigin) ?? target.crossOrigin
}

/** The headers that answer a preflight; `undefined` if the request is none, or if its origin is not allowed. */
function preflightOf<D>(frame: Frame, request: Request, found: RouteMatch<D>): readonly string[] | undefined {
  const wanted = frame.cors.preflightFor(request)
  return wanted === undefined
    ? undefined
    : frame.cors.preflight(sharesOf(frame, request, found), wanted, request.headers)
}

/**
 * A file of a brand that another node stored a moment ago, which its page can already name. Or the logo of an
 * application: those are not in memory, because there may be many.
 */
async function lateFile(frame: Frame, path: string): Promise<StaticFile | undefined> {
  if (!path.startsWith('/static/')) return undefined
  const hash = applicationLogoHash(path)
  if (hash === undefined) {
    await frame.reloadBrand()
    return frame.brandFile(path)
  }
  const picture = await frame.applicationLogo(hash)
  const file = picture && applicationLogoFile(picture)
  return file?.path === path ? file : undefined
}

async function answerFile(frame: Frame, file: StaticFile, request: Request, responder: Responder): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    const allowed = 'GET, HEAD'
    return responder.refuse(fail('method_not_allowed', { allowed }).error, { headers: { Allow: allowed } })
  }
  const { immutable, drawing } = frame.headers
  const base = file.contentType === 'image/svg+xml' ? drawing : immutable
  const headers = [...base, 'Content-Type', file.contentType]
  if (file.body) {
    headers.push('Vary', 'Accept-Encoding')
    // `*` and other encodings get the plain file: every browser names gzip.
    return /(^|,)\s*gzip\s*(,|$|;\s*q=(1|0\.[0-9]*[1-9]))/i.test(request.headers['accept-encoding'] ?? '')
      ? responder.send(200, [...headers, 'Content-Encoding', 'gzip'], file.gzipped)
      : responder.send(200, headers, file.body)
  }
  // A file that is missing fails here, while the response can still be an error.
  const { size } = await stat(file.location)
  return responder.send(200, [...headers, 'Content-Length', String(size)], piecesOf(file.location))
}

/** The file is opened for the first piece, so never for a HEAD request, and closed however reading ends. */
async function* piecesOf(location: string): AsyncGenerator<Buffer> {
  for await (const piece of createReadStream(location)) yield piece as Buffer
}
