import type { Conflicts } from '../accounts/conflicts.ts'
import type { AccountStore, Identity } from '../accounts/ports.ts'
import type { Reconcile, ReconcileCode } from '../accounts/reconcile.ts'
import type { AuditStore } from '../audit/ports.ts'
import type { Vault } from '../connections/vault.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import type { Action, Origin } from '../events/catalogue.ts'
import type { Account } from '../kernel/account.ts'
import type { Clock } from '../kernel/clock.ts'
import { type Sealer, sha256 } from '../kernel/crypto.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { PendingFlow, PendingFlowStore } from '../providers/ports.ts'
import type { Grant, Provider } from '../providers/provider.ts'
import type { Providers } from '../providers/providers.ts'
import type { SignedIn, SignIn, SignInCode } from '../sessions/sign-in.ts'
import { flowHandle, verifierPlace } from './begin-with-provider.ts'

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
  readonly intent?: PendingFlow['intent']
}

export type Entered =
  | ({
      readonly tag: 'signed_in'
      readonly flow: { readonly returnTo: string | null; readonly codeChallenge: string | null }
    } & Entry &
      SignedIn)
  | ({ readonly tag: 'linked'; readonly flow: { readonly returnTo: string | null } } & Entry)
export type Entry = { readonly account: Account; readonly identity: Identity; readonly action: Action }

type FlowCode = 'invalid_state' | 'state_expired' | 'state_already_used' | 'flow_mismatch'
export type EnterCode =
  | FlowCode
  | ReconcileCode
  | 'provider_not_found'
  | 'provider_unavailable'
  | 'access_denied'
  | 'token_exchange_failed'
  | 'user_info_fetch_failed'
  | 'session_revoked'
  | 'invalid_request'
  | FinishCode
export type FinishCode = Exclude<SignInCode, 'sign_in_overtaken'> | 'account_linking_failed'

type Parts = {
  providers: Providers
  flows: PendingFlowStore
  reconcile: Reconcile
  conflicts: Conflicts
  accounts: AccountStore
  vault: Vault
  signIn: SignIn
  audit: AuditStore
  events: Bus
  clock: Clock
  sealer: Sealer
  /** Whether this device is still signed in. */
  sessionLives: (id: string) => Promise<boolean>
}

/**
 * From the provider's answer to our own session: each step may stop the story, and a refusal changes nothing but the
 * trail.
 */
