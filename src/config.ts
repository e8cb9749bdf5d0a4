import { z } from 'zod'
import { openResourceFaults } from './applications/open-resources.ts'
import { registrationModes } from './applications/policy.ts'
import { readBrand } from './branding/settings.ts'
import type { KeyRing, SealingKey } from './kernel/crypto.ts'
import { readEmail } from './kernel/email.ts'
import { isLoopback } from './kernel/loopback.ts'
import { parseUrl } from './kernel/parse-url.ts'
import { readPasskeyOrigins } from './kernel/passkey-origins.ts'
import { isPostgresUrl, readPostgresUrl } from './kernel/postgres-url.ts'
import {
  builtInKinds,
  displayProviderSettings,
  foreignVariables,
  longestCallMs,
  multilineSettings,
  prefix,
  providerSettings,
  readProviders,
  secretProviderSettings,
  sharedIssuers,
} from './providers/settings.ts'
import { listenHostFault } from './settings/listen-host.ts'
import { readSecretFile } from './settings/secret-file.ts'
import { repairedText, type TextUse, textFault } from './settings/text.ts'
import { unknownNames } from './settings/unknown-names.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Ten years. A longer time is a mistake of units, and could exceed the range of dates. */
const longest = 315_360_000
/** A whole number in decimal digits. `unit` describes it in the message: "a whole number of seconds". */
const whole = (unit: string, { least, most, fallback }: { least: number; most: number; fallback: number }) => {
  const message = `must be ${unit}, ${least} to ${most}`
  return z
    .string()
    .regex(/^\d{1,15}$/, message)
    .transform(Number)
    .pipe(z.number().min(least, message).max(most, message))
    .default(fallback)
}
const seconds = (fallback: number, least = 1) => whole('a whole number of seconds', { least, most: longest, fallback })
const trueOrFalse = z
  .enum(['true', 'false', 'on', 'off', '1', '0'], 'must be true or false')
  .transform((text) => ['true', 'on', '1'].includes(text))
const flag = (fallback: boolean) => trueOrFalse.default(fallback)
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
)

/** Only an origin. It may contain the user and password of the proxy. */
const isProxyUrl = (text: string): boolean => {
  if (parseUrl(text) === undefined) return false
  const { protocol, hostname, pathname, search, hash } = new URL(text)
  return ['http:', 'https:'].includes(protocol) && hostname !== '' && pathname === '/' && !search && !hash
}

