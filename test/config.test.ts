import { createPrivateKey, createPublicKey, generateKeyPairSync, randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigError, readConfig, secretSettings, settings } from '../src/config.ts'
import { err, ok } from '../src/kernel/result.ts'
import { definitions, type Kind } from '../src/providers/definitions/index.ts'
import {
  displayProviderSettings,
  prefix,
  providerSettings,
  secretProviderSettings,
  secretSettingsOf,
  settingsOf,
} from '../src/providers/settings.ts'

const keyText = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`
const sound = {
  NODE_ENV: 'production',
  PUBLIC_URL: 'https://id.example.com',
  ENCRYPTION_KEYS: keyText('k1'),
  GOOGLE_CLIENT_ID: 'google-app',
  GOOGLE_CLIENT_SECRET: 'GOCSPX-0123456789abcdef',
} as const
const acme = {
  OIDC_PROVIDERS: 'acme',
  ACME_ISSUER: 'https://login.acme.example',
  ACME_CLIENT_ID: 'a',
  ACME_CLIENT_SECRET: 's3cret-of-sixteen',
}
const beta = {
  OAUTH2_PROVIDERS: 'beta',
  BETA_CLIENT_ID: 'b',
  BETA_CLIENT_SECRET: 's3cret-of-sixteen',
  BETA_AUTHORIZE_URL: 'https://beta.example/authorize',
  BETA_TOKEN_URL: 'https://beta.example/token',
  BETA_USERINFO_URL: 'https://beta.example/me',
  BETA_USER_ID_PATH: 'data.id',
}

type Environment = Record<string, string | undefined>
function faultsOf(environment: Environment): readonly string[] {
  try {
    readConfig(environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  return []
}
/** The settings with errors, each once. */
const blamed = (environment: Environment): string[] => [
  ...new Set(faultsOf(environment).flatMap((fault) => /^[A-Z0-9_, ]+(?=:)/.exec(fault)?.[0] ?? [])),
]

describe('an empty environment', () => {
  const config = readConfig({})

  test('is a working configuration outside production', () => {
    expect(config).toMatchObject({
      production: false,
      host: '127.0.0.1',
      port: 3000,
      trustProxyHops: 0,
      store: { tag: 'sqlite', file: './data/vinculum.db', create: true },
      encryptionKeys: null,
      recentAuthSeconds: 600,
      returnToAllowed: [],
      oauth: { autoRegister: true, linkByVerifiedEmail: true, stateTtlSeconds: 300, userInfoTtlSeconds: 3600 },
      providers: [],
      rateLimits: true,
      metricsToken: null,
    })
    expect(config.publicUrl.origin).toBe('http://localhost:3000')
  })

  test('has the lifetimes of the contract', () => {
    expect(config.tokens).toEqual({
      issuer: 'http://localhost:3000',
      audience: 'http://localhost:3000',
      accessTtlSeconds: 1800,
      refreshTtlSeconds: 604_800,
      refreshAbsoluteTtlSeconds: 7_776_000,
      concurrencySeconds: 10,
      lostResponseSeconds: 3600,
    })
  })
})

test('any empty variable counts as absent', () => {
  const empty = Object.fromEntries(Object.keys(settings.shape).map((name) => [name, '']))
  const providers = Object.fromEntries(providerSettings.map((name) => [`GOOGLE_${name}`, '']))
  expect(readConfig({ ...empty, ...providers })).toEqual(readConfig({}))
})

test('all configuration errors are reported together, general ones with those of providers', () => {
  expect(
    blamed({
      NODE_ENV: 'production',
      PORT: 'http',
      LOG_LEVEL: 'loud',
      REFRESH_TOKEN_TTL_SECONDS: '0',
      ACCESS_TOKEN_TTL_SECONDS: '1.5',
      OAUTH_AUTO_REGISTER_NEW_USERS: 'perhaps',
      DATABASE_URL: 'mysql://localhost',
      RETURN_TO_ALLOWED: 'app.example.com',
      RATE_LIMITS: 'off',
      METRICS_TOKEN: 'short',
      OAUTH_ENABLED_PROVIDERS: 'google,unheard-of,acme,beta',
      GOOGLE_CLIENT_SECRET: 'short',
      GOOGLE_EMAIL_TRUST: 'always',
      GOOGLE_TOKEN_URL: 'http://proxy.example',
      GOOGLE_REDIRECT_URIS: 'mobile',
      GOOGLE_BREAKER: 'volume=many',
      OIDC_PROVIDERS: 'acme',
      OAUTH2_PROVIDERS: 'beta',
    }).sort(),
  ).toEqual(
    [
      'PUBLIC_URL',
      'ENCRYPTION_KEYS',
      'PORT',
      'LOG_LEVEL',
      'REFRESH_TOKEN_TTL_SECONDS',
      'ACCESS_TOKEN_TTL_SECONDS',
      'OAUTH_AUTO_REGISTER_NEW_USERS',
      'DATABASE_URL',
      'RETURN_TO_ALLOWED',
      'RATE_LIMITS',
      'METRICS_TOKEN',
      'OAUTH_ENABLED_PROVIDERS',
      'GOOGLE_CLIENT_ID',
      'GOOGLE_CLIENT_SECRET',
      'GOOGLE_EMAIL_TRUST',
      'GOOGLE_TOKEN_URL',
      'GOOGLE_JWKS_URL',
      'GOOGLE_REDIRECT_URIS',
      'GOOGLE_BREAKER',
      'ACME_CLIENT_ID',
      'ACME_CLIENT_SECRET',
      'ACME_ISSUER',
      'BETA_CLIENT_ID',
      'BETA_CLIENT_SECRET',
      'BETA_AUTHORIZE_URL',
      'BETA_TOKEN_URL',
      'BETA_USERINFO_URL',
      'BETA_USER_ID_PATH',
    ].sort(),
  )
})

test('the message has every error on a line of its own', () => {
  expect(() => readConfig({ PORT: 'x', HOST: '', LOG_LEVEL: 'x' })).toThrow(
    /^The configuration has 2 errors:\n {2}- PORT: .+\n {2}- LOG_LEVEL: .+$/,
  )
})

test('an invalid number is reported once, with its allowed values', () => {
  for (const given of ['0', '-1', '1.5', '1e99', 'soon'])
    expect(faultsOf({ ACCESS_TOKEN_TTL_SECONDS: given })).toEqual([
      'ACCESS_TOKEN_TTL_SECONDS: must be a whole number of seconds, 1 to 315360000',
    ])
  expect(faultsOf({ REFRESH_CONCURRENCY_SECONDS: '-1' })).toEqual([expect.stringContaining('0 to 315360000')])
  expect(faultsOf({ PASSWORD_LEAST_LENGTH: '7' })).toEqual([expect.stringContaining('8 to 64')])
  expect(faultsOf({ PASSWORD_HASH_MEMORY_KIB: '64' })).toEqual([expect.stringContaining('19456 to 1048576')])
})

test('password hashing and length cannot be set below safe values', () => {
  expect(readConfig({}).passwords).toEqual({ leastLength: 12, memoryKib: 19_456, passes: 2, lanes: 1 })
  for (const [name, value] of [
    ['PASSWORD_LEAST_LENGTH', '7'],
    ['PASSWORD_HASH_MEMORY_KIB', '19455'],
    ['PASSWORD_HASH_PASSES', '1'],
    ['PASSWORD_HASH_LANES', '0'],
  ] as const)
    expect(blamed({ [name]: value })).toEqual([name])
})

test('no message contains part of a secret, whatever else is wrong', () => {
  const ofProviders = ['GOOGLE', 'ACME'].flatMap((id) => secretProviderSettings.map((name) => `${id}_${name}`))
  const secretNames = [...secretSettings, ...ofProviders, 'MAIL_FROM']
  const secret = fc.stringMatching(/^[a-z0-9:/@,=+]{6,14}$/).map((text) => `S3CR3T${text}`)
  fc.assert(
    fc.property(
      fc.record(Object.fromEntries(secretNames.map((name) => [name, secret]))),
      fc.boolean(),
      (secrets, inProduction) => {
        const faults = faultsOf({
          ...secrets,
          ...(inProduction && { NODE_ENV: 'production' }),
          PORT: 'x',
          OIDC_PROVIDERS: 'acme',
        })
        expect(faults.length).toBeGreaterThan(2)
        expect(faults.join('\n')).not.toContain('S3CR3T')
      },
    ),
  )
})

/** What Apple issues for an app. */
const appleKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const appleKeyText = appleKey.export({ format: 'pem', type: 'pkcs8' }).toString()
const apple = { APPLE_CLIENT_ID: 'com.example.web', APPLE_TEAM_ID: 'A1B2C3D4E5', APPLE_KEY_ID: 'F6G7H8I9J0' }

/** Every setting, with two of the providers. */
const everyName = [
  ...Object.keys(settings.shape),
  ...['GOOGLE', 'ACME'].flatMap((id) => providerSettings.map((name) => `${id}_${name}`)),
]
const everySecret = [
  ...secretSettings,
  ...(['google', 'apple'] as const).flatMap((kind) => secretSettingsOf(kind).map((name) => prefix(kind) + name)),
  ...secretSettingsOf('oidc').map((name) => `ACME_${name}`),
]

describe('the text of a setting', () => {
  // Readers often trim a value, or the URL parser drops its line breaks: then only the other side would notice.
  test.each([
    ['a line break', (text: string) => `${text.slice(0, 2)}\n${text.slice(2)}`],
    ['a line break at its end', (text: string) => `${text}\n`],
    ['a carriage return at its end', (text: string) => `${text}\r`],
    ['a byte order mark', (text: string) => `\ufeff${text}`],
    ['a zero-width space', (text: string) => `${text.slice(0, 2)}\u200b${text.slice(2)}`],
    ['surrounding quotes', (text: string) => `"${text}"`],
    ['surrounding apostrophes', (text: string) => `'${text}'`],
    ['a leading space', (text: string) => ` ${text}`],
    ['a trailing space', (text: string) => `${text} `],
  ])('is rejected for %s by its name, for every setting, and without its value', (_, spoil) => {
    for (const name of everyName) {
      // Provider IDs are not secret, and are named.
      const named: Environment = { OIDC_PROVIDERS: 'acme', OAUTH2_PROVIDERS: 'beta', OAUTH_ENABLED_PROVIDERS: 'acme' }
      const given = { ...sound, ...acme, [name]: spoil(named[name] ?? 'S3CR3T-of-sixteen') }
      const faults = faultsOf(given)
      expect(
        faults.filter((fault) => fault.startsWith(`${name}: `)),
        name,
      ).toEqual([expect.stringMatching(/: (must|contains) /)])
      expect(faults.join('\n')).not.toContain('S3CR3T')
      expect(faults.join('\n')).not.toMatch(/[\u200b\ufeff\r]/)
    }
  })

  test('that is rejected hides no other error, and adds none', () => {
    expect(
      blamed({
        ...sound,
        ...acme,
        OIDC_PROVIDERS: '"acme"',
        PUBLIC_URL: ' https://id.example.com',
        LOG_LEVEL: 'loud',
      }).sort(),
    ).toEqual(['LOG_LEVEL', 'OIDC_PROVIDERS', 'PUBLIC_URL'])
    expect(blamed({ ...sound, GOOGLE_CLIENT_SECRET: 'short\n' })).toEqual(['GOOGLE_CLIENT_SECRET'])
  })

  test('may contain joiners only where people read it', () => {
    const joined = '👩‍💻 Dev'
    for (const name of displayProviderSettings)
      expect(readConfig({ ...sound, [`GOOGLE_${name}`]: joined }).providers[0]?.name).toBe(joined)
    expect(readConfig({ ...sound, MAIL_FROM: `${joined} <a@b.example>` }).warnings).toEqual([])
    expect(blamed({ ...sound, GOOGLE_CLIENT_ID: joined })).toEqual(['GOOGLE_CLIENT_ID'])
  })

  test('is not checked for a variable that is not a setting', () => {
    expect(faultsOf({ ...sound, PS1: '"\u200b\n"' })).toEqual([])
  })
})

describe('a number', () => {
  const numbers = Object.entries(settings.shape).flatMap(([name, type]) =>
    typeof type.parse(undefined) === 'number' ? [name] : [],
  )

  test('consists of digits, within limits that the message names', () => {
    expect(numbers).toContain('TRUST_PROXY_HOPS')
    for (const name of numbers)
      for (const text of ['yes', 'true', '-1', '1.5', '1e3', '0x10', '٣', '1 000', '99999999999999999999'])
        expect(faultsOf({ [name]: text }), name).toEqual([
          expect.stringMatching(new RegExp(`^${name}: must be [^:]+, \\d+ to \\d+$`)),
        ])
  })

  test('of proxies is not “yes”, and the message explains it', () => {
    expect(faultsOf({ TRUST_PROXY_HOPS: 'yes' })).toEqual([
      'TRUST_PROXY_HOPS: must be a number of reverse proxies (1, not “yes”), 0 to 10',
    ])
  })
})

test('a host that cannot be listened on is rejected with its own message', () => {
  expect(faultsOf({ HOST: 'https://id.example.com' })).toEqual([expect.stringMatching(/^HOST: .*not a URL/)])
  expect(faultsOf({ HOST: '0.0.0.0:3000' })).toEqual([expect.stringMatching(/^HOST: .*set PORT/)])
})

describe('a secret in a file', () => {
  const from =
    (files: Readonly<Record<string, string>>): typeof import('../src/settings/secret-file.ts').readSecretFile =>
    (path) => {
      const text = files[path]
      return text === undefined ? err('cannot be read: there is no such file') : ok(text)
    }
  const refused = (environment: Environment, files: Readonly<Record<string, string>> = {}): readonly string[] => {
    try {
      readConfig(environment, { secretFile: from(files) })
    } catch (error) {
      if (error instanceof ConfigError) return error.faults
      throw error
    }
    return []
  }

  test('is read for every secret setting', () => {
    const values: Readonly<Record<string, string>> = {
      ENCRYPTION_KEYS: keyText('k1'),
      DATABASE_URL: 'postgres://u:p@db/v',
      SMTP_URL: 'smtp://u:p@mail.example.com',
      METRICS_TOKEN: 'metrics-0123456789',
      HTTPS_PROXY: 'http://u:p@proxy.example.com:3128',
      GOOGLE_CLIENT_SECRET: 'google-0123456789',
      ACME_CLIENT_SECRET: 'acme-0123456789ab',
      APPLE_PRIVATE_KEY: appleKeyText.trim(),
    }
    expect(Object.keys(values).sort()).toEqual([...everySecret].sort())
    const rest = { ...sound, ...acme, ...apple, MAIL_FROM: 'a@b.example' }
    const paths = Object.fromEntries(everySecret.map((name) => [`${name}_FILE`, `/run/secrets/${name}`]))
    const without = Object.fromEntries(everySecret.map((name) => [name, undefined]))
    const files = Object.fromEntries(everySecret.map((name) => [`/run/secrets/${name}`, values[name] as string]))
    expect(readConfig({ ...rest, ...without, ...paths }, { secretFile: from(files) })).toEqual(
      readConfig({ ...rest, ...values }),
    )
  })

  test('enables a provider like one in the environment', () => {
    expect(refused({ GITHUB_CLIENT_SECRET_FILE: '/s' }, { '/s': 'github-secret' })).toEqual([
      'GITHUB_CLIENT_ID: is required',
    ])
  })

  test('is rejected by the name of the variable, without its path or content', () => {
    // The text of a key file has line breaks: see “Apple”.
    for (const name of everySecret.filter((one) => one !== 'APPLE_PRIVATE_KEY')) {
      const given = { ...sound, ...acme, [name]: undefined, [`${name}_FILE`]: '/S3CR3T' }
      expect(refused(given)).toEqual([`${name}_FILE: the file cannot be read: there is no such file`])
      for (const text of ['S3CR3T\n', '\ufeffS3CR3T', '"S3CR3T"', 'S3\u200bCR3T'])
        expect(refused(given, { '/S3CR3T': text })).toEqual([
          expect.stringMatching(new RegExp(`^${name}_FILE: the text in the file (must|contains) [^\\n]*$`)),
        ])
      const path = { ...given, [`${name}_FILE`]: '"/S3CR3T"' }
      expect(refused(path)).toEqual([`${name}_FILE: must not be surrounded by quotation marks`])
      const both = { ...given, [name]: 'S3CR3T-0123456789' }
      expect(refused(both, { '/S3CR3T': 'S3CR3T' })).toEqual([
        `${name}: is set together with ${name}_FILE; set only one of them`,
      ])
    }
  })

  test('that is invalid is rejected like one in the environment, together with all other errors', () => {
    const given = { ...sound, PORT: 'x', GOOGLE_CLIENT_SECRET: undefined, GOOGLE_CLIENT_SECRET_FILE: '/s' }
    expect(refused(given, { '/s': 'short' })).toEqual([
      'PORT: must be a port number, 0 to 65535',
      'GOOGLE_CLIENT_SECRET: must have at least 16 characters in production; copy the secret that the provider issued',
    ])
  })

  test('is not read where its variable is empty', () => {
    expect(refused({ ...sound, METRICS_TOKEN_FILE: '' })).toEqual([])
  })
})

describe('a variable that resembles a setting', () => {
  test('causes a warning', () => {
    const { warnings } = readConfig({ ...sound, ...acme, ACME_CLIENTID: 'x', GOOGLE_KEY: 'x', PUBLIC_URI: 'x' })
    expect(warnings).toEqual([
      'ACME_CLIENTID is not a setting and is ignored; did you mean ACME_CLIENT_ID?',
      "GOOGLE_KEY starts like a provider's setting but is not one; it is ignored",
      'PUBLIC_URI is not a setting and is ignored; did you mean PUBLIC_URL?',
    ])
  })

  test('is reported with the errors it may have caused', () => {
    const { ENCRYPTION_KEYS, ...rest } = sound
    expect(() => readConfig({ ...rest, ENCRYPTION_KEY: ENCRYPTION_KEYS }, { warnings: ['from .env'] })).toThrow(
      /^The configuration has an error:\n {2}- ENCRYPTION_KEYS: is required.*\nPossible causes:\n {2}- from \.env\n {2}- ENCRYPTION_KEY is not a setting and is ignored; did you mean ENCRYPTION_KEYS\?$/,
    )
  })

  test('is never reported for a working configuration', () => {
    expect(readConfig({ ...sound, ...acme, ...beta }).warnings).toEqual([])
    expect(readConfig({ ...sound, HOME: '/', HOSTNAME: 'x', GITHUB_TOKEN: 'x' }).warnings).toEqual([])
  })

  test('is also reported for an Android origin without its package', () => {
    const PASSKEY_ORIGINS = `android:apk-key-hash:${'A'.repeat(43)}`
    expect(readConfig({ ...sound, PASSKEY_ORIGINS }).warnings).toEqual([expect.stringContaining('assetlinks.json')])
  })
})

describe('production', () => {
  test('starts with the required settings', () => {
    expect(faultsOf(sound)).toEqual([])
  })

  test.each<[string, Environment, string]>([
    ['without keys', { ENCRYPTION_KEYS: undefined }, 'ENCRYPTION_KEYS'],
    ['with a key of 31 bytes', { ENCRYPTION_KEYS: `k1:${randomBytes(31).toString('base64')}` }, 'ENCRYPTION_KEYS'],
    ['with a key of 33 bytes', { ENCRYPTION_KEYS: `k1:${randomBytes(33).toString('base64')}` }, 'ENCRYPTION_KEYS'],
    ['with a key of zeros', { ENCRYPTION_KEYS: `k1:${Buffer.alloc(32).toString('base64')}` }, 'ENCRYPTION_KEYS'],
    [
      'with a key that counts up',
      { ENCRYPTION_KEYS: `k1:${Buffer.from([...Array(32).keys()]).toString('base64')}` },
      'ENCRYPTION_KEYS',
    ],
    [
      'with a passphrase as a key',
      { ENCRYPTION_KEYS: `k1:${Buffer.from('correct horse battery staple 42!').toString('base64')}` },
      'ENCRYPTION_KEYS',
    ],
    [
      'with a weak key after a strong one',
      { ENCRYPTION_KEYS: `${keyText('k1')},k2:${Buffer.alloc(32, 9).toString('base64')}` },
      'ENCRYPTION_KEYS',
    ],
    ['with a key without an ID', { ENCRYPTION_KEYS: randomBytes(32).toString('base64') }, 'ENCRYPTION_KEYS'],
    ['with two keys with one ID', { ENCRYPTION_KEYS: `${keyText('k1')},${keyText('k1')}` }, 'ENCRYPTION_KEYS'],
    [
      'with a key that is not base64',
      { ENCRYPTION_KEYS: `${keyText('k1').slice(0, 20)}!!${keyText('k1').slice(20)}` },
      'ENCRYPTION_KEYS',
    ],
    ['without a public URL', { PUBLIC_URL: undefined }, 'PUBLIC_URL'],
    ['with an HTTP URL', { PUBLIC_URL: 'http://id.example.com' }, 'PUBLIC_URL'],
    ['with HTTP on loopback', { PUBLIC_URL: 'http://localhost:3000' }, 'PUBLIC_URL'],
    ['with a password', { PUBLIC_URL: 'https://:pw@example.com' }, 'PUBLIC_URL'],
    ['with a password in a return URL', { RETURN_TO_ALLOWED: 'https://:pw@app.example' }, 'RETURN_TO_ALLOWED'],
    ['under a path', { PUBLIC_URL: 'https://example.com/id' }, 'PUBLIC_URL'],
    ['without rate limits', { RATE_LIMITS: 'off' }, 'RATE_LIMITS'],
    ['with a short client secret', { GOOGLE_CLIENT_SECRET: 'changeme' }, 'GOOGLE_CLIENT_SECRET'],
    ['without a client secret', { GOOGLE_CLIENT_SECRET: '' }, 'GOOGLE_CLIENT_SECRET'],
    ['with a provider on HTTP', { GOOGLE_REVOKE_URL: 'http://oauth2.googleapis.com/revoke' }, 'GOOGLE_REVOKE_URL'],
    [
      'with id_tokens whose signature cannot be checked',
      { GOOGLE_TOKEN_URL: 'https://proxy.example/t' },
      'GOOGLE_JWKS_URL',
    ],
    [
      'with a provider on HTTP, even on loopback',
      { GOOGLE_USERINFO_URL: 'http://127.0.0.1:9000/me' },
      'GOOGLE_USERINFO_URL',
    ],
    ['with a user in an issuer', { ...acme, ACME_ISSUER: 'https://user@login.acme.example' }, 'ACME_ISSUER'],
    ['with a password in an endpoint', { ...beta, BETA_TOKEN_URL: 'https://:pw@beta.example/token' }, 'BETA_TOKEN_URL'],
    ['with an issuer on HTTP', { ...acme, ACME_ISSUER: 'http://localhost:9000' }, 'ACME_ISSUER'],
    ['with a redirect URI on HTTP', { GOOGLE_REDIRECT_URIS: 'app=http://localhost:8080/cb' }, 'GOOGLE_REDIRECT_URIS'],
    ['with a return URL on HTTP', { RETURN_TO_ALLOWED: 'http://localhost:8080' }, 'RETURN_TO_ALLOWED'],
    ['with a mail server but no sender', { SMTP_URL: 'smtp://mail.example.com' }, 'MAIL_FROM'],
    ['with an invalid mail server URL', { SMTP_URL: 'https://mail.example.com', MAIL_FROM: 'a@b.example' }, 'SMTP_URL'],
    ['with a mail server URL with a path', { SMTP_URL: 'smtp://m.example/x', MAIL_FROM: 'a@b.example' }, 'SMTP_URL'],
    ['with an empty sender', { MAIL_FROM: 'Vinculum' }, 'MAIL_FROM'],
    ['with two senders', { MAIL_FROM: 'a@b.example, c@d.example' }, 'MAIL_FROM'],
    ['with a short metrics token', { METRICS_TOKEN: 'fifteen letters' }, 'METRICS_TOKEN'],
  ])('does not start %s', (_, change, name) => {
    expect(blamed({ ...sound, ...change })).toEqual([name])
  })
})

describe('outside production,', () => {
  const local = { GOOGLE_CLIENT_ID: 'a', GOOGLE_CLIENT_SECRET: 'b' }

  test.each(['http://localhost:9000/t', 'http://127.0.0.1:9000/t', 'http://[::1]:9000/t'])(
    'a provider URL may be %s',
    (url) => {
      expect(readConfig({ ...local, GOOGLE_TOKEN_URL: url }).providers[0]?.urls.token).toBe(url)
    },
  )

  test.each([
    'http://10.0.0.1/t',
    'http://localhost.evil.example/t',
    'http://127.0.0.1.evil.example/t',
    'ftp://localhost/t',
    'file:///etc/passwd',
    '/t',
    'javascript:0',
  ])('a provider URL may not be %s', (url) => {
    expect(blamed({ ...local, GOOGLE_TOKEN_URL: url })).toEqual(['GOOGLE_TOKEN_URL'])
  })

  test('the service itself may use HTTP on loopback only', () => {
    expect(faultsOf({ PUBLIC_URL: 'http://127.0.0.1:4000' })).toEqual([])
    expect(blamed({ PUBLIC_URL: 'http://id.example.com' })).toEqual(['PUBLIC_URL'])
    expect(blamed({ PUBLIC_URL: 'ftp://localhost' })).toEqual(['PUBLIC_URL'])
  })
})

test('the keys keep their order: the first encrypts, and all decrypt', () => {
  const [first, second] = [keyText('new'), keyText('old')]
  expect(readConfig({ ENCRYPTION_KEYS: `${first}, ${second}` }).encryptionKeys?.map(({ id }) => id)).toEqual([
    'new',
    'old',
  ])
})

describe('the database', () => {
  test.each([
    ['file:./data/x.db', { tag: 'sqlite', file: './data/x.db', create: true }],
    ['file:/var/lib/x.db', { tag: 'sqlite', file: '/var/lib/x.db', create: true }],
    ['file:///var/lib/x.db', { tag: 'sqlite', file: '/var/lib/x.db', create: true }],
    ['file::memory:', { tag: 'sqlite', file: ':memory:', create: true }],
    ['postgres://u:p@db/v', { tag: 'postgres', url: 'postgres://u:p@db/v' }],
    ['postgresql://u:p@db/v', { tag: 'postgres', url: 'postgresql://u:p@db/v' }],
  ])('URL %s is parsed', (url, store) => {
    expect(readConfig({ DATABASE_URL: url }).store).toEqual(store)
  })

  test.each(['./x.db', 'mysql://db', 'file:', 'file://', 'postgres://[', 'file:./x.db?mode=ro', 'file:?x'])(
    'URL %s is rejected',
    (url) => {
      expect(blamed({ DATABASE_URL: url })).toEqual(['DATABASE_URL'])
    },
  )
})

describe('a provider', () => {
  const both = { ...sound, GITHUB_CLIENT_ID: 'github-app', GITHUB_CLIENT_SECRET: 'abcdef0123456789' }

  test('with credentials is enabled by default', () => {
    expect(readConfig(both).providers.map(({ id }) => id)).toEqual(['google', 'github'])
  })

  test('is enabled only if it is listed when a list is set', () => {
    expect(readConfig({ ...both, OAUTH_ENABLED_PROVIDERS: 'github' }).providers.map(({ id }) => id)).toEqual(['github'])
  })

  test('that is listed needs its credentials', () => {
    expect(blamed({ OAUTH_ENABLED_PROVIDERS: 'atlassian' })).toEqual(['ATLASSIAN_CLIENT_ID', 'ATLASSIAN_CLIENT_SECRET'])
  })

  test('of the kind OpenID Connect is identified by its issuer', () => {
    expect(readConfig(acme).providers).toMatchObject([
      { id: 'acme', kind: 'oidc', name: 'Acme', issuer: 'https://login.acme.example' },
    ])
  })

  test('of the kind OAuth 2.0 is defined by its endpoints and paths', () => {
    const config = readConfig({ ...beta, BETA_USER_EMAIL_PATH: 'mail', BETA_NAME: 'Beta Inc.' })
    expect(config.providers).toMatchObject([
      {
        id: 'beta',
        kind: 'oauth2',
        name: 'Beta Inc.',
        urls: {
          authorize: 'https://beta.example/authorize',
          token: 'https://beta.example/token',
          userinfo: 'https://beta.example/me',
        },
        paths: { id: 'data.id', email: 'mail' },
      },
    ])
  })

  test('with a hyphen in its ID has an underscore in its settings', () => {
    const env = Object.fromEntries(
      Object.entries(acme).map(([name, value]) => [name.replace('ACME_', 'AC_ME_'), value]),
    )
    expect(readConfig({ ...env, OIDC_PROVIDERS: 'ac-me' }).providers).toMatchObject([{ id: 'ac-me', clientId: 'a' }])
  })

  test.each(['Acme', '1acme', 'ac me', 'a/b', '../x', 'token', 'conflicts', 'logout-all', 'jwt', 'a'.repeat(32)])(
    'cannot have the ID “%s”',
    (id) => {
      expect(blamed({ OIDC_PROVIDERS: id })).toContain('OIDC_PROVIDERS, OAUTH2_PROVIDERS')
    },
  )

  test.each([
    [{ OIDC_PROVIDERS: 'acme,acme' }],
    [{ OIDC_PROVIDERS: 'acme', OAUTH2_PROVIDERS: 'acme' }],
    [{ OIDC_PROVIDERS: 'google' }],
  ])('has a unique ID: %j', (env) => {
    expect(blamed({ ...acme, ...env })).toContain('OIDC_PROVIDERS, OAUTH2_PROVIDERS')
  })

  test('has no allowed ID that turns its setting into the name of a general one', () => {
    for (const name of Object.keys(settings.shape))
      for (const setting of providerSettings) {
        if (!name.endsWith(`_${setting}`)) continue
        const id = name
          .slice(0, -setting.length - 1)
          .toLowerCase()
          .replaceAll('_', '-')
        expect(blamed({ OIDC_PROVIDERS: id }), name).toContain('OIDC_PROVIDERS, OAUTH2_PROVIDERS')
      }
  })

  test('rejects, by name, a setting its kind does not have', () => {
    const kinds = {
      GOOGLE: { env: sound, has: ['ISSUER', 'JWKS_URL', 'USERINFO'] },
      GITHUB: { env: both, has: ['EMAILS_URL', 'API_URL'] },
      ATLASSIAN: {
        env: { ...sound, ATLASSIAN_CLIENT_ID: 'a', ATLASSIAN_CLIENT_SECRET: 's3cret-of-sixteen' },
        has: ['JIRA_SCOPES', 'API_URL', 'RESOURCES_URL'],
      },
      ACME: { env: acme, has: ['ISSUER', 'JWKS_URL', 'USERINFO', 'PKCE', 'NONCE', 'DISCOVERY_URL', 'TENANTS'] },
      BETA: {
        env: beta,
        has: ['PKCE', 'USER_ID_PATH', 'USER_EMAIL_PATH', 'USER_EMAIL_VERIFIED_PATH', 'USER_NAME_PATH'],
      },
    }
    const special = [...new Set(Object.values(kinds).flatMap(({ has }) => has))]
    for (const [id, { env, has }] of Object.entries(kinds))
      for (const name of special) {
        const faults = faultsOf({ ...env, [`${id}_${name}`]: 'a-value-nobody-should-see' })
        const refused = faults.filter((fault) => fault.startsWith(`${id}_${name}: is not a setting of`))
        expect(refused.length, `${id}_${name}`).toBe(has.includes(name) ? 0 : 1)
        expect(faults.join()).not.toContain('a-value-nobody-should-see')
      }
  })

  test('of each kind authenticates with Basic or in the body, and in no other way', () => {
    for (const [id, env] of [
      ['GOOGLE', sound],
      ['GITHUB', both],
      ['ACME', acme],
      ['BETA', beta],
    ] as const) {
      const read = (text: string) =>
        readConfig({ ...env, [`${id}_TOKEN_AUTH`]: text }).providers.find((one) => one.id === id.toLowerCase())
      for (const tokenAuth of ['basic', 'post']) expect(read(tokenAuth)).toMatchObject({ tokenAuth })
      expect(blamed({ ...env, [`${id}_TOKEN_AUTH`]: 'client_secret_basic' })).toEqual([`${id}_TOKEN_AUTH`])
    }
  })

  test('has UserInfo required, optional or off, and required without an id_token', () => {
    for (const userinfo of ['required', 'optional', 'off']) {
      expect(readConfig({ ...acme, ACME_USERINFO: userinfo }).providers).toMatchObject([{ userinfo }])
      expect(readConfig({ ...sound, GOOGLE_USERINFO: userinfo }).providers).toMatchObject([{ userinfo }])
      const plain = { ...sound, GOOGLE_USERINFO: userinfo, GOOGLE_SCOPES: 'email profile' }
      expect(blamed(plain)).toEqual(userinfo === 'required' ? [] : ['GOOGLE_USERINFO'])
    }
    expect(blamed({ ...acme, ACME_USERINFO: 'no' })).toEqual(['ACME_USERINFO'])
  })

  describe('whose code binding is configured', () => {
    test('may omit one part of it, by name', () => {
      expect(readConfig({ ...acme, ACME_NONCE: 'off' }).providers).toMatchObject([{ nonce: 'off' }])
      expect(readConfig({ ...acme, ACME_PKCE: 'off' }).providers).toMatchObject([{ pkce: 'off' }])
      expect(readConfig({ ...beta, BETA_PKCE: 'required' }).providers).toMatchObject([{ pkce: 'required' }])
      for (const name of ['ACME_NONCE', 'ACME_PKCE']) expect(blamed({ ...acme, [name]: 'no' })).toEqual([name])
    })

    test('may never omit all of it', () => {
      expect(blamed({ ...acme, ACME_NONCE: 'off', ACME_PKCE: 'off' })).toEqual(['ACME_NONCE, ACME_PKCE'])
      expect(blamed({ ...beta, BETA_PKCE: 'off' })).toEqual(['BETA_PKCE'])
    })

    test('may use PKCE alone, and then has no secret', () => {
      const { ACME_CLIENT_SECRET, ...secretless } = { ...acme, ACME_PKCE: 'without_secret' }
      expect(readConfig({ ...secretless, ACME_NONCE: 'off', NODE_ENV: 'test' }).providers).toMatchObject([
        { pkce: 'without_secret', nonce: 'off', clientSecret: '' },
      ])
      expect(blamed({ ...secretless, ACME_CLIENT_SECRET })).toEqual(['ACME_CLIENT_SECRET'])
      expect(blamed({ ...secretless, ACME_TOKEN_AUTH: 'basic' })).toEqual(['ACME_TOKEN_AUTH'])
      const { BETA_CLIENT_SECRET: _secret, ...plain } = beta
      expect(readConfig({ ...plain, BETA_PKCE: 'without_secret' }).providers).toMatchObject([{ clientSecret: '' }])
    })
  })

  describe('whose issuer contains {tenantid}', () => {
    const tenant = '6c41f1a9-3e58-4b0c-9a67-2f9d1c5be0d4'
    const entra = {
      ...acme,
      ACME_ISSUER: 'https://login.example/{tenantid}/v2.0',
      ACME_DISCOVERY_URL: 'https://login.example/organizations/v2.0/.well-known/openid-configuration',
      ACME_TENANTS: tenant,
    }

    test('allows the listed tenants, or any with that word alone', () => {
      const tenantsOf = (text: string) => readConfig({ ...entra, ACME_TENANTS: text }).providers[0]?.tenants
      expect(tenantsOf(tenant.toUpperCase())).toEqual([tenant])
      expect(tenantsOf(`${tenant}, b8d0a2c3-74e1-4f2a-8d15-90e7c6ab31f2`)).toHaveLength(2)
      expect(tenantsOf('any')).toBe('any')
    })

    test.each<[string, Environment, string[]]>([
      ['no tenants', { ACME_TENANTS: undefined }, ['ACME_TENANTS']],
      ['an empty list', { ACME_TENANTS: ' , ' }, ['ACME_TENANTS']],
      ['a name as a tenant', { ACME_TENANTS: 'contoso.onmicrosoft.com' }, ['ACME_TENANTS']],
      ['any together with others', { ACME_TENANTS: `any,${tenant}` }, ['ACME_TENANTS']],
      ['a star', { ACME_TENANTS: '*' }, ['ACME_TENANTS']],
      ['no discovery document', { ACME_DISCOVERY_URL: undefined }, ['ACME_DISCOVERY_URL']],
      [
        'a discovery document without encryption',
        { ACME_DISCOVERY_URL: 'http://login.example/' },
        ['ACME_DISCOVERY_URL'],
      ],
      ['two placeholders', { ACME_ISSUER: 'https://login.example/{tenantid}/{tenantid}' }, ['ACME_ISSUER']],
      [
        'a placeholder in part of a segment',
        { ACME_ISSUER: 'https://login.example/x{tenantid}/v2.0' },
        ['ACME_ISSUER'],
      ],
      ['trust in addresses', { ACME_EMAIL_TRUST: 'verified' }, ['ACME_EMAIL_TRUST']],
      [
        'a restriction to email addresses, which it never verifies',
        { ACME_EMAIL_DOMAINS: 'example.com' },
        ['ACME_EMAIL_DOMAINS'],
      ],
      ['trust in its own addresses', { ACME_EMAIL_TRUST: 'authoritative' }, ['ACME_EMAIL_TRUST']],
    ])('is rejected with %s', (_name, changes, names) => {
      expect(blamed({ ...entra, ...changes })).toEqual(names)
    })

    test('is the only kind with tenants: with one issuer they are rejected', () => {
      expect(blamed({ ...acme, ACME_TENANTS: 'any' })).toEqual(['ACME_TENANTS'])
    })

    test('may not include the issuer of another provider', () => {
      const other = { OTHER_CLIENT_ID: 'o', OTHER_CLIENT_SECRET: 's3cret-of-sixteen' }
      const both = { ...entra, ...other, OIDC_PROVIDERS: 'acme,other' }
      const at = (id: string) => ({ ...both, OTHER_ISSUER: `https://login.example/${id}/v2.0` })
      expect(blamed(at(tenant))).toEqual(['OIDC_PROVIDERS'])
      expect(blamed(at('b8d0a2c3-74e1-4f2a-8d15-90e7c6ab31f2'))).toEqual([])
      expect(blamed({ ...at('b8d0a2c3-74e1-4f2a-8d15-90e7c6ab31f2'), ACME_TENANTS: 'any' })).toEqual(['OIDC_PROVIDERS'])
    })
  })

  test('that is built in gives way to a listed one with its ID, so that an update changes nothing', () => {
    const listed = {
      OIDC_PROVIDERS: 'okta',
      OKTA_ISSUER: 'https://acme.okta.com/oauth2/default',
      OKTA_USERINFO: 'optional',
      OKTA_CLIENT_ID: 'o',
      OKTA_CLIENT_SECRET: 's3cret-of-sixteen',
    }
    expect(readConfig(listed).providers).toMatchObject([{ id: 'okta', kind: 'oidc', issuer: listed.OKTA_ISSUER }])
    const { OIDC_PROVIDERS: _list, ...unlisted } = listed
    expect(blamed(unlisted)).toEqual(expect.arrayContaining(['OKTA_DOMAIN', 'OKTA_ISSUER', 'OKTA_USERINFO']))
    const builtIn = {
      OKTA_CLIENT_ID: 'o',
      OKTA_CLIENT_SECRET: 's3cret-of-sixteen',
      OKTA_DOMAIN: 'acme.okta.com/oauth2/default',
    }
    // Its people are the same: they are known by the issuer.
    expect(readConfig(builtIn).providers).toMatchObject([{ id: 'okta', kind: 'okta', issuer: listed.OKTA_ISSUER }])
  })

  test('accepts scopes separated by spaces or commas', () => {
    expect(readConfig({ ...sound, GOOGLE_SCOPES: 'openid, email  profile' }).providers[0]?.scopes).toEqual([
      'openid',
      'email',
      'profile',
    ])
  })

  test('has email trust authoritative, verified or never', () => {
    for (const trust of ['authoritative', 'verified', 'never'])
      expect(readConfig({ ...sound, GOOGLE_EMAIL_TRUST: trust }).providers[0]?.emailTrust).toBe(trust)
    expect(blamed({ ...sound, GOOGLE_EMAIL_TRUST: 'true' })).toEqual(['GOOGLE_EMAIL_TRUST'])
  })

  test('has second-factor trust on or off, and off by default', () => {
    expect(readConfig({ ...sound }).providers[0]?.secondFactor).toBeUndefined()
    for (const trust of ['trusted', 'ask'] as const)
      expect(readConfig({ ...sound, GOOGLE_SECOND_FACTOR: trust }).providers[0]?.secondFactor).toBe(trust)
    expect(blamed({ ...sound, GOOGLE_SECOND_FACTOR: 'true' })).toEqual(['GOOGLE_SECOND_FACTOR'])
  })
})

