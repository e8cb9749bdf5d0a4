/** Headers in the form that `writeHead` processes fastest: names and values alternate. */
export type HeaderList = readonly string[]

/** The scripts of a page: none, files of our own, or those of the API reference. */
export type PageScripts = boolean | 'api-reference'

const permissions =
  'accelerometer=(), camera=(), geolocation=(), gyroscope=(), magnetometer=(), microphone=(), payment=(), usb=(), browsing-topics=(), publickey-credentials-create=(self), publickey-credentials-get=(self)'

/** JSON, text and files must not be executed, framed or submitted, however a browser interprets their bytes. */
const inert = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"

/**
 * All headers that do not depend on the request, built once. What scripts of other origins may read does depend on it:
 * see `cors.ts`. Only public keys and metadata are readable by every origin.
 */
export function createHeaders(publicUrl: URL) {
  const https = publicUrl.protocol === 'https:'
  const always = [
    ...(https ? ['Strict-Transport-Security', 'max-age=63072000; includeSubDomains'] : []),
    'X-Content-Type-Options',
    'nosniff',
    'X-Frame-Options',
    'DENY',
    'Referrer-Policy',
    'no-referrer',
    'Cross-Origin-Resource-Policy',
    'same-origin',
    'Permissions-Policy',
    permissions,
    'X-Permitted-Cross-Domain-Policies',
    'none',
    'X-XSS-Protection',
    '0',
  ]
  const personal = [
    ...always,
    'Cache-Control',
    'no-store',
    'Vary',
    'Origin, Sec-Fetch-Site, Cookie, Accept, Accept-Language',
  ]
  const immutable = [...always, 'Cache-Control', 'public, max-age=31536000, immutable']
  const document = [...personal, 'Cross-Origin-Opener-Policy', 'same-origin', 'X-Robots-Tag', 'noindex, nofollow']

  /**
   * Pages have no scripts, except files of our own where a passkey needs one, and on the API reference.
   * `form-action` also applies to the redirect after a submission (Chrome, Safari), so a page whose form ends at a
   * provider names that provider's origin.
   *
   * Only the API reference has two exceptions, for Swagger UI:
   * - its stylesheet contains small pictures as `data:` URLs, which cannot run anything;
   * - it inserts HTML. DOMPurify sanitizes the descriptions under a Trusted Types policy of its own, `dompurify`.
   *   React then assigns the result as a string, which only a `default` policy permits. Ours (`reference-files.ts`)
   *   permits HTML and no more: text can still not become a script or the URL of one.
   */
  const policy = (formAction: readonly string[], scripts: PageScripts = false): string =>
    [
      "default-src 'none'",
      "style-src 'self'",
      scripts === 'api-reference' ? "img-src 'self' data:" : "img-src 'self'",
      "font-src 'self'",
      `form-action ${["'self'", ...formAction.map((url) => new URL(url).origin)].join(' ')}`,
      "frame-ancestors 'none'",
      "base-uri 'none'",
      "object-src 'none'",
      `script-src ${scripts ? "'self'" : "'none'"}`,
      `connect-src ${scripts ? "'self'" : "'none'"}`,
      "require-trusted-types-for 'script'",
      scripts === 'api-reference' ? 'trusted-types dompurify default' : "trusted-types 'none'",
      ...(https ? ['upgrade-insecure-requests'] : []),
    ].join('; ')
  const plain = [...document, 'Content-Security-Policy', policy([])]

  return {
    api: [...personal, 'Content-Security-Policy', inert] as HeaderList,
    /** Responses with tokens also disable HTTP/1.0 caches (RFC 6749 §5.1). */
    oauth: [...personal, 'Content-Security-Policy', inert, 'Pragma', 'no-cache'] as HeaderList,
    page: (formAction: readonly string[] = [], scripts: PageScripts = false): HeaderList =>
      formAction.length === 0 && !scripts
        ? plain
        : [...document, 'Content-Security-Policy', policy(formAction, scripts)],
    /**
     * Public keys and metadata. Fetch does not define the mode in which a browser requests `/.well-known/webauthn` for
     * another site; without CORS, the resource policy decides.
     */
    shared: [
      ...withHeaders(always, { 'Cross-Origin-Resource-Policy': 'cross-origin' }),
      'Cache-Control',
      'public, max-age=300, stale-while-revalidate=60',
      'Access-Control-Allow-Origin',
      '*',
      'Content-Security-Policy',
      inert,
    ] as HeaderList,
    /** Files whose name contains the hash of their content. */
    immutable: [...immutable, 'Content-Security-Policy', inert] as HeaderList,
    /** The same for an SVG, which has its colors in a style sheet of its own. Without scripts, it can load nothing. */
    drawing: [
      ...immutable,
      'Content-Security-Policy',
      inert.replace(';', "; style-src 'unsafe-inline';"),
    ] as HeaderList,
  }
}

/** `list`, with `changes` replacing the headers of the same names. */
export function withHeaders(list: HeaderList, changes: Readonly<Record<string, string>>): string[] {
  const changed = new Set(Object.keys(changes).map((name) => name.toLowerCase()))
  const kept: string[] = []
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at] as string
    if (!changed.has(name.toLowerCase())) kept.push(name, list[at + 1] as string)
  }
  for (const [name, value] of Object.entries(changes)) kept.push(name, value)
  return kept
}

/**
 * How often a request sent a header. Of repeated headers Node keeps the first, and a proxy may keep the last: which one
 * counts must not depend on the reader.
 */
export function countHeader(raw: readonly string[], name: string): number {
  let count = 0
  for (let at = 0; at < raw.length; at += 2) {
    const sent = raw[at]
    if (sent?.length === name.length && sent.toLowerCase() === name) count += 1
  }
  return count
}
