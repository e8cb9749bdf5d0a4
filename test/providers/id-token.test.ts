/**
 * The relying-party modules of the OpenID Foundation's conformance suite (`oidcc-client-test-…`, named in brackets),
 * and further attacks with an id_token.
 */
import { createHash, generateKeyPairSync } from 'node:crypto'
import {
  CompactSign,
  exportJWK,
  FlattenedSign,
  generateKeyPair,
  type JWK,
  type JWTPayload,
  SignJWT,
  UnsecuredJWT,
} from 'jose'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { checkRefreshedIdToken, verifyIdToken } from '../../src/providers/calls/id-token.ts'
import type { Opened } from './fixture.ts'
import { openProviders, value } from './fixture.ts'
import { type Issuer, startIssuer } from './issuer.ts'

type Pair = Awaited<ReturnType<typeof generateKeyPair>>
const algorithms = ['RS256', 'PS256', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'] as const
const pairs = new Map<string, Pair>()
const published = new Map<string, JWK>()
let stranger: Pair

beforeAll(async () => {
  for (const alg of algorithms) {
    const pair = await generateKeyPair(alg, { extractable: true })
    pairs.set(alg, pair)
    published.set(alg, { ...(await exportJWK(pair.publicKey)), alg, use: 'sig', kid: `key-${alg}` })
  }
  stranger = await generateKeyPair('RS256', { extractable: true })
})

/** The left half of the hash of the access token these tests issue. */
function sha(name: string, encoding: 'hex' | 'base64url'): string {
  const hash = createHash(name).update('at').digest()
  return hash.subarray(0, hash.length / 2).toString(encoding)
}

const noon = Date.parse('2026-11-20T12:00:00Z') / 1000
let issuer: Issuer
let opened: Opened
let now: Date
const clock = () => now

beforeEach(async () => {
  now = new Date('2026-11-20T12:00:00Z')
  issuer = await startIssuer()
  issuer.say('/.well-known/openid-configuration', issuer.metadata)
  issuer.say('/jwks', () => ({ keys: [...published.values()] }))
  issuer.say('/userinfo', () => ({ sub: 'ada', name: 'Ada', email: 'ada@example.com', email_verified: true }))
  opened = openProviders([issuer.settings], clock)
})
afterEach(async () => {
  await opened.providers.close()
  await issuer.close()
})

const acme = () => {
  const provider = opened.providers.get('acme')
  if (!provider) throw new Error('acme is configured')
  return provider
}
const flow = { redirectUri: 'http://localhost:3000/auth/acme/callback', verifier: 'v'.repeat(43), nonce: 'the-nonce' }

function claims(changes: Record<string, unknown> = {}): JWTPayload {
  const at = Math.floor(now.getTime() / 1000)
  const all = { iss: issuer.url, aud: 'client', sub: 'ada', nonce: 'the-nonce', iat: at, exp: at + 300, ...changes }
  return Object.fromEntries(Object.entries(all).filter(([, one]) => one !== undefined))
}
type Header = { alg: string; kid?: string | undefined; [name: string]: unknown }
/** Signs any header as it is: `SignJWT` would refuse some of them. */
const sign = (payload: JWTPayload | string, header: Header = { alg: 'RS256', kid: 'key-RS256' }) => {
  const key = pairs.get(header.alg)?.privateKey
  if (!key) throw new Error(`no key for ${header.alg}`)
  return signWith(key, payload, header)
}
async function signWith(key: CryptoKey, payload: JWTPayload | string, header: Header) {
  const text = typeof payload === 'string' ? payload : JSON.stringify(payload)
  const input = [JSON.stringify(header), text].map((part) => Buffer.from(part).toString('base64url')).join('.')
  const hash = `SHA-${header.alg.slice(-3)}`
  const how = { ES: { name: 'ECDSA', hash }, PS: { name: 'RSA-PSS', saltLength: Number(header.alg.slice(-3)) / 8 } }
  const algorithm = how[header.alg.slice(0, 2) as keyof typeof how] ?? key.algorithm.name
  const signature = await crypto.subtle.sign(algorithm, key, Buffer.from(input))
  return `${input}.${Buffer.from(signature).toString('base64url')}`
}

async function exchange(idToken: string | undefined, iss?: string) {
  issuer.say('/token', () => ({ access_token: 'at', token_type: 'Bearer', id_token: idToken }))
  return opened.providers.exchange(acme(), { code: 'code', state: 'state', iss }, flow)
}
const refused = (reason: string) => ({
  ok: false,
  error: { code: 'token_exchange_failed', cause: { kind: 'garbage', reason } },
})

describe('an id_token', () => {
  test.each(algorithms)('signed with %s by a published key is valid', async (alg) => {
    expect(await exchange(await sign(claims(), { alg, kid: `key-${alg}` }))).toMatchObject({
      ok: true,
      value: { idToken: { sub: 'ada' } },
    })
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['of another issuer [invalid-iss]', { iss: 'https://evil.example' }, 'iss'],
    ['of an issuer with an added slash', { iss: 'http://127.0.0.1/' }, 'iss'],
    ['of no issuer', { iss: undefined }, 'iss'],
    ['for another client [invalid-aud]', { aud: 'somebody-else' }, 'aud'],
    ['for no audience [missing-aud]', { aud: undefined }, 'aud'],
    ['for several audiences without azp', { aud: ['client', 'other'] }, 'azp'],
    ['for several audiences with another azp', { aud: ['client', 'other'], azp: 'other' }, 'azp'],
    ['without a subject [missing-sub]', { sub: undefined }, 'sub'],
    ['with an empty subject', { sub: '' }, 'sub'],
    ['with a subject that is too long', { sub: 'x'.repeat(256) }, 'sub'],
    ['with a number for a subject', { sub: 583231 }, 'sub'],
    ['with a list for a subject', { sub: ['ada'] }, 'sub'],
    ['for several audiences, one of which is not text', { aud: ['client', 7] }, 'azp'],
    ['for an empty audience list', { aud: [] }, 'aud'],
    ['for an object as audience', { aud: { client: true } }, 'aud'],
    ['with another azp, though for us only', { azp: 'other' }, 'azp'],
    ['with our azp, though for another audience', { aud: 'other', azp: 'client' }, 'aud'],
    ['without iat [missing-iat]', { iat: undefined }, 'iat'],
    ['from the future', { iat: Date.parse('2026-11-20T12:01:01Z') / 1000 }, 'iat'],
    ['that has expired', { exp: Date.parse('2026-11-20T11:59:00Z') / 1000 }, 'exp'],
    ['without an expiry', { exp: undefined }, 'exp'],
    ['with a word for an expiry', { exp: 'tomorrow' }, 'exp'],
    ['with a numeric string for an expiry', { exp: String(noon + 3600) }, 'exp'],
    ['with an expiry beyond the safe integers', { exp: 2 ** 53 }, 'exp'],
    ['issued at a numeric string', { iat: String(noon) }, 'iat'],
    ['issued at a time in milliseconds', { iat: noon * 1000 }, 'iat'],
    ['issued at a negative time', { iat: -1 }, 'iat'],
    ['with a numeric string for nbf', { nbf: '0' }, 'nbf'],
    ['with a date for nbf', { nbf: '2026-11-20T12:00:00Z' }, 'nbf'],
    ['that is not valid yet', { nbf: Date.parse('2026-11-20T12:01:01Z') / 1000 }, 'nbf'],
    ['with another nonce [nonce-invalid]', { nonce: 'another' }, 'nonce'],
    ['without a nonce', { nonce: undefined }, 'nonce'],
    ['with an empty nonce', { nonce: '' }, 'nonce'],
    ['with a list of nonces', { nonce: ['the-nonce'] }, 'nonce'],
    ['with at_hash in hexadecimal', { at_hash: sha('sha256', 'hex') }, 'at_hash'],
    ['with at_hash that is not text', { at_hash: null }, 'at_hash'],
    ['with the at_hash of another access token', { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }, 'at_hash'],
  ])('%s is refused', async (_name, changes, reason) => {
    expect(await exchange(await sign(claims(changes)))).toMatchObject(refused(`id_token_${reason}`))
    expect(opened.heard('provider.call_failed')).toContainEqual({
      provider: 'acme',
      endpoint_type: 'token',
      reason: `id_token_${reason}`,
    })
  })

  test('whose issuer differs by a trailing slash logs both names for the operator', async () => {
    await exchange(await sign(claims({ iss: `${issuer.url}/` })))
    expect(opened.heard('provider.issuer_mismatch')).toEqual([
      {
        provider: 'acme',
        endpoint_type: 'token',
        configured: issuer.url,
        received: `${issuer.url}/`,
        hint: 'configured_without_trailing_slash',
      },
    ])
  })

  test.each<[string, Record<string, unknown>]>([
    ['a list of one for an audience', { aud: ['client'] }],
    ['our client as azp', { azp: 'client' }],
    ['no auth_time', { auth_time: undefined }],
    ['auth_time as text', { auth_time: '2026-11-20' }],
    ['an object for a name', { name: { first: 'Ada' }, email: ['ada@example.com'], picture: { data: {} } }],
    [
      'pointers to distributed groups',
      { _claim_names: { groups: 'src1' }, _claim_sources: { src1: { endpoint: 'x' } } },
    ],
    ['claims named like object prototype members', { constructor: 'x', toString: 'x', hasOwnProperty: 1 }],
  ])('with %s is valid', async (_name, changes) => {
    expect(await exchange(await sign(claims(changes)))).toMatchObject({ ok: true, value: { idToken: { sub: 'ada' } } })
  })

  test.each(['JWT', 'jwt', 'JOSE', 'JWS', 'ID+JWT', 'id_token+jwt', 'application/id+jwt', undefined])(
    'of the type %s is valid',
    async (typ) => {
      expect(await exchange(await sign(claims(), { alg: 'RS256', kid: 'key-RS256', typ }))).toMatchObject({ ok: true })
    },
  )

  test.each(['at+jwt', 'AT+JWT', 'application/at+jwt', 'logout+jwt', 'secevent+jwt', 'dpop+jwt', 7, null])(
    'of the type %s is refused as another kind of token',
    async (typ) => {
      const token = await sign(claims(), { alg: 'RS256', kid: 'key-RS256', typ })
      expect(await exchange(token)).toMatchObject(refused('id_token_typ'))
    },
  )

  // RFC 7797: the signature covers the payload as it stands, which was then decoded from base64url to something else.
  test.each<[string, Record<string, unknown>, string]>([
    ['b64 false', { b64: false, crit: ['b64'] }, 'b64'],
    ['b64 true', { b64: true, crit: ['b64'] }, 'b64'],
    ['b64 that is not critical', { b64: false }, 'b64'],
    ['an unknown critical extension', { crit: ['exp'], exp: 1 }, 'crit'],
    ['an empty crit', { crit: [] }, 'crit'],
    ['an encryption', { enc: 'A256GCM' }, 'encrypted'],
  ])(
    'whose header has %s is refused, with and without keys, at sign-in and at refresh',
    async (_name, more, reason) => {
      const token = await sign(claims(), { alg: 'RS256', kid: 'key-RS256', ...more })
      expect(await exchange(token)).toMatchObject(refused(`id_token_${reason}`))
      const expected = { issuers: [issuer.url], clientId: 'client', clock }
      const failure = { ok: false, error: { reason: `id_token_${reason}` } }
      const answer = { nonce: 'the-nonce', accessToken: 'at' }
      expect(await verifyIdToken(token, answer, { ...expected, keys: null })).toMatchObject(failure)
      expect(checkRefreshedIdToken(token, 'ada', expected)).toMatchObject(failure)
    },
  )

  test('whose signature covers an unencoded payload is refused', async () => {
    const key = pairs.get('RS256')?.privateKey
    if (!key) throw new Error('there is an RS256 key')
    const payload = Buffer.from(JSON.stringify(claims())).toString('base64url')
    const { protected: header, signature } = await new FlattenedSign(Buffer.from(payload))
      .setProtectedHeader({ alg: 'RS256', kid: 'key-RS256', b64: false, crit: ['b64'] })
      .sign(key)
    expect(await exchange(`${header}.${payload}.${signature}`)).toMatchObject(refused('id_token_b64'))
  })

  test.each([
    ['a list', '[]'],
    ['null', 'null'],
    ['text', '"ada"'],
    ['not JSON', '{"sub":"ada"'],
  ])('whose payload is %s is refused', async (_name, payload) => {
    expect(await exchange(await sign(payload))).toMatchObject(refused('id_token_malformed'))
  })

  test('with four hundred groups, longer than any header, is valid', async () => {
    const groups = Array.from({ length: 400 }, (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`)
    const token = await sign(claims({ groups }))
    expect(token.length).toBeGreaterThan(20_000)
    expect(await exchange(token)).toMatchObject({ ok: true })
  })

  test('that is too large is refused with an error of its own, and does not affect other users', async () => {
    await opened.providers.close()
    opened = openProviders([issuer.settings], clock, { breaker: { volume: 2 } })
    const groups = Array.from({ length: 19_750 }, (_, n) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`)
    const token = await sign(claims({ groups }))
    for (let n = 0; n < 4; n += 1) expect(await exchange(token)).toMatchObject(refused('id_token_too_large'))
    expect(await exchange(await sign(claims()))).toMatchObject({ ok: true })
    const larger = await sign(claims({ groups: [...groups, ...groups] }))
    expect(await exchange(larger)).toMatchObject(refused('too_large'))
  })

  // Written as text: no serializer writes the number that JSON parses as Infinity.
  test.each([
    ['exp', '1e400'],
    ['exp', '1e300'],
    ['exp', '9007199254740992'],
    ['exp', '-1'],
    ['exp', '"4102444800"'],
    ['exp', '[4102444800]'],
    ['exp', 'null'],
    ['iat', '-1e400'],
    ['iat', '-1'],
    ['iat', '"1763640000"'],
    ['nbf', '-1e400'],
    ['nbf', '-1'],
    ['nbf', '"0"'],
    ['nbf', 'null'],
  ])('whose %s is %s has no valid time, and is refused', async (claim, written) => {
    const payload = JSON.stringify({ ...claims(), [claim]: 'HERE' }).replace('"HERE"', written)
    const key = pairs.get('RS256')?.privateKey
    if (!key) throw new Error('no key')
    const token = await new CompactSign(Buffer.from(payload))
      .setProtectedHeader({ alg: 'RS256', kid: 'key-RS256' })
      .sign(key)
    expect(await exchange(token)).toMatchObject(refused(`id_token_${claim}`))
  })

  test('with a fraction of a second in its times is valid (RFC 7519 §2)', async () => {
    const at = now.getTime() / 1000
    expect(await exchange(await sign(claims({ iat: at - 0.5, nbf: at - 0.25, exp: at + 300.75 })))).toMatchObject({
      ok: true,
    })
  })

  test('is valid within a minute of clock skew', async () => {
    const at = now.getTime() / 1000
    expect(await exchange(await sign(claims({ iat: at + 59, exp: at - 59 })))).toMatchObject({ ok: true })
  })

  test('for several audiences with our azp is valid', async () => {
    expect(await exchange(await sign(claims({ aud: ['client', 'other'], azp: 'client' })))).toMatchObject({ ok: true })
  })

  test.each([
    ['RS256', 'sha256'],
    ['ES256', 'sha256'],
    ['ES384', 'sha384'],
    ['PS512', 'sha512'],
    ['EdDSA', 'sha512'],
  ])('bound to its access token is valid with %s', async (alg, hash) => {
    const at_hash = sha(hash, 'base64url')
    expect(await exchange(await sign(claims({ at_hash }), { alg, kid: `key-${alg}` }))).toMatchObject({ ok: true })
  })

  test.each(['RS256', 'ES256'])('with an invalid %s signature [invalid-sig] is refused', async (alg) => {
    const token = await sign(claims(), { alg, kid: `key-${alg}` })
    const [header, , signature] = token.split('.')
    const payload = Buffer.from(JSON.stringify(claims({ sub: 'eve' }))).toString('base64url')
    expect(await exchange(`${header}.${payload}.${signature}`)).toMatchObject(refused('id_token_signature'))
  })

  test('signed by an unpublished key under the ID of a published one is refused', async () => {
    const token = await new SignJWT(claims())
      .setProtectedHeader({ alg: 'RS256', kid: 'key-RS256' })
      .sign(stranger.privateKey)
    expect(await exchange(token)).toMatchObject(refused('id_token_signature'))
  })

  test('without a signature [idtoken-sig-none] is refused', async () => {
    expect(await exchange(new UnsecuredJWT(claims()).encode())).toMatchObject(refused('id_token_alg'))
  })

  test('signed with the client secret, or with a public key as an HMAC secret, is refused', async () => {
    for (const secret of ['s:e+c%ret'.padEnd(32, '.'), JSON.stringify(published.get('RS256'))]) {
      const key = new TextEncoder().encode(secret)
      const token = await new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'key-RS256' }).sign(key)
      expect(await exchange(token)).toMatchObject(refused('id_token_alg'))
    }
  })

  test('that is malformed is refused', async () => {
    for (const token of ['x', 'a.b.c', '..', `${'e30'.repeat(3)}.e30.`])
      expect(await exchange(token)).toMatchObject(refused('id_token_alg'))
  })

  test('is required', async () => {
    expect(await exchange(undefined)).toMatchObject(refused('id_token_missing'))
  })

  test('without a key ID is valid when one key is published [kid-absent-single-jwks]', async () => {
    issuer.say('/jwks', () => ({ keys: [{ ...published.get('RS256'), kid: undefined }] }))
    expect(await exchange(await sign(claims(), { alg: 'RS256' }))).toMatchObject({ ok: true })
  })

  test('without a key ID is valid when one of several verifies it [kid-absent-multiple-jwks]', async () => {
    const other = { ...(await exportJWK(stranger.publicKey)), alg: 'RS256', kid: 'other' }
    issuer.say('/jwks', () => ({ keys: [other, published.get('RS256')] }))
    expect(await exchange(await sign(claims(), { alg: 'RS256' }))).toMatchObject({ ok: true })
    issuer.say('/jwks', () => ({ keys: [other, other] }))
    now = new Date(now.getTime() + 3_600_000)
    expect(await exchange(await sign(claims(), { alg: 'RS256' }))).toMatchObject(refused('id_token_signature'))
  })
})

