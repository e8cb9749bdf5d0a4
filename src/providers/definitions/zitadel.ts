import { addressSetting } from '../setting.ts'
import { openidKind } from './oidc.ts'

/** Zitadel: https://zitadel.com/docs/apis/openidoauth/endpoints */
export const zitadel = openidKind({
  name: 'Zitadel',
  registration: {
    en: 'the Zitadel console, a project, New application, “Web”, “Code” with a client secret',
    'pt-BR': 'o console do Zitadel, um projeto, New application, “Web”, “Code” com um client secret',
  },
  settings: {
    ISSUER: addressSetting({
      description: {
        en: 'Its issuer: the URL of the instance, as the application shows it under “URLs”.',
        'pt-BR': 'O issuer: a URL da instância, como o aplicativo a mostra em “URLs”.',
      },
      example: 'https://acme.zitadel.cloud',
    }),
  },
  scopes: ['openid', 'email', 'profile', 'offline_access'],
})
