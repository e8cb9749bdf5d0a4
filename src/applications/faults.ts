import { isKeySet } from './keys.ts'
import {
  applicationAuthsOf,
  applicationLimits,
  isResource,
  isScope,
  isStandardScope,
  kindRules,
  originFault,
  redirectHosts,
  redirectUriFault,
  sectorOf,
  type UriFault,
  webUrlFault,
} from './policy.ts'
import type { Application } from './ports.ts'

type Reason =
  | Exclude<UriFault, 'not_a_url'>
  | 'invalid'
  | 'invalid_format'
  | 'required'
  | 'too_long'
  | 'too_small'
  | 'too_large'
  | 'too_many'
  | 'duplicate'
  | 'in_use'
  | 'several_hosts'
  | 'unreachable'
  | 'not_listed'

/** The field of an application that a rule refuses. `limit` belongs to the reasons that name one. */
export type ApplicationFault = {
  readonly path: string
  readonly reason: Reason
  readonly limit?: number
}

type Checked = Omit<
  Application,
  | 'id'
  | 'logo'
  | 'secretHash'
  | 'registrationHash'
  | 'documentHash'
  | 'documentReadAt'
  | 'createdBy'
  | 'createdAt'
  | 'updatedAt'
  | 'lastUsedAt'
>
type Faults = readonly ApplicationFault[]

/** One entry of a list at its place, so that an error names the line. */
function ofList(
  path: string,
  all: readonly string[],
  most: number,
  faultIn: (one: string) => Reason | undefined,
  length: number = applicationLimits.uriLength,
): Faults {
  if (all.length > most) return [{ path, reason: 'too_many', limit: most }]
  return all.flatMap((one, at): Faults => {
    const here = `${path}.${at}`
    if (one.length > length) return [{ path: here, reason: 'too_long', limit: length }]
    if (all.indexOf(one) !== at) return [{ path: here, reason: 'duplicate' }]
    const reason = faultIn(one)
    return reason === undefined ? [] : [{ path: here, reason }]
  })
}

const named = (fault: UriFault | undefined): Reason | undefined => (fault === 'not_a_url' ? 'invalid_format' : fault)

const ofUrl = (path: string, url: string | null): Faults => {
  if (url === null) return []
  if (url.length > applicationLimits.uriLength)
    return [{ path, reason: 'too_long', limit: applicationLimits.uriLength }]
  const reason = named(webUrlFault(url))
  return reason === undefined ? [] : [{ path, reason }]
}

const ofSeconds = (path: string, value: number | null, { least, most }: { least: number; most: number }): Faults => {
  if (value === null) return []
  if (!Number.isInteger(value)) return [{ path, reason: 'invalid_format' }]
  if (value < least) return [{ path, reason: 'too_small', limit: least }]
  return value > most ? [{ path, reason: 'too_large', limit: most }] : []
}

/** A machine has tokens for its resources only: there is no person whose data it could see or who could sign out. */
const ofMachine = ({ scopes, resources, backchannelLogoutUri, idTokenAlgorithm }: Checked): Faults => [
  ...(resources.length === 0 ? [{ path: 'resources', reason: 'required' } as const] : []),
  ...(scopes.some(isStandardScope) ? [{ path: 'scopes', reason: 'invalid' } as const] : []),
  ...(backchannelLogoutUri === null ? [] : [{ path: 'backchannel_logout_uri', reason: 'invalid' } as const]),
  ...(idTokenAlgorithm === 'ES256' ? [] : [{ path: 'id_token_signed_response_alg', reason: 'invalid' } as const]),
]

/** No browser returns to an application without redirects. */
const ofUnreachable = ({ redirectUris, postLogoutRedirectUris }: Checked): Faults => [
  ...(redirectUris.length > 0 ? [{ path: 'redirect_uris', reason: 'invalid' } as const] : []),
  ...(postLogoutRedirectUris.length > 0 ? [{ path: 'post_logout_redirect_uris', reason: 'invalid' } as const] : []),
]

/** Keys are given in one way. An application that signs its authentication has some. */
const ofKeys = ({ jwks, jwksUri, clientAuth }: Checked): Faults => {
  if (jwks !== null && jwksUri !== null) return [{ path: 'jwks', reason: 'invalid' }]
  if (clientAuth === 'private_key_jwt' && jwks === null && jwksUri === null)
    return [{ path: 'jwks', reason: 'required' }]
  return jwks === null || isKeySet(jwks) ? [] : [{ path: 'jwks', reason: 'invalid_format' }]
}

