import type { Decision } from '../accounts/decide.ts'
import type { Forecast } from '../accounts/reconcile.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { ManagedProviders } from '../providers/managed/managed-providers.ts'
import type { TrialDecision } from '../providers/managed.ts'
import type { PendingAuthorization } from '../providers/ports.ts'
import type { Provider } from '../providers/provider.ts'
import type { Providers } from '../providers/providers.ts'
import type { Arrival, ArriveFromProvider, Callback, GrantCode } from './arrive-from-provider.ts'
import type { AuthorizationStart, BeginCode, BeginWithProvider } from './begin-with-provider.ts'

/** An administrator returned from a provider whose draft they tried. */
export type TriedDraft = { readonly tag: 'tried'; readonly provider: string }
type TryCode = BeginCode | 'provider_not_found' | 'provider_not_editable' | 'provider_version_not_found'

type TryDraftParts = {
  providers: Providers
  managed: ManagedProviders
  arrive: ArriveFromProvider
  begin: BeginWithProvider
  forecast: Forecast
  clock: Clock
}

/**
 * Signs an administrator in with a draft, to see what the provider returns and what a sign-in would do. Nothing is
 * created or linked, no token is stored, and none is revoked: a grant of the same person may be in use.
 */
export function tryDraft({ providers, managed, arrive, begin, forecast, clock }: TryDraftParts) {
  return {
    async begin(
      visitor: { readonly accountId: string; readonly sessionId: string },
      id: string,
      origin: Origin,
    ): Promise<Result<AuthorizationStart, AppError<TryCode>>> {
      const draft = await managed.openDraft(id)
      if (!draft.ok) return draft
      return begin({ provider: id, visitor, draft: draft.value.provider, returnTo: `/admin/providers/${id}`, origin })
    },

    /** Stores the result for the administrator who began it. The pending authorization is claimed. */
    async finish(
      provider: Provider,
      callback: Callback,
      arrival: Arrival,
      pending: PendingAuthorization,
    ): Promise<Result<TriedDraft, AppError<GrantCode>>> {
      const draft = await arrive.atTheStart(provider, pending)
      const { accountId: by, providerVersion } = pending
      if (!draft || by === null || providerVersion === null) return fail('flow_mismatch')
      const { origin } = arrival
      const about = { by, at: clock().toISOString() }
      const grant = await arrive.obtainGrant(provider, callback, pending, origin)
      if (!grant.ok) {
        await managed.saveTrial(
          draft.id,
          providerVersion,
          { ...about, outcome: 'failed', code: grant.error.code },
          origin,
        )
        return grant
      }
      const { claims, tokens, asked, issuer } = grant.value
      const admitted = providers.admits(draft, claims)
      const isTrusted = providers.trusts(draft, claims)
      const scopes = tokens.scopes ?? asked
      const saved = await managed.saveTrial(
        draft.id,
        providerVersion,
        {
          ...about,
          outcome: 'signed_in',
          issuer,
          claims,
          scopes,
          missingScopes: draft.missingScopes(asked, scopes),
          isTrusted,
          restriction: admitted.ok ? null : admitted.error.code,
          decision: decisionOf(
            await forecast({ grant: grant.value, trusted: isTrusted, othersTrusted: draft.emailTrust === 'verified' }),
          ),
        },
        origin,
      )
      // Another administrator replaced the draft in the meantime.
      return saved ? ok({ tag: 'tried', provider: draft.id }) : fail('flow_mismatch')
    },
  }
}
export type TryDraft = ReturnType<typeof tryDraft>

const decisionOf = (decision: Decision): TrialDecision => {
  switch (decision.tag) {
    case 'enter':
      return { action: 'login_existing', accountId: decision.account.id, code: null }
    case 'link':
      return { action: 'linked_existing', accountId: decision.account.id, code: null }
    case 'create':
      return { action: 'created_new_user', accountId: null, code: null }
    case 'ask':
      return { action: 'account_conflict', accountId: null, code: null }
    case 'refuse':
      return { action: 'refused', accountId: null, code: decision.code }
  }
}
