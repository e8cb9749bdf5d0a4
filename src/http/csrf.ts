import type { IncomingHttpHeaders } from 'node:http'
import { hmac, sameSecret } from '../kernel/crypto.ts'

/**
 * Protection against cross-site request forgery: a browser sends cookies automatically, so a cookie proves who the user
 * is, but not that they intended the request. There are two defenses. The browser states where the request came from,
 * and no script can change that. Our forms also contain a token that only our own pages know.
 */
export function createCsrf({ publicUrl, key }: { publicUrl: URL; key: Buffer }) {
  const { origin } = publicUrl
  // A token is bound to one cookie: it is useless to anyone else, and ends with the session. The kind is included
  // because a visitor can choose their cookie, which must never be accepted as a session's.
  const token = (kind: Binding, cookie: string): string => hmac(key, `${kind}\n${cookie}`)

  return {
    token,
    holds: (given: unknown, kind: Binding, cookie: string | undefined): boolean =>
      typeof given === 'string' && cookie !== undefined && cookie !== '' && sameSecret(given, token(kind, cookie)),

    sourceOf: (headers: IncomingHttpHeaders): Source => sourceOf(headers, origin),
  }
}
export type Csrf = ReturnType<typeof createCsrf>

/** What the token of a form is bound to: the session cookie, or the cookie of a visitor without a session. */
export type Binding = 'session' | 'visitor'

/**
 * Where a request came from, as reported by the browser. `unknown`: it reports nothing, and only the token of a form
 * can prove the request.
 */
export type Source = 'ours' | 'foreign' | 'unknown'

/**
 * Both headers are read, and a foreign value in either decides. Safari before 16.4 and some filtering proxies send no
 * `Sec-Fetch-Site`. Our pages have `Referrer-Policy: no-referrer`, which turns the `Origin` of their own forms into
 * `null`. A sandboxed frame of another site also sends `null`, so `null` is neither ours nor foreign (Fetch, "append a
 * request Origin header").
 */
function sourceOf({ origin, 'sec-fetch-site': site }: IncomingHttpHeaders, ours: string): Source {
  const originIsUnknown = origin === undefined || origin === 'null'
  if (!originIsUnknown && origin !== ours) return 'foreign'
  if (site !== undefined) return site === 'same-origin' || site === 'none' ? 'ours' : 'foreign'
  return originIsUnknown ? 'unknown' : 'ours'
}
