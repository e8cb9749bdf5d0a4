import { faLinkedin } from '@fortawesome/free-brands-svg-icons/faLinkedin'
import { markOf } from '../mark.ts'
import { choiceSetting, urlSetting } from '../setting.ts'
import { openidKind } from './oidc.ts'

/**
 * LinkedIn: https://learn.microsoft.com/linkedin/consumer/integrations/self-serve/sign-in-with-linkedin-v2
 *
 * Its id_tokens do not repeat the nonce, and it rejects a code verifier together with a client secret
 * (`invalid_client`). So nothing but the state binds a code to its browser: a code that an attacker steals before it is
 * used could be redeemed in the attacker's own sign-in (RFC 9700 §4.5). It accepts PKCE only from applications without a
 * secret, after it has enabled that for them. The operator must choose.
 */
export const linkedin = openidKind({
  name: 'LinkedIn',
  mark: markOf(faLinkedin),
  registration: {
    en: 'https://www.linkedin.com/developers/apps, product “Sign In with LinkedIn using OpenID Connect”',
    'pt-BR': 'https://www.linkedin.com/developers/apps, produto “Sign In with LinkedIn using OpenID Connect”',
  },
  settings: {
    PKCE: choiceSetting('pkce', ['off', 'without_secret'], {
      description: {
        en:
          '`off`, which ordinary applications need and which weakens protection against stolen codes, or ' +
          '`without_secret`, if LinkedIn enabled PKCE for yours (docs/providers.md).',
        'pt-BR':
          '`off`, de que aplicativos comuns precisam e que enfraquece a proteção contra códigos roubados, ou ' +
          '`without_secret`, se o LinkedIn ativou PKCE para o seu (docs/providers.md).',
      },
      example: 'off',
      isRequired: true,
    }),
    ISSUER: urlSetting('issuer', {
      description: {
        en: 'Its issuer, if not LinkedIn itself: an emulator.',
        'pt-BR': 'O issuer, se não for o próprio LinkedIn: um emulador.',
      },
      example: 'https://www.linkedin.com/oauth',
    }),
  },
  complete: (given) => ({ issuer: 'https://www.linkedin.com/oauth', ...given, nonce: 'off' }),
  // With PKCE, people authorize at another address:
  // https://learn.microsoft.com/linkedin/shared/authentication/authorization-code-flow-native
  endpoints: ({ issuer, pkce }) => ({
    clientAuth: 'post',
    ...(pkce === 'without_secret' ? { authorize: `${issuer}/native-pkce/authorization` } : {}),
  }),
  // Access tokens are valid for 60 days. Only partners get refresh tokens, which last a year:
  // https://learn.microsoft.com/linkedin/shared/authentication/programmatic-refresh-tokens
  lifetime: { absoluteDays: 365 },
  // For a code that it never issued.
  unknownCode: 'invalid_request',
  permissionsUrl: () => 'https://www.linkedin.com/psettings/permitted-services',
})
