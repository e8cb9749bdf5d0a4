import type { Request } from 'express'
import type { Locale } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import { sha256 } from '../kernel/crypto.ts'
import { secretToken } from '../kernel/ids.ts'
import { isLocale } from '../kernel/locale.ts'
import type { Frame, Target } from './frame.ts'
import { readLocale, wantsHtml } from './locale.ts'
import { type Authorization, readAuthorization } from './principal.ts'
import { isDirect, type ProxyChain, proxyChainOf } from './proxies.ts'
import type { Principal } from './route.ts'

/**
 * A request as its handler reads it (`Input` in `route.ts`). Nothing is computed before it is read. Handlers
 * destructure it, so members that take arguments are getters that return functions: a method would lose its `this`.
 */
export class Incoming {
  readonly requestId: string
  readonly request: Request
  readonly target: Target
  params: unknown = undefined
  query: unknown = undefined
  body: unknown = undefined
  /** The fields of a form as they were sent, whether they are valid or not. */
  typed: Readonly<Record<string, unknown>> | undefined
  who: Principal | null = null
  /** The session cookie is invalid: the response deletes it. */
  hasStaleSession = false
  /** A new cookie for the token of a form, where there is no session: the response sets it. */
  newVisitor: string | undefined
  /** `null` if it is unknown. Read on arrival: the socket of a client that has left has no address. */
  readonly #ip: string | null
  readonly #frame: Frame
  #cookies: Readonly<Record<string, string | undefined>> | undefined
  #authorization: Authorization | undefined

  constructor(frame: Frame, request: Request, target: Target) {
    this.#frame = frame
    this.request = request
    this.target = target
    this.requestId = frame.requestId()
    this.#ip = frame.addressOf(request)
  }

  get address(): string {
    return this.#ip ?? 'unknown'
  }

  get origin(): Origin {
    const agent = this.request.headers['user-agent']
    const device = this.readCookie('device')
    const locale = this.statedLocale
    return {
      ip: this.#ip,
      // It is shown to people and logged: control characters could forge a line there.
      userAgent: agent === undefined ? null : agent.replace(/\p{Cc}/gu, '').slice(0, 256),
      requestId: this.requestId,
      ...(locale === undefined ? {} : { locale }),
      ...(device === undefined || !/^[\w-]{43}$/.test(device) ? {} : { device: sha256(device) }),
    }
  }

  /**
   * The language of the response: what was chosen on this device, otherwise by the account, otherwise what the
   * application asks for that a person signs in to, otherwise what the browser asks for. A program always gets the
   * language it asks for.
   */
  get locale(): Locale {
    const asked = this.target.surface === 'browser' ? this.readCookie('application_language') : undefined
    return this.#chosenLocale ?? (isLocale(asked) ? asked : readLocale(this.request.headers['accept-language'])) ?? 'en'
  }

  /**
   * The language of the person, as the device or the account or the browser states it. `undefined` if none does: an
   * account must not store a language by default, or one that only an application asked for, because it would win over
   * the browser of the person from then on.
   */
  get statedLocale(): Locale | undefined {
    return this.#chosenLocale ?? readLocale(this.request.headers['accept-language'])
  }

  get #chosenLocale(): Locale | undefined {
    const chosen = this.readCookie('language')
    if (isLocale(chosen)) return chosen
    return (this.target.surface === 'browser' ? this.who?.account.locale : undefined) ?? undefined
  }

  get wants(): 'json' | 'html' {
    const browser = this.target.bound?.route.surface === 'browser'
    return browser && wantsHtml(this.request.headers.accept, true) ? 'html' : 'json'
  }

  get authorization(): Authorization {
    this.#authorization ??= readAuthorization(this.request)
    return this.#authorization
  }

  /** The public URL of the request, without query. */
  get url(): string {
    return new URL(this.request.path, this.#frame.publicUrl).href
  }

  get bearer(): string | null {
    const { authorization } = this
    return authorization.kind === 'bearer' ? authorization.token : null
  }

  get proxyChain(): ProxyChain {
    return proxyChainOf(this.request)
  }

  get direct(): boolean {
    return isDirect(this.request)
  }

  get cookie(): (name: string) => string | undefined {
    return (name) => this.readCookie(name)
  }

  get cookieNames(): (beginning: string) => readonly string[] {
    return (beginning) => {
      const { parse, nameOf } = this.#frame.cookies
      const { cookie: header } = this.request.headers
      if (header === undefined) return []
      this.#cookies ??= parse(header)
      const whole = nameOf(beginning)
      const from = whole.length - beginning.length
      // The names of our own cookies are words. Any other name could not be set, so it could not be deleted either.
      return Object.keys(this.#cookies).flatMap((name) =>
        name.startsWith(whole) && /^[\w-]{1,128}$/.test(name) ? [name.slice(from)] : [],
      )
    }
  }

  get header(): (name: string) => string | undefined {
    return (name) => {
      const { [name.toLowerCase()]: value } = this.request.headersDistinct
      return value?.length === 1 ? value[0] : undefined
    }
  }

  get csrfToken(): () => string {
    return () => {
      const { csrf, random } = this.#frame
      const session = this.hasStaleSession ? undefined : this.readCookie('session')
      if (session) return csrf.token('session', session)
      const visitor = this.newVisitor ?? this.readCookie('csrf')
      if (visitor) return csrf.token('visitor', visitor)
      this.newVisitor = secretToken(random)
      return csrf.token('visitor', this.newVisitor)
    }
  }

  /** What `cookie` returns, without a function for each call. */
  readCookie(name: string): string | undefined {
    const header = this.request.headers.cookie
    if (header === undefined) return undefined
    this.#cookies ??= this.#frame.cookies.parse(header)
    return this.#cookies[this.#frame.cookies.nameOf(name)]
  }

  /** The requested path and query; `/` if the request line names another URL, which is not safe to return to. */
  get returnTo(): string {
    const { originalUrl } = this.request
    return /^\/(?![/\\])/.test(originalUrl) ? originalUrl : '/'
  }

  /**
   * The path of the page that shows the form of this request; `null` if there is none. If it depends on a field of the
   * form, it is the page above: credentials are checked before the body is read.
   */
  get formPage(): string | null {
    const { formPage } = this.target.bound ?? {}
    if (formPage === undefined) return null
    const own = this.request.path.split('/').slice(1)
    const fieldAt = formPage.segments.findIndex((part) => typeof part === 'object')
    const known = fieldAt < 0 ? formPage.segments : formPage.segments.slice(0, fieldAt)
    return `/${known.map((part) => (typeof part === 'number' ? own[part] : part)).join('/')}`
  }
}
