/** Where a sign-in ends: on a path of this service, or at an application on another origin. */
export type ReturnTo = { readonly tag: 'here'; readonly path: string } | { readonly tag: 'app'; readonly url: URL }

/** White space, control and invisible characters, and the backslash, which a browser reads as a slash. */
const unsafe = /[\s\p{C}\\]/u
/** A dot or a slash in disguise: whoever decodes it later walks somewhere else than we looked. */
const disguised = /%2f|%5c|%2e/i

/**
 * Reads `return_to`; `undefined` is a refusal, never a silent fallback. A path has one leading slash (`//host` and
 * `/\host` are other hosts to a browser); an absolute URL must have the origin and, at a `/` boundary, the path of an
 * allowed one. Compared as parsed, so that `/app/../admin` or a user name before the host do not pass for what they are
 * not.
 */
export function readReturnTo(text: string, allowed: readonly URL[], self: URL): ReturnTo | undefined {
  if (text.length > 2048 || unsafe.test(text)) return undefined
  if (text.startsWith('/')) {
    if (text.startsWith('//')) return undefined
    // Asked of what was written, and again of what was parsed: `/..//host` becomes `//host`.
    const [written = ''] = text.split(/[?#]/, 1)
    if (disguised.test(written)) return undefined
    const url = URL.canParse(text, self) ? new URL(text, self) : undefined
    if (url?.origin !== self.origin || url.pathname.includes('//')) return undefined
    return { tag: 'here', path: url.pathname + url.search + url.hash }
  }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined) return undefined
  if (url.username !== '' || url.password !== '' || disguised.test(text.split(/[?#]/, 1)[0] ?? '')) return undefined
  const fits = allowed.some(({ origin, pathname }) => {
    const base = pathname.endsWith('/') ? pathname : `${pathname}/`
    return url.origin === origin && (`${url.pathname}/` === base || url.pathname.startsWith(base))
  })
  return fits ? { tag: 'app', url } : undefined
}
