import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import { callbackErrors, type Origin } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Sealer, sha256 } from '../kernel/crypto.ts'
import { ok, type Result } from '../kernel/result.ts'
import { stateHashOf } from '../kernel/state.ts'
import type { ManagedProviders } from '../providers/managed/managed-providers.ts'
import type { PendingAuthorization, PendingAuthorizationStore } from '../providers/ports.ts'
import type { Provider, TokenGrant } from '../providers/provider.ts'
import type { Providers } from '../providers/providers.ts'
import { verifierPlace } from './begin-with-provider.ts'
import { withOnward } from './return-to.ts'
import { trustOf } from './trust-in-grant.ts'

/** The parameters of the callback. Any of them may be missing or forged. */
export type Callback = {
  readonly code?: string | undefined
  readonly state?: string | undefined
  readonly error?: string | undefined
  readonly iss?: string | undefined
  /** The sealed fields of a form (`posted-callback.ts`). */
  readonly posted?: string | undefined
  /** The user's name from such a form: unsigned text, and only from the first sign-in. */
  readonly name?: string | undefined
}

/** Who sends the callback: what binds them to the pending authorization, and the account they are signed in to. */
export type Arrival = {
  /** The browser's flow cookie or the app's `flow_token`. */
  readonly binding: string | undefined
  readonly origin: Origin
  /** Whether the session is carried by a cookie. */
  readonly browser: boolean
  readonly who: { readonly accountId: string; readonly sessionId: string } | null
  /** What the caller expects the round trip to be for; absent if any intent is fine. */
  readonly intent?: PendingAuthorization['intent']
}

export type ClaimCode = 'invalid_state' | 'state_expired' | 'state_already_used' | 'flow_mismatch'
export type GrantCode =
  | 'token_exchange_failed'
  | 'user_info_fetch_failed'
  | 'provider_unavailable'
  | 'flow_mismatch'
  | 'sign_in_restricted'
  | 'access_denied'
  | 'invalid_request'

type ArriveFromProviderParts = {
  providers: Providers
  pendingAuthorizations: PendingAuthorizationStore
  /** The provider with the settings that a round trip began with, if they still exist. */
  managed: Pick<ManagedProviders, 'openVersion'>
  events: Bus
  clock: Clock
  sealer: Sealer
}

