import type { Revocations } from '../connections/revocation.ts'
import type { Clock } from '../kernel/clock.ts'
import { secondsAfter } from '../kernel/clock.ts'
import { type Keys, keyReloadSeconds } from '../sessions/keys.ts'
import type { Job } from './scheduler.ts'

/** Erases rows of one table that ended before a moment; answers how many. */
type Sweep = (before: Date) => Promise<number>
type Parts = {
  revocation: Revocations
  keys: Keys
  clock: Clock
  sweeps: { readonly short: readonly Sweep[]; readonly long: readonly Sweep[] }
}

const hour = 3600
const keepEndedSessionsSeconds = 30 * 24 * hour

/** Every job there is: name, period, whether nodes take turns. */
export const defineJobs = ({ revocation, keys, clock, sweeps }: Parts): readonly Job[] => [
  { name: 'revoke-at-provider', everySeconds: 30, shared: true, work: () => revocation.work() },
  { name: 'reload-signing-keys', everySeconds: keyReloadSeconds, shared: false, work: () => keys.reload() },
  {
    name: 'sweep-expired',
    everySeconds: 600,
    shared: true,
    // Flows, conflicts and codes are kept for an hour after they ended, to be able to say why they are refused; sessions for a month.
    work: async () => {
      for (const sweep of sweeps.short) await sweep(secondsAfter(clock(), -hour))
      for (const sweep of sweeps.long) await sweep(secondsAfter(clock(), -keepEndedSessionsSeconds))
    },
  },
]
