import { isUtf8 } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { parse as parseForm } from 'node:querystring'
import { repeatedMember } from '../kernel/json.ts'
import { mostPictureBytes } from '../kernel/picture.ts'
import type { Route } from './route.ts'
import { pictureField, pictureTypes } from './upload.ts'

export const bodyLimit = 65_536
/** How much of a body that is too large is still read, so that a client that is still sending receives the 413. */
const maxReadBytes = 1_048_576

type BodyLimits = {
  /** How much is kept. */
  readonly most: number
  readonly read: number
}
const ordinary: BodyLimits = { most: bodyLimit, read: maxReadBytes }
const uploads: Readonly<Record<'picture' | 'multipart', BodyLimits>> = {
  picture: { most: mostPictureBytes, read: maxReadBytes },
  // A form with a file that is somewhat too long is answered as one with a wrong file. People send photos of their
  // cameras, too: a browser shows the response only once it has sent all of one.
  multipart: { most: 1_048_576, read: 16_777_216 },
}

/** The kinds of body that a route accepts. */
type Accepted = Readonly<Record<BodyKind, boolean>>
type BodyKind = 'json' | 'form' | 'picture' | 'multipart'

export type Body =
  | { readonly kind: 'json' | 'form' | 'picture'; readonly value: unknown }
  | { readonly kind: 'none' }
  | { readonly kind: 'repeated'; readonly name: string }
  | { readonly kind: 'payload_too_large' | 'unsupported_media_type' | 'malformed_body' | 'aborted' }

/**
 * Reads the body of a request. It is bounded before it is parsed, and refused unless it has the stated type. Without a
 * preflight, a browser sends another site's form only as one of three content types, and a JSON route accepts none of
 * them. Guessing the type would remove this protection.
 */
export async function readBody(request: IncomingMessage, accepts: Accepted): Promise<Body> {
  const { headers } = request
  const length = headers['content-length']
  if (headers['transfer-encoding'] === undefined && (length === undefined || length === '0')) return { kind: 'none' }
  const kind = bodyKindOf(request)
  const limits =
    kind !== undefined && accepts[kind] && kind in uploads ? uploads[kind as keyof typeof uploads] : ordinary
  if (Number(length) > limits.read) return { kind: 'payload_too_large' }

  const bytes = await collect(request, limits)
  if (bytes === 'aborted' || bytes === 'payload_too_large') return { kind: bytes }
  if (bytes.length === 0) return { kind: 'none' }
  if (!kind || !accepts[kind] || !plain(headers['content-encoding'])) return { kind: 'unsupported_media_type' }
  if (kind === 'picture') return { kind, value: { [pictureField]: bytes } }
  if (kind === 'multipart') {
    // Loaded only for a form with a file.
    const { readMultipart } = await import('./multipart.ts')
    const value = await readMultipart(headers['content-type'] ?? '', bytes)
    return value === undefined ? { kind: 'malformed_body' } : { kind: 'form', value }
  }
  if (!isUtf8(bytes)) return { kind: 'malformed_body' }
  // A byte order mark before JSON is ignored, as RFC 8259 §8.1 allows: editors and PowerShell write one.
  const text = bytes.toString('utf8').replace(/^\ufeff/, '')
  if (kind === 'form') return { kind, value: parseForm(text, '&', '=', { maxKeys: 0 }) }
  try {
    const value: unknown = JSON.parse(text)
    const name = repeatedMember(text)
    return name === undefined ? { kind, value } : { kind: 'repeated', name }
  } catch {
    return { kind: 'malformed_body' }
  }
}

/** The kind of body that a request states; `undefined` if it is none of ours. */
export const bodyKindOf = ({ headers }: Pick<IncomingMessage, 'headers'>): BodyKind | undefined =>
  headers['content-type'] === 'application/json' ? 'json' : readType(headers['content-type'])

const plain = (encoding: string | undefined): boolean => encoding === undefined || encoding === 'identity'

function readType(header: string | undefined): BodyKind | undefined {
  const [type = '', ...parameters] = (header ?? '').toLowerCase().split(';')
  for (const parameter of parameters) {
    const charset = /^\s*charset\s*=\s*"?([^"\s]*)"?\s*$/.exec(parameter)?.[1]
    if (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8') return undefined
  }
  if (type.trim() === 'application/json') return 'json'
  if (type.trim() === 'multipart/form-data') return 'multipart'
  if (pictureTypes.some((one) => one === type.trim())) return 'picture'
  return type.trim() === 'application/x-www-form-urlencoded' ? 'form' : undefined
}

function collect(
  request: IncomingMessage,
  { most, read }: BodyLimits,
): Promise<Buffer | 'aborted' | 'payload_too_large'> {
  return new Promise((resolve) => {
    // No event follows if the client disconnected before.
    if (request.destroyed) return resolve('aborted')
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.length
      if (size <= most) chunks.push(chunk)
      else if (size > read) resolve('payload_too_large')
    })
    request.on('end', () => {
      if (size > most) return resolve('payload_too_large')
      const [first] = chunks
      resolve(chunks.length === 1 && first ? first : Buffer.concat(chunks))
    })
    // The client disconnected: there is no one to answer.
    request.on('error', () => resolve('aborted'))
    request.on('close', () => resolve('aborted'))
  })
}

/**
 * The kinds of body a route accepts: JSON for the API, forms for browsers, and the other kind where the route says so. A
 * route for a picture accepts nothing else.
 */
export const acceptsOf = ({ surface, form, json, upload }: Route<never>): Accepted => ({
  json: !upload && (surface === 'api' || json === true),
  form: !upload && (surface === 'browser' || form === true),
  picture: upload === true && surface === 'api',
  multipart: upload === true && surface === 'browser',
})

export const contentTypes = ({ json, form, picture, multipart }: Accepted): readonly string[] => [
  ...(json ? ['application/json'] : []),
  ...(form ? ['application/x-www-form-urlencoded'] : []),
  ...(picture ? pictureTypes : []),
  ...(multipart ? ['multipart/form-data'] : []),
]
