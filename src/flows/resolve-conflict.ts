import type { Conflicts } from '../accounts/conflicts.ts'
import { provesEmail } from '../accounts/decide.ts'
import { methodsOf, type SignInMethod, type SignInRules } from '../accounts/methods.ts'
import type { AccountStore } from '../accounts/ports.ts'
import { findNamesakes, type Reconcile, type ReconcileCode } from '../accounts/reconcile.ts'
import type { AuditStore } from '../audit/ports.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import { BusyError } from '../kernel/busy.ts'
import { maskEmail, readEmail } from '../kernel/email.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Grant, Provider } from '../providers/provider.ts'
import type { Providers } from '../providers/providers.ts'
import type { Arrival } from './arrive-from-provider.ts'
import { type FinishCode, type FinishSignIn, isStillOpen, type ProviderSignIn } from './finish-sign-in.ts'
import type { Returns } from './return-to.ts'
import type { RestrictionCode } from './settle-identity.ts'
import type { SignInByEmail } from './sign-in-by-email.ts'
import { trustIn } from './trust-in-grant.ts'

export type OpenConflictView = {
  readonly provider: { readonly id: string; readonly name: string }
  /** Masked: the reader of this page has not verified the address yet. */
  readonly email: string
  /** How the existing account can be proven. Never the provider of this sign-in, which would only lead back here. */
  readonly methods: readonly ProvingMethod[]
  readonly expiresAt: Date
  readonly canCreate: boolean
  /** The visitor is signed in to an account with this address and only has to confirm. */
  readonly proven: boolean
}
export type ProvingMethod =
  | { readonly type: 'provider'; readonly provider: string; readonly name: string }
  | { readonly type: 'password' | 'passkey' | 'email' }
export type ResolveCode =
  | 'conflict_not_found'
  | 'proof_required'
  | 'provider_not_found'
  | RestrictionCode
  | ReconcileCode
  | FinishCode

type Visitor = { readonly accountId: string; readonly recent: boolean } | null
type ResolveConflictParts = {
  conflicts: Conflicts
  accounts: AccountStore
  rules: SignInRules
  /** Whether a message to the address signs in to an account that exists already. */
  opensByMail: (emailKey: string) => Promise<boolean>
  /** Sends a link and a code to sign in with. */
  sendSignIn: SignInByEmail['begin']
  /** Whether mail is configured. */
  mail: boolean
  providers: Providers
  reconcile: Reconcile
  finish: FinishSignIn
  audit: AuditStore
  autoRegister: boolean
  /** Whether a browser may still be sent to where this sign-in should end. */
  mayReturn: Returns['stillAllowed']
}

/**
 * Resolves an account conflict: an account with this email address already exists. The user either proves that it is
 * theirs, or continues with an account of their own.
 */
