import type { Identity } from '../accounts/ports.ts'
import type { Reconciled } from '../accounts/reconcile.ts'
import type { Revocations } from '../connections/revocation.ts'
import { hasTokens, type Vault } from '../connections/vault.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { PreparedChange } from '../kernel/prepared-change.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Grant } from '../providers/provider.ts'
import type { Providers } from '../providers/providers.ts'
import type { SignedIn, SignIn, SignInFailureCode } from '../sessions/sign-in.ts'
import type { Arrival } from './arrive-from-provider.ts'
import type { Onward } from './return-to.ts'
import { trustIn } from './trust-in-grant.ts'

/** A user signed in with a provider. */
export type ProviderSignIn = { readonly tag: 'signed_in'; readonly identity: Identity } & SignedIn
export type FinishCode = Exclude<SignInFailureCode, 'sign_in_overtaken'> | 'account_linking_failed'

/** What led to a sign-in and can do so once: what uses it up, and whether any request did. */
export type UsedOnce = { readonly using: PreparedChange; readonly wasUsed: () => Promise<boolean> }

export type FinishSignInParts = {
  signIn: SignIn
  providers: Providers
  vault: Vault
  revokeUnused: Revocations['revokeUnused']
}

/**
 * Reconciled → SignedIn. The last step of every sign-in with a provider: a session that replaces the one the browser
 * had, or a request for the second factor. The provider's tokens are stored in the transaction that starts the session,
 * and what led here is used up in it.
 */
export function finishSignIn({ signIn, providers, vault, revokeUnused }: FinishSignInParts) {
  return async (
    { account, identity, action }: Reconciled,
    grant: Grant,
    { origin, browser, who }: Omit<Arrival, 'binding'>,
    { returnTo, codeChallenge, provenAt }: Onward & { readonly provenAt?: Date },
    once?: UsedOnce,
  ): Promise<Result<ProviderSignIn, AppError<FinishCode>>> => {
    // An app on another origin gets a session of its own. The browser's session on this service stays as it is.
    const here = browser && codeChallenge === null
    const { provider, subject: providerUserId } = identity
    // The operator's setting promises that this provider itself asks for a second factor (ASVS 6.8.4).
    const live = providers.get(provider)
    const amr = live && trustIn(live, grant).secondFactor === 'trusted' ? ['fed', 'mfa'] : ['fed']
    const started = await signIn.proceed(
      account,
      { opener: { tag: 'identity', id: identity.id }, provider, providerUserId, action, amr },
      {
        origin,
        browser: here,
        replaces: here ? (who?.sessionId ?? null) : null,
        returnTo,
        codeChallenge,
        ...(provenAt ? { provenAt } : {}),
      },
      [
        ...(once ? [once.using] : []),
        ...(hasTokens(grant) ? [vault.keeping(grant, 'person', 'sign_in', identity)] : []),
      ],
    )
    if (live) providers.eraseProfile(live, identity)
    if (started.ok) {
      const onward = { returnTo, codeChallenge }
      return ok({ tag: 'signed_in', ...started.value, account, identity, action, provider, providerUserId, onward })
    }
    if (started.error.code === 'sign_in_overtaken') {
      // The identity was unlinked, or the account deleted, since it was reconciled. Its tokens are stored nowhere.
      // Those of a concurrent request with the same proof are stored.
      if (hasTokens(grant) && !(await once?.wasUsed())) await revokeUnused(grant, account.id)
      return fail('account_linking_failed')
    }
    return started as Result<never, AppError<FinishCode>>
  }
}
export type FinishSignIn = ReturnType<typeof finishSignIn>

/** The sign-in has not failed: it waits for the answer to an account conflict, or for the second factor. */
export const isStillOpen = ({ extra }: AppError): boolean =>
  extra?.conflict_ticket !== undefined || extra?.second_factor_ticket !== undefined
