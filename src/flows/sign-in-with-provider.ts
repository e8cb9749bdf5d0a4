import type { Reconciled } from '../accounts/reconcile.ts'
import type { AuditStore } from '../audit/ports.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { PendingAuthorization } from '../providers/ports.ts'
import type { Provider } from '../providers/provider.ts'
import type { Providers } from '../providers/providers.ts'
import type { Arrival, ArriveFromProvider, Callback, ClaimCode, GrantCode } from './arrive-from-provider.ts'
import { authorizationHandle } from './begin-with-provider.ts'
import type { ConnectedJira, ConnectJira, FinishJiraCode } from './connect-jira.ts'
import { type FinishCode, type FinishSignIn, isStillOpen, type ProviderSignIn } from './finish-sign-in.ts'
import type { PostedCallback } from './posted-callback.ts'
import { type Returns, withOnward } from './return-to.ts'
import type { SettleCode, SettleIdentity } from './settle-identity.ts'
import type { TriedDraft, TryDraft } from './try-draft.ts'

/** A signed-in user linked an identity to their account. */
type ProviderLink = { readonly tag: 'linked'; readonly onward: { readonly returnTo: string | null } } & Reconciled
export type SignedInOrLinked = ProviderSignIn | ProviderLink
/** What a callback leads to: a sign-in, a linked identity or a connected team. */
export type CallbackOutcome = SignedInOrLinked | ConnectedJira | TriedDraft
export type ProviderSignInCode = ClaimCode | GrantCode | SettleCode | FinishCode | FinishJiraCode | 'provider_not_found'

type SignInWithProviderParts = {
  providers: Providers
  arrive: ArriveFromProvider
  posted: PostedCallback
  settle: SettleIdentity
  finish: FinishSignIn
  connect: ConnectJira['finish']
  tryDraft: TryDraft['finish']
  audit: AuditStore
  events: Bus
  /** Whether the browser may still be sent to the address the sign-in started with. */
  mayReturn: Returns['stillAllowed']
}

/** The callback of a provider: Arrival → Grant → Reconciled → SignedIn. Each step may end it; a refusal is audited. */
export function signInWithProvider(parts: SignInWithProviderParts) {
  const { providers, arrive, posted, settle, finish, connect, tryDraft, audit, events, mayReturn } = parts

  const steps = async (
    provider: Provider,
    callback: Callback,
    arrival: Arrival,
    pending: PendingAuthorization,
  ): Promise<Result<CallbackOutcome, AppError<ProviderSignInCode>>> => {
    // Checked before the provider is called, and before anything is linked or created.
    if (!mayReturn(pending)) return fail('return_to_not_allowed')
    if (pending.intent === 'connect') return connect(provider, callback, arrival, pending)
    if (pending.intent === 'try') return tryDraft(provider, callback, arrival, pending)
    const grant = await arrive.obtainGrant(provider, callback, pending, arrival.origin)
    if (!grant.ok) return grant
    const handle = authorizationHandle(callback.state ?? '')
    const reconciled = await settle(provider, grant.value, { arrival, pending, handle })
    if (!reconciled.ok) return reconciled
    if (pending.intent === 'link') return ok({ tag: 'linked', ...reconciled.value, onward: pending })
    return finish(reconciled.value, grant.value, arrival, pending)
  }

  return async (
    providerId: string,
    received: Callback,
    arrival: Arrival,
  ): Promise<Result<CallbackOutcome, AppError<ProviderSignInCode>>> => {
    const provider = providers.get(providerId) ?? (await arrive.draftOf(providerId, received))
    if (!provider) return fail('provider_not_found', { provider: providerId.slice(0, 40) })
    const { origin } = arrival
    const callback = posted.open(provider, received)
    const recordFailure = (code: ProviderSignInCode | 'internal', pending?: PendingAuthorization): Promise<void> => {
      const data = { provider: provider.id, code, intent: pending?.intent ?? 'login' } as const
      return audit.record({ name: 'authentication.failed', accountId: pending?.accountId ?? null, origin, data })
    }

    const claimed = await arrive.claim(provider, callback, arrival)
    events.emit('oauth.callback_received', { provider: provider.id, state_valid: claimed.ok }, origin)
    if (!claimed.ok) {
      await recordFailure(claimed.error.code)
      return claimed
    }
    try {
      const outcome = await steps(provider, callback, arrival, claimed.value)
      if (outcome.ok || isStillOpen(outcome.error)) return outcome
      await recordFailure(outcome.error.code, claimed.value)
      return withOnward(outcome, claimed.value)
    } catch (defect) {
      // A sign-in that ends in a defect is in the audit log like any other failure.
      await recordFailure('internal', claimed.value)
      throw defect
    }
  }
}
