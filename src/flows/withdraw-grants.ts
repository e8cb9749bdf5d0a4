import type { AccountStore } from '../accounts/ports.ts'
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Providers } from '../providers/providers.ts'

type WithdrawGrantsParts = { accounts: AccountStore; providers: Providers; clock: Clock; wakeRevocation: () => void }

/**
 * Withdraws what a user granted at a provider. The sign-in method stays. Our copy of the tokens is erased immediately,
 * and they are revoked at the provider as soon as it responds. The next sign-in grants the minimum again.
 */
export function withdrawGrants({ accounts, providers, clock, wakeRevocation }: WithdrawGrantsParts) {
  const withdraw = async (accountId: string, identityId: string | null, origin: Origin): Promise<void> => {
    const withdrawn = await accounts.withdraw({ accountId, identityId, at: clock() }, ({ provider, id }) => [
      { name: 'provider_token.withdrawn', accountId, origin, data: { provider, identity: id } },
    ])
    if (withdrawn.length === 0) return
    for (const { provider: id, ...whose } of withdrawn) {
      const provider = providers.get(id)
      if (provider) providers.eraseProfile(provider, whose)
    }
    wakeRevocation()
  }

  return {
    /** Succeeds if the permission was already withdrawn. */
    async one(
      { accountId, identityId }: { accountId: string; identityId: string },
      origin: Origin,
    ): Promise<Result<null, AppError<'not_linked'>>> {
      const identities = await accounts.identitiesOf(accountId)
      if (!identities.some(({ id }) => id === identityId)) return fail('not_linked')
      await withdraw(accountId, identityId, origin)
      return ok(null)
    },

    /** All grants of the user. Grants for a team stay with the team. */
    all: (accountId: string, origin: Origin): Promise<void> => withdraw(accountId, null, origin),
  }
}
export type WithdrawGrants = ReturnType<typeof withdrawGrants>
