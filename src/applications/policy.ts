/**
 * The rules of registered applications, pure: what each kind may do, which redirect URIs may be registered and used,
 * and what the scopes mean.
 */

import { isLoopback } from '../kernel/loopback.ts'
import { parseUrl } from '../kernel/parse-url.ts'

/**
 * Where the code of an application runs, because that decides whether it can keep a secret (RFC 6749 §2.1): in a
 * browser, on a server, or on the device of the person. A `device` has no browser: people sign in on another device. A
 * machine acts for itself: nobody signs in to it.
 */
export const applicationKinds = ['browser', 'server', 'native', 'device', 'machine'] as const
export type ApplicationKind = (typeof applicationKinds)[number]

/** How an application authenticates at the token endpoint. */
export const applicationAuths = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const
export type ApplicationAuth = (typeof applicationAuths)[number]

/**
 * Who registered an application: an administrator, or the application itself, with a request (RFC 7591) or with a
 * document at the URL that is its ID. Nobody has checked what an application says about itself.
 */
export const applicationSources = ['administrator', 'registration', 'document'] as const
export type ApplicationSource = (typeof applicationSources)[number]

/** Who may register applications besides administrators: nobody, anyone with an initial access token, or anyone. */
export const registrationModes = ['off', 'token', 'open'] as const
export type RegistrationMode = (typeof registrationModes)[number]

type KindRules = {
  /** How it may authenticate; the first one is the default. */
  readonly auths: readonly ApplicationAuth[]
  /** Whether people sign in to it. */
  readonly hasPeople: boolean
  /** Whether a browser returns to it after a sign-in. */
  readonly hasRedirects: boolean
  /** Whether people may sign in to it with a browser on another device (RFC 8628). */
  readonly hasDeviceFlow: boolean
  /** Whether its scripts call the API in a browser, from registered origins. */
  readonly hasOrigins: boolean
}

/** Only a server can keep a secret. Code in a browser or on a device is readable by its user. */
const secrets = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const
const people = { hasPeople: true, hasRedirects: true, hasDeviceFlow: false, hasOrigins: false } as const
export const kindRules: Readonly<Record<ApplicationKind, KindRules>> = {
  browser: { ...people, auths: ['none'], hasOrigins: true },
  server: { ...people, auths: secrets },
  native: { ...people, auths: ['none'], hasDeviceFlow: true },
  device: { ...people, auths: ['none'], hasRedirects: false, hasDeviceFlow: true },
  machine: { auths: secrets, hasPeople: false, hasRedirects: false, hasDeviceFlow: false, hasOrigins: false },
}
/** Whether applications of this method have a secret, of which the hash is stored. */
export const hasSecret = (auth: ApplicationAuth): boolean =>
  auth === 'client_secret_basic' || auth === 'client_secret_post'
export const applicationAuthsOf = (kind: ApplicationKind): readonly ApplicationAuth[] => kindRules[kind].auths

/**
 * Whether people may sign in to it with a code that they type on another device. Not to an application that registered
 * itself: anyone could register one and send people a code (RFC 8628 §5.4).
 */
export const hasDeviceFlow = ({
  kind,
  source,
}: {
  readonly kind: ApplicationKind
  readonly source: ApplicationSource
}) => kindRules[kind].hasDeviceFlow && source === 'administrator'

/** How many public keys an application may register. */
const mostKeys = 10

/** How much may be registered. A name fits in a heading; a URI is never longer in any browser's address bar. */
export const applicationLimits = {
  nameLength: 80,
  uriLength: 2048,
  uris: 50,
  origins: 20,
  resources: 20,
  scopes: 50,
  keys: mostKeys,
  keySetBytes: 65_536,
  accessSeconds: { least: 60, most: 86_400 },
  refreshSeconds: { least: 300, most: 365 * 86_400 },
  /** People who are signed in to an application are counted up to this number. */
  countedUsers: 10_000,
} as const

/** How often and how long an initial access token may be used. */
export const registrationTokenLimits = {
  uses: 1000,
  seconds: { least: 60, most: 365 * 86_400 },
} as const

/** The scopes of OpenID Connect and of this service. Any other scope belongs to the resources of an application. */
export const standardScopes = ['openid', 'profile', 'email', 'offline_access', 'teams', 'metadata'] as const
export type StandardScope = (typeof standardScopes)[number]
export const isStandardScope = (scope: string): scope is StandardScope =>
  (standardScopes as readonly string[]).includes(scope)

/** A scope token of RFC 6749 §3.3. */
export const isScope = (text: string): boolean => /^[\x21\x23-\x5b\x5d-\x7e]{1,100}$/.test(text)

/** The scopes that a token without a resource has: those of this service. */
export const standardOf = (scopes: readonly string[]): readonly string[] => scopes.filter(isStandardScope)
/** The scopes that a token for a resource has: those of the application's own API. */
export const resourceScopesOf = (scopes: readonly string[]): readonly string[] =>
  scopes.filter((scope) => !isStandardScope(scope))

