/** The settings of each provider. Their names derive from its ID, so a new provider gets them automatically. */
import { err, ok, type Result } from '../kernel/result.ts'
import { isTenantIssuer } from '../kernel/tenant-issuer.ts'
import { textFault } from '../settings/text.ts'
import { commonSettings } from './common-settings.ts'
import { definitions, type Kind } from './definitions/index.ts'
import type { Definition, ProviderSettings, Reach } from './provider.ts'
import { longestCallMs, type SettingChanges, type SettingTable, type SettingValue } from './setting.ts'

export { longestCallMs }

/** The settings of one kind of provider, by name. */
export const settingsOf = (kind: Kind): SettingTable => {
  const all: SettingChanges = { ...commonSettings, ...definitionOf(kind).settings }
  return Object.fromEntries(Object.entries(all).flatMap(([name, setting]) => (setting ? [[name, setting]] : [])))
}

/** The settings of one kind that hold a secret. */
export const secretSettingsOf = (kind: Kind): readonly string[] =>
  Object.entries(settingsOf(kind)).flatMap(([name, { isSecret }]) => (isSecret ? [name] : []))

/** The required settings that come from the registration at the provider: the IDs and the secret. */
export const credentialSettingsOf = (kind: Kind): readonly string[] =>
  Object.entries(settingsOf(kind)).flatMap(([name, { isRequired }]) =>
    isRequired && !/(^ISSUER|_URL|_PATH)$/.test(name) ? [name] : [],
  )

/** The setting that says where a provider of this kind is. `null` for those with well-known endpoints. */
export const addressSettingOf = (kind: Kind): string | null =>
  Object.entries(settingsOf(kind)).find(([, { isAddress }]) => isAddress)?.[0] ?? null

const definitionOf = (kind: Kind): Definition => definitions[kind]
export const kinds: readonly Kind[] = Object.keys(definitions) as Kind[]
/** The kinds with one provider each, whose ID is the kind. */
export const builtInKinds = kinds.filter((kind) => definitionOf(kind).listedIn === undefined)

/** Every setting that some provider has. */
const everySetting: SettingTable = Object.assign({}, ...kinds.map(settingsOf))
export const providerSettings: readonly string[] = Object.keys(everySetting)
const namesWhere = (flag: 'isSecret' | 'isDisplayed'): readonly string[] =>
  providerSettings.filter((name) => everySetting[name]?.[flag])
/** Settings that hold a secret. Each can be read from the file named in `<P>_<SETTING>_FILE`. */
export const secretProviderSettings = namesWhere('isSecret')
/** Settings for display, which no program compares. */
export const displayProviderSettings = namesWhere('isDisplayed')

/** Variables of other programs whose names start like the settings of a provider. */
export const foreignVariables: ReadonlySet<string> = new Set(
  kinds.flatMap((kind) => definitionOf(kind).foreignVariables ?? []),
)

/**
 * Paths below /auth/ that a provider ID must not hide; and those that would make a general setting such as JWT_ISSUER,
 * BRAND_NAME or APPLICATIONS_OPEN_SCOPES one of a provider.
 */
const reserved = new Set([
  'providers',
  'conflicts',
  'token',
  'refresh',
  'revoke',
  'introspect',
  'logout',
  'logout-all',
  'register',
  'second-factor',
  'passkey',
  'email',
  'password',
  'jwt',
  'brand',
  'applications-open',
])

const isUsableId = (id: string): boolean => /^[a-z][a-z0-9-]{0,30}$/.test(id) && !reserved.has(id)

/** The general settings that affect providers. */
export type GeneralSettings = {
  readonly production: boolean
  readonly publicUrl: URL
  readonly OIDC_PROVIDERS: readonly string[]
  readonly OAUTH2_PROVIDERS: readonly string[]
  readonly OAUTH_ENABLED_PROVIDERS?: readonly string[] | undefined
  readonly OAUTH_HTTP_TIMEOUT_MS: number
}

