import { z } from 'zod'
import type { Scope } from '../accounts/roles.ts'
import type { StandardScope } from '../applications/policy.ts'
import type { AppError, ErrorCode, Locale } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Account } from '../kernel/account.ts'
import type { Result } from '../kernel/result.ts'
import type { LimitName } from './limits.ts'
import type { FieldFault } from './problem.ts'
import type { ProxyChain } from './proxies.ts'
import type { Answer, CookieChange } from './reply.ts'

/** The authenticated caller of a request. */
export type Principal = {
  /** As read with the session at the start of the request. */
  readonly account: Account
  readonly accountId: string
  readonly sessionId: string
  /** The generation of the session's tokens that was presented; `null` with a cookie. */
  readonly generation: number | null
  /** How the person authenticated (RFC 8176). */
  readonly amr: readonly string[]
  readonly authTime: Date
  readonly scopes: readonly string[]
  readonly via: 'bearer' | 'cookie'
  /** The `sub` of the person: the account ID, unless a pairwise application acts for them. */
  readonly subject: string
  /** The registered application whose token this is; `null` if the person acts themselves. */
  readonly application: string | null
  /** The thumbprint of the key that the token is bound to (RFC 9449); `null` for any other credential. */
  readonly dpopKey: string | null
}

/**
 * `none`: credentials are not read. `public`: anyone, signed in or not. `user`: a signed-in user. `recent`: a user who
 * authenticated recently.
 */
export type Auth = 'none' | 'public' | 'user' | 'recent'
export type RouteMethod = 'get' | 'post' | 'put' | 'patch' | 'delete'

/**
 * What a handler receives about its request. All members can be destructured; the lazy ones cost nothing unless they
 * are.
 */
export type Input<P, Q, B, A extends Auth> = {
  readonly params: P
  readonly query: Q
  readonly body: B
  readonly who: A extends 'user' | 'recent' ? Principal : Principal | null
  readonly origin: Origin
  readonly locale: Locale
  /** From `Accept`; `html` only if the route is for browsers. */
  readonly wants: 'json' | 'html'
  /** The raw token of `Authorization: Bearer`, for routes whose bearer token is not an access token. */
  readonly bearer: string | null
  /** A cookie by its name without the prefix: `session`, `flow_abc`. */
  readonly cookie: (name: string) => string | undefined
  /**
   * The cookies whose names begin with this text, without the prefix, in the order the browser sent them: oldest first
   * (RFC 6265 §5.4).
   */
  readonly cookieNames: (beginning: string) => readonly string[]
  /** Whether the request seems to come directly from a program on this machine: see `proxies.ts`. */
  readonly direct: boolean
  /** What the proxies reported about the request. */
  readonly proxyChain: ProxyChain
  /** A header that only this route reads. A repeated header has no value. */
  readonly header: (name: string) => string | undefined
  /** The value of the hidden field `csrf` in forms on the returned page. */
  readonly csrfToken: () => string
}

/** Errors that any route may return, because the frame returns them. */
export const generalCodes = [
  'invalid_request',
  'malformed_body',
  'payload_too_large',
  'unsupported_media_type',
  'rate_limited',
  'not_ready',
  'internal',
] as const satisfies readonly ErrorCode[]
export type GeneralCode = (typeof generalCodes)[number]

/** Errors of credentials: every route that reads credentials may return them. */
export const credentialCodes = [
  'application_not_allowed',
  'dpop_proof_required',
  'dpop_nonce_required',
  'token_expired',
  'token_invalid',
  'token_wrong_type',
  'token_subject_missing',
  'user_not_found',
  'user_disabled',
  'session_revoked',
  'session_expired',
] as const satisfies readonly ErrorCode[]
export type CredentialCode = (typeof credentialCodes)[number]

/** The kinds of response, for `openapi.json`. */
export type AnswerKind = Exclude<Answer<unknown>['kind'], 'stream'>

/** The bodies of one request and its response, as JSON. */
export type Example = { readonly request?: Readonly<Record<string, unknown>>; readonly response?: unknown }

export type Schema = z.ZodType
/** What a handler gets of a schema: the values it read, or `undefined` where the route has no such schema. */
export type SchemaOutput<S> = S extends Schema ? z.output<S> : undefined
/** The input of the reply's schema. A route without one returns no JSON. */
type ReplyInput<R> = R extends Schema ? z.input<R> : never
/**
 * The result of a handler. An error may name the invalid fields, and change cookies: a provider round trip that failed
 * has ended.
 */
export type HandlerOutcome<T, E> = Result<T, E> & {
  readonly cookies?: readonly CookieChange[]
  readonly faults?: readonly FieldFault[]
}
export type MaybePromise<T> = T | Promise<T>
type HandlerResult<T, E> = MaybePromise<HandlerOutcome<T, E>>

