import { z } from 'zod'
import type { Scope } from '../accounts/roles.ts'
import type { AppError, ErrorCode, Locale } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Account } from '../kernel/account.ts'
import type { Result } from '../kernel/result.ts'
import type { LimitName } from './limits.ts'
import type { FaultFound } from './problem.ts'
import type { ProxyChain } from './proxies.ts'
import type { Answer, CookieChange } from './reply.ts'

/** Who a request is. */
export type Principal = {
  /** As it was read with the session, at the beginning of the request. */
  readonly account: Account
  readonly accountId: string
  readonly sessionId: string
  /** Which generation of the session's tokens was shown; `null` with the cookie. */
  readonly generation: number | null
  /** How it was proven (RFC 8176). */
  readonly amr: readonly string[]
  readonly authTime: Date
  readonly scopes: readonly string[]
  readonly via: 'bearer' | 'cookie'
}

/**
 * `none`: credentials are not even looked at. `public`: whoever it is, or nobody. `user`: somebody.
 * `recent`: somebody who proved it lately.
 */
export type Auth = 'none' | 'public' | 'user' | 'recent'
export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

/**
 * What a handler is told of its request. Every member may be taken out by destructuring; the lazy ones cost nothing
 * unless they are.
 */
export type Input<P, Q, B, A extends Auth> = {
  readonly params: P
  readonly query: Q
  readonly body: B
  readonly who: A extends 'user' | 'recent' ? Principal : Principal | null
  readonly origin: Origin
  readonly locale: Locale
  /** By `Accept`; `html` only where the route is a browser's. */
  readonly wants: 'json' | 'html'
  /** The token of `Authorization: Bearer`, unread: for the routes whose bearer is not an access token. */
  readonly bearer: string | null
  /** A cookie by its name without prefix: `session`, `flow_abc`. */
  readonly cookie: (name: string) => string | undefined
  /** The cookies whose names begin so, without prefix, as the browser sent them: the oldest first (RFC 6265 §5.4). */
  readonly cookieNames: (beginning: string) => readonly string[]
  /** Straight from a program on this machine, as far as can be seen: see `proxies.ts`. */
  readonly direct: boolean
  /** What the proxies in front have said of it. */
  readonly proxyChain: ProxyChain
  /** A header the route is alone in reading; what every request has is said above. Repeated, it is no value at all. */
  readonly header: (name: string) => string | undefined
  /** What a form on the answered page must carry in its hidden field `csrf`. */
  readonly csrfToken: () => string
}

/** What any route may answer: what the frame itself refuses. */
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

/** Refusals of credentials: every route that looks at them may answer these. */
export const credentialCodes = [
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

/** The ways a route may answer; what `openapi.json` tells beside the refusals. */
export type AnswerKind = Exclude<Answer<unknown>['kind'], 'json_stream'>

/** The bodies of one request and its response, as JSON. */
export type Example = { readonly request?: Readonly<Record<string, unknown>>; readonly response?: unknown }

export type Schema = z.ZodType
/** What a handler gets of a schema: the values it read, or `undefined` where the route has no such schema. */
export type Read<S> = S extends Schema ? z.output<S> : undefined
/** What must go into the reply's schema. A route without one answers no JSON. */
type Reply<R> = R extends Schema ? z.input<R> : never
/** The result of a handler. An error may name the invalid fields, and change cookies: a flow that failed has ended. */
export type Outcome<T, E> = Result<T, E> & {
  readonly cookies?: readonly CookieChange[]
  readonly faults?: readonly FaultFound[]
}
export type MaybePromise<T> = T | Promise<T>
type Handled<T, E> = MaybePromise<Outcome<T, E>>

type Facts = {
  readonly method: Method
  readonly path: `/${string}`
  /** A heading of a few words, in the imperative. */
  readonly summary: string
  /** What it does, for whom and with which consequences: in `/openapi.json` and the API reference. */
  readonly description?: string
  /** For `/openapi.json`, what the tour does not record (`npm run docs:examples`). */
  readonly example?: Example
  /** Described in `/openapi.json` although only a browser goes there: apps send people to it. */
  readonly reference?: 'api'
  /** The heading it stands under in `/openapi.json` and `/docs`. */
  readonly tag: string
  readonly surface: 'api' | 'browser'
  readonly limit: LimitName
  /** What whoever asks must be allowed; without it, being signed in is enough. Pages are not there for anybody else. */
  readonly scope?: Scope
  /** What the handler itself looks at where the frame does not (`auth: 'none'`): told in `/openapi.json`. */
  readonly credential?: 'metrics' | 'refresh' | 'service' | 'doctor'
  /** Its reply is a page of an array; the header `Link` with `rel="next"` leads to the next one (RFC 8288). */
  readonly linksNext?: true
  /** Problems also carry RFC 6749's `error` and `error_description`. */
  readonly oauth?: true
  /** Headers of its own that the handler reads, and what each is: told in `/openapi.json`. */
  readonly headers?: Readonly<Record<string, string>>
  /** What refuses a body that is none of its union's by the field that tells them apart. */
  readonly unmatched?: 'grant_type_unsupported'
  /**
   * The body may also be `application/x-www-form-urlencoded`. A browser's route takes forms anyway, and JSON only with
   * `json`.
   */
  readonly form?: true
  readonly json?: true
  /** No body at all is taken for `{}`. */
  readonly bodyOptional?: true
  /** What it answers when all is well: 200, or 204 without a reply, or 303 … */
  readonly status?: number
  /** Ways it answers beside the one that follows from `reply` and `status`. */
  readonly also?: readonly AnswerKind[]
  /** The content type of a `text` answer. */
  readonly contentType?: string
  /** Keys and metadata: anybody may keep the answer for five minutes, and a script of any origin may read it. */
  readonly shared?: true
  /** The API route that this form of a page is derived from (`form.ts`). */
  readonly act?: Route<never>
}

/** A route as the frame sees it: its types have done their work. `D` is what its handler is given. */
export type Route<D = never> = Facts & {
  readonly auth: Auth
  readonly params?: Schema
  readonly query?: Schema
  readonly body?: Schema
  readonly reply?: Schema
  readonly fails: readonly ErrorCode[]
  readonly handle: (input: Input<never, never, never, 'user'>, vinculum: D) => Handled<Answer<unknown>, AppError>
}

/** A route that keeps the types of its declaration, so that a form can be derived from it (`form.ts`). */
export type DeclaredRoute<A extends Auth, E extends ErrorCode, D, P, B, R> = Route<D> & {
  /** For the compiler only: there is no such value. */
  readonly types?: { readonly auth: A; readonly fails: E; readonly params: P; readonly body: B; readonly reply: R }
}

/**
 * A route says everything about itself once: validation, authorisation, reply stripping, types and
 * documentation are all read from here. A handler that returns a code missing from `fails` does not compile.
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
  definition: Facts & {
    readonly auth: A
    readonly params?: P
    readonly query?: Q
    readonly body?: B
    readonly reply?: R
    readonly fails: readonly E[]
    readonly handle: (
      input: Input<Read<NoInfer<P>>, Read<NoInfer<Q>>, Read<NoInfer<B>>, NoInfer<A>>,
      vinculum: D,
    ) => Handled<Answer<Reply<NoInfer<R>>>, AppError<NoInfer<E> | GeneralCode>>
  },
): DeclaredRoute<A, E, D, P, B, R> {
  return definition as unknown as DeclaredRoute<A, E, D, P, B, R>
}

/** An object of exactly these fields: an unknown one is refused, never dropped in silence. */
export const object = z.strictObject