/** Key sets as published in practice: unknown entries are ignored (RFC 7517 §5) and do no harm. */
describe('a key set', () => {
  const good = () => published.get('RS256') ?? {}
  const foreign = async () => ({ ...(await exportJWK(stranger.publicKey)), kid: 'key-RS256' })

  test.each<[string, () => unknown[] | Promise<unknown[]>]>([
    ['the right key only', () => [good()]],
    [
      'keys of unknown types',
      () => [{ kty: 'AKP', alg: 'ML-DSA-44', pub: 'x' }, { kty: 'what', kid: 'key-RS256' }, good()],
    ],
    ['an unknown algorithm', () => [{ ...good(), alg: 'RS1' }, good()]],
    ['entries that are not keys', () => [null, 7, 'x', [], {}, { kid: 'key-RS256' }, good()]],
    ['an incomplete key', () => [{ kty: 'RSA', kid: 'other' }, good()]],
    ['an incomplete key with the same ID', () => [{ kty: 'RSA', kid: 'key-RS256' }, good()]],
    ['the same ID on an encryption key', async () => [{ ...(await foreign()), use: 'enc', alg: 'RSA-OAEP' }, good()]],
    ['the same ID on a key of another type', () => [{ ...published.get('ES256'), kid: 'key-RS256' }, good()]],
    ['the same ID on a key for another algorithm', async () => [{ ...(await foreign()), alg: 'RS512' }, good()]],
    ['the same ID on another key', async () => [await foreign(), good()]],
    ['the same key twice', () => [good(), good()]],
    ['the same key with and without its algorithm', () => [{ ...good(), alg: undefined, kid: 'key' }, good()]],
    ['no algorithm, no use', () => [{ ...good(), alg: undefined, use: undefined }]],
    ['operations', () => [{ ...good(), use: undefined, key_ops: ['verify'] }]],
    ['a certificate in the right key', () => [{ ...good(), x5c: ['MIIC'], x5t: 'abc', 'x5t#S256': 'def' }]],
    ['unknown members', () => [{ ...good(), exp: 1, issuer: 'x', nested: { a: [1] } }]],
    ['a modulus with a leading zero', () => [{ ...good(), n: zeroInFront(String(good().n)) }]],
    ['a key that is too short', async () => [{ ...(await short()), kid: 'short' }, good()]],
    ['the same ID on a key that is too short', async () => [{ ...(await short()), kid: 'key-RS256' }, good()]],
    ['a thousand keys', async () => [...(await thousand()), good()]],
  ])('with %s verifies', async (_name, keys) => {
    const set = { keys: await keys() }
    issuer.say('/jwks', () => set)
    expect(await exchange(await sign(claims()))).toMatchObject({ ok: true })
  })

  test.each<[string, () => unknown[] | Promise<unknown[]>, string]>([
    ['nothing', () => [], 'unknown_key'],
    ['another key under that ID', async () => [await foreign()], 'signature'],
    ['only a certificate', () => [{ kty: 'RSA', kid: 'key-RS256', x5c: ['MIIC'] }], 'unusable_key'],
    ['an encryption key', () => [{ ...good(), use: 'enc' }], 'unknown_key'],
    ['a key with only the sign operation', () => [{ ...good(), use: undefined, key_ops: ['sign'] }], 'unknown_key'],
    ['an ID that is a number', () => [{ ...good(), kid: 1 }], 'unknown_key'],
    ['a symmetric key', () => [{ kty: 'oct', k: 'c2VjcmV0', kid: 'key-RS256' }], 'unknown_key'],
    ['a private key', async () => [{ ...(await privateOf('RS256')), kid: 'key-RS256' }], 'unusable_key'],
    ['a key that is too short', async () => [{ ...(await short()), kid: 'key-RS256' }], 'unusable_key'],
    [
      'two incomplete keys',
      () => [
        { kty: 'RSA', kid: 'key-RS256' },
        { kty: 'RSA', kid: 'key-RS256' },
      ],
      'unusable_key',
    ],
  ])('of %s verifies nothing', async (_name, keys, reason) => {
    const set = { keys: await keys() }
    issuer.say('/jwks', () => set)
    expect(await exchange(await sign(claims()))).toMatchObject(refused(`id_token_${reason}`))
  })

  test('of other keys without IDs is tried up to a limit', async () => {
    const others = (await thousand()).map(({ kid: _kid, ...key }) => key)
    issuer.say('/jwks', () => ({ keys: [...others, { ...good(), kid: undefined }] }))
    expect(await exchange(await sign(claims(), { alg: 'RS256' }))).toMatchObject(refused('id_token_signature'))
  })

  const zeroInFront = (n: string) => Buffer.concat([Buffer.of(0), Buffer.from(n, 'base64url')]).toString('base64url')
  const short = async () => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 1024 })
    return pair.publicKey.export({ format: 'jwk' })
  }
  const thousand = async () => {
    const one = await exportJWK(stranger.publicKey)
    return Array.from({ length: 1000 }, (_, n) => ({ ...one, kid: `other-${n}` }))
  }
  const privateOf = async (alg: string) => {
    const key = pairs.get(alg)?.privateKey
    return key ? exportJWK(key) : {}
  }
})

