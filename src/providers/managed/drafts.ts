/**
 * Adds providers and changes their settings. The result is a draft, which takes the place of the one before: nothing
 * changes for users until it goes live.
 */
import { type AppError, fail } from '../../errors/catalogue.ts'
import type { Fact, Origin } from '../../events/catalogue.ts'
import type { Clock } from '../../kernel/clock.ts'
import { ok, type Result } from '../../kernel/result.ts'
import {
  type InvalidProvider,
  mostProviders,
  type NewProvider,
  type ProviderChange,
  type SettingsVersion,
  type UnknownProvider,
} from '../managed.ts'
import type { ProviderRecord, ProviderStore, ProviderVersion, ProviderWrite, StoredProvider } from '../ports.ts'
import type { SettingsChecks } from './checks.ts'
import { type Comparison, changesBetween, compareWith, otherChanges, withChanges } from './comparison.ts'
import type { ProviderDirectory } from './directory.ts'
import { touched } from './records.ts'
import { type SettingsVersions, secretNames } from './versions.ts'

type DraftsParts = {
  store: ProviderStore
  directory: ProviderDirectory
  versions: SettingsVersions
  checks: SettingsChecks
  clock: Clock
}

export function createDrafts({ store, directory, versions, checks, clock }: DraftsParts) {
  /** Puts a new draft in the place of the one before. */
  const withDraft = (
    { draft, ...record }: StoredProvider,
    fresh: ProviderVersion,
    by: string | null,
    more: Partial<ProviderRecord>,
    because: readonly Fact[],
  ): ProviderWrite => ({
    record: touched(record, by, clock(), { ...more, version: fresh.version }),
    versions: [fresh],
    deleted: draft ? [draft.id] : [],
    because,
  })

  return {
    /** Adds a provider: a draft, which is disabled. */
    create(by: string | null, given: NewProvider, origin: Origin) {
      const { id, kind, secretExpiresAt = null } = given
      return directory.change<InvalidProvider | AppError<'provider_exists' | 'too_many_providers'>>(id, (all) => {
        if (directory.isFixed(id) || all.some((one) => one.id === id)) return fail('provider_exists')
        if (all.length >= mostProviders) return fail('too_many_providers')
        const checked = checks.check(given, all)
        if (!checked.ok) return checked
        const at = clock()
        const draft = versions.draft(given, { version: 1, by, secretExpiresAt })
        const position = given.position ?? Math.max(-1, ...all.map((one) => one.position)) + 1
        return ok({
          record: {
            id,
            kind,
            enabled: false,
            position,
            revision: 1,
            version: 1,
            createdBy: by,
            createdAt: at,
            updatedBy: by,
            updatedAt: at,
            deletedAt: null,
          },
          versions: [draft],
          because: [
            {
              name: 'provider.created',
              accountId: null,
              origin,
              data: { provider: id, kind, changes: changesBetween({}, given.settings, kind), by },
            },
          ],
        })
      })
    },

    /**
     * Changes settings: the result is a draft. Its place in the list and the expiry of its secret change at once. A
     * secret that is stored is sent to no other endpoint: anyone who changes an endpoint must know the secret.
     */
    change(by: string | null, id: string, given: ProviderChange, origin: Origin) {
      type Unchangeable = UnknownProvider | AppError<'provider_changed' | 'provider_secret_required'>
      return directory.change<InvalidProvider | Unchangeable>(id, (all) => {
        const found = directory.findIn(all, id)
        if (!found.ok) return found
        const current = found.value
        if (given.revision !== undefined && given.revision !== current.revision) return fail('provider_changed')
        const base = current.draft ?? current.live
        if (!base) return fail('provider_not_found', { provider: id })
        const before = versions.baseOf(current, base)
        const settings = withChanges(before.settings, given.settings ?? {})
        const position = given.position ?? current.position
        const secretExpiresAt = given.secretExpiresAt === undefined ? base.secretExpiresAt : given.secretExpiresAt
        const changes = changesBetween(before.settings, settings, current.kind, given.settings)
        const other = otherChanges(
          { position: current.position, secretExpiresAt: base.secretExpiresAt },
          { position, secretExpiresAt },
        )
        if (changes.length + other.length === 0) return ok(null)
        const updated = (version: number): Fact => ({
          name: 'provider.updated',
          accountId: null,
          origin,
          data: { provider: id, version, changes: [...changes, ...other], by },
        })
        if (changes.length === 0)
          return ok({
            record: touched(current, by, clock(), { position }),
            versions: [{ ...base, secretExpiresAt, noticedDays: null }],
            because: [updated(base.version)],
          })

        const data = { ...before, settings }
        const checked = checks.check(data, all)
        if (!checked.ok) return checked
        const kept = secretNames(current.kind).filter(
          (name) =>
            before.settings[name] !== undefined &&
            settings[name] !== undefined &&
            typeof given.settings?.[name] !== 'string',
        )
        if (kept.length > 0 && checks.hasMoved(before, checked.value)) return fail('provider_secret_required')
        const fresh = versions.draft(data, { version: current.version + 1, by, secretExpiresAt })
        return ok(withDraft(current, fresh, by, { position }, [updated(fresh.version)]))
      })
    },

    /** What it would take to make a provider as declared, without doing it. */
    async compare(
      given: NewProvider,
    ): Promise<Result<Comparison, InvalidProvider | AppError<'provider_not_editable' | 'provider_secret_required'>>> {
      if (directory.isFixed(given.id)) return fail('provider_not_editable')
      return compareWith(given, await store.list(), versions, checks)
    },

    /** The versions of a provider, newest first. */
    async versions(id: string): Promise<Result<readonly SettingsVersion[], UnknownProvider>> {
      const found = await directory.stored(id)
      if (!found.ok) return found
      return ok((await store.versions(id)).map((version) => versions.describe(found.value.kind, version)))
    },

    /** Makes an earlier version, with its secret, the draft. */
    async restore(by: string | null, id: string, version: number, origin: Origin) {
      const earlier = (await store.versions(id)).find((one) => one.version === version)
      type Unusable = AppError<'provider_version_not_found' | 'provider_secret_required'>
      return directory.change<UnknownProvider | InvalidProvider | Unusable>(id, (all) => {
        const found = directory.findIn(all, id)
        if (!found.ok) return found
        if (!earlier) return fail('provider_version_not_found')
        const current = found.value
        const data = versions.baseOf(current, earlier)
        if (versions.isUnreadable(earlier)) return fail('provider_secret_required')
        const checked = checks.check(data, all)
        if (!checked.ok) return checked
        const base = current.draft ?? current.live
        const before = base ? versions.baseOf(current, base).settings : {}
        const changes = changesBetween(before, data.settings, current.kind)
        const fresh = versions.draft(data, {
          version: current.version + 1,
          by,
          secretExpiresAt: earlier.secretExpiresAt,
        })
        const restored: Fact = {
          name: 'provider.updated',
          accountId: null,
          origin,
          data: { provider: id, version: fresh.version, restored: version, changes, by },
        }
        return ok(withDraft(current, fresh, by, {}, [restored]))
      })
    },
  }
}
