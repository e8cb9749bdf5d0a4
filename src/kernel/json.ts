/**
 * The name of a member that the outermost JSON object repeats, or `undefined`. The text must be valid JSON. RFC 8259 §4
 * leaves the meaning of such an object open: which of two values counts must not depend on the parser.
 */
export function repeatedMember(text: string): string | undefined {
  const names = new Set<string>()
  let depth = 0
  let [from, to] = [0, 0]
  for (let at = 0; at < text.length; at += 1) {
    const character = text[at]
    if (character === '"') {
      from = at
      to = endOfString(text, at)
      at = to
    } else if (character === '{' || character === '[') depth += 1
    else if (character === '}' || character === ']') depth -= 1
    else if (character === ':' && depth === 1) {
      const name: string = JSON.parse(text.slice(from, to + 1))
      if (names.has(name)) return name
      names.add(name)
    }
  }
  return undefined
}

/** The end of the string that begins at `start`: the first quotation mark after an even number of backslashes. */
function endOfString(text: string, start: number): number {
  for (let end = text.indexOf('"', start + 1); end > 0; end = text.indexOf('"', end + 1)) {
    let before = end
    while (text[before - 1] === '\\') before -= 1
    if ((end - before) % 2 === 0) return end
  }
  return text.length
}
