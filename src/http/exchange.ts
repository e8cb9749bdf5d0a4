/**
 * One request and its answer: what handlers are told of it, and how what they answer becomes status, headers and
 * bytes.
 */
import { parse as parseQuery } from 'node:querystring'
import type { Request, Response } from 'express'
import type { VNode } from 'preact'
import { renderToString } from 'preact-render-to-string'
import type { z } from 'zod'
import { type AppError, type ErrorCode, fail, type Locale } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import { type Fact, internalOrigin, type Origin } from '../events/catalogue.ts'
import { BusyError } from '../kernel/busy.ts'
import type { Clock } from '../kernel/clock.ts'
import { sha256 } from '../kernel/crypto.ts'
import { ReferenceGoneError } from '../kernel/gone.ts'
import type { HttpMethod } from '../kernel/http-method.ts'
import { type Random, secretToken } from '../kernel/ids.ts'
import { untimed } from '../kernel/limit.ts'
import { bodyLimit, contentTypes, readBody } from './body.ts'
import type { Cookies } from './cookies.ts'
import type { Cors, CrossOrigin } from './cors.ts'
import type { Csrf } from './csrf.ts'
import { type createHeaders, type HeaderList, withHeaders } from './headers.ts'
import type { Limiter } from './limits.ts'
import { readLocale, wantsHtml } from './locale.ts'
import { type Authenticate, type Authorization, isRecent, readAuthorization } from './principal.ts'
import {
  type Describe,
  type Fault,
  type FaultFound,
  fault,
  invalidRequest,
  isUnmatched,
  readFaults,
} from './problem.ts'
import { isDirect, type ProxyChain, proxyChainOf } from './proxies.ts'
import { type Answer, type CookieChange, page } from './reply.ts'
import type { Principal, Route } from './route.ts'

/** What a page that explains a refusal may know of the request. */
export type ErrorContext = {
  readonly status: number
  readonly locale: Locale
  readonly requestId: string
  /** The path that was asked for, to come back to; `null` where coming back would repeat what was refused. */
  readonly returnTo: string | null
  /** The page of an account or an administrator that the refused form is on; `null` where none is known. */
  readonly formPage: string | null
  readonly who: Principal | null
}

/** What every request needs, made once. */
export type Frame = {
  readonly clock: Clock
  readonly random: Random
  readonly events: Pick<Bus, 'emit'>
  readonly headers: ReturnType<typeof createHeaders>
  readonly cookies: Cookies
  readonly csrf: Csrf
  readonly cors: Cors
  readonly describe: Describe
  readonly authenticate: Authenticate
  readonly recentAuthSeconds: number
  /** How long a request may take, in milliseconds; `null` where the store needs no limit handed to it. */
  readonly requestMs: number | null
  readonly limiter: (name: Route['limit']) => Limiter | undefined
  readonly requestId: () => string
  readonly addressOf: (request: Request) => string | null
  readonly errorPage: (error: AppError, context: ErrorContext) => VNode
  /** Writes a refusal down. */
  readonly record: (fact: Fact) => Promise<void>
  readonly onDefect: (error: unknown, requestId: string) => void
}

/** A route, and what follows from it for every request alike. */
export type Bound<D> = {
  readonly route: Route<D>
  readonly limiter: Limiter | undefined
  readonly accepts: { readonly json: boolean; readonly form: boolean }
  readonly headers: HeaderList
  readonly crossOrigin: CrossOrigin
  /** The query and form fields that may be given more than once. */
  readonly lists: { readonly query: ReadonlySet<string>; readonly body: ReadonlySet<string> }
  /** What the body must be: nothing at all where the route names no schema. */
  readonly body: z.ZodType
  /** How many segments of the path name the page that a form of this route is on. */
  readonly formPageSegments?: number | undefined
}
/** What a request is for, as far as its path and method tell. */
export type Target = {
  /** The pattern of the path: a metric label, so never what was asked for. */
  readonly pattern: string
  /** The method by a name of ours: a metric label, too. */
  readonly method: HttpMethod
  /** Whom a refusal is for: an API never answers with a page. */
  readonly surface: 'api' | 'browser'
  readonly oauth: boolean
  /** Which scripts of other origins may read the answer. */
  readonly crossOrigin: CrossOrigin
  readonly bound?: Bound<unknown> | undefined
}

