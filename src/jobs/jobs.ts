import type { Renewal } from '../connections/renewal.ts'
import type { Revocations } from '../connections/revocation.ts'
import type { SyncJiraSites } from '../flows/sync-jira-sites.ts'
import type { Clock } from '../kernel/clock.ts'
import { secondsAfter } from '../kernel/clock.ts'
import type { Mailer } from '../mail/mailer.ts'
import { type Keys, keyReloadSeconds } from '../sessions/keys.ts'
import type { Job } from './scheduler.ts'

/** Erases rows of one table that ended before a moment; answers how many. */
type Sweep = (before: Date) => Promise<number>

/** How long rows are kept after they ended, in seconds, and what sweeps them. */
export type Keeping = { readonly seconds: number; readonly sweeps: readonly Sweep[] }

type Parts = {
  revocation: Revocations
  jiraSites: Pick<SyncJiraSites, 'due'>
  renewal: Pick<Renewal, 'renewDue' | 'backlog'>
  mailer: Pick<Mailer, 'work' | 'backlog'>
  keys: Keys
  clock: Clock
  keeping: readonly Keeping[]
  /** Repairs some of the grants that versions before left behind. */
  repairGrants: () => Promise<unknown>
}

/** Every job there is: name, period, whether nodes take turns. */
export const defineJobs = ({
  revocation,
  renewal,
  jiraSites,
  mailer,
  keys,
  clock,
  keeping,
  repairGrants,
}: Parts): readonly Job[] => [
  {
    name: 'revoke-at-provider',
    everySeconds: 30,
    shared: true,
    work: () => revocation.work(),
    backlog: () => revocation.backlog(),
  },
  { name: 'sync-jira-sites', everySeconds: 60, shared: true, work: () => jiraSites.due() },
  // One node at a time for the pace, which is the provider's to bear: two rounds at once would be twice as many calls.
  // That each grant is renewed once is not left to this, but to its own lease.
  {
    name: 'renew-provider-tokens',
    everySeconds: 30,
    shared: true,
    work: () => renewal.renewDue(),
    backlog: () => renewal.backlog(),
  },
  // Every node does it: each letter is leased by itself, and a node that died holds up no more than it had taken.
  {
    name: 'send-mail',
    everySeconds: 5,
    shared: false,
    work: () => mailer.work(),
    backlog: () => mailer.backlog(),
  },
  { name: 'reload-signing-keys', everySeconds: keyReloadSeconds, shared: false, work: () => keys.reload() },
  {
    name: 'sweep-expired',
    everySeconds: 600,
    shared: true,
    work: async () => {
      for (const { seconds, sweeps } of keeping)
        for (const sweep of sweeps) await sweep(secondsAfter(clock(), -seconds))
      await repairGrants()
    },
  },
]
