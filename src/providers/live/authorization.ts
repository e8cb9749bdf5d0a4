/** The round trip of a browser: the URL to send it to, and the exchange of the code that it brings back. */
import { type AppError, fail } from '../../errors/catalogue.ts'
import type { Clock } from '../../kernel/clock.ts'
import { type Random, secretToken } from '../../kernel/ids.ts'
import { ok, type Result } from '../../kernel/result.ts'
import type { Failure } from '../calls/failure.ts'
import { type IdTokenClaims, verifyIdToken } from '../calls/id-token.ts'
import type { AuthorizationPrompt, TokenSet } from '../provider.ts'
import { expectedSigner, subjectNamespace, usesIssuer, wrongTenant } from './signers.ts'
import type { ProviderState } from './state.ts'
import { unavailable } from './unavailable.ts'

/** The result of a code exchange: the tokens, and the verified claims of the id_token if there is one. */
export type CodeExchange = {
  readonly tokens: TokenSet
  readonly idToken: IdTokenClaims | null
  /** Namespace of the subject: see `Grant.issuer`. */
  readonly issuer: string
}

/** Why a code exchange fails. `sign_in_restricted`: the user belongs to a tenant that is not allowed. */
type ExchangeCode = 'token_exchange_failed' | 'provider_unavailable' | 'flow_mismatch' | 'sign_in_restricted'

/** The parameters of the authorization request. `scopes` is absent if they are the provider's defaults. */
export type AuthorizationParameters = {
  readonly redirectUri: string
  readonly verifier: string
  readonly nonce: string | null
  readonly scopes?: readonly string[] | null
}

/** The parameters of the callback. The caller checks that they are single strings. `iss` is defined by RFC 9207. */
export type CodeCallback = { readonly code: string; readonly state: string; readonly iss?: string | undefined }

/**
 * Visible ASCII (RFC 6749 appendix A.11), longer than any code in use. Any other value was not issued by a provider.
 */
const CODE = /^[\x21-\x7e]{1,4096}$/

export type AuthorizationOptions = AuthorizationPrompt & {
  redirectUri: string
  scopes?: readonly string[] | undefined
}

/** Creates the URL to send the browser to. Passport creates the PKCE verifier; nothing is stored here. */
export async function beginAuthorization(
  { provider, definition, settings, ready, handshake }: ProviderState,
  { redirectUri, scopes = provider.scopes, ...asking }: AuthorizationOptions,
  random: Random,
): Promise<
  Result<{ url: URL; state: string; verifier: string; nonce: string | null }, AppError<'provider_unavailable'>>
> {
  const endpoints = await ready()
  if (!endpoints.ok) return unavailable(provider, endpoints.error)
  const bound = definition.openid && scopes.includes('openid') && settings.nonce !== 'off'
  const nonce = bound ? secretToken(random) : null
  const asked = { session: false, callbackURL: redirectUri, scope: scopes, nonce, ...asking } as const
  const { url, state, verifier } = await handshake.begin(asked)
  return ok({ url, state, verifier, nonce })
}

/**
 * Exchanges the code once. The caller has already claimed the pending authorization. No call is made if the callback
 * names another issuer or has no code. `live`: all providers that users can sign in with.
 */
export async function exchangeCode(
  one: ProviderState,
  live: readonly ProviderState[],
  { code, state, iss }: CodeCallback,
  flow: AuthorizationParameters,
  clock: Clock,
): Promise<Result<CodeExchange, AppError<ExchangeCode>>> {
  const { provider, definition, settings, guard, ready, handshake } = one
  const refuse = (failure: Failure) =>
    failure.kind === 'unavailable'
      ? unavailable(provider, failure)
      : fail('token_exchange_failed', { provider: provider.name }, { cause: failure })

  if (iss !== undefined && !isExpected(iss, one, live)) return fail('flow_mismatch')
  if (!CODE.test(code)) return refuse({ kind: 'garbage', reason: 'bad_code' })
  const endpoints = await ready()
  if (!endpoints.ok) return refuse(endpoints.error)
  if (iss === undefined && endpoints.value.issRequired) return fail('flow_mismatch')

  const { redirectUri, verifier, nonce } = flow
  const tokens = await handshake.finish({ code, state, verifier, redirectUri })
  if (!tokens.ok) return refuse(tokens.error)

  const { idToken, accessToken } = tokens.value
  if (idToken === null || !definition.openid) {
    // The id_token is mandatory (OpenID Connect Core §3.1.3.3). Without it, nothing binds the tokens to our nonce.
    if (definition.openid && (flow.scopes ?? provider.scopes).includes('openid'))
      return refuseReported({ kind: 'garbage', reason: 'id_token_missing' })
    return ok({ tokens: tokens.value, idToken: null, issuer: provider.issuer })
  }
  const expected = { ...expectedSigner(one, endpoints.value, idToken), clientId: settings.clientId, clock }
  const claims = await verifyIdToken(idToken, { nonce, nonceOff: settings.nonce === 'off', accessToken }, expected)
  if (!claims.ok) return claims.error.kind === 'garbage' ? refuseReported(claims.error) : refuse(claims.error)
  const issuer = subjectNamespace(one, claims.value)
  if (issuer === null) return refuseReported(wrongTenant)
  if (!provider.speaksFor(issuer)) return fail('sign_in_restricted', { provider: provider.name })
  // The tenant on the callback must be the one whose token endpoint answered (RFC 9207 §2.4).
  if (settings.tenants !== undefined && iss !== undefined && iss !== issuer) return fail('flow_mismatch')
  return ok({ tokens: tokens.value, idToken: claims.value, issuer })

  function refuseReported(failure: Failure) {
    guard.report('token', failure)
    return refuse(failure)
  }
}

/**
 * Checks `iss` (RFC 9207): it must be the issuer of our provider. For a provider without an issuer, it must not be that
 * of another one (mix-up attack, RFC 9700 §4.4).
 */
function isExpected(iss: string, own: ProviderState, live: readonly ProviderState[]): boolean {
  if (own.definition.openid) return usesIssuer(own, iss)
  return !live.some((other) => other.provider.id !== own.provider.id && usesIssuer(other, iss))
}
