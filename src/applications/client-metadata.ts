/**
 * The metadata with which applications describe themselves (RFC 7591 §2, OpenID Connect Dynamic Client Registration §2),
 * read as an application of ours, and written from one. Pure.
 */
import { isLoopback } from '../kernel/loopback.ts'
import { parseUrl } from '../kernel/parse-url.ts'
import { err, ok, type Result } from '../kernel/result.ts'
import type { NewApplication } from './applications.ts'
import type { ApplicationFault } from './faults.ts'
import { deviceGrant } from './metadata.ts'
import { noOpenResources, type OpenResources } from './open-resources.ts'
import {
  type ApplicationAuth,
  type ApplicationKind,
  hasDeviceFlow,
  type IdTokenAlgorithm,
  isStandardScope,
  kindRules,
  redirectHosts,
  type SubjectType,
} from './policy.ts'
import type { Application, ApplicationKeys } from './ports.ts'

/** What an application says about itself. A member that is absent or `null` has its default. */
export type ClientMetadata = {
  readonly redirect_uris?: readonly string[] | null | undefined
  readonly client_name?: string | null | undefined
  readonly application_type?: 'web' | 'native' | null | undefined
  readonly token_endpoint_auth_method?: ApplicationAuth | null | undefined
  readonly grant_types?: readonly string[] | null | undefined
  readonly response_types?: readonly string[] | null | undefined
  readonly scope?: string | null | undefined
  readonly post_logout_redirect_uris?: readonly string[] | null | undefined
  readonly backchannel_logout_uri?: string | null | undefined
  readonly jwks?: ApplicationKeys | null | undefined
  readonly jwks_uri?: string | null | undefined
  readonly dpop_bound_access_tokens?: boolean | null | undefined
  readonly subject_type?: SubjectType | null | undefined
  readonly sector_identifier_uri?: string | null | undefined
  readonly id_token_signed_response_alg?: IdTokenAlgorithm | null | undefined
}

/** Anyone can send it, so it is smaller than what an administrator can register. */
export const clientMetadataLimits = {
  uris: 20,
  uriLength: 512,
  keySetBytes: 16_384,
} as const

