import type { Renewal } from '../connections/renewal.ts'
import type { Revocations } from '../connections/revocation.ts'
import type { SyncJiraSites } from '../flows/sync-jira-sites.ts'
import type { Mailer } from '../mail/mailer.ts'
import { type Keys, keyReloadSeconds } from '../sessions/keys.ts'
import type { Job } from './scheduler.ts'
import type { Sweeping } from './sweeping.ts'

type JobsParts = {
  revocation: Revocations
  jiraSites: Pick<SyncJiraSites, 'due'>
  renewal: Pick<Renewal, 'renewDue' | 'backlog'>
  mailer: Pick<Mailer, 'work' | 'backlog'>
  keys: Keys
  sweeping: Pick<Sweeping, 'work'>
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
  sweeping,
  repairGrants,
}: JobsParts): readonly Job[] => [
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
      // One that fails does not stop the other.
      const ended = await Promise.allSettled([sweeping.work(), repairGrants()])
      const reasons = ended.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
      if (reasons.length > 1) throw new AggregateError(reasons, 'neither the sweeps nor the repair of grants succeeded')
      if (reasons.length > 0) throw reasons[0]
    },
  },
]