/** All general settings: name, format, default and meaning. A test compares `.env.example` with this table. */
export const settings = z.object({
  NODE_ENV: z
    .enum(['production', 'development', 'test'], 'must be production, development or test')
    .default('development')
    .describe('production rejects weak secrets and plain http'),
  HOST: z
    .string()
    .superRefine((host, context) => {
      const message = listenHostFault(host)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    })
    .default('127.0.0.1')
    .describe('IP address or host name to listen on'),
  PORT: whole('a port number', { least: 0, most: 65_535, fallback: 3000 }).describe('port to listen on'),
  PUBLIC_URL: z
    .url('must be a URL like https://id.example.com')
    .optional()
    .describe('URL of the service for browsers; http://localhost:PORT outside production'),
  TRUST_PROXY_HOPS: whole('a number of reverse proxies (1, not “yes”)', {
    least: 0,
    most: 10,
    fallback: 0,
  }).describe('number of reverse proxies in front'),
  LOG_LEVEL: z
    .enum(
      ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'],
      'must be fatal, error, warn, info, debug, trace or silent',
    )
    .default('info')
    .describe('lowest level to log'),
  REQUEST_LOG: z
    .string()
    .regex(/^(?:off|all|1|0(?:\.\d{1,6})?)$/, 'must be off, all, or a fraction from 0 to 1, like 0.05')
    .transform((text) => (text === 'off' ? null : text === 'all' ? 1 : Number(text)))
    .default(null)
    .describe('which requests to log: off, all, or a fraction of them; a fraction also logs every 5xx'),
  DATABASE_URL: z
    .string()
    .default('file:./data/vinculum.db')
    .describe('file:… for SQLite, postgres://… for PostgreSQL'),
  DATABASE_CREATE: trueOrFalse
    .optional()
    .describe('create the SQLite database if it does not exist; true outside production, false in production'),
  ENCRYPTION_KEYS: z
    .string()
    .optional()
    .describe('id:base64(32 bytes), comma separated; the first key encrypts, every key decrypts'),
  JWT_ISSUER: z
    .url({ protocol: /^https?$/, error: 'must be an http or https URL' })
    .optional()
    .describe('`iss` of our tokens; PUBLIC_URL by default'),
  JWT_AUDIENCE: z.string().optional().describe('`aud` of our tokens; PUBLIC_URL by default'),
  ACCESS_TOKEN_TTL_SECONDS: seconds(1800).describe('lifetime of an access token'),
  REFRESH_TOKEN_TTL_SECONDS: seconds(604_800).describe('lifetime of a session that is not used'),
  REFRESH_TOKEN_ABSOLUTE_TTL_SECONDS: seconds(7_776_000).describe('maximum lifetime of a session, even if it is used'),
  REFRESH_CONCURRENCY_SECONDS: seconds(10, 0).describe('how long the previous refresh token is accepted'),
  REFRESH_LOST_RESPONSE_SECONDS: seconds(3600, 0).describe('the same while the new token was never used'),
  REFUSED_SIGN_IN_TTL_SECONDS: seconds(7_776_000, 3600).describe('how long the audit log keeps refused sign-ins'),
  RECENT_AUTH_SECONDS: seconds(600).describe('maximum age of a sign-in for sensitive requests'),
  REQUIRE_VERIFIED_EMAIL: flag(false).describe('require a verified email address for sign-in with a password'),
  PASSWORD_LEAST_LENGTH: whole('a number of characters', { least: 8, most: 64, fallback: 12 }).describe(
    'minimum length of a password',
  ),
  PASSWORD_HASH_MEMORY_KIB: whole('a number of KiB', { least: 19_456, most: 1_048_576, fallback: 19_456 }).describe(
    'memory of one Argon2id hash',
  ),
  PASSWORD_HASH_PASSES: whole('a number of passes', { least: 2, most: 20, fallback: 2 }).describe(
    'passes of one Argon2id hash',
  ),
  PASSWORD_HASH_LANES: whole('a number of lanes', { least: 1, most: 16, fallback: 1 }).describe(
    'lanes of one Argon2id hash',
  ),
  RETURN_TO_ALLOWED: list.default([]).describe('absolute URLs a sign-in may return to, comma separated'),
  PASSKEY_ORIGINS: list
    .default([])
    .describe('apps and sites that may use passkeys: android:apk-key-hash:…@package, TEAM.bundle or https://…'),
  OAUTH_ENABLED_PROVIDERS: list.optional().describe('provider IDs; default: those with credentials'),
  OAUTH_AUTO_REGISTER_NEW_USERS: flag(true).describe('create accounts for people who have none'),
  OAUTH_LINK_BY_VERIFIED_EMAIL: flag(true).describe('sign in to the account that has the same verified email address'),
  OAUTH_STATE_TTL_SECONDS: seconds(300).describe('how long a person may take at the provider'),
  OAUTH_USER_INFO_CACHE_TTL_SECONDS: seconds(3600).describe('how long a profile is cached'),
  OAUTH_HTTP_TIMEOUT_MS: whole('a whole number of milliseconds', {
    least: 50,
    most: longestCallMs,
    fallback: 5000,
  }).describe('deadline of one call to a provider'),
  SMTP_URL: z
    .string()
    .optional()
    .describe(
      'mail server: smtp://user:password@host:port, smtps:// with TLS from the start; without it no email is sent',
    ),
  MAIL_FROM: z.string().optional().describe('sender of messages: an email address, or Name <email address>'),
  RATE_LIMITS: z.enum(['on', 'off'], 'must be on or off').default('on').describe('must be on in production'),
  REQUEST_DEADLINE_MS: whole('a whole number of milliseconds', { least: 500, most: 60_000, fallback: 5000 }).describe(
    'how long a request may wait for the database, from its arrival; then 503',
  ),
  HTTPS_PROXY: z
    .string()
    .refine(isProxyUrl, 'must be http://host:port or https://host:port, a user and password percent-encoded')
    .optional()
    .describe('proxy for calls to providers: http://user:password@host:port'),
  NO_PROXY: z.string().optional().describe('hosts to reach without HTTPS_PROXY: names, domains, *; comma separated'),
  PROVIDERS_ALLOW_PRIVATE_ADDRESSES: flag(false).describe(
    'let providers that administrators add at run time have URLs in private networks and on this machine',
  ),
  APPLICATIONS_ALLOW_PRIVATE_ADDRESSES: flag(false).describe(
    'let registered applications have URLs that this service calls in private networks and on this machine',
  ),
  APPLICATIONS_REGISTRATION: z
    .enum(registrationModes, 'must be off, token or open')
    .default('off')
    .describe('who may register applications at /oauth/register: off, token (with an initial access token) or open'),
  APPLICATIONS_METADATA_DOCUMENTS: flag(false).describe(
    'accept applications whose client_id is the URL of a metadata document, such as MCP clients',
  ),
  APPLICATIONS_OPEN_RESOURCES: list
    .default([])
    .describe('APIs that applications may request which no administrator registered: absolute URLs, comma separated'),
  APPLICATIONS_OPEN_SCOPES: list.default([]).describe('scopes of these APIs that they may request, comma separated'),
  DPOP_NONCES: flag(false).describe(
    'require a nonce of this service in each DPoP proof (RFC 9449), so that none can be signed in advance',
  ),
  METRICS_TOKEN: z
    .string()
    .min(16, 'must have at least 16 characters')
    .regex(/^[A-Za-z0-9\-._~+/]+=*$/, 'must contain only letters, digits and -._~+/')
    .optional()
    .describe('bearer token for GET /metrics; without it, only this machine has access, and in production nobody'),
  SHUTDOWN_DRAIN_SECONDS: whole('a whole number of seconds', { least: 0, most: 300, fallback: 0 }).describe(
    'how long to keep serving after SIGTERM while /health/ready reports 503, so that a load balancer notices',
  ),
  BRAND_NAME: z.string().optional().describe('name of the service on pages and in messages; default: Vinculum'),
  BRAND_COLOR: z
    .string()
    .optional()
    .describe('color of buttons and links, like #1f4f82; made darker or lighter where text would be unreadable'),
  BRAND_LOGO: z.string().optional().describe('path of a PNG or SVG file of at most 100 KiB, shown above each page'),
  BRAND_LOGO_DARK: z.string().optional().describe('the same for dark pages; default: BRAND_LOGO'),
  BRAND_FAVICON: z.string().optional().describe('path of a PNG or SVG file of at most 100 KiB, the icon of each page'),
  SUPPORT_EMAIL: z.string().optional().describe('email address for help, shown below each page and in messages'),
  PRIVACY_URL: z.string().optional().describe('https URL of the privacy notice, linked below each page'),
  TERMS_URL: z.string().optional().describe('https URL of the terms of service, linked below each page'),
  OIDC_PROVIDERS: list.default([]).describe('IDs of OpenID Connect providers, comma separated'),
  OAUTH2_PROVIDERS: list.default([]).describe('IDs of plain OAuth 2.0 providers, comma separated'),
})

