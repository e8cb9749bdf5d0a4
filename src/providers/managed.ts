/**
 * The providers that administrators manage at run time: their settings in the store, sealed secrets, drafts and
 * versions, and the set of live providers on this node.
 */
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import { type Fact, internalOrigin, type Origin } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import type { Sealer } from '../kernel/crypto.ts'
import type { Ids } from '../kernel/ids.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { Failure } from './calls/failure.ts'
import type { Examination } from './examine.ts'
import { createSettingsChecks } from './managed/checks.ts'
import { type Comparison, changesBetween, compareWith, otherChanges, withChanges } from './managed/comparison.ts'
import { createProviderDirectory } from './managed/directory.ts'
import { createLiveSettings } from './managed/loading.ts'
import { findPresent, present, recordOf, touched } from './managed/records.ts'
import { createSettingsVersions, secretNames } from './managed/versions.ts'
import type { ProviderRecord, ProviderStore, ProviderVersion, ProviderWrite, StoredProvider } from './ports.ts'
import type { Claims, Provider, ProviderSettings } from './provider.ts'
import type { Providers } from './providers.ts'
import type { DataContext, DataFault, ProviderData } from './settings.ts'

/** The list of providers contains all of them, on every page that offers them. */
export const mostProviders = 100

/** One version of a provider's settings, without the values of its secrets. */
export type SettingsVersion = Pick<
  ProviderVersion,
  'version' | 'state' | 'settings' | 'author' | 'createdAt' | 'liveAt' | 'triedAt' | 'secretExpiresAt'
> & {
  /** The names of the secret settings that have a value. */
  readonly secrets: readonly string[]
}

/** A provider as administrators see it. */
export type ManagedProvider = {
  readonly id: string
  readonly kind: string
  readonly name: string
  /** Providers from the environment cannot be edited. */
  readonly source: 'environment' | 'database'
  readonly enabled: boolean
  /** `null` for a provider from the environment. */
  readonly record: Pick<
    ProviderRecord,
    'position' | 'revision' | 'version' | 'createdAt' | 'createdBy' | 'updatedAt' | 'updatedBy'
  > | null
  readonly live: SettingsVersion | null
  readonly draft: SettingsVersion | null
  /** Whether users can sign in with it on this node; with its redirect URIs and its state. */
  readonly inUse: Provider | null
  readonly redirectUris: Readonly<Record<string, string>>
}

/** Invalid input, with all errors by field. */
export type InvalidProvider = AppError<'invalid_request'> & { readonly faults: readonly DataFault[] }

export type ManageCode =
  | 'provider_not_found'
  | 'provider_not_editable'
  | 'provider_exists'
  | 'provider_changed'
  | 'provider_secret_required'
  | 'provider_not_tried'
  | 'provider_discovery_failed'
  | 'provider_version_not_found'
  | 'provider_trial_not_found'
  | 'too_many_providers'
type Refusal<C extends ManageCode> = AppError<C>
/** No provider has this ID, or it is from the environment. */
export type UnknownProvider = Refusal<'provider_not_found' | 'provider_not_editable'>

/** What a change contains; a setting that is `null` is removed. */
export type ProviderChange = {
  readonly settings?: Readonly<Record<string, string | null>> | undefined
  readonly position?: number | undefined
  readonly secretExpiresAt?: Date | null | undefined
  /** The revision that the change is based on; absent to change any. */
  readonly revision?: number | undefined
}
export type NewProvider = ProviderData & Pick<ProviderChange, 'position' | 'secretExpiresAt'>

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

/** What happened when an administrator signed in with a draft. It contains personal data. */
export type Trial = {
  readonly version: number
  readonly by: string
  readonly at: string
} & (
  | { readonly outcome: 'failed'; readonly code: string }
  | {
      readonly outcome: 'signed_in'
      readonly issuer: string
      readonly claims: Claims
      readonly scopes: readonly string[]
      readonly missingScopes: readonly string[]
      /** Whether the email address counts as proven by this provider. */
      readonly isTrusted: boolean
      /** Why this person may not sign in, although the provider works; `null` if they may. */
      readonly restriction: string | null
      /** What a sign-in of this person would do. */
      readonly decision: TrialDecision
    }
)
export type TrialDecision = {
  readonly action: 'login_existing' | 'linked_existing' | 'created_new_user' | 'account_conflict' | 'refused'
  readonly accountId: string | null
  readonly code: string | null
}
/** How long the result of a trial can be read, in seconds. */
const trialSeconds = 3600