describe('sign-in restrictions', () => {
  const of = (env: Record<string, string>) => readConfig({ ...sound, ...env }).providers
  const github = { GITHUB_CLIENT_ID: 'g', GITHUB_CLIENT_SECRET: 's3cret-of-sixteen' }

  test('admit everyone by default', () => {
    const [google] = of({})
    expect([google?.emailDomains, google?.hostedDomains, google?.organizations]).toEqual([
      undefined,
      undefined,
      undefined,
    ])
  })

  test('are parsed as lists, domains as A-labels, without duplicates', () => {
    const list = 'Corp.Example, bücher.example  xn--bcher-kva.example corp.example'
    const domains = ['corp.example', 'xn--bcher-kva.example']
    expect(of({ GOOGLE_EMAIL_DOMAINS: list, GOOGLE_HOSTED_DOMAINS: list })[0]).toMatchObject({
      emailDomains: domains,
      hostedDomains: domains,
    })
    expect(of({ ...github, GITHUB_ORGANIZATIONS: 'Acme,acme, glo-bex' })[1]).toMatchObject({
      organizations: ['acme', 'glo-bex'],
    })
  })

  test.each([
    [{ GOOGLE_EMAIL_DOMAINS: ',' }, 'GOOGLE_EMAIL_DOMAINS'],
    [{ GOOGLE_EMAIL_DOMAINS: '*' }, 'GOOGLE_EMAIL_DOMAINS'],
    [{ GOOGLE_EMAIL_DOMAINS: '*.corp.example' }, 'GOOGLE_EMAIL_DOMAINS'],
    [{ GOOGLE_EMAIL_DOMAINS: '@corp.example' }, 'GOOGLE_EMAIL_DOMAINS'],
    [{ GOOGLE_EMAIL_DOMAINS: 'ada@corp.example' }, 'GOOGLE_EMAIL_DOMAINS'],
    [{ GOOGLE_EMAIL_DOMAINS: 'corp.example, nonsense' }, 'GOOGLE_EMAIL_DOMAINS'],
    [{ GOOGLE_EMAIL_DOMAINS: 'https://corp.example' }, 'GOOGLE_EMAIL_DOMAINS'],
    [{ GOOGLE_HOSTED_DOMAINS: '*' }, 'GOOGLE_HOSTED_DOMAINS'],
    [{ ...github, GITHUB_ORGANIZATIONS: 'https://github.com/acme' }, 'GITHUB_ORGANIZATIONS'],
    [{ ...github, GITHUB_ORGANIZATIONS: 'acme/team' }, 'GITHUB_ORGANIZATIONS'],
    [
      { ...github, GITHUB_ORGANIZATIONS: Array.from({ length: 21 }, (_, n) => `org-${n}`).join() },
      'GITHUB_ORGANIZATIONS',
    ],
    // Another provider's setting would restrict nobody.
    [{ ...github, GITHUB_HOSTED_DOMAINS: 'corp.example' }, 'GITHUB_HOSTED_DOMAINS'],
    [{ GOOGLE_ORGANIZATIONS: 'acme' }, 'GOOGLE_ORGANIZATIONS'],
  ])('reject %j, which would admit no one or everyone', (env, name) => {
    expect(blamed({ ...sound, ...env })).toEqual([name])
  })
})