/** Settings that hold a secret. Each can be read from the file named in `<NAME>_FILE`, and its value is never shown. */
export const secretSettings = [
  'ENCRYPTION_KEYS',
  'DATABASE_URL',
  'SMTP_URL',
  'HTTPS_PROXY',
  'METRICS_TOKEN',
] as const satisfies readonly (keyof typeof settings.shape)[]
/** Settings for display, which no program compares. */
const displaySettings = ['MAIL_FROM', 'BRAND_NAME'] as const satisfies readonly (keyof typeof settings.shape)[]

/**
 * Thrown at startup with all configuration errors, one per line. It names settings and never contains a secret value.
 * It includes the warnings, since a misspelled variable is often why a setting is missing.
 */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly faults: readonly string[]
  readonly warnings: readonly string[]
  constructor(faults: readonly string[], warnings: readonly string[] = []) {
    const lines = (texts: readonly string[]): string => texts.map((text) => `\n  - ${text}`).join('')
    super(
      `The configuration has ${faults.length === 1 ? 'an error' : `${faults.length} errors`}:${lines(faults)}${
        warnings.length > 0 ? `\nPossible causes:${lines(warnings)}` : ''
      }`,
    )
    this.faults = faults
    this.warnings = warnings
  }
}

/** Refuses to start with providers that administrators added and the environment defines too. */
export function refuseProvidersInBoth(ids: readonly string[]): void {
  if (ids.length === 0) return
  throw new ConfigError(
    ids.map(
      (id) =>
        `${prefix(id)}CLIENT_ID: the provider “${id}” was also added at run time; remove its settings from the environment, or delete it in /admin/providers before you set them`,
    ),
  )
}

