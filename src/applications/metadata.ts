import { dpopAlgorithms, signingAlgorithms } from './keys.ts'
import {
  applicationAuths,
  idTokenAlgorithms,
  type RegistrationMode,
  standardScopes,
  subjectTypes,
  twoFactorClass,
} from './policy.ts'

/** The grant type of the device flow (RFC 8628 §3.4). */
export const deviceGrant = 'urn:ietf:params:oauth:grant-type:device_code'

/** The paths of the OpenID provider. */
export const paths = {
  authorize: '/oauth/authorize',
  interaction: '/oauth/interaction',
  token: '/oauth/token',
  par: '/oauth/par',
  device: '/oauth/device',
  /** Where people type the code that a device shows. Short, because they type the address as well. */
  deviceCode: '/device',
  userinfo: '/oauth/userinfo',
  logout: '/oauth/logout',
  register: '/oauth/register',
  revoke: '/oauth/revoke',
  introspect: '/oauth/introspect',
  jwks: '/.well-known/jwks.json',
} as const

type ServerSettings = {
  readonly issuer: string
  readonly publicUrl: URL
  /** Who may register applications. */
  readonly registration: RegistrationMode
  readonly metadataDocuments: boolean
}

/**
 * The metadata of this service as an authorization server (RFC 8414) and OpenID provider (Discovery 1.0). It is one
 * document at two addresses: a client must not find another server depending on which standard it follows.
 */
export function metadataOf({ issuer, publicUrl, registration, metadataDocuments }: ServerSettings) {
  const at = (path: string): string => new URL(path, publicUrl).href
  return {
    issuer,
    authorization_endpoint: at(paths.authorize),
    token_endpoint: at(paths.token),
    userinfo_endpoint: at(paths.userinfo),
    end_session_endpoint: at(paths.logout),
    pushed_authorization_request_endpoint: at(paths.par),
    device_authorization_endpoint: at(paths.device),
    revocation_endpoint: at(paths.revoke),
    introspection_endpoint: at(paths.introspect),
    ...(registration === 'off' ? {} : { registration_endpoint: at(paths.register) }),
    jwks_uri: at(paths.jwks),
    scopes_supported: [...standardScopes],
    response_types_supported: ['code'],
    response_modes_supported: ['query'],
    dpop_signing_alg_values_supported: [...dpopAlgorithms],
    grant_types_supported: ['authorization_code', 'refresh_token', 'client_credentials', deviceGrant],
    subject_types_supported: [...subjectTypes],
    id_token_signing_alg_values_supported: [...idTokenAlgorithms],
    token_endpoint_auth_methods_supported: [...applicationAuths],
    token_endpoint_auth_signing_alg_values_supported: [...signingAlgorithms],
    revocation_endpoint_auth_methods_supported: [...applicationAuths],
    revocation_endpoint_auth_signing_alg_values_supported: [...signingAlgorithms],
    // RFC 8414 §2: a method of the token endpoint, or a type of access token.
    introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'Bearer'],
    code_challenge_methods_supported: ['S256'],
    prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
    acr_values_supported: [twoFactorClass],
    claims_supported: [
      'sub',
      'iss',
      'aud',
      'exp',
      'iat',
      'auth_time',
      'acr',
      'amr',
      'sid',
      'nonce',
      'name',
      'picture',
      'locale',
      'updated_at',
      'email',
      'email_verified',
      'teams',
      'metadata',
    ],
    authorization_response_iss_parameter_supported: true,
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
    request_parameter_supported: true,
    request_object_signing_alg_values_supported: [...signingAlgorithms],
    require_signed_request_object: false,
    request_uri_parameter_supported: false,
    claims_parameter_supported: false,
    ...(metadataDocuments ? { client_id_metadata_document_supported: true } : {}),
    service_documentation: at('/docs'),
  }
}

/**
 * The URLs that name our own API as a resource: the one of our metadata, and what clients make of it. A token for one of
 * them is the same as a token without a resource.
 */
export const ownResources = (publicUrl: URL): readonly string[] => [
  publicUrl.origin,
  `${publicUrl.origin}/`,
  new URL('/me', publicUrl).href,
]

/** The metadata of our own API as a resource server (RFC 9728). Without `resource` in a request, tokens are for it. */
export const resourceOf = ({ issuer, publicUrl }: Pick<ServerSettings, 'issuer' | 'publicUrl'>) => ({
  resource: publicUrl.origin,
  authorization_servers: [issuer],
  scopes_supported: [...standardScopes],
  bearer_methods_supported: ['header'],
  dpop_signing_alg_values_supported: [...dpopAlgorithms],
  resource_documentation: new URL('/docs', publicUrl).href,
})
