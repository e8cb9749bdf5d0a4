import type { AccountStore } from '../accounts/ports.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import { type Origin, originForOthers } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Providers } from '../providers/providers.ts'

type DeleteAccountParts = { accounts: AccountStore; providers: Providers; clock: Clock; wakeRevocation: () => void }

/**
 * An account goes, with everything it owns; its grants are revoked at their providers. The trail keeps that it
 * happened, not who it was; `by` is the administrator who did it for them. Answers whether it was there. The last
 * administrator stays.
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
