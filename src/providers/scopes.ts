import type { ScopeNames } from './provider.ts'

/**
 * The requested scopes that the granted ones do not cover. Pure. Providers rename scopes (Google returns the long name
 * of `email`) and merge some into others (GitHub's `user` includes `user:email`).
 */
export function missingScopes(
  asked: readonly string[],
  granted: readonly string[],
  { aliases = {}, holds = {} }: ScopeNames = {},
): readonly string[] {
  const known = (scope: string): string => (Object.hasOwn(aliases, scope) ? (aliases[scope] ?? scope) : scope)
  const held = new Set(
    granted.flatMap((scope) => [known(scope), ...(Object.hasOwn(holds, scope) ? (holds[scope] ?? []) : []).map(known)]),
  )
  return [...new Set(asked)].filter((scope) => !held.has(known(scope)) && !unreportedScopes.has(scope))
}

/** More scopes than any consent has, and more characters than any scope has. */
const mostScopes = 200
const scopeName = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/

/**
 * The valid scopes in a provider's list (RFC 6749 §3.3); invalid ones are ignored. Scopes are stored and shown. A
 * single invalid character (NUL) would make PostgreSQL reject the row and lose its tokens.
 */
export const readScopes = (listed: readonly string[]): string[] =>
  [...new Set(listed)].filter((scope) => scopeName.test(scope)).slice(0, mostScopes)

/** Requested like scopes, but some providers do not list them among the granted ones. */
const unreportedScopes: ReadonlySet<string> = new Set(['openid', 'offline_access'])
