/** How one setting of a provider is described and read. Definitions declare their own settings with these functions. */

import { isIP } from 'node:net'
import { readEmail } from '../kernel/email.ts'
import { isPublicIp } from '../kernel/ip.ts'
import type { Locale } from '../kernel/locale.ts'
import { isLoopback } from '../kernel/loopback.ts'
import { parseUrl } from '../kernel/parse-url.ts'
import type { BreakerSettings, ProviderSettings, Reach } from './provider.ts'

/** What one setting contributes to the settings of its provider. `urls` and `paths` are merged with those of others. */
export type SettingValue = Partial<Omit<ProviderSettings, 'urls' | 'paths'>> & {
  readonly urls?: Partial<ProviderSettings['urls']>
  readonly paths?: Partial<NonNullable<ProviderSettings['paths']>>
}

/** Where a setting is read. */
export type SettingContext = {
  readonly production: boolean
  /** Which IP addresses a URL may name. What its host name resolves to is checked at every connection. */
  readonly reach: Reach
  /** Reports what is wrong with this setting. The message begins with a verb and contains no value. */
  readonly fault: (message: string) => void
}

/** One setting of a provider. Its name in the environment is `<ID>_<NAME>`. */
export type Setting = {
  /** What it is for, in one line. Pages show it in the language of the reader, and `.env.example` in English. */
  readonly description: Readonly<Record<Locale, string>>
  /** The value that `.env.example` shows. */
  readonly example?: string
  readonly isRequired?: true
  /** Whether it says where the provider is. */
  readonly isAddress?: true
  /** Whether it can also be read from the file named in `<ID>_<NAME>_FILE`, and is never shown. */
  readonly isSecret?: true
  /** Whether it is only for display, so that any printable text is valid. */
  readonly isDisplayed?: true
  /** Whether it may have several lines, such as a key in PEM format. */
  readonly isMultiline?: true
  /** The values that it can have, if they are few. */
  readonly choices?: readonly string[]
  readonly read: (text: string, context: SettingContext) => SettingValue
}

/** The settings of one kind of provider, by name. */
export type SettingTable = Readonly<Record<string, Setting>>

/** How the settings of a kind differ from those of every provider. `null`: the kind does not have that one. */
export type SettingChanges = Readonly<Record<string, Setting | null>>

/** What a definition knows when it checks settings together. */
export type SettingsCheck = {
  readonly settings: ProviderSettings
  readonly production: boolean
  readonly isSet: (setting: string) => boolean
  /** The name of a setting as the operator wrote it. */
  readonly nameOf: (setting: string) => string
  /** Reports what is wrong with these settings together. */
  readonly fault: (settings: readonly string[], message: string) => void
}

type Described = Omit<Setting, 'read' | 'choices'>
type TextMember = 'name' | 'clientId' | 'clientSecret'
type CheckedMember = 'teamId' | 'keyId' | 'privateKey'
type ChoiceMember = 'emailTrust' | 'secondFactor' | 'tokenAuth' | 'userinfo' | 'pkce' | 'nonce'
type ListMember = 'scopes' | 'optionalScopes' | 'jiraScopes'
type RestrictionMember = 'emailDomains' | 'hostedDomains' | 'organizations' | 'teams'

export const textSetting = (member: TextMember, described: Described): Setting => ({
  ...described,
  read: (text) => ({ [member]: text }),
})

/** Text of one form. `readValue` returns what the settings hold, or `undefined` if the text is invalid. */
export const checkedSetting = (
  member: CheckedMember,
  { must, readValue }: { must: string; readValue: (text: string) => string | undefined },
  described: Described,
): Setting => ({
  ...described,
  read(text, { fault }) {
    const value = readValue(text)
    if (value === undefined) fault(`must be ${must}`)
    return value === undefined ? {} : { [member]: value }
  },
})

