import type { Response } from 'express'
import { type AppError, type ErrorCode, fail } from '../errors/catalogue.ts'
import { type Fact, internalOrigin } from '../events/catalogue.ts'
import { BusyError } from '../kernel/busy.ts'
import { ReferenceGoneError } from '../kernel/gone.ts'
import { bodyLimit } from './body.ts'
import { whatIsGone } from './checks.ts'
import type { CrossOrigin } from './cors.ts'
import type { Frame } from './frame.ts'
import { type HeaderList, withHeaders } from './headers.ts'
import type { Incoming } from './incoming.ts'
import { wantsHtml } from './locale.ts'
import { type PageFrame, type RefusedForm, renderPage } from './page-frame.ts'
import { type Fault, fault } from './problem.ts'
import type { RefusalDetails, Stop } from './refusal.ts'
import { type Answer, type CookieChange, type Headers, type Page, page } from './reply.ts'
import { nothing, pour } from './stream.ts'

/** Errors for attempts to do something without permission. They are in the audit log (ASVS 16.3.2, 16.3.3). */
const auditedCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'csrf_failed',
  'insufficient_scope',
  'team_role_required',
  'code_invalid',
])

/** Turns the answer of a handler, or the refusal of a request, into status, headers and body. It responds once. */
export class Responder {
  /** Whether scripts of other origins may read the response. A page never allows it. */
  crossOrigin: CrossOrigin
  readonly #frame: Frame
  readonly #incoming: Incoming
  readonly #response: Response
  readonly #started = performance.now()
  #hasAnswered = false

  constructor(frame: Frame, incoming: Incoming, response: Response) {
    this.#frame = frame
    this.#incoming = incoming
    this.#response = response
    this.crossOrigin = incoming.target.crossOrigin
  }

