import { addressSetting } from '../setting.ts'
import { openidKind } from './oidc.ts'

/** Auth0: https://auth0.com/docs/api/authentication */
export const auth0 = openidKind({
  name: 'Auth0',
  registration: 'https://manage.auth0.com, Applications, “Regular Web Application”',
  settings: {
    // The issuer ends with a slash: https://auth0.com/docs/secure/tokens/id-tokens/validate-id-tokens
    DOMAIN: addressSetting(
      {
        description: {
          en: 'Its domain, or its custom domain.',
          'pt-BR': 'O domínio no Auth0, ou o domínio personalizado.',
        },
        example: 'acme.eu.auth0.com',
      },
      (url) => `${url}/`,
    ),
  },
  scopes: ['openid', 'email', 'profile', 'offline_access'],
  // Applications are registered for `client_secret_post` by default, and other methods are then rejected.
  endpoints: () => ({ clientAuth: 'post' }),
  // For a wrong client secret: https://auth0.com/docs/api/authentication#standard-error-responses
  refusals: { access_denied: 'client_config' },
})
