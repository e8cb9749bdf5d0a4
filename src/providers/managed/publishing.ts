/** Makes drafts live, and lets users sign in with a provider or ends that. */
import { type AppError, fail } from '../../errors/catalogue.ts'
import type { Fact, Origin } from '../../events/catalogue.ts'
import type { Clock } from '../../kernel/clock.ts'
import { ok, type Result } from '../../kernel/result.ts'
import type { Failure } from '../calls/failure.ts'
import type { InvalidProvider, ManagedProvider, UnknownProvider } from '../managed.ts'
import type { ProviderRecord, ProviderVersion, ProviderWrite, StoredProvider } from '../ports.ts'
import type { Providers } from '../providers.ts'
import type { SettingsChecks } from './checks.ts'
import type { ProviderDirectory } from './directory.ts'
import type { LiveSettings } from './loading.ts'
import { touched } from './records.ts'

type PublishingParts = {
  directory: ProviderDirectory
  checks: SettingsChecks
  live: LiveSettings
  providers: Providers
  clock: Clock
}
type Publication = { revision?: number | undefined; force?: boolean; enable?: boolean }

export function createPublishing({ directory, checks, live, providers, clock }: PublishingParts) {
  /** Whether the endpoints of a version are known. They must be before it can be live. */
  async function discover(record: ProviderRecord, version: ProviderVersion): Promise<Failure | null> {
    const provider = live.open(record, version)
    if (!provider) return { kind: 'garbage', reason: 'invalid_settings' }
    const found = await providers.discover(provider)
    return found.ok ? null : found.error
  }

  async function publish(
    by: string | null,
    id: string,
    { revision, force = false, enable = false }: Publication,
    origin: Origin,
  ): Promise<
    Result<
      ManagedProvider,
      | UnknownProvider
      | InvalidProvider
      | AppError<'provider_changed' | 'provider_not_tried' | 'provider_discovery_failed'>
    >
  > {
    const found = await directory.stored(id)
    if (!found.ok) return found
    const { draft } = found.value
    if (draft) {
      if (!force && draft.triedAt === null) return fail('provider_not_tried')
      const failure = await discover(found.value, draft)
      if (failure) return fail('provider_discovery_failed', undefined, { cause: failure })
    }
    return directory.change<UnknownProvider | InvalidProvider | AppError<'provider_changed'>>(id, (all) => {
      const current = directory.findIn(all, id)
      if (!current.ok) return current
      const now = current.value
      if (revision !== undefined && revision !== now.revision) return fail('provider_changed')
      // Another administrator replaced the draft that was checked.
      if (now.draft?.id !== draft?.id) return fail('provider_changed')
      // The environment, or another provider, may have this issuer since the draft was made.
      const known = now.draft && checks.withoutSecrets(now, now.draft)
      const shared = known && checks.sharedWith(id, known, all)
      if (shared) return shared
      const forced = force && draft?.triedAt === null
      return ok(publication(now, { by, at: clock(), origin, forced, enable }))
    })
  }

  async function setEnabled(
    by: string | null,
    id: string,
    enabled: boolean,
    origin: Origin,
  ): Promise<Result<ManagedProvider, UnknownProvider>> {
    return directory.change<UnknownProvider>(id, (all) => {
      const found = directory.findIn(all, id)
      if (!found.ok) return found
      if (found.value.enabled === enabled) return ok(null)
      const name = enabled ? 'provider.enabled' : 'provider.disabled'
      return ok({
        record: touched(found.value, by, clock(), { enabled }),
        because: [{ name, accountId: null, origin, data: { provider: id, by } }],
      })
    })
  }

  return {
    /** Makes the draft live. It must have been tried by its author, unless `force` is set. */
    goLive: (by: string | null, id: string, how: Omit<Publication, 'enable'>, origin: Origin) =>
      publish(by, id, how, origin),

    /** Lets users sign in with it. A provider that was never live becomes live with its draft. */
    async enable(by: string | null, id: string, { force = false }: { force?: boolean }, origin: Origin) {
      const found = await directory.stored(id)
      if (!found.ok) return found
      if (!found.value.live) return publish(by, id, { force, enable: true }, origin)
      return setEnabled(by, id, true, origin)
    },
    /** Ends sign-ins with it. Identities and grants stay. */
    disable: (by: string | null, id: string, origin: Origin) => setEnabled(by, id, false, origin),
  }
}

/** What makes the draft live, and the provider enabled with `enable`; `null` if there is nothing to do. */
function publication(
  { draft, live: before, ...record }: StoredProvider,
  { by, at, origin, forced, enable }: { by: string | null; at: Date; origin: Origin; forced: boolean; enable: boolean },
): ProviderWrite | null {
  const isEnabling = enable && !record.enabled
  if (!draft && !isEnabling) return null
  const live: ProviderVersion[] = draft ? [{ ...draft, state: 'live', liveAt: at }] : []
  const former: ProviderVersion[] = draft && before ? [{ ...before, state: 'former' }] : []
  const about = { accountId: null, origin }
  return {
    record: touched(record, by, at, isEnabling ? { enabled: true } : {}),
    versions: [...former, ...live],
    because: [
      ...live.map(
        ({ version }): Fact => ({
          ...about,
          name: 'provider.went_live',
          data: { provider: record.id, version, forced, by },
        }),
      ),
      ...(isEnabling ? [{ ...about, name: 'provider.enabled', data: { provider: record.id, by } } as const] : []),
    ],
  }
}
