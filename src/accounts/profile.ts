import type { Origin } from '../events/catalogue.ts'
import type { Account } from '../kernel/account.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Locale } from '../kernel/locale.ts'
import type { AccountStore } from './ports.ts'

export type ProfileChange = {
  readonly name?: string | null
  readonly picture?: string | null
  /** The language of email. */
  readonly locale?: Locale
  /** An IANA time zone, or `null` for the zone of the browser. */
  readonly timeZone?: string | null
}

/** What users can change about themselves. The email address is not included: changing it requires verification. */
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
