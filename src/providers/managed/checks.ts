/**
 * Checks settings before they are stored or become live: by themselves, against all other providers, and that a stored
 * secret is sent to no other endpoint.
 */
import { fail } from '../../errors/catalogue.ts'
import { type Err, err, type Result } from '../../kernel/result.ts'
import { definitions } from '../definitions/index.ts'
import type { InvalidProvider } from '../managed.ts'
import type { ProviderRecord, ProviderVersion, StoredProvider } from '../ports.ts'
import type { Definition, ProviderSettings } from '../provider.ts'
import { type DataContext, type DataFault, type ProviderData, readProviderData, sharedIssuers } from '../settings.ts'
import { present } from './records.ts'
import { secretNames } from './versions.ts'

export type SettingsChecks = ReturnType<typeof createSettingsChecks>

/** `fixed`: the providers from the environment. */
export function createSettingsChecks(fixed: readonly ProviderSettings[], general: DataContext) {
  /** With a placeholder for each secret: neither the checks between providers nor redirect URIs need them. */
  function withoutSecrets(
    { id, kind }: ProviderRecord,
    { settings, secret }: ProviderVersion,
  ): Omit<ProviderSettings, 'clientSecret'> | undefined {
    // With PKCE=without_secret there is none, and a placeholder would be a fault.
    const secrets =
      secret === null ? {} : Object.fromEntries(secretNames(kind).map((name) => [name, 'x'.repeat(40)] as const))
    const read = readProviderData({ id, kind, settings: { ...secrets, ...settings } }, general)
    return read.ok ? read.value : undefined
  }

  /** One issuer, one provider: compared with the live settings and the draft of each other one, which may go live. */
  function sharedWith(
    id: string,
    own: Pick<ProviderSettings, 'issuer' | 'tenants'>,
    all: readonly StoredProvider[],
  ): Err<InvalidProvider> | undefined {
    const others = present(all).flatMap((one) =>
      one.id === id ? [] : [one.live, one.draft].flatMap((version) => (version && withoutSecrets(one, version)) ?? []),
    )
    const [shared] = [...fixed, ...others].flatMap((other) => sharedIssuers([other, own]))
    return shared === undefined
      ? undefined
      : invalid([{ field: 'settings.ISSUER', message: `must be unique: ${shared}` }])
  }

  return {
    withoutSecrets,
    sharedWith,

    /** Checks settings by themselves, and against all other providers. */
    check(data: ProviderData, all: readonly StoredProvider[]): Result<ProviderSettings, InvalidProvider> {
      const read = readProviderData(data, general)
      if (!read.ok) return invalid(read.error)
      return sharedWith(data.id, read.value, all) ?? read
    },

    /** Whether settings that were stored would now be sent elsewhere. Stored settings that are invalid say nothing. */
    hasMoved(before: ProviderData | undefined, after: ProviderSettings): boolean {
      const previous = before && readProviderData(before, general)
      return !previous?.ok || addressesOf(previous.value) !== addressesOf(after)
    },
  }
}

export const invalid = (faults: readonly DataFault[]): Err<InvalidProvider> => {
  const { error } = fail('invalid_request')
  return err({ ...error, faults })
}

/** Everything that decides where secrets, codes and tokens are sent. */
function addressesOf(settings: ProviderSettings): string {
  const definition: Definition = definitions[settings.kind]
  return JSON.stringify([
    settings.issuer,
    settings.discoveryUrl,
    Object.entries(settings.urls).sort(),
    definition.endpoints(settings),
    definition.jiraUrls?.(settings),
  ])
}
