import { z } from 'zod'
import type { KeyRing, SealingKey } from './kernel/crypto.ts'
import { readEmail } from './kernel/email.ts'
import { isLoopback } from './kernel/loopback.ts'
import { readPasskeyOrigins } from './kernel/passkey-origins.ts'
import { readPostgresUrl } from './kernel/postgres-url.ts'
import { isTenantIssuer } from './kernel/tenant-issuer.ts'
import {
  builtIn,
  displayProviderSettings,
  longestCallMs,
  prefix,
  providerSettings,
  readProviders,
  secretProviderSettings,
} from './providers/settings.ts'
import { listenHostFault } from './settings/listen-host.ts'
import { readSecretFile } from './settings/secret-file.ts'
import { repairedText, textFault } from './settings/text.ts'
import { unknownNames } from './settings/unknown-names.ts'

type Environment = Readonly<Record<string, string | undefined>>

/** Ten years: longer is a mistake of units, and would leave the calendar. */
const longest = 315_360_000
/** A number in decimal digits. `unit` says what is counted: "a whole number of seconds". */
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
  .enum(['true', 'false', 'on', 'off', '1', '0'], 'use true or false')
  .transform((text) => ['true', 'on', '1'].includes(text))
const flag = (fallback: boolean) => trueOrFalse.default(fallback)
const list = z.string().transform((text) =>
  text
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean),
)

/** An origin alone; user and password are those of the proxy. */
const isProxyUrl = (text: string): boolean => {
  if (!URL.canParse(text)) return false
  const { protocol, hostname, pathname, search, hash } = new URL(text)
  return ['http:', 'https:'].includes(protocol) && hostname !== '' && pathname === '/' && !search && !hash
}

/** Every setting that is not a provider's: name, form, default, meaning. `.env.example` is held to it by a test. */
export const settings = z.object({
  NODE_ENV: z
    .enum(['production', 'development', 'test'])
    .default('development')
    .describe('production refuses weak secrets and plain http'),
  HOST: z
    .string()
    .superRefine((host, context) => {
      const message = listenHostFault(host)
      if (message !== undefined) context.addIssue({ code: 'custom', message })
    })
    .default('127.0.0.1')
    .describe('address to listen on'),
  PORT: whole('a port number', { least: 0, most: 65_535, fallback: 3000 }).describe('port to listen on'),
  PUBLIC_URL: z.url().optional().describe('where browsers reach the service; http://localhost:PORT outside production'),
  TRUST_PROXY_HOPS: whole('a number of reverse proxies (1, not “yes”)', {
    least: 0,
    most: 10,
    fallback: 0,
  }).describe('number of reverse proxies in front'),
  LOG_LEVEL: z
    .enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'])
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
    .url({ protocol: /^https?$/ })
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
  RATE_LIMITS: z.enum(['on', 'off']).default('on').describe('off is refused in production'),
  REQUEST_DEADLINE_MS: whole('a whole number of milliseconds', { least: 500, most: 60_000, fallback: 5000 }).describe(
    'how long a request may wait for the database, from its arrival; then 503',
  ),
  HTTPS_PROXY: z
    .string()
    .refine(isProxyUrl, 'must be http://host:port or https://host:port, a user and password percent-encoded')
    .optional()
    .describe('proxy for calls to providers: http://user:password@host:port'),
  NO_PROXY: z.string().optional().describe('hosts to reach without HTTPS_PROXY: names, domains, *; comma separated'),
  METRICS_TOKEN: z
    .string()
    .min(16, 'use at least 16 characters')
    .regex(/^[A-Za-z0-9\-._~+/]+=*$/, 'use letters, digits and -._~+/ alone')
    .optional()
    .describe('bearer token for GET /metrics; without it, only this machine has access, and in production none'),
  SHUTDOWN_DRAIN_SECONDS: whole('a whole number of seconds', { least: 0, most: 300, fallback: 0 }).describe(
    'how long to keep serving after SIGTERM while /health/ready reports 503, so that a load balancer notices',
  ),
  OIDC_PROVIDERS: list.default([]).describe('ids of OpenID Connect providers, comma separated'),
  OAUTH2_PROVIDERS: list.default([]).describe('ids of plain OAuth 2.0 providers, comma separated'),
})

