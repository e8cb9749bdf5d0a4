import type { Conflicts } from '../accounts/conflicts.ts'
import type { AccountStore, Identity } from '../accounts/ports.ts'
import type { Reconcile, ReconcileCode } from '../accounts/reconcile.ts'
import type { AuditStore } from '../audit/ports.ts'
import type { Revocations } from '../connections/revocation.ts'
import type { Vault } from '../connections/vault.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import type { Action } from '../events/catalogue.ts'
import type { Account } from '../kernel/account.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { PendingAuthorization } from '../providers/ports.ts'
import type { Grant, Provider } from '../providers/provider.ts'
import type { Providers } from '../providers/providers.ts'
import type { SignedIn, SignIn, SignInCode } from '../sessions/sign-in.ts'
import type { Arrival, ArriveFromProvider, AskCode, Callback, FlowCode } from './arrive-from-provider.ts'
import { identityAskedFor, type StillOffers } from './ask-for-more.ts'
import { flowHandle } from './begin-with-provider.ts'
import type { ConnectedJira, ConnectJira, FinishJiraCode } from './connect-jira.ts'
import { type Onward, type Returns, withOnward } from './return-to.ts'

export type Entered =
  | ({
      readonly tag: 'signed_in'
      readonly flow: Onward
    } & Entry &
      SignedIn)
  | ({ readonly tag: 'linked'; readonly flow: { readonly returnTo: string | null } } & Entry)
/** What coming back from a provider came to: somebody is in, or linked, or their team is connected. */
export type Arrived = Entered | ConnectedJira
export type Entry = { readonly account: Account; readonly identity: Identity; readonly action: Action }

export type EnterCode =
  | FlowCode
  | AskCode
  | ReconcileCode
  | 'provider_not_found'
  | 'session_revoked'
  | 'another_identity'
  | 'scopes_not_offered'
  | RestrictionCode
  | FinishCode
  | FinishJiraCode
/** Somebody the operator does not let in through this provider. */
export type RestrictionCode = 'sign_in_restricted' | 'organization_access_needed'
export type FinishCode = Exclude<SignInCode, 'sign_in_overtaken'> | 'account_linking_failed'

type SignInWithProviderParts = {
  providers: Providers
  arrive: ArriveFromProvider
  reconcile: Reconcile
  conflicts: Conflicts
  accounts: AccountStore
  vault: Vault
  signIn: SignIn
  audit: AuditStore
  events: Bus
  /** Whether this device is still signed in. */
  sessionLives: (id: string) => Promise<boolean>
  /** What becomes of those who were sent there for their team. */
  connect: ConnectJira['finish']
  drop: Revocations['drop']
  /** Whether a browser may still be sent where the sign-in was begun for. */
  mayReturn: Returns['stillAllowed']
  /** Whether what somebody was asked for is still offered. */
  stillOffers: StillOffers
}

/**
 * From the provider's answer to our own session: each step may stop the story, and a refusal changes nothing here but
 * the trail.
 */