/** Pairwise subjects need people, and one host that says for whom they are the same. */
const ofSubjects = ({ kind, subjectType, sectorIdentifierUri, redirectUris }: Checked): Faults => {
  if (subjectType === 'public')
    return sectorIdentifierUri === null ? [] : [{ path: 'sector_identifier_uri', reason: 'invalid' }]
  if (!kindRules[kind].hasPeople) return [{ path: 'subject_type', reason: 'invalid' }]
  // The list at this URL says which redirect URIs belong to the sector. Without any, anyone could join it.
  if (sectorIdentifierUri !== null && !kindRules[kind].hasRedirects)
    return [{ path: 'sector_identifier_uri', reason: 'invalid' }]
  if (sectorIdentifierUri !== null) return ofUrl('sector_identifier_uri', sectorIdentifierUri)
  return redirectHosts(redirectUris).length > 1 ? [{ path: 'sector_identifier_uri', reason: 'several_hosts' }] : []
}

/**
 * The change that would give an application other subjects after it was used: it would take its people for strangers.
 */
export function ofChangedSubjects(current: Application, next: Application): Faults {
  if (current.lastUsedAt === null) return []
  if (current.subjectType !== next.subjectType) return [{ path: 'subject_type', reason: 'in_use' }]
  if (next.subjectType === 'public' || sectorOf(current) === sectorOf(next)) return []
  const path = current.sectorIdentifierUri === next.sectorIdentifierUri ? 'redirect_uris' : 'sector_identifier_uri'
  return [{ path, reason: 'in_use' }]
}

/** What a metadata document says is changed there: the next reading would undo any other change. */
export const ofDocument = ({ source }: Pick<Application, 'source'>): Faults =>
  source === 'document' ? [{ path: 'source', reason: 'invalid' }] : []

/** What the list at a `sector_identifier_uri` must contain (OpenID Connect Core §8.1); `undefined`: it was not found. */
export function ofSectorDocument(
  { redirectUris }: Pick<Application, 'redirectUris'>,
  listed: readonly string[] | undefined,
): Faults {
  const reason = listed === undefined ? 'unreachable' : 'not_listed'
  return redirectUris.every((uri) => listed?.includes(uri)) && listed ? [] : [{ path: 'sector_identifier_uri', reason }]
}

/** The fields that break a rule. API, pages and files of applications all check with it. */
export function faultsOf(application: Checked): Faults {
  const { kind, name, redirectUris, postLogoutRedirectUris, scopes, resources, clientAuth, corsOrigins } = application
  const { hasPeople, hasRedirects } = kindRules[kind]
  return [
    ...(name === '' ? [{ path: 'name', reason: 'required' } as const] : []),
    ...(name.length > applicationLimits.nameLength
      ? [{ path: 'name', reason: 'too_long', limit: applicationLimits.nameLength } as const]
      : []),
    // Nobody has checked it, so people are always asked.
    ...(application.firstParty && application.source !== 'administrator'
      ? [{ path: 'first_party', reason: 'invalid' } as const]
      : []),
    ...(redirectUris.length === 0 && hasRedirects ? [{ path: 'redirect_uris', reason: 'required' } as const] : []),
    ...(hasRedirects ? [] : ofUnreachable(application)),
    ...(hasPeople ? [] : ofMachine(application)),
    ...ofList('redirect_uris', redirectUris, applicationLimits.uris, (uri) => named(redirectUriFault(kind, uri))),
    ...ofList('post_logout_redirect_uris', postLogoutRedirectUris, applicationLimits.uris, (uri) =>
      named(redirectUriFault(kind, uri)),
    ),
    ...(corsOrigins.length > 0 && !kindRules[kind].hasOrigins
      ? [{ path: 'cors_origins', reason: 'invalid' } as const]
      : ofList('cors_origins', corsOrigins, applicationLimits.origins, (origin) => named(originFault(origin)))),
    ...ofList('resources', resources, applicationLimits.resources, (uri) =>
      isResource(uri) ? undefined : 'invalid_format',
    ),
    ...ofList('scopes', scopes, applicationLimits.scopes, (scope) => (isScope(scope) ? undefined : 'invalid_format')),
    ...(scopes.includes('openid') || !hasPeople ? [] : [{ path: 'scopes', reason: 'required' } as const]),
    // A scope that is not standard belongs to a resource. Without one, no token could ever have it.
    ...(resources.length > 0 || scopes.every(isStandardScope) ? [] : [{ path: 'scopes', reason: 'invalid' } as const]),
    ...(applicationAuthsOf(kind).includes(clientAuth) ? [] : [{ path: 'client_auth', reason: 'invalid' } as const]),
    ...ofUrl('backchannel_logout_uri', application.backchannelLogoutUri),
    ...ofUrl('logo_uri', application.logoUri),
    ...ofUrl('jwks_uri', application.jwksUri),
    ...ofKeys(application),
    ...ofSubjects(application),
    ...ofSeconds('access_token_seconds', application.accessTtlSeconds, applicationLimits.accessSeconds),
    ...ofSeconds('refresh_token_seconds', application.refreshTtlSeconds, applicationLimits.refreshSeconds),
  ]
}
