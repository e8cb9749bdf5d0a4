/** Renews and revokes tokens at the provider. */
import type { Clock } from '../../kernel/clock.ts'
import { checkRefreshedIdToken } from '../calls/id-token.ts'
import { type RevocableTokens, revokeToken } from '../calls/revoke.ts'
import { readTokens, refreshFailureOf } from '../calls/token-answer.ts'
import { withClientSecret } from '../passport/strategy.ts'
import type { RefreshOutcome, RevocationOutcome } from '../provider.ts'
import { expectedIssuers, subjectNamespace, wrongTenant } from './signers.ts'
import type { ProviderState } from './state.ts'
import { waitAfter } from './unavailable.ts'

/** Identifies a user at a provider. The subject alone is not unique. */
export type Subject = { readonly issuer: string; readonly subject: string }

/**
 * Exchanges a refresh token. It makes only one attempt, because the token may rotate. With `of`, an id_token in the
 * response must name the same user as before.
 */
export async function renewTokens(
  state: ProviderState,
  refreshToken: string,
  clock: Clock,
  of?: Subject,
): Promise<RefreshOutcome> {
  const { definition, settings, guard, ready, handshake } = state
  const endpoints = await ready()
  if (!endpoints.ok) return { tag: 'transient', reason: endpoints.error.reason, retryAfter: waitAfter(endpoints.error) }
  const answer = await handshake.refresh(refreshToken)
  if (!answer.ok) return refreshFailureOf(answer.error, definition.refusals)
  const tokens = readTokens(answer.value, clock, definition)
  if (tokens.idToken !== null && definition.openid) {
    const { issuers } = expectedIssuers(state, tokens.idToken)
    const expected = { issuers, clientId: settings.clientId, clock }
    const claims = checkRefreshedIdToken(tokens.idToken, of?.subject, expected)
    const issuer = claims.ok ? subjectNamespace(state, claims.value) : null
    const same = issuer !== null && (of === undefined || of.issuer === issuer)
    const fault = claims.ok ? (same ? null : wrongTenant) : claims.error
    if (fault) {
      guard.report('token', fault)
      return { tag: 'needs_reauthorization', reason: fault.reason }
    }
  }
  return { tag: 'refreshed', tokens }
}

/** Revokes the tokens at the provider. Tokens unknown to it count as revoked. */
export async function revokeTokens(
  state: ProviderState,
  tokens: RevocableTokens,
  clock: Clock,
): Promise<RevocationOutcome> {
  const { definition, settings, guard, ready } = state
  const endpoints = await ready()
  if (!endpoints.ok) return { tag: 'transient', reason: endpoints.error.reason, retryAfter: waitAfter(endpoints.error) }
  const { revoke: url } = endpoints.value
  if (url === null) return { tag: 'not_supported' }
  const parts = {
    settings: await withClientSecret(definition, settings, clock),
    endpoints: endpoints.value,
    url,
    guard,
  }
  const revokeOne = definition.revoke ?? revokeToken
  const { known, ...answer } = await revokeOne(tokens, parts)
  if (!definition.revokesOnlyValidTokens || known !== false || tokens.refreshToken === null) return answer
  // Renew the access token, then revoke the new one.
  const renewed = await renewTokens(state, tokens.refreshToken, clock)
  if (renewed.tag === 'refreshed') {
    const { known: _known, ...again } = await revokeOne(renewed.tokens, parts)
    return again
  }
  return renewed.tag === 'transient' ? renewed : answer
}
