import { readEmail } from '../kernel/email.ts'
import { parseUrl } from '../kernel/parse-url.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { BrandPictureField } from './brand.ts'

/** Why a value cannot be used. `limit`: the greatest number of characters. */
export type BrandFault = {
  readonly reason: 'too_long' | 'invalid_format' | 'https_required'
  readonly limit?: number
}
type Read = (text: string) => Result<string, BrandFault>

const invalid = err({ reason: 'invalid_format' } as const)
const within = (most: number, text: string): Result<string, BrandFault> =>
  [...text].length > most ? err({ reason: 'too_long', limit: most }) : ok(text)

/** A control character could start another header of a message; a bidirectional one could reorder the text around it. */
const unsafe = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u

const line =
  (most: number): Read =>
  (text) =>
    unsafe.test(text) ? invalid : within(most, text)
/** Text of several lines. */
const prose =
  (most: number): Read =>
  (text) => {
    const plain = text.replaceAll('\r\n', '\n')
    return unsafe.test(plain.replaceAll('\n', '')) ? invalid : within(most, plain)
  }
const color: Read = (text) => (/^#[0-9a-f]{6}$/i.test(text) ? ok(text.toLowerCase()) : invalid)
const email: Read = (text) => (readEmail(text) ? ok(text) : invalid)
/** People follow these links from a page that asks for a password. */
const httpsUrl: Read = (text) => {
  const url = parseUrl(text)
  if (url?.protocol !== 'https:' || url.username !== '' || url.password !== '') return err({ reason: 'https_required' })
  return within(2048, url.href)
}

/** A longer name would break the heading of a page on a phone. In characters. */
export const mostNameLength = 40
const mostTextLength = 500

/** The fields of a brand that are text, and what each may contain. Those of the second language end in `Pt`. */
export const brandFields = {
  name: line(mostNameLength),
  color,
  supportEmail: email,
  privacyUrl: httpsUrl,
  termsUrl: httpsUrl,
  formText: prose(mostTextLength),
  formTextPt: prose(mostTextLength),
  mailSender: line(mostNameLength),
  mailHeader: line(120),
  mailHeaderPt: line(120),
  mailFooter: prose(mostTextLength),
  mailFooterPt: prose(mostTextLength),
} as const satisfies Record<string, Read>

export type BrandTextField = keyof typeof brandFields
/** The name of a field in the API and in the audit log. */
export const snakeNameOf = (field: BrandTextField | BrandPictureField): string =>
  field.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
export const brandTextFields = Object.keys(brandFields) as readonly BrandTextField[]
