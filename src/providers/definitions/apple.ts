import { createPrivateKey, type KeyObject } from 'node:crypto'
import { faApple } from '@fortawesome/free-brands-svg-icons/faApple'
import { SignJWT } from 'jose'
import { epochSeconds } from '../../kernel/clock.ts'
import { markOf } from '../mark.ts'
import { UserinfoStrategy } from '../passport/userinfo-strategy.ts'
import { isRecord, readAddress, readSubject, readText } from '../profile-text.ts'
import { defineProvider, type ProviderSettings } from '../provider.ts'
import { openidScopeTexts } from '../scope-texts.ts'
import { appClientIdsSetting, checkedSetting, jwksUrlSetting } from '../setting.ts'

/** https://developer.apple.com/documentation/signinwithapplerestapi/verifying-a-user */
const ISSUER = 'https://appleid.apple.com'
/** The scope of every request with an id_token. */
const ID_TOKEN_SCOPE = 'openid'

/** Apple accepts up to six months. Each call has a secret of its own, so it only has to arrive. */
const SECRET_SECONDS = 300
/** Apple rejects a secret from the future, and our clock may be ahead. */
const SKEW_SECONDS = 60

const MOST_USER_CHARACTERS = 2048
/** Domains whose mailboxes Apple hosts. */
const APPLE_DOMAINS = /@(icloud\.com|me\.com|mac\.com|privaterelay\.appleid\.com)$/i

const identifier = (what: string) => ({
  must: `the ${what}: 10 capital letters and digits`,
  readValue: (text: string) => (/^[A-Z0-9]{10}$/.test(text) ? text : undefined),
})

/**
 * The key as PEM. Line breaks may be written as `\n`, because many places for environment variables allow only one
 * line.
 */
function readPrivateKey(text: string): string | undefined {
  const pem = text.replaceAll('\\n', '\n').trim()
  return signingKey(pem) ? pem : undefined
}

function signingKey(pem: string): KeyObject | undefined {
  try {
    const key = createPrivateKey(pem)
    // ES256 uses the curve P-256 (RFC 7518 §3.4).
    return key.asymmetricKeyDetails?.namedCurve === 'prime256v1' ? key : undefined
  } catch {
    return undefined
  }
}