/** Refusals of what somebody may not do: on the trail before they are told (ASVS 16.3.2, 16.3.3). */
const onTheTrail: ReadonlySet<ErrorCode> = new Set([
  ...(['csrf_failed', 'insufficient_scope', 'team_role_required', 'code_invalid'] as const),
])

type Refusing = {
  readonly headers?: Readonly<Record<string, string>>
  readonly faults?: readonly (Fault | FaultFound)[] | undefined
  readonly badCredentials?: boolean
  readonly cookies?: readonly CookieChange[] | undefined
}

/** One request and its answer. It is what handlers get as their input: what they do not ask for is never worked out. */
export class Exchange {
  readonly requestId: string
  params: unknown = undefined
  query: unknown = undefined
  body: unknown = undefined
  who: Principal | null = null
  /** Whether scripts of other origins may read the answer. Where no route answers, the code that refuses sets it. */
  crossOrigin: CrossOrigin
  readonly #frame: Frame
  readonly #request: Request
  readonly #response: Response
  readonly #target: Target
  readonly #bound: Bound<unknown> | undefined
  readonly #started = performance.now()
  #cookies: Readonly<Record<string, string | undefined>> | undefined
  #authorization: Authorization | undefined
  /** The session cookie that was sent stands for nobody any more: the answer takes it back. */
  #staleSession = false
  /** The cookie a form's token is bound to while there is no session; set when this answer gives it. */
  #newVisitor: string | undefined
  #answered = false

  constructor(frame: Frame, request: Request, response: Response, target: Target) {
    this.#frame = frame
    this.#request = request
    this.#response = response
    this.#target = target
    this.#bound = target.bound
    this.crossOrigin = target.crossOrigin
    this.requestId = frame.requestId()
  }

  // What handlers read. Getters answer functions, not methods, so that they survive being taken out of the record.

  get address(): string {
    return this.#frame.addressOf(this.#request) ?? 'unknown'
  }

  get origin(): Origin {
    const agent = this.#request.headers['user-agent']
    const device = this.#cookie('device')
    return {
      ip: this.#frame.addressOf(this.#request),
      // Shown to people and written to logs: control characters would forge lines there.
      userAgent: agent === undefined ? null : agent.replace(/\p{Cc}/gu, '').slice(0, 256),
      requestId: this.requestId,
      locale: this.locale,
      ...(device === undefined || !/^[\w-]{43}$/.test(device) ? {} : { device: sha256(device) }),
    }
  }