/** Arrival → Grant, for every intent: claims the pending authorization, then exchanges the code at the provider. */
export function arriveFromProvider({
  providers,
  pendingAuthorizations,
  managed,
  events,
  clock,
  sealer,
}: ArriveFromProviderParts) {
  /**
   * The provider as it was when the round trip began. An administrator may have changed its client ID, secret or
   * endpoints since, and the provider expects those that the authorization request was made with. Whom it admits
   * is decided by the settings of now. It is trusted for what both trust it for.
   */
  const atTheStart = async (provider: Provider, { providerVersion }: PendingAuthorization) =>
    providerVersion === null || providerVersion === provider.version
      ? provider
      : managed.openVersion(provider.id, providerVersion)

  /**
   * The draft that a callback returns from: the provider itself may not be live yet. Only the browser that began the
   * trial can finish it.
   */
  const draftOf = async (id: string, { state }: Callback): Promise<Provider | undefined> => {
    const pending = state ? await pendingAuthorizations.find(stateHashOf(state)) : undefined
    if (pending?.intent !== 'try' || pending.provider !== id || pending.providerVersion === null) return undefined
    return managed.openVersion(id, pending.providerVersion)
  }

  /** Claims the pending authorization, once, for the caller it is bound to. The provider is not called before that. */
  const claim = async (
    provider: Provider,
    callback: Callback,
    arrival: Arrival,
  ): Promise<Result<PendingAuthorization, AppError<ClaimCode>>> => {
    if (!callback.state) return fail('invalid_state')
    const stateHash = stateHashOf(callback.state)
    const at = clock()
    const binding = arrival.binding === undefined ? undefined : sha256(arrival.binding)
    const pending =
      binding === undefined
        ? undefined
        : await pendingAuthorizations.claim({ stateHash, bindingHash: binding, provider: provider.id }, at)
    if (!pending) {
      const known = await pendingAuthorizations.find(stateHash)
      if (!known) return fail('invalid_state')
      // The cookie is deleted once the callback is answered. Loading the page again then reports that the state was used,
      // not that this is another browser.
      if (known.claimedAt && binding === undefined && known.provider === provider.id) return fail('state_already_used')
      if (known.bindingHash !== binding || known.provider !== provider.id) return fail('flow_mismatch')
      return known.claimedAt ? fail('state_already_used') : withOnward(fail('state_expired'), known)
    }
    if (arrival.intent !== undefined && arrival.intent !== pending.intent) return fail('flow_mismatch')
    // A draft is tried with its own settings.
    const settings = pending.intent === 'try' ? await atTheStart(provider, pending) : provider
    if (!settings) return fail('flow_mismatch')
    // The provider has another issuer by now, so this identity is not accepted any longer. A code for another client ID
    // is sent only with the settings that it was requested with.
    const isOtherClient =
      pending.providerVersion === null && (pending.clientId ?? settings.clientId) !== settings.clientId
    if ((pending.issuer ?? settings.issuer) !== settings.issuer || isOtherClient) return fail('flow_mismatch')
    // If a linking started by one user could be finished in another user's browser, the first could sign in to the second
    // user's account, or get the second user's identity or Jira (cross-user session fixation).
    if (
      pending.intent !== 'login' &&
      (arrival.who?.accountId !== pending.accountId || arrival.who?.sessionId !== pending.sessionId)
    )
      return fail('flow_mismatch')
    // A redirect URI that was removed from the settings may belong to someone else now: no code sent there is used.
    if (!Object.values(settings.redirectUris).includes(pending.redirectUri)) return fail('flow_mismatch')
    return ok(pending)
  }

  /** The code for tokens, then the tokens for claims. */
  const obtainGrant = async (
    live: Provider,
    callback: Callback,
    pending: PendingAuthorization,
    origin: Origin,
  ): Promise<Result<TokenGrant, AppError<GrantCode>>> => {
    const provider = await atTheStart(live, pending)
    if (!provider) return fail('flow_mismatch')
    if (callback.error !== undefined) {
      const error = callbackErrors.find((known) => known === callback.error) ?? 'other'
      events.emit('oauth.callback_refused', { provider: provider.id, error }, origin)
      return refusal(provider, callback.error)
    }
    const { code, state, iss } = callback
    if (!code || !state) return fail('invalid_request')
    const exchanged = await events.span(
      'oauth.token_exchange',
      { provider: provider.id },
      () =>
        providers.exchange(
          provider,
          { code, state, ...(iss === undefined ? {} : { iss }) },
          {
            redirectUri: pending.redirectUri,
            verifier: sealer.open(pending.verifier, verifierPlace(pending.id)),
            nonce: pending.nonce,
            scopes: pending.scopes,
          },
        ),
      () => ({}),
      origin,
    )
    if (!exchanged.ok) return exchanged
    const claims = await events.span(
      'oauth.user_info_fetch',
      { provider: provider.id },
      () => providers.identify(provider, exchanged.value),
      () => ({ from_cache: false }),
      origin,
    )
    if (!claims.ok) return claims
    const { accessToken, refreshToken, expiresAt, refreshExpiresAt, scopes } = exchanged.value.tokens
    const asked = pending.scopes ?? provider.scopes
    return ok({
      provider: provider.id,
      issuer: exchanged.value.issuer,
      clientId: provider.clientId,
      claims: { ...claims.value, name: claims.value.name ?? callback.name ?? null },
      // A provider that returns no scope granted what was requested (RFC 6749 §5.1).
      tokens: { accessToken, refreshToken, expiresAt, refreshExpiresAt, scopes: scopes ?? asked },
      asked,
      trust: trustOf(provider),
    })
  }

  return { claim, obtainGrant, draftOf, atTheStart }
}
export type ArriveFromProvider = ReturnType<typeof arriveFromProvider>

/** What a callback says if the user declines: RFC 6749 §4.1.2.1, and the codes of Apple and LinkedIn. */
const denials: readonly string[] = ['access_denied', 'user_cancelled_authorize', 'user_cancelled_login']

/** The error for the callback's `error` parameter (RFC 6749 §4.1.2.1). */
function refusal(
  provider: Provider,
  error: string,
): Result<never, AppError<'access_denied' | 'provider_unavailable' | 'token_exchange_failed'>> {
  const params = { provider: provider.name }
  if (denials.includes(error)) return fail('access_denied', params)
  if (error === 'temporarily_unavailable' || error === 'server_error') return fail('provider_unavailable', params)
  return fail('token_exchange_failed', params)
}
