/** Routes into Express: which one a request is for, and the order in which it is held to what the route says. */
import type { Express, NextFunction, Request, Response } from 'express'
import { z } from 'zod'
import { fail } from '../errors/catalogue.ts'
import { acceptsOf } from './body.ts'
import { type CrossOrigin, crossOriginOf } from './cors.ts'
import { type Bound, Exchange, type Frame } from './exchange.ts'
import { timesSent } from './headers.ts'
import { invalidRequest } from './problem.ts'
import type { Input, Route } from './route.ts'
import type { StaticFile } from './static.ts'

type Resource<D> = {
  readonly path: string
  readonly bound: Partial<Record<string, Bound<D>>>
  readonly allowed: string
  /** For a method it does not have: an application reads that refusal too, where no page is in sight. */
  readonly crossOrigin: CrossOrigin
}

/**
 * Puts routes into an Express app: one handler each, and a request goes through limit → authorisation → validation
 * → handler → answer, in that order, so that a stranger learns nothing about a body they may not send.
 * Paths without parameters are found in one look-up however many there are, and win over those with.
 */
export function mount<D>(
  app: Express,
  frame: Frame,
  routes: readonly Route<D>[],
  files: readonly StaticFile[],
  vinculum: D,
): void {
  const exact = new Map<string, Resource<D>>()
  const patterns: Resource<D>[] = []
  for (const resource of resources(frame, routes)) {
    if (resource.path.includes(':')) patterns.push(resource)
    else exact.set(resource.path, resource)
  }
  const statics = new Map(files.map((file) => [file.path, file]))

  app.use((request: Request, response: Response, next: NextFunction): unknown => {
    const { host, expect } = request.headers
    // Of two hosts, whoever passed this on may have meant the other (RFC 9112 §3.2).
    if (host === undefined ? request.httpVersion !== '1.0' : timesSent(request.rawHeaders, 'host') > 1) {
      return new Exchange(frame, request, response, 'unknown').refuse(invalidRequest)
    }
    if (expect !== undefined && !understood.test(expect)) {
      // Whether a body follows is not known: the connection is no use any more.
      return new Exchange(frame, request, response, 'unknown').send(
        417,
        [...frame.headers.api, 'Connection', 'close'],
        '',
      )
    }
    const { path } = request
    const resource = exact.get(path)
    if (resource) return serve(frame, resource, request, response, vinculum)
    const file = statics.get(path)
    return file ? serveFile(frame, file, request, response) : next()
  })
  for (const resource of patterns.sort((a, b) => order(a.path, b.path))) {
    app.route(resource.path).all((request, response) => serve(frame, resource, request, response, vinculum))
  }
  const limiter = frame.limiter('browse')
  app.use(async (request: Request, response: Response) => {
    const exchange = new Exchange(frame, request, response, 'unknown')
    // An application whose address is wrong is told so, instead of hearing of a network failure.
    exchange.crossOrigin = 'application'
    const limited = await limiter?.(request, response, exchange.address)
    if (limited) return exchange.refuse(limited)
    const preflight = preflightOf(frame, request, 'application')
    if (preflight) return exchange.send(204, [...frame.headers.api, ...preflight])
    exchange.refuse(fail('not_found').error)
  })
  // Express knows an error handler by its four parameters. What lands here is an address that does not decode.
  app.use((error: unknown, request: Request, response: Response, _next: NextFunction) => {
    const exchange = new Exchange(frame, request, response, 'unknown')
    if (error instanceof URIError) exchange.refuse(invalidRequest)
    else exchange.defect(error)
  })
}

/** The one expectation there is (RFC 9110 §10.1.1), recognised as Node does. */
const understood = /(?:^|\W)100-continue(?:$|\W)/i

const nothing = z.strictObject({})

function resources<D>(frame: Frame, routes: readonly Route<D>[]): readonly Resource<D>[] {
  const found = new Map<string, Partial<Record<string, Bound<D>>>>()
  for (const route of routes) {
    const bound = found.get(route.path) ?? {}
    found.set(route.path, bound)
    const method = route.method.toUpperCase()
    if (bound[method]) throw new Error(`${method} ${route.path} is declared twice`)
    const accepts = acceptsOf(route)
    const entry: Bound<D> = {
      route,
      accepts,
      limiter: frame.limiter(route.limit),
      headers: route.shared ? frame.headers.shared : route.oauth ? frame.headers.oauth : frame.headers.api,
      crossOrigin: crossOriginOf(route),
      lists: { query: listsIn(route.query), body: listsIn(accepts.form ? route.body : undefined) },
      body: route.body ?? nothing,
    }
    bound[method] = entry
    // A link scanner's HEAD must not use up a sign-in: it stands for GET only where GET changes nothing.
    if (method === 'GET' && route.limit !== 'sign_in') bound.HEAD = entry
  }
  return [...found].map(([path, bound]) => {
    const shares = new Set(Object.values(bound).map((each) => each?.crossOrigin ?? 'none'))
    const [only = 'none'] = shares
    return {
      path,
      bound,
      allowed: Object.keys(bound).sort().join(', '),
      crossOrigin: shares.size === 1 ? only : 'none',
    }
  })
}

