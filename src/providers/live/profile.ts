/** Who the user is: reads the profile at the provider, at sign-in and later to show it. */
import { type AppError, fail } from '../../errors/catalogue.ts'
import type { Clock } from '../../kernel/clock.ts'
import { ok, type Result } from '../../kernel/result.ts'
import type { Failure } from '../calls/failure.ts'
import type { IdTokenClaims } from '../calls/id-token.ts'
import { verifyUserinfo } from '../calls/userinfo-jwt.ts'
import type { Claims, Endpoints, Profile, Provider } from '../provider.ts'
import type { ProviderProfile } from '../userinfo.ts'
import type { CodeExchange } from './authorization.ts'
import { isIdTokenEnough, mergeClaims, noUserinfo, publicProfile } from './profile-claims.ts'
import { usesIssuer } from './signers.ts'
import type { ProviderState } from './state.ts'
import { unavailable } from './unavailable.ts'

type ProfileError = AppError<'user_info_fetch_failed' | 'provider_unavailable'>

const profileFailure = (provider: Provider, failure: Failure) =>
  failure.kind === 'unavailable'
    ? unavailable(provider, failure)
    : fail('user_info_fetch_failed', { provider: provider.name }, { cause: failure })

/** Identifies the user: the provider's definition reads the profile and the id_token. */
export async function identifyUser(
  state: ProviderState,
  { tokens, idToken }: Pick<CodeExchange, 'tokens' | 'idToken'>,
  clock: Clock,
): Promise<Result<Claims, ProfileError>> {
  const { provider, definition, settings, guard } = state
  const said = await readProfile(state, tokens.accessToken, idToken, clock)
  if (!said.ok) return profileFailure(provider, said.error)
  const { claims } = said.value
  if (!settings.organizations || !definition.memberships) return ok(claims)
  const memberships = await definition.memberships({ guard, settings, accessToken: tokens.accessToken })
  return memberships.ok
    ? ok({ ...claims, memberships: memberships.value })
    : profileFailure(provider, memberships.error)
}

/**
 * The profile of a linked user. `accessToken` is called again, with the `refused` token, if the provider rejects that
 * token (RFC 6750 §3.1). If the provider returns another subject, the profile is not shown.
 */
export async function fetchProfile<E extends { readonly code: string }>(
  state: ProviderState,
  subject: string,
  accessToken: (refused?: string) => Promise<Result<string, E>>,
  clock: Clock,
): Promise<Result<ProviderProfile, E | ProfileError>> {
  const { provider, guard, ready } = state
  const endpoints = await ready()
  // There is no endpoint to call and no token to renew. The provider is not at fault, so nothing is reported.
  if (endpoints.ok && endpoints.value.userinfo === null)
    return profileFailure(provider, { kind: 'garbage', reason: 'no_userinfo' })
  const token = await accessToken()
  if (!token.ok) return token
  let said = await readProfile(state, token.value, null, clock)
  // Some providers reject a token with another status than that of RFC 6750 §3.1.
  if (!said.ok && said.error.kind === 'refused' && (said.error.status === 401 || said.error.code === 'invalid_token')) {
    const another = await accessToken(token.value)
    if (!another.ok) return another
    said = await readProfile(state, another.value, null, clock)
  }
  if (!said.ok) return profileFailure(provider, said.error)
  if (said.value.claims.subject === subject) return said
  const failure: Failure = { kind: 'garbage', reason: 'sub_mismatch' }
  guard.report('userinfo', failure)
  return profileFailure(provider, failure)
}

/** Fetches and reads the user's profile, and checks that it is about the user of the id_token. */
async function readProfile(
  state: ProviderState,
  accessToken: string,
  idToken: IdTokenClaims | null,
  clock: Clock,
): Promise<Result<ProviderProfile, Failure>> {
  const { definition, settings, guard, ready } = state
  const endpoints = await ready()
  if (!endpoints.ok) return endpoints
  const answer = await fetchUserinfo(state, endpoints.value, accessToken, idToken, clock)
  const alone = !answer.ok && idToken !== null && isIdTokenEnough(idToken, settings, answer.error)
  if (!answer.ok && !alone) return answer
  const said = answer.ok ? answer.value : noUserinfo
  const garbage = (reason: string) => guard.report('userinfo', { kind: 'garbage', reason })
  // UserInfo may describe another user than the id_token (token substitution, OpenID Connect Core §5.3.2).
  if (idToken && said !== noUserinfo && said._json.sub !== idToken.sub) return garbage('sub_mismatch')
  const profile = idToken ? mergeClaims(said, idToken, definition.signedClaims) : said
  const claims = definition.claims(profile, settings)
  if ('unreadable' in claims) return garbage(claims.unreadable)
  return ok({ claims, profile: publicProfile(said, idToken) })
}

/** Fetches UserInfo and verifies the signature of a signed response. Returns `noUserinfo` if there is no endpoint. */
async function fetchUserinfo(
  state: ProviderState,
  endpoints: Endpoints,
  accessToken: string,
  idToken: IdTokenClaims | null,
  clock: Clock,
): Promise<Result<Profile, Failure>> {
  if (endpoints.userinfo === null) return ok(noUserinfo)
  const answer = await state.handshake.profile(accessToken)
  if (!answer.ok || answer.value.jwt === undefined) return answer
  const { guard, keys, settings } = state
  const claims = await verifyUserinfo(answer.value.jwt, {
    keys: keys(endpoints),
    accepts: (issuer) => (idToken ? issuer === idToken.iss : usesIssuer(state, issuer)),
    clientId: settings.clientId,
    clock,
  })
  if (claims.ok) return ok({ id: '', _json: claims.value })
  return claims.error.kind === 'garbage' ? guard.report('userinfo', claims.error) : claims
}