describe('redirect URIs', () => {
  const uris = (text: string) => readConfig({ ...sound, GOOGLE_REDIRECT_URIS: text }).providers[0]?.redirectUris

  test('default to the service’s own callback', () => {
    expect(readConfig(sound).providers[0]?.redirectUris).toEqual({
      default: 'https://id.example.com/auth/google/callback',
    })
  })

  test('are named by a key, in addition to the default one', () => {
    expect(uris('mobile=com.example.app:/oauth, web=https://app.example.com/cb?x=1')).toEqual({
      default: 'https://id.example.com/auth/google/callback',
      mobile: 'com.example.app:/oauth',
      web: 'https://app.example.com/cb?x=1',
    })
  })

  test('may have another default', () => {
    expect(uris('default=https://id.example.com/auth/google/callback2')).toEqual({
      default: 'https://id.example.com/auth/google/callback2',
    })
  })

  test.each([
    'https://app.example.com/cb',
    'mobile',
    'mobile=',
    '=https://app.example.com/cb',
    'Mobile=https://app.example.com/cb',
    '__proto__=https://app.example.com/cb',
    'mobile=/cb',
    'mobile=https://app.example.com/cb#fragment',
    'mobile=javascript:alert(1)',
    'mobile=data:text/html,x',
    'mobile=myapp://cb',
    'a=https://app.example.com/1,a=https://app.example.com/2',
  ])('reject “%s”', (text) => {
    expect(blamed({ ...sound, GOOGLE_REDIRECT_URIS: text })).toEqual(['GOOGLE_REDIRECT_URIS'])
  })
})

