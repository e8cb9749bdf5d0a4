import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign as signature } from 'node:crypto'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { message } from '../../src/errors/catalogue.ts'
import { createBus } from '../../src/events/bus.ts'
import { createIds, systemRandom } from '../../src/kernel/ids.ts'
import { createKeys, type Keys } from '../../src/sessions/keys.ts'
import type { Session } from '../../src/sessions/ports.ts'
import { createTokens, type TokenPair, type Tokens } from '../../src/sessions/tokens.ts'
import { openStore } from '../../src/store/open.ts'
import { newSealer } from '../support/sealers.ts'
import { createStoppedClock } from '../support/stopped-clock.ts'

const issuer = 'https://id.example.com'
const audience = 'https://api.example.com'
const accessTtlSeconds = 1800
const start = new Date('2026-03-01T12:00:00.250Z')

let { clock, turn } = createStoppedClock(start)
let keys: Keys
let tokens: Tokens
let pair: TokenPair
let loads: number
const session: Session = {
  id: 'ses_1',
  accountId: 'usr_1',
  identityId: 'idn_1',
  provider: 'google',
  name: null,
  amr: ['fed'],
  scope: 'users:read',
  authTime: start,
  createdAt: start,
  lastSeenAt: start,
  ip: null,
  userAgent: null,
  generation: 7,
  rotatedAt: start,
  usedGeneration: 6,
  idleExpiresAt: new Date(start.getTime() + 3600_000),
  absoluteExpiresAt: new Date(start.getTime() + 5400_000),
  endedAt: null,
  endReason: null,
}

let newKeys: () => Promise<Keys>
beforeAll(async () => {
  const stopped = createStoppedClock(start)
  const ids = createIds(stopped.clock, systemRandom)
  const store = await openStore(
    { tag: 'sqlite', file: ':memory:' },
    { clock: stopped.clock, ids, publish: createBus(stopped.clock).publish },
  )
  const sealer = newSealer()
  newKeys = () =>
    createKeys({
      keys: {
        ...store.keys,
        list: () => {
          loads++
          return store.keys.list()
        },
      },
      sealer,
      clock: () => clock(),
      ids,
      random: systemRandom,
      accessTtlSeconds,
      refreshTtlSeconds: 3600,
    })
  return () => store.close()
})
beforeEach(async () => {
  ;({ clock, turn } = createStoppedClock(start))
  loads = 0
  keys = await newKeys()
  tokens = createTokens({ keys, clock: () => clock(), issuer, audience, accessTtlSeconds })
  pair = tokens.pair(session)
})

type Json = Record<string, unknown>
const encode = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
const part = (token: string, n: 0 | 1): Json =>
  JSON.parse(Buffer.from(token.split('.')[n] ?? '', 'base64url').toString())
const without = (from: Json, name: string): Json =>
  Object.fromEntries(Object.entries(from).filter(([member]) => member !== name))

/** Another text that a lenient decoder reads as the same bytes: a signature leaves bits of its last letter unused. */
function withUnusedBit(token: string): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
  return token.slice(0, -1) + alphabet[alphabet.indexOf(token.slice(-1)) + 1]
}

type Change = { header?: Json; payload?: Json; as?: Json; key?: KeyObject }
/** A token with any content and a valid signature: with our own key by default. */
function signed(type: 'access' | 'refresh', change: Change = {}): string {
  const original = type === 'access' ? pair.access_token : pair.refresh_token
  const header = { ...part(original, 0), ...change.header }
  const payload = change.as ?? { ...part(original, 1), ...change.payload }
  const input = `${encode(header)}.${encode(payload)}`
  const key = change.key ?? keys.current(type).sign
  const bytes =
    key.type === 'secret'
      ? createHmac('sha256', key).update(input).digest()
      : signature('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' })
  return `${input}.${bytes.toString('base64url')}`
}
const codeOf = async (token: string, expected: 'access' | 'refresh' = 'access'): Promise<string> => {
  const read = await tokens.read(token, expected)
  return read.ok ? 'accepted' : read.error.code
}

