/** Text that no database stores unchanged: PostgreSQL rejects NUL, and neither database stores lone surrogates. */
import { describe, expect, test } from 'vitest'
import { readTransports } from '../../src/credentials/passkeys.ts'
import { apiRoutes } from '../../src/http/api/index.ts'
import { pageRoutes } from '../../src/http/pages/index.ts'
import { samplesOf, withText } from '../support/samples.ts'

const unstorable = ['\u0000', 'a\u0000b', '\ud800', 'a\udc00b']
const holdsUnstorable = (value: unknown): boolean =>
  typeof value === 'string'
    ? /[\0\p{Cs}]/u.test(value)
    : typeof value === 'object' && value !== null && Object.values(value).some(holdsUnstorable)

/** Text that is stored in another form, or not at all; its reader decides which values are valid. */
const notStoredAsItIs: Readonly<Record<string, readonly string[]>> = {
  'hashed, or compared with a hash': [
    'code',
    'totp',
    'recovery_code',
    'token',
    'refresh_token',
    'ticket',
    'second_factor_ticket',
    'email_ticket',
    'flow_token',
    'password',
    'current_password',
    'new_password',
    'state',
  ],
  'read by a function that refuses more (readEmail, readReturnTo, the challenge of an app)': [
    'email',
    'username',
    'return_to',
    'code_challenge',
    'code_challenge_method',
  ],
  'looked up in what is known': ['provider', 'cloud_ids', 'transports', 'done'],
  'not read': ['client_id', 'scope', 'redirect_uri', 'token_type_hint'],
  'of a provider, and only compared': ['error', 'iss', 'id_token', 'nonce'],
  'read by a function that removes it (readText)': ['user'],
}
const exempt = new Set(Object.values(notStoredAsItIs).flat())

const response = {
  clientDataJSON: 'YQ',
  attestationObject: 'YQ',
  authenticatorData: 'YQ',
  signature: 'YQ',
  transports: [],
}
const known = {
  totp: '123456',
  nonce: 'n'.repeat(32),
  // Its keys and values have tests of their own (`kernel/metadata`).
  public: {},
  dpop_bound_access_tokens: false,
  cursor: Buffer.from('1.usr_1').toString('base64url'),
}
/** The fields of a form as JSON. */
const knownInForms = { ...known, response: JSON.stringify({ id: 'YQ', rawId: 'YQ', type: 'public-key', response }) }

// A file is no text.
const schemas = [...apiRoutes, ...pageRoutes]
  .filter(({ upload }) => !upload)
  .flatMap(({ method, path, surface, body, query, params }) =>
    Object.entries({ body, query, params }).flatMap(([where, schema]) =>
      schema ? [{ name: `${method.toUpperCase()} ${path} ${where}`, surface, schema }] : [],
    ),
  )

describe('every text field of every route', () => {
  test.each(schemas)('$name rejects text that cannot be stored, or does not store it', ({ name, surface, schema }) => {
    const special = name.endsWith('totp/confirm body') ? { code: '123456' } : {}
    const whole = name.endsWith('registration-tokens body') ? { expires_in: 3600 } : {}
    const json = name === 'POST /admin/users/:id/metadata body' ? { metadata: '{}', shown: '{}' } : {}
    const audit = /\/(audit|activity) query$/.test(name) ? { cursor: 'aud_1' } : {}
    for (const { value, texts } of samplesOf(schema, {
      ...(surface === 'browser' ? knownInForms : known),
      ...special,
      ...audit,
      ...whole,
      ...json,
    })) {
      expect(schema.safeParse(value).error, JSON.stringify(value)).toBeUndefined()
      for (const path of texts) {
        const field = path.findLast((key) => typeof key === 'string')
        if (field === undefined || exempt.has(String(field))) continue
        for (const text of unstorable) {
          const read = schema.safeParse(withText(value, path, text))
          expect([path.join('.'), text, read.success && holdsUnstorable(read.data)]).toEqual([
            path.join('.'),
            text,
            false,
          ])
        }
      }
    }
  })
})

test('of the transports a browser names, only known ones are stored', () => {
  expect(readTransports(['internal', 'telepathy', '\u0000', '\ud800', 'usb', 'internal', ''])).toEqual([
    'usb',
    'internal',
  ])
  expect(readTransports([])).toEqual([])
})
