/** The value of a decimal digit of any script: each script has its ten in a row, the zero first (UAX #44, `Nd`). */
function digitOf(digit: string): string {
  const code = digit.codePointAt(0) ?? 0
  let zero = code
  while (code - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1
  return String(code - zero)
}

/**
 * A one-time code as people type it, reduced to the characters it was made of. Keyboards write Arabic-Indic, Persian or
 * full-width digits, people and apps group them with spaces or hyphens, and text copied from a message carries marks
 * nobody sees. Normalization first: full-width characters become ASCII, letters too. Case stays.
 */
export const readTypedCode = (text: string): string =>
  text
    .normalize('NFKC')
    // U+2212 is a minus sign, U+30FC what Japanese keyboards write for a hyphen.
    .replace(/[\s\p{Pd}\p{Cf}\u2212\u30fc]/gu, '')
    .replace(/\p{Nd}/gu, digitOf)
