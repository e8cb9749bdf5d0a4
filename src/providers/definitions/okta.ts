import { addressSetting } from '../setting.ts'
import { openidKind } from './oidc.ts'

/** Okta: https://developer.okta.com/docs/reference/api/oidc/ */
export const okta = openidKind({
  name: 'Okta',
  registration: {
    en: 'the Okta Admin Console, Applications, “OIDC - OpenID Connect”, “Web Application”',
    'pt-BR': 'o Okta Admin Console, Applications, “OIDC - OpenID Connect”, “Web Application”',
  },
  settings: {
    DOMAIN: addressSetting({
      description: {
        en: 'Its Okta domain; for a custom authorization server, its issuer: acme.okta.com/oauth2/default.',
        'pt-BR':
          'O domínio na Okta; para um servidor de autorização personalizado, o issuer dele: ' +
          'acme.okta.com/oauth2/default.',
      },
      example: 'acme.okta.com',
    }),
  },
  // No `offline_access`: Okta rejects it unless the application has the grant type Refresh Token.
  permissionsUrl: (_clientId, { issuer = '' }) => `${new URL(issuer).origin}/enduser/settings`,
})
