import type { IncomingHttpHeaders } from 'node:http'
import { hmac, sameSecret } from '../kernel/crypto.ts'

/**
 * Cross-site request forgery: what a browser sends by itself (the cookie) proves who, never that they meant it.
 * Two defences, each enough alone: where the request came from, as the browser says and no script can change, and
 * in our forms a token only our own pages can know.
 */
export function createCsrf({ publicUrl, key }: { publicUrl: URL; key: Buffer }) {
  const { origin } = publicUrl
  // A token is good for one cookie: it is worth nothing to somebody else, and ends with the session. The kind keeps
  // a visitor's cookie, which may be chosen, from ever standing for a session's.
  const token = (kind: Binding, cookie: string): string => hmac(key, `${kind}\n${cookie}`)

  return {
    token,
    holds: (given: unknown, kind: Binding, cookie: string | undefined): boolean =>
      typeof given === 'string' && cookie !== undefined && cookie !== '' && sameSecret(given, token(kind, cookie)),

    /** From our own pages. Without either header no browser of this decade sent it; with a cookie that is refused. */
    fromOurselves(headers: IncomingHttpHeaders): boolean {
      const site = headers['sec-fetch-site']
      if (site !== undefined) return site === 'same-origin' || site === 'none'
      return headers.origin === origin
    },
  }
}
export type Csrf = ReturnType<typeof createCsrf>

/** What a form's token is bound to: the session's cookie, or the one a page gives somebody who has no session yet. */
export type Binding = 'session' | 'visitor'