export function signInWithProvider(parts: SignInWithProviderParts) {
  const { providers, arrive, reconcile, conflicts, accounts, vault, audit, events, sessionLives, connect } = parts
  const { drop, mayReturn, stillOffers } = parts
  const finish = finishEntry(parts)

  /** The flow is claimed: what did it bring? */
  const proceed = async (
    provider: Provider,
    callback: Callback,
    arrival: Arrival,
    flow: PendingAuthorization,
  ): Promise<Result<Arrived, AppError<EnterCode>>> => {
    // Before the provider is asked, and before anything is linked or created for it.
    if (!mayReturn(flow)) return fail('return_to_not_allowed')
    if (flow.intent === 'connect') {
      const connected = await connect(provider, callback, arrival, flow)
      // Whoever was on their way for a team goes back to it, however that went.
      return connected.ok ? connected : { ok: false, error: { ...connected.error, extra: { team_id: flow.teamId } } }
    }
    const answered = await arrive.ask(provider, callback, flow, arrival.origin)
    if (!answered.ok) return answered
    const entered = await settle(provider, answered.value, callback, arrival, flow)
    // Linked or extended was nothing, and a plain sign-in asked for no more than the next one will.
    if (!entered.ok && flow.intent === 'link' && flow.accountId !== null && !goesOn(entered.error))
      await drop(answered.value, flow.accountId)
    return entered
  }

  /** The provider has said who it is: whose account that is, and in. */
  const settle = async (
    provider: Provider,
    grant: Grant,
    callback: Callback,
    arrival: Arrival,
    flow: PendingAuthorization,
  ): Promise<Result<Entered, AppError<EnterCode>>> => {
    // The provider took its time: whoever was signed out meanwhile, perhaps because of this, gets nothing linked.
    if (flow.intent === 'link' && !(flow.sessionId !== null && (await sessionLives(flow.sessionId))))
      return fail('session_revoked')

    const admitted = providers.admits(provider, grant.claims)
    if (!admitted.ok) return admitted
    const asked = identityAskedFor(flow)
    if (asked !== undefined) {
      const known = await accounts.findByIdentity(grant.issuer, grant.claims.subject)
      if (known?.identity.id !== asked) return fail('another_identity', { provider: provider.name })
      if (!(await stillOffers(provider, known.identity, flow.scopes ?? []))) return fail('scopes_not_offered')
    }
    const reconciled = await reconcile({
      grant,
      providerName: provider.name,
      trusted: providers.trusts(provider, grant.claims),
      othersTrusted: provider.emailTrust === 'verified',
      origin: arrival.origin,
      ...(flow.accountId === null ? {} : { visitorId: flow.accountId }),
      ...(flow.sessionId === null ? {} : { sessionId: flow.sessionId }),
      ...(asked === undefined ? {} : { identityId: asked }),
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

    const how = asked === undefined ? 'sign_in' : 'on_purpose'
    if (!(await vault.keep(grant, 'person', how, reconciled.value.identity))) {
      // Unlinked, or the account deleted, since it was reconciled. What a linking brought is revoked by our caller.
      if (flow.intent === 'login') await drop(grant, reconciled.value.account.id)
      return fail('account_linking_failed')
    }
    providers.forgetProfile(provider, reconciled.value.identity)
    if (flow.intent === 'link') {
      if (asked !== undefined) {
        const data = { provider: provider.id, identity: asked }
        await audit.record({ name: 'provider_token.extended', accountId: flow.accountId, origin: arrival.origin, data })
      }
      return ok({ tag: 'linked', ...reconciled.value, flow })
    }
    const signedIn = await finish(reconciled.value, arrival, flow)
    return signedIn.ok ? ok({ tag: 'signed_in', ...reconciled.value, ...signedIn.value, flow }) : signedIn
  }

  return async (
    providerId: string,
    callback: Callback,
    arrival: Arrival,
  ): Promise<Result<Arrived, AppError<EnterCode>>> => {
    const provider = providers.get(providerId)
    if (!provider) return fail('provider_not_found', { provider: providerId.slice(0, 40) })

    const noteFailure = (code: EnterCode | 'internal', flow?: PendingAuthorization): Promise<void> => {
      const data = { provider: provider.id, code, intent: flow?.intent ?? 'login' } as const
      const { origin } = arrival
      return audit.record({ name: 'authentication.failed', accountId: flow?.accountId ?? null, origin, data })
    }

    const claimed = await arrive.claim(provider, callback, arrival)
    const received = { provider: provider.id, state_valid: claimed.ok }
    events.emit('oauth.callback_received', received, arrival.origin)
    if (!claimed.ok) {
      await noteFailure(claimed.error.code)
      return claimed
    }
    const flow = claimed.value
    try {
      const entered = await proceed(provider, callback, arrival, flow)
      if (entered.ok || goesOn(entered.error)) return entered
      await noteFailure(entered.error.code, flow)
      return withOnward(entered, flow)
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

export type SignInWithProvider = ReturnType<typeof signInWithProvider>

/**
 * The last step of every sign-in through a provider: a session, in place of the one the browser had, or the question
 * for the second factor.
 */
export function finishEntry({ signIn, providers }: Pick<SignInWithProviderParts, 'signIn' | 'providers'>) {
  return async (
    { account, identity, action }: Entry,
    { origin, browser, who }: Omit<Arrival, 'binding'>,
    flow: Onward & { readonly provenAt?: Date },
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
        origin,
        browser: here,
        replaces: here ? (who?.sessionId ?? null) : null,
        returnTo: flow.returnTo,
        codeChallenge: flow.codeChallenge,
        ...(flow.provenAt ? { provenAt: flow.provenAt } : {}),
      },
    )
    if (signedIn.ok || signedIn.error.code !== 'sign_in_overtaken')
      return signedIn as Result<SignedIn, AppError<FinishCode>>
    // Unlinked or deleted since it was reconciled, and its tokens with it.
    return fail('account_linking_failed')
  }
}
