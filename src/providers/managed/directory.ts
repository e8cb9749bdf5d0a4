/**
 * The providers as administrators find them: those from the environment to look at, those in the store to change. Every
 * change is made in one transaction.
 */
import { type AppError, fail } from '../../errors/catalogue.ts'
import { err, ok, type Result } from '../../kernel/result.ts'
import { definitions } from '../definitions/index.ts'
import type { ManagedProvider, UnknownProvider } from '../managed.ts'
import type { ProviderStore, ProviderWrite, StoredProvider } from '../ports.ts'
import type { Definition, ProviderSettings } from '../provider.ts'
import type { Providers } from '../providers.ts'
import { isKind } from '../settings.ts'
import type { SettingsChecks } from './checks.ts'
import type { LiveSettings } from './loading.ts'
import { findPresent, present } from './records.ts'
import type { SettingsVersions } from './versions.ts'

type DirectoryParts = {
  store: ProviderStore
  providers: Providers
  /** The providers from the environment. */
  fixed: readonly ProviderSettings[]
  versions: SettingsVersions
  checks: SettingsChecks
  live: LiveSettings
  publicUrl: URL
}
export type ProviderDirectory = ReturnType<typeof createProviderDirectory>

export function createProviderDirectory(parts: DirectoryParts) {
  const { store, providers, fixed, versions, checks, live, publicUrl } = parts
  const isFixed = (id: string): boolean => fixed.some((one) => one.id === id)

  function fromStore(stored: StoredProvider): ManagedProvider {
    const { id, kind, enabled } = stored
    const { position, revision, version, createdAt, createdBy, updatedAt, updatedBy } = stored
    const newest = stored.draft ?? stored.live
    const inUse = (!isFixed(id) && providers.get(id)) || null
    const read = newest && checks.withoutSecrets(stored, newest)
    return {
      id,
      kind,
      name: inUse?.name ?? newest?.settings.NAME ?? nameOf(kind, id),
      source: 'database',
      enabled,
      record: { position, revision, version, createdAt, createdBy, updatedAt, updatedBy },
      live: stored.live && versions.describe(kind, stored.live),
      draft: stored.draft && versions.describe(kind, stored.draft),
      inUse,
      redirectUris: read?.redirectUris ?? inUse?.redirectUris ?? { default: `${publicUrl.origin}/auth/${id}/callback` },
    }
  }
  const fromEnvironment = (settings: ProviderSettings): ManagedProvider => ({
    id: settings.id,
    kind: settings.kind,
    name: settings.name,
    source: 'environment',
    enabled: true,
    record: null,
    live: null,
    draft: null,
    inUse: providers.get(settings.id) ?? null,
    redirectUris: settings.redirectUris,
  })

  /** A provider that can be changed. */
  function findIn(all: readonly StoredProvider[], id: string): Result<StoredProvider, UnknownProvider> {
    if (isFixed(id)) return fail('provider_not_editable')
    const found = findPresent(all, id)
    return found ? ok(found) : fail('provider_not_found', { provider: id.slice(0, 40) })
  }

  async function find(id: string): Promise<Result<ManagedProvider, AppError<'provider_not_found'>>> {
    const own = fixed.find((one) => one.id === id)
    if (own) return ok(fromEnvironment(own))
    const found = findPresent(await store.list(), id)
    return found ? ok(fromStore(found)) : fail('provider_not_found', { provider: id.slice(0, 40) })
  }

  return {
    isFixed,
    /** The IDs that are both in the environment and in the store. */
    async inBoth(): Promise<readonly string[]> {
      return (await store.list()).map(({ id }) => id).filter(isFixed)
    },

    async list(): Promise<readonly ManagedProvider[]> {
      return [...fixed.map(fromEnvironment), ...present(await store.list()).map(fromStore)]
    },
    find,

    findIn,
    stored: async (id: string): Promise<Result<StoredProvider, UnknownProvider>> => findIn(await store.list(), id),

    /** Makes a change in one transaction, and live on this node. `null` changes nothing. */
    async change<E>(
      id: string,
      decide: (all: readonly StoredProvider[]) => Result<ProviderWrite | null, E>,
    ): Promise<Result<ManagedProvider, E | AppError<'provider_not_found'>>> {
      const changed = await store.change<E | null>(id, (all) => {
        const decided = decide(all)
        return decided.ok ? (decided.value === null ? err(null) : ok(decided.value)) : decided
      })
      if (!changed.ok && changed.error !== null) return err(changed.error)
      if (changed.ok) await live.reload()
      return find(id)
    },
  }
}

function nameOf(kind: string, id: string): string {
  const definition: Definition | undefined = isKind(kind) ? definitions[kind] : undefined
  return definition?.name ?? id.charAt(0).toUpperCase() + id.slice(1)
}
