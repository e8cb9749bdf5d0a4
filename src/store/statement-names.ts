import { createHash } from 'node:crypto'

/** How many statements keep a name: a session on the server holds each of them until it ends. */
const mostNames = 300

/**
 * Names for prepared statements. A name is made of its text, so that one which another process gave on the same server
 * connection, behind a pooler that nobody noticed, can only be the same statement. Texts beyond the limit have none,
 * and are parsed each time.
 */
export function createStatementNames(): (text: string) => string | undefined {
  const names = new Map<string, string>()
  return (text) => {
    const known = names.get(text)
    if (known !== undefined || names.size >= mostNames) return known
    const name = `v_${createHash('sha256').update(text).digest('base64url').slice(0, 22)}`
    names.set(text, name)
    return name
  }
}