describe('a token pair', () => {
  test('names one session and one generation of it, in both tokens', async () => {
    const claims = { sub: 'usr_1', sid: 'ses_1', generation: 7 }
    expect(await tokens.read(pair.access_token, 'access')).toMatchObject({ ok: true, value: claims })
    expect(await tokens.read(pair.refresh_token, 'refresh')).toMatchObject({ ok: true, value: claims })
  })

  test('contains the lifetime of each token', () => {
    expect(pair).toMatchObject({ token_type: 'bearer', expires_in: 1800, refresh_expires_in: 3600 })
  })

  test('has an access token as RFC 9068 specifies', () => {
    expect(part(pair.access_token, 0)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: keys.current('access').id })
    const at = Math.floor(start.getTime() / 1000)
    expect(part(pair.access_token, 1)).toEqual({
      iss: issuer,
      aud: audience,
      sub: 'usr_1',
      client_id: audience,
      jti: '7.ses_1',
      sid: 'ses_1',
      scope: 'users:read',
      type: 'access',
      amr: ['fed'],
      auth_time: at,
      iat: at,
      exp: at + 1800,
    })
  })

  test('has a refresh token with its type', () => {
    expect(part(pair.refresh_token, 0)).toMatchObject({ alg: 'HS256', typ: 'rt+jwt' })
    expect(Object.keys(part(pair.refresh_token, 1)).sort()).toEqual([
      'aud',
      'exp',
      'iat',
      'iss',
      'jti',
      'sid',
      'sub',
      'type',
    ])
    expect(part(pair.refresh_token, 1)).toMatchObject({ type: 'refresh' })
  })

  test('has a refresh token that expires with the session: at its idle or absolute end, whichever comes first', () => {
    const soon = new Date(start.getTime() + 100_000)
    expect(tokens.pair({ ...session, absoluteExpiresAt: soon }).refresh_expires_in).toBe(100)
    expect(tokens.pair({ ...session, idleExpiresAt: soon }).refresh_expires_in).toBe(100)
  })
})

