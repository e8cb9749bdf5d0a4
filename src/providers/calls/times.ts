/**
 * Times and lifetimes from providers. Pure. Only whole numbers of seconds are accepted that arithmetic keeps exact.
 * JSON parses `1e400` as Infinity, and a token with that lifetime would never expire.
 */

/**
 * A number of seconds (RFC 7519 §2 NumericDate, RFC 6749 §5.1 `expires_in`). Returns `null` for text, negative numbers
 * and unsafe integers. Fractions, which RFC 7519 allows and some issuers send, are rounded down.
 */
export function readSeconds(value: unknown): number | null {
  if (typeof value !== 'number') return null
  const seconds = Math.floor(value)
  return Number.isSafeInteger(seconds) && seconds >= 0 ? seconds : null
}

/** The same in a header or a form-encoded response: decimal digits only (RFC 9110 §10.2.3). */
export const readSecondsText = (text: string): number | null => (/^\d+$/.test(text) ? readSeconds(Number(text)) : null)