  get locale(): Locale {
    return readLocale(this.#request.headers['accept-language'])
  }

  get wants(): 'json' | 'html' {
    const browser = this.#bound?.route.surface === 'browser'
    return browser && wantsHtml(this.#request.headers.accept, true) ? 'html' : 'json'
  }

  get bearer(): string | null {
    const authorization = this.#readAuthorization()
    return authorization.kind === 'bearer' ? authorization.token : null
  }

  get proxyChain(): ProxyChain {
    return proxyChainOf(this.#request)
  }

  get direct(): boolean {
    return isDirect(this.#request)
  }

  get cookie(): (name: string) => string | undefined {
    return (name) => this.#cookie(name)
  }

  get cookieNames(): (beginning: string) => readonly string[] {
    return (beginning) => {
      const { parse, nameOf } = this.#frame.cookies
      const { cookie: header } = this.#request.headers
      if (header === undefined) return []
      this.#cookies ??= parse(header)
      const whole = nameOf(beginning)
      const from = whole.length - beginning.length
      // Of ours, each is a word: any other could not be set, and so not be deleted either.
      return Object.keys(this.#cookies).flatMap((name) =>
        name.startsWith(whole) && /^[\w-]{1,128}$/.test(name) ? [name.slice(from)] : [],
      )
    }
  }

  get header(): (name: string) => string | undefined {
    return (name) => {
      const { [name.toLowerCase()]: value } = this.#request.headersDistinct
      return value?.length === 1 ? value[0] : undefined
    }
  }

  get csrfToken(): () => string {
    return () => {
      const { csrf, random } = this.#frame
      const session = this.#staleSession ? undefined : this.#cookie('session')
      if (session) return csrf.token('session', session)
      const visitor = this.#newVisitor ?? this.#cookie('csrf')
      if (visitor) return csrf.token('visitor', visitor)
      this.#newVisitor = secretToken(random)
      return csrf.token('visitor', this.#newVisitor)
    }
  }

  #cookie(name: string): string | undefined {
    const header = this.#request.headers.cookie
    if (header === undefined) return undefined
    this.#cookies ??= this.#frame.cookies.parse(header)
    return this.#cookies[this.#frame.cookies.nameOf(name)]
  }

  #readAuthorization(): Authorization {
    this.#authorization ??= readAuthorization(this.#request)
    return this.#authorization
  }

  // On the way in: each answers whether to go on; when not, the refusal has been sent.

  /** Where the handler looks at the credentials itself, they are still one, or none. */
  readCredential(): boolean {
    return this.#readAuthorization().kind !== 'malformed' || this.#stop(invalidRequest, { badCredentials: true })
  }

  /** Finds out who asks. `Authorization` wins over the cookie: whoever sends it chose to. */
  async authorise(auth: 'public' | 'user' | 'recent', scope?: string): Promise<boolean> {
    const { authenticate, clock, csrf, recentAuthSeconds } = this.#frame
    const authorization = this.#readAuthorization()
    let stale: AppError | undefined
    if (authorization.kind === 'malformed') return this.#stop(invalidRequest, { badCredentials: true })
    // Where nobody need be anybody, whoever shows this believes to be somebody all the same.
    if (authorization.kind === 'other') {
      return this.#stop(fail(auth === 'public' ? 'token_invalid' : 'authentication_required').error)
    }
    if (authorization.kind === 'bearer') {
      const verdict = await authenticate.bearer(authorization.token)
      if (!verdict.ok) return this.#stop(verdict.error, { badCredentials: true })
      this.who = verdict.value
    } else {
      const value = this.#cookie('session')
      if (value) {
        const verdict = await authenticate.cookie(value)
        if (verdict.ok) this.who = verdict.value
        else {
          stale = verdict.error
          this.#staleSession = true
        }
        // A script of another origin never acts through the cookie, not even to read. The account is known by now, so
        // that the audit log names it. Links and pictures send no `Origin` with GET.
        const { headers } = this.#request
        const byScript = this.#bound?.route.surface === 'api' && headers.origin !== undefined
        if (byScript && csrf.sourceOf(headers) === 'foreign') return this.#deny(fail('csrf_failed').error)
      }
    }
    if (auth === 'public') return true
    if (!this.who) {
      if (this.wants === 'html' && this.#request.method === 'GET') {
        this.answer({ kind: 'redirect', location: `/login?return_to=${encodeURIComponent(this.#returnTo)}` })
        return false
      }
      return this.#stop(stale ?? fail('authentication_required').error)
    }
    if (scope !== undefined && !this.who.scopes.includes(scope)) {
      // A program is told what it lacks (RFC 6750 §3.1); a page that is not theirs to see is none (ASVS 8.2.1).
      const { surface } = this.#bound?.route ?? {}
      const lacking = fail('insufficient_scope', { scope }).error
      return this.#deny(lacking, surface === 'browser' ? fail('not_found').error : lacking)
    }
    if (auth === 'recent' && !isRecent(this.who, clock(), recentAuthSeconds)) {
      return this.#stop(fail('reauthentication_required').error)
    }
    return true
  }

  readQuery(schema: z.ZodType, lists: ReadonlySet<string>): boolean {
    const { url } = this.#request
    const at = url.indexOf('?')
    const given = single(
      at < 0 ? {} : parseQuery(url.slice(at + 1), '&', '=', { maxKeys: 0 }),
      lists,
      () => this.locale,
    )
    if (given.faults) return this.#stop(invalidRequest, { faults: given.faults })
    const query = schema.safeParse(given.value)
    if (!query.success) {
      return this.#stop(invalidRequest, { faults: readFaults(query.error, given.value, this.locale) })
    }
    this.query = query.data
    return true
  }

  /**
   * Reads and checks the body, and that a browser's request was meant by the person in front of it. A foreign source is
   * refused before the body is read. Where the browser does not state the source, only a form's token passes.
   */
  async readBody<D>({ route, accepts, body: schema, lists }: Bound<D>): Promise<boolean> {
    const source = this.#frame.csrf.sourceOf(this.#request.headers)
    const isForPeople = route.surface === 'browser' && this.who?.via !== 'bearer'
    // A script of our pages sends the token in a header: another site's cannot read it, nor send it without a preflight.
    const hasToken = (): boolean => this.#formIsOurs(this.header('X-CSRF-Token'))
    const needsToken = this.#ambient && source === 'unknown' && !hasToken()
    if (source === 'foreign' && (this.#ambient || isForPeople)) return this.#deny(fail('csrf_failed').error)
    if (needsToken && !(isForPeople && accepts.form)) return this.#deny(fail('csrf_failed').error)

    // How slowly a client sends is bounded by the server; it does not count against what we then do.
    const body = await untimed(() => readBody(this.#request, accepts))
    switch (body.kind) {
      case 'aborted':
        this.#told(499)
        return false
      case 'unsupported_media_type':
        return this.#stop(fail('unsupported_media_type', { accepted: contentTypes(accepts).join(', ') }).error)
      case 'malformed_body':
      case 'payload_too_large':
        return this.#stop(fail(body.kind).error)
      case 'repeated':
        return this.#stop(invalidRequest, { faults: [fault(body.name, 'repeated', this.locale)] })
    }
    // An empty form has no content type and no token. A sandboxed frame of another site sends it with `Origin: null`.
    const isEmptyForm = body.kind === 'none' && isForPeople && this.#request.headers.origin !== undefined
    if ((needsToken && body.kind !== 'form') || (isEmptyForm && source !== 'ours')) {
      return this.#deny(fail('csrf_failed').error)
    }
    let value: unknown = body.kind === 'none' ? {} : body.value
    if (body.kind !== 'json') {
      const { csrf: token, ...fields } = value as Record<string, string | string[]>
      // A page's form without its token is refused even when it is empty; an API's form is a program's.
      if (isForPeople && accepts.form) {
        const formExpected = body.kind === 'form' || !accepts.json
        if (formExpected && !this.#formIsOurs(token)) return this.#deny(fail('csrf_failed').error)
        value = fields
      }
      const given = single(value as Record<string, string | string[]>, lists.body, () => this.locale)
      if (given.faults) return this.#stop(invalidRequest, { faults: given.faults })
      value = given.value
    }
    const read = schema.safeParse(value)
    if (!read.success) {
      if (route.unmatched && isUnmatched(read.error)) return this.#stop(fail(route.unmatched).error)
      return this.#stop(invalidRequest, { faults: readFaults(read.error, value, this.locale) })
    }
    if (body.kind === 'none' && route.body && !route.bodyOptional && accepts.json) {
      return this.#stop(fail('malformed_body').error)
    }
    this.body = route.body ? read.data : undefined
    return true
  }

  /** Whether the cookie speaks for somebody here. Where the handler reads credentials, it is enough to send it. */
  get #ambient(): boolean {
    if (this.#bound?.route.auth !== 'none') return this.who?.via === 'cookie'
    return this.#request.headers.authorization === undefined && this.#cookie('session') !== undefined
  }

  #formIsOurs(token: unknown): boolean {
    const { csrf } = this.#frame
    if (this.who?.via === 'cookie') return csrf.holds(token, 'session', this.#cookie('session'))
    const unread = this.#bound?.route.auth === 'none'
    return (
      csrf.holds(token, 'visitor', this.#cookie('csrf')) ||
      (unread && csrf.holds(token, 'session', this.#cookie('session')))
    )
  }

  // On the way out.

  answer(answer: Answer<unknown>): void | Promise<void> {
    const frame = this.#frame
    const route = this.#bound?.route
    const base = this.#bound?.headers ?? frame.headers.api
    switch (answer.kind) {
      case 'json': {
        // What is not in the schema does not leave: a row with one column more gives nothing away.
        const value = route?.reply ? route.reply.parse(answer.value) : answer.value
        const status = answer.status ?? route?.status ?? 200
        this.#reply(status, base, answer, 'application/json', JSON.stringify(value))
        break
      }
      case 'json_stream':
        return this.#reply(200, base, answer, 'application/json', answer.pieces)
      case 'empty':
        this.#reply(204, base, answer)
        break
      case 'redirect': {
        const headers = { ...answer.headers, Location: visible(answer.location) }
        this.#reply(303, base, { ...answer, headers }, '', '')
        break
      }
      case 'page': {
        this.crossOrigin = 'none'
        const html = `<!doctype html>${renderToString(answer.view)}`
        const headers = frame.headers.page(answer.formAction, answer.scripts)
        this.#reply(answer.status ?? 200, headers, answer, 'text/html; charset=utf-8', html)
        break
      }
      case 'text':
        this.#reply(answer.status ?? route?.status ?? 200, base, answer, answer.contentType, answer.text)
    }
  }

  refuse(error: AppError, refusing: Refusing = {}): void {
    const { headers: extra = {}, faults: found, badCredentials, cookies = [] } = refusing
    const frame = this.#frame
    const { requestId } = this
    if (error.code === 'internal' || (error.code === 'not_ready' && error.cause !== undefined)) {
      frame.onDefect(error.cause ?? error, requestId)
    }
    const { locale } = this
    const faults = found?.map((each) => ('detail' in each ? each : fault(each.path, each.code, locale, each.params)))
    const { oauth, surface } = this.#target
    const problem = frame.describe(error, { locale, requestId, oauth, faults, badCredentials })
    const headers = { ...extra, ...problem.headers, 'Content-Language': locale }
    // A page only for whoever names HTML, as every browser does: a program that takes anything is told the code.
    if (surface === 'browser' && wantsHtml(this.#request.headers.accept, false)) {
      try {
        const { status } = problem
        const returnTo = this.#request.method === 'GET' ? this.#returnTo : null
        const context = { status, locale, requestId, returnTo, formPage: this.#formPage, who: this.who }
        const view = frame.errorPage(error, context)
        this.answer(page(view, { status, headers, cookies }))
        return
      } catch (thrown) {
        frame.onDefect(thrown, requestId)
      }
    }
    const base = oauth ? frame.headers.oauth : frame.headers.api
    this.#reply(problem.status, base, { headers, cookies }, 'application/problem+json', JSON.stringify(problem.body))
  }

  /** What a handler threw. An account that was deleted while it ran is no defect. */
  async failed(thrown: unknown): Promise<void> {
    if (!(thrown instanceof ReferenceGoneError) || this.#response.headersSent) return this.defect(thrown)
    try {
      this.refuse(await this.#whatIsGone())
    } catch (again) {
      this.defect(again)
    }
  }

  /** The caller's own account where it is gone, and otherwise what the request was about. */
  async #whatIsGone(): Promise<AppError> {
    if (this.who === null) return fail('user_not_found').error
    const { authenticate } = this.#frame
    const token = this.bearer
    const verdict = await (token === null
      ? authenticate.cookie(this.#cookie('session') ?? '')
      : authenticate.bearer(token))
    if (verdict.ok) return fail('not_found').error
    return verdict.error.code === 'session_revoked' ? fail('user_not_found').error : verdict.error
  }

  /** Something that should not happen: the log hears what, the person only that. */
  defect(thrown: unknown): void {
    if (thrown instanceof BusyError && !this.#response.headersSent) {
      this.refuse(fail('not_ready', undefined, { retryAfter: thrown.retryAfter, cause: thrown.cause }).error)
      return
    }
    if (this.#response.headersSent) {
      this.#frame.onDefect(thrown, this.requestId)
      this.#response.destroy()
      return
    }
    this.refuse(fail('internal', undefined, { cause: thrown }).error)
  }

  /** Puts a refusal on the trail, where it belongs there. That it cannot be written lets nobody through. */
  async onTrail({ code }: AppError): Promise<void> {
    if (!onTheTrail.has(code)) return
    const { origin, requestId } = this
    const { method, pattern: route } = this.#target
    const data = { code, method, route }
    const fact: Fact = { name: 'access.refused', accountId: this.who?.accountId ?? null, origin, data }
    await this.#frame.record(fact).catch((thrown: unknown) => this.#frame.onDefect(thrown, requestId))
  }

  async #deny(error: AppError, told = error): Promise<false> {
    await this.onTrail(error)
    return this.#stop(told)
  }

  #stop(error: AppError, refusing?: Refusing): false {
    this.refuse(error, refusing)
    return false
  }

  #reply(
    status: number,
    base: HeaderList,
    more: { cookies?: readonly CookieChange[]; headers?: Readonly<Record<string, string>>; clearSiteData?: boolean },
    contentType = '',
    body?: string | AsyncIterable<string>,
  ): void | Promise<void> {
    const headers = more.headers ? withHeaders(base, more.headers) : base.slice()
    if (contentType) headers.push('Content-Type', contentType)
    // Not "cookies": that would sign people out of every neighbour under the same domain. Ours are deleted by name.
    if (more.clearSiteData) headers.push('Clear-Site-Data', '"cache", "storage"')
    for (const change of more.cookies ?? []) headers.push('Set-Cookie', this.#frame.cookies.write(change))
    if (this.#staleSession && !more.cookies?.some(({ name }) => name === 'session')) {
      headers.push('Set-Cookie', this.#frame.cookies.write({ name: 'session', value: null, sameSite: 'lax' }))
    }
    if (this.#newVisitor) {
      const visitor: CookieChange = { name: 'csrf', value: this.#newVisitor, sameSite: 'strict' }
      headers.push('Set-Cookie', this.#frame.cookies.write(visitor))
    }
    return this.send(status, headers, body)
  }

  send(status: number, headers: string[], body?: string | Buffer | AsyncIterable<string>): void | Promise<void> {
    const response = this.#response
    if (this.#answered) return
    headers.push('X-Request-Id', this.requestId, ...this.#sharing(headers))
    const whole = body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
    if (whole && body !== undefined) headers.push('Content-Length', String(Buffer.byteLength(body)))
    // What of a large body was not read is not waited for.
    const { 'content-length': length, 'transfer-encoding': encoding } = this.#request.headers
    if ((encoding !== undefined || Number(length) > bodyLimit) && !this.#request.complete) {
      headers.push('Connection', 'close')
    }
    response.writeHead(status, headers)
    if (!whole) {
      this.#answered = true
      return pour(this.#request.method === 'HEAD' ? nothing() : body, response).finally(() => this.#told(status))
    }
    response.end(body)
    this.#told(status)
  }

  /** For the script of another origin that asked. Public documents already carry these headers. */
  #sharing(headers: HeaderList): readonly string[] {
    if (this.crossOrigin === 'none' || headers.includes('Access-Control-Allow-Origin')) return []
    return this.#frame.cors.answer(this.crossOrigin, this.#request.headers)
  }

  #told(status: number): void {
    this.#answered = true
    const { method, pattern: route } = this.#target
    const ms = performance.now() - this.#started
    const origin = { ...internalOrigin, requestId: this.requestId }
    this.#frame.events.emit('http.answered', { method, route, status, ms }, origin)
  }

  get #formPage(): string | null {
    const segments = this.#bound?.formPageSegments
    return segments === undefined ? null : this.#request.path.split('/', segments + 1).join('/')
  }

  /** The path and query that were asked for, on this service whatever the request line said. */
  get #returnTo(): string {
    const { originalUrl } = this.#request
    return /^\/(?![/\\])/.test(originalUrl) ? originalUrl : '/'
  }
}

/** Takes one value per field, or the faults of those that came twice. */
function single(
  given: Readonly<Record<string, string | string[] | undefined>>,
  lists: ReadonlySet<string>,
  locale: () => Locale,
): { value: Record<string, unknown>; faults?: undefined } | { faults: readonly Fault[] } {
  const value: Record<string, unknown> = Object.create(null) as Record<string, unknown>
  const faults: Fault[] = []
  for (const [name, each] of Object.entries(given)) {
    if (lists.has(name)) value[name] = Array.isArray(each) ? each : [each]
    else if (Array.isArray(each)) faults.push(fault(name, 'repeated', locale()))
    else value[name] = each
  }
  return faults.length > 0 ? { faults } : { value }
}

/** A `Location` holds visible ASCII; anything else, line ends above all, is percent-encoded. */
const visible = (location: string): string => location.replace(/[^\x21-\x7e]+/gu, encodeURIComponent)

/** How long a client may take none of a streamed response, in milliseconds. */
const longestStallMs = 30_000

async function* nothing(): AsyncGenerator<string> {}

/** Writes piece after piece, no faster than the client takes them. Ends early where the client is gone or stalls. */
async function pour(pieces: AsyncIterable<string>, response: Response): Promise<void> {
  for await (const piece of pieces) {
    if (!response.write(piece) && !(await hasDrained(response))) response.destroy()
    if (response.destroyed) return
  }
  response.end()
}

/** `false`: the connection was closed, or nothing was taken for too long. */
const hasDrained = (response: Response): Promise<boolean> =>
  new Promise((resolve) => {
    const settle = (drained: boolean) => (): void => {
      clearTimeout(timer)
      response.off('drain', onDrain)
      response.off('close', onClose)
      resolve(drained)
    }
    const [onDrain, onClose] = [settle(true), settle(false)]
    const timer = setTimeout(onClose, longestStallMs)
    response.on('drain', onDrain)
    response.on('close', onClose)
    if (response.destroyed) onClose()
  })
