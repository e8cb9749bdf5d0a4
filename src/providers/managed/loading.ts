/** Loads the live settings of the providers on this node, and opens other versions of them. */
import type { Bus } from '../../events/bus.ts'
import { UnopenableError } from '../../kernel/crypto.ts'
import { createShared } from '../../kernel/shared.ts'
import type { ManagedSettings } from '../live/registry.ts'
import type { ProviderRecord, ProviderStore, ProviderVersion } from '../ports.ts'
import type { Provider } from '../provider.ts'
import type { Providers } from '../providers.ts'
import { type DataContext, readProviderData } from '../settings.ts'
import type { SettingsVersions } from './versions.ts'

type LiveSettingsParts = {
  store: ProviderStore
  providers: Providers
  /** The IDs of the providers from the environment, which take precedence. */
  fixedIds: ReadonlySet<string>
  versions: SettingsVersions
  general: DataContext
  events: Bus
}
export type LiveSettings = ReturnType<typeof createLiveSettings>

export function createLiveSettings({ store, providers, fixedIds, versions, general, events }: LiveSettingsParts) {
  /** The settings of a stored version. `undefined` if this node cannot use them; that is logged. */
  function settingsFor(record: ProviderRecord, version: ProviderVersion): ManagedSettings | undefined {
    const unusable = (reason: 'invalid_settings' | 'unreadable_secret'): undefined => {
      events.emit('provider.not_loaded', { provider: record.id, reason })
      return undefined
    }
    try {
      const read = readProviderData(versions.read(record, version), general)
      return read.ok ? { settings: read.value, version: version.id } : unusable('invalid_settings')
    } catch (error) {
      if (error instanceof UnopenableError) return unusable('unreadable_secret')
      throw error
    }
  }

  // Every node polls: each second one statement that reads a table of at most a hundred short rows. LISTEN/NOTIFY
  // would need a connection of its own on each node, does not pass through a pooler in transaction mode, and needs
  // polling behind it for the time it is disconnected. A second is soon enough, and SQLite needs nothing else.
  let loaded: string | undefined
  const load = createShared(async (): Promise<void> => {
    const revisions = await store.revisions()
    providers.closeFormer()
    if (revisions === loaded) return
    const managed: ManagedSettings[] = []
    for (const record of await store.list()) {
      if (!record.live) continue
      if (fixedIds.has(record.id)) {
        events.emit('provider.not_loaded', { provider: record.id, reason: 'in_environment' })
        continue
      }
      const known = settingsFor(record, record.live)
      if (known) managed.push({ ...known, isDisabled: !record.enabled || record.deletedAt !== null })
    }
    providers.replace(managed)
    loaded = revisions
  })

  /** The provider as a version of its settings describes it, for a trial or a check. */
  function open(record: ProviderRecord, version: ProviderVersion): Provider | undefined {
    const known = providers.version(version.id)
    if (known) return known
    const settings = settingsFor(record, version)
    return settings && providers.another(settings)
  }

  return {
    /** Loads the providers if any node changed one. Every node calls this each second. */
    load,

    /** Loads a change of this node. A load that is running may have read the state before it. */
    async reload(): Promise<void> {
      await load()
      await load()
    },

    open,

    /**
     * The provider with the settings that a round trip began with. `undefined` if they are no longer stored, or cannot
     * be used here. The store is asked even if this node has them in memory: a deletion ends the round trips.
     */
    async openVersion(id: string, versionId: string): Promise<Provider | undefined> {
      const [version, all] = await Promise.all([store.version(versionId), store.list()])
      const record = all.find((one) => one.id === id)
      return version && record && version.provider === id ? open(record, version) : undefined
    },
  }
}
