/** The settings of each provider. Their names derive from its ID, so a new provider gets them automatically. */
import { readEmail } from '../kernel/email.ts'
import { isLoopback } from '../kernel/loopback.ts'
import { isIssuerTemplate, isTenantId, mentionsTenant, type Tenants } from '../kernel/tenant-issuer.ts'
import type {
  BreakerSettings,
  EmailTrust,
  PkceUse,
  ProviderSettings,
  SecondFactorTrust,
  TokenAuth,
  UserinfoUse,
} from './provider.ts'

/** Leases on provider tokens last longer than any call to a provider. */
export const longestCallMs = 60_000

/** The settings of a provider. Their names begin with its upper-case ID and an underscore. */
export const providerSettings = {
  CLIENT_ID: 'from the app registration',
  CLIENT_SECRET: 'from the app registration',
  NAME: 'name on the sign-in button',
  SCOPES: 'scopes to request, space or comma separated; replaces the defaults',
  OPTIONAL_SCOPES: 'scopes that users can add on their account page, space or comma separated',
  JIRA_SCOPES: 'Atlassian only: scopes to request when a team connects',
  REDIRECT_URIS: 'default=…,mobile=…; PUBLIC_URL/auth/<id>/callback by default',
  AUTHORIZE_URL: 'replaces the provider’s default',
  TOKEN_URL: 'replaces the provider’s default',
  USERINFO_URL: 'replaces the provider’s default',
  REVOKE_URL: 'replaces the provider’s default',
  JWKS_URL: 'URL of the keys that verify its id_tokens (Google, OpenID Connect)',
  EMAIL_TRUST: 'authoritative, verified or never',
  SECOND_FACTOR: 'trusted if the provider requires a second factor itself; ask by default',
  EMAIL_DOMAINS: 'only people with a verified email address in one of these domains may sign in',
  HOSTED_DOMAINS: 'Google only: only accounts of these Workspace domains may sign in',
  ORGANIZATIONS: 'GitHub only: only members of one of these organizations may sign in',
  TOKEN_AUTH: 'basic or post: how the client secret is sent',
  USERINFO: 'required, optional or off, for providers with an id_token',
  PKCE: 'required, without_secret or off',
  NONCE: 'OpenID Connect only: required or off',
  DISCOVERY_URL: 'OpenID Connect only: URL of the discovery document, if not below the issuer',
  TENANTS: 'OpenID Connect only: any, or a list of tenant IDs, if ISSUER contains {tenantid}',
  BREAKER: 'timeout_ms=5000,error_threshold_percent=50,volume=5,reset_ms=30000',
  EMAILS_URL: 'GitHub only',
  API_URL: 'GitHub and Atlassian only',
  RESOURCES_URL: 'Atlassian only',
  ISSUER: 'OpenID Connect: the other endpoints are discovered from it; Google: the issuer in its id_tokens',
  USER_ID_PATH: 'OAuth 2.0 only: dotted path in the userinfo response',
  USER_EMAIL_PATH: 'OAuth 2.0 only',
  USER_EMAIL_VERIFIED_PATH: 'OAuth 2.0 only',
  USER_NAME_PATH: 'OAuth 2.0 only',
} as const
type ProviderSetting = keyof typeof providerSettings
type Kind = ProviderSettings['kind']

/**
 * Settings that only some kinds of providers have. For other kinds they are rejected: they would have no effect,
 * although the operator expects one.
 */
const onlyFor: Partial<Record<ProviderSetting, readonly Kind[]>> = {
  JIRA_SCOPES: ['atlassian'],
  JWKS_URL: ['google', 'oidc'],
  EMAILS_URL: ['github'],
  API_URL: ['github', 'atlassian'],
  RESOURCES_URL: ['atlassian'],
  HOSTED_DOMAINS: ['google'],
  ORGANIZATIONS: ['github'],
  ISSUER: ['google', 'oidc'],
  USERINFO: ['google', 'oidc'],
  PKCE: ['oidc', 'oauth2'],
  NONCE: ['oidc'],
  DISCOVERY_URL: ['oidc'],
  TENANTS: ['oidc'],
  USER_ID_PATH: ['oauth2'],
  USER_EMAIL_PATH: ['oauth2'],
  USER_EMAIL_VERIFIED_PATH: ['oauth2'],
  USER_NAME_PATH: ['oauth2'],
}
const kindNames: Record<Kind, string> = {
  google: 'Google',
  github: 'GitHub',
  atlassian: 'Atlassian',
  oidc: 'an OpenID Connect provider',
  oauth2: 'a plain OAuth 2.0 provider',
}

/** Settings that hold a secret. Each can be read from the file named in `<P>_<SETTING>_FILE`. */
export const secretProviderSettings = ['CLIENT_SECRET'] as const satisfies readonly ProviderSetting[]
/** Settings for display, which no program compares. */
export const displayProviderSettings = ['NAME'] as const satisfies readonly ProviderSetting[]

