import { createLocalJWKSet, createRemoteJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify, SignJWT } from 'jose'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ErrorCode, texts } from '../../src/errors/catalogue.ts'
import {
  type Answer,
  AuthAnswer,
  aboveStore,
  type Browser,
  cookiesOf,
  encryptionKey,
  listIn,
  pkce,
  refusalOf,
  startWorld,
  type World,
} from '../support/service.ts'

const app = 'https://app.example.com/in'

type Pair = { readonly access_token: string; readonly refresh_token: string }
function pairOf(answer: Answer): Pair {
  expect([answer.status, answer.body.code], answer.text).toEqual([200, undefined])
  expect(Object.keys(answer.body).sort()).toEqual([
    'access_token',
    'expires_in',
    'refresh_expires_in',
    'refresh_token',
    'token_type',
  ])
  expect([answer.body.token_type, answer.headers.get('cache-control'), answer.headers.get('pragma')]).toEqual([
    'bearer',
    'no-store',
    'no-cache',
  ])
  return { access_token: String(answer.body.access_token), refresh_token: String(answer.body.refresh_token) }
}
const generationOf = (token: string): string => String(decodeJwt(token).jti).split('.')[0] ?? ''

describe.each(aboveStore('PostgreSQL'))('tokens, on %s:', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database, env: { RETURN_TO_ALLOWED: app } })
  })
  afterAll(() => world.stop())

  const refresh = (refresh_token: string, at = world.base) =>
    world.call('POST', '/auth/refresh', { body: { refresh_token }, at })
  const renew = async (token: string): Promise<Pair> => pairOf(await refresh(token))
  const me = (token: string, at = world.base) => world.call('GET', '/me', { token, at })
  const somebody = () => world.signIn('google', world.newcomer())

  describe('rotation', () => {
    test('exchanges the current refresh token for the next generation', async () => {
      const first = await somebody()
      const second = await renew(first.refresh_token)
      const third = await renew(second.refresh_token)
      expect([first, second, third].map(({ refresh_token }) => generationOf(refresh_token))).toEqual(['1', '2', '3'])
      for (const { access_token } of [first, second, third]) expect((await me(access_token)).status).toBe(200)
    })

    test('returns the same next generation to any number of concurrent requests', async () => {
      const { refresh_token } = await somebody()
      const answers = await Promise.all(Array.from({ length: 10 }, () => refresh(refresh_token)))
      const pairs = answers.map(pairOf)
      expect(new Set(pairs.map((pair) => generationOf(pair.refresh_token)))).toEqual(new Set(['2']))
      expect(new Set(pairs.map((pair) => pair.refresh_token)).size).toBe(1)
    })

    test('accepts the previous token for ten seconds, even if the new one was used, and no longer', async () => {
      const first = await somebody()
      const second = await renew(first.refresh_token)
      expect((await me(second.access_token)).status).toBe(200)
      world.turn(10)
      expect(generationOf((await renew(first.refresh_token)).refresh_token)).toBe('2')
      world.turn(1)
      expect(refusalOf(await refresh(first.refresh_token))).toEqual([401, 'token_reused'])
      expect(refusalOf(await refresh(second.refresh_token))).toEqual([401, 'session_revoked'])
      expect(refusalOf(await me(second.access_token))).toEqual([401, 'session_revoked'])
    })

    test('accepts the previous token for an hour while the new one was never used, and a replay does not extend it', async () => {
      const first = await somebody()
      const second = await renew(first.refresh_token)
      for (const seconds of [1799, 1800, 1]) {
        world.turn(seconds)
        expect(generationOf((await renew(first.refresh_token)).refresh_token)).toBe('2')
      }
      world.turn(1)
      expect(refusalOf(await refresh(first.refresh_token))).toEqual([401, 'token_reused'])
      expect(refusalOf(await refresh(second.refresh_token))).toEqual([401, 'session_revoked'])
    })

    test('counts a request with the new access token as its use', async () => {
      const first = await somebody()
      const second = await renew(first.refresh_token)
      expect((await me(first.access_token)).status).toBe(200)
      world.turn(60)
      expect(generationOf((await renew(first.refresh_token)).refresh_token)).toBe('2')
      expect((await me(second.access_token)).status).toBe(200)
      expect(refusalOf(await refresh(first.refresh_token))).toEqual([401, 'token_reused'])
    })

    test('ends only the session whose token was reused too late, and records it in its owner’s activity', async () => {
      const who = world.newcomer()
      const [stolen, other] = [await world.signIn('google', who), await world.signIn('google', who)]
      const second = await renew(stolen.refresh_token)
      const third = await renew(second.refresh_token)
      const counted = async () => {
        const { text } = await world.call('GET', '/metrics')
        return Number(/^vinculum_token_refreshes_total\{result="reused"\} (\d+)$/m.exec(text)?.[1] ?? 0)
      }
      const before = await counted()
      expect(refusalOf(await refresh(stolen.refresh_token))).toEqual([401, 'token_reused'])
      expect(await counted()).toBe(before + 1)
      for (const { refresh_token } of [stolen, second, third])
        expect(refusalOf(await refresh(refresh_token))).toEqual([401, 'session_revoked'])
      expect((await me(other.access_token)).status).toBe(200)
      await renew(other.refresh_token)
      const { body } = await world.call('GET', '/me/activity', { token: other.access_token })
      const reused = (body.items as { event: string }[]).filter(({ event }) => event === 'session.token_reused')
      expect(reused).toHaveLength(1)
    })

    test('ends an unused session after seven days', async () => {
      const used = await somebody()
      const idle = await somebody()
      world.turn(604_799)
      const renewed = await renew(used.refresh_token)
      world.turn(1)
      expect(refusalOf(await refresh(idle.refresh_token))).toEqual([401, 'token_expired'])
      expect((await refresh(renewed.refresh_token)).status).toBe(200)
    })

    test('ends every session after ninety days, however often it is used', async () => {
      let { refresh_token: token } = await somebody()
      let last: Answer | undefined
      for (let day = 6; day <= 84; day += 6) {
        world.turn(6 * 86_400)
        last = await refresh(token)
        token = pairOf(last).refresh_token
      }
      expect(last?.body.refresh_expires_in).toBe(6 * 86_400)
      world.turn(6 * 86_400 - 1)
      last = await refresh(token)
      expect(last.body.refresh_expires_in).toBe(1)
      token = pairOf(last).refresh_token
      world.turn(1)
      expect(refusalOf(await refresh(token))).toEqual([401, 'session_expired'])
    })
  })

  describe('the ways to send a refresh token', () => {
    test('are the Authorization header, JSON, a form, the token endpoint and the browser’s cookie', async () => {
      let { refresh_token: token } = await somebody()
      const next = async (answer: Promise<Answer>) => {
        token = pairOf(await answer).refresh_token
      }
      await next(world.call('POST', '/auth/refresh', { token }))
      await next(world.call('POST', '/auth/refresh', { body: { refresh_token: token } }))
      await next(world.call('POST', '/auth/refresh', { form: { refresh_token: token } }))
      await next(world.call('POST', '/auth/token', { form: { grant_type: 'refresh_token', refresh_token: token } }))
      await next(world.call('POST', '/auth/token', { body: { grant_type: 'refresh_token', refresh_token: token } }))
      expect(generationOf(token)).toBe('6')

      const browser = world.openBrowser()
      await browser.signIn('google', world.newcomer())
      expect(generationOf(pairOf(await browser.json('POST', '/auth/refresh')).refresh_token)).toBe('2')
      expect(generationOf(pairOf(await browser.json('POST', '/auth/refresh', { body: {} })).refresh_token)).toBe('3')
    })

    test('with the cookie are limited to our own pages', async () => {
      const browser = world.openBrowser()
      await browser.signIn('google', world.newcomer())
      const attempts: readonly Record<string, string>[] = [
        { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' },
        { origin: world.base, 'sec-fetch-site': 'cross-site' },
        { origin: world.base, 'sec-fetch-site': 'same-site' },
        { origin: 'null', 'sec-fetch-site': 'cross-site' },
      ]
      for (const headers of attempts) {
        const answer = await browser.json('POST', '/auth/refresh', { headers })
        expect(refusalOf(answer)).toEqual([403, 'csrf_failed'])
      }
      const nowhere = await browser.ask(`${world.base}/auth/refresh`, {
        method: 'POST',
        headers: { accept: 'application/json' },
      })
      expect(nowhere.status).toBe(403)
      // Another scheme in the header does not enable the cookie.
      const basic = { authorization: 'Basic eDp5', origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
      expect((await browser.json('POST', '/auth/refresh', { headers: basic })).status).toBeGreaterThanOrEqual(400)
      expect(generationOf(pairOf(await browser.json('POST', '/auth/refresh')).refresh_token)).toBe('2')
    })

    test('cannot be combined', async () => {
      const { refresh_token } = await somebody()
      const both = await world.call('POST', '/auth/refresh', { token: refresh_token, body: { refresh_token } })
      expect(refusalOf(both)).toEqual([400, 'invalid_request'])
      const twice = await world.call('POST', '/auth/refresh', {
        body: `refresh_token=${refresh_token}&refresh_token=${refresh_token}`,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      })
      expect([...refusalOf(twice), twice.body.error]).toEqual([400, 'invalid_request', 'invalid_request'])
      const inQuery = await world.call('POST', `/auth/refresh?refresh_token=${refresh_token}`)
      expect(inQuery.status).toBeGreaterThanOrEqual(400)
      const nothing = await world.call('POST', '/auth/refresh')
      expect([nothing.status, nothing.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
      expect(generationOf((await renew(refresh_token)).refresh_token)).toBe('2')
    })
  })

  describe('a token that is refused', () => {
    /** A token not signed by us. */
    const forged = (claims: object, header: object = {}) =>
      new SignJWT({ iss: world.base, aud: world.base, sub: 'usr_x', sid: 'ses_x', jti: '1.ses_x', ...claims })
        .setProtectedHeader({ alg: 'HS256', typ: 'rt+jwt', ...header })
        .setExpirationTime('1h')
        .sign(encryptionKey)
    const cases: readonly [string, () => Promise<Answer>][] = [
      ['token_invalid', () => refresh('not-a-token')],
      ['token_invalid', async () => refresh(await forged({ type: 'refresh' }))],
      [
        'token_invalid',
        async () => refresh((await somebody()).refresh_token.replace(/.$/, (end) => (end === 'A' ? 'B' : 'A'))),
      ],
      ['token_wrong_type', async () => refresh((await somebody()).access_token)],
      [
        'token_expired',
        async () => {
          const { refresh_token } = await somebody()
          world.turn(604_800)
          return refresh(refresh_token)
        },
      ],
      [
        'session_expired',
        async () => {
          const { refresh_token } = await somebody()
          world.turn(7_776_000)
          return refresh(refresh_token)
        },
      ],
      [
        'session_revoked',
        async () => {
          const { access_token: token, refresh_token } = await somebody()
          await world.call('POST', '/auth/logout', { token })
          return refresh(refresh_token)
        },
      ],
      [
        'user_not_found',
        async () => {
          const { access_token: token, refresh_token } = await somebody()
          await world.call('DELETE', '/me', { token })
          return refresh(refresh_token)
        },
      ],
      [
        'token_reused',
        async () => {
          const { refresh_token } = await somebody()
          await renew((await renew(refresh_token)).refresh_token)
          return refresh(refresh_token)
        },
      ],
    ]
    test.each(cases)(
      'with %s gets an error in both languages, in RFC 6749’s terms too, with a challenge',
      async (code, act) => {
        const refused = await act()
        expect([...refusalOf(refused), refused.headers.get('content-type')], refused.text).toEqual([
          401,
          code,
          'application/problem+json',
        ])
        expect(refused.body).toMatchObject({ type: `${world.base}/docs/errors/${code}`, error: 'invalid_grant' })
        expect(refused.body.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
        expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_grant"/)
        expect(refused.body.detail).toBe(texts.en[code as ErrorCode].detail.replace('{type}', 'refresh'))
      },
    )

    test('gets the contract’s error text in Portuguese', async () => {
      const headers = { 'accept-language': 'pt-BR' }
      const { access_token, refresh_token } = await somebody()
      const say = async (token: string, path = '/auth/refresh') => {
        const answer =
          path === '/me'
            ? await world.call('GET', path, { token, headers })
            : await world.call('POST', path, { body: { refresh_token: token }, headers })
        expect(answer.headers.get('content-language')).toBe('pt-BR')
        return answer.body.detail
      }
      expect(await say('x')).toBe('Token inválido ou malformado')
      expect(await say(access_token)).toBe('Token inválido: esperado tipo refresh')
      expect(await say(refresh_token, '/me')).toBe('Token inválido: esperado tipo access')
      world.turn(1800)
      expect(await say(access_token, '/me')).toBe('Token expirado')
      world.turn(604_800)
      expect(await say(refresh_token)).toBe('Token expirado')
      const gone = await somebody()
      await world.call('DELETE', '/me', { token: gone.access_token })
      expect(await say(gone.refresh_token)).toBe('Usuário não encontrado')
    })

    test('at a resource gets invalid_token, or a bare challenge where there was none', async () => {
      const { access_token, refresh_token } = await somebody()
      const none = await world.call('GET', '/me')
      expect([none.status, none.body.code, none.headers.get('www-authenticate')]).toEqual([
        401,
        'authentication_required',
        `Bearer resource_metadata="${world.base}/.well-known/oauth-protected-resource"`,
      ])
      for (const [token, code] of [
        [refresh_token, 'token_wrong_type'],
        [await forged({ type: 'access' }, { typ: 'at+jwt' }), 'token_invalid'],
        [
          await forged({ type: 'access' }, { typ: 'at+jwt', kid: decodeProtectedHeader(access_token).kid }),
          'token_invalid',
        ],
        [await forged({ type: 'access' }, { typ: 'at+jwt', kid: '../../etc/passwd' }), 'token_invalid'],
        [`${access_token.slice(0, -8)}AAAAAAAA`, 'token_invalid'],
        [`${Buffer.from('{"alg":"none"}').toString('base64url')}.${access_token.split('.')[1]}.`, 'token_invalid'],
        ['made.up', 'token_invalid'],
      ] as const) {
        const refused = await me(token)
        expect([token, ...refusalOf(refused)]).toEqual([token, 401, code])
        expect(refused.headers.get('www-authenticate')).toMatch(/^Bearer error="invalid_token"/)
      }
      expect((await world.call('GET', `/me?access_token=${access_token}`)).status).toBe(401)
    })
  })

  /** Every operation that requires a user, as the document lists them. */
  const operations = () =>
    Object.entries(world.document.paths).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, operation]) => {
        const security = (operation as { security?: Record<string, unknown>[] }).security ?? []
        const wanted = security.length > 0 && security.every((each) => Object.keys(each).length > 0)
        const made = path.replace('{provider}', 'google').replace(/\{\w+\}/g, 'made-up')
        const isForPrograms = security.some((each) => ['service', 'doctor', 'registration'].some((one) => one in each))
        return wanted && !isForPrograms ? [[method.toUpperCase(), made] as const] : []
      }),
    )

  test('every route that requires a user refuses a signed-out device at once, with token and cookie alike', async () => {
    expect(operations().length).toBeGreaterThan(12)
    const ended = await somebody()
    expect((await world.call('POST', '/auth/logout', { token: ended.access_token })).status).toBe(204)
    const browser = world.openBrowser()
    const signedIn = await browser.signIn('google', world.newcomer())
    const cookie = `vinculum_session=${cookiesOf(signedIn.headers).vinculum_session}`
    expect((await browser.json('POST', '/auth/logout')).status).toBe(204)
    for (const [method, path] of operations()) {
      const body = method === 'GET' || method === 'DELETE' ? {} : { body: {} }
      const answer = await world.call(method, path, { token: ended.access_token, ...body })
      expect([method, path, ...refusalOf(answer)]).toEqual([method, path, 401, 'session_revoked'])
      const headers = { cookie, origin: world.base, 'sec-fetch-site': 'same-origin' }
      const seen = await world.call(method, path, { headers, ...body })
      expect([method, path, seen.status, seen.body.code]).toEqual([method, path, 401, 'session_revoked'])
    }
  })

  test('a route that requires a user accepts neither a refresh token nor a missing token', async () => {
    const { refresh_token: token } = await somebody()
    for (const [method, path] of operations()) {
      const body = method === 'GET' || method === 'DELETE' ? {} : { body: {} }
      const wrong = await world.call(method, path, { token, ...body })
      expect([method, path, ...refusalOf(wrong)]).toEqual([method, path, 401, 'token_wrong_type'])
      const nobody = await world.call(method, path, body)
      expect([method, path, ...refusalOf(nobody)]).toEqual([method, path, 401, 'authentication_required'])
    }
  })

  describe('signing out', () => {
    test('ends the current session, all or all others', async () => {
      const who = world.newcomer()
      const enter = () => world.signIn('google', who)
      const [one, two, three, four] = [await enter(), await enter(), await enter(), await enter()]
      expect((await world.call('POST', '/auth/logout', { token: one.access_token })).status).toBe(204)
      expect(refusalOf(await me(one.access_token))).toEqual([401, 'session_revoked'])
      expect((await me(two.access_token)).status).toBe(200)

      const devices = listIn(await world.call('GET', '/me/sessions', { token: two.access_token }))
      expect(devices).toHaveLength(3)
      const fourth = decodeJwt(four.access_token).sid
      expect((await world.call('DELETE', `/me/sessions/${fourth}`, { token: two.access_token })).status).toBe(204)
      expect(refusalOf(await refresh(four.refresh_token))).toEqual([401, 'session_revoked'])
      expect(refusalOf(await world.call('DELETE', `/me/sessions/${fourth}`, { token: two.access_token }))).toEqual([
        404,
        'session_not_found',
      ])
      const strangers = decodeJwt((await somebody()).access_token).sid
      expect(refusalOf(await world.call('DELETE', `/me/sessions/${strangers}`, { token: two.access_token }))).toEqual([
        404,
        'session_not_found',
      ])

      expect((await world.call('DELETE', '/me/sessions', { token: two.access_token })).status).toBe(204)
      expect((await me(two.access_token)).status).toBe(200)
      expect(refusalOf(await me(three.access_token))).toEqual([401, 'session_revoked'])
      const five = await enter()
      expect((await world.call('POST', '/auth/logout-all', { token: five.access_token })).status).toBe(204)
      for (const { access_token, refresh_token } of [two, five]) {
        expect(refusalOf(await me(access_token))).toEqual([401, 'session_revoked'])
        expect(refusalOf(await refresh(refresh_token))).toEqual([401, 'session_revoked'])
      }
    })

    test('deletes the cookie and clears the browser’s stored data', async () => {
      const browser = world.openBrowser()
      await browser.signIn('google', world.newcomer())
      const out = await browser.json('POST', '/auth/logout')
      expect(out.status).toBe(204)
      expect(out.headers.get('clear-site-data')).toContain('"storage"')
      expect(out.headers.getSetCookie().join()).toMatch(/vinculum_session=; Max-Age=0/)
    })

    test('with a token in the body ends its session, for either kind of token, and reveals nothing about others', async () => {
      for (const kind of ['access_token', 'refresh_token'] as const) {
        for (const how of ['form', 'body'] as const) {
          const pair = await somebody()
          const revoked = await world.call('POST', '/auth/revoke', { [how]: { token: pair[kind] } })
          expect([revoked.status, revoked.text]).toEqual([200, '{}'])
          expect(refusalOf(await me(pair.access_token))).toEqual([401, 'session_revoked'])
          expect(refusalOf(await refresh(pair.refresh_token))).toEqual([401, 'session_revoked'])
          expect((await world.call('POST', '/auth/revoke', { [how]: { token: pair[kind] } })).status).toBe(200)
        }
      }
      const expired = await somebody()
      world.turn(604_800)
      for (const token of ['made-up', expired.access_token, expired.refresh_token, 'a.b.c'])
        expect((await world.call('POST', '/auth/revoke', { form: { token } })).status).toBe(200)
      expect(refusalOf(await world.call('POST', '/auth/revoke', { form: {} }))).toEqual([400, 'invalid_request'])
    })
  })

  describe('the authorization code for an app on another origin', () => {
    async function codeFor(browser: Browser = world.openBrowser()) {
      const { verifier, challenge } = pkce()
      const query = { return_to: app, code_challenge: challenge, code_challenge_method: 'S256' }
      const sent = await browser.signIn('google', world.newcomer(), query)
      const code = new URL(sent.headers.get('location') ?? '').searchParams.get('code') ?? ''
      return { code, verifier, trade: (change: object = {}) => trade({ code, code_verifier: verifier, ...change }) }
    }
    const trade = (fields: object) =>
      world.call('POST', '/auth/token', { body: { grant_type: 'authorization_code', ...fields } })

    test('is exchanged once, for exactly what an app receives; a second exchange ends its session', async () => {
      const { trade: once } = await codeFor()
      const answer = await once()
      const auth = AuthAnswer.parse(answer.body)
      expect([answer.status, auth.action]).toEqual([200, 'created_new_user'])
      expect((await me(auth.access_token)).status).toBe(200)
      const again = await once()
      expect([...refusalOf(again), again.body.error]).toEqual([400, 'code_invalid', 'invalid_grant'])
      expect(refusalOf(await me(auth.access_token))).toEqual([401, 'session_revoked'])
      expect(refusalOf(await refresh(auth.refresh_token))).toEqual([401, 'session_revoked'])
    })

    test('is consumed by a wrong verifier', async () => {
      const { trade: once } = await codeFor()
      expect(refusalOf(await once({ code_verifier: pkce().verifier }))).toEqual([400, 'code_invalid'])
      expect(refusalOf(await once())).toEqual([400, 'code_invalid'])
    })

    test('is not consumed by a request that has a missing or malformed verifier', async () => {
      const { trade: once } = await codeFor()
      expect(refusalOf(await once({ code_verifier: undefined }))).toEqual([400, 'invalid_request'])
      expect(refusalOf(await once({ code_verifier: 'short' }))).toEqual([400, 'invalid_request'])
      expect((await once()).status).toBe(200)
    })

    test('expires after a minute', async () => {
      const [young, old] = [await codeFor(), await codeFor()]
      world.turn(59)
      expect((await young.trade()).status).toBe(200)
      world.turn(1)
      expect(refusalOf(await old.trade())).toEqual([400, 'code_invalid'])
    })

    test('exchanged twice concurrently succeeds at most once', async () => {
      const { trade: once } = await codeFor()
      const answers = await Promise.all([once(), once(), once()])
      expect(answers.filter(({ status }) => status === 200).length).toBeLessThanOrEqual(1)
      expect(answers.filter(({ status }) => status === 400).length).toBeGreaterThanOrEqual(2)
    })

    test('is not issued without a challenge', async () => {
      const answer = await world.call('GET', `/auth/google?return_to=${encodeURIComponent(app)}`)
      expect(refusalOf(answer)).toEqual([400, 'invalid_request'])
      expect(answer.body.errors).toEqual([expect.objectContaining({ path: 'code_challenge', code: 'required' })])
      const plain = `/auth/google?return_to=${encodeURIComponent(app)}&code_challenge=${'a'.repeat(43)}&code_challenge_method=plain`
      expect(refusalOf(await world.call('GET', plain))).toEqual([400, 'invalid_request'])
    })

    test('is not confused with any other grant', async () => {
      for (const grant_type of ['client_credentials', 'urn:ietf:params:oauth:grant-type:device_code', 'implicit']) {
        const answer = await world.call('POST', '/auth/token', { form: { grant_type } })
        expect([...refusalOf(answer), answer.body.error]).toEqual([
          400,
          'grant_type_unsupported',
          'unsupported_grant_type',
        ])
      }
    })

    test('can be used by a standard OAuth client', async () => {
      // The discovered metadata is that of registered applications; these are the routes for an embedded one.
      const server = {
        issuer: world.base,
        token_endpoint: `${world.base}/auth/token`,
        revocation_endpoint: `${world.base}/auth/revoke`,
      }
      const config = new client.Configuration(server, 'app', undefined, client.None())
      client.allowInsecureRequests(config)
      config[client.customFetch] = (url, init) => world.send(url, init as RequestInit)
      const { code, verifier } = await codeFor()
      const here = new URL(app)
      here.searchParams.set('code', code)
      const tokens = await client.authorizationCodeGrant(config, here, { pkceCodeVerifier: verifier })
      expect([tokens.token_type, tokens.expires_in]).toEqual(['bearer', 1800])
      const renewed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
      expect(generationOf(renewed.refresh_token ?? '')).toBe('2')
      await client.tokenRevocation(config, renewed.refresh_token ?? '')
      await expect(client.refreshTokenGrant(config, renewed.refresh_token ?? '')).rejects.toMatchObject({
        status: 401,
        cause: [{ scheme: 'bearer', parameters: { error: 'invalid_grant' } }],
      })
      await expect(client.authorizationCodeGrant(config, here, { pkceCodeVerifier: verifier })).rejects.toThrow()
    })
  })

  test('access tokens conform to RFC 9068, and verify from the published keys alone', async () => {
    const { access_token, user } = await somebody()
    const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', world.base))
    const { payload, protectedHeader } = await jwtVerify(access_token, keys, {
      issuer: world.base,
      audience: world.base,
      typ: 'at+jwt',
      currentDate: world.clock(),
      requiredClaims: [
        'iss',
        'aud',
        'sub',
        'exp',
        'iat',
        'jti',
        'sid',
        'scope',
        'type',
        'amr',
        'auth_time',
        'client_id',
      ],
    })
    expect([protectedHeader.alg, payload.sub, payload.type, payload.amr]).toEqual(['ES256', user.id, 'access', ['fed']])
    expect(Number(payload.exp) - Number(payload.iat)).toBe(1800)
    const published = await world.call('GET', '/.well-known/jwks.json')
    expect(published.headers.get('cache-control')).toContain('public')
    for (const key of published.body.keys as Record<string, unknown>[])
      expect(Object.keys(key).sort()).toEqual(['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'])
  })

  test('new signing keys are published before they sign, and tokens of the old ones stay valid', async () => {
    const before = await somebody()
    await world.vinculum.rotateSigningKeys()
    const jwks = async () =>
      (await (await fetch(`${world.base}/.well-known/jwks.json`)).json()) as Parameters<typeof createLocalJWKSet>[0]
    const published = await jwks()
    expect(published.keys).toHaveLength(2)
    const during = await somebody()
    const kid = (token: string) => decodeProtectedHeader(token).kid
    expect(kid(during.access_token)).toBe(kid(before.access_token))
    world.turn(481)
    const after = await somebody()
    expect(kid(after.access_token)).not.toBe(kid(before.access_token))
    // Verified with the key set published eight minutes ago.
    await jwtVerify(after.access_token, createLocalJWKSet(published), { currentDate: world.clock() })
    expect((await me(before.access_token)).status).toBe(200)
    await renew(before.refresh_token)
  })
})

