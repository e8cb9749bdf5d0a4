import type { Conflicts } from '../accounts/conflicts.ts'
import type { AccountStore } from '../accounts/ports.ts'
import type { Reconcile, ReconcileCode, Reconciled } from '../accounts/reconcile.ts'
import type { AuditStore } from '../audit/ports.ts'
import type { Revocations } from '../connections/revocation.ts'
import { hasTokens, type Vault } from '../connections/vault.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Result } from '../kernel/result.ts'
import type { PendingAuthorization } from '../providers/ports.ts'
import type { Grant, Provider } from '../providers/provider.ts'
import type { Providers } from '../providers/providers.ts'
import type { Arrival } from './arrive-from-provider.ts'
import { identityAskedFor, type StillOffers } from './ask-for-more.ts'
import { isStillOpen } from './finish-sign-in.ts'
import { trustIn } from './trust-in-grant.ts'

/** The operator does not allow this user to sign in with this provider. */
export type RestrictionCode = 'sign_in_restricted' | 'organization_access_needed'
export type SettleCode =
  | ReconcileCode
  | RestrictionCode
  | 'session_revoked'
  | 'another_identity'
  | 'scopes_not_offered'
  | 'account_linking_failed'

export type SettleIdentityParts = {
  providers: Providers
  reconcile: Reconcile
  conflicts: Conflicts
  accounts: AccountStore
  vault: Vault
  audit: AuditStore
  /** Whether this device is still signed in. */
  sessionLives: (id: string) => Promise<boolean>
  /** Whether the operator still offers the requested scopes. */
  stillOffers: StillOffers
  revokeUnused: Revocations['revokeUnused']
}

/**
 * Grant → Reconciled. Finds or creates the account the identity belongs to. The provider's tokens of a linking are
 * stored with it; those of a sign-in are stored with its session. If the email address belongs to an account that the
 * identity does not prove, an account conflict is the result instead.
 */
export function settleIdentity(parts: SettleIdentityParts) {
  const { providers, reconcile, conflicts, accounts, vault, audit, sessionLives, stillOffers, revokeUnused } = parts

  /** Refuses what may not be settled, whatever account it would lead to. */
  const check = async (
    provider: Provider,
    grant: Grant,
    pending: SignInRequest,
  ): Promise<Result<unknown, AppError<SettleCode>>> => {
    // The user may have been signed out while they were at the provider, perhaps because of this very linking.
    if (pending.intent === 'link' && !(pending.sessionId !== null && (await sessionLives(pending.sessionId))))
      return fail('session_revoked')
    const admitted = providers.admits(provider, grant.claims)
    const asked = identityAskedFor(pending)
    if (!admitted.ok || asked === undefined) return admitted
    const known = await accounts.findByIdentity(grant.issuer, grant.claims.subject)
    if (known?.identity.id !== asked) return fail('another_identity', { provider: provider.name })
    return (await stillOffers(provider, known.identity, pending.scopes ?? [])) ? admitted : fail('scopes_not_offered')
  }

  const settle = async (
    provider: Provider,
    grant: Grant,
    { arrival, pending, handle }: Trip,
  ): Promise<Result<Reconciled, AppError<SettleCode>>> => {
    const checked = await check(provider, grant, pending)
    if (!checked.ok) return checked
    const { origin, binding } = arrival
    const { accountId, sessionId, returnTo, codeChallenge } = pending
    const identityId = identityAskedFor(pending)
    const trust = trustIn(provider, grant)
    const reconciled = await reconcile({
      grant,
      providerName: provider.name,
      trusted: providers.trusts(trust, grant.claims),
      othersTrusted: trust.emailTrust === 'verified',
      origin,
      ...(accountId === null ? {} : { visitorId: accountId }),
      ...(sessionId === null ? {} : { sessionId }),
      ...(identityId === undefined ? {} : { identityId }),
    })
    if (!reconciled.ok) {
      if (reconciled.error.code !== 'account_conflict' || binding === undefined) return reconciled
      const ticket = await conflicts.open(grant, { handle, binding, returnTo, codeChallenge, origin })
      return { ok: false, error: { ...reconciled.error, extra: { conflict_ticket: ticket } } }
    }

    // The last step of a sign-in stores its tokens together with the session.
    if (pending.intent === 'login') return reconciled
    const { identity } = reconciled.value
    const how = identityId === undefined ? 'sign_in' : 'on_purpose'
    // Otherwise the identity was unlinked, or the account deleted, since it was reconciled.
    if (hasTokens(grant) && !(await vault.keep(grant, 'person', how, identity))) return fail('account_linking_failed')
    providers.eraseProfile(provider, identity)
    if (identityId !== undefined) {
      const data = { provider: provider.id, identity: identityId }
      await audit.record({ name: 'provider_token.extended', accountId, origin, data })
    }
    return reconciled
  }

  return async (provider: Provider, grant: Grant, trip: Trip): Promise<Result<Reconciled, AppError<SettleCode>>> => {
    const settled = await settle(provider, grant, trip)
    const { intent, accountId } = trip.pending
    // A linking that failed asked for scopes that nothing here uses now. A failed sign-in asked for no more than the next
    // sign-in will, so its consent stays.
    if (!settled.ok && intent === 'link' && accountId !== null && !isStillOpen(settled.error) && hasTokens(grant))
      await revokeUnused(grant, accountId)
    return settled
  }
}
export type SettleIdentity = ReturnType<typeof settleIdentity>

/** What the user returned for, as stored when the round trip began. */
type SignInRequest = Pick<
  PendingAuthorization,
  'intent' | 'accountId' | 'sessionId' | 'scopes' | 'returnTo' | 'codeChallenge'
>
/** A sign-in that began in a native app: nothing was stored about it. */
export const appSignIn: SignInRequest = {
  intent: 'login',
  accountId: null,
  sessionId: null,
  scopes: null,
  returnTo: null,
  codeChallenge: null,
}

/** One sign-in at a provider that has returned. `handle` is its public name, which its cookie and conflict ticket carry. */
type Trip = { readonly arrival: Arrival; readonly pending: SignInRequest; readonly handle: string }
