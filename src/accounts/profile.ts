import type { Origin } from '../events/catalogue.ts'
import type { Account } from '../kernel/account.ts'
import type { Clock } from '../kernel/clock.ts'
import type { AccountStore } from './ports.ts'

export type ProfileChange = { readonly name?: string | null; readonly picture?: string | null }

/** What a person may change of themselves. The address is none of it: it changes by proof, not by writing. */
export function createProfiles({ accounts, clock }: { accounts: AccountStore; clock: Clock }) {
  return {
    update(accountId: string, change: ProfileChange, origin: Origin): Promise<Account | undefined> {
      const fields = Object.keys(change)
      return accounts.update(accountId, change, clock(), [
        { name: 'account.updated', accountId, origin, data: { fields } },
      ])
    },
  }
}
export type Profiles = ReturnType<typeof createProfiles>