export const choiceSetting = <Member extends ChoiceMember>(
  member: Member,
  choices: readonly NonNullable<ProviderSettings[Member]>[],
  described: Described,
): Setting => ({
  ...described,
  choices,
  read(text, { fault }) {
    const choice = choices.find((one) => one === text)
    if (choice === undefined) fault(`must be ${listed(choices)}`)
    return choice === undefined ? {} : { [member]: choice }
  },
})

/** A list of words, separated by spaces or commas. */
export const listSetting = (member: ListMember, described: Described): Setting => ({
  ...described,
  read: (text) => ({ [member]: wordsOf(text) }),
})

/** A list that restricts who may sign in. One that is empty or has no effect would allow everyone, so it is an error. */
export const restrictionSetting = (
  member: RestrictionMember,
  { what, most, readItem }: { what: string; most: number; readItem: (text: string) => string | undefined },
  described: Described,
): Setting => ({
  ...described,
  read(text, { fault }) {
    const words = wordsOf(text)
    const items = words.flatMap((word) => readItem(word) ?? [])
    if (items.length === 0 || items.length < words.length || items.length > most)
      fault(`must be a list of ${what}, space or comma separated, ${most} at most`)
    return { [member]: [...new Set(items)] }
  },
})

const mostAppClientIds = 20

/**
 * The client IDs of native apps. A kind with this setting accepts the id_tokens that its own mobile libraries issue
 * (`POST /auth/:provider/id-token`).
 */
export const appClientIdsSetting = (example: string): Setting => ({
  description: {
    en:
      'Client IDs of your native apps: id_tokens that the provider issued to them are accepted ' +
      '(docs/mobile-apps.md). Default: none.',
    'pt-BR':
      'Client IDs dos seus aplicativos nativos: os id_tokens que o provedor emitiu para eles são aceitos ' +
      '(docs/mobile-apps.md). Padrão: nenhum.',
  },
  example,
  read(text, { fault }) {
    const ids = [...new Set(wordsOf(text))]
    if (ids.length === 0 || ids.length > mostAppClientIds)
      fault(`must be a list of client IDs, space or comma separated, ${mostAppClientIds} at most`)
    return { appClientIds: ids }
  },
})

/** Domains, as A-labels. */
export const domains = {
  what: 'domains like example.com',
  most: 200,
  readItem(text: string): string | undefined {
    const email = readEmail(`x@${text}`)
    return email?.address.includes('.') ? email.address.slice('x@'.length) : undefined
  },
}

export const endpointSetting = (member: keyof ProviderSettings['urls'], described: Described): Setting => ({
  ...described,
  read(text, context) {
    checkUrl(text, context)
    return { urls: { [member]: text } }
  },
})

/** Where the keys are that verify id_tokens. */
export const jwksUrlSetting = endpointSetting('jwks', {
  description: {
    en: 'URL of the keys that verify its id_tokens.',
    'pt-BR': 'A URL das chaves que verificam os id_tokens.',
  },
})

/** Where a provider lists the email addresses of a user, if the profile does not contain them. */
export const emailsUrlSetting = endpointSetting('emails', {
  description: {
    en: 'Endpoint that lists the email addresses of a user.',
    'pt-BR': 'Endpoint que lista os e-mails da pessoa.',
  },
})

export const urlSetting = (member: 'issuer' | 'discoveryUrl', described: Described): Setting => ({
  ...described,
  read(text, context) {
    checkUrl(text, context)
    return { [member]: text }
  },
})

/**
 * Where a provider is, in the words of its console: a host, or an https URL. `issuerOf` makes its issuer of the URL,
 * which has no slash at the end.
 */
