import type { ScopeNames } from './provider.ts'

/**
 * Which of the scopes asked for the granted ones do not cover. Pure: providers rename scopes on the way (Google answers
 * `email` by its long name) and fold some into others (GitHub's `user` holds `user:email`).
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
  return [...new Set(asked)].filter((scope) => !held.has(known(scope)) && !unanswered.has(scope))
}

/** More than any consent holds, and longer than any scope is. */
const mostScopes = 200
const scopeName = /^[\x21\x23-\x5b\x5d-\x7e]{1,256}$/

/**
 * The scopes in what a provider listed (RFC 6749 §3.3); what is no scope is none that was granted. They are stored and
 * shown, and one character of the wrong kind (NUL) makes PostgreSQL refuse the row with the tokens that came along.
 */
export const readScopes = (listed: readonly string[]): string[] =>
  [...new Set(listed)].filter((scope) => scopeName.test(scope)).slice(0, mostScopes)

/** Asked for like a scope, and by some providers never told among the granted ones. */
const unanswered: ReadonlySet<string> = new Set(['openid', 'offline_access'])
