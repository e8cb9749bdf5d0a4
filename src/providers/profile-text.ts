import { parseUrl } from '../kernel/parse-url.ts'

/**
 * Reads single values from a provider's response. A provider’s JSON is untrusted: names may contain control characters,
 * pictures may be `javascript:` URLs, and IDs may be numbers that JSON cannot hold exactly.
 */

const MOST_CHARACTERS = 256
const MOST_SUBJECT_CHARACTERS = 255

export const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/**
 * A line of text for display, or `null`. It is cut to a length that a page can show. Control characters are removed,
 * and so are bidirectional controls, which could make the page around a name misleading. Joiners stay, because emoji
 * need them.
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

/** The first value that is a line of text. */
export const firstText = (...values: readonly unknown[]): string | null => {
  for (const value of values) {
    const text = readText(value)
    if (text !== null) return text
  }
  return null
}

/**
 * An email address as the provider sent it; `kernel/email.ts` decides whether it is valid. SMTP allows 254 characters
 * (RFC 5321 §4.5.3.1).
 */
export const readAddress = (value: unknown): string | null =>
  typeof value === 'string' && value.includes('@') && value.length <= 320 && !/\p{Cc}/u.test(value) ? value : null

/** A picture URL that is safe in a page: https, or nothing. */
export function readPicture(value: unknown): string | null {
  if (typeof value !== 'string' || value.length > 2048 || parseUrl(value) === undefined) return null
  const url = new URL(value)
  return url.protocol === 'https:' ? url.href : null
}

/**
 * A subject as text. Numbers that JSON cannot represent exactly are rejected: neighbors above 2^53 arrive as the same
 * number, and one person could sign in as another. Lone surrogates are rejected for the same reason: in UTF-8 each
 * becomes the same replacement character.
 */
export function readSubject(value: unknown): string | null {
  if (typeof value === 'number') return Number.isSafeInteger(value) ? String(value) : null
  if (typeof value !== 'string' || value.trim() === '') return null
  return value.length <= MOST_SUBJECT_CHARACTERS && !/[\p{Cc}\p{Cs}]/u.test(value) ? value : null
}