/** The settings that hold a secret: each can be read from a file, named in `<NAME>_FILE`, and is never shown. */
export const secretSettings = [
  'ENCRYPTION_KEYS',
  'DATABASE_URL',
  'SMTP_URL',
  'HTTPS_PROXY',
  'METRICS_TOKEN',
] as const satisfies readonly (keyof typeof settings.shape)[]
/** The settings that people read, and no program compares. */
const displaySettings = ['MAIL_FROM'] as const satisfies readonly (keyof typeof settings.shape)[]

/**
 * Thrown at startup with every fault, one per line; names settings, and never shows what is secret in them. The warnings
 * go along: a variable that is misspelled is often why a setting is missing.
 */
export class ConfigError extends Error {
  override name = 'ConfigError'
  readonly faults: readonly string[]
  readonly warnings: readonly string[]
  constructor(faults: readonly string[], warnings: readonly string[] = []) {
    const lines = (texts: readonly string[]): string => texts.map((text) => `\n  - ${text}`).join('')
    super(
      `The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:${lines(faults)}${
        warnings.length > 0 ? `\nPossible causes:${lines(warnings)}` : ''
      }`,
    )
    this.faults = faults
    this.warnings = warnings
  }
}

type Reading = {
  /** How the file is read whose path is in `<NAME>_FILE`. */
  readonly secretFile?: typeof readSecretFile
  /** What was noticed before, where the environment comes from. */
  readonly warnings?: readonly string[]
}

/**
 * Reads the environment whole: a service that starts has everything it needs, or reports all that is wrong at once. An
 * empty variable counts as absent. What is suspicious but may be right is in `warnings`. Throws `ConfigError`; its
 * messages, and the warnings, name settings, variables and provider ids, and hold no other value.
 */
export function readConfig(environment: Environment, reading: Reading = {}): Config {
  const { config, faults } = inspectConfig(environment, reading)
  if (faults.length > 0) throw new ConfigError(faults, config.warnings)
  return config
}

/** The names of the settings that a fault is about. */
export const settingsIn = (fault: string): readonly string[] => fault.slice(0, fault.indexOf(':')).split(', ')

/**
 * The same for a command that examines a broken configuration: every fault, and the configuration as far as it can be
 * read. Only what `settingsIn` names in none of the faults may be relied on there.
 */
