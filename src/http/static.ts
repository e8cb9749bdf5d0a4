import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { contentHash } from '../kernel/crypto.ts'

/**
 * A file that is served under a name that changes with its content, so that browsers may cache it forever. It is in
 * memory (`body`), or on disk (`location`) and read for each request.
 */
export type StaticFile = {
  readonly path: string
  readonly contentType: string
} & (
  | { readonly body: Buffer; readonly gzipped: Buffer; readonly location?: never }
  | { readonly location: string; readonly body?: never }
)

/** `style.css` becomes `/static/style.<hash>.css`. */
export function staticFile(
  name: string,
  contentType: string,
  content: string | Buffer,
): StaticFile & { readonly body: Buffer } {
  const body = Buffer.from(content)
  const dot = name.lastIndexOf('.')
  const path = `/static/${name.slice(0, dot)}.${contentHash(body)}${name.slice(dot)}`
  // A page and its files shall be small also without a proxy that compresses. Nothing in a file is a secret (BREACH).
  return { path, contentType, body, gzipped: gzipSync(body) }
}

/**
 * A large file of an npm package. It stays on disk: it is neither read at startup nor kept in memory. npm never changes
 * a published version, so the version stands for the content: `/static/swagger-ui.5.35.0.css`.
 */
export function packageFile(
  { folder, version }: { readonly folder: string; readonly version: string },
  name: string,
  contentType: string,
): StaticFile {
  const dot = name.lastIndexOf('.')
  const path = `/static/${name.slice(0, dot)}.${version}${name.slice(dot)}`
  return { path, contentType, location: join(folder, name) }
}