/** Schemes that name no application: a browser runs or opens such a URL itself. */
const forbiddenSchemes: ReadonlySet<string> = new Set([
  'javascript:',
  'data:',
  'blob:',
  'file:',
  'about:',
  'vbscript:',
  'ftp:',
  'ws:',
  'wss:',
])

export type UriFault =
  | 'not_a_url'
  | 'fragment'
  | 'credentials'
  | 'scheme'
  | 'https_required'
  | 'wildcard'
  | 'not_an_origin'

/**
 * Why a redirect URI cannot be registered; `undefined` if it can. It is compared exactly later, so it must be written
 * exactly as the application sends it (RFC 9700 §2.1). Plain http is only for loopback hosts. Native applications may
 * also use a private scheme in reverse domain order (RFC 8252 §7.1).
 */
export function redirectUriFault(kind: ApplicationKind, text: string): UriFault | undefined {
  if (text.includes('*')) return 'wildcard'
  if (parseUrl(text) === undefined || /[\s\p{C}\\]/u.test(text)) return 'not_a_url'
  const url = new URL(text)
  if (text.includes('#')) return 'fragment'
  if (url.username !== '' || url.password !== '') return 'credentials'
  if (forbiddenSchemes.has(url.protocol)) return 'scheme'
  if (url.protocol === 'https:') return undefined
  if (url.protocol === 'http:') return isLoopback(url.hostname) ? undefined : 'https_required'
  // Any app on a device can claim a scheme. One with a domain is at least not claimed by accident.
  return kind === 'native' && url.protocol.includes('.') ? undefined : 'scheme'
}

/**
 * Whether an application may receive a browser at `given`. The comparison is exact, character by character. One
 * exception: a native application on a loopback address gets a port from its system at run time, so the port is free
 * (RFC 8252 §7.3). The name `localhost` is no loopback address there: something else may resolve it.
 */
export function isRegisteredRedirect(kind: ApplicationKind, registered: readonly string[], given: string): boolean {
  if (registered.includes(given)) return true
  if (kind !== 'native') return false
  const loopback = loopbackAddress(given)
  return loopback !== undefined && registered.some((one) => loopbackAddress(one) === loopback)
}

