import type { Payload } from '../../events/catalogue.ts'

/** Both names of an issuer, safe to log, and the most likely cause of the difference. */
export type IssuerMismatch = Readonly<Pick<Payload<'provider.issuer_mismatch'>, 'configured' | 'received' | 'hint'>>

/**
 * How a call to a provider can fail, as a value. It can reach the log, so it holds only a class, a status and the
 * provider's error code. It never holds a body, a description, a token or a URL. The only exception is an issuer name,
 * cleaned for the log.
 */
export type Failure =
  /** Down, timed out, breaker open, or rate limited. The call can be retried. */
  | {
      readonly kind: 'unavailable'
      readonly reason: string
      readonly retryAfter?: number
      /** The provider is up, but this caller has sent too many requests. */
      readonly limited?: true
    }
  /** The provider understood the request and rejected it. */
  | { readonly kind: 'refused'; readonly reason: string; readonly status: number; readonly code: string | null }
  /** The response is not valid for this endpoint. */
  | { readonly kind: 'garbage'; readonly reason: string; readonly issuer?: IssuerMismatch }

/** Carries a `Failure` through Passport's callbacks, which only accept errors. */
export class CallFailure extends Error {
  override name = 'CallFailure'
  readonly failure: Failure
  constructor(failure: Failure) {
    super(failure.reason)
    this.failure = failure
  }
}

/**
 * Passport-oauth2 wraps the error of a call in an `InternalOAuthError`. Any other error means that a strategy could not
 * read the response.
 */
export function failureOf(error: unknown): Failure {
  if (error instanceof CallFailure) return error.failure
  const inner = typeof error === 'object' && error !== null && 'oauthError' in error ? error.oauthError : undefined
  return inner instanceof CallFailure ? inner.failure : { kind: 'garbage', reason: 'unreadable_answer' }
}

const words = ['[A-Z]?[a-z]+', '[A-Z]+'].map((word) => `${word}(?:[_ ]${word})*`)
const errorCode = new RegExp(`^(?:OAuthException|${words.join('|')})$`)

/**
 * An `error` code that is safe to log, or `null`. Codes consist of words (RFC 6749 §5.2, and every provider here). A
 * value with digits, or with an upper-case character inside of a word, may be an echoed secret.
 */
export const readErrorCode = (value: unknown): string | null =>
  typeof value === 'string' && value.length <= 48 && errorCode.test(value) ? value : null
