/**
 * The providers that administrators manage at run time: their settings in the store, sealed secrets, drafts and
 * versions, and the set of live providers on this node.
 */
import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import { type Fact, internalOrigin, type Origin } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { type Sealer, UnopenableError } from '../kernel/crypto.ts'
import type { Ids } from '../kernel/ids.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import { createShared } from '../kernel/shared.ts'
import type { Failure } from './calls/failure.ts'
import { definitions } from './definitions/index.ts'
import type { Examination } from './examine.ts'
import { createSettingsChecks } from './managed/checks.ts'
import { type Comparison, changesBetween, compareWith, otherChanges, withChanges } from './managed/comparison.ts'
import { findPresent, present, recordOf, touched } from './managed/records.ts'
import { createSettingsVersions, secretNames } from './managed/versions.ts'
import type { ProviderRecord, ProviderStore, ProviderVersion, ProviderWrite, StoredProvider } from './ports.ts'
import type { Claims, Definition, Provider, ProviderSettings } from './provider.ts'
import type { ManagedSettings, Providers } from './providers.ts'
import { type DataContext, type DataFault, isKind, type ProviderData, readProviderData } from './settings.ts'

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
type Unknown = Refusal<'provider_not_found' | 'provider_not_editable'>

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

  function managed(stored: StoredProvider): ManagedProvider {
    const { id, kind, enabled, live, draft } = stored
    const { position, revision, version, createdAt, createdBy, updatedAt, updatedBy } = stored
    const newest = draft ?? live
    const inUse = (!fixedIds.has(id) && providers.get(id)) || null
    const read = newest && checks.withoutSecrets(stored, newest)
    return {
      id,
      kind,
      name: inUse?.name ?? newest?.settings.NAME ?? nameOf(kind, id),
      source: 'database',
      enabled,
      record: { position, revision, version, createdAt, createdBy, updatedAt, updatedBy },
      live: live && versions.describe(kind, live),
      draft: draft && versions.describe(kind, draft),
      inUse,
      redirectUris: read?.redirectUris ??
        inUse?.redirectUris ?? { default: `${general.publicUrl.origin}/auth/${id}/callback` },
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

  const findIn = (all: readonly StoredProvider[], id: string): Result<StoredProvider, Unknown> => {
    if (fixedIds.has(id)) return fail('provider_not_editable')
    const found = findPresent(all, id)
    return found ? ok(found) : fail('provider_not_found', { provider: id.slice(0, 40) })
  }
  const stored = async (id: string): Promise<Result<StoredProvider, Unknown>> => findIn(await store.list(), id)
  const find = async (id: string): Promise<Result<ManagedProvider, AppError<'provider_not_found'>>> => {
    const own = fixed.find((one) => one.id === id)
    if (own) return ok(fromEnvironment(own))
    const found = findPresent(await store.list(), id)
    return found ? ok(managed(found)) : fail('provider_not_found', { provider: id.slice(0, 40) })
  }

  /** A load that is running may have read the state before this node's change. */
  async function reload(): Promise<void> {
    await load()
    await load()
  }

  /** Makes a change in one transaction, and live on this node. */
  async function change<E>(
    id: string,
    decide: (all: readonly StoredProvider[]) => Result<ProviderWrite | null, E>,
  ): Promise<Result<ManagedProvider, E | AppError<'provider_not_found'>>> {
    const changed = await store.change<E | null>(id, (all) => {
      const decided = decide(all)
      return decided.ok ? (decided.value === null ? err(null) : ok(decided.value)) : decided
    })
    if (!changed.ok && changed.error !== null) return err(changed.error)
    if (changed.ok) await reload()
    return find(id)
  }

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

  /** The provider as a version of its settings describes it, for a trial or a check. */
  const open = (record: ProviderRecord, version: ProviderVersion): Provider | undefined => {
    const known = providers.version(version.id)
    if (known) return known
    const settings = settingsFor(record, version)
    return settings && providers.another(settings)
  }

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
      Unknown | InvalidProvider | Refusal<'provider_changed' | 'provider_not_tried' | 'provider_discovery_failed'>
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
    return change<Unknown | InvalidProvider | Refusal<'provider_changed'>>(id, (all) => {
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
    /** Loads the providers if any node changed one. Every node calls this each second. */
    load,
    /** The IDs that are both in the environment and in the store. */
    async inBoth(): Promise<readonly string[]> {
      return (await store.list()).map(({ id }) => id).filter((id) => fixedIds.has(id))
    },

    async list(): Promise<readonly ManagedProvider[]> {
      return [...fixed.map(fromEnvironment), ...present(await store.list()).map(managed)]
    },
    find,

    /** Adds a provider: a draft, which is disabled. */
    create(by: By, given: NewProvider, origin: Origin) {
      const { id, kind, secretExpiresAt = null } = given
      return change<InvalidProvider | Refusal<'provider_exists' | 'too_many_providers'>>(id, (all) => {
        if (fixedIds.has(id) || all.some((one) => one.id === id)) return fail('provider_exists')
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
      return change<Unknown | InvalidProvider | Refusal<'provider_changed' | 'provider_secret_required'>>(id, (all) => {
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
      })
    },

    /** What it would take to make a provider as declared, without doing it. */
    async compare(
      given: NewProvider,
    ): Promise<Result<Comparison, InvalidProvider | Refusal<'provider_not_editable' | 'provider_secret_required'>>> {
      if (fixedIds.has(given.id)) return fail('provider_not_editable')
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
    async versions(id: string): Promise<Result<readonly SettingsVersion[], Unknown>> {
      const found = await stored(id)
      if (!found.ok) return found
      return ok((await store.versions(id)).map((version) => versions.describe(found.value.kind, version)))
    },

    /** Makes an earlier version, with its secret, the draft. */
    async restore(by: By, id: string, version: number, origin: Origin) {
      const earlier = (await store.versions(id)).find((one) => one.version === version)
      type Unusable = Refusal<'provider_version_not_found' | 'provider_secret_required'>
      return change<Unknown | InvalidProvider | Unusable>(id, (all) => {
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
      const fixedOne = fixedIds.has(id) ? providers.get(id) : undefined
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
    ): Promise<Result<{ provider: Provider; version: number }, Unknown | Refusal<'provider_version_not_found'>>> {
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
    async trial(by: string, id: string): Promise<Result<Trial, Unknown | Refusal<'provider_trial_not_found'>>> {
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
    ): Promise<Result<null, Unknown>> {
      const removed = await store.change<Unknown>(id, (all) => {
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

  async function setEnabled(
    by: By,
    id: string,
    enabled: boolean,
    origin: Origin,
  ): Promise<Result<ManagedProvider, Unknown>> {
    return change<Unknown>(id, (all) => {
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

const definitionOf = (kind: string): Definition | undefined => (isKind(kind) ? definitions[kind] : undefined)
const nameOf = (kind: string, id: string): string =>
  definitionOf(kind)?.name ?? id.charAt(0).toUpperCase() + id.slice(1)