/** Paths below /auth/ that a provider ID must not hide; and `jwt`, because JWT_ISSUER is a general setting. */
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
])
export const builtIn = { google: 'Google', github: 'GitHub', atlassian: 'Atlassian' } as const

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
  global: GeneralSettings,
  faults: string[],
): ProviderSettings[] {
  const kinds: [string, ProviderSettings['kind']][] = [
    ['google', 'google'],
    ['github', 'github'],
    ['atlassian', 'atlassian'],
    ...global.OIDC_PROVIDERS.map((id): [string, 'oidc'] => [id, 'oidc']),
    ...global.OAUTH2_PROVIDERS.map((id): [string, 'oauth2'] => [id, 'oauth2']),
  ]
  const ids = kinds.map(([id]) => id)
  for (const id of ids.slice(3)) {
    if (!/^[a-z][a-z0-9-]{0,30}$/.test(id) || reserved.has(id))
      faults.push(
        `OIDC_PROVIDERS, OAUTH2_PROVIDERS: “${id}” cannot be a provider ID; use up to 31 lower-case letters, digits and -, and no reserved word`,
      )
  }
  if (new Set(ids).size !== ids.length) faults.push('OIDC_PROVIDERS, OAUTH2_PROVIDERS: each ID must appear only once')

  const enabled = global.OAUTH_ENABLED_PROVIDERS
  for (const id of enabled ?? [])
    if (!ids.includes(id))
      faults.push(
        `OAUTH_ENABLED_PROVIDERS: “${id}” is not a provider ID; list generic providers in OIDC_PROVIDERS or OAUTH2_PROVIDERS`,
      )
  return kinds
    .filter(([id, kind]) =>
      enabled
        ? enabled.includes(id)
        : kind === 'oidc' ||
          kind === 'oauth2' ||
          `${prefix(id)}CLIENT_ID` in env ||
          `${prefix(id)}CLIENT_SECRET` in env,
    )
    .map(([id, kind]) => readProvider(id, kind, env, global, faults))
}

export const prefix = (id: string): string => `${id.toUpperCase().replaceAll('-', '_')}_`

