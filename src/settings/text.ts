/**
 * Checks the text of settings. A copied secret often includes a line break, quotation marks or an invisible character.
 * The provider then responds "invalid client", although the two values look the same on every screen.
 */

/** Pairs of quotation marks. A shell removes them around a value, `docker --env-file` does not. */
const quotes = ['""', "''", '``', '“”', '„“', '‘’', '«»']

type Rule = { readonly finds: (value: string) => boolean; readonly fault: string }

const lineBreak: Rule = {
  finds: (value) => /[\n\v\f\r\u0085\u2028\u2029]/.test(value),
  fault: 'must be a single line, but contains a line break',
}
const control: Rule = {
  finds: (value) => /\p{Cc}/u.test(value),
  fault: 'contains a control character; type the value again',
}
const controlInLines: Rule = { ...control, finds: (value) => /[^\P{Cc}\r\n]|[\u2028\u2029]/u.test(value) }
const broken: Rule = {
  finds: (value) => /[\p{Cs}\ufffd]/u.test(value),
  fault: 'contains a broken character; save the value as UTF-8',
}
const invisible = (allowed: string): Rule => ({
  finds: (value) =>
    [...value].some(
      (character) => /[\p{Default_Ignorable_Code_Point}\p{Cf}\u2800]/u.test(character) && !allowed.includes(character),
    ),
  fault: 'contains an invisible character, such as a byte order mark or a zero-width space; type the value again',
})
const unusualSpace: Rule = {
  finds: (value) => /[^\P{Zs} ]/u.test(value),
  fault: 'contains a no-break or other unusual space; type the value again',
}
const surroundingSpace: Rule = {
  finds: (value) => value !== value.trim(),
  fault: 'must not begin or end with whitespace',
}
const surroundingQuotes: Rule = {
  finds: (value) => value.length > 1 && quotes.includes(`${value.at(0)}${value.at(-1)}`),
  fault: 'must not be surrounded by quotation marks',
}

/** Emoji and Persian words contain invisible joiners; identifiers never do. */
const joiners = '\u200c\u200d\ufe0e\ufe0f'
/**
 * `exact` is for values that programs compare: IDs, secrets, URLs, keys, numbers. `display` is for text that people
 * read. `lines` is for values with several lines, such as a key in PEM format.
 */
export type TextUse = 'exact' | 'display' | 'lines'
const rules: Readonly<Record<TextUse, readonly Rule[]>> = {
  exact: [lineBreak, control, broken, invisible(''), surroundingSpace, surroundingQuotes, unusualSpace],
  display: [lineBreak, control, broken, invisible(joiners), surroundingSpace, surroundingQuotes],
  lines: [controlInLines, broken, invisible(''), surroundingQuotes, unusualSpace],
}

/** What is wrong with the text of a setting, or `undefined`. The message never contains any of the text. */
export const textFault = (value: string, use: TextUse = 'exact'): string | undefined =>
  rules[use].find(({ finds }) => finds(value))?.fault

/**
 * The text without what `textFault` rejects, so that the rest of the configuration can be checked too. Use it only to
 * find more errors; the service never starts with it.
 */
export const repairedText = (value: string): string => {
  const text = value.replace(/[\p{C}\p{Default_Ignorable_Code_Point}\u2028\u2029\u2800\ufffd]/gu, '').trim()
  return text.length > 1 && quotes.includes(`${text.at(0)}${text.at(-1)}`) ? text.slice(1, -1).trim() : text
}
