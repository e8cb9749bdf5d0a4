/** Revokes tokens at the provider. A token that it does not know counts as revoked (RFC 7009 §2.2). */
import type { Result } from '../../kernel/result.ts'
import { authenticated } from '../passport/strategy.ts'
import type { Endpoints, ProviderSettings, RevocationOutcome } from '../provider.ts'
import type { Failure } from './failure.ts'
import type { Guard, ProviderResponse } from './guard.ts'

export type RevocableTokens = { readonly accessToken: string; readonly refreshToken: string | null }

export type RevokeTokenParts = {
  readonly settings: ProviderSettings
  /** Of the provider. */
  readonly endpoints: Endpoints
  /** Its revocation endpoint. */
  readonly url: string
  readonly guard: Guard
}

/** `known: false` if the provider does not know the token. */
export type TokenRevocation = RevocationOutcome & { readonly known?: boolean }

/** Revokes one token as RFC 7009 describes it. */
export async function revokeToken(
  { accessToken, refreshToken }: RevocableTokens,
  { settings, endpoints, url, guard }: RevokeTokenParts,
): Promise<TokenRevocation> {
  // Prefer the refresh token: its access tokens are revoked with it (§2.1).
  const body = new URLSearchParams({
    token: refreshToken ?? accessToken,
    token_type_hint: refreshToken === null ? 'access_token' : 'refresh_token',
  })
  const request = authenticated(body.toString(), settings, endpoints.clientAuth)
  const answer = await guard.call({ endpoint: 'revoke', method: 'POST', url, expects: 'anything', ...request })
  if (!answer.ok && isMissing(answer.error)) return { tag: 'not_supported' }
  return revocationOf(answer, ({ code }) => code === 'invalid_token')
}

/** There is no usable revocation endpoint, and a retry will not change that. */
const isMissing = (failure: Failure): boolean =>
  failure.kind === 'refused'
    ? [404, 405].includes(failure.status) || failure.code === 'unsupported_token_type'
    : failure.reason === 'status_501'

type RefusedCall = Extract<Failure, { kind: 'refused' }>

/** What a response means. `isUnknown` recognizes the refusal of a token that the provider does not know. */
export function revocationOf(
  answer: Result<ProviderResponse, Failure>,
  isUnknown: (refused: RefusedCall) => boolean,
): TokenRevocation {
  if (answer.ok) return { tag: 'revoked', known: true }
  const { error } = answer
  if (error.kind === 'refused' && isUnknown(error)) return { tag: 'revoked', known: false }
  const retryAfter = error.kind === 'unavailable' ? error.retryAfter : undefined
  return { tag: 'transient', reason: error.reason, ...(retryAfter === undefined ? {} : { retryAfter }) }
}