describe('the circuit breaker', () => {
  const breaker = (env: Environment) => readConfig({ ...sound, ...env }).providers[0]?.breaker

  test('has the contract’s defaults', () => {
    expect(breaker({})).toEqual({ timeoutMs: 5000, errorThresholdPercent: 50, volume: 5, resetMs: 30_000 })
  })

  test('uses the general timeout unless it has its own', () => {
    expect(breaker({ OAUTH_HTTP_TIMEOUT_MS: '700' })).toMatchObject({ timeoutMs: 700 })
    expect(breaker({ OAUTH_HTTP_TIMEOUT_MS: '700', GOOGLE_BREAKER: 'timeout_ms=900' })).toMatchObject({
      timeoutMs: 900,
    })
  })

  test('accepts any of its options, in any order', () => {
    expect(breaker({ GOOGLE_BREAKER: 'reset_ms=1000, volume=2,error_threshold_percent=100' })).toEqual({
      timeoutMs: 5000,
      errorThresholdPercent: 100,
      volume: 2,
      resetMs: 1000,
    })
  })

  test.each([
    'on',
    'volume',
    'volume=',
    'volume=0',
    'volume=-1',
    'volume=1.5',
    'volume=1e3',
    'error_threshold_percent=101',
    'timeout_ms=60001',
    'retries=3',
    'toString=5',
    'constructor=1',
  ])('rejects “%s”', (text) => {
    expect(blamed({ ...sound, GOOGLE_BREAKER: text })).toEqual(['GOOGLE_BREAKER'])
  })
})

