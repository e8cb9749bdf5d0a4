import { createHash } from 'node:crypto'

/** A file of ours, served under a name that changes with its content, so that it may be kept for ever. */
export type StaticFile = { readonly path: string; readonly contentType: string; readonly body: Buffer }

/** `style.css` becomes `/static/style.<hash>.css`. */
export function staticFile(name: string, contentType: string, content: string | Buffer): StaticFile {
  const body = Buffer.from(content)
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 16)
  const dot = name.lastIndexOf('.')
  return { path: `/static/${name.slice(0, dot)}.${hash}${name.slice(dot)}`, contentType, body }
}