function readProvider(
  id: string,
  kind: ProviderSettings['kind'],
  env: Record<string, string>,
  { production, publicUrl, OAUTH_HTTP_TIMEOUT_MS }: GeneralSettings,
  faults: string[],
): ProviderSettings {
  const name = (setting: ProviderSetting): string => prefix(id) + setting
  const isApplicable = (setting: ProviderSetting): boolean => onlyFor[setting]?.includes(kind) ?? true
  const get = (setting: ProviderSetting): string | undefined => (isApplicable(setting) ? env[name(setting)] : undefined)
  for (const setting of Object.keys(onlyFor) as ProviderSetting[])
    if (!isApplicable(setting) && env[name(setting)] !== undefined)
      faults.push(`${name(setting)}: is not a setting of ${kindNames[kind]}; remove it`)
  const required = (setting: ProviderSetting): string => {
    const value = get(setting)
    if (value === undefined) faults.push(`${name(setting)}: is required`)
    return value ?? ''
  }
  const choice = <Word extends string>(setting: ProviderSetting, words: readonly Word[]): Word | undefined => {
    const text = get(setting)
    const word = words.find((one) => one === text)
    if (text !== undefined && word === undefined) faults.push(`${name(setting)}: must be ${joinWords(words)}`)
    return word
  }
  const words = (setting: ProviderSetting): readonly string[] | undefined =>
    get(setting)
      ?.split(/[\s,]+/)
      .filter(Boolean)
  const url = (setting: ProviderSetting, need = false): string | undefined => {
    const text = need ? required(setting) : get(setting)
    if (!text) return undefined
    const parsed = URL.canParse(text) ? new URL(text) : undefined
    const isSafe =
      parsed?.protocol === 'https:' || (parsed?.protocol === 'http:' && !production && isLoopback(parsed.hostname))
    // URLs are shown in logs and reports, and `fetch` rejects those with a user or password.
    if (!isSafe || parsed.username || parsed.password)
      faults.push(
        `${name(setting)}: must be an https URL without user and password (plain http only for loopback hosts, outside production)`,
      )
    return text
  }

  const clientId = required('CLIENT_ID')
  const pkce = choice<PkceUse>('PKCE', ['required', 'without_secret', 'off'])
  const secretless = pkce === 'without_secret'
  if (secretless)
    for (const unused of ['CLIENT_SECRET', 'TOKEN_AUTH'] as const)
      if (get(unused) !== undefined)
        faults.push(`${name(unused)}: is not used with ${name('PKCE')}=without_secret; remove it`)
  const clientSecret = secretless ? '' : required('CLIENT_SECRET')
  if (production && clientSecret !== '' && clientSecret.length < 16)
    faults.push(
      `${name('CLIENT_SECRET')}: must have at least 16 characters in production; copy the secret that the provider issued`,
    )

  const trust = choice<EmailTrust>('EMAIL_TRUST', ['authoritative', 'verified', 'never'])
  const secondFactor = choice<SecondFactorTrust>('SECOND_FACTOR', ['trusted', 'ask'])
  const tokenAuth = choice<TokenAuth>('TOKEN_AUTH', ['basic', 'post'])
  const userinfo = choice<UserinfoUse>('USERINFO', ['required', 'optional', 'off'])

  const plain = kind === 'oauth2'
  const urls = {
    authorize: url('AUTHORIZE_URL', plain),
    token: url('TOKEN_URL', plain),
    userinfo: url('USERINFO_URL', plain),
    revoke: url('REVOKE_URL'),
    jwks: url('JWKS_URL'),
    emails: url('EMAILS_URL'),
    api: url('API_URL'),
    resources: url('RESOURCES_URL'),
  }
  const issuer = url('ISSUER', kind === 'oidc')
  const discoveryUrl = url('DISCOVERY_URL')
  const nonce = choice('NONCE', ['required', 'off'])
  // A leaked code could be redeemed in another browser's sign-in (RFC 9700 §4.5).
  if (pkce === 'off' && kind === 'oauth2')
    faults.push(
      `${name('PKCE')}: must not be off: plain OAuth 2.0 has no nonce, so nothing would bind a code to its browser`,
    )
  if (pkce === 'off' && nonce === 'off')
    faults.push(`${name('NONCE')}, ${name('PKCE')}: must not both be off: nothing would bind a code to its browser`)
  const tenants = kind === 'oidc' ? readTenants() : undefined
  const [scopes, optionalScopes, jiraScopes] = [words('SCOPES'), words('OPTIONAL_SCOPES'), words('JIRA_SCOPES')]
  /** Reads a restriction. One that is empty or has no effect would allow everyone, so it is an error. */
  const readRestriction = (
    setting: ProviderSetting,
    { what, most }: { what: string; most: number },
    read: (text: string) => string | undefined,
  ): readonly string[] | undefined => {
    const given = words(setting)
    if (given === undefined) return undefined
    const values = given.flatMap((text) => read(text) ?? [])
    if (values.length === 0 || values.length < given.length || values.length > most)
      faults.push(`${name(setting)}: must be a list of ${what}, space or comma separated, ${most} at most`)
    return [...new Set(values)]
  }
  const domains = { what: 'domains like example.com', most: 200 }
  const emailDomains = readRestriction('EMAIL_DOMAINS', domains, readDomain)
  const hostedDomains = readRestriction('HOSTED_DOMAINS', domains, readDomain)
  const organizations = readRestriction(
    'ORGANIZATIONS',
    { what: 'organization names as in their GitHub URLs', most: 20 },
    (text) => (/^[a-z0-9-]{1,39}$/i.test(text) ? text.toLowerCase() : undefined),
  )
  // An OpenID Connect provider always gets the `openid` scope.
  if (kind === 'google' && userinfo !== undefined && userinfo !== 'required' && scopes?.includes('openid') === false)
    faults.push(`${name('USERINFO')}: must be required, because without openid in SCOPES there is no id_token`)
  const [emailPath, verifiedPath, namePath] = [
    get('USER_EMAIL_PATH'),
    get('USER_EMAIL_VERIFIED_PATH'),
    get('USER_NAME_PATH'),
  ]

  /** The tenants that may sign in, if the issuer is a template for many tenants. The operator must choose them. */
  function readTenants(): Tenants | undefined {
    const ids = words('TENANTS')?.map((one) => one.toLowerCase())
    if (issuer === undefined || !mentionsTenant(issuer)) {
      if (ids) faults.push(`${name('TENANTS')}: applies only if ISSUER contains {tenantid}`)
      return undefined
    }
    if (!isIssuerTemplate(issuer)) faults.push(`${name('ISSUER')}: must contain {tenantid} once, between slashes`)
    if (discoveryUrl === undefined) faults.push(`${name('DISCOVERY_URL')}: is required if ISSUER contains {tenantid}`)
    if (trust !== undefined && trust !== 'never')
      faults.push(
        `${name('EMAIL_TRUST')}: must be never with TENANTS, because a tenant does not verify email addresses`,
      )
    if (get('EMAIL_DOMAINS') !== undefined)
      faults.push(
        `${name('EMAIL_DOMAINS')}: must not be set with {tenantid}: no email address is verified, so nobody could sign in; use TENANTS`,
      )
    const any = ids?.length === 1 && ids[0] === 'any'
    if (!ids?.length || !(any || ids.every(isTenantId)))
      faults.push(`${name('TENANTS')}: must list the IDs (GUIDs) of the tenants that may sign in, or be any`)
    return any ? 'any' : ids
  }

  return {
    id,
    kind,
    name:
      get('NAME') ?? (id in builtIn ? builtIn[id as keyof typeof builtIn] : id.charAt(0).toUpperCase() + id.slice(1)),
    clientId,
    clientSecret,
    ...(scopes ? { scopes } : {}),
    ...(optionalScopes ? { optionalScopes } : {}),
    ...(jiraScopes ? { jiraScopes } : {}),
    redirectUris: readRedirectUris(
      get('REDIRECT_URIS'),
      `${publicUrl.origin}/auth/${id}/callback`,
      production,
      name('REDIRECT_URIS'),
      faults,
    ),
    urls: Object.fromEntries(Object.entries(urls).filter(([, value]) => value !== undefined)),
    ...(issuer ? { issuer } : {}),
    ...(trust ? { emailTrust: trust } : {}),
    ...(secondFactor ? { secondFactor } : {}),
    ...(tokenAuth ? { tokenAuth } : {}),
    ...(emailDomains ? { emailDomains } : {}),
    ...(hostedDomains ? { hostedDomains } : {}),
    ...(organizations ? { organizations } : {}),
    ...(userinfo ? { userinfo } : {}),
    ...(discoveryUrl ? { discoveryUrl } : {}),
    ...(tenants ? { tenants } : {}),
    ...(nonce ? { nonce } : {}),
    ...(pkce ? { pkce } : {}),
    breaker: readBreaker(get('BREAKER'), OAUTH_HTTP_TIMEOUT_MS, name('BREAKER'), faults),
    ...(plain
      ? {
          paths: {
            id: required('USER_ID_PATH'),
            ...(emailPath ? { email: emailPath } : {}),
            ...(verifiedPath ? { emailVerified: verifiedPath } : {}),
            ...(namePath ? { name: namePath } : {}),
          },
        }
      : {}),
  }
}