describe('allowed return URLs', () => {
  test('are absolute, and have no query, fragment or user', () => {
    const { returnToAllowed } = readConfig({
      ...sound,
      RETURN_TO_ALLOWED: 'https://app.example.com/in, https://b.example.com',
    })
    expect(returnToAllowed.map(({ href }) => href)).toEqual(['https://app.example.com/in', 'https://b.example.com/'])
  })

  test.each([
    '/account',
    'app.example.com',
    '*',
    'https://*',
    'https://app.example.com/?x',
    'https://app.example.com/#x',
    'https://u@app.example.com',
    'http://app.example.com',
    'com.example.app:/in',
  ])('reject “%s”', (text) => {
    expect(blamed({ ...sound, RETURN_TO_ALLOWED: text })).toEqual(['RETURN_TO_ALLOWED'])
  })
})

describe('passkey origins', () => {
  test('are apps and sites, each in its own format', () => {
    const { passkeyOrigins } = readConfig({
      ...sound,
      PASSKEY_ORIGINS: `android:apk-key-hash:${'A'.repeat(43)}@com.example.app, ABCDE12345.com.example.app,https://b.example`,
    })
    expect(passkeyOrigins).toEqual({
      web: ['https://b.example'],
      android: [{ certificate: Buffer.alloc(32), packageName: 'com.example.app' }],
      apple: ['ABCDE12345.com.example.app'],
    })
  })

  test('that are invalid are reported once, by their position', () => {
    expect(faultsOf({ ...sound, PASSKEY_ORIGINS: 'https://b.example,x,http://b.example' })).toEqual([
      expect.stringMatching(/^PASSKEY_ORIGINS: item 2, 3 must be /),
    ])
  })
})

