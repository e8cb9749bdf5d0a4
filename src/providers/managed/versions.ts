/**
 * The stored versions of a provider's settings. The secret ones of a version are sealed together, and so is the result
 * of its trial.
 */
import type { Clock } from '../../kernel/clock.ts'
import { type Sealer, UnopenableError } from '../../kernel/crypto.ts'
import type { Ids } from '../../kernel/ids.ts'
import type { SettingsVersion, Trial } from '../managed.ts'
import type { ProviderRecord, ProviderVersion } from '../ports.ts'
import { isKind, type ProviderData, secretSettingsOf } from '../settings.ts'

export type SettingsVersions = ReturnType<typeof createSettingsVersions>

export function createSettingsVersions({ sealer, clock, ids }: { sealer: Sealer; clock: Clock; ids: Ids }) {
  const place = (versionId: string): string => `provider_versions/${versionId}/secret`
  const trialPlace = (versionId: string): string => `provider_versions/${versionId}/trial`

  const secretsOf = ({ id, secret }: ProviderVersion): Record<string, string> =>
    secret === null ? {} : (JSON.parse(sealer.open(secret, place(id))) as Record<string, string>)

  /** The secrets of a version. A secret that no key opens is shown as none: the page must still open. */
  const readableSecrets = (version: ProviderVersion): Record<string, string> => opened(() => secretsOf(version)) ?? {}

  return {
    /** The complete settings of a version. Throws `UnopenableError` if no key opens its secrets. */
    read: ({ id, kind }: ProviderRecord, version: ProviderVersion): ProviderData => ({
      id,
      kind,
      settings: { ...version.settings, ...secretsOf(version) },
    }),

    /** The same as the base of a change. A secret that no key opens is none: sending it again repairs the provider. */
    baseOf: ({ id, kind }: ProviderRecord, version: ProviderVersion): ProviderData => ({
      id,
      kind,
      settings: { ...version.settings, ...readableSecrets(version) },
    }),

    /** Whether a version has secrets that no key opens. */
    isUnreadable: (version: ProviderVersion): boolean =>
      version.secret !== null && Object.keys(readableSecrets(version)).length === 0,

    describe: (kind: string, version: ProviderVersion): SettingsVersion => ({
      version: version.version,
      state: version.state,
      settings: version.settings,
      secrets: isKind(kind) && version.secret !== null ? Object.keys(readableSecrets(version)) : [],
      author: version.author,
      createdAt: version.createdAt,
      liveAt: version.liveAt,
      triedAt: version.triedAt,
      secretExpiresAt: version.secretExpiresAt,
    }),

    /** A draft with these settings: those that are secret are sealed together. */
    draft(
      { id, kind, settings }: ProviderData,
      { version, by, secretExpiresAt }: { version: number; by: string | null; secretExpiresAt: Date | null },
    ): ProviderVersion {
      const secret = new Set(secretNames(kind))
      const entries = Object.entries(settings)
      const secrets = entries.filter(([name]) => secret.has(name))
      const versionId = ids('pvr')
      return {
        id: versionId,
        provider: id,
        version,
        state: 'draft',
        settings: Object.fromEntries(entries.filter(([name]) => !secret.has(name))),
        secret:
          secrets.length === 0 ? null : sealer.seal(JSON.stringify(Object.fromEntries(secrets)), place(versionId)),
        secretExpiresAt,
        noticedDays: null,
        author: by,
        createdAt: clock(),
        liveAt: null,
        triedAt: null,
        trial: null,
        trialExpiresAt: null,
      }
    },

    sealTrial: (versionId: string, trial: Trial): string => sealer.seal(JSON.stringify(trial), trialPlace(versionId)),
    /** `undefined` if no key opens it. */
    openTrial: (versionId: string, sealed: string): Trial | undefined =>
      opened(() => JSON.parse(sealer.open(sealed, trialPlace(versionId))) as Trial),
  }
}

/** The names of the secret settings of a kind; none of a kind that does not exist. */
export const secretNames = (kind: string): readonly string[] => (isKind(kind) ? secretSettingsOf(kind) : [])

/** `undefined` if no key opens what is sealed. */
function opened<T>(open: () => T): T | undefined {
  try {
    return open()
  } catch (error) {
    if (error instanceof UnopenableError) return undefined
    throw error
  }
}
