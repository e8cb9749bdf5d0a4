import { parseEnv } from 'node:util'

/** Stands for `#` while the file is read a second time: a private-use character that no setting contains. */
const mark = '\u{f8ff}'

/**
 * A warning for each variable of a `.env` whose value loses what follows a `#`: outside quotation marks a comment begins
 * there, even in the middle of a password. Node's own parser decides, reading the file with and without the signs, so
 * that the two can never differ in what is quoted.
 */
export function droppedComments(text: string): readonly string[] {
  // A line that is a comment from its beginning stays one: it may hold anything.
  const marked = text.replace(/(?<=\S[^\r\n]*)#/g, mark)
  const whole = new Map(Object.entries(parseEnv(marked)).map((pair) => [unmarked(pair[0]), unmarked(pair[1])]))
  return Object.entries(parseEnv(text)).flatMap(([name, value]) =>
    whole.get(name) === unmarked(value)
      ? []
      : `${name} in .env: what follows # is not part of the value; put the value in quotation marks if it should be`,
  )
}

const unmarked = (text = ''): string => text.replaceAll(mark, '#')