describe('a forged token is refused:', () => {
  const stranger = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const publicPem = (): string =>
    createPublicKey(keys.current('access').sign).export({ type: 'spki', format: 'pem' }).toString()
  const hmacWith = (secret: string | Buffer, header: Json, from = pair.access_token): string => {
    const input = `${encode({ ...part(from, 0), ...header })}.${encode(part(from, 1))}`
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
  }
  const reordered = (token: string): string => {
    const header = Object.fromEntries(Object.entries(part(token, 0)).reverse())
    const input = `${encode(header)}.${token.split('.')[1]}`
    return `${input}.${createHmac('sha256', keys.current('refresh').sign).update(input).digest('base64url')}`
  }
  const bytes = 'AAAA'

  test.each<[string, () => string | Promise<string>, ('access' | 'refresh')?]>([
    ['nothing', () => ''],
    ['two dots', () => '..'],
    ['no dots', () => 'token'],
    ['something that is not JSON', () => `${encode('{')}.${encode('{}')}.${bytes}`],
    ['a header that is not an object', () => `${encode('null')}.${encode('{}')}.${bytes}`],
    ['a header that is a list', () => `${encode('[]')}.${encode('{}')}.${bytes}`],
    [
      'no algorithm',
      () => `${encode({ ...part(pair.access_token, 0), alg: 'none' })}.${pair.access_token.split('.')[1]}.`,
    ],
    [
      'no algorithm, in upper case',
      () => `${encode({ ...part(pair.access_token, 0), alg: 'NONE' })}.${pair.access_token.split('.')[1]}.`,
    ],
    [
      'no algorithm, with the old signature',
      () =>
        `${encode({ ...part(pair.access_token, 0), alg: 'none' })}.${pair.access_token.split('.').slice(1).join('.')}`,
    ],
    ['no signature', () => `${pair.access_token.split('.').slice(0, 2).join('.')}.`],
    ['HS256 with the public key as PEM', () => hmacWith(publicPem(), { alg: 'HS256' })],
    [
      'HS256 with the public key as JWK',
      async () => hmacWith(JSON.stringify((await keys.jwks()).keys[0]), { alg: 'HS256' }),
    ],
    ['HS256 with an empty secret', () => hmacWith('', { alg: 'HS256' })],
    [
      'HS256 with the refresh key, as an access token',
      () => signed('access', { header: { alg: 'HS256' }, key: keys.current('refresh').sign }),
    ],
    [
      'the ID of the refresh key with the access key',
      () => signed('access', { header: { kid: keys.current('refresh').id } }),
    ],
    [
      'a refresh token signed with the access key',
      () =>
        signed('refresh', {
          header: { alg: 'ES256', kid: keys.current('access').id },
          key: keys.current('access').sign,
        }),
      'refresh',
    ],
    ['a refresh token under an empty secret', () => hmacWith('', {}, pair.refresh_token), 'refresh'],
    ['another key under our key ID', () => signed('access', { key: stranger.privateKey })],
    [
      'another key under its own ID',
      () => signed('access', { key: stranger.privateKey, header: { kid: 'key_other' } }),
    ],
    [
      'another key in jwk',
      () =>
        signed('access', { key: stranger.privateKey, header: { jwk: stranger.publicKey.export({ format: 'jwk' }) } }),
    ],
    [
      'another key in jwk, without an ID',
      () =>
        signed('access', {
          key: stranger.privateKey,
          header: { kid: undefined, jwk: stranger.publicKey.export({ format: 'jwk' }) },
        }),
    ],
    [
      'another key in jku',
      () =>
        signed('access', {
          key: stranger.privateKey,
          header: { kid: 'x', jku: 'https://evil.example/jwks', x5u: 'https://evil.example/x5u' },
        }),
    ],
    ['no client', () => signed('access', { payload: { client_id: undefined } })],
    [
      'a time before which it is not valid',
      () => signed('access', { payload: { nbf: Math.floor(start.getTime() / 1000) + 60 } }),
    ],
    ['a payload that is not an object', () => signed('access', { as: 'text' as unknown as Json })],
    ['a refresh token with its header in another order, signed again', () => reordered(pair.refresh_token), 'refresh'],
    ['a refresh token with unused bits set in its signature', () => withUnusedBit(pair.refresh_token), 'refresh'],
    [
      'another subject under the same signature',
      () =>
        pair.access_token
          .split('.')
          .map((text, n) => (n === 1 ? encode({ ...part(pair.access_token, 1), sub: 'usr_2' }) : text))
          .join('.'),
    ],
    [
      'another header under the same signature',
      () =>
        pair.access_token
          .split('.')
          .map((text, n) => (n === 0 ? encode({ ...part(pair.access_token, 0), x: 1 }) : text))
          .join('.'),
    ],
    ['a fourth part', () => `${pair.access_token}.x`],
    ['a trailing space', () => `${pair.access_token} `],
  ])('%s', async (_, token, expected) => {
    expect(await codeOf(await token(), expected)).toBe('token_invalid')
  })

  describe.each(['access', 'refresh'] as const)('of type %s with', (type) => {
    const original = (): string => (type === 'access' ? pair.access_token : pair.refresh_token)
    const other = type === 'access' ? 'refresh' : 'access'

    test.each<[string, Change | (() => Change)]>([
      ['no key ID', { header: { kid: undefined } }],
      ['a key ID that is a path', { header: { kid: '../../dev/null' } }],
      ['a key ID that is SQL', { header: { kid: "' or 1=1 --" } }],
      ['a key ID that is a member of every object', { header: { kid: '__proto__' } }],
      ['a key ID that is not text', { header: { kid: 1 } }],
      ['an unknown critical extension', { header: { crit: ['exp'] } }],
      ['an unencoded payload', { header: { crit: ['b64'], b64: false } }],
      ['another type in the header', { header: { typ: 'JWT' } }],
      ['the other type in the header', { header: { typ: other === 'access' ? 'at+jwt' : 'rt+jwt' } }],
      ['no type in the header', { header: { typ: undefined } }],
      ['the other type in the payload', { payload: { type: other } }],
      ['no type in the payload', { payload: { type: undefined } }],
      ['another issuer', { payload: { iss: 'https://evil.example' } }],
      ['the issuer with an added slash', { payload: { iss: `${issuer}/` } }],
      ['no issuer', { payload: { iss: undefined } }],
      ['another audience', { payload: { aud: 'https://evil.example' } }],
      ['no audience', { payload: { aud: undefined } }],
      ['no session', { payload: { sid: undefined } }],
      ['no ID', { payload: { jti: undefined } }],
      ['a generation that is not a number', { payload: { jti: 'x.ses_1' } }],
      ['no expiry', () => ({ as: without(part(original(), 1), 'exp') })],
      ['an expiry that is not a number', { payload: { exp: '9999999999' } }],
      ['no time of issue', { payload: { iat: undefined } }],
      ['more than eight kilobytes', { payload: { x: 'x'.repeat(9000) } }],
    ])('%s', async (_, change) => {
      expect(await codeOf(signed(type, typeof change === 'function' ? change() : change), type)).toBe('token_invalid')
    })

    test('padding after its signature', async () => {
      expect(await codeOf(`${original()}=`, type)).toBe('token_invalid')
      expect(await codeOf(original(), type)).toBe('accepted')
    })
  })

  test('truncated anywhere in one of its parts', async () => {
    for (const token of [pair.access_token, pair.refresh_token])
      for (let length = 0; length < token.length; length += 7)
        expect(await codeOf(token.slice(0, length), token === pair.access_token ? 'access' : 'refresh')).toBe(
          'token_invalid',
        )
  })

  test('while an unchanged one made with the same helper is accepted', async () => {
    expect(await codeOf(signed('access'))).toBe('accepted')
    expect(await codeOf(signed('refresh'), 'refresh')).toBe('accepted')
  })
})

