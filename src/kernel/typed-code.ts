/**
 * The value of a decimal digit in any script. In each script the ten digits are consecutive, zero first (UAX #44,
 * `Nd`).
 */
function digitOf(digit: string): string {
  const code = digit.codePointAt(0) ?? 0
  let zero = code
  while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1
  return String(code - zero)
}

/**
 * Normalizes a one-time code that a person typed. Keyboards write Arabic-Indic, Persian or full-width digits, and
 * people and apps group digits with spaces or hyphens. Text copied from a message contains invisible characters. NFKC
 * comes first: it turns full-width characters, letters included, into ASCII. Case is kept.
 */
export const readTypedCode = (text: string): string =>
  text
    .normalize('NFKC')
    // U+2212 is a minus sign; U+30FC is what Japanese keyboards write for a hyphen.
    .replace(/[\s\p{Pd}\p{Cf}\u2212\u30fc]/gu, '')
    .replace(/\p{Nd}/gu, digitOf)