export function inspectConfig(environment: Environment, { secretFile = readSecretFile, warnings = [] }: Reading = {}) {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ''),
  ) as Record<string, string>
  const names = namesOf(given)
  const { env, faults: textFaults } = readTexts(given, names, secretFile)
  const faults: string[] = []
  const read = settings.safeParse(env)
  // What cannot be read counts as absent from here on, so that all the rest is looked at too.
  const unreadable = new Set<unknown>()
  for (const { path, message } of read.error?.issues ?? []) {
    faults.push(`${path.join('.')}: ${message}`)
    unreadable.add(path[0])
  }
  const set =
    read.data ?? settings.parse(Object.fromEntries(Object.entries(env).filter(([name]) => !unreadable.has(name))))
  const production = set.NODE_ENV === 'production'

  if (production && env.PUBLIC_URL === undefined) faults.push('PUBLIC_URL: is required in production')
  const publicUrl = new URL(set.PUBLIC_URL ?? `http://localhost:${set.PORT}`)
  const plain = publicUrl.protocol === 'http:' && isLoopback(publicUrl.hostname) && !production
  if (set.PUBLIC_URL !== undefined && publicUrl.protocol !== 'https:' && !plain)
    faults.push('PUBLIC_URL: must be https (plain http only for loopback hosts, outside production)')
  if (publicUrl.pathname !== '/' || publicUrl.search || publicUrl.hash || publicUrl.username || publicUrl.password)
    faults.push('PUBLIC_URL: must be an origin alone, like https://id.example.com')
  if (production && set.RATE_LIMITS === 'off') faults.push('RATE_LIMITS: off is refused in production')

  const encryptionKeys = readKeyRing(set.ENCRYPTION_KEYS, production, faults)
  const store = readStore(set.DATABASE_URL, set.DATABASE_CREATE ?? !production, faults)
  const returnToAllowed = set.RETURN_TO_ALLOWED.flatMap((text) => {
    // There are no wildcards: to the URL parser `*` is a host like any other, and would match nothing.
    const url = URL.canParse(text) && !text.includes('*') ? new URL(text) : undefined
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
  const { origins: passkeyOrigins, faulty } = readPasskeyOrigins(set.PASSKEY_ORIGINS, production)
  if (faulty.length > 0)
    faults.push(
      `PASSKEY_ORIGINS: item ${faulty.join(', ')} must be android:apk-key-hash:<hash>@<package>, <team>.<bundle> of an Apple app, or an https origin`,
    )
  const mail = readMail(set, production, faults)
  const providers = readProviders(env, { ...set, production, publicUrl }, faults)
  // A person is known by issuer and subject: two ids for one issuer would share people but not their tokens.
  const issuers = providers.flatMap(({ issuer }) => issuer ?? [])
  if (new Set(issuers).size !== issuers.length) faults.push('OIDC_PROVIDERS: two providers have the same ISSUER')
  for (const { issuer: template = '', tenants } of providers)
    if (tenants && issuers.some((issuer) => isTenantIssuer(template, tenants, issuer)))
      faults.push('OIDC_PROVIDERS: the TENANTS of one provider include the ISSUER of another')
  for (const { id, kind, urls } of providers)
    if (production && kind === 'google' && urls.token !== undefined && urls.jwks === undefined)
      faults.push(`${prefix(id)}JWKS_URL: is required with TOKEN_URL in production, to verify signatures`)

  const noticed = [
    ...warnings,
    ...unknownNames(Object.keys(given), names),
    ...(passkeyOrigins.android.some(({ packageName }) => packageName === null)
      ? ['PASSKEY_ORIGINS: an Android app has no @package, so it is not in /.well-known/assetlinks.json']
      : []),
  ]
  // What is wrong with the text of a setting is the reason for whatever else is said of it.
  const others = faults.filter((fault) => !settingsIn(fault).some((name) => textFaults.has(name)))
  const config = {
    warnings: noticed,
    production,
    host: set.HOST,
    port: set.PORT,
    publicUrl,
    trustProxyHops: set.TRUST_PROXY_HOPS,
    logLevel: set.LOG_LEVEL,
    /** The share of requests to log, from 0 to 1; `null` for none, not even failures. */
    requestLog: set.REQUEST_LOG,
    store,
    /** `null` outside production when none was given: then one is generated into `data/`. */
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
    mail,
    /** What calls to providers go through; `null`: nothing. */
    proxy: set.HTTPS_PROXY === undefined ? null : { httpsProxy: set.HTTPS_PROXY, noProxy: set.NO_PROXY ?? '' },
    rateLimits: set.RATE_LIMITS === 'on',
    requestDeadlineMs: set.REQUEST_DEADLINE_MS,
    shutdownDrainSeconds: set.SHUTDOWN_DRAIN_SECONDS,
    metricsToken: set.METRICS_TOKEN ?? null,
  }
  return { config, faults: [...new Set([...textFaults.values(), ...others])] }
}
export type Config = ReturnType<typeof inspectConfig>['config']

type SettingNames = {
  readonly names: ReadonlySet<string>
  readonly secret: readonly string[]
  readonly display: ReadonlySet<string>
  readonly prefixes: readonly string[]
}

/** Every setting there is: the general ones, and those of each provider that is built in or named. */
function namesOf(env: Readonly<Record<string, string>>): SettingNames {
  const ids = [
    ...Object.keys(builtIn),
    ...[env.OIDC_PROVIDERS, env.OAUTH2_PROVIDERS].flatMap((text) => list.parse(repairedText(text ?? ''))),
  ]
  const prefixes = ids.map(prefix)
  const ofProviders = (all: readonly string[]): string[] =>
    prefixes.flatMap((each) => all.map((name) => `${each}${name}`))
  const secret = [...secretSettings, ...ofProviders(secretProviderSettings)]
  const names = [
    ...Object.keys(settings.shape),
    ...ofProviders(Object.keys(providerSettings)),
    ...secret.map((name) => `${name}_FILE`),
  ]
  return {
    names: new Set(names),
    secret,
    display: new Set<string>([...displaySettings, ...ofProviders(displayProviderSettings)]),
    prefixes,
  }
}

/**
 * The environment with the secrets that are in files, and what is wrong with the text of its settings: one fault for
 * each, by the name of the setting. Nothing else that is found about that setting needs saying.
 */
function readTexts(
  given: Readonly<Record<string, string>>,
  { names, secret, display }: SettingNames,
  secretFile: typeof readSecretFile,
): { env: Record<string, string>; faults: ReadonlyMap<string, string> } {
  const env = { ...given }
  const faults = new Map<string, string>()
  for (const [name, value] of Object.entries(given)) {
    const fault = names.has(name) ? textFault(value, display.has(name) ? 'display' : 'exact') : undefined
    if (fault === undefined) continue
    faults.set(name, `${name}: ${fault}`)
    env[name] = repairedText(value)
  }
  for (const name of secret) {
    const variable = `${name}_FILE`
    const path = given[variable]
    if (path === undefined) continue
    const read = secretFile(path)
    if (given[name] !== undefined) faults.set(name, `${name}: is set, and so is ${variable}; set one of them`)
    else if (faults.has(variable)) faults.set(name, faults.get(variable) as string)
    else if (!read.ok) faults.set(name, `${variable}: the file ${read.error}`)
    else {
      const fault = textFault(read.value)
      env[name] = fault === undefined ? read.value : repairedText(read.value)
      if (fault !== undefined) faults.set(name, `${variable}: the text in the file ${fault}`)
    }
  }
  return { env, faults }
}

/**
 * A ring key must be 32 bytes that look random: zeros, a counter or a passphrase (32 printable bytes in a row, by
 * chance one in 10^13) are no key.
 */
function readKeyRing(text: string | undefined, production: boolean, faults: string[]): KeyRing | null {
  if (text === undefined) {
    if (production)
      faults.push('ENCRYPTION_KEYS: is required in production; make one with: echo "k1:$(openssl rand -base64 32)"')
    return null
  }
  const keys: SealingKey[] = text.split(',').map((item) => {
    const [, id = '', encoded = ''] = /^([^:]*):(.*)$/.exec(item.trim()) ?? []
    // Node's decoder skips what is no base64, and a key nobody can type twice the same way is soon a lost one.
    return { id, key: Buffer.from(/^[A-Za-z0-9+/_-]+={0,2}$/.test(encoded) ? encoded : '', 'base64') }
  })
  if (keys.some(({ id }) => !/^[A-Za-z0-9_-]{1,32}$/.test(id)))
    faults.push('ENCRYPTION_KEYS: each must be id:base64, the id of letters, digits, - and _')
  if (new Set(keys.map(({ id }) => id)).size !== keys.length) faults.push('ENCRYPTION_KEYS: two keys have the same id')
  if (keys.some(({ key }) => key.length !== 32)) faults.push('ENCRYPTION_KEYS: each key must be 32 bytes in base64')
  else if (production && keys.some(({ key }) => isWeak(key)))
    faults.push('ENCRYPTION_KEYS: a key is too weak; use 32 random bytes')
  return keys as [SealingKey, ...SealingKey[]]
}

function isWeak(key: Buffer): boolean {
  const steps = new Set(key.subarray(1).map((byte, index) => byte - (key[index] ?? 0)))
  return new Set(key).size < 16 || steps.size === 1 || key.every((byte) => byte >= 0x20 && byte < 0x7f)
}

function readStore(url: string, create: boolean, faults: string[]) {
  if (/^postgres(ql)?:\/\//.test(url)) {
    const read = readPostgresUrl(url)
    if (!read.ok) faults.push(`DATABASE_URL: ${read.error}`)
    return { tag: 'postgres' as const, url }
  }
  const file = url.replace(/^file:(\/\/)?/, '')
  // To other programs it holds options; to SQLite it would be part of the file's name.
  if (url.startsWith('file:') && url.includes('?'))
    faults.push('DATABASE_URL: must have no query after the path; SQLite takes no options from it')
  // To SQLite no name is a database that vanishes.
  if (!url.startsWith('file:') || file === '') faults.push('DATABASE_URL: must be file:<path> or postgres://…')
  return { tag: 'sqlite' as const, file, create: create || file === ':memory:' }
}

/**
 * How letters leave: through a mail server; without one into a mailbox in memory, and in production not at all.
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
  const url = URL.canParse(SMTP_URL) ? new URL(SMTP_URL) : undefined
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
      faults.push('SMTP_URL: its user and password must be percent-encoded')
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