test('two OpenID Connect providers must have different issuers, which identify their users', () => {
  const one = { ISSUER: 'https://id.example', CLIENT_ID: 'id', CLIENT_SECRET: 'a secret of some length' }
  const both = ['ACME', 'OTHER'].flatMap((id) => Object.entries(one).map(([name, value]) => [`${id}_${name}`, value]))
  expect(blamed({ OIDC_PROVIDERS: 'acme,other', ...Object.fromEntries(both) })).toEqual(['OIDC_PROVIDERS'])
  expect(blamed({ ...acme, ...sound, GOOGLE_ISSUER: acme.ACME_ISSUER })).toEqual(['OIDC_PROVIDERS'])
})

test.each(['true', 'on', '1'])('a switch is on with %s', (text) => {
  expect(readConfig({ OAUTH_AUTO_REGISTER_NEW_USERS: text }).oauth.autoRegister).toBe(true)
})
test.each(['false', 'off', '0'])('a switch is off with %s', (text) => {
  expect(readConfig({ OAUTH_AUTO_REGISTER_NEW_USERS: text }).oauth.autoRegister).toBe(false)
})

describe('.env.example', () => {
  const lines = readFileSync(new URL('../.env.example', import.meta.url), 'utf8').split('\n')
  const shown = lines.flatMap((line) => {
    const [, name, value] = /^# ?([A-Z][A-Z0-9_]*)=(.*)$/.exec(line) ?? []
    return name === undefined || value === undefined ? [] : [[name, value] as const]
  })
  // Two stand for all whose IDs the operator chooses.
  const chosenIds: Readonly<Partial<Record<Kind, string>>> = { oidc: 'acme', oauth2: 'beta' }
  const expected = (Object.keys(definitions) as Kind[]).flatMap((kind) =>
    Object.keys(settingsOf(kind)).map((name) => `${(chosenIds[kind] ?? kind).toUpperCase()}_${name}`),
  )

  test('contains every setting once, and no other', () => {
    expect(shown.map(([name]) => name).sort()).toEqual([...Object.keys(settings.shape), ...expected].sort())
  })

  test('sets nothing by itself', () => {
    expect(lines.filter((line) => line !== '' && !line.startsWith('#'))).toEqual([])
  })

  test('contains the defaults', () => {
    const values = new Map(shown)
    for (const [name, type] of Object.entries(settings.shape)) {
      const standard = type.parse(undefined)
      if (standard === undefined || (Array.isArray(standard) && standard.length === 0)) continue
      expect(type.parse(values.get(name)), name).toEqual(standard)
    }
  })

  test('is a working configuration once its comments and placeholders are filled in', () => {
    const secrets = {
      ENCRYPTION_KEYS: keyText('k1'),
      METRICS_TOKEN: 'x'.repeat(16),
      // A logo is a file, which the example cannot contain.
      BRAND_LOGO: '',
      BRAND_LOGO_DARK: '',
      BRAND_FAVICON: '',
      APPLE_PRIVATE_KEY: appleKeyText,
      // It must be the client ID of the website, which the example leaves out.
      MICROSOFT_APP_CLIENT_IDS: '',
    }
    // Tenants belong to an issuer that has them; the example is an issuer of one company.
    const filled = shown
      .flatMap(([name, value]) => (name === 'ACME_TENANTS' ? [] : [[name, value] as const]))
      .map(([name, value]) => [name, value || (name.endsWith('_URL') ? 'https://proxy.example/x' : 'x'.repeat(16))])
    const ids = (Object.keys(definitions) as Kind[]).map((kind) => chosenIds[kind] ?? kind)
    const enabled = { OAUTH_ENABLED_PROVIDERS: ids.join(',') }
    const config = readConfig({ ...Object.fromEntries(filled), ...secrets, ...enabled, NODE_ENV: 'production' })
    expect(config.providers.map(({ id }) => id)).toEqual(ids)
    for (const { id, redirectUris } of config.providers)
      expect(redirectUris.default).toBe(`https://id.example.com/auth/${id}/callback`)
  })
})