type ReadOptions = {
  /** Reads the file whose path is in `<NAME>_FILE`. */
  readonly secretFile?: typeof readSecretFile
  /** Earlier warnings about the source of the environment, such as `.env`. */
  readonly warnings?: readonly string[]
}

/**
 * Reads and checks all settings, and reports all errors together. An empty variable counts as absent. Suspicious values
 * that may be right cause `warnings`. Throws `ConfigError`. Errors and warnings name only settings, variables and
 * provider IDs, never other values.
 */
export function readConfig(environment: Environment, reading: ReadOptions = {}): Config {
  const { config, faults } = inspectConfig(environment, reading)
  if (faults.length > 0) throw new ConfigError(faults, config.warnings)
  return config
}

/** The names of the settings in an error message. */
export const settingsIn = (fault: string): readonly string[] => fault.slice(0, fault.indexOf(':')).split(', ')

/**
 * The same, but returns the errors instead of throwing, for commands that examine a broken configuration. Use only
 * settings that `settingsIn` finds in none of the errors.
 */
export function inspectConfig(
  environment: Environment,
  { secretFile = readSecretFile, warnings = [] }: ReadOptions = {},
) {
  const present = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  ) as Record<string, string>
  const names = namesOf(present)
  const { env, faults: textFaults } = readTexts(present, names, secretFile)
  const faults: string[] = []
  const read = settings.safeParse(env)
  // Treat unreadable settings as absent, so that all others are checked too.
  const unreadable = new Set<unknown>()
  for (const { path, message } of read.error?.issues ?? []) {
    faults.push(`${path.join('.')}: ${message}`)
    unreadable.add(path[0])
  }
  const set =
    read.data ?? settings.parse(Object.fromEntries(Object.entries(env).filter(([name]) => !unreadable.has(name))))
  const production = set.NODE_ENV === 'production'

  if (production && env.PUBLIC_URL === undefined)
    faults.push('PUBLIC_URL: is required in production; set it to the https origin of the service')
  const publicUrl = new URL(set.PUBLIC_URL ?? `http://localhost:${set.PORT}`)
  const plain = publicUrl.protocol === 'http:' && isLoopback(publicUrl.hostname) && !production
  if (set.PUBLIC_URL !== undefined && publicUrl.protocol !== 'https:' && !plain)
    faults.push('PUBLIC_URL: must be https (plain http only for loopback hosts, outside production)')
  if (publicUrl.pathname !== '/' || publicUrl.search || publicUrl.hash || publicUrl.username || publicUrl.password)
    faults.push('PUBLIC_URL: must be only an origin, like https://id.example.com')
  if (production && set.RATE_LIMITS === 'off') faults.push('RATE_LIMITS: must be on in production')

  const encryptionKeys = readKeyRing(set.ENCRYPTION_KEYS, production, faults)
  const store = readStore(set.DATABASE_URL, set.DATABASE_CREATE ?? !production, faults)
  const returnToAllowed = set.RETURN_TO_ALLOWED.flatMap((text) => {
    // There are no wildcards. The URL parser accepts `*` as a host, which would match nothing.
    const url = !text.includes('*') ? parseUrl(text) : undefined
    const fine =
      url &&
      (url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url.hostname) && !production)) &&
      !url.search &&
      !url.hash &&
      !(url.username || url.password)
    if (!fine)
      faults.push(
        'RETURN_TO_ALLOWED: each must be an absolute https URL without query or fragment (http only for loopback hosts, outside production)',
      )
    return fine ? [url] : []
  })
  const { origins: passkeyOrigins, faulty: faultyItems } = readPasskeyOrigins(set.PASSKEY_ORIGINS, production)
  if (faultyItems.length > 0)
    faults.push(
      `PASSKEY_ORIGINS: item ${faultyItems.join(', ')} must be android:apk-key-hash:<hash>@<package>, <team>.<bundle> of an Apple app, or an https origin`,
    )
  const openResources = { resources: set.APPLICATIONS_OPEN_RESOURCES, scopes: set.APPLICATIONS_OPEN_SCOPES }
  faults.push(...openResourceFaults(openResources))
  const mail = readMail(set, production, faults)
  const brand = readBrand(set, faults)
  const providers = readProviders(env, { ...set, production, publicUrl }, faults)
  for (const fault of sharedIssuers(providers)) faults.push(`OIDC_PROVIDERS: ${fault}`)

  const allWarnings = [
    ...warnings,
    ...unknownNames(Object.keys(present), { ...names, foreign: foreignVariables }),
    ...(passkeyOrigins.android.some(({ packageName }) => packageName === null)
      ? [
          'PASSKEY_ORIGINS: an Android app has no @package, so it is not listed in /.well-known/assetlinks.json; add @package',
        ]
      : []),
  ]
  // If the text of a setting is invalid, its other errors are only consequences.
  const others = faults.filter((fault) => !settingsIn(fault).some((name) => textFaults.has(name)))
  const config = {
    warnings: allWarnings,
    production,
    host: set.HOST,
    port: set.PORT,
    publicUrl,
    trustProxyHops: set.TRUST_PROXY_HOPS,
    logLevel: set.LOG_LEVEL,
    /** The share of requests to log, from 0 to 1; `null` for none, not even failures. */
    requestLog: set.REQUEST_LOG,
    store,
    /** `null` outside production if not set: a key is then generated into `data/`. */
    encryptionKeys,
    tokens: {
      issuer: set.JWT_ISSUER ?? publicUrl.origin,
      audience: set.JWT_AUDIENCE ?? publicUrl.origin,
      accessTtlSeconds: set.ACCESS_TOKEN_TTL_SECONDS,
      refreshTtlSeconds: set.REFRESH_TOKEN_TTL_SECONDS,
      refreshAbsoluteTtlSeconds: set.REFRESH_TOKEN_ABSOLUTE_TTL_SECONDS,
      concurrencySeconds: set.REFRESH_CONCURRENCY_SECONDS,
      lostResponseSeconds: set.REFRESH_LOST_RESPONSE_SECONDS,
    },
    requireVerifiedEmail: set.REQUIRE_VERIFIED_EMAIL,
    passwords: {
      leastLength: set.PASSWORD_LEAST_LENGTH,
      memoryKib: set.PASSWORD_HASH_MEMORY_KIB,
      passes: set.PASSWORD_HASH_PASSES,
      lanes: set.PASSWORD_HASH_LANES,
    },
    refusedSignInTtlSeconds: set.REFUSED_SIGN_IN_TTL_SECONDS,
    recentAuthSeconds: set.RECENT_AUTH_SECONDS,
    returnToAllowed,
    passkeyOrigins,
    oauth: {
      autoRegister: set.OAUTH_AUTO_REGISTER_NEW_USERS,
      linkByVerifiedEmail: set.OAUTH_LINK_BY_VERIFIED_EMAIL,
      stateTtlSeconds: set.OAUTH_STATE_TTL_SECONDS,
      userInfoTtlSeconds: set.OAUTH_USER_INFO_CACHE_TTL_SECONDS,
    },
    providers,
    providerTimeoutMs: set.OAUTH_HTTP_TIMEOUT_MS,
    mail,
    brand,
    /** The proxy for calls to providers; `null` for none. */
    proxy: set.HTTPS_PROXY === undefined ? null : { httpsProxy: set.HTTPS_PROXY, noProxy: set.NO_PROXY ?? '' },
    /** Which IP addresses calls to providers from the database may reach. */
    providerReach: set.PROVIDERS_ALLOW_PRIVATE_ADDRESSES ? ('any' as const) : ('public' as const),
    /** Which IP addresses calls to URLs of registered applications may reach. */
    applicationReach: set.APPLICATIONS_ALLOW_PRIVATE_ADDRESSES ? ('any' as const) : ('public' as const),
    /** Who may register applications besides administrators. */
    registration: set.APPLICATIONS_REGISTRATION,
    metadataDocuments: set.APPLICATIONS_METADATA_DOCUMENTS,
    openResources,
    /** Whether DPoP proofs need a nonce. */
    dpopNonces: set.DPOP_NONCES,
    rateLimits: set.RATE_LIMITS === 'on',
    requestDeadlineMs: set.REQUEST_DEADLINE_MS,
    shutdownDrainSeconds: set.SHUTDOWN_DRAIN_SECONDS,
    metricsToken: set.METRICS_TOKEN ?? null,
  }
  return { config, faults: [...new Set([...textFaults.values(), ...others])] }
}
export type Config = ReturnType<typeof inspectConfig>['config']

