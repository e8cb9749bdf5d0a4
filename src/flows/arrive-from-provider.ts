import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import { callbackErrors, type Origin } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Sealer, sha256 } from '../kernel/crypto.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { PendingAuthorization, PendingAuthorizationStore } from '../providers/ports.ts'
import type { Grant, Provider } from '../providers/provider.ts'
import type { Providers } from '../providers/providers.ts'
import { verifierPlace } from './begin-with-provider.ts'
import { withOnward } from './return-to.ts'

/** What came back on the callback. Any of it may be missing or made up. */
export type Callback = {
  readonly code?: string | undefined
  readonly state?: string | undefined
  readonly error?: string | undefined
  readonly iss?: string | undefined
}

/** Who brings it: what binds them to the flow, and who they are already. */
export type Arrival = {
  /** The browser's flow cookie or the app's `flow_token`. */
  readonly binding: string | undefined
  readonly origin: Origin
  /** Whether the session is carried by a cookie. */
  readonly browser: boolean
  readonly who: { readonly accountId: string; readonly sessionId: string } | null
  /** What whoever brings it takes it for; absent where either will do. */
  readonly intent?: PendingAuthorization['intent']
}

export type FlowCode = 'invalid_state' | 'state_expired' | 'state_already_used' | 'flow_mismatch'
export type AskCode =
  | 'token_exchange_failed'
  | 'user_info_fetch_failed'
  | 'provider_unavailable'
  | 'flow_mismatch'
  | 'sign_in_restricted'
  | 'access_denied'
  | 'invalid_request'

type ArriveFromProviderParts = {
  providers: Providers
  flows: PendingAuthorizationStore
  events: Bus
  clock: Clock
  sealer: Sealer
}

/** Coming back from a provider, whatever somebody was sent there for: the flow is claimed, then the provider asked. */
export function arriveFromProvider({ providers, flows, events, clock, sealer }: ArriveFromProviderParts) {
  /**
   * Takes the flow, once, for whoever it is bound to; says why not otherwise. Nothing is asked of the provider before.
   */
  const claim = async (
    provider: Provider,
    callback: Callback,
    arrival: Arrival,
  ): Promise<Result<PendingAuthorization, AppError<FlowCode>>> => {
    if (!callback.state) return fail('invalid_state')
    const stateHash = sha256(callback.state)
    const at = clock()
    const binding = arrival.binding === undefined ? undefined : sha256(arrival.binding)
    const flow =
      binding === undefined
        ? undefined
        : await flows.claim({ stateHash, bindingHash: binding, provider: provider.id }, at)
    if (!flow) {
      const known = await flows.find(stateHash)
      if (!known) return fail('invalid_state')
      // The cookie ends with the flow: a page loaded again is told that it was used, not that this is another browser.
      if (known.claimedAt && binding === undefined && known.provider === provider.id) return fail('state_already_used')
      if (known.bindingHash !== binding || known.provider !== provider.id) return fail('flow_mismatch')
      return known.claimedAt ? fail('state_already_used') : withOnward(fail('state_expired'), known)
    }
    if (arrival.intent !== undefined && arrival.intent !== flow.intent) return fail('flow_mismatch')
    // The operator moved the provider to another issuer or registration in the meantime: the code is not theirs to see.
    if (
      (flow.issuer ?? provider.issuer) !== provider.issuer ||
      (flow.clientId ?? provider.clientId) !== provider.clientId
    )
      return fail('flow_mismatch')
    // A linking or connecting begun by one person and finished in another's browser would give the first a way into the
    // second's account, or the second's identity or Jira to the first (cross-user session fixation).
    if (
      flow.intent !== 'login' &&
      (arrival.who?.accountId !== flow.accountId || arrival.who?.sessionId !== flow.sessionId)
    )
      return fail('flow_mismatch')
    // A redirect URI that was taken off the list since may be somebody else's by now: no code that was sent there is used.
    if (!Object.values(provider.redirectUris).includes(flow.redirectUri)) return fail('flow_mismatch')
    return ok(flow)
  }

  const ask = async (
    provider: Provider,
    callback: Callback,
    flow: PendingAuthorization,
    origin: Origin,
  ): Promise<Result<Grant, AppError<AskCode>>> => {
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
            redirectUri: flow.redirectUri,
            verifier: sealer.open(flow.verifier, verifierPlace(flow.id)),
            nonce: flow.nonce,
            scopes: flow.scopes,
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
    const asked = flow.scopes ?? provider.scopes
    return ok({
      provider: provider.id,
      issuer: exchanged.value.issuer,
      clientId: provider.clientId,
      claims: claims.value,
      // A provider that does not say what it granted granted what was asked (RFC 6749 §5.1).
      tokens: { accessToken, refreshToken, expiresAt, refreshExpiresAt, scopes: scopes ?? asked },
      asked,
    })
  }

  return { claim, ask }
}
export type ArriveFromProvider = ReturnType<typeof arriveFromProvider>

/** What `error` on the callback means for us (RFC 6749 §4.1.2.1; Apple spells the refusal its own way). */
function refusal(
  provider: Provider,
  error: string,
): Result<never, AppError<'access_denied' | 'provider_unavailable' | 'token_exchange_failed'>> {
  const params = { provider: provider.name }
  if (error === 'access_denied' || error === 'user_cancelled_authorize') return fail('access_denied', params)
  if (error === 'temporarily_unavailable' || error === 'server_error') return fail('provider_unavailable', params)
  return fail('token_exchange_failed', params)
}
