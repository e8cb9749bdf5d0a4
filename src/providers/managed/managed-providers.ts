/** The providers that administrators manage at run time, assembled. */
import type { Bus } from '../../events/bus.ts'
import type { Clock } from '../../kernel/clock.ts'
import type { Sealer } from '../../kernel/crypto.ts'
import type { Ids } from '../../kernel/ids.ts'
import type { ProviderStore } from '../ports.ts'
import type { ProviderSettings } from '../provider.ts'
import type { Providers } from '../providers.ts'
import type { DataContext } from '../settings.ts'
import { createSettingsChecks } from './checks.ts'
import { createDeletion } from './deletion.ts'
import { createProviderDirectory } from './directory.ts'
import { createDrafts } from './drafts.ts'
import { noticeExpiry } from './expiry.ts'
import { createLiveSettings } from './loading.ts'
import { createPublishing } from './publishing.ts'
import { createTrials } from './trials.ts'
import { createSettingsVersions } from './versions.ts'

type ManagedProvidersParts = {
  store: ProviderStore
  providers: Providers
  /** The providers from the environment. */
  fixed: readonly ProviderSettings[]
  sealer: Sealer
  general: DataContext
  events: Bus
  clock: Clock
  ids: Ids
}
export type ManagedProviders = ReturnType<typeof createManagedProviders>

export function createManagedProviders(parts: ManagedProvidersParts) {
  const { store, providers, fixed, sealer, general, events, clock, ids } = parts
  const versions = createSettingsVersions({ sealer, clock, ids })
  const checks = createSettingsChecks(fixed, general)
  const fixedIds = new Set(fixed.map(({ id }) => id))
  const live = createLiveSettings({ store, providers, fixedIds, versions, general, events })
  const { publicUrl } = general
  const directory = createProviderDirectory({ store, providers, fixed, versions, checks, live, publicUrl })
  const { inBoth, list, find } = directory
  const { load, openVersion } = live
  return {
    load,
    openVersion,
    inBoth,
    list,
    find,
    ...createDrafts({ store, directory, versions, checks, clock }),
    ...createPublishing({ directory, checks, live, providers, clock }),
    ...createTrials({ directory, versions, live, providers, clock }),
    ...createDeletion({ store, directory, live, clock }),
    noticeExpiry: (days: readonly number[], to: readonly string[]) => noticeExpiry(store, clock, days, to),
  }
}
