/**
 * Times and lifetimes as providers send them. Pure. One rule for all: a whole number of seconds that arithmetic cannot
 * lose. JSON reads `1e400` as Infinity, and a token that expires then never does.
 */

/**
 * A number of seconds (RFC 7519 §2 NumericDate, RFC 6749 §5.1 `expires_in`), or `null` for anything else: text, a
 * negative number, and one beyond the safe integers. A fraction, which RFC 7519 allows and some issuers send, is cut
 * off.
 */
export function readSeconds(value: unknown): number | null {
  if (typeof value !== 'number') return null
  const seconds = Math.floor(value)
  return Number.isSafeInteger(seconds) && seconds >= 0 ? seconds : null
}

/** The same in a header, or in a form-encoded answer: decimal digits and nothing else (RFC 9110 §10.2.3). */
export const readSecondsText = (text: string): number | null => (/^\d+$/.test(text) ? readSeconds(Number(text)) : null)
