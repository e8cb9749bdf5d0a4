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

/** Asked for like a scope, and by some providers never told among the granted ones. */
const unanswered: ReadonlySet<string> = new Set(['openid', 'offline_access'])
