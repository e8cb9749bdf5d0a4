import { domainToASCII, domainToUnicode } from 'node:url'

/** An email address in the form that is shown, and in the form that is compared. */
export type Email = { readonly address: string; readonly key: string }

/**
 * No quoting, no white space, and no invisible or unassigned characters. The domain may contain only letters, marks,
 * digits, dots and hyphens. `domainToASCII` is a URL parser, which reads `example.com/x`, `example.com?x` and
 * `ex%61mple.com` all as `example.com`.
 */
const shape = /^[^\s@"(),:;<>[\\\]\p{C}]{1,64}@[\p{L}\p{M}\p{N}.-]{1,253}$/u

/**
 * Whether normalization turns a character beyond ASCII into ASCII, or removes it. The Kelvin sign becomes `K` and a
 * full-width `ｅ` an `e`: the address would be taken for another person's.
 */
const folds = (text: string, normal: (text: string) => string): boolean =>
  // After a letter, a combining mark is complete, and a character that is removed can be detected.
  [...text].some((character) => !/\p{ASCII}/u.test(character) && /^a\p{ASCII}*$/u.test(normal(`a${character}`)))

/**
 * Whether a character beyond ASCII is displayed as nothing, or as a blank: two addresses that differ only in it look
 * the same. The property covers joiners, variation selectors and the Hangul fillers, but not the Braille blank.
 */
const invisible = /[\p{Default_Ignorable_Code_Point}\u2800]/u

/**
 * Whether a character beyond ASCII becomes an ASCII special character or a space under compatibility normalization. A
 * mail server that normalizes a local part with NFKC would read a full-width `@`, comma, `%` or `!` as routing. It
 * would send the message to a stranger. NFKD covers everything that NFKC produces, and also splits U+226E into `<` and
 * a stroke.
 */
const hidesSpecial = (local: string): boolean =>
  [...local].some(
    (character) => !/\p{ASCII}/u.test(character) && /[^\P{ASCII}A-Za-z0-9]/u.test(character.normalize('NFKD')),
  )

/**
 * An A-label that decodes to no Unicode label. From Node 24 on, the URL parser accepts anything that begins with
 * `xn--`.
 */
const isBrokenALabel = (label: string): boolean =>
  label.startsWith('xn--') && /^\p{ASCII}*$/u.test(domainToUnicode(label))

/**
 * Parses an email address: NFC, domain as lower-case A-labels (RFC 5891), compared case-insensitively. Dots and `+tags`
 * are kept: only Gmail ignores them, and ignoring them for other domains would merge different people. Returns
 * `undefined` for text that is not an address, and for an address that another program might read as another person's.
 */
export function readEmail(text: string): Email | undefined {
  const written = text.trim()
  const normal = written.normalize('NFC')
  if (!shape.test(normal)) return undefined
  const split = written.lastIndexOf('@')
  const at = normal.lastIndexOf('@')
  const local = normal.slice(0, at)
  // Normalization changes only characters beyond ASCII, which few addresses have.
  if (!/^\p{ASCII}*$/u.test(written)) {
    if (folds(written.slice(0, split), (local) => local.normalize('NFC'))) return undefined
    if (folds(written.slice(split + 1), domainToASCII)) return undefined
    if (hidesSpecial(local) || invisible.test(local)) return undefined
  }
  const domain = domainToASCII(normal.slice(at + 1)).toLowerCase()
  // A numeric last label makes it an IP address, and the parser accepts a dozen spellings of each.
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(domain) || /(^|\.)\d+$/.test(domain)) return undefined
  if (domain.split('.').some(isBrokenALabel)) return undefined
  const address = `${local}@${domain}`
  return { address, key: address.toLowerCase() }
}

/** A form of the address that its owner recognizes and a stranger does not: `a•••@example.com`. */
export function maskEmail(address: string): string {
  const at = address.lastIndexOf('@')
  return `${[...address.slice(0, at)][0] ?? ''}•••${address.slice(at)}`
}
