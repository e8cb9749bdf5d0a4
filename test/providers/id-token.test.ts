/**
 * The relying-party modules of the OpenID Foundation's conformance suite (`oidcc-client-test-…`, named in brackets),
 * and what else an id_token may try.
 */
import { createHash } from 'node:crypto'
import { CompactSign, exportJWK, generateKeyPair, type JWK, type JWTPayload, SignJWT, UnsecuredJWT } from 'jose'
import { afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Opened } from './fixture.ts'
import { openProviders, value } from './fixture.ts'
import { type Issuer, startIssuer } from './issuer.ts'

type Pair = Awaited<ReturnType<typeof generateKeyPair>>
const algorithms = ['RS256', 'PS256', 'ES256', 'EdDSA'] as const
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
const sign = (
  payload: JWTPayload,
  header: { alg: string; kid?: string | undefined } = { alg: 'RS256', kid: 'key-RS256' },
) => {
  const key = pairs.get(header.alg)?.privateKey
  if (!key) throw new Error(`no key for ${header.alg}`)
  const { kid, alg } = header
  return new SignJWT(payload).setProtectedHeader(kid === undefined ? { alg } : { alg, kid }).sign(key)
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
  test.each(algorithms)('signed with %s by a published key is good', async (alg) => {
    expect(await exchange(await sign(claims(), { alg, kid: `key-${alg}` }))).toMatchObject({
      ok: true,
      value: { idToken: { sub: 'ada' } },
    })
  })

  test.each<[string, Record<string, unknown>, string]>([
    ['of another issuer [invalid-iss]', { iss: 'https://evil.example' }, 'iss'],
    ['of an issuer with a slash more', { iss: 'http://127.0.0.1/' }, 'iss'],
    ['of no issuer', { iss: undefined }, 'iss'],
    ['for another client [invalid-aud]', { aud: 'somebody-else' }, 'aud'],
    ['for nobody [missing-aud]', { aud: undefined }, 'aud'],
    ['for several, without saying for whom', { aud: ['client', 'other'] }, 'azp'],
    ['for several, made for the other', { aud: ['client', 'other'], azp: 'other' }, 'azp'],
    ['without a subject [missing-sub]', { sub: undefined }, 'sub'],
    ['with an empty subject', { sub: '' }, 'sub'],
    ['with a subject too long to be one', { sub: 'x'.repeat(256) }, 'sub'],
    ['without its birth [missing-iat]', { iat: undefined }, 'iat'],
    ['from the future', { iat: Date.parse('2026-11-20T12:01:01Z') / 1000 }, 'iat'],
    ['that has expired', { exp: Date.parse('2026-11-20T11:59:00Z') / 1000 }, 'exp'],
    ['without an end', { exp: undefined }, 'exp'],
    ['that ends in a word', { exp: 'tomorrow' }, 'exp'],
    ['not yet good', { nbf: Date.parse('2026-11-20T12:01:01Z') / 1000 }, 'nbf'],
    ['with another nonce [nonce-invalid]', { nonce: 'another' }, 'nonce'],
    ['without a nonce', { nonce: undefined }, 'nonce'],
    ['beside another access token', { at_hash: 'AAAAAAAAAAAAAAAAAAAAAA' }, 'at_hash'],
  ])('%s is refused', async (_name, changes, reason) => {
    expect(await exchange(await sign(claims(changes)))).toMatchObject(refused(`id_token_${reason}`))
    expect(opened.heard('provider.call_failed')).toContainEqual({
      provider: 'acme',
      endpoint_type: 'token',
      reason: `id_token_${reason}`,
    })
  })

  // Written as text: what JSON reads as Infinity, no serializer writes.
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
  ])('whose %s is %s has no time, and is refused', async (claim, written) => {
    const payload = JSON.stringify({ ...claims(), [claim]: 'HERE' }).replace('"HERE"', written)
    const key = pairs.get('RS256')?.privateKey
    if (!key) throw new Error('no key')
    const token = await new CompactSign(Buffer.from(payload))
      .setProtectedHeader({ alg: 'RS256', kid: 'key-RS256' })
      .sign(key)
    expect(await exchange(token)).toMatchObject(refused(`id_token_${claim}`))
  })

  test('with a fraction of a second in its times is good (RFC 7519 §2)', async () => {
    const at = now.getTime() / 1000
    expect(await exchange(await sign(claims({ iat: at - 0.5, nbf: at - 0.25, exp: at + 300.75 })))).toMatchObject({
      ok: true,
    })
  })

  test('within a minute of clocks going apart is good', async () => {
    const at = now.getTime() / 1000
    expect(await exchange(await sign(claims({ iat: at + 59, exp: at - 59 })))).toMatchObject({ ok: true })
  })

  test('for several, made for us, is good', async () => {
    expect(await exchange(await sign(claims({ aud: ['client', 'other'], azp: 'client' })))).toMatchObject({ ok: true })
  })

  test.each([
    ['RS256', 'sha256'],
    ['ES256', 'sha256'],
  ])('bound to its access token is good with %s', async (alg, hash) => {
    const at_hash = createHash(hash).update('at').digest().subarray(0, 16).toString('base64url')
    expect(await exchange(await sign(claims({ at_hash }), { alg, kid: `key-${alg}` }))).toMatchObject({ ok: true })
  })

  test.each(['RS256', 'ES256'])('with a broken %s signature [invalid-sig] is refused', async (alg) => {
    const token = await sign(claims(), { alg, kid: `key-${alg}` })
    const [header, , signature] = token.split('.')
    const payload = Buffer.from(JSON.stringify(claims({ sub: 'eve' }))).toString('base64url')
    expect(await exchange(`${header}.${payload}.${signature}`)).toMatchObject(refused('id_token_signature'))
  })

  test('signed by a key nobody published, under the name of one that is, is refused', async () => {
    const token = await new SignJWT(claims())
      .setProtectedHeader({ alg: 'RS256', kid: 'key-RS256' })
      .sign(stranger.privateKey)
    expect(await exchange(token)).toMatchObject(refused('id_token_signature'))
  })

  test('without a signature [idtoken-sig-none] is refused', async () => {
    expect(await exchange(new UnsecuredJWT(claims()).encode())).toMatchObject(refused('id_token_alg'))
  })

  test('signed with the client secret, or with a public key as if it were one, is refused', async () => {
    for (const secret of ['s:e+c%ret'.padEnd(32, '.'), JSON.stringify(published.get('RS256'))]) {
      const key = new TextEncoder().encode(secret)
      const token = await new SignJWT(claims()).setProtectedHeader({ alg: 'HS256', kid: 'key-RS256' }).sign(key)
      expect(await exchange(token)).toMatchObject(refused('id_token_alg'))
    }
  })

  test('that is none is refused', async () => {
    for (const token of ['x', 'a.b.c', '..', `${'e30'.repeat(3)}.e30.`])
      expect(await exchange(token)).toMatchObject(refused('id_token_alg'))
  })

  test('must come', async () => {
    expect(await exchange(undefined)).toMatchObject(refused('id_token_missing'))
  })

  test('without a key id is good when one key is published [kid-absent-single-jwks]', async () => {
    issuer.say('/jwks', () => ({ keys: [{ ...published.get('RS256'), kid: undefined }] }))
    expect(await exchange(await sign(claims(), { alg: 'RS256' }))).toMatchObject({ ok: true })
  })

  test('without a key id is refused when several could be meant [kid-absent-multiple-jwks]', async () => {
    const other = { ...(await exportJWK(stranger.publicKey)), alg: 'RS256', kid: 'other' }
    issuer.say('/jwks', () => ({ keys: [published.get('RS256'), other] }))
    expect(await exchange(await sign(claims(), { alg: 'RS256' }))).toMatchObject(refused('id_token_signature'))
  })
})

