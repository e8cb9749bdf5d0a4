import type { LogoutNotices } from '../applications/logout-notices.ts'
import type { Renewal } from '../connections/renewal.ts'
import type { Revocations } from '../connections/revocation.ts'
import type { Flows } from '../flows/flows.ts'
import type { SyncJiraSites } from '../flows/sync-jira-sites.ts'
import type { Mailer } from '../mail/mailer.ts'
import { type Keys, keyReloadSeconds } from '../sessions/keys.ts'
import type { RollUp } from '../statistics/roll-up.ts'
import type { Job } from './scheduler.ts'
import type { Sweeping } from './sweeping.ts'

type JobsParts = {
  revocation: Revocations
  jiraSites: Pick<SyncJiraSites, 'due'>
  renewal: Pick<Renewal, 'renewDue' | 'backlog'>
  mailer: Pick<Mailer, 'work' | 'backlog'>
  logoutNotices: Pick<LogoutNotices, 'work' | 'backlog'>
  keys: Keys
  /** The providers that administrators manage. */
  managed: { load(): Promise<void> }
  branding: { load(): Promise<void> }
  manageProviders: Pick<Flows['manageProviders'], 'continueDeletions' | 'notifyExpiringSecrets'>
  sweeping: Pick<Sweeping, 'work'>
  rollUp: RollUp
  /** Repairs some of the grants that older versions left in a wrong state. */
  repairGrants: () => Promise<unknown>
}

/** All jobs: name, period, and whether nodes share one run. */
export const defineJobs = ({
  revocation,
  renewal,
  jiraSites,
  mailer,
  logoutNotices,
  keys,
  managed,
  branding,
  manageProviders,
  sweeping,
  rollUp,
  repairGrants,
}: JobsParts): readonly Job[] => [
  {
    name: 'revoke-at-provider',
    everySeconds: 30,
    shared: true,
    work: () => revocation.work(),
    backlog: () => revocation.backlog(),
  },
  { name: 'sync-jira-sites', everySeconds: 60, shared: true, work: (stopping) => jiraSites.due(stopping) },
  // Shared because of the provider's rate limits: two concurrent runs would double the calls. It is the grant's own
  // lease that prevents renewing a grant twice.
  {
    name: 'renew-provider-tokens',
    everySeconds: 30,
    shared: true,
    work: () => renewal.renewDue(),
    backlog: () => renewal.backlog(),
  },
  // Every node does this: each message has a lease of its own, and a node that died delays only the messages it had
  // taken.
  {
    name: 'send-mail',
    everySeconds: 5,
    shared: false,
    work: () => mailer.work(),
    backlog: () => mailer.backlog(),
  },
  // Every node does this, as with messages: each notice has a lease of its own.
  {
    name: 'send-logout-notices',
    everySeconds: 5,
    shared: false,
    work: () => logoutNotices.work(),
    backlog: () => logoutNotices.backlog(),
  },
  { name: 'reload-signing-keys', everySeconds: keyReloadSeconds, shared: false, work: () => keys.reload() },
  // At first at once: administrators look at the overview soon after the first start. It pauses by itself after long runs.
  {
    name: 'count-by-hour',
    everySeconds: 60,
    shared: true,
    isDueAtFirst: true,
    work: (stopping) => rollUp.work(stopping),
  },
  // Every second, so that all nodes agree within two. It reads one small table, and the rest only after a change.
  { name: 'reload-providers', everySeconds: 1, shared: false, work: () => managed.load() },
  { name: 'reload-branding', everySeconds: 1, shared: false, work: () => branding.load() },
  {
    name: 'delete-providers',
    everySeconds: 30,
    shared: true,
    work: (stopping) => manageProviders.continueDeletions(stopping),
  },
  {
    name: 'notify-expiring-secrets',
    everySeconds: 3600,
    shared: true,
    work: () => manageProviders.notifyExpiringSecrets(),
  },
  {
    name: 'sweep-expired',
    everySeconds: 600,
    shared: true,
    work: async () => {
      // A failure of one does not stop the other.
      const ended = await Promise.allSettled([sweeping.work(), repairGrants()])
      const reasons = ended.flatMap((one) => (one.status === 'rejected' ? [one.reason as unknown] : []))
      if (reasons.length > 1) throw new AggregateError(reasons, 'neither the sweeps nor the repair of grants succeeded')
      if (reasons.length > 0) throw reasons[0]
    },
  },
]
