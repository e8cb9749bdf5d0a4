/** Identifies the user of an id_token that a native app received from the provider's own library. */
import { type AppError, fail } from '../../errors/catalogue.ts'
import type { Clock } from '../../kernel/clock.ts'
import { ok, type Result } from '../../kernel/result.ts'
import type { Failure } from '../calls/failure.ts'
import { verifyAppIdToken } from '../calls/id-token.ts'
import type { Claims } from '../provider.ts'
import { mergeClaims, noUserinfo } from './profile-claims.ts'
import { expectedSigner, subjectNamespace, wrongTenant } from './signers.ts'
import type { ProviderState } from './state.ts'
import { unavailable } from './unavailable.ts'

/** The user of an id_token from a native app. The caller must accept its `signedText` only once until `usableUntil`. */
export type AppIdentity = {
  readonly issuer: string
  readonly claims: Claims
  readonly signedText: string
  readonly usableUntil: Date
}
export type AppIdentityCode =
  | 'app_sign_in_not_configured'
  | 'id_token_rejected'
  | 'provider_unavailable'
  | 'sign_in_restricted'

/** How the reasons of `calls/id-token.ts` begin. */
const idTokenPrefix = 'id_token_'

/** What is wrong with the token is no fault of the provider, so it is not reported to the circuit breaker. */
export async function identifyAppUser(
  state: ProviderState,
  { idToken, nonce }: { readonly idToken: string; readonly nonce: string },
  clock: Clock,
): Promise<Result<AppIdentity, AppError<AppIdentityCode>>> {
  const { provider, definition, settings, ready } = state
  const { appClientIds: audiences } = settings
  if (!audiences || !definition.openid) return fail('app_sign_in_not_configured', { provider: provider.name })
  const endpoints = await ready()
  if (!endpoints.ok) return unavailable(provider, endpoints.error)
  const { issuers, keys } = expectedSigner(state, endpoints.value, idToken)
  // Without keys anyone could write a token. The settings of the definitions require them.
  if (!keys) return fail('app_sign_in_not_configured', { provider: provider.name })
  const verified = await verifyAppIdToken(idToken, nonce, { issuers, audiences, keys, clock })
  const reject = (failure: Failure) =>
    fail(
      'id_token_rejected',
      { provider: provider.name },
      { extra: { reason: failure.reason.replace(idTokenPrefix, '') }, cause: failure },
    )
  if (!verified.ok) {
    const { error } = verified
    // Otherwise the keys could not be fetched.
    const isAboutToken = error.kind === 'garbage' && error.reason.startsWith(idTokenPrefix)
    return isAboutToken ? reject(error) : unavailable(provider, error)
  }
  const issuer = subjectNamespace(state, verified.value.claims)
  if (issuer === null) return reject(wrongTenant)
  if (!provider.speaksFor(issuer)) return fail('sign_in_restricted', { provider: provider.name })
  const claims = definition.claims(mergeClaims(noUserinfo, verified.value.claims), settings)
  if ('unreadable' in claims) return reject({ kind: 'garbage', reason: claims.unreadable })
  const { signedText, usableUntil } = verified.value
  return ok({ issuer, claims, signedText, usableUntil })
}
