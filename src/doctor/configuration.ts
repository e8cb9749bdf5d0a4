import { type Config, settingsIn } from '../config.ts'
import { isLoopback } from '../kernel/loopback.ts'
import { type Finding, failed, passed, warning } from './check.ts'

const name = 'configuration'

type Advice = {
  readonly applies: (config: Config) => boolean
  readonly found: string
  readonly remedy: string
}

/** Valid settings that an operator should know about. */
const advice: readonly Advice[] = [
  {
    applies: ({ production, publicUrl }) => !production && !isLoopback(publicUrl.hostname),
    found: 'PUBLIC_URL is a public URL, but NODE_ENV is not production: weak secrets and plain http are accepted.',
    remedy: 'Set NODE_ENV=production.',
  },
  {
    applies: ({ encryptionKeys }) => encryptionKeys === null,
    found: 'ENCRYPTION_KEYS is not set, so a generated key is used. It is stored next to the data that it protects.',
    remedy: 'Before real accounts exist, set ENCRYPTION_KEYS to the content of the file encryption-keys.',
  },
  {
    applies: ({ rateLimits }) => !rateLimits,
    found: 'RATE_LIMITS is off: callers can guess without limit.',
    remedy: 'Remove RATE_LIMITS.',
  },
  {
    applies: ({ production, store }) => production && store.tag === 'sqlite' && store.create,
    found: 'DATABASE_CREATE is true: if the database file is lost, the service starts with an empty one.',
    remedy: 'Remove DATABASE_CREATE after the first start.',
  },
  {
    applies: ({ store }) => store.tag === 'sqlite' && store.file === ':memory:',
    found: 'DATABASE_URL is a database in memory: every account is lost when the service stops.',
    remedy: 'Set DATABASE_URL to a file or to PostgreSQL.',
  },
  {
    applies: ({ requireVerifiedEmail, mail }) => requireVerifiedEmail && mail.tag === 'off',
    found:
      'REQUIRE_VERIFIED_EMAIL is true, but no email can be sent: nobody who registers with a password can sign in.',
    remedy: 'Set SMTP_URL, or remove REQUIRE_VERIFIED_EMAIL.',
  },
  {
    applies: ({ providers, oauth }) => providers.length === 0 && !oauth.autoRegister,
    found: 'No provider is configured, and OAUTH_AUTO_REGISTER_NEW_USERS is false: nobody new can sign up.',
    remedy: 'Configure a provider, or allow new accounts.',
  },
]

/** Reports errors and warnings as at startup, then advice. */
export function examineConfiguration(config: Config, faults: readonly string[]): readonly Finding[] {
  const remedyOf = (fault: string): string =>
    `Correct ${settingsIn(fault).join(' and ')}; .env.example describes every setting. The service does not start until then.`
  if (faults.length > 0)
    return [
      ...faults.map((fault) => failed(name, sentence(fault), remedyOf(fault))),
      ...config.warnings.map((text) => warning(name, sentence(text), warningRemedy)),
    ]
  const found = [
    ...config.warnings.map((text) => warning(name, sentence(text), warningRemedy)),
    ...advice.filter(({ applies }) => applies(config)).map((one) => warning(name, one.found, one.remedy)),
  ]
  const mode = config.production ? 'production' : 'not production'
  const ids = config.providers.map(({ id }) => id).join(', ') || 'none'
  return [passed(name, `Valid: ${mode}, PUBLIC_URL ${config.publicUrl.origin}, providers: ${ids}.`), ...found]
}

const warningRemedy = 'Correct the name or the value, or remove it if it is meant for another program.'

const sentence = (text: string): string => (/[.!?]$/.test(text) ? text : `${text}.`)
