import type { AccountStore } from '../accounts/ports.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import { type Origin, originForOthers } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Providers } from '../providers/providers.ts'

type DeleteAccountParts = { accounts: AccountStore; providers: Providers; clock: Clock; wakeRevocation: () => void }

/**
 * Deletes an account with everything it owns, and revokes its grants at their providers. The audit log keeps that it
 * happened, but not who it was. `by` is the administrator who deletes it for the user. Returns whether the account
 * existed. The last administrator cannot be deleted.
 */
export function deleteAccount({ accounts, providers, clock, wakeRevocation }: DeleteAccountParts) {
  return async (
    accountId: string,
    origin: Origin,
    by?: string,
  ): Promise<Result<boolean, AppError<'last_administrator'>>> => {
    const identities = await accounts.identitiesOf(accountId)
    const removed = await accounts.remove(accountId, clock(), [
      { name: 'account.deleted', accountId, origin: originForOthers(origin), data: by === undefined ? {} : { by } },
    ])
    if (removed === 'last_administrator') return fail(removed)
    for (const { provider: id, ...whose } of identities) {
      const provider = providers.get(id)
      if (provider) providers.eraseProfile(provider, whose)
    }
    wakeRevocation()
    return ok(removed)
  }
}
