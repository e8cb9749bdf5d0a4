/** The settings that every provider has. A kind can replace or remove them. */
import type { BreakerSettings } from './provider.ts'
import { readScopeTexts } from './scope-texts.ts'
import {
  choiceSetting,
  domains,
  endpointSetting,
  listSetting,
  readBreaker,
  readRedirectUris,
  restrictionSetting,
  type SettingTable,
  textSetting,
} from './setting.ts'

export const commonSettings = {
  CLIENT_ID: textSetting('clientId', {
    description: {
      en: 'Client ID from the app registration.',
      'pt-BR': 'O client ID do registro do aplicativo.',
    },
    isRequired: true,
  }),
  CLIENT_SECRET: textSetting('clientSecret', {
    description: {
      en: 'Client secret from the app registration; in production at least 16 characters.',
      'pt-BR': 'O client secret do registro do aplicativo; em produção, ao menos 16 caracteres.',
    },
    isRequired: true,
    isSecret: true,
  }),
  NAME: textSetting('name', {
    description: {
      en: 'Name on the sign-in button.',
      'pt-BR': 'O nome no botão de login.',
    },
    isDisplayed: true,
  }),
  SCOPES: listSetting('scopes', {
    description: {
      en: 'Scopes to request for a sign-in, separated by spaces or commas.',
      'pt-BR': 'Os escopos pedidos no login, separados por espaços ou vírgulas.',
    },
  }),
  OPTIONAL_SCOPES: listSetting('optionalScopes', {
    description: {
      en: 'Scopes that users can grant in addition on their account page. Default: none.',
      'pt-BR': 'Escopos que as pessoas podem conceder a mais na página da conta. Padrão: nenhum.',
    },
  }),
  SCOPE_TEXTS: {
    description: {
      en:
        'Your own words for scopes, as scope=English|Portuguese pairs separated by semicolons. ' +
        'They complete "You allow us to …". With one text, both languages show it. Default: the words of Vinculum.',
      'pt-BR':
        'As suas próprias palavras para os escopos, em pares escopo=inglês|português separados por ponto e vírgula. ' +
        'Elas completam “Você nos permite …”. Um único texto vale para os dois idiomas. ' +
        'Padrão: as palavras do Vinculum.',
    },
    example: 'read:orders=see your orders|ver os seus pedidos; write:orders=place orders|fazer pedidos',
    isMultiline: true,
    read: (text, { fault }) => ({ scopeTexts: readScopeTexts(text, fault) }),
  },
  REDIRECT_URIS: {
    description: {
      en: 'Redirect URIs by key; `default` is <PUBLIC_URL>/auth/<id>/callback.',
      'pt-BR': 'URIs de redirecionamento por chave; `default` é <PUBLIC_URL>/auth/<id>/callback.',
    },
    read: (text, context) => ({ redirectUris: readRedirectUris(text, context) }),
  },
  AUTHORIZE_URL: endpointSetting('authorize', {
    description: {
      en: 'Authorization endpoint that replaces the default.',
      'pt-BR': 'Endpoint de autorização que substitui o padrão.',
    },
  }),
  TOKEN_URL: endpointSetting('token', {
    description: {
      en: 'Token endpoint that replaces the default.',
      'pt-BR': 'Endpoint de token que substitui o padrão.',
    },
  }),
  USERINFO_URL: endpointSetting('userinfo', {
    description: {
      en: 'UserInfo endpoint that replaces the default.',
      'pt-BR': 'Endpoint UserInfo que substitui o padrão.',
    },
  }),
  REVOKE_URL: endpointSetting('revoke', {
    description: {
      en: 'Revocation endpoint that replaces the default.',
      'pt-BR': 'Endpoint de revogação que substitui o padrão.',
    },
  }),
  EMAIL_TRUST: choiceSetting('emailTrust', ['authoritative', 'verified', 'never'], {
    description: {
      en:
        'Which email addresses count as verified: `authoritative`: those of mailboxes that the provider hosts; ' +
        '`verified`: all that it marks as verified; `never`: none.',
      'pt-BR':
        'Quais e-mails contam como verificados: `authoritative`: os das caixas que o provedor hospeda; ' +
        '`verified`: todos os que ele marca como verificados; `never`: nenhum.',
    },
  }),
  SECOND_FACTOR: choiceSetting('secondFactor', ['trusted', 'ask'], {
    description: {
      en:
        '`trusted` if the provider always requires a second factor: Vinculum then does not ask for its own. ' +
        'Default: ask.',
      'pt-BR':
        '`trusted` se o provedor sempre exige um segundo fator: nesse caso, o Vinculum não pede outro. Padrão: ask.',
    },
    example: 'ask',
  }),
  EMAIL_DOMAINS: restrictionSetting('emailDomains', domains, {
    description: {
      en: 'Only people with a verified email address in one of these domains may sign in. Default: no restriction.',
      'pt-BR': 'Só entram pessoas com um e-mail verificado em um destes domínios. Padrão: sem restrição.',
    },
    example: 'example.com',
  }),
  TOKEN_AUTH: choiceSetting('tokenAuth', ['basic', 'post'], {
    description: {
      en: 'How the client secret is sent: `basic` (in a header) or `post` (in the body).',
      'pt-BR': 'Como o client secret é enviado: `basic` (em um cabeçalho) ou `post` (no corpo).',
    },
  }),
  BREAKER: {
    description: {
      en: 'Circuit breaker for each kind of call. Default of timeout_ms: OAUTH_HTTP_TIMEOUT_MS.',
      'pt-BR': 'O circuit breaker de cada tipo de chamada. Padrão de timeout_ms: OAUTH_HTTP_TIMEOUT_MS.',
    },
    example: 'timeout_ms=5000,error_threshold_percent=50,volume=5,reset_ms=30000',
    read: (text, context) => ({ breaker: readBreaker(text, context) as BreakerSettings }),
  },
} as const satisfies SettingTable
