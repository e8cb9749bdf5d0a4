/** Where a sign-in ends: on a path of this service, or at an application on another origin. */
export type ReturnTo = { readonly tag: 'here'; readonly path: string } | { readonly tag: 'app'; readonly url: URL }

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
const unsafe = /[\u0000-\u0020\u007f\\]/

/**
 * Reads `return_to`; `undefined` is a refusal, never a silent fallback. A path has one leading slash (`//host` and `/\host` are
 * other hosts to a browser); an absolute URL must have the origin and, at a `/` boundary, the path of an allowed one. Compared
 * as parsed, so that `/app/../admin` or a user name before the host do not pass for what they are not.
 */
export function readReturnTo(text: string, allowed: readonly URL[], self: URL): ReturnTo | undefined {
  if (text.length > 2048 || unsafe.test(text)) return undefined
  if (text.startsWith('/')) {
    if (text.startsWith('//')) return undefined
    const url = URL.canParse(text, self) ? new URL(text, self) : undefined
    return url?.origin === self.origin ? { tag: 'here', path: url.pathname + url.search + url.hash } : undefined
  }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) return undefined
  if (url.username !== '' || url.password !== '' || /%2f|%5c|%2e/i.test(url.pathname)) return undefined
  const fits = allowed.some(({ origin, pathname }) => {
    const base = pathname.endsWith('/') ? pathname : `${pathname}/`
    return url.origin === origin && (`${url.pathname}/` === base || url.pathname.startsWith(base))
  })
  return fits ? { tag: 'app', url } : undefined
}
