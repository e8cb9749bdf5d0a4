import { expect, test } from 'vitest'
import { readProvidersFile } from '../../src/commands/providers-file.ts'
import { err, ok } from '../../src/kernel/result.ts'

const sources = {
  env: { ACME_SECRET: 'from the environment', EMPTY: '' },
  secretFile: (path: string) =>
    path === '/run/secrets/acme' ? ok('from the file') : err('cannot be read: there is no such file'),
}
const read = (file: unknown) => readProvidersFile(typeof file === 'string' ? file : JSON.stringify(file), sources)
const acme = {
  id: 'acme',
  kind: 'oidc',
  settings: { CLIENT_ID: 'vinculum', CLIENT_SECRET: { env: 'ACME_SECRET' }, ISSUER: 'https://idp.example' },
}
const settings = { CLIENT_ID: 'vinculum', CLIENT_SECRET: 'from the environment', ISSUER: 'https://idp.example' }
const faultsIn = (file: unknown) => {
  const result = read(file)
  return result.ok ? [] : result.error.map(({ path, message }) => `${path}: ${message}`)
}

test('a file describes providers, with their secrets read from the environment or from files', () => {
  const github = {
    id: 'github',
    kind: 'github',
    enabled: false,
    order: 2,
    secret_expires_at: '2027-05-31T18:00:00+02:00',
    settings: { CLIENT_ID: 'vinculum', CLIENT_SECRET: { file: '/run/secrets/acme' } },
  }
  expect(read({ $schema: './providers.schema.json', providers: [acme, github] })).toEqual(
    ok([
      { id: 'acme', kind: 'oidc', enabled: true, settings },
      {
        id: 'github',
        kind: 'github',
        enabled: false,
        order: 2,
        secretExpiresAt: new Date('2027-05-31T16:00:00Z'),
        settings: { CLIENT_ID: 'vinculum', CLIENT_SECRET: 'from the file' },
      },
    ]),
  )
})

test('all errors are reported together, each with its path and without any value', () => {
  const file = {
    providers: [
      { ...acme, settings: { ...acme.settings, CLIENT_SECRET: 'hunter2-in-the-file' } },
      { ...acme, settings: { ...acme.settings, CLIENT_SECRET: { env: 'MISSING' } } },
      { ...acme, id: 'b', settings: { ...acme.settings, CLIENT_SECRET: { env: 'hunter2-in-place-of-the-name' } } },
      { ...acme, id: 'c', settings: { ...acme.settings, CLIENT_SECRET: { file: 'hunter2-in-place-of-the-path' } } },
      { ...acme, id: 'd', settings: { ...acme.settings, CLIENT_SECRET: { env: 'EMPTY' } } },
      { ...acme, id: 'e', settings: { CLIENT_ID: { env: 'ACME_SECRET' } } },
    ],
  }
  const faults = faultsIn(file)
  expect(faults).toEqual([
    'providers[0].settings.CLIENT_SECRET: is a secret: give {"env": "NAME"} or {"file": "/path"} instead of its value',
    'providers[1].settings.CLIENT_SECRET: the environment variable MISSING is not set',
    'providers[1].id: is given twice',
    'providers[2].settings.CLIENT_SECRET: the environment variable in this place is not set',
    'providers[3].settings.CLIENT_SECRET: the file cannot be read: there is no such file',
    'providers[4].settings.CLIENT_SECRET: the environment variable EMPTY is not set',
    'providers[5].settings.CLIENT_ID: is not a secret: give its value',
  ])
  expect(faults.join()).not.toMatch(/hunter2|from the environment/)
})

test.each<[string, unknown, readonly string[]]>([
  ['no JSON', '{"providers": [', [': must be valid JSON']],
  ['a list', [], [': must be an object']],
  ['another object', {}, ['providers: must be a list']],
  ['a list given twice', '{"providers": [], "providers": []}', ['providers: is given twice']],
  [
    'unknown members, types and values',
    {
      provider: [],
      providers: [{ id: 7, kind: 'hunter2', enable: true, order: 1.5, secret_expires_at: 'soon', settings: [] }],
    },
    [
      'providers[0].id: must be text',
      expect.stringMatching(/^providers\[0\]\.kind: must be one of: google, /) as unknown as string,
      'providers[0].order: must be a whole number',
      'providers[0].secret_expires_at: must be a time like 2027-05-31T18:00:00Z',
      'providers[0].settings: must be an object',
      'providers[0].enable: is unknown',
      'provider: is unknown',
    ],
  ],
  [
    'a reference to two places',
    { providers: [{ ...acme, settings: { CLIENT_SECRET: { env: 'A', file: '/b' } } }] },
    ['providers[0].settings.CLIENT_SECRET: must be text, {"env": "NAME"} or {"file": "/path"}'],
  ],
  ['too much', ' '.repeat(2_000_000), [': must not be longer than a mebibyte']],
])('%s is rejected with the path of each error', (_name, file, faults) => {
  expect(faultsIn(file)).toEqual(faults)
})

test('the names of JavaScript are ordinary setting names, which no provider has', () => {
  const file = `{"providers": [{"id": "acme", "kind": "oidc", "settings": {"__proto__": "x", "constructor": "y"}}]}`
  const result = read(file)
  expect(result.ok && Object.keys(result.value[0]?.settings ?? {})).toEqual(expect.arrayContaining(['constructor']))
  expect({}).not.toHaveProperty('x')
})