describe('the issuer’s keys', () => {
  test('are requested again when a token names a new one, but not for every unknown ID', async () => {
    issuer.say('/jwks', () => ({ keys: [published.get('ES256')] }))
    value(await exchange(await sign(claims(), { alg: 'ES256', kid: 'key-ES256' })))
    issuer.say('/jwks', () => ({ keys: [...published.values()] }))
    value(await exchange(await sign(claims())))
    expect(issuer.calls('/jwks')).toHaveLength(2)
    for (let n = 0; n < 20; n += 1)
      expect(await exchange(await sign(claims(), { alg: 'RS256', kid: `made-up-${n}` }))).toMatchObject(
        refused('id_token_unknown_key'),
      )
    expect(issuer.calls('/jwks')).toHaveLength(2)
    now = new Date(now.getTime() + 31_000)
    await exchange(await sign(claims(), { alg: 'RS256', kid: 'made-up' }))
    expect(issuer.calls('/jwks')).toHaveLength(3)
  })

  test('are requested again when the issuer replaced a key under the same ID', async () => {
    const old = { ...(await exportJWK(stranger.publicKey)), kid: 'key-RS256' }
    const before = await signWith(stranger.privateKey, claims(), { alg: 'RS256', kid: 'key-RS256' })
    issuer.say('/jwks', () => ({ keys: [old] }))
    value(await exchange(before))
    issuer.say('/jwks', () => ({ keys: [published.get('RS256')] }))
    value(await exchange(await sign(claims())))
    expect(issuer.calls('/jwks')).toHaveLength(2)
  })

  test('that change during many sign-ins fail none of them', async () => {
    issuer.say('/jwks', () => ({ keys: [published.get('ES256')] }))
    value(await exchange(await sign(claims(), { alg: 'ES256', kid: 'key-ES256' })))
    issuer.say('/jwks', () => ({ keys: [published.get('RS256')] }))
    const token = await sign(claims())
    const all = await Promise.all(Array.from({ length: 10 }, () => exchange(token)))
    expect(all.every(({ ok }) => ok)).toBe(true)
    expect(issuer.calls('/jwks')).toHaveLength(2)
  })

  test('that change and cannot be loaded make the provider unavailable until they can', async () => {
    issuer.say('/jwks', () => ({ keys: [published.get('ES256')] }))
    value(await exchange(await sign(claims(), { alg: 'ES256', kid: 'key-ES256' })))
    issuer.say('/jwks', () => undefined)
    for (let n = 0; n < 3; n += 1)
      expect(await exchange(await sign(claims()))).toMatchObject({ error: { code: 'provider_unavailable' } })
    issuer.say('/jwks', () => ({ keys: [published.get('RS256')] }))
    now = new Date(now.getTime() + 31_000)
    value(await exchange(await sign(claims())))
  })

  test('are fetched once for concurrent sign-ins', async () => {
    const token = await sign(claims())
    const all = await Promise.all(Array.from({ length: 10 }, () => exchange(token)))
    expect(all.every(({ ok }) => ok)).toBe(true)
    expect(issuer.calls('/jwks')).toHaveLength(1)
  })

  test('that cannot be loaded are reported as an outage, not as an invalid token', async () => {
    issuer.say('/jwks', () => undefined)
    expect(await exchange(await sign(claims()))).toMatchObject({ error: { code: 'provider_unavailable' } })
  })

  test('are cached through an outage', async () => {
    value(await exchange(await sign(claims())))
    issuer.say('/jwks', () => undefined)
    now = new Date(now.getTime() + 2 * 3_600_000)
    expect(await exchange(await sign(claims()))).toMatchObject({ ok: true })
  })

  test('must be a JWK set', async () => {
    issuer.say('/jwks', () => ({ keys: 'none' }))
    expect(await exchange(await sign(claims()))).toMatchObject(refused('no_key_set'))
  })
})

