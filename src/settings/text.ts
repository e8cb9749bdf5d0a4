/**
 * What the text of a setting may hold. A copied secret often includes a line break, quotation marks or an invisible
 * character. The provider then responds "invalid client", although the two values look the same on every screen.
 */

/** The pairs that surround a quoted value: a shell removes them, `docker --env-file` does not. */
const quotes = ['""', "''", '``', '“”', '„“', '‘’', '«»']

type Rule = { readonly finds: (value: string) => boolean; readonly fault: string }

const lineBreak: Rule = {
  finds: (value) => /[\n\v\f\r\u0085\u2028\u2029]/.test(value),
  fault: 'must be a single line, but contains a line break',
}
const control: Rule = { finds: (value) => /\p{Cc}/u.test(value), fault: 'contains a control character' }
const broken: Rule = {
  finds: (value) => /[\p{Cs}\ufffd]/u.test(value),
  fault: 'contains a broken character; save it as UTF-8',
}
const invisible = (allowed: string): Rule => ({
  finds: (value) =>
    [...value].some(
      (character) => /[\p{Default_Ignorable_Code_Point}\p{Cf}\u2800]/u.test(character) && !allowed.includes(character),
    ),
  fault: 'contains an invisible character, such as a byte order mark or a zero-width space; type it again',
})
const unusualSpace: Rule = {
  finds: (value) => /[^\P{Zs} ]/u.test(value),
  fault: 'contains a no-break or other unusual space; type it again',
}
const padded: Rule = { finds: (value) => value !== value.trim(), fault: 'must not begin or end with whitespace' }
const quoted: Rule = {
  finds: (value) => value.length > 1 && quotes.includes(`${value.at(0)}${value.at(-1)}`),
  fault: 'must not be surrounded by quotation marks',
}

/** An emoji or a Persian word is joined by characters without a glyph; an identifier never is. */
const joiners = '\u200c\u200d\ufe0e\ufe0f'
const rules: Readonly<Record<'exact' | 'display', readonly Rule[]>> = {
  exact: [lineBreak, control, broken, invisible(''), padded, quoted, unusualSpace],
  display: [lineBreak, control, broken, invisible(joiners), padded, quoted],
}

/**
 * What is wrong with the text of a setting, or `undefined`. The answer never holds any of the text. `exact` is for
 * everything a program compares: ids, secrets, URLs, keys, numbers; `display` for what people read.
 */
export const textFault = (value: string, use: 'exact' | 'display' = 'exact'): string | undefined =>
  rules[use].find(({ finds }) => finds(value))?.fault

/**
 * The text without what `textFault` refuses, so that the rest of a configuration can be looked at as if that were put
 * right. For finding further faults alone; a service never starts with it.
 */
export const repairedText = (value: string): string => {
  const text = value.replace(/[\p{C}\p{Default_Ignorable_Code_Point}\u2028\u2029\u2800\ufffd]/gu, '').trim()
  return text.length > 1 && quotes.includes(`${text.at(0)}${text.at(-1)}`) ? text.slice(1, -1).trim() : text
}