test('a session signed out on one node is signed out on the other at once, and generations rotate once across both', async () => {
  const world = await startWorld({ database: 'PostgreSQL' })
  try {
    const { base: other } = await world.another()
    const who = world.newcomer()
    for (const path of ['/auth/logout', '/auth/logout-all']) {
      const { access_token: token, refresh_token } = await world.signIn('google', who)
      expect((await world.call('GET', '/me', { token, at: other })).status).toBe(200)
      expect((await world.call('POST', path, { token })).status).toBe(204)
      expect(refusalOf(await world.call('GET', '/me', { token, at: other }))).toEqual([401, 'session_revoked'])
      const refreshed = await world.call('POST', '/auth/refresh', { body: { refresh_token }, at: other })
      expect(refusalOf(refreshed)).toEqual([401, 'session_revoked'])
    }
    let { refresh_token } = await world.signIn('google', who)
    for (let round = 2; round < 22; round++) {
      const answers = await Promise.all(
        [world.base, other, world.base, other].map((at) =>
          world.call('POST', '/auth/refresh', { body: { refresh_token }, at }),
        ),
      )
      const tokens = answers.map((answer) => pairOf(answer).refresh_token)
      expect(tokens.map(generationOf)).toEqual(Array.from({ length: 4 }, () => String(round)))
      refresh_token = tokens[0] ?? ''
    }
  } finally {
    await world.stop()
  }
})