/** A configuration with encryption keys, possibly generated (see `secrets.ts`). */
export type CompleteConfig = Omit<Config, 'encryptionKeys'> & { readonly encryptionKeys: KeyRing }

/** The settings that routes and pages show or follow. */
export const routeSettings = ({ tokens, oauth, passwords, mail, ...config }: Config) => ({
  publicUrl: config.publicUrl,
  returnToAllowed: config.returnToAllowed,
  passkeyOrigins: config.passkeyOrigins,
  issuer: tokens.issuer,
  recentAuthSeconds: config.recentAuthSeconds,
  canRegister: oauth.autoRegister,
  passwordLeastLength: passwords.leastLength,
  sessionCookieSeconds: tokens.refreshAbsoluteTtlSeconds,
  production: config.production,
  mail: mail.tag !== 'off',
  metricsToken: config.metricsToken,
  trustProxyHops: config.trustProxyHops,
  registration: config.registration,
  metadataDocuments: config.metadataDocuments,
})

type SettingNames = {
  readonly names: ReadonlySet<string>
  readonly secret: readonly string[]
  /** How the text of a setting is checked, if not as `exact`. */
  readonly uses: ReadonlyMap<string, TextUse>
  readonly prefixes: readonly string[]
}

/** The names of all settings: the general ones, and those of each provider that is built in or listed. */
function namesOf(env: Readonly<Record<string, string>>): SettingNames {
  const ids = [
    ...builtInKinds,
    ...[env.OIDC_PROVIDERS, env.OAUTH2_PROVIDERS].flatMap((text) => list.parse(repairedText(text ?? ''))),
  ]
  const prefixes = ids.map(prefix)
  const ofProviders = (all: readonly string[]): string[] =>
    prefixes.flatMap((each) => all.map((name) => `${each}${name}`))
  const secret = [...secretSettings, ...ofProviders(secretProviderSettings)]
  const names = [
    ...Object.keys(settings.shape),
    ...ofProviders(providerSettings),
    ...secret.map((name) => `${name}_FILE`),
  ]
  return {
    names: new Set(names),
    secret,
    uses: new Map<string, TextUse>([
      ...[...displaySettings, ...ofProviders(displayProviderSettings)].map((name) => [name, 'display'] as const),
      ...multilineSettings.map((name) => [name, 'lines'] as const),
    ]),
    prefixes,
  }
}