export function resolveConflict(parts: ResolveConflictParts) {
  const { conflicts, accounts, providers, reconcile, finish, audit, autoRegister, mayReturn } = parts

  const find = async (ticket: string, binding: string | undefined) => {
    const conflict = binding === undefined ? undefined : await conflicts.find(ticket, binding)
    const provider = conflict && providers.get(conflict.provider)
    // If the operator moved the provider to another issuer, nothing supports this identity any longer.
    return conflict && provider?.speaksFor(conflict.opened.issuer)
      ? { conflict, provider, grant: conflict.opened }
      : undefined
  }

  /** Each address that led to the question: who holds or claims it, and whether this sign-in proves it. */
  const matchesOf = async (grant: Grant, provider: Provider) => {
    const { claims } = grant
    const trust = trustIn(provider, grant)
    const { primary, others } = await findNamesakes(accounts, claims)
    const proven = provesEmail(claims, providers.trusts(trust, claims))
    const { email } = claims
    return [
      // Listed first even if no account has it by now: it is the address of the conflict.
      ...(email !== null && (primary.length > 0 || others.length === 0) ? [{ email, namesakes: primary, proven }] : []),
      ...others.map((other) => ({ ...other, proven: trust.emailTrust === 'verified' })),
    ]
  }
  type Matches = Awaited<ReturnType<typeof matchesOf>>

  /**
   * Only a user whose provider verified the address learns the sign-in methods of the existing account. Everyone else
   * is offered all methods, whatever the account has.
   */
  const mayKnow = (matches: Matches): boolean => matches.every(({ proven }) => proven)

  /**
   * The address a sign-in code is sent to: one whose account the code gives access to. `undefined` if there is none, or
   * only a new account, which proves nothing about the existing one. Callers who must not know that get the first
   * address.
   */
  const mailedTo = async (matches: Matches): Promise<Matches[number] | undefined> => {
    if (!mayKnow(matches)) return matches[0]
    const opens = await Promise.all(matches.map(async ({ email }) => parts.opensByMail(readEmail(email)?.key ?? '')))
    return matches.find((_, at) => opens[at])
  }

  /** The address in question, masked: the one that a code is sent to, if any. */
  const subjectOf = async (matches: Matches) => (await mailedTo(matches)) ?? matches[0]

  /** Which methods of the accounts with these addresses can sign in at present. */
  const usableIn = async (matches: Matches): Promise<readonly SignInMethod[]> => {
    const namesakes = matches.flatMap((match) => match.namesakes)
    const ways = await Promise.all(namesakes.map(({ account }) => accounts.signInMethodsOf(account.id)))
    return ways.flatMap((each) => methodsOf(each, parts.rules)).filter(({ usable }) => usable)
  }

  /** Which methods to offer: never the provider of this sign-in. */
  const methodsFor = async (matches: Matches, provider: Provider): Promise<readonly ProvingMethod[]> => {
    const usable = mayKnow(matches) ? await usableIn(matches) : undefined
    const has = (isIt: (method: SignInMethod) => boolean): boolean => usable?.some(isIt) ?? true
    return [
      ...providers
        .list()
        .filter(({ id }) => id !== provider.id && has((one) => one.type === 'provider' && one.provider === id))
        .map(({ id, name }) => ({ type: 'provider' as const, provider: id, name })),
      ...(['password', 'passkey'] as const).filter((type) => has((one) => one.type === type)).map((type) => ({ type })),
      ...(parts.mail && (await mailedTo(matches)) ? [{ type: 'email' } as const] : []),
    ]
  }

  const proved = (matches: Matches, visitor: Visitor): string | undefined =>
    visitor?.recent &&
    matches.some(({ namesakes }) => namesakes.some(({ account }) => account.id === visitor.accountId))
      ? visitor.accountId
      : undefined

  type BoundConflict = NonNullable<Awaited<ReturnType<typeof find>>>

  /** The ticket is valid: finds the account, and signs in. That claims the ticket, so that a failed request can be repeated. */
  const proceed = async (
    { conflict, provider, grant }: BoundConflict,
    action: 'link' | 'create',
    arrival: Arrival,
    visitorId: string | undefined,
  ): Promise<Result<ProviderSignIn, AppError<ResolveCode>>> => {
    // The settings may have become stricter since the conflict arose.
    const admitted = providers.admits(provider, grant.claims)
    if (!admitted.ok) return admitted
    if (action === 'link' && visitorId === undefined) return fail('proof_required')
    if (action === 'create' && !autoRegister) return fail('user_creation_disabled')
    if (!mayReturn(conflict)) return fail('return_to_not_allowed')

    const { origin, who } = arrival
    const trust = trustIn(provider, grant)
    const reconciled = await reconcile({
      grant,
      providerName: provider.name,
      trusted: providers.trusts(trust, grant.claims),
      othersTrusted: trust.emailTrust === 'verified',
      origin,
      resolving: action,
      ...(visitorId === undefined || !who ? {} : { visitorId, sessionId: who.sessionId }),
    })
    if (!reconciled.ok) {
      // Another answer to this conflict may have linked it just now. That one uses the conflict up.
      const isLinked = reconciled.error.code === 'identity_already_linked'
      return isLinked || (await conflicts.resolving(conflict, []).make()) ? reconciled : fail('conflict_not_found')
    }
    const resolving = conflicts.resolving(conflict, [
      {
        name: 'conflict.resolved',
        accountId: reconciled.value.account.id,
        origin,
        data: { provider: provider.id, action },
      },
    ])
    // The user proved something when the conflict arose, not when they resolved it.
    const onward = { ...conflict, provenAt: conflict.createdAt }
    const wasUsed = async (): Promise<boolean> => !(await conflicts.isOpen(conflict))
    const finished = await finish(reconciled.value, grant, arrival, onward, { using: resolving, wasUsed })
    // Of two concurrent answers, the second cannot finish.
    const isOvertaken = !finished.ok && finished.error.code === 'account_linking_failed'
    return isOvertaken && (await wasUsed()) ? fail('conflict_not_found') : finished
  }

  return {
    async show(
      ticket: string,
      binding: string | undefined,
      visitor: Visitor,
    ): Promise<Result<OpenConflictView, AppError<'conflict_not_found'>>> {
      const found = await find(ticket, binding)
      if (!found) return fail('conflict_not_found')
      const { conflict, provider, grant } = found
      const matches = await matchesOf(grant, provider)
      return ok({
        provider: { id: provider.id, name: provider.name },
        email: maskEmail((await subjectOf(matches))?.email ?? ''),
        methods: await methodsFor(matches, provider),
        expiresAt: conflict.expiresAt,
        canCreate: autoRegister,
        proven: proved(matches, visitor) !== undefined,
      })
    },

    /**
     * Sends a sign-in code and link to the address in question. Only the holder of the ticket can cause that. Signing
     * in with it is the proof that `link` needs. The address itself is never returned.
     */
    async sendProof(
      ticket: string,
      { binding, origin, returnTo }: { binding: string | undefined; origin: Origin; returnTo: string | null },
    ): Promise<Result<{ binding: string; expiresIn: number }, AppError<'conflict_not_found' | 'mail_not_configured'>>> {
      const found = await find(ticket, binding)
      const about = found && (await subjectOf(await matchesOf(found.grant, found.provider)))
      const email = about && readEmail(about.email)
      if (!email) return fail('conflict_not_found')
      return parts.sendSignIn({ email, onward: { returnTo, codeChallenge: null }, origin })
    },

    /**
     * `link` requires a recent sign-in to the existing account as proof; `create` continues with a separate account.
     */
    async answer(
      ticket: string,
      action: 'link' | 'create',
      arrival: Arrival & { recent: boolean },
    ): Promise<Result<ProviderSignIn, AppError<ResolveCode>>> {
      const found = await find(ticket, arrival.binding)
      if (!found) return fail('conflict_not_found')
      const { provider, grant } = found
      const who = arrival.who && { accountId: arrival.who.accountId, recent: arrival.recent }
      const visitorId = action === 'link' ? proved(await matchesOf(grant, provider), who) : undefined
      const noteFailure = (code: ResolveCode | 'internal'): Promise<void> =>
        audit.record({
          name: 'authentication.failed',
          accountId: visitorId ?? null,
          origin: arrival.origin,
          data: { provider: provider.id, code, intent: 'login' },
        })
      try {
        const outcome = await proceed(found, action, arrival, visitorId)
        if (!outcome.ok && !isStillOpen(outcome.error)) await noteFailure(outcome.error.code)
        return outcome
      } catch (defect) {
        // A request that finds the database busy is repeated, and has not failed.
        if (!(defect instanceof BusyError)) await noteFailure('internal')
        throw defect
      }
    },
  }
}
