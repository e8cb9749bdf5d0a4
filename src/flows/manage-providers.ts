import { keepsAWayIn, methodsOf, type SignInRules } from '../accounts/methods.ts'
import type { AccountStore, ProviderAccount } from '../accounts/ports.ts'
import type { Users } from '../accounts/users.ts'
import type { RevocationStore } from '../connections/ports.ts'
import type { AppError } from '../errors/catalogue.ts'
import { internalOrigin } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { ManagedProviders } from '../providers/managed/managed-providers.ts'
import type { Providers } from '../providers/providers.ts'
import type { TryDraft } from './try-draft.ts'

type ManageProvidersParts = {
  managed: ManagedProviders
  providers: Providers
  users: Pick<Users, 'atProvider' | 'list'>
  accounts: Pick<AccountStore, 'withdraw'>
  revocations: Pick<RevocationStore, 'waitingAt'>
  rules: SignInRules
  trial: TryDraft
  clock: Clock
  wakeRevocation: () => void
}

/** Accounts that would have no usable sign-in method left. */
export type Impact = {
  /** How many of the accounts that were examined, from this page on. */
  readonly affected: number
  readonly accounts: readonly ProviderAccount['account'][]
  /** Where the next page starts; `null` if there are no more. */
  readonly next: string | null
  /** `false` if there were too many accounts to examine all of them. */
  readonly isComplete: boolean
}

/** How many identities one statement reads, and how many a request examines at most. */
const identitiesAtOnce = 500
const mostExamined = 20_000
/** How long the deletion of a provider waits for its last revocations, in seconds. */
const mostDeletionSeconds = 7 * 86_400
/** How many days before a client secret expires administrators are notified. */
const noticeDays = [30, 7, 1] as const

/**
 * Adds, changes and deletes providers at run time, for administrators. Every verb records who did it, and what changed.
 */
export function manageProviders(parts: ManageProvidersParts) {
  const { managed, users, accounts, revocations, rules, trial, clock, wakeRevocation } = parts
  const { list, find, create, change, goLive, enable, disable, versions, restore, check, remove } = managed
  /** Deletions, by provider and start, whose grants this node has withdrawn, while their revocations wait. */
  const withdrawn = new Set<string>()

  /**
   * Withdraws the grants of all users at a provider; they are then revoked there. Returns whether there were any, or
   * that the node stops, and some may be left.
   */
  async function withdrawAll(provider: string, stopping: AbortSignal): Promise<'some' | 'none' | 'stopped'> {
    let found: 'some' | 'none' = 'none'
    for (let after = ''; ; ) {
      const page = await users.atProvider(provider, { after, limit: identitiesAtOnce })
      for (const { account, methods } of page.accounts)
        for (const identity of methods.identities.filter((one) => one.provider === provider)) {
          if (stopping.aborted) return 'stopped'
          const from = await accounts.withdraw(
            { accountId: account.id, identityId: identity.id, at: clock() },
            ({ provider: at, id }) => [
              {
                name: 'provider_token.withdrawn',
                accountId: account.id,
                origin: internalOrigin,
                data: { provider: at, identity: id },
              },
            ],
          )
          if (from.length > 0) found = 'some'
        }
      if (page.next === null) return found
      after = page.next
    }
  }

  async function continueDeletion(id: string, since: Date, stopping: AbortSignal): Promise<void> {
    // Another node may have finished an earlier deletion of the same ID, which this node still remembers.
    const deletion = `${id} ${since.getTime()}`
    if (!withdrawn.has(deletion)) {
      const left = await withdrawAll(id, stopping)
      wakeRevocation()
      if (left === 'stopped') return
      withdrawn.add(deletion)
    }
    const isOverdue = clock() >= secondsAfter(since, mostDeletionSeconds)
    if (!isOverdue) {
      if (await revocations.waitingAt(id)) return
      // A node that still had the provider may have finished a sign-in since, with a new grant.
      if ((await withdrawAll(id, stopping)) !== 'none') return wakeRevocation()
    }
    await managed.finishDeletion(id)
    withdrawn.delete(deletion)
  }

  return {
    ...{ list, find, create, change, goLive, enable, disable, versions, restore, check, remove },
    tryDraft: trial.begin,
    trial: managed.trial,

    /** Who could not sign in any longer without this provider, by the rules of unlinking. */
    async impactOf(
      id: string,
      { after, limit }: { readonly after: string; readonly limit: number },
    ): Promise<Result<Impact, AppError<'provider_not_found'>>> {
      const found = await find(id)
      if (!found.ok) return found
      const without: SignInRules = {
        ...rules,
        acceptsIdentity: (identity) => identity.provider !== id && rules.acceptsIdentity(identity),
      }
      const shown: ProviderAccount['account'][] = []
      let [affected, examined, from] = [0, 0, after]
      let next: string | null = null
      for (;;) {
        const page = await users.atProvider(id, { after: from, limit: identitiesAtOnce })
        for (const { account, methods } of page.accounts) {
          if (account.disabledAt !== null || keepsAWayIn(methodsOf(methods, without))) continue
          affected++
          const subject = methods.identities.find((one) => one.provider === id)?.subject
          if (shown.length < limit) {
            shown.push(account)
            if (shown.length === limit) next = subject ?? null
          }
        }
        examined += identitiesAtOnce
        const isOver = page.next === null
        if (isOver || examined >= mostExamined)
          return ok({ affected, accounts: shown, next: affected > shown.length ? next : page.next, isComplete: isOver })
        from = page.next
      }
    },

    /**
     * Continues the deletions that withdraw grants: each ends when its last grant is revoked at the provider. A failure
     * at one provider does not affect the others; it is reported after all of them.
     */
    async continueDeletions(stopping: AbortSignal): Promise<void> {
      const failures: unknown[] = []
      for (const { id, since } of await managed.deleting()) {
        if (stopping.aborted) break
        await continueDeletion(id, since, stopping).catch((thrown: unknown) => failures.push(thrown))
      }
      if (failures.length > 0) throw failures.length === 1 ? failures[0] : new AggregateError(failures)
    },

    /** Notifies administrators of client secrets that expire soon, once for each number of days. */
    async notifyExpiringSecrets(): Promise<void> {
      const administrators = await users.list({
        text: null,
        role: 'administrator',
        disabled: false,
        after: null,
        limit: 100,
      })
      await managed.noticeExpiry(
        noticeDays,
        administrators.accounts.map((account) => account.id),
      )
    },
  }
}