/** Characters that would break the line of a name, or reorder the text around it. */
const unreadable = /[\p{Cc}\p{Cs}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u

const placeOf = (uri: string): 'scheme' | 'loopback' | 'web' | 'none' => {
  if (parseUrl(uri) === undefined) return 'none'
  const { protocol, hostname } = new URL(uri)
  if (protocol !== 'https:' && protocol !== 'http:') return 'scheme'
  return isLoopback(hostname) ? 'loopback' : 'web'
}

/**
 * Where the code of an application runs. Only a server has a secret. Without `application_type`, a redirect URI that only
 * a device can receive says that it is native: many such applications do not know the member.
 */
function kindOf({ application_type: type, token_endpoint_auth_method: auth }: ClientMetadata, uris: readonly string[]) {
  const places = uris.map(placeOf)
  const isOnDevice = places.includes('scheme') || (auth === 'none' && places.includes('loopback'))
  const isNative = type === 'native' || (!type && isOnDevice)
  // RFC 7591 §2: a client that names no method has a secret. A native one cannot keep it (RFC 8252 §8.4).
  const clientAuth = auth ?? (isNative ? 'none' : 'client_secret_basic')
  const kind: ApplicationKind = clientAuth !== 'none' ? 'server' : isNative ? 'native' : 'browser'
  return { kind, clientAuth }
}

/**
 * Reads metadata as an application. Whatever it may not have is left out, as RFC 7591 §2 allows, and its response shows
 * what it got: other grants and scopes, and the origins of scripts. It may ask for the resources of `open`. It is never first-party. Without a grant that it can
 * use, it is refused. `faultsOf` checks the rest.
 */
export function readClientMetadata(
  given: ClientMetadata,
  open: OpenResources = noOpenResources,
): Result<NewApplication, readonly ApplicationFault[]> {
  const redirectUris = given.redirect_uris ?? []
  const { kind, clientAuth } = kindOf(given, redirectUris)
  const grants = given.grant_types ?? ['authorization_code']
  const mayAsk = (scope: string): boolean => isStandardScope(scope) || open.scopes.includes(scope)
  const asked = given.scope?.split(' ').filter(mayAsk) ?? ['profile', 'email', ...open.scopes]
  const scopes = ['openid', ...asked, ...(grants.includes('refresh_token') ? ['offline_access'] : [])]
  const postLogoutRedirectUris = given.post_logout_redirect_uris ?? []
  const name = given.client_name?.trim() || redirectHosts(redirectUris)[0] || 'Application'
  const jwks = given.jwks ?? null
  const faults: readonly ApplicationFault[] = [
    ...(grants.includes('authorization_code') ? [] : [{ path: 'grant_types', reason: 'invalid' } as const]),
    ...((given.response_types ?? ['code']).includes('code')
      ? []
      : [{ path: 'response_types', reason: 'invalid' } as const]),
    ...(unreadable.test(name) ? [{ path: 'name', reason: 'invalid_format' } as const] : []),
    ...ofSize('redirect_uris', redirectUris),
    ...ofSize('post_logout_redirect_uris', postLogoutRedirectUris),
    ...(jwks !== null && JSON.stringify(jwks).length > clientMetadataLimits.keySetBytes
      ? [{ path: 'jwks', reason: 'invalid_format' } as const]
      : []),
  ]
  if (faults.length > 0) return err(faults)
  return ok({
    name,
    kind,
    redirectUris,
    postLogoutRedirectUris,
    clientAuth,
    scopes: [...new Set(scopes)],
    firstParty: false,
    corsOrigins: [],
    resources: [...open.resources],
    accessTtlSeconds: null,
    refreshTtlSeconds: null,
    backchannelLogoutUri: given.backchannel_logout_uri ?? null,
    logoUri: null,
    jwks,
    jwksUri: given.jwks_uri ?? null,
    requiresDpop: given.dpop_bound_access_tokens ?? false,
    subjectType: given.subject_type ?? 'public',
    sectorIdentifierUri: given.sector_identifier_uri ?? null,
    // OpenID Connect Dynamic Client Registration §2 has RS256 as default. The response says what was chosen, and a client
    // that registers without OpenID Connect (RFC 7591) does not know the member.
    idTokenAlgorithm: given.id_token_signed_response_alg ?? 'ES256',
  })
}

function ofSize(path: string, uris: readonly string[]): readonly ApplicationFault[] {
  const { uris: most, uriLength } = clientMetadataLimits
  if (uris.length > most) return [{ path, reason: 'too_many', limit: most }]
  return uris.flatMap((uri, at) =>
    uri.length > uriLength ? [{ path: `${path}.${at}`, reason: 'too_long', limit: uriLength } as const] : [],
  )
}

/** The members of metadata, by the members of an application that are named otherwise. */
const metadataNames: Readonly<Record<string, string>> = {
  name: 'client_name',
  client_auth: 'token_endpoint_auth_method',
  scopes: 'scope',
}
/** A fault under the name that the member has in metadata. */
export const inMetadata = ({ path, ...fault }: ApplicationFault): ApplicationFault => {
  const [first = '', ...rest] = path.split('.')
  return { ...fault, path: [metadataNames[first] ?? first, ...rest].join('.') }
}

/** What is registered, as metadata (RFC 7591 §3.2.1). Members without a value are left out. */
export function clientMetadataOf(application: Application) {
  const { kind, scopes, jwks, jwksUri, backchannelLogoutUri, postLogoutRedirectUris, sectorIdentifierUri } = application
  return {
    client_name: application.name,
    application_type: kind === 'native' || kind === 'device' ? ('native' as const) : ('web' as const),
    redirect_uris: [...application.redirectUris],
    ...(postLogoutRedirectUris.length === 0 ? {} : { post_logout_redirect_uris: [...postLogoutRedirectUris] }),
    token_endpoint_auth_method: application.clientAuth,
    grant_types: [
      ...(kindRules[kind].hasRedirects ? ['authorization_code'] : []),
      ...(hasDeviceFlow(application) ? [deviceGrant] : []),
      ...(scopes.includes('offline_access') ? ['refresh_token'] : []),
    ],
    response_types: kindRules[kind].hasRedirects ? ['code'] : [],
    scope: scopes.join(' '),
    id_token_signed_response_alg: application.idTokenAlgorithm,
    subject_type: application.subjectType,
    dpop_bound_access_tokens: application.requiresDpop,
    ...(sectorIdentifierUri === null ? {} : { sector_identifier_uri: sectorIdentifierUri }),
    ...(jwks === null ? {} : { jwks: { keys: jwks.keys.map((key) => ({ ...key })) } }),
    ...(jwksUri === null ? {} : { jwks_uri: jwksUri }),
    ...(backchannelLogoutUri === null
      ? {}
      : { backchannel_logout_uri: backchannelLogoutUri, backchannel_logout_session_required: true }),
  }
}