describe('mail', () => {
  test('is sent through the configured server, on the port of its protocol', () => {
    const mailOf = (SMTP_URL: string) => readConfig({ SMTP_URL, MAIL_FROM: 'Ada <ada@example.com>' }).mail
    expect(mailOf('smtps://us%40er:p%3Aw@mail.example.com')).toEqual({
      tag: 'smtp',
      host: 'mail.example.com',
      port: 465,
      implicitTls: true,
      user: 'us@er',
      password: 'p:w',
      from: 'Ada <ada@example.com>',
    })
    expect(mailOf('smtp://[::1]:2525')).toMatchObject({ host: '::1', port: 2525, implicitTls: false, user: null })
    expect(mailOf('smtp://mail.example.com')).toMatchObject({ port: 587 })
  })

  test('stays in the local mailbox without a server, and is off in production', () => {
    expect(readConfig({}).mail).toEqual({ tag: 'mailbox' })
    expect(readConfig(sound).mail).toEqual({ tag: 'off' })
  })
})

test.each([
  ['off', null],
  ['all', 1],
  ['1', 1],
  ['0', 0],
  ['0.05', 0.05],
])('REQUEST_LOG=%s', (text, share) => {
  expect(readConfig({ REQUEST_LOG: text }).requestLog).toBe(share)
})
test.each(['on', '2', '-1', '.5', '5%', '1e-3', '0.05 '])(
  'REQUEST_LOG=%s is rejected with its allowed values',
  (text) => {
    expect(() => readConfig({ REQUEST_LOG: text })).toThrow(/REQUEST_LOG: /)
  },
)
test('no request is logged by default', () => expect(readConfig({}).requestLog).toBeNull())

