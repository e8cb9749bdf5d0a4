import type { AuditStore } from '../audit/ports.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import { internalOrigin, type Origin } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { type Sealer, sha256 } from '../kernel/crypto.ts'
import { type Ids, type Random, secretToken } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import { stateHashOf } from '../kernel/state.ts'
import type { PendingAuthorization, PendingAuthorizationStore } from '../providers/ports.ts'
import type { AuthorizationPrompt, Provider } from '../providers/provider.ts'
import type { Providers } from '../providers/providers.ts'
import { readReturnTo } from './return-to.ts'

export type AuthorizationRequest = {
  readonly provider: string
  readonly redirectUriKey?: string | undefined
  readonly returnTo?: string | undefined
  readonly codeChallenge?: string | undefined
  /** The account and session that links or connects; absent for a sign-in. */
  readonly visitor?: { readonly accountId: string; readonly sessionId: string }
  /** The team to connect; only with a visitor. */
  readonly teamId?: string
  /** The scopes to request; by default the minimum of the provider. */
  readonly scopes?: readonly string[]
  /** Asks the user of this identity for more scopes; only with a visitor. */
  readonly more?: { readonly subject: string }
  /** Tries the draft of an administrator instead of the live settings; only with a visitor. */
  readonly draft?: Provider
  /** Where the request came from; absent for a program that embeds the service. */
  readonly origin?: Origin
  /** Requests consent again even if the provider would reuse the last one: only that returns a new refresh token. */
  readonly consentAgain?: boolean | undefined
}

export type AuthorizationStart = {
  readonly url: URL
  readonly state: string
  /** A name for the round trip that does not reveal its state. The browser's cookie is named after it. */
  readonly handle: string
  /** Binds the round trip: the browser's cookie, or the app's `flow_token`. Only its hash is stored. */
  readonly binding: string
  readonly expiresIn: number
}

export type BeginCode =
  | 'provider_not_found'
  | 'provider_unavailable'
  | 'redirect_uri_key_not_found'
  | 'return_to_not_allowed'
  | 'invalid_request'

/** The public name of a round trip. Ten at once in one browser each have their own cookie. */
export const authorizationHandle = (state: string): string => sha256(state).slice(0, 16)

export const verifierPlace = (pendingId: string): string => `flows/${pendingId}/verifier`

type BeginWithProviderParts = {
  providers: Providers
  pendingAuthorizations: PendingAuthorizationStore
  audit: Pick<AuditStore, 'record'>
  events: Bus
  clock: Clock
  ids: Ids
  random: Random
  sealer: Sealer
  policy: { stateTtlSeconds: number; returnToAllowed: readonly URL[]; publicUrl: URL }
}

/**
 * Sends a person to a provider, after storing everything that must still be true when they return. A refusal is
 * recorded as at the callback, so that the request ID of its response can be looked up.
 */
export function beginWithProvider({
  providers,
  pendingAuthorizations,
  audit,
  events,
  clock,
  ids,
  random,
  sealer,
  policy,
}: BeginWithProviderParts) {
  const begin = async (
    provider: Provider,
    intent: PendingAuthorization['intent'],
    {
      redirectUriKey = 'default',
      returnTo,
      codeChallenge,
      visitor,
      teamId,
      scopes,
      more,
      origin = internalOrigin,
      consentAgain = false,
    }: AuthorizationRequest,
  ): Promise<Result<AuthorizationStart, AppError<BeginCode>>> => {
    const redirectUri = Object.hasOwn(provider.redirectUris, redirectUriKey)
      ? provider.redirectUris[redirectUriKey]
      : undefined
    if (redirectUri === undefined) return fail('redirect_uri_key_not_found', { key: redirectUriKey.slice(0, 40) })
    const target = returnTo === undefined ? undefined : readReturnTo(returnTo, policy.returnToAllowed, policy.publicUrl)
    if (returnTo !== undefined && !target) return fail('return_to_not_allowed')
    // Without a challenge, anyone who reads the code from the app's URL or the browser history could redeem it
    // (RFC 9700 §2.1.1).
    if (target?.tag === 'app' && codeChallenge === undefined) return fail('invalid_request')

    const asking: AuthorizationPrompt = more
      ? { intent: 'extend', hint: more.subject }
      : { intent: consentAgain ? 'extend' : intent }
    const begun = await providers.begin(provider, { ...asking, redirectUri, scopes })
    if (!begun.ok) return begun
    const { url, state, verifier, nonce } = begun.value
    const binding = secretToken(random)
    const pendingId = ids('flw')
    const at = clock()
    const pending: PendingAuthorization = {
      id: pendingId,
      stateHash: stateHashOf(state),
      bindingHash: sha256(binding),
      provider: provider.id,
      issuer: provider.issuer,
      clientId: provider.clientId,
      providerVersion: provider.version,
      intent,
      redirectUri,
      verifier: sealer.seal(verifier, verifierPlace(pendingId)),
      nonce,
      accountId: visitor?.accountId ?? null,
      sessionId: visitor?.sessionId ?? null,
      teamId: teamId ?? null,
      scopes: scopes ?? null,
      returnTo: target?.tag === 'app' ? target.url.href : (target?.path ?? null),
      codeChallenge: target?.tag === 'app' ? (codeChallenge ?? null) : null,
      createdAt: at,
      expiresAt: secondsAfter(at, policy.stateTtlSeconds),
      claimedAt: null,
    }
    const purpose = more ? 'more' : 'link'
    const { accountId } = pending
    await pendingAuthorizations.begin(
      pending,
      intent === 'link'
        ? [{ name: 'identity.link_started', accountId, origin, data: { provider: provider.id, purpose } }]
        : [],
    )
    events.emit('oauth.authorize_url_generated', { provider: provider.id, intent }, origin)
    return ok({ url, state, handle: authorizationHandle(state), binding, expiresIn: policy.stateTtlSeconds })
  }

  return async (given: AuthorizationRequest): Promise<Result<AuthorizationStart, AppError<BeginCode>>> => {
    const { provider: id, visitor, teamId, draft, origin = internalOrigin } = given
    const provider = draft ?? providers.get(id)
    // Not recorded: the name is text of the caller.
    if (!provider) return fail('provider_not_found', { provider: id.slice(0, 40) })
    const intent = draft ? 'try' : teamId !== undefined ? 'connect' : visitor ? 'link' : 'login'
    const begun = await begin(provider, intent, given)
    if (begun.ok) return begun
    const data = { provider: provider.id, code: begun.error.code, intent } as const
    await audit.record({ name: 'authentication.failed', accountId: visitor?.accountId ?? null, origin, data })
    return begun
  }
}
export type BeginWithProvider = ReturnType<typeof beginWithProvider>