  answer(answer: Answer<unknown>, refusedForm: RefusedForm | null = null): void | Promise<void> {
    const { bound } = this.#incoming.target
    const route = bound?.route
    const base = bound?.headers ?? this.#frame.headers.api
    switch (answer.kind) {
      case 'json': {
        const value = bound ? bound.strip(answer.value) : answer.value
        const status = answer.status ?? route?.status ?? 200
        this.#reply(status, base, answer, 'application/json', JSON.stringify(value))
        break
      }
      case 'stream':
        return this.#reply(200, base, answer, answer.contentType, answer.pieces)
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
        const value = this.#pageFrame(answer.status ?? 200, refusedForm)
        const html = renderPage(answer.view, value)
        const headers = this.#frame.headers.page(answer.formAction, answer.scripts ?? value.scripts.size > 0)
        this.#reply(answer.status ?? 200, headers, answer, 'text/html; charset=utf-8', html)
        break
      }
      case 'text':
        this.#reply(answer.status ?? route?.status ?? 200, base, answer, answer.contentType, answer.text)
    }
  }

  #pageFrame(status: number, refusedForm: RefusedForm | null): PageFrame {
    const { request, target, who, returnTo, csrfToken } = this.#incoming
    // Showing an error again would repeat what was refused, with the code or the state of a callback in its address.
    const isView = request.method === 'GET' && status < 400 && target.bound !== undefined
    return {
      brand: this.#frame.brand(),
      now: this.#frame.clock(),
      path: request.path,
      here: isView ? returnTo : null,
      viewer: who && { account: who.account, scopes: who.scopes },
      csrfToken,
      refusedForm,
      scripts: new Set(),
      refusals: [],
      formAction: null,
    }
  }

  /** Whether an error is shown as a page. Every browser names HTML. A program that accepts anything gets the code. */
  get showsPages(): boolean {
    const { request, target } = this.#incoming
    return target.surface === 'browser' && wantsHtml(request.headers.accept, false)
  }

  /** Responds to a refused form with its page, where the form has its values, and the error is next to the field. */
  refuseOn(shown: Page, error: AppError, { headers: extra = {}, faults, cookies = [] }: RefusalDetails): void {
    const { locale, requestId, request, typed = {} } = this.#incoming
    const found = this.#faultsOf(faults) ?? []
    const { status, headers, body } = this.#frame.describe(error, { locale, requestId, oauth: false, faults: found })
    const refused = { action: request.path, typed, faults: found, detail: String(body.detail) }
    this.answer(
      {
        ...shown,
        status,
        headers: { ...shown.headers, ...extra, ...headers },
        cookies: [...(shown.cookies ?? []), ...cookies],
      },
      refused,
    )
  }

  #faultsOf(found: RefusalDetails['faults']): readonly Fault[] | undefined {
    const { locale } = this.#incoming
    return found?.map((each) => ('detail' in each ? each : fault(each.path, each.code, locale, each.params)))
  }

  /** Ends a request that a check stopped. */
  async stop(stop: Stop): Promise<void> {
    if (stop === 'aborted') return this.#report(499)
    if ('kind' in stop) return this.answer(stop)
    await this.audit(stop.recorded ?? stop.error)
    this.refuse(stop.error, stop)
  }

  /** Responds with an error: as a page if the caller accepts HTML, as a problem document otherwise (RFC 9457). */
  refuse(error: AppError, details: RefusalDetails = {}): void {
    const { headers: extra = {}, faults: found, badCredentials, cookies = [] } = details
    const frame = this.#frame
    const { locale, requestId, request, target } = this.#incoming
    if (error.code === 'internal' || (error.code === 'not_ready' && error.cause !== undefined)) {
      frame.onDefect(error.cause ?? error, requestId)
    }
    const faults = this.#faultsOf(found)
    const { oauth } = target
    const problem = frame.describe(error, { locale, requestId, oauth, faults, badCredentials })
    const headers = { ...extra, ...problem.headers, 'Content-Language': locale }
    if (this.showsPages) {
      try {
        const { status } = problem
        const returnTo = request.method === 'GET' ? this.#incoming.returnTo : null
        const { formPage, who } = this.#incoming
        const context = { status, locale, requestId, returnTo, formPage, who }
        this.answer(page(frame.errorPage(error, context), { status, headers, cookies }))
        return
      } catch (thrown) {
        frame.onDefect(thrown, requestId)
      }
    }
    const base = oauth ? frame.headers.oauth : frame.headers.api
    const type = target.bound?.route.oauth === 'standard' ? 'application/json' : 'application/problem+json'
    this.#reply(problem.status, base, { headers, cookies }, type, JSON.stringify(problem.body))
  }

  /** Responds to an exception of a handler. An account deleted in the meantime is not a defect. */
  async failed(thrown: unknown): Promise<void> {
    if (!(thrown instanceof ReferenceGoneError) || this.#response.headersSent) return this.#defect(thrown)
    try {
      this.refuse(await whatIsGone(this.#frame, this.#incoming))
    } catch (again) {
      this.#defect(again)
    }
  }

  /** The log gets the cause, the caller only the request ID. */
  #defect(thrown: unknown): void {
    if (this.#response.headersSent) {
      this.#frame.onDefect(thrown, this.#incoming.requestId)
      this.#response.destroy()
      return
    }
    if (thrown instanceof BusyError) {
      this.refuse(fail('not_ready', undefined, { retryAfter: thrown.retryAfter, cause: thrown.cause }).error)
      return
    }
    this.refuse(fail('internal', undefined, { cause: thrown }).error)
  }

  /** Records a refusal that belongs in the audit log. The request is refused even if the record cannot be written. */
  async audit({ code }: AppError): Promise<void> {
    if (!auditedCodes.has(code)) return
    const { origin, requestId, target, who } = this.#incoming
    const data = { code, method: target.method, route: target.pattern }
    const fact: Fact = { name: 'access.refused', accountId: who?.accountId ?? null, origin, data }
    await this.#frame.record(fact).catch((thrown: unknown) => this.#frame.onDefect(thrown, requestId))
  }

  #reply(
    status: number,
    base: HeaderList,
    more: { cookies?: readonly CookieChange[]; headers?: Headers; clearSiteData?: boolean },
    contentType = '',
    body?: string | AsyncIterable<string>,
  ): void | Promise<void> {
    const headers = more.headers ? withHeaders(base, more.headers) : base.slice()
    if (contentType) headers.push('Content-Type', contentType)
    // Without "cookies", which would sign people out of every other service on the domain. Ours are deleted by name.
    if (more.clearSiteData) headers.push('Clear-Site-Data', '"cache", "storage"')
    const { write } = this.#frame.cookies
    for (const change of more.cookies ?? []) headers.push('Set-Cookie', write(change))
    const { hasStaleSession, newVisitor } = this.#incoming
    if (hasStaleSession && !more.cookies?.some(({ name }) => name === 'session')) {
      headers.push('Set-Cookie', write({ name: 'session', value: null, sameSite: 'lax' }))
    }
    if (newVisitor) headers.push('Set-Cookie', write({ name: 'csrf', value: newVisitor, sameSite: 'strict' }))
    return this.send(status, headers, body)
  }

  /** Sends a response with these headers; `headers` is changed. */
  send(
    status: number,
    headers: string[],
    body?: string | Buffer | AsyncIterable<string | Buffer>,
  ): void | Promise<void> {
    const response = this.#response
    if (this.#hasAnswered) return
    const { request, requestId } = this.#incoming
    headers.push('X-Request-Id', requestId, ...this.#sharing(headers))
    const whole = body === undefined || typeof body === 'string' || Buffer.isBuffer(body)
    if (whole && body !== undefined) headers.push('Content-Length', String(Buffer.byteLength(body)))
    // We do not wait for the rest of a large body.
    const { 'content-length': length, 'transfer-encoding': encoding } = request.headers
    if ((encoding !== undefined || Number(length) > bodyLimit) && !request.complete) {
      headers.push('Connection', 'close')
    }
    response.writeHead(status, headers)
    if (!whole) {
      this.#hasAnswered = true
      return pour(request.method === 'HEAD' ? nothing() : body, response).finally(() => this.#report(status))
    }
    response.end(body)
    this.#report(status)
  }

  /** The headers for a script of another origin. Public documents already have them. */
  #sharing(headers: HeaderList): readonly string[] {
    if (this.crossOrigin === 'none' || headers.includes('Access-Control-Allow-Origin')) return []
    return this.#frame.cors.answer(this.crossOrigin, this.#incoming.request.headers)
  }

  #report(status: number): void {
    this.#hasAnswered = true
    const { requestId, target } = this.#incoming
    const ms = performance.now() - this.#started
    const origin = { ...internalOrigin, requestId }
    this.#frame.events.emit('http.answered', { method: target.method, route: target.pattern, status, ms }, origin)
  }
}

/** A `Location` holds visible ASCII. Everything else is percent-encoded, line ends above all. */
const visible = (location: string): string => location.replace(/[^\x21-\x7e]+/gu, encodeURIComponent)