/** Reads the enabled providers. Adds all errors to `faults`, with setting names and without values. */
export function readProviders(
  env: Record<string, string>,
  general: GeneralSettings,
  faults: string[],
): ProviderSettings[] {
  const listedIds = new Set([...general.OIDC_PROVIDERS, ...general.OAUTH2_PROVIDERS])
  const all = kinds.flatMap((kind) => {
    const { listedIn, ownsId } = definitionOf(kind)
    const ids: readonly string[] = listedIn ? general[listedIn] : listedIds.has(kind) && !ownsId ? [] : [kind]
    return ids.map((id) => ({ id, kind, isListed: listedIn !== undefined }))
  })
  const ids = all.map(({ id }) => id)
  for (const { id, isListed } of all) {
    if (isListed && !isUsableId(id))
      faults.push(
        `OIDC_PROVIDERS, OAUTH2_PROVIDERS: “${id}” cannot be a provider ID; use up to 31 lower-case letters, digits and -, and no reserved word`,
      )
  }
  if (new Set(ids).size !== ids.length) faults.push('OIDC_PROVIDERS, OAUTH2_PROVIDERS: each ID must appear only once')

  const enabled = general.OAUTH_ENABLED_PROVIDERS
  for (const id of enabled ?? [])
    if (!ids.includes(id))
      faults.push(
        `OAUTH_ENABLED_PROVIDERS: “${id}” is not a provider ID; list generic providers in OIDC_PROVIDERS or OAUTH2_PROVIDERS`,
      )
  const hasCredentials = (id: string, kind: Kind): boolean =>
    credentialSettingsOf(kind).some((name) => `${prefix(id)}${name}` in env)
  const isEnabled = ({ id, kind, isListed }: (typeof all)[number]): boolean =>
    enabled ? enabled.includes(id) : isListed || hasCredentials(id, kind)
  return all.filter(isEnabled).map(({ id, kind }) => {
    const nameOf = (setting: string): string => prefix(id) + setting
    return readProvider({ id, kind, nameOf, textOf: (setting) => env[nameOf(setting)], reach: 'any' }, general, faults)
  })
}

/**
 * Users are identified by issuer and subject. Two provider IDs with one issuer would share users but not their tokens.
 * Returns what is wrong, for the settings `ISSUER` and `TENANTS`.
 */
export function sharedIssuers(providers: readonly Pick<ProviderSettings, 'issuer' | 'tenants'>[]): readonly string[] {
  const issuers = providers.flatMap(({ issuer }) => issuer ?? [])
  return [
    ...(new Set(issuers).size !== issuers.length ? ['two providers have the same ISSUER'] : []),
    ...providers.flatMap(({ issuer: template = '', tenants }) =>
      tenants && issuers.some((issuer) => isTenantIssuer(template, tenants, issuer))
        ? ['the TENANTS of one provider include the ISSUER of another']
        : [],
    ),
  ]
}

/** A provider as data: its settings have the names of the environment without the prefix. */
export type ProviderData = {
  readonly id: string
  readonly kind: string
  readonly settings: Readonly<Record<string, string>>
}
/** What is wrong with a provider given as data. `field` is `id`, `kind` or `settings.<NAME>`. */
export type DataFault = { readonly field: string; readonly message: string }

/** What decides how a provider given as data is read: `reach` is where its calls may go. */
export type DataContext = Pick<GeneralSettings, 'production' | 'publicUrl' | 'OAUTH_HTTP_TIMEOUT_MS'> & {
  readonly reach: Reach
}

/** Whether a kind of provider exists. */
export const isKind = (kind: string): kind is Kind => (kinds as readonly string[]).includes(kind)

/** Reads a provider given as data, with the functions that check the environment. Reports all errors together. */
export function readProviderData(
  { id, kind, settings }: ProviderData,
  { reach, ...general }: DataContext,
): Result<ProviderSettings, readonly DataFault[]> {
  const found: DataFault[] = []
  if (!isUsableId(id))
    found.push({ field: 'id', message: 'must be up to 31 lower-case letters, digits and -, and no reserved word' })
  if (!isKind(kind)) return err([...found, { field: 'kind', message: `must be one of: ${kinds.join(', ')}` }])
  for (const [name, text] of Object.entries(settings)) {
    if (!providerSettings.includes(name)) found.push({ field: `settings.${name}`, message: 'is not a setting' })
    const { isDisplayed, isMultiline } = everySetting[name] ?? {}
    const fault = textFault(text, isDisplayed ? 'display' : isMultiline ? 'lines' : 'exact')
    if (fault !== undefined) found.push({ field: `settings.${name}`, message: fault })
  }
  const faults: string[] = []
  const textOf = (name: string): string | undefined => (Object.hasOwn(settings, name) ? settings[name] : undefined)
  const read = readProvider({ id, kind, nameOf: (name) => name, textOf, reach }, general, faults)
  for (const fault of faults) {
    const end = fault.indexOf(': ')
    for (const name of fault.slice(0, end).split(', '))
      found.push({ field: `settings.${name}`, message: fault.slice(end + 2) })
  }
  return found.length > 0 ? err(found) : ok(read)
}

