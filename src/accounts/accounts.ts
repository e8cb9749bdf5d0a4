import { createConflicts } from './conflicts.ts'
import { createLinks } from './links.ts'
import type { AccountStore, ConflictStore, UserStore } from './ports.ts'
import { createProfiles } from './profile.ts'
import { createForecast, createReconcile } from './reconcile.ts'
import { createUsers } from './users.ts'

type AccountsParts = Omit<Parameters<typeof createReconcile>[0], 'accounts'> &
  Omit<Parameters<typeof createConflicts>[0], 'conflicts'> &
  Omit<Parameters<typeof createLinks>[0], 'accounts'> & {
    readonly stored: {
      readonly accounts: AccountStore
      readonly conflicts: ConflictStore
      readonly users: UserStore
    }
  }

/** Everything about accounts: which one a sign-in belongs to, its sign-in methods, its profile, and its administration. */
export function createAccounts({ stored, ...parts }: AccountsParts) {
  const { accounts, conflicts, users } = stored
  return {
    reconcile: createReconcile({ ...parts, accounts }),
    forecast: createForecast({ ...parts, accounts }),
    links: createLinks({ ...parts, accounts }),
    conflicts: createConflicts({ ...parts, conflicts }),
    profiles: createProfiles({ ...parts, accounts }),
    users: createUsers({ ...parts, users, accounts }),
  }
}