type RouteDeclaration = {
  readonly method: RouteMethod
  readonly path: `/${string}`
  /** A heading of a few words, in the imperative. */
  readonly summary: string
  /** What it does, for whom and with which consequences: in `/openapi.json` and the API reference. */
  readonly description?: string
  /** For `/openapi.json`, what the tour does not record (`npm run docs:examples`). */
  readonly example?: Example
  /** Described in `/openapi.json` although only a browser goes there: apps send people to it. */
  readonly reference?: 'api'
  /** Its heading in `/openapi.json` and `/docs`. */
  readonly tag: string
  readonly surface: 'api' | 'browser'
  readonly limit: LimitName
  /**
   * The scope that the caller needs; without it, being signed in is enough. For callers without the scope, a page does
   * not exist.
   */
  readonly scope?: Scope
  /** What the handler itself authenticates where the frame does not (`auth: 'none'`); for `/openapi.json`. */
  readonly credential?: 'metrics' | 'refresh' | 'service' | 'doctor' | 'registration'
  /** Its reply is a page of an array; the header `Link` with `rel="next"` leads to the next one (RFC 8288). */
  readonly linksNext?: true
  /**
   * Errors also carry RFC 6749's `error` and `error_description`. `standard`: they are sent as `application/json`, the
   * only type that RFC 6749 §5.2 defines and that standard clients read.
   */
  readonly oauth?: true | 'standard'
  /**
   * The scopes with which an application may call this route for a person. Without it, no application may: its token
   * stands for what the person allowed it to see, never for the person.
   */
  readonly applications?: readonly StandardScope[]
  /**
   * For applications that run in a browser, on any origin. Only for routes that read no cookie: what they return
   * depends on the code, token or secret in the request.
   */
  readonly anyOrigin?: true
  /** Headers that only this handler reads, with descriptions for `/openapi.json`. */
  readonly headers?: Readonly<Record<string, string>>
  /** The error for a body that does not fit the schema, if a standard names another one than `invalid_request`. */
  readonly unfit?: 'client_metadata_invalid'
  /** The error for a body that matches no alternative of its discriminated union. */
  readonly unmatched?: 'grant_type_unsupported'
  /**
   * The body may also be `application/x-www-form-urlencoded`. A route for browsers always accepts forms, and accepts
   * JSON only with `json`.
   */
  readonly form?: true
  readonly json?: true
  /**
   * The body is a picture (`upload.ts`): the API takes its bytes, and a page a form with the file. Only such routes read
   * bodies of this length.
   */
  readonly upload?: true
  /**
   * A page of another site sends this form on purpose (OAuth 2.0 Form Post Response Mode), so it has no CSRF token.
   * Credentials are not read, not even a cookie that the browser sends, and the form must change nothing by itself. The
   * same path and method may also have a route for JSON.
   */
  readonly fromAnotherSite?: true
  /** A missing body counts as `{}`. */
  readonly bodyOptional?: true
  /** The status on success. Default: 200. A route with 204 returns no body. */
  readonly status?: number
  /** Kinds of response besides the one that follows from `reply` and `status`. */
  readonly also?: readonly AnswerKind[]
  /** The content type of a `text` response, or those that the caller chooses from. */
  readonly contentType?: string | readonly string[]
  /** Keys and metadata: anyone may cache the response for five minutes, and scripts of any origin may read it. */
  readonly shared?: true
  /** The API route that this form of a page is derived from (`form.ts`). */
  readonly act?: Route<never>
  /** The page that shows this form, if it is not the nearest page above it. Its parameters are those of the form. */
  readonly shownOn?: `/${string}`
}

/** A route as the frame sees it, after type checking. `D` is what its handler receives. */
export type Route<D = never> = RouteDeclaration & {
  readonly auth: Auth
  readonly params?: Schema
  readonly query?: Schema
  readonly body?: Schema
  readonly reply?: Schema
  readonly fails: readonly ErrorCode[]
  readonly handle: (input: Input<never, never, never, 'user'>, vinculum: D) => HandlerResult<Answer<unknown>, AppError>
}

/** Whether programs have a use for the route. The rest are pages and their forms. */
export const isForPrograms = (declared: Route<never>): boolean =>
  declared.surface === 'api' || 'reply' in declared || declared.reference === 'api'

/** A route that keeps the types of its declaration, so that a form can be derived from it (`form.ts`). */
export type DeclaredRoute<A extends Auth, E extends ErrorCode, D, P, B, R> = Route<D> & {
  /** For the compiler only: there is no such value. */
  readonly types?: { readonly auth: A; readonly fails: E; readonly params: P; readonly body: B; readonly reply: R }
}

/**
 * A route declares everything about itself once. Validation, authorization, reply stripping, types and documentation
 * are derived from it. A handler that returns a code missing from `fails` does not compile.
 */
export function route<
  A extends Auth,
  const E extends ErrorCode,
  D = unknown,
  P extends Schema | undefined = undefined,
  Q extends Schema | undefined = undefined,
  B extends Schema | undefined = undefined,
  R extends Schema | undefined = undefined,
>(
  definition: RouteDeclaration & {
    readonly auth: A
    readonly params?: P
    readonly query?: Q
    readonly body?: B
    /** A function builds it at the first response, or for the API description: no start waits for it. */
    readonly reply?: R | (() => R)
    readonly fails: readonly E[]
    readonly handle: (
      input: Input<SchemaOutput<NoInfer<P>>, SchemaOutput<NoInfer<Q>>, SchemaOutput<NoInfer<B>>, NoInfer<A>>,
      vinculum: D,
    ) => HandlerResult<Answer<ReplyInput<NoInfer<R>>>, AppError<NoInfer<E> | GeneralCode>>
  },
): DeclaredRoute<A, E, D, P, B, R> {
  const declared = definition as unknown as DeclaredRoute<A, E, D, P, B, R>
  const { reply } = definition
  if (typeof reply !== 'function') return declared
  let built: R | undefined
  return Object.defineProperty(declared, 'reply', {
    get: () => {
      built ??= reply()
      return built
    },
  })
}

/** An object with exactly these fields: an unknown field is refused, never silently dropped. */
export const object = z.strictObject