describe('Apple', () => {
  const [privateKey, pem] = [appleKey, appleKeyText]
  const complete = { ...sound, ...apple, APPLE_PRIVATE_KEY: pem }
  const appleOf = (environment: Environment) =>
    readConfig(environment).providers.find(({ kind }) => kind === 'apple')?.privateKey

  test.each([
    ['as in the file', pem],
    ['with escaped line breaks', pem.trim().replaceAll('\n', '\\n')],
    ['with Windows line breaks', pem.replaceAll('\n', '\r\n')],
  ])('has a key in PEM format, %s', (_, key) => {
    const read = appleOf({ ...complete, APPLE_PRIVATE_KEY: key })
    expect(createPrivateKey(read ?? '').equals(privateKey)).toBe(true)
  })

  test('may have its key in a file', () => {
    const files: Record<string, string> = { '/run/secrets/apple.p8': pem.trimEnd() }
    const { providers } = readConfig(
      { ...sound, ...apple, APPLE_PRIVATE_KEY_FILE: '/run/secrets/apple.p8' },
      { secretFile: (path) => ok(files[path] ?? '') },
    )
    expect(providers.find(({ kind }) => kind === 'apple')?.privateKey).toBe(pem.trimEnd())
  })

  test('is enabled, and incomplete, with any one of its credentials', () => {
    const required = ['APPLE_CLIENT_ID', 'APPLE_TEAM_ID', 'APPLE_KEY_ID', 'APPLE_PRIVATE_KEY'] as const
    for (const name of required)
      expect(blamed({ ...sound, [name]: complete[name] }).sort(), name).toEqual(
        required.filter((other) => other !== name).sort(),
      )
    expect(appleOf(sound)).toBeUndefined()
  })

  test.each([
    ['a key of another curve', generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey],
    ['an RSA key', generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey],
    ['an Ed25519 key', generateKeyPairSync('ed25519').privateKey],
  ])('rejects %s, without showing it', (_, key) => {
    const text = key.export({ format: 'pem', type: 'pkcs8' }).toString()
    const faults = faultsOf({ ...complete, APPLE_PRIVATE_KEY: text })
    expect(faults).toEqual([expect.stringMatching(/^APPLE_PRIVATE_KEY: must be /)])
    for (const line of text.split('\n').slice(1, -2)) expect(faults.join()).not.toContain(line)
  })

  test.each([
    ['a public key', createPublicKey(privateKey).export({ format: 'pem', type: 'spki' }).toString()],
    ['half a key', pem.slice(0, 90)],
    ['the base64 without its first and last line', pem.split('\n').slice(1, -2).join('')],
    ['a name of a file', '/run/secrets/apple.p8'],
    ['a NUL in it', pem.replace('\n', '\n\0')],
  ])('rejects %s', (_, text) => {
    expect(blamed({ ...complete, APPLE_PRIVATE_KEY: text })).toEqual(['APPLE_PRIVATE_KEY'])
  })

  test('checks the IDs of the team and the key', () => {
    for (const name of ['APPLE_TEAM_ID', 'APPLE_KEY_ID'])
      for (const text of ['a1b2c3d4e5', 'A1B2C3D4E', 'A1B2C3D4E5F', 'A1B2-3D4E5'])
        expect(blamed({ ...complete, [name]: text }), text).toEqual([name])
  })

  test('has no setting of a secret, a UserInfo endpoint or a client authentication', () => {
    for (const name of ['CLIENT_SECRET', 'USERINFO_URL', 'TOKEN_AUTH'])
      expect(faultsOf({ ...complete, [`APPLE_${name}`]: 'https://apple.example' })).toEqual([
        `APPLE_${name}: is not a setting of Apple; remove it`,
      ])
  })
})

describe('the client IDs of native apps', () => {
  const appsOf = (text: string) => readConfig({ ...sound, GOOGLE_APP_CLIENT_IDS: text }).providers[0]?.appClientIds

  test('are a list, each once', () => {
    expect(appsOf('a.apps.example, b.apps.example a.apps.example')).toEqual(['a.apps.example', 'b.apps.example'])
    expect(readConfig(sound).providers[0]?.appClientIds).toBeUndefined()
  })

  test('are neither empty nor too many', () => {
    const many = Array.from({ length: 21 }, (_, n) => `app${n}`).join(',')
    for (const text of [',', many])
      expect(blamed({ ...sound, GOOGLE_APP_CLIENT_IDS: text })).toEqual(['GOOGLE_APP_CLIENT_IDS'])
  })

  test('need keys to verify signatures, also outside production', () => {
    const local = { GOOGLE_CLIENT_ID: 'a', GOOGLE_CLIENT_SECRET: 'b', GOOGLE_TOKEN_URL: 'http://127.0.0.1:1/token' }
    expect(blamed(local)).toEqual([])
    expect(blamed({ ...local, GOOGLE_APP_CLIENT_IDS: 'app' })).toEqual(['GOOGLE_JWKS_URL'])
  })
})

describe('open resources', () => {
  const resources = 'https://notes.example.org/mcp, https://payments.example.org'

  test('are APIs and their scopes', () => {
    const { openResources } = readConfig({
      ...sound,
      APPLICATIONS_OPEN_RESOURCES: resources,
      APPLICATIONS_OPEN_SCOPES: 'notes:read',
    })
    expect(openResources).toEqual({
      resources: ['https://notes.example.org/mcp', 'https://payments.example.org'],
      scopes: ['notes:read'],
    })
    expect(readConfig(sound).openResources).toEqual({ resources: [], scopes: [] })
  })

  test.each([
    [{ APPLICATIONS_OPEN_RESOURCES: 'notes,https://a.example/#x' }, /^APPLICATIONS_OPEN_RESOURCES: item 1, 2 must be /],
    [{ APPLICATIONS_OPEN_RESOURCES: 'https://a.example,https://a.example' }, /item 2 must be .* given once$/],
    [
      { APPLICATIONS_OPEN_RESOURCES: Array.from({ length: 21 }, (_, n) => `https://a.example/${n}`).join() },
      /at most 20/,
    ],
    [{ APPLICATIONS_OPEN_RESOURCES: resources, APPLICATIONS_OPEN_SCOPES: 'a b,email' }, /item 1, 2 must be a scope/],
    [{ APPLICATIONS_OPEN_SCOPES: 'notes:read' }, /needs APPLICATIONS_OPEN_RESOURCES/],
  ])('%o is refused in one sentence', (env, fault) => {
    expect(faultsOf({ ...sound, ...env })).toEqual([expect.stringMatching(fault)])
  })
})