export const prefix = (id: string): string => `${id.toUpperCase().replaceAll('-', '_')}_`

/** Settings of the built-in providers that may have several lines, by their whole names. */
export const multilineSettings: readonly string[] = builtInKinds.flatMap((kind) =>
  Object.entries(settingsOf(kind)).flatMap(([name, { isMultiline }]) => (isMultiline ? [prefix(kind) + name] : [])),
)

type GivenSettings = {
  readonly id: string
  readonly kind: Kind
  /** What the operator calls a setting. */
  readonly nameOf: (setting: string) => string
  readonly textOf: (setting: string) => string | undefined
  /** `any` for the environment, which is trusted. */
  readonly reach: Reach
}

/** Reads one provider. Adds all errors to `faults`. With errors, the result serves only to find more of them. */
export function readProvider(
  { id, kind, nameOf, textOf, reach }: GivenSettings,
  {
    production,
    publicUrl,
    OAUTH_HTTP_TIMEOUT_MS,
  }: Pick<GeneralSettings, 'production' | 'publicUrl' | 'OAUTH_HTTP_TIMEOUT_MS'>,
  faults: string[],
): ProviderSettings {
  const definition = definitionOf(kind)
  const table = settingsOf(kind)
  // It would have no effect, although the operator expects one.
  for (const setting of providerSettings)
    if (!Object.hasOwn(table, setting) && textOf(setting) !== undefined)
      faults.push(`${nameOf(setting)}: is not a setting of ${definition.describedAs}; remove it`)

  const values = Object.entries(table).flatMap(([setting, { read }]): SettingValue[] => {
    const text = textOf(setting)
    const fault = (message: string): number => faults.push(`${nameOf(setting)}: ${message}`)
    return text === undefined ? [] : [read(text, { production, reach, fault })]
  })
  const { urls: _urls, paths: _paths, breaker, redirectUris, ...members }: SettingValue = Object.assign({}, ...values)
  const paths = Object.assign({}, ...values.map((value) => value.paths)) as NonNullable<ProviderSettings['paths']>
  const given: ProviderSettings = {
    id,
    kind,
    name: definition.name ?? id.charAt(0).toUpperCase() + id.slice(1),
    clientId: '',
    clientSecret: '',
    ...members,
    ...(reach === 'any' ? {} : { reach }),
    urls: Object.assign({}, ...values.map((value) => value.urls)),
    redirectUris: { default: `${publicUrl.origin}/auth/${id}/callback`, ...redirectUris },
    breaker: {
      timeoutMs: OAUTH_HTTP_TIMEOUT_MS,
      errorThresholdPercent: 50,
      volume: 5,
      resetMs: 30_000,
      ...breaker,
    },
    ...(Object.keys(paths).length > 0 ? { paths } : {}),
  }
  const settings = definition.complete?.(given) ?? given

  const isSecretless = settings.pkce === 'without_secret'
  if (isSecretless)
    for (const unused of ['CLIENT_SECRET', 'TOKEN_AUTH'])
      if (textOf(unused) !== undefined)
        faults.push(`${nameOf(unused)}: is not used with ${nameOf('PKCE')}=without_secret; remove it`)
  for (const [setting, { isRequired }] of Object.entries(table))
    if (isRequired && textOf(setting) === undefined && !(isSecretless && setting === 'CLIENT_SECRET'))
      faults.push(`${nameOf(setting)}: is required`)
  const { clientSecret } = settings
  if (production && !isSecretless && clientSecret !== '' && clientSecret.length < 16)
    faults.push(
      `${nameOf('CLIENT_SECRET')}: must have at least 16 characters in production; copy the secret that the provider issued`,
    )
  definition.check?.({
    settings,
    production,
    nameOf,
    isSet: (setting) => textOf(setting) !== undefined,
    fault: (about, message) => faults.push(`${about.map(nameOf).join(', ')}: ${message}`),
  })
  return isSecretless ? { ...settings, clientSecret: '' } : settings
}