/** A redirect URI on a loopback address, without its port. */
function loopbackAddress(text: string): string | undefined {
  const found = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(?::\d{1,5})?(\/[^\s#]*|\?[^\s#]*|)$/.exec(text)
  return found ? `${found[1]}${found[2]}` : undefined
}

/** A resource of RFC 8707 §2: an absolute URL without a fragment. It becomes the audience of access tokens. */
export const isResource = (text: string): boolean =>
  parseUrl(text) !== undefined && !text.includes('#') && !/[\s\p{C}\\]/u.test(text) && /^(https?:|urn:)/i.test(text)

/** Why a URL that this service or a browser requests cannot be registered: plain http is only for loopback hosts. */
export function webUrlFault(text: string): UriFault | undefined {
  if (parseUrl(text) === undefined || /[\s\p{C}\\]/u.test(text)) return 'not_a_url'
  const url = new URL(text)
  if (text.includes('#')) return 'fragment'
  if (url.username !== '' || url.password !== '') return 'credentials'
  if (url.protocol === 'https:') return undefined
  if (url.protocol !== 'http:') return 'scheme'
  return isLoopback(url.hostname) ? undefined : 'https_required'
}

/** Why an origin cannot be registered. It is compared exactly with the `Origin` header, so it is written as there. */
export function originFault(text: string): UriFault | undefined {
  if (text.includes('*')) return 'wildcard'
  return webUrlFault(text) ?? (new URL(text).origin === text ? undefined : 'not_an_origin')
}

/** The origins of redirect URIs that may be registered, each once: those from which a browser application runs. */
export const redirectOrigins = (uris: readonly string[]): readonly string[] => {
  const origins = uris.flatMap((uri) => (parseUrl(uri) !== undefined ? [new URL(uri).origin] : []))
  return [...new Set(origins)].filter((origin) => originFault(origin) === undefined)
}

/**
 * How an application knows people: by account ID, or by an ID of its own that other applications do not know (OpenID
 * Connect Core §8).
 */
export const subjectTypes = ['public', 'pairwise'] as const
export type SubjectType = (typeof subjectTypes)[number]

/**
 * With what the id_tokens and logout tokens of an application are signed. RS256 is for clients that verify nothing else:
 * OpenID Connect Core §15.1 demands it of every provider.
 */
export const idTokenAlgorithms = ['ES256', 'RS256'] as const
export type IdTokenAlgorithm = (typeof idTokenAlgorithms)[number]

/** The hosts of redirect URIs, each once. A loopback host and a private scheme belong to no one, so they name no host. */
export const redirectHosts = (uris: readonly string[]): readonly string[] => {
  const hosts = uris.flatMap((uri) => {
    if (parseUrl(uri) === undefined) return []
    const { protocol, hostname, host } = new URL(uri)
    return /^https?:$/.test(protocol) && !isLoopback(hostname) ? [host] : []
  })
  return [...new Set(hosts)]
}

/**
 * The sector of an application: those of one sector know a person by the same pairwise subject. It is the host of its
 * `sector_identifier_uri`, or else of its redirect URIs. An application without either is a sector of its own.
 */
export function sectorOf({
  id,
  redirectUris,
  sectorIdentifierUri,
}: {
  readonly id: string
  readonly redirectUris: readonly string[]
  readonly sectorIdentifierUri: string | null
}): string {
  if (sectorIdentifierUri !== null) return new URL(sectorIdentifierUri).host
  return redirectHosts(redirectUris)[0] ?? id
}

/** How long the URL of a metadata document may be. */
const documentUrlLength = 256

/**
 * Whether an application ID is the URL of a metadata document (draft-ietf-oauth-client-id-metadata-document §3): with a
 * path, and without fragment, credentials, query and path segments of dots. It is compared character by character, so it
 * must be written as browsers write it. Plain http is only for loopback hosts, which no other machine can reach.
 */
export function isDocumentUrl(id: string): boolean {
  if (id.length > documentUrlLength || !/^https?:\/\/[\w.:[\]-]+\/[\w.~!$&'()*+,;=:@%/-]+$/.test(id)) return false
  const url = parseUrl(id)
  if (url?.href !== id || /%2e|%2f|%5c|%0/i.test(id)) return false
  return url.protocol === 'https:' || isLoopback(url.hostname)
}

/** Whether text can be the ID of an application: one of ours, or the URL of a document. */
export const isApplicationId = (text: string): boolean => /^\w{1,80}$/.test(text) || isDocumentUrl(text)

type Operated = {
  readonly id: string
  readonly firstParty: boolean
  readonly source: ApplicationSource
  readonly redirectUris: readonly string[]
}

/**
 * The host that an application runs at: anyone can choose a name, but not the domain of someone else. `null` if it is
 * operated by us, or has no host. An application that registered itself can have redirect URIs at several hosts, so it
 * runs where the browser returns to in this request, or at all of them without a request. The URL that it gives as its
 * home page is not used: nobody has checked it. The host of a metadata document comes first: who controls it, operates
 * the application.
 */
export function hostOf({ id, firstParty, source, redirectUris }: Operated, redirectUri?: string | null): string | null {
  if (firstParty) return null
  const places = source === 'administrator' ? redirectUris.slice(0, 1) : redirectUri ? [redirectUri] : redirectUris
  const hosts = places.flatMap((uri) => {
    if (parseUrl(uri) === undefined) return []
    const { host, protocol } = new URL(uri)
    // The private scheme of a native application is all that tells it apart from others.
    return host !== '' ? [host] : source === 'administrator' ? [] : [protocol.slice(0, -1)]
  })
  const all = [...(source === 'document' ? [new URL(id).host] : []), ...hosts]
  return all.length === 0 ? null : [...new Set(all)].join(', ')
}

/**
 * What people see as the name of an application. If it registered itself, it can have the name of another one, or one
 * that only looks like it, so the host belongs to its name.
 */
export function shownNameOf(application: Operated & { readonly name: string }, redirectUri?: string | null): string {
  const { id, name, source } = application
  const host =
    source === 'administrator' ? null : source === 'document' ? new URL(id).host : hostOf(application, redirectUri)
  return host === null || host === name ? name : `${name} (${host})`
}

/**
 * What a person allowed counts only for the metadata document that they saw: another one may be of another operator, who
 * got the domain.
 */
export const ofSameDocument = <C extends { readonly documentHash: string | null }>(
  { documentHash }: { readonly documentHash: string | null },
  consent: C | undefined,
): C | undefined => (consent?.documentHash === documentHash ? consent : undefined)

/** Whether everything that is asked for was already allowed. First-party applications need no consent. */
export const isAllowed = (
  asked: { readonly scopes: readonly string[]; readonly resources: readonly string[] },
  allowed: { readonly scopes: readonly string[]; readonly resources: readonly string[] } | undefined,
): boolean =>
  allowed !== undefined &&
  asked.scopes.every((scope) => allowed.scopes.includes(scope)) &&
  asked.resources.every((resource) => allowed.resources.includes(resource))

/** How long a person may take to sign in for an application, in seconds. */
export const requestSeconds = 3600

/** The authentication context class of a sign-in with two factors, for `acr` and `acr_values`. */
export const twoFactorClass = 'urn:vinculum:acr:two-factor'
/** The context class of a sign-in; `undefined` with a single factor. */
export const classOf = (amr: readonly string[]): string | undefined =>
  amr.includes('mfa') ? twoFactorClass : undefined