describe('the issuer’s keys', () => {
  test('are asked for again when a token names a new one, but not for every stranger', async () => {
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

  test('are fetched once for many who come at the same time', async () => {
    const token = await sign(claims())
    const all = await Promise.all(Array.from({ length: 10 }, () => exchange(token)))
    expect(all.every(({ ok }) => ok)).toBe(true)
    expect(issuer.calls('/jwks')).toHaveLength(1)
  })

  test('that cannot be had make the provider unavailable, not the person a liar', async () => {
    issuer.say('/jwks', () => undefined)
    expect(await exchange(await sign(claims()))).toMatchObject({ error: { code: 'provider_unavailable' } })
  })

  test('are remembered through an outage', async () => {
    value(await exchange(await sign(claims())))
    issuer.say('/jwks', () => undefined)
    now = new Date(now.getTime() + 2 * 3_600_000)
    expect(await exchange(await sign(claims()))).toMatchObject({ ok: true })
  })

  test('must be a key set', async () => {
    issuer.say('/jwks', () => ({ keys: 'none' }))
    expect(await exchange(await sign(claims()))).toMatchObject(refused('no_key_set'))
  })
})

describe('userinfo', () => {
  const enter = async () => {
    const exchanged = value(await exchange(await sign(claims({ email: 'old@example.com', email_verified: true }))))
    return opened.providers.identify(acme(), exchanged)
  }

  test('says more than the id_token, by its bearer header [userinfo-bearer-header]', async () => {
    expect(value(await enter())).toMatchObject({ subject: 'ada', name: 'Ada', email: 'ada@example.com' })
    expect(issuer.calls('/userinfo')[0]?.headers.authorization).toBe('Bearer at')
  })

  test('about another person is discarded [userinfo-invalid-sub]', async () => {
    issuer.say('/userinfo', () => ({ sub: 'eve', email: 'ada@example.com', email_verified: true }))
    expect(await enter()).toMatchObject({
      error: { code: 'user_info_fetch_failed', cause: { reason: 'sub_mismatch' } },
    })
  })

  test('never lends its proof to another address', async () => {
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

  test('may not exist: then the id_token says it all', async () => {
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
  ])('whose email_verified is %j proves: %s', async (email_verified, emailVerified) => {
    issuer.say('/userinfo', () => ({ sub: 'ada', email: 'ada@example.com', email_verified }))
    expect(value(await enter())).toMatchObject({ emailVerified })
  })

  test('deeper than anybody reads is no harm', async () => {
    issuer.say('/userinfo', () => `{"sub":"ada","name":"Ada","deep":${'['.repeat(100_000)}${']'.repeat(100_000)}}`)
    expect(value(await enter())).toMatchObject({ subject: 'ada', name: 'Ada' })
  })

  test('shows pictures from https alone', async () => {
    for (const picture of ['javascript:alert(1)', 'http://x.example/a.png', 'data:image/svg+xml,<svg/>', 7]) {
      issuer.say('/userinfo', () => ({ sub: 'ada', picture }))
      expect(value(await enter())).toMatchObject({ picture: null })
    }
  })
})

describe('a refreshed id_token', () => {
  const refresh = async (changes: Record<string, unknown>) => {
    const id_token = await sign(claims({ nonce: undefined, ...changes }))
    issuer.say('/token', () => ({ access_token: 'new', token_type: 'Bearer', id_token }))
    return opened.providers.refresh(acme(), 'rt', { issuer: acme().issuer, subject: 'ada' })
  }

  test('of the same person brings the new tokens, without the keys being needed', async () => {
    issuer.say('/jwks', () => undefined)
    expect(await refresh({})).toMatchObject({ tag: 'refreshed', tokens: { accessToken: 'new', refreshToken: null } })
  })
  test.each([
    ['another issuer [refresh-token-invalid-issuer]', { iss: 'https://evil.example' }, 'id_token_iss'],
    ['another person [refresh-token-invalid-sub]', { sub: 'eve' }, 'id_token_sub'],
    ['another client', { aud: 'other' }, 'id_token_aud'],
  ])('of %s ends the grant', async (_name, changes, reason) => {
    expect(await refresh(changes)).toEqual({ tag: 'needs_reauthorization', reason })
  })
})
