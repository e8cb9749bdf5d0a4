import type { IncomingHttpHeaders } from 'node:http'
import { hmac, sameSecret } from '../kernel/crypto.ts'

/**
 * Cross-site request forgery: a browser sends the cookie by itself, so the cookie proves who asks, never that they
 * meant to. Two defenses: where the request came from, which the browser states and no script can change, and in our
 * forms a token that only our own pages know.
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

    sourceOf: (headers: IncomingHttpHeaders): Source => sourceOf(headers, origin),
  }
}
export type Csrf = ReturnType<typeof createCsrf>

/** What a form's token is bound to: the session's cookie, or the one a page gives somebody who has no session yet. */
export type Binding = 'session' | 'visitor'

/**
 * Where a browser says a request came from. `unknown`: it does not say, and only a form's token can prove the request.
 */
export type Source = 'ours' | 'foreign' | 'unknown'

/**
 * Both headers are read, and a foreign one decides. Safari before 16.4 and some filtering proxies send no
 * `Sec-Fetch-Site`. Our pages' `Referrer-Policy: no-referrer` turns the `Origin` of their own forms into `null`, and
 * so does a sandboxed frame of another site: `null` is neither ours nor foreign (Fetch, "append a request Origin
 * header").
 */
function sourceOf({ origin, 'sec-fetch-site': site }: IncomingHttpHeaders, ours: string): Source {
  const originIsUnknown = origin === undefined || origin === 'null'
  if (!originIsUnknown && origin !== ours) return 'foreign'
  if (site !== undefined) return site === 'same-origin' || site === 'none' ? 'ours' : 'foreign'
  return originIsUnknown ? 'unknown' : 'ours'
}
