import type { IssuerMismatch } from '../issuer.ts'

/**
 * How a call to a provider can fail, as a value. It holds a class, a status and the provider's error code; never a
 * body, a description, a token or a URL, since all of it may reach the log. The one exception is an issuer's name, which
 * is cleaned for the log.
 */
export type Failure =
  /** Down, timed out, breaker open, or asked to wait: nobody's fault here, and worth another try. */
  | {
      readonly kind: 'unavailable'
      readonly reason: string
      readonly retryAfter?: number
      /** It is up, and this caller has asked too often. */
      readonly limited?: true
    }
  /** It understood and said no. */
  | { readonly kind: 'refused'; readonly reason: string; readonly status: number; readonly code: string | null }
  /** It answered what no such endpoint may answer. */
  | { readonly kind: 'garbage'; readonly reason: string; readonly issuer?: IssuerMismatch }

/** A `Failure` on its way through Passport's callbacks, which only carry errors. */
export class CallFailure extends Error {
  override name = 'CallFailure'
  readonly failure: Failure
  constructor(failure: Failure) {
    super(failure.reason)
    this.failure = failure
  }
}

/**
 * Passport-oauth2 wraps what a call brought in an `InternalOAuthError`; anything else a strategy says is its own
 * verdict on an answer.
 */
export function failureOf(error: unknown): Failure {
  if (error instanceof CallFailure) return error.failure
  const inner = typeof error === 'object' && error !== null && 'oauthError' in error ? error.oauthError : undefined
  return inner instanceof CallFailure ? inner.failure : { kind: 'garbage', reason: 'unreadable_answer' }
}

/**
 * An `error` code worth writing down, or `null`. Codes are words (RFC 6749 §5.2, and every provider here); whatever
 * has digits in it may be a secret somebody echoed.
 */
export const readErrorCode = (value: unknown): string | null =>
  typeof value === 'string' && /^[A-Za-z][A-Za-z_ ]{0,47}$/.test(value) ? value : null