export const addressSetting = (described: Described, issuerOf = (url: string): string => url): Setting => ({
  ...described,
  isRequired: true,
  isAddress: true,
  read(text, context) {
    const url = text.includes('://') ? text : `https://${text}`
    if (/[?#]/.test(url)) context.fault('must be a host or a URL without query and fragment')
    else checkUrl(url, context)
    return { issuer: issuerOf(url.replace(/\/+$/, '')) }
  },
})

/** A dotted path in the response of the UserInfo endpoint. */
export const pathSetting = (member: keyof NonNullable<ProviderSettings['paths']>, described: Described): Setting => ({
  ...described,
  read: (text) => ({ paths: { [member]: text } }),
})

/** The words of a text, separated by white space or commas. */
export const wordsOf = (text: string): readonly string[] => text.split(/[\s,]+/).filter(Boolean)

/** `a, b or c`, as a message says it. */
const listed = (words: readonly string[]): string => words.join(', ').replace(/, ([^,]*)$/, ' or $1')

function checkUrl(text: string, { production, reach, fault }: SettingContext): void {
  const url = parseUrl(text)
  const isSafe = url?.protocol === 'https:' || (url?.protocol === 'http:' && !production && isLoopback(url.hostname))
  // URLs appear in logs and reports, and `fetch` rejects those with a user or password.
  if (!isSafe || url.username || url.password)
    fault('must be an https URL without user and password (plain http only for loopback hosts, outside production)')
  else if (reach === 'public' && isPrivateHost(url.hostname))
    fault('must not name this machine or a private network, unless PROVIDERS_ALLOW_PRIVATE_ADDRESSES is on')
}

/**
 * Whether a host of a URL is private without asking DNS. The URL parser has already rewritten other spellings of IPv4
 * addresses (decimal, octal, hexadecimal, short).
 */
function isPrivateHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$|\.$/g, '')
  return isIP(host) === 0 ? isLoopback(host) : !isPublicIp(host)
}

/** `key=uri` pairs. A private-use scheme (RFC 8252 §7.1) is allowed for apps, plain http for loopback only. */
export function readRedirectUris(text: string, { production, fault }: SettingContext): Record<string, string> {
  const uris: Record<string, string> = {}
  for (const pair of text.split(',')) {
    const [, key, uri = ''] = /^\s*([a-z][a-z0-9_-]*)=(\S+)\s*$/.exec(pair) ?? []
    const parsed = parseUrl(uri)
    const isAllowed =
      parsed &&
      !parsed.hash &&
      (parsed.protocol === 'https:' ||
        (parsed.protocol === 'http:'
          ? isLoopback(parsed.hostname) && !production
          : /^[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+:$/.test(parsed.protocol)))
    if (!key || !isAllowed || key in uris)
      fault(
        'must be comma-separated key=uri pairs with unique keys; use https, an app’s own scheme like com.example.app:, or loopback http outside production',
      )
    else uris[key] = uri
  }
  return uris
}

/** Leases on provider tokens last longer than any call to a provider. */
export const longestCallMs = 60_000

const breakerMembers = {
  timeout_ms: 'timeoutMs',
  error_threshold_percent: 'errorThresholdPercent',
  volume: 'volume',
  reset_ms: 'resetMs',
} as const

/** Larger numbers are mistakes of units, and could exceed the range of timers. */
const breakerLimits: Readonly<Record<keyof BreakerSettings, number>> = {
  timeoutMs: longestCallMs,
  errorThresholdPercent: 100,
  volume: 1_000_000,
  resetMs: 3_600_000,
}

/** The members of a breaker that the operator sets. */
export function readBreaker(text: string, { fault }: SettingContext): Partial<BreakerSettings> {
  const breaker: Partial<Record<keyof BreakerSettings, number>> = {}
  for (const pair of text.split(',')) {
    const [key = '', value = ''] = pair.trim().split('=')
    const member = Object.hasOwn(breakerMembers, key) ? breakerMembers[key as keyof typeof breakerMembers] : undefined
    const number = Number(value)
    const most = breakerLimits[member ?? 'volume']
    if (!member || !/^\d+$/.test(value) || number < 1 || number > most)
      fault(
        `must be like timeout_ms=5000,error_threshold_percent=50,volume=5,reset_ms=30000; values are whole numbers from 1, timeout_ms up to ${longestCallMs}, error_threshold_percent up to 100, volume up to 1000000, reset_ms up to 3600000`,
      )
    else breaker[member] = number
  }
  return breaker
}
