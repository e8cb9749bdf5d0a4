import type { PresentedClient } from '../applications/applications.ts'

/** The credentials of a back end. */
export type Client = { readonly id: string; readonly secret: string }

/**
 * HTTP Basic as in RFC 6749 §2.3.1 (ID and secret are form-encoded first), or `Bearer <id>.<secret>` for clients that
 * support only that. `null` for anything else: malformed credentials are refused like missing ones.
 */
export function readClient(authorization: string | undefined): Client | null {
  const [, scheme = '', value = ''] = /^(Basic|Bearer) +([A-Za-z0-9+/=._~-]{1,1024})$/i.exec(authorization ?? '') ?? []
  const bearer = scheme.toLowerCase() === 'bearer'
  const text = bearer ? value : Buffer.from(value, 'base64').toString('latin1')
  const at = text.indexOf(bearer ? '.' : ':')
  if (at < 0) return null
  const id = plain(text.slice(0, at))
  const secret = plain(text.slice(at + 1))
  return /^svc_[0-9a-f]{1,80}$/.test(id) ? { id, secret } : null
}

function plain(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return ''
  }
}

/** The fields of a form in which an application names itself. */
export type ClientFields = {
  readonly client_id?: string | undefined
  readonly client_secret?: string | undefined
  readonly client_assertion?: string | undefined
  readonly client_assertion_type?: string | undefined
}

/** RFC 7523 §2.2. */
const assertionType = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/**
 * The credentials of an application (RFC 6749 §2.3): HTTP Basic, or fields of the form; `null` if there are none, or
 * more than one of them.
 */
export function readApplication(authorization: string | undefined, fields: ClientFields): PresentedClient | null {
  const { client_id: named, client_secret: secret, client_assertion: assertion, client_assertion_type: type } = fields
  if (assertion !== undefined || type !== undefined) {
    if (authorization !== undefined || secret !== undefined || assertion === undefined || type !== assertionType)
      return null
    const id = subjectOf(assertion)
    return id === undefined || (named !== undefined && named !== id)
      ? null
      : { method: 'private_key_jwt', id, assertion }
  }
  if (authorization === undefined) {
    if (named === undefined) return null
    return secret === undefined ? { method: 'none', id: named } : { method: 'client_secret_post', id: named, secret }
  }
  const value = /^Basic +([A-Za-z0-9+/=]{1,2048})$/i.exec(authorization)?.[1]
  const text = value === undefined ? '' : Buffer.from(value, 'base64').toString('utf8')
  const at = text.indexOf(':')
  if (at < 0 || secret !== undefined) return null
  // Both parts are form-encoded first, so a plus sign is a space.
  const [id, proof] = [text.slice(0, at), text.slice(at + 1)].map((part) => plain(part.replaceAll('+', '%20')))
  if (id === undefined || proof === undefined || (named !== undefined && named !== id)) return null
  return { method: 'client_secret_basic', id, secret: proof }
}

/** Which application an assertion claims to be from. Its signature is verified with the keys of that application. */
function subjectOf(assertion: string): string | undefined {
  try {
    const claims: unknown = JSON.parse(Buffer.from(assertion.split('.')[1] ?? '', 'base64url').toString())
    return typeof claims === 'object' && claims !== null && 'sub' in claims && typeof claims.sub === 'string'
      ? claims.sub
      : undefined
  } catch {
    return undefined
  }
}
