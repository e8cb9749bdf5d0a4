/** Reads a profile from the two places that describe a user: UserInfo and the id_token. Pure. */
import type { Failure } from '../calls/failure.ts'
import type { IdTokenClaims } from '../calls/id-token.ts'
import type { Profile, ProviderSettings } from '../provider.ts'

/** Replaces the UserInfo response if there was no call. */
export const noUserinfo: Profile = { id: '', _json: {} }

/**
 * Whether the id_token is enough without UserInfo, if UserInfo is optional. After a refusal it is enough. During an
 * outage it must contain an email address. The address might otherwise be missing only this once, and the user would
 * get a second account.
 */
export const isIdTokenEnough = ({ email }: IdTokenClaims, { userinfo }: ProviderSettings, failure: Failure): boolean =>
  userinfo === 'optional' &&
  (failure.kind === 'refused' || (failure.kind === 'unavailable' && typeof email === 'string'))

/**
 * Merges UserInfo over the id_token, which may contain less. Email address and `email_verified` stay a pair: `true` for
 * one address must not be combined with another.
 */
export function mergeClaims(
  profile: Profile,
  { email, email_verified, ...idToken }: IdTokenClaims,
  signedClaims: readonly string[] = [],
): Profile {
  const said = profile._json
  const pair =
    said.email === undefined || (said.email_verified === undefined && said.email === email)
      ? { email, email_verified }
      : { email: said.email, email_verified: said.email_verified }
  const signed = Object.fromEntries(signedClaims.map((name) => [name, { email, ...idToken }[name]]))
  return { ...profile, _json: { ...idToken, ...said, ...pair, ...signed } }
}

/** The provider's response for the user to see, without anything that could be a credential. */
export function publicProfile({ _json, emails }: Profile, idToken: IdTokenClaims | null): Record<string, unknown> {
  const said = Object.keys(_json).length > 0 ? _json : { ...idToken }
  return { ...withoutCredentials(said, MOST_LEVELS), ...(emails && 'login' in said ? { emails } : {}) }
}

/** Real profiles are not this deep. A megabyte of brackets would overflow the stack of the recursion below. */
const MOST_LEVELS = 12

const withoutCredentials = (said: object, levels: number): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(said).flatMap(([name, value]) =>
      /token|secret|password|private_key/i.test(name) ? [] : [[name, withoutNestedCredentials(value, levels - 1)]],
    ),
  )

function withoutNestedCredentials(value: unknown, levels: number): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (levels === 0) return null
  return Array.isArray(value)
    ? value.map((one) => withoutNestedCredentials(one, levels - 1))
    : withoutCredentials(value, levels)
}