/**
 * Returns the environment with the secrets from files. Also returns at most one text error per setting, by name. It
 * replaces other errors about that setting.
 */
function readTexts(
  given: Readonly<Record<string, string>>,
  { names, secret, uses }: SettingNames,
  secretFile: typeof readSecretFile,
): { env: Record<string, string>; faults: ReadonlyMap<string, string> } {
  const env = { ...given }
  const faults = new Map<string, string>()
  for (const [name, value] of Object.entries(given)) {
    const fault = names.has(name) ? textFault(value, uses.get(name)) : undefined
    if (fault === undefined) continue
    faults.set(name, `${name}: ${fault}`)
    env[name] = repairedText(value)
  }
  for (const name of secret) {
    const variable = `${name}_FILE`
    const path = given[variable]
    if (path === undefined) continue
    const read = secretFile(path)
    if (given[name] !== undefined) faults.set(name, `${name}: is set together with ${variable}; set only one of them`)
    else if (faults.has(variable)) faults.set(name, faults.get(variable) as string)
    else if (!read.ok) faults.set(name, `${variable}: the file ${read.error}`)
    else {
      const fault = textFault(read.value, uses.get(name))
      env[name] = fault === undefined ? read.value : repairedText(read.value)
      if (fault !== undefined) faults.set(name, `${variable}: the text in the file ${fault}`)
    }
  }
  return { env, faults }
}

/**
 * Reads the key ring. A key must be 32 bytes that look random. Zeros, a counter or a passphrase are rejected: 32 random
 * bytes are all printable with a probability of one in 10^13.
 */
