import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { foreignVariables } from '../../src/providers/settings.ts'
import { unknownNames } from '../../src/settings/unknown-names.ts'

const known = {
  names: new Set(['HOST', 'PORT', 'PUBLIC_URL', 'ENCRYPTION_KEYS', 'ENCRYPTION_KEYS_FILE', 'GOOGLE_CLIENT_ID']),
  prefixes: ['GOOGLE_', 'GITHUB_', 'ACME_'],
  foreign: foreignVariables,
}
const warn = (...given: string[]) => unknownNames(given, known)

describe('a variable', () => {
  test.each([
    ['PUBLIC_URI', 'PUBLIC_URL'],
    ['PUBLICURL', 'PUBLIC_URL'],
    ['ENCRYPTION_KEY', 'ENCRYPTION_KEYS'],
    ['ENCRYTPION_KEYS', 'ENCRYPTION_KEYS'],
    ['ENCRYPTION_KEYFILE', 'ENCRYPTION_KEYS_FILE'],
    ['GOGLE_CLIENT_ID', 'GOOGLE_CLIENT_ID'],
    ['PROT', 'PORT'],
  ])('%s causes a warning that suggests %s', (name, meant) => {
    expect(warn(name)).toEqual([`${name} is not a setting and is ignored; did you mean ${meant}?`])
  })

  test('within two characters of a setting causes a warning', () => {
    const edit = fc.record({
      at: fc.nat(14),
      kind: fc.constantFrom('in', 'out', 'other'),
      letter: fc.stringMatching(/^[A-Z]$/),
    })
    fc.assert(
      fc.property(fc.array(edit, { minLength: 1, maxLength: 2 }), (edits) => {
        const name = edits.reduce(
          (text, { at, kind, letter }) =>
            text.slice(0, at) + (kind === 'out' ? '' : letter) + text.slice(kind === 'in' ? at : at + 1),
          'ENCRYPTION_KEYS',
        )
        fc.pre(name !== 'ENCRYPTION_KEYS')
        expect(warn(name)).toEqual([expect.stringContaining('did you mean ENCRYPTION_KEYS')])
      }),
    )
  })

  test('that begins like a setting of a provider causes a warning', () => {
    expect(warn('GOOGLE_CLIENT_KEY', 'ACME_ISSUER_URL')).toEqual([
      "ACME_ISSUER_URL starts like a provider's setting but is not one; it is ignored",
      "GOOGLE_CLIENT_KEY starts like a provider's setting but is not one; it is ignored",
    ])
  })

  test('that names a file for a setting that is not secret causes a warning', () => {
    expect(warn('PUBLIC_URL_FILE')).toEqual([
      'PUBLIC_URL_FILE is ignored; PUBLIC_URL cannot be read from a file, so set PUBLIC_URL itself',
    ])
  })

  test('with a byte order mark before its name is shown with it', () => {
    expect(warn('\ufeffPORT')).toEqual(['\\u{feff}PORT is not a setting and is ignored; did you mean PORT?'])
  })

  test('that is a setting, or resembles none, causes no warning', () => {
    expect(warn(...known.names, 'DATABASE_PASSWORD', 'MY_APP_TOKEN', 'port', 'https_proxy')).toEqual([])
  })
})

test.each<[string, string]>([
  [
    'a shell',
    'HOME PATH PWD OLDPWD SHELL SHLVL USER LOGNAME LANG LC_ALL TERM TZ TMPDIR EDITOR PAGER HOSTNAME MAIL DISPLAY _',
  ],
  ['systemd', 'INVOCATION_ID JOURNAL_STREAM NOTIFY_SOCKET MAINPID LISTEN_FDS LISTEN_PID CREDENTIALS_DIRECTORY'],
  [
    'Windows',
    'APPDATA ComSpec HOMEDRIVE HOMEPATH LOCALAPPDATA OS PATHEXT ProgramFiles SystemRoot TEMP TMP USERPROFILE',
  ],
  [
    'npm',
    'NODE npm_config_registry npm_lifecycle_event npm_package_name INIT_CWD NODE_OPTIONS NODE_VERSION YARN_VERSION',
  ],
  ['proxies', 'HTTP_PROXY HTTPS_PROXY NO_PROXY ALL_PROXY http_proxy https_proxy no_proxy'],
  [
    'GitHub Actions',
    'CI GITHUB_ACTIONS GITHUB_SHA GITHUB_REF GITHUB_TOKEN GITHUB_WORKSPACE GITHUB_RUN_ID GITHUB_JOB GITHUB_ENV',
  ],
  ['Google Cloud', 'GOOGLE_APPLICATION_CREDENTIALS GOOGLE_CLOUD_PROJECT GOOGLE_API_KEY'],
  [
    'Kubernetes',
    'KUBERNETES_SERVICE_HOST ACME_SERVICE_HOST ACME_SERVICE_PORT ACME_SERVICE_PORT_HTTP ACME_PORT ACME_PORT_80_TCP ACME_PORT_80_TCP_ADDR',
  ],
])('a variable set by %s causes no warning', (_, names) => {
  expect(warn(...names.split(' '))).toEqual([])
})

test('the list of warnings is bounded', () => {
  const many = Array.from({ length: 500 }, (_, at) => `GOOGLE_${at}`)
  const warnings = warn(...many)
  expect(warnings).toHaveLength(21)
  expect(warnings.at(-1)).toBe('480 more variables look like settings')
})
