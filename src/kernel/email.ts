import { domainToASCII, domainToUnicode } from 'node:url'

/** An e-mail address as we keep it: as it is shown, and as it is compared. */
export type Email = { readonly address: string; readonly key: string }

/**
 * No quoting, no white space, nothing invisible or unassigned. The domain holds letters, marks, digits, dots and
 * hyphens alone: `domainToASCII` is a URL parser, to which `example.com/x`, `example.com?x` and `ex%61mple.com` are all
 * `example.com`.
 */
const shape = /^[^\s@"(),:;<>[\\\]\p{C}]{1,64}@[\p{L}\p{M}\p{N}.-]{1,253}$/u

/**
 * Whether a character beyond ASCII becomes ASCII, or nothing at all, on its way to the normal form. The Kelvin sign
 * becomes `K` and a full-width `ｅ` an `e`: the address would be read as somebody else's.
 */
const folds = (text: string, normal: (text: string) => string): boolean =>
  // Behind a letter, where a combining mark is whole and nothing alone is something.
  [...text].some((character) => !/\p{ASCII}/u.test(character) && /^a\p{ASCII}*$/u.test(normal(`a${character}`)))

/**
 * Whether a character beyond ASCII is shown as nothing, or as an empty space: what it makes different looks the same.
 * The property holds joiners, variation selectors and the Hangul fillers; the blank of Braille is not among them.
 */
const unseen = /[\p{Default_Ignorable_Code_Point}\u2800]/u

/**
 * Whether a character beyond ASCII becomes an ASCII special character or a space under compatibility normalization.
 * A mail server that normalizes a local part with NFKC would read a full-width `@`, comma, `%` or `!` as routing, and
 * send the message to a stranger. NFKD holds everything NFKC makes, and also takes U+226E apart into `<` and a stroke.
 */
const hidesSpecial = (local: string): boolean =>
  [...local].some(
    (character) => !/\p{ASCII}/u.test(character) && /[^\P{ASCII}A-Za-z0-9]/u.test(character.normalize('NFKD')),
  )

/** An A-label that stands for nothing. From Node 24 on the URL parser passes whatever begins with `xn--`. */
const brokenALabel = (label: string): boolean =>
  label.startsWith('xn--') && /^\p{ASCII}*$/u.test(domainToUnicode(label))

/**
 * Reads an address: NFC, domain as lower-case A-labels (RFC 5891), compared without regard to case.
 * Dots and `+tags` are kept: only Gmail folds them, and folding elsewhere joins strangers.
 * Answers `undefined` for what is no address, and for one that another program would read as somebody else's.
 */
export function readEmail(text: string): Email | undefined {
  const written = text.trim()
  const normal = written.normalize('NFC')
  if (!shape.test(normal)) return undefined
  const split = written.lastIndexOf('@')
  if (folds(written.slice(0, split), (local) => local.normalize('NFC'))) return undefined
  if (folds(written.slice(split + 1), domainToASCII)) return undefined
  const at = normal.lastIndexOf('@')
  const local = normal.slice(0, at)
  if (hidesSpecial(local) || unseen.test(local)) return undefined
  const domain = domainToASCII(normal.slice(at + 1)).toLowerCase()
  // A last label of digits is an IP address, and the parser has a dozen spellings for each.
  if (!/^[a-z0-9-]+(\.[a-z0-9-]+)*$/.test(domain) || /(^|\.)\d+$/.test(domain)) return undefined
  if (domain.split('.').some(brokenALabel)) return undefined
  const address = `${local}@${domain}`
  return { address, key: address.toLowerCase() }
}

/** An address its owner recognises and a stranger does not: `a•••@example.com`. */
export function maskEmail(address: string): string {
  const at = address.lastIndexOf('@')
  return `${[...address.slice(0, at)][0] ?? ''}•••${address.slice(at)}`
}