/** A person who changes a provider: an account, or `null` for a command on the machine itself. */
type By = string | null

export function createManagedProviders(parts: ManagedProvidersParts) {
  const { store, providers, fixed, sealer, general, events, clock, ids } = parts
  const versions = createSettingsVersions({ sealer, clock, ids })
  const fixedIds: ReadonlySet<string> = new Set(fixed.map(({ id }) => id))
  const checks = createSettingsChecks(fixed, general)
  const live = createLiveSettings({ store, providers, fixedIds, versions, general, events })
  const { publicUrl } = general
  const directory = createProviderDirectory({ store, providers, fixed, versions, checks, live, publicUrl })
  const { isFixed, inBoth, list, find, findIn, stored, change } = directory
  const { load, reload, open, openVersion } = live

  /** Puts a new draft in the place of the one before. */
  const withDraft = (
    { draft, ...record }: StoredProvider,
    fresh: ProviderVersion,
    by: By,
    more: Partial<ProviderRecord>,
    because: readonly Fact[],
  ): ProviderWrite => ({
    record: touched(record, by, clock(), { ...more, version: fresh.version }),
    versions: [fresh],
    deleted: draft ? [draft.id] : [],
    because,
  })

  /** Whether the endpoints of a version are known. They must be before it can be live. */
  async function discover(record: ProviderRecord, version: ProviderVersion): Promise<Failure | null> {
    const provider = open(record, version)
    if (!provider) return { kind: 'garbage', reason: 'invalid_settings' }
    const found = await providers.discover(provider)
    return found.ok ? null : found.error
  }

  async function goLive(
    by: By,
    id: string,
    { revision, force = false, enable = false }: { revision?: number | undefined; force?: boolean; enable?: boolean },
    origin: Origin,
  ): Promise<
    Result<
      ManagedProvider,
      | UnknownProvider
      | InvalidProvider
      | Refusal<'provider_changed' | 'provider_not_tried' | 'provider_discovery_failed'>
    >
  > {
    const found = await stored(id)
    if (!found.ok) return found
    const { draft } = found.value
    if (draft) {
      if (!force && draft.triedAt === null) return fail('provider_not_tried')
      const failure = await discover(found.value, draft)
      if (failure) return fail('provider_discovery_failed', undefined, { cause: failure })
    }
    return change<UnknownProvider | InvalidProvider | Refusal<'provider_changed'>>(id, (all) => {
      const current = findIn(all, id)
      if (!current.ok) return current
      const now = current.value
      if (revision !== undefined && revision !== now.revision) return fail('provider_changed')
      // Another administrator replaced the draft that was checked.
      if (now.draft?.id !== draft?.id) return fail('provider_changed')
      // The environment, or another provider, may have this issuer since the draft was made.
      const known = now.draft && checks.withoutSecrets(now, now.draft)
      const shared = known && checks.sharedWith(id, known, all)
      if (shared) return shared
      const isEnabling = enable && !now.enabled
      if (!now.draft && !isEnabling) return ok(null)
      const at = clock()
      const live: ProviderVersion[] = now.draft ? [{ ...now.draft, state: 'live', liveAt: at }] : []
      const former: ProviderVersion[] = now.draft && now.live ? [{ ...now.live, state: 'former' }] : []
      const about = { accountId: null, origin }
      return ok({
        record: touched(now, by, clock(), isEnabling ? { enabled: true } : {}),
        versions: [...former, ...live],
        because: [
          ...live.map(
            ({ version }): Fact => ({
              ...about,
              name: 'provider.went_live',
              data: { provider: id, version, forced: force && draft?.triedAt === null, by },
            }),
          ),
          ...(isEnabling ? [{ ...about, name: 'provider.enabled', data: { provider: id, by } } as const] : []),
        ],
      })
    })
  }

  return {
    load,
    openVersion,
    inBoth,
    list,
    find,

    /** Adds a provider: a draft, which is disabled. */
    create(by: By, given: NewProvider, origin: Origin) {
      const { id, kind, secretExpiresAt = null } = given
      return change<InvalidProvider | Refusal<'provider_exists' | 'too_many_providers'>>(id, (all) => {
        if (isFixed(id) || all.some((one) => one.id === id)) return fail('provider_exists')
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
    change(by: By, id: string, given: ProviderChange, origin: Origin) {
      return change<UnknownProvider | InvalidProvider | Refusal<'provider_changed' | 'provider_secret_required'>>(
        id,
        (all) => {
          const found = findIn(all, id)
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
        },
      )
    },

    /** What it would take to make a provider as declared, without doing it. */
    async compare(
      given: NewProvider,
    ): Promise<Result<Comparison, InvalidProvider | Refusal<'provider_not_editable' | 'provider_secret_required'>>> {
      if (isFixed(given.id)) return fail('provider_not_editable')
      return compareWith(given, await store.list(), versions, checks)
    },

    /** Makes the draft live. It must have been tried by its author, unless `force` is set. */
    goLive: (by: By, id: string, how: { revision?: number | undefined; force?: boolean }, origin: Origin) =>
      goLive(by, id, how, origin),

    /** Lets users sign in with it. A provider that was never live becomes live with its draft. */
    async enable(by: By, id: string, { force = false }: { force?: boolean }, origin: Origin) {
      const found = await stored(id)
      if (!found.ok) return found
      if (!found.value.live) return goLive(by, id, { force, enable: true }, origin)
      return setEnabled(by, id, true, origin)
    },
    /** Ends sign-ins with it. Identities and grants stay. */
    disable: (by: By, id: string, origin: Origin) => setEnabled(by, id, false, origin),

    /** The versions of a provider, newest first. */
    async versions(id: string): Promise<Result<readonly SettingsVersion[], UnknownProvider>> {
      const found = await stored(id)
      if (!found.ok) return found
      return ok((await store.versions(id)).map((version) => versions.describe(found.value.kind, version)))
    },

    /** Makes an earlier version, with its secret, the draft. */
    async restore(by: By, id: string, version: number, origin: Origin) {
      const earlier = (await store.versions(id)).find((one) => one.version === version)
      type Unusable = Refusal<'provider_version_not_found' | 'provider_secret_required'>
      return change<UnknownProvider | InvalidProvider | Unusable>(id, (all) => {
        const found = findIn(all, id)
        if (!found.ok) return found
        if (!earlier) return fail('provider_version_not_found')
        const current = found.value
        const data = versions.baseOf(current, earlier)
        if (versions.isUnreadable(earlier)) return fail('provider_secret_required')
        const checked = checks.check(data, all)
        if (!checked.ok) return checked
        const base = current.draft ?? current.live
        const changes = changesBetween(base ? versions.baseOf(current, base).settings : {}, data.settings, current.kind)
        const fresh = versions.draft(data, {
          version: current.version + 1,
          by,
          secretExpiresAt: earlier.secretExpiresAt,
        })
        return ok(
          withDraft(current, fresh, by, {}, [
            {
              name: 'provider.updated',
              accountId: null,
              origin,
              data: { provider: id, version: fresh.version, restored: version, changes, by },
            },
          ]),
        )
      })
    },

    /** Tests discovery and client authentication with the draft, or with the live settings if there is none. */
    async check(id: string): Promise<Result<Examination, AppError<'provider_not_found'>>> {
      const fixedOne = isFixed(id) ? providers.get(id) : undefined
      if (fixedOne) return ok(await providers.examine(fixedOne))
      const found = await stored(id)
      const version = found.ok ? (found.value.draft ?? found.value.live) : null
      const provider = found.ok && version ? open(found.value, version) : undefined
      return provider
        ? ok(await providers.examine(provider))
        : fail('provider_not_found', { provider: id.slice(0, 40) })
    },

    /** The provider as its draft describes it, to try it. */
    async openDraft(
      id: string,
    ): Promise<
      Result<{ provider: Provider; version: number }, UnknownProvider | Refusal<'provider_version_not_found'>>
    > {
      const found = await stored(id)
      if (!found.ok) return found
      const { draft } = found.value
      const provider = draft ? open(found.value, draft) : undefined
      return draft && provider ? ok({ provider, version: draft.version }) : fail('provider_version_not_found')
    },

    /**
     * Stores the result of a trial for the person who made it. A draft whose author signed in with it can become live.
     * Returns `false` if the draft was replaced in the meantime.
     */
    async saveTrial(
      id: string,
      versionId: string,
      trial:
        | Omit<Extract<Trial, { outcome: 'failed' }>, 'version'>
        | Omit<Extract<Trial, { outcome: 'signed_in' }>, 'version'>,
      origin: Origin,
    ): Promise<boolean> {
      const saved = await change<'replaced'>(id, (all) => {
        const current = findPresent(all, id)
        const draft = current?.draft
        if (!current || draft?.id !== versionId) return err('replaced')
        const at = clock()
        const { by } = trial
        const isPassed = trial.outcome === 'signed_in' && trial.restriction === null
        const isTried = isPassed && (draft.author === null || draft.author === by)
        return ok({
          record: { ...recordOf(current), revision: current.revision + 1 },
          versions: [
            {
              ...draft,
              triedAt: isTried ? at : draft.triedAt,
              trial: versions.sealTrial(versionId, { ...trial, version: draft.version }),
              trialExpiresAt: secondsAfter(at, trialSeconds),
            },
          ],
          because: isPassed
            ? [{ name: 'provider.tried', accountId: by, origin, data: { provider: id, version: draft.version, by } }]
            : [],
        })
      })
      return saved.ok
    },

    /** The result of this person's last trial of the draft. */
    async trial(by: string, id: string): Promise<Result<Trial, UnknownProvider | Refusal<'provider_trial_not_found'>>> {
      const found = await stored(id)
      if (!found.ok) return found
      const { draft } = found.value
      const isOpen = draft?.trialExpiresAt && draft.trialExpiresAt > clock()
      if (!draft?.trial || !isOpen) return fail('provider_trial_not_found')
      const trial = versions.openTrial(draft.id, draft.trial)
      return trial?.by === by ? ok(trial) : fail('provider_trial_not_found')
    },

    /**
     * Deletes a provider. Identities stay, and work again when a provider with this issuer returns. With `withdraw`, the
     * grants of its users are revoked there first; until that is done, the ID cannot be used again.
     */
    async remove(
      by: By,
      id: string,
      { withdraw = false }: { withdraw?: boolean },
      origin: Origin,
    ): Promise<Result<null, UnknownProvider>> {
      const removed = await store.change<UnknownProvider>(id, (all) => {
        const found = findIn(all, id)
        if (!found.ok) return found
        const isWithdrawing = withdraw && found.value.live !== null
        return ok({
          record: isWithdrawing ? touched(found.value, by, clock(), { enabled: false, deletedAt: clock() }) : null,
          because: [
            { name: 'provider.deleted', accountId: null, origin, data: { provider: id, withdrawn: isWithdrawing, by } },
          ],
        })
      })
      if (removed.ok) await reload()
      return removed
    },
    /**
     * Notifies these accounts of client secrets that expire within so many days, once for each number. Of several that
     * have passed, only the last one is reported.
     */
    async noticeExpiry(days: readonly number[], to: readonly string[]): Promise<void> {
      for (const { id } of present(await store.list()))
        await store.change<null>(id, (all) => {
          const current = findPresent(all, id)
          const live = current?.live
          if (!current || !live?.secretExpiresAt) return err(null)
          const left = (live.secretExpiresAt.getTime() - clock().getTime()) / 86_400_000
          const due = days.filter((one) => left <= one).sort((a, b) => a - b)[0]
          if (due === undefined || (live.noticedDays !== null && live.noticedDays <= due)) return err(null)
          return ok({
            record: recordOf(current),
            versions: [{ ...live, noticedDays: due }],
            because: to.map(
              (accountId): Fact => ({
                name: 'provider.secret_expiring',
                accountId,
                origin: internalOrigin,
                data: { provider: id, days: Math.max(0, Math.ceil(left)) },
              }),
            ),
          })
        })
    },
    /** The providers that are being deleted: their last grants are being revoked. */
    async deleting(): Promise<readonly { readonly id: string; readonly since: Date }[]> {
      return (await store.list()).flatMap(({ id, deletedAt }) => (deletedAt ? [{ id, since: deletedAt }] : []))
    },
    /** Ends the deletion of a provider. */
    async finishDeletion(id: string): Promise<void> {
      await store.change(id, (all) =>
        all.some((one) => one.id === id && one.deletedAt) ? ok({ record: null, because: [] }) : err('gone'),
      )
      await reload()
    },
  }

  async function setEnabled(
    by: By,
    id: string,
    enabled: boolean,
    origin: Origin,
  ): Promise<Result<ManagedProvider, UnknownProvider>> {
    return change<UnknownProvider>(id, (all) => {
      const found = findIn(all, id)
      if (!found.ok) return found
      if (found.value.enabled === enabled) return ok(null)
      const name = enabled ? 'provider.enabled' : 'provider.disabled'
      return ok({
        record: touched(found.value, by, clock(), { enabled }),
        because: [{ name, accountId: null, origin, data: { provider: id, by } }],
      })
    })
  }
}
export type ManagedProviders = ReturnType<typeof createManagedProviders>