export function enterWithProvider(parts: Parts) {
  const { providers, flows, reconcile, conflicts, accounts, vault, audit, events, clock, sealer, sessionLives } = parts
  const finish = finishEntry(parts)

  /**
   * Takes the flow, once, for whoever it is bound to; says why not otherwise. Nothing is asked of the provider before.
   */
  const claim = async (
    provider: Provider,
    callback: Callback,
    arrival: Arrival,
  ): Promise<Result<PendingFlow, AppError<FlowCode>>> => {
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
      return known.claimedAt ? fail('state_already_used') : fail('state_expired')
    }
    if (arrival.intent !== undefined && arrival.intent !== flow.intent) return fail('flow_mismatch')
    // A link begun by one person and finished in another's browser would give the first a way into the second's
    // account, or the second's identity to the first (cross-user session fixation).
    if (
      flow.intent === 'link' &&
      (arrival.who?.accountId !== flow.accountId || arrival.who?.sessionId !== flow.sessionId)
    )
      return fail('flow_mismatch')
    return ok(flow)
  }

  const askProvider = async (
    provider: Provider,
    callback: Callback,
    flow: PendingFlow,
    origin: Origin,
  ): Promise<
    Result<
      Grant,
      AppError<
        | 'token_exchange_failed'
        | 'user_info_fetch_failed'
        | 'provider_unavailable'
        | 'flow_mismatch'
        | 'access_denied'
        | 'invalid_request'
      >
    >
  > => {
    if (callback.error !== undefined) return refusal(provider, callback.error)
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
    const { accessToken, refreshToken, expiresAt, scopes } = exchanged.value.tokens
    return ok({
      provider: provider.id,
      issuer: provider.issuer,
      clientId: provider.clientId,
      claims: claims.value,
      // A provider that does not say what it granted granted what was asked (RFC 6749 §5.1).
      tokens: { accessToken, refreshToken, expiresAt, scopes: scopes ?? provider.scopes },
    })
  }

  /** The flow is claimed: who is it, whose account is that, and in. */
  const proceed = async (
    provider: Provider,
    callback: Callback,
    arrival: Arrival,
    flow: PendingFlow,
  ): Promise<Result<Entered, AppError<EnterCode>>> => {
    const asked = await askProvider(provider, callback, flow, arrival.origin)
    if (!asked.ok) return asked
    const grant = asked.value
    // The provider took its time: whoever was signed out meanwhile, perhaps because of this, gets nothing linked.
    if (flow.intent === 'link' && !(flow.sessionId !== null && (await sessionLives(flow.sessionId))))
      return fail('session_revoked')

    const reconciled = await reconcile({
      grant,
      providerName: provider.name,
      trusted: providers.trusts(provider, grant.claims),
      origin: arrival.origin,
      ...(flow.accountId === null ? {} : { visitorId: flow.accountId }),
      ...(flow.sessionId === null ? {} : { sessionId: flow.sessionId }),
    })
    if (!reconciled.ok) {
      if (reconciled.error.code !== 'account_conflict' || arrival.binding === undefined) return reconciled
      const ticket = await conflicts.open(grant, {
        handle: flowHandle(callback.state ?? ''),
        binding: arrival.binding,
        returnTo: flow.returnTo,
        codeChallenge: flow.codeChallenge,
        origin: arrival.origin,
      })
      return { ok: false, error: { ...reconciled.error, extra: { conflict_ticket: ticket } } }
    }

    await vault.keep(grant)
    providers.forgetProfile(provider, grant.claims.subject)
    if (flow.intent === 'link') {
      await accounts.withdrawUnlinked(reconciled.value.identity, clock())
      return ok({ tag: 'linked', ...reconciled.value, flow })
    }
    const signedIn = await finish(reconciled.value, arrival, flow)
    return signedIn.ok ? ok({ tag: 'signed_in', ...reconciled.value, ...signedIn.value, flow }) : signedIn
  }

  return async (
    providerId: string,
    callback: Callback,
    arrival: Arrival,
  ): Promise<Result<Entered, AppError<EnterCode>>> => {
    const provider = providers.get(providerId)
    if (!provider) return fail('provider_not_found', { provider: providerId.slice(0, 40) })

    const noteFailure = (code: EnterCode | 'internal', flow?: PendingFlow): Promise<void> => {
      const data = { provider: provider.id, code, intent: flow?.intent ?? 'login' } as const
      const { origin } = arrival
      return audit.record({ name: 'authentication.failed', accountId: flow?.accountId ?? null, origin, data })
    }

    const claimed = await claim(provider, callback, arrival)
    const received = { provider: provider.id, state_valid: claimed.ok }
    events.emit('oauth.callback_received', received, arrival.origin)
    if (!claimed.ok) {
      await noteFailure(claimed.error.code)
      return claimed
    }
    const flow = claimed.value
    try {
      const entered = await proceed(provider, callback, arrival, flow)
      if (!entered.ok && !goesOn(entered.error)) await noteFailure(entered.error.code, flow)
      return entered
    } catch (defect) {
      // A sign-in that ends in a defect leaves its trace like any other that fails.
      await noteFailure('internal', flow)
      throw defect
    }
  }
}

/** A refusal that is no failure yet: a question was opened instead, or the second factor is still to come. */
export const goesOn = ({ extra }: AppError): boolean =>
  extra?.conflict_ticket !== undefined || extra?.second_factor_ticket !== undefined

export type EnterWithProvider = ReturnType<typeof enterWithProvider>

/**
 * The last step of every sign-in through a provider: a session, in place of the one the browser had, or the question
 * for the second factor.
 */
export function finishEntry({
  signIn,
  accounts,
  providers,
  clock,
}: Pick<Parts, 'signIn' | 'accounts' | 'providers' | 'clock'>) {
  return async (
    { account, identity, action }: Entry,
    { origin, browser, who }: Omit<Arrival, 'binding'>,
    flow: { readonly returnTo: string | null; readonly codeChallenge: string | null; readonly provenAt?: Date },
  ): Promise<Result<SignedIn, AppError<FinishCode>>> => {
    // An app on another origin gets a session of its own: the browser's, if it has one here, is not its business.
    const here = browser && flow.codeChallenge === null
    const { provider, subject: providerUserId } = identity
    // The operator answers for it that this provider asks for a second factor itself (ASVS 6.8.4).
    const amr = providers.get(provider)?.secondFactor === 'trusted' ? ['fed', 'mfa'] : ['fed']
    const signedIn = await signIn.proceed(
      account,
      { opener: { tag: 'identity', id: identity.id }, provider, providerUserId, action, amr },
      {
        ...{ origin, browser: here, replaces: here ? (who?.sessionId ?? null) : null },
        ...{ returnTo: flow.returnTo, codeChallenge: flow.codeChallenge },
        ...(flow.provenAt ? { provenAt: flow.provenAt } : {}),
      },
    )
    if (signedIn.ok || signedIn.error.code !== 'sign_in_overtaken')
      return signedIn as Result<SignedIn, AppError<FinishCode>>
    // Unlinked or erased since it was reconciled: what was kept of it meanwhile goes the same way.
    await accounts.withdrawUnlinked(identity, clock())
    return fail('account_linking_failed')
  }
}

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