describe.each(['ES256', 'RS256'] as const)('an id_token signed with %s', (algorithm) => {
  beforeEach(() => keys.prepareRs256())
  const claims = { sub: 'usr_1', sid: 'ses_1', name: 'Ada' }
  const idToken = () => tokens.idToken({ applicationId: 'app_1', algorithm, claims })
  const keyIdOf = (of: typeof algorithm): string => keys.current(of === 'ES256' ? 'access' : 'rs256').id
  const known = { applicationId: 'app_1', subject: 'usr_1', sid: 'ses_1' }

  test('has the key of its algorithm, no type, and the time that all nodes share', async () => {
    const token = await idToken()
    const seconds = Math.floor(start.getTime() / 1000)
    expect(part(token, 0)).toEqual({ alg: algorithm, kid: keyIdOf(algorithm) })
    expect(part(token, 1)).toEqual({
      ...claims,
      iss: issuer,
      aud: 'app_1',
      iat: seconds,
      exp: seconds + accessTtlSeconds,
    })
    expect(await tokens.readIdToken(token)).toEqual(known)
    turn(accessTtlSeconds * 100)
    expect(await tokens.readIdToken(token)).toEqual(known)
  })

  test('is no token of ours, and a logout token of its key is no id_token', async () => {
    expect(await codeOf(await idToken())).toBe('token_invalid')
    expect(await codeOf(await idToken(), 'refresh')).toBe('token_invalid')
    expect(await tokens.readOfMachine(await idToken())).toBeUndefined()
    const logout = await tokens.logout({ id: 'lgn_1', applicationId: 'app_1', subject: 'usr_1', sid: 'x', algorithm })
    expect(part(logout, 0)).toEqual({ alg: algorithm, typ: 'logout+jwt', kid: keyIdOf(algorithm) })
    expect(await tokens.readIdToken(logout)).toBeUndefined()
  })

  test.each<[string, (token: string) => string]>([
    ['no algorithm', (token) => `${encode({ ...part(token, 0), alg: 'none' })}.${token.split('.')[1]}.`],
    [
      'no algorithm, with the old signature',
      (token) => `${encode({ ...part(token, 0), alg: 'none' })}.${token.split('.').slice(1).join('.')}`,
    ],
    [
      'HS256 with the public key as PEM',
      (token) => hmac(token, createPublicKey(keyOf(algorithm)).export({ type: 'spki', format: 'pem' }).toString()),
    ],
    [
      'HS256 with the public key as DER',
      (token) => hmac(token, createPublicKey(keyOf(algorithm)).export({ type: 'spki', format: 'der' })),
    ],
    ['HS256 with an empty secret', (token) => hmac(token, '')],
    ['the name of the other algorithm', (token) => signedBy(token, { alg: other }, keyOf(algorithm))],
    ['the other key under its ID', (token) => signedBy(token, {}, keyOf(other))],
    [
      'the other key and algorithm under its ID',
      (token) => signedBy(token, { alg: other, kid: keyIdOf(algorithm) }, keyOf(other)),
    ],
    ['the ID of the other key', (token) => signedBy(token, { kid: keyIdOf(other) }, keyOf(algorithm))],
    ['the ID of the refresh key', (token) => signedBy(token, { kid: keys.current('refresh').id }, keyOf(algorithm))],
    ['PS256 instead of RS256', (token) => signedBy(token, { alg: 'PS256' }, keyOf('RS256'))],
    ['no key ID', (token) => signedBy(token, { kid: undefined }, keyOf(algorithm))],
    ['the type of an access token', (token) => signedBy(token, { typ: 'at+jwt' }, keyOf(algorithm))],
    [
      'another key under its ID',
      (token) => signedBy(token, {}, generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey),
    ],
  ])('is refused with %s', async (_, forge) => {
    expect(await tokens.readIdToken(forge(await idToken()))).toBeUndefined()
  })

  const other = algorithm === 'ES256' ? 'RS256' : 'ES256'
  const keyOf = (of: typeof algorithm): KeyObject => keys.current(of === 'ES256' ? 'access' : 'rs256').sign
  const hmac = (token: string, secret: string | Buffer): string => {
    const input = `${encode({ ...part(token, 0), alg: 'HS256' })}.${token.split('.')[1]}`
    return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
  }
  const signedBy = (token: string, header: Json, key: KeyObject): string => {
    const input = `${encode({ ...part(token, 0), ...header })}.${token.split('.')[1]}`
    return `${input}.${signature('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  }

  test('is accepted if it is signed with the same helper, unchanged', async () => {
    expect(await tokens.readIdToken(signedBy(await idToken(), {}, keyOf(algorithm)))).toEqual(known)
  })
})

test('no key for RS256 verifies an access or a refresh token', async () => {
  await keys.prepareRs256()
  const { id: kid, sign: key } = keys.current('rs256')
  for (const type of ['access', 'refresh'] as const)
    for (const alg of ['RS256', 'ES256', 'HS256'])
      expect(await codeOf(signed(type, { header: { alg, kid }, key }), type)).toBe('token_invalid')
})

describe('a token we issued', () => {
  const portuguese = async (token: string, expected: 'access' | 'refresh'): Promise<string> => {
    const read = await tokens.read(token, expected)
    return read.ok ? 'accepted' : message(read.error, 'pt-BR').detail
  }

  test('of one type is rejected as the other, and the error names the expected type', async () => {
    expect(await codeOf(pair.refresh_token, 'access')).toBe('token_wrong_type')
    expect(await codeOf(pair.access_token, 'refresh')).toBe('token_wrong_type')
    expect(await portuguese(pair.refresh_token, 'access')).toBe('Token inválido: esperado tipo access')
    expect(await portuguese(pair.access_token, 'refresh')).toBe('Token inválido: esperado tipo refresh')
  })

  test.each([undefined, '', 0, null, ['usr_1']])('with %j as its subject names no user', async (sub) => {
    expect(await portuguese(signed('access', { payload: { sub } }), 'access')).toBe(
      'Token inválido: subject não encontrado',
    )
    expect(await portuguese(signed('refresh', { payload: { sub } }), 'refresh')).toBe(
      'Token inválido: subject não encontrado',
    )
  })

  test('that is malformed has an error in both languages', async () => {
    expect(await portuguese('x.y.z', 'access')).toBe('Token inválido ou malformado')
  })

  test('is valid up to the second it expires', async () => {
    turn(1799.749)
    expect(await codeOf(pair.access_token)).toBe('accepted')
    turn(0.001)
    expect(await codeOf(pair.access_token)).toBe('token_expired')
    expect(await portuguese(pair.access_token, 'access')).toBe('Token expirado')
  })

  test('that was verified before still expires', async () => {
    expect(await codeOf(pair.access_token)).toBe('accepted')
    turn(1800)
    expect(await codeOf(pair.access_token)).toBe('token_expired')
  })

  test('that expired still reveals its session and user internally', async () => {
    turn(4000)
    expect(await tokens.read(pair.refresh_token, 'refresh')).toMatchObject({
      ok: false,
      error: { code: 'token_expired', expired: { sid: 'ses_1', sub: 'usr_1' } },
    })
  })

  test('that expired and has the wrong type is reported as the wrong type', async () => {
    turn(4000)
    expect(await codeOf(pair.refresh_token, 'access')).toBe('token_wrong_type')
  })
})

test('forged key IDs do not make the service reload its keys repeatedly', async () => {
  turn(60)
  const before = loads
  const forged = Array.from({ length: 200 }, (_, n) => signed('access', { header: { kid: `key_${n}` } }))
  await Promise.all(forged.slice(0, 100).map((token) => codeOf(token)))
  for (const token of forged.slice(100)) await codeOf(token)
  expect(loads - before).toBe(1)
})
