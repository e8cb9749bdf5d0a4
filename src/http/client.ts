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
