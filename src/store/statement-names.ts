import { createHash } from 'node:crypto'

/** How many statements get a name: the server keeps each one until the session ends. */
const maxNames = 300

/**
 * Names for prepared statements. A name is a hash of the text. Behind an undetected pooler, another process may have
 * used the same name on the same server connection; then it is the same statement. Texts beyond the limit get no name,
 * and are parsed each time.
 */
export function createStatementNames(): (text: string) => string | undefined {
  const names = new Map<string, string>()
  return (text) => {
    const known = names.get(text)
    if (known !== undefined || names.size >= maxNames) return known
    const name = `v_${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`
    names.set(text, name)
    return name
  }
}