function readKeyRing(text: string | undefined, production: boolean, faults: string[]): KeyRing | null {
  if (text === undefined) {
    if (production)
      faults.push(
        'ENCRYPTION_KEYS: is required in production; generate a key with: echo "k1:$(openssl rand -base64 32)"',
      )
    return null
  }
  const keys: SealingKey[] = text.split(',').map((item) => {
    const [, id = '', encoded = ''] = /^([^:]*):(.*)$/.exec(item.trim()) ?? []
    // Node's decoder ignores invalid characters, so a mistyped key would decode to another key. Reject it instead.
    return { id, key: Buffer.from(/^[A-Za-z0-9+/_-]+={0,2}$/.test(encoded) ? encoded : '', 'base64') }
  })
  if (keys.some(({ id }) => !/^[A-Za-z0-9_-]{1,32}$/.test(id)))
    faults.push('ENCRYPTION_KEYS: each key must be id:base64, with 1 to 32 letters, digits, - and _ in the id')
  if (new Set(keys.map(({ id }) => id)).size !== keys.length)
    faults.push('ENCRYPTION_KEYS: two keys have the same ID; each ID must be unique')
  if (keys.some(({ key }) => key.length !== 32)) faults.push('ENCRYPTION_KEYS: each key must be 32 bytes in base64')
  else if (production && keys.some(({ key }) => isWeak(key)))
    faults.push('ENCRYPTION_KEYS: a key is too weak; generate one with: echo "k1:$(openssl rand -base64 32)"')
  return keys as [SealingKey, ...SealingKey[]]
}

function isWeak(key: Buffer): boolean {
  const steps = new Set(key.subarray(1).map((byte, index) => byte - (key[index] ?? 0)))
  return new Set(key).size < 16 || steps.size === 1 || key.every((byte) => byte >= 0x20 && byte < 0x7f)
}

function readStore(url: string, create: boolean, faults: string[]) {
  if (isPostgresUrl(url)) {
    const read = readPostgresUrl(url)
    if (!read.ok) faults.push(`DATABASE_URL: ${read.error}`)
    return { tag: 'postgres' as const, url }
  }
  const file = url.replace(/^file:(\/\/)?/, '')
  // Other programs read options from the query, but SQLite would treat it as part of the file name.
  if (url.startsWith('file:') && url.includes('?'))
    faults.push('DATABASE_URL: must not have a query after the path; SQLite reads no options from it')
  // Without a file name, SQLite creates a temporary database.
  if (!url.startsWith('file:') || file === '') faults.push('DATABASE_URL: must be file:<path> or postgres://…')
  return { tag: 'sqlite' as const, file, create: create || file === ':memory:' }
}

/**
 * How email is sent: through a mail server if one is set. Otherwise it goes to a mailbox in memory; in production
 * nothing is sent.
 */
function readMail(
  { SMTP_URL, MAIL_FROM }: { SMTP_URL?: string | undefined; MAIL_FROM?: string | undefined },
  production: boolean,
  faults: string[],
) {
  const from = MAIL_FROM ?? 'Vinculum <no-reply@localhost>'
  const [, name = '', address = from] = /^([^<>]*)<([^<>]+)>$/.exec(from.trim()) ?? []
  if (/["\p{Cc}]/u.test(name) || readEmail(address) === undefined)
    faults.push('MAIL_FROM: must be an email address, or Name <email address>')
  if (SMTP_URL === undefined) return { tag: production ? ('off' as const) : ('mailbox' as const) }
  const url = parseUrl(SMTP_URL)
  const fine =
    url &&
    (url.protocol === 'smtp:' || url.protocol === 'smtps:') &&
    url.hostname !== '' &&
    ['', '/'].includes(url.pathname) &&
    !url.search &&
    !url.hash
  if (!fine) {
    faults.push('SMTP_URL: must be smtp://user:password@host:port or smtps://…, the user and password percent-encoded')
    return { tag: 'off' as const }
  }
  if (production && MAIL_FROM === undefined) faults.push('MAIL_FROM: is required in production with SMTP_URL')
  const decoded = (text: string): string | null => {
    try {
      return text === '' ? null : decodeURIComponent(text)
    } catch {
      faults.push('SMTP_URL: the user and password must be percent-encoded')
      return null
    }
  }
  const implicitTls = url.protocol === 'smtps:'
  return {
    tag: 'smtp' as const,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? (implicitTls ? 465 : 587) : Number(url.port),
    implicitTls,
    user: decoded(url.username),
    password: decoded(url.password),
    from: from.trim(),
  }
}