/** Sign in with Apple: https://developer.apple.com/documentation/signinwithapplerestapi */
export const apple = defineProvider({
  name: 'Apple',
  mark: markOf(faApple),
  describedAs: 'Apple',
  registration: {
    en: 'https://developer.apple.com/account/resources/identifiers, a “Services ID”',
    'pt-BR': 'https://developer.apple.com/account/resources/identifiers, um “Services ID”',
  },
  permissionsUrl: () => 'https://account.apple.com/account/manage/section/security',
  settings: {
    // Apple issues a key that signs secrets, and accepts them only in the body. It has no UserInfo endpoint.
    CLIENT_SECRET: null,
    TOKEN_AUTH: null,
    USERINFO_URL: null,
    TEAM_ID: checkedSetting('teamId', identifier('Team ID'), {
      description: {
        en: 'Team ID of the developer account, from “Membership details”.',
        'pt-BR': 'O ID da equipe (Team ID) da conta de desenvolvimento, em “Membership details”.',
      },
      example: 'A1B2C3D4E5',
      isRequired: true,
    }),
    KEY_ID: checkedSetting('keyId', identifier('Key ID'), {
      description: {
        en: 'Key ID of the private key.',
        'pt-BR': 'O ID da chave privada (Key ID).',
      },
      example: 'F6G7H8I9J0',
      isRequired: true,
    }),
    PRIVATE_KEY: checkedSetting(
      'privateKey',
      {
        must: 'the whole text of the .p8 file that Apple issued (a P-256 key in PEM format)',
        readValue: readPrivateKey,
      },
      {
        description: {
          en:
            'Private key (.p8) for “Sign in with Apple”; line breaks may be written as \\n. ' +
            'APPLE_PRIVATE_KEY_FILE names the file instead.',
          'pt-BR':
            'A chave privada (.p8) do “Sign in with Apple”; as quebras de linha podem ser escritas como \\n. ' +
            'Em vez dela, APPLE_PRIVATE_KEY_FILE pode indicar o arquivo.',
        },
        example: '-----BEGIN PRIVATE KEY-----\\n…\\n-----END PRIVATE KEY-----',
        isRequired: true,
        isSecret: true,
        isMultiline: true,
      },
    ),
    JWKS_URL: jwksUrlSetting,
    APP_CLIENT_IDS: appClientIdsSetting('com.example.app'),
  },
  scopes: [ID_TOKEN_SCOPE, 'email', 'name'],
  scopeTexts: {
    openid: openidScopeTexts.openid,
    email: openidScopeTexts.email,
    name: { en: 'see your name', 'pt-BR': 'ver o seu nome' },
  },
  // Nothing else describes the user, and only a request with this scope sends a nonce.
  scopesToRequest: (asked) => (asked.includes(ID_TOKEN_SCOPE) ? asked : [ID_TOKEN_SCOPE, ...asked]),
  emailTrust: 'authoritative',
  openid: { issuers: () => [ISSUER], namespace: ({ id }) => id, required: false },
  endpoints: () => ({
    authorize: `${ISSUER}/auth/authorize`,
    token: `${ISSUER}/auth/token`,
    revoke: `${ISSUER}/auth/revoke`,
    jwks: `${ISSUER}/auth/keys`,
    clientAuth: 'post',
  }),
  strategy: (parts, verify) => new UserinfoStrategy(parts, verify),
  // Required if the name or the email address is requested:
  // https://developer.apple.com/documentation/signinwithapplerestapi/request-an-authorization-to-the-sign-in-with-apple-server.
  ask: () => ({ response_mode: 'form_post' }),
  formPost: { nameOf: readName },
  // The access token is “reserved for future use”. Refresh tokens do not expire, and Apple asks servers to validate
  // one at most once a day: https://developer.apple.com/documentation/signinwithapplerestapi/generate-and-validate-tokens
  hasNoApi: true,
  clientSecret: createClientSecret,

  claims({ _json }) {
    const subject = typeof _json.sub === 'string' ? readSubject(_json.sub) : null
    if (subject === null) return { unreadable: 'no_subject' }
    const email = readAddress(_json.email)
    // Apple sends its booleans as text or as booleans.
    const emailVerified = email !== null && isTrue(_json.email_verified)
    return {
      subject,
      email,
      emailVerified,
      // Another address is the one that the user gave for their Apple Account. Apple verified it once, and the mailbox
      // may have another owner by now. A relay address belongs to this user and this developer team for good.
      emailAuthoritative: emailVerified && (APPLE_DOMAINS.test(email) || isTrue(_json.is_private_email)),
      // An id_token never contains a name. It comes with the form of the first sign-in.
      name: null,
      picture: null,
    }
  },
})

const isTrue = (value: unknown): boolean => value === true || value === 'true'

/**
 * The name in the field `user` of the first sign-in: `{"name":{"firstName":"…","lastName":"…"},"email":"…"}`. The email
 * address in it is ignored, because anyone can send this form. The id_token has the signed one.
 */
function readName(user: string): string | null {
  if (user.length > MOST_USER_CHARACTERS) return null
  let json: unknown
  try {
    json = JSON.parse(user)
  } catch {
    return null
  }
  if (!isRecord(json) || !isRecord(json.name)) return null
  const { firstName, lastName } = json.name
  return readText([readText(firstName), readText(lastName)].filter((part) => part !== null).join(' '))
}

/**
 * The client secret: a JWT that only our key can sign. It is created for each call, so it cannot expire in use:
 * https://developer.apple.com/documentation/accountorganizationaldatasharing/creating-a-client-secret
 */
function createClientSecret(settings: ProviderSettings, at: Date): Promise<string> {
  const { clientId, teamId = '', keyId = '', privateKey = '' } = settings
  const now = epochSeconds(at)
  return new SignJWT({
    iss: teamId,
    iat: now - SKEW_SECONDS,
    exp: now + SECRET_SECONDS,
    aud: ISSUER,
    sub: clientId,
  })
    .setProtectedHeader({ alg: 'ES256', kid: keyId })
    .sign(createPrivateKey(privateKey))
}
