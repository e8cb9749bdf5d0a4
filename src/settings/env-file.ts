import { parseEnv } from 'node:util'

/** Replaces `#` when the file is parsed a second time. A private-use character that no setting contains. */
const mark = '\u{f8ff}'

/**
 * Returns a warning for each variable of a `.env` file whose value is cut off at a `#`. Outside quotation marks a
 * comment starts there, even in the middle of a password. Node's own parser reads the file with and without these
 * characters, so that its quoting rules apply.
 */
export function droppedComments(text: string): readonly string[] {
  // Keep lines that are comments from the start: they may contain anything.
  const marked = text.replace(/(?<=\S[^\r\n]*)#/g, mark)
  const whole = new Map(
    Object.entries(parseEnv(marked)).map((pair) => [restoreHashes(pair[0]), restoreHashes(pair[1])]),
  )
  return Object.entries(parseEnv(text)).flatMap(([name, value]) =>
    whole.get(name) === restoreHashes(value)
      ? []
      : `${name} in .env: what follows # is not part of the value; put the value in quotation marks if it should be`,
  )
}

const restoreHashes = (text = ''): string => text.replaceAll(mark, '#')