/** `/auth/conflicts/:ticket` before `/auth/:provider/callback`: what is written out wins over a parameter. */
function order(a: string, b: string): number {
  const rank = (path: string): string => path.replace(/:\w+/g, '\u{10ffff}')
  return rank(a) < rank(b) ? -1 : 1
}

/**
 * The fields of a schema that hold lists. Every other one is refused when it comes twice, whatever its schema would
 * make of it.
 */
function listsIn(schema: z.ZodType | undefined): ReadonlySet<string> {
  if (!schema) return new Set()
  type Node = {
    type?: string
    anyOf?: Node[]
    oneOf?: Node[]
    properties?: Record<string, Node>
    $ref?: string
    $defs?: Record<string, Node>
  }
  const root = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }) as Node
  const follow = (node: Node): Node => (node.$ref ? (root.$defs?.[node.$ref.replace('#/$defs/', '')] ?? {}) : node)
  const isList = (node: Node): boolean => {
    const { type, anyOf } = follow(node)
    return type === 'array' || (anyOf ?? []).some(isList)
  }
  const fields = [root, ...(root.anyOf ?? []), ...(root.oneOf ?? [])].flatMap((node) =>
    Object.entries(follow(node).properties ?? {}),
  )
  return new Set(fields.filter(([, node]) => isList(node)).map(([name]) => name))
}

async function serve<D>(
  frame: Frame,
  resource: Resource<D>,
  request: Request,
  response: Response,
  vinculum: D,
): Promise<void> {
  const bound = resource.bound[request.method]
  const exchange = new Exchange(frame, request, response, resource.path, bound as Bound<unknown> | undefined)
  try {
    if (!bound) exchange.crossOrigin = resource.crossOrigin
    const wanted = frame.cors.preflightFor(request)
    const asked = wanted === undefined ? undefined : resource.bound[wanted]
    const preflight = preflightOf(frame, request, asked?.crossOrigin ?? resource.crossOrigin)
    if (preflight) {
      const limited = await frame.limiter('browse')?.(request, response, exchange.address)
      return limited ? exchange.refuse(limited) : exchange.send(204, [...frame.headers.api, ...preflight])
    }
    if (!bound)
      return exchange.refuse(fail('method_not_allowed', { allowed: resource.allowed }).error, {
        headers: { Allow: resource.allowed },
        oauth: Object.values(resource.bound).some((each) => each?.route.oauth),
      })
    const { route } = bound
    if (bound.limiter) {
      const limited = await bound.limiter(request, response, exchange.address)
      if (limited) return exchange.refuse(limited)
    }
    if (route.auth !== 'none' && !(await exchange.authorise(route.auth, route.scope))) return
    if (route.credential === 'refresh' && !exchange.readCredential()) return
    if (route.params) {
      const params = route.params.safeParse(request.params)
      // An id that cannot exist is answered like one that does not.
      if (!params.success) return exchange.refuse(fail('not_found').error)
      exchange.params = params.data
    }
    // A page takes whatever its address has picked up on the way; a program sends nothing it was not asked for.
    const query = route.query ?? (route.surface === 'api' && request.url.includes('?') ? nothing : undefined)
    if (query && !exchange.readQuery(query, bound.lists.query)) return
    if (request.method !== 'GET' && request.method !== 'HEAD' && !(await exchange.readBody(bound))) return

    const result = await route.handle(exchange as unknown as Input<never, never, never, 'user'>, vinculum)
    if (result.ok) exchange.answer(result.value)
    else {
      await exchange.onTrail(result.error)
      exchange.refuse(result.error, { cookies: result.cookies, faults: result.faults })
    }
  } catch (thrown) {
    exchange.defect(thrown)
  }
}

/** What a preflight is answered with; `undefined` where there is none, or the origin may not ask. */
function preflightOf(frame: Frame, request: Request, shares: CrossOrigin): readonly string[] | undefined {
  const wanted = frame.cors.preflightFor(request)
  return wanted === undefined ? undefined : frame.cors.preflight(shares, wanted, request.headers)
}

function serveFile(frame: Frame, file: StaticFile, request: Request, response: Response): void {
  const exchange = new Exchange(frame, request, response, '/static')
  if (request.method === 'GET' || request.method === 'HEAD') {
    exchange.send(200, [...frame.headers.immutable, 'Content-Type', file.contentType], file.body)
  } else {
    const allowed = 'GET, HEAD'
    exchange.refuse(fail('method_not_allowed', { allowed }).error, { headers: { Allow: allowed } })
  }
}
