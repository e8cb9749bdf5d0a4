import type { AppError, ErrorCode } from '../errors/catalogue.ts'
import { sha256 } from '../kernel/crypto.ts'
import { parseUrl } from '../kernel/parse-url.ts'
import { type Err, err } from '../kernel/result.ts'
import type { PendingAuthorization } from '../providers/ports.ts'

/** Where a sign-in ends: on a path of this service, or at an application on another origin. */
export type ReturnTo = { readonly tag: 'here'; readonly path: string } | { readonly tag: 'app'; readonly url: URL }

/** Where a sign-in continues, as stored when it began. */
export type Onward = {
  readonly returnTo: string | null
  /** The S256 challenge of an application on another origin; `null` for a path of this service. */
  readonly codeChallenge: string | null
}

/** A refused sign-in keeps where it would have returned to, so that signing in again can still end there. */
export const withOnward = <C extends ErrorCode>(
  refused: Err<AppError<C>>,
  { intent, returnTo, codeChallenge }: PendingAuthorization,
): Err<AppError<C>> =>
  intent === 'login' && returnTo !== null ? err({ ...refused.error, onward: { returnTo, codeChallenge } }) : refused

/** White space, control and invisible characters, and the backslash, which a browser reads as a slash. */
const unsafe = /[\s\p{C}\\]/u
/** An encoded dot or slash. A later decoder would resolve another path than the one checked here. */
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
    // Checked as written, and again as parsed: `/..//host` becomes `//host`.
    const [written = ''] = text.split(/[?#]/, 1)
    if (disguised.test(written)) return undefined
    const url = parseUrl(text, self)
    if (url?.origin !== self.origin || url.pathname.includes('//')) return undefined
    return { tag: 'here', path: url.pathname + url.search + url.hash }
  }
  const url = parseUrl(text)
  if (url === undefined) return undefined
  if (url.username !== '' || url.password !== '' || disguised.test(text.split(/[?#]/, 1)[0] ?? '')) return undefined
  const fits = allowed.some(({ origin, pathname }) => {
    const base = pathname.endsWith('/') ? pathname : `${pathname}/`
    return url.origin === origin && (`${url.pathname}/` === base || url.pathname.startsWith(base))
  })
  return fits ? { tag: 'app', url } : undefined
}

/** The name of a list entry in a sign-in code: 66 bits, base64url. */
const entryLength = 11
const entryName = ({ href }: URL): string => sha256(href).slice(0, entryLength)

/**
 * Whether a sign-in may still return to where it began. Another node, or a restart with other settings, may finish it:
 * an application that was removed from the list receives no browser and no usable code.
 */
export function createReturns({ allowed, self }: { readonly allowed: readonly URL[]; readonly self: URL }) {
  const read = (text: string): ReturnTo | undefined => readReturnTo(text, allowed, self)
  return {
    stillAllowed({ returnTo, codeChallenge }: Onward): boolean {
      if (returnTo === null) return true
      const target = read(returnTo)
      return target !== undefined && (target.tag === 'app') === (codeChallenge !== null)
    },
    /** The entry that allows an application, by name; `undefined` where none does. */
    entryFor(returnTo: string): string | undefined {
      const by = allowed.find((entry) => readReturnTo(returnTo, [entry], self)?.tag === 'app')
      return by && entryName(by)
    },
    /** Whether the list has an entry of this name. */
    hasEntry: (name: string): boolean => allowed.some((entry) => entryName(entry) === name),
  }
}
export type Returns = ReturnType<typeof createReturns>
