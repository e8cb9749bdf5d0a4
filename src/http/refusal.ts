import type { AppError } from '../errors/catalogue.ts'
import type { Fault, FieldFault } from './problem.ts'
import type { CookieChange, Headers, Redirect } from './reply.ts'

/** What a refusal says in addition to its error. */
export type RefusalDetails = {
  readonly headers?: Headers
  readonly faults?: readonly (Fault | FieldFault)[] | undefined
  /** The credentials of the request are invalid, so `WWW-Authenticate` says so (RFC 6750 §3). */
  readonly badCredentials?: boolean
  readonly cookies?: readonly CookieChange[] | undefined
}

/** Why a request is refused. `recorded` is the error for the audit log, where the response must not reveal it. */
export type Refusal = RefusalDetails & { readonly error: AppError; readonly recorded?: AppError }

/** What ends a request before its handler runs. `aborted`: the client closed the connection while sending the body. */
export type Stop = Refusal | Redirect | 'aborted'