/** A domain as its A-label; `undefined` for anything else, including a wildcard. */
const readDomain = (text: string): string | undefined => {
  const email = readEmail(`x@${text}`)
  return email?.address.includes('.') ? email.address.slice('x@'.length) : undefined
}

/** `a, b or c`, for messages. */
const joinWords = (words: readonly string[]): string => words.join(', ').replace(/, ([^,]*)$/, ' or $1')

/** Reads `key=uri` pairs. Private-use schemes (RFC 8252 §7.1) are allowed for apps, plain http only for loopback. */
function readRedirectUris(
  text: string | undefined,
  standard: string,
  production: boolean,
  name: string,
  faults: string[],
): Record<string, string> {
  const uris: Record<string, string> = { default: standard }
  const given = new Set<string>()
  for (const pair of text?.split(',') ?? []) {
    const [, key, uri = ''] = /^\s*([a-z][a-z0-9_-]*)=(\S+)\s*$/.exec(pair) ?? []
    const parsed = URL.canParse(uri) ? new URL(uri) : undefined
    const fine =
      parsed &&
      !parsed.hash &&
      (parsed.protocol === 'https:' ||
        (parsed.protocol === 'http:'
          ? isLoopback(parsed.hostname) && !production
          : /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(parsed.protocol)))
    if (!key || !fine || given.has(key))
      faults.push(
        `${name}: must be comma-separated key=uri pairs with unique keys; use https, an app’s own scheme like com.example.app:, or loopback http outside production`,
      )
    else {
      given.add(key)
      uris[key] = uri
    }
  }
  return uris
}

const breakerMembers = {
  timeout_ms: 'timeoutMs',
  error_threshold_percent: 'errorThresholdPercent',
  volume: 'volume',
  reset_ms: 'resetMs',
} as const

function readBreaker(text: string | undefined, timeoutMs: number, name: string, faults: string[]): BreakerSettings {
  const breaker = { timeoutMs, errorThresholdPercent: 50, volume: 5, resetMs: 30_000 }
  for (const pair of text?.split(',') ?? []) {
    const [key = '', value = ''] = pair.trim().split('=')
    const member = Object.hasOwn(breakerMembers, key) ? breakerMembers[key as keyof typeof breakerMembers] : undefined
    const number = Number(value)
    const most = member === 'errorThresholdPercent' ? 100 : member === 'timeoutMs' ? longestCallMs : Infinity
    if (!member || !/^\d+$/.test(value) || number < 1 || number > most)
      faults.push(
        `${name}: must be like timeout_ms=5000,error_threshold_percent=50,volume=5,reset_ms=30000; values are whole numbers from 1, timeout_ms up to ${longestCallMs}, error_threshold_percent up to 100`,
      )
    else breaker[member] = number
  }
  return breaker
}
