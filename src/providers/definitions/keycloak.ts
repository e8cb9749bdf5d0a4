import { addressSetting } from '../setting.ts'
import { openidKind } from './oidc.ts'

/** Keycloak: https://www.keycloak.org/securing-apps/oidc-layers */
export const keycloak = openidKind({
  name: 'Keycloak',
  registration: {
    en: 'the Keycloak admin console, Clients, with “Client authentication” and “Standard flow”',
    'pt-BR': 'o console de administração do Keycloak, Clients, com “Client authentication” e “Standard flow”',
  },
  settings: {
    ISSUER: addressSetting({
      description: {
        en: 'Its issuer: the URL of the realm, as in Realm settings, “OpenID Endpoint Configuration”.',
        'pt-BR': 'O issuer: a URL do realm, como em Realm settings, “OpenID Endpoint Configuration”.',
      },
      example: 'https://sso.acme.example/realms/acme',
    }),
  },
  // Of the container image: https://www.keycloak.org/server/containers
  foreignVariables: ['KEYCLOAK_ADMIN', 'KEYCLOAK_ADMIN_PASSWORD'],
  // No `offline_access`: there is always a refresh token, and the scope would add an offline session at every sign-in.
  permissionsUrl: (_clientId, { issuer = '' }) => `${issuer}/account/applications`,
})