describe('userinfo', () => {
  const enter = async () => {
    const exchanged = value(await exchange(await sign(claims({ email: 'old@example.com', email_verified: true }))))
    return opened.providers.identify(acme(), exchanged)
  }

  test('adds claims to the id_token, requested with a bearer header [userinfo-bearer-header]', async () => {
    expect(value(await enter())).toMatchObject({ subject: 'ada', name: 'Ada', email: 'ada@example.com' })
    expect(issuer.calls('/userinfo')[0]?.headers.authorization).toBe('Bearer at')
  })

  test('about another user is rejected [userinfo-invalid-sub]', async () => {
    issuer.say('/userinfo', () => ({ sub: 'eve', email: 'ada@example.com', email_verified: true }))
    expect(await enter()).toMatchObject({
      error: { code: 'user_info_fetch_failed', cause: { reason: 'sub_mismatch' } },
    })
  })

  test('with a numeric subject is another user: it must be the same string', async () => {
    const exchanged = value(await exchange(await sign(claims({ sub: '583231' }))))
    issuer.say('/userinfo', () => ({ sub: 583231 }))
    expect(await opened.providers.identify(acme(), exchanged)).toMatchObject({
      error: { code: 'user_info_fetch_failed', cause: { reason: 'sub_mismatch' } },
    })
  })

  test('verifies no email address other than its own', async () => {
    issuer.say('/userinfo', () => ({ sub: 'ada', email: 'new@example.com' }))
    expect(value(await enter())).toMatchObject({ email: 'new@example.com', emailVerified: false })
    issuer.say('/userinfo', () => ({ sub: 'ada' }))
    expect(value(await enter())).toMatchObject({ email: 'old@example.com', emailVerified: true })
    issuer.say('/userinfo', () => ({ sub: 'ada', email: 'old@example.com' }))
    expect(value(await enter())).toMatchObject({ email: 'old@example.com', emailVerified: true })
    issuer.say('/userinfo', () => ({ sub: 'ada', email_verified: true }))
    expect(value(await enter())).toMatchObject({ email: 'old@example.com', emailVerified: true })
    issuer.say('/userinfo', () => ({ sub: 'ada', email: 'old@example.com', email_verified: false }))
    expect(value(await enter())).toMatchObject({ email: 'old@example.com', emailVerified: false })
  })

  test('may be missing: then the id_token suffices', async () => {
    issuer.say('/.well-known/openid-configuration', () => ({ ...issuer.metadata(), userinfo_endpoint: undefined }))
    expect(value(await enter())).toMatchObject({ subject: 'ada', email: 'old@example.com', emailVerified: true })
    expect(issuer.calls('/userinfo')).toEqual([])
  })

  test.each([
    [true, true],
    ['true', true],
    [false, false],
    ['false', false],
    ['TRUE', false],
    [1, false],
    [{}, false],
    [undefined, false],
  ])('with email_verified %j verifies: %s', async (email_verified, emailVerified) => {
    issuer.say('/userinfo', () => ({ sub: 'ada', email: 'ada@example.com', email_verified }))
    expect(value(await enter())).toMatchObject({ emailVerified })
  })

  test('may be nested deeper than the limit without harm', async () => {
    issuer.say('/userinfo', () => `{"sub":"ada","name":"Ada","deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)
    expect(value(await enter())).toMatchObject({ subject: 'ada', name: 'Ada' })
  })

  test('shows pictures from https only', async () => {
    for (const picture of ['javascript:alert(1)', 'http://x.example/a.png', 'data:image/svg+xml,<svg/>', 7]) {
      issuer.say('/userinfo', () => ({ sub: 'ada', picture }))
      expect(value(await enter())).toMatchObject({ picture: null })
    }
  })
})

describe('the id_token of a refresh', () => {
  const refresh = async (changes: Record<string, unknown>) => {
    const id_token = await sign(claims({ nonce: undefined, ...changes }))
    issuer.say('/token', () => ({ access_token: 'new', token_type: 'Bearer', id_token }))
    return opened.providers.refresh(acme(), 'rt', { issuer: acme().issuer, subject: 'ada' })
  }

  test('for the same user is accepted with its new tokens, without the keys', async () => {
    issuer.say('/jwks', () => undefined)
    expect(await refresh({})).toMatchObject({ tag: 'refreshed', tokens: { accessToken: 'new', refreshToken: null } })
  })
  test.each([
    ['another issuer [refresh-token-invalid-issuer]', { iss: 'https://evil.example' }, 'id_token_iss'],
    ['another user [refresh-token-invalid-sub]', { sub: 'eve' }, 'id_token_sub'],
    ['another client', { aud: 'other' }, 'id_token_aud'],
  ])('of %s ends the grant', async (_name, changes, reason) => {
    expect(await refresh(changes)).toEqual({ tag: 'needs_reauthorization', reason })
  })
})
