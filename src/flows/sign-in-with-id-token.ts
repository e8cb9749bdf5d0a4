import type { AuditStore } from '../audit/ports.ts'
import type { Tickets } from '../credentials/tickets.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import { BusyError } from '../kernel/busy.ts'
import type { Result } from '../kernel/result.ts'
import type { AppIdentityCode } from '../providers/live/app-identity.ts'
import type { Grant, Provider } from '../providers/provider.ts'
import type { Providers } from '../providers/providers.ts'
import { authorizationHandle } from './begin-with-provider.ts'
import { type FinishCode, type FinishSignIn, isStillOpen, type ProviderSignIn } from './finish-sign-in.ts'
import { appSignIn, type SettleCode, type SettleIdentity } from './settle-identity.ts'
import { trustOf } from './trust-in-grant.ts'

export type IdTokenSignInCode =
  | 'provider_not_found'
  | 'id_token_already_used'
  | AppIdentityCode
  | Exclude<SettleCode, 'another_identity' | 'scopes_not_offered' | 'session_revoked'>
  | Exclude<FinishCode, 'return_to_not_allowed'>

type SignInWithIdTokenParts = {
  providers: Providers
  tickets: Pick<Tickets, 'accepting' | 'wasAccepted'>
  settle: SettleIdentity
  finish: FinishSignIn
  audit: AuditStore
}

/**
 * Signs in with an id_token that a native app received from the provider's own library (Google, Apple). From the
 * verified identity on, it is the same as a sign-in in a browser.
 *
 * The nonce is chosen by the app, not issued by us. A nonce from us would prove that the token is recent and used once.
 * The age of the token and `accepting` prove that without another request. A nonce whose hash is in the token proves
 * more: that the sender is the app that requested the token, because a token that leaks does not reveal it. It also
 * binds a conflict ticket to the app, like a `flow_token`.
 */
export function signInWithIdToken({ providers, tickets, settle, finish, audit }: SignInWithIdTokenParts) {
  const steps = async (
    provider: Provider,
    given: { readonly idToken: string; readonly nonce: string },
    origin: Origin,
  ): Promise<Result<ProviderSignIn, AppError<IdTokenSignInCode>>> => {
    const identified = await providers.identifyApp(provider, given)
    if (!identified.ok) return identified
    const { issuer, claims, signedText, usableUntil } = identified.value
    const purpose = 'provider_id_token'
    const wasUsed = (): Promise<boolean> => tickets.wasAccepted(purpose, signedText)
    if (await wasUsed()) return fail('id_token_already_used')
    const accepting = tickets.accepting(purpose, signedText, usableUntil)
    const { id, clientId } = provider
    const grant: Grant = { provider: id, issuer, clientId, claims, tokens: null, asked: [], trust: trustOf(provider) }
    const arrival = { binding: given.nonce, origin, browser: false, who: null }
    const trip = { arrival, pending: appSignIn, handle: authorizationHandle(given.nonce) }
    const reconciled = await settle(provider, grant, trip)
    if (!reconciled.ok)
      return (await accepting.make())
        ? (reconciled as Result<never, AppError<IdTokenSignInCode>>)
        : fail('id_token_already_used')
    const finished = await finish(reconciled.value, grant, arrival, appSignIn, { using: accepting, wasUsed })
    // Of two concurrent requests with one token, the second cannot finish.
    const isOvertaken = !finished.ok && finished.error.code === 'account_linking_failed'
    if (isOvertaken && (await wasUsed())) return fail('id_token_already_used')
    return finished as Result<ProviderSignIn, AppError<IdTokenSignInCode>>
  }

  return async (
    providerId: string,
    given: { readonly idToken: string; readonly nonce: string },
    origin: Origin,
  ): Promise<Result<ProviderSignIn, AppError<IdTokenSignInCode>>> => {
    const provider = providers.get(providerId)
    if (!provider) return fail('provider_not_found', { provider: providerId.slice(0, 40) })
    const recordFailure = (code: IdTokenSignInCode | 'internal'): Promise<void> => {
      const data = { provider: provider.id, code, intent: 'login' } as const
      return audit.record({ name: 'authentication.failed', accountId: null, origin, data })
    }
    try {
      const outcome = await steps(provider, given, origin)
      if (!outcome.ok && !isStillOpen(outcome.error)) await recordFailure(outcome.error.code)
      return outcome
    } catch (defect) {
      // A request that finds the database busy is repeated, and has not failed.
      if (!(defect instanceof BusyError)) await recordFailure('internal')
      throw defect
    }
  }
}
