import { deviceGrant } from '../applications/metadata.ts'
import { type ApplicationKind, hasDeviceFlow, isStandardScope, kindRules } from '../applications/policy.ts'
import type { Application } from '../applications/ports.ts'

/** An application as the engine describes a client (OpenID Connect Dynamic Client Registration §2). */
export const clientOf = (application: Application): Readonly<Record<string, unknown>> => {
  const { id, name, kind, firstParty, redirectUris, clientAuth, scopes, jwks, jwksUri, requiresDpop } = application
  const { hasRedirects } = kindRules[kind]
  return {
    client_id: id,
    client_name: name,
    application_type: applicationTypes[kind],
    redirect_uris: [...redirectUris],
    response_types: hasRedirects ? ['code'] : [],
    grant_types: [
      ...(hasRedirects ? ['authorization_code'] : []),
      ...(hasDeviceFlow(application) ? [deviceGrant] : []),
      ...(scopes.includes('offline_access') ? ['refresh_token'] : []),
    ],
    token_endpoint_auth_method: 'none',
    requires_pkce: clientAuth === 'none',
    first_party: firstParty,
    dpop_bound_access_tokens: requiresDpop,
    ...(jwks === null ? {} : { jwks }),
    ...(jwksUri === null ? {} : { jwks_uri: jwksUri }),
    scope: scopes.filter(isStandardScope).join(' '),
  }
}
const applicationTypes: Readonly<Record<ApplicationKind, string>> = {
  browser: 'web',
  server: 'web',
  native: 'native',
  device: 'native',
  machine: 'web',
}
