/**
 * Reading single values out of what a provider said. A provider’s JSON is text from outside: names arrive with
 * control characters, pictures as `javascript:` URLs, ids as numbers too large to be one.
 */

const MOST_CHARACTERS = 256
const MOST_SUBJECT_CHARACTERS = 255

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * A line of text to show, or `null`: of a length a page survives, without control characters, and without those that
 * turn the direction, since they make the page around a name read as something else. Joiners stay: emoji are built with
 * them.
 */
export function readText(value: unknown): string | null {
  if (typeof value !== 'string') return null
  const text = value
    .toWellFormed()
    .replace(/\p{Bidi_Control}+/gu, '')
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
  return text === '' ? null : [...text].slice(0, MOST_CHARACTERS).join('')
}

/** The first of these values that is a line of text. */
export const firstText = (...values: readonly unknown[]): string | null => {
  for (const value of values) {
    const text = readText(value)
    if (text !== null) return text
  }
  return null
}

/**
 * An address as the provider wrote it; what is an address, `kernel/email.ts` decides. 254 is all SMTP carries (RFC 5321
 * §4.5.3.1).
 */
export const readAddress = (value: unknown): string | null =>
  typeof value === 'string' && value.includes('@') && value.length <= 320 && !/\p{Cc}/u.test(value) ? value : null

/** A picture we may put into a page: https, or nothing. */
export function readPicture(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 2048 || !URL.canParse(value)) return null
  const url = new URL(value)
  return url.protocol === 'https:' ? url.href : null
}

/**
 * A subject as text. A number JSON cannot hold exactly is refused: two neighbours above 2^53 arrive as the same
 * number, and one person would sign in as the other. So would two halves of characters in UTF-8, where each becomes
 * the same replacement.
 */
export function readSubject(value: unknown): string | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : null
  if (typeof value !== 'string' || value.trim() === '') return null
  return value.length <= MOST_SUBJECT_CHARACTERS && !/[\p{Cc}\p{Cs}]/u.test(value) ? value : null
}
