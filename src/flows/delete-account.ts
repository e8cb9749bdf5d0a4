import type { AccountStore } from '../accounts/ports.ts'
import type { Origin } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Providers } from '../providers/providers.ts'

type Parts = { accounts: AccountStore; providers: Providers; clock: Clock; wakeRevocation: () => void }

/**
 * An account goes, with everything it owns; its grants are revoked at their providers. The trail keeps that it
 * happened, not who it was.
 */
export function deleteAccount({ accounts, providers, clock, wakeRevocation }: Parts) {
  return async (accountId: string, origin: Origin): Promise<void> => {
    const identities = await accounts.identitiesOf(accountId)
    await accounts.remove(accountId, clock(), [
      { name: 'account.deleted', accountId, origin: { ...origin, ip: null, userAgent: null }, data: {} },
    ])
    for (const { provider: id, subject } of identities) {
      const provider = providers.get(id)
      if (provider) providers.forgetProfile(provider, subject)
    }
    wakeRevocation()
  }
}
export type DeleteAccount = ReturnType<typeof deleteAccount>
