import request from 'supertest'
import { beforeEach, describe, expect, test } from 'vitest'
import { tokenRoutes } from '../../src/http/api/tokens.ts'
import type { Route } from '../../src/http/route.ts'
import { browserAccept, createSurface, type Surface } from './surface.tsx'

let surface: Surface
beforeEach(() => {
  surface = createSurface()
})
const mine = (path = '/mine') => request(surface.app).get(path)

describe('a bearer token', () => {
  test.each([
    ['nothing', undefined, 401, 'authentication_required', /^Bearer resource_metadata="[^"]+"$/],
    ['a valid token', 'Bearer good', 200, undefined, undefined],
    ['the scheme in any case', 'bearer good', 200, undefined, undefined],
    [
      'an unknown token',
      'Bearer bad',
      401,
      'token_invalid',
      /^Bearer error="invalid_token", error_description="[^"\\]+", resource_metadata="[^"\\]+"$/,
    ],
    ['an expired token', 'Bearer old', 401, 'token_expired', /^Bearer error="invalid_token"/],
    ['a refresh token', 'Bearer refresh', 401, 'token_wrong_type', /^Bearer error="invalid_token"/],
    ['no token after the scheme', 'Bearer', 400, 'invalid_request', /^Bearer error="invalid_request"/],
    ['two tokens', 'Bearer good good', 400, 'invalid_request', /^Bearer error="invalid_request"/],
    ['two in a list', 'Bearer good, Bearer good', 400, 'invalid_request', /^Bearer error="invalid_request"/],
    ['a token with quotes', 'Bearer "good"', 400, 'invalid_request', /^Bearer error="invalid_request"/],
    ['another scheme', 'Basic Z29vZDo=', 401, 'authentication_required', /^Bearer resource_metadata="[^"]+"$/],
    ['an empty header', '', 401, 'authentication_required', /^Bearer resource_metadata="[^"]+"$/],
  ])('%s is handled as RFC 6750 specifies', async (_, header, status, code, challenge) => {
    const get = mine()
    if (header !== undefined) get.set('Authorization', header)
    const answer = await get
    expect([answer.status, answer.body.code]).toEqual([status, code])
    if (challenge) expect(answer.headers['www-authenticate']).toMatch(challenge)
    else expect(answer.headers['www-authenticate']).toBeUndefined()
  })
  test('sent in two headers is refused, whichever of them is valid', async () => {
    const answer = await mine().set('Authorization', ['Bearer good', 'Bearer bad'] as unknown as string)
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request'])
  })
  test('in the query or the body is ignored', async () => {
    expect((await mine('/mine?access_token=good')).status).toBe(401)
    const form = await request(surface.app).delete('/mine').type('form').send('access_token=good')
    expect(form.status).toBe(401)
  })
  test('that is invalid is refused on a public route too, since the caller expects to be signed in', async () => {
    expect((await mine('/things/thg_1').set('Authorization', 'Bearer bad')).status).toBe(401)
    expect((await mine('/things/thg_1').set('Authorization', 'Bearer good')).body.who).toBe('usr_ana')
    expect((await mine('/things/thg_1')).body.who).toBe(null)
    const basic = await mine('/things/thg_1').set('Authorization', 'Basic Z29vZDo=')
    expect([basic.status, basic.body.code]).toEqual([401, 'token_invalid'])
  })
  test('is passed unread to a handler that checks credentials itself', async () => {
    const answer = await request(surface.app)
      .post('/token')
      .set('Authorization', 'Bearer a.b.c')
      .send({ grant_type: 'x' })
    expect(answer.body.bearer).toBe('a.b.c')
    const basic = await request(surface.app).post('/token').set('Authorization', 'Basic eDp5').send({ grant_type: 'x' })
    expect(basic.body.bearer).toBe(null)
  })
  test.each([
    ['in two headers', ['Bearer good', 'Bearer bad']],
    ['in two tokens', 'Bearer good good'],
    ['in none', 'Bearer'],
  ])('that comes %s is refused where the handler checks credentials, too', async (_, header) => {
    const { flows } = { flows: { refreshTokens: { byToken: () => expect.unreachable() } } }
    surface = createSurface({ routes: tokenRoutes as readonly Route<unknown>[], vinculum: { flows } })
    for (const body of [undefined, { refresh_token: 'good' }]) {
      const refresh = await request(surface.app)
        .post('/auth/refresh')
        .set('Authorization', header as string)
        .send(body)
      expect([refresh.status, refresh.body.error]).toEqual([400, 'invalid_request'])
      expect(refresh.headers['www-authenticate']).toMatch(/^Bearer error="invalid_request"/)
    }
  })
  test('takes precedence over the cookie', async () => {
    const answer = await mine('/mine').set('Authorization', 'Bearer good').set('Cookie', 'vinculum_session=old')
    expect(answer.body.via).toBe('bearer')
  })
  test('is required before a request body is read', async () => {
    const answer = await request(surface.app).delete('/mine').send({ unknown: 1 })
    expect(answer.status).toBe(401)
  })
})

describe('a session cookie', () => {
  test('authenticates the user', async () => {
    expect((await mine().set('Cookie', 'vinculum_session=good')).body).toEqual({ who: 'usr_ana', via: 'cookie' })
  })
  test('of an ended session counts as no user on a public route, and is deleted', async () => {
    const answer = await mine('/things/thg_1').set('Cookie', 'vinculum_session=old')
    expect([answer.status, answer.body.who]).toEqual([200, null])
    expect(answer.headers['set-cookie']).toEqual([
      'vinculum_session=; Max-Age=0; Path=/; Expires=Thu, 01 Jan 1970 00:00:00 GMT; HttpOnly; SameSite=Lax',
    ])
  })
  test('of an ended session gets an error on a route that requires a user', async () => {
    const answer = await mine().set('Cookie', 'vinculum_session=old')
    expect([answer.status, answer.body.code]).toEqual([401, 'session_expired'])
    expect(answer.headers['www-authenticate']).toMatch(/^Bearer error="invalid_token"/)
  })
  test('is prefixed and Secure everywhere except on plain HTTP, which the configuration limits to loopback', async () => {
    for (const [url, name] of [
      ['https://id.example.test', '__Host-vinculum_session'],
      ['https://localhost', '__Host-vinculum_session'],
      ['http://127.0.0.1:3000', 'vinculum_session'],
      ['http://[::1]:3000', 'vinculum_session'],
    ] as const) {
      surface = createSurface({ publicUrl: new URL(url) })
      const [taken] = (await mine('/things/thg_1').set('Cookie', `${name}=old`)).headers['set-cookie'] ?? []
      expect([url, taken?.split('=')[0], taken?.includes('; Secure')]).toEqual([url, name, name.startsWith('__Host-')])
    }
  })
  test('without its prefix is ignored where the prefix is required', async () => {
    surface = createSurface({ publicUrl: new URL('https://id.example.test') })
    expect((await mine().set('Cookie', 'vinculum_session=good')).status).toBe(401)
  })
})

describe('a page that requires a user', () => {
  test('sends a visitor to sign in and back', async () => {
    const answer = await mine('/pages/mine?tab=1&x=%2F').set('Accept', browserAccept)
    expect([answer.status, answer.headers.location]).toEqual([
      303,
      '/login?return_to=%2Fpages%2Fmine%3Ftab%3D1%26x%3D%252F',
    ])
  })
  test('returns 401 to a program that asks for JSON', async () => {
    expect((await mine('/pages/mine').set('Accept', 'application/json')).status).toBe(401)
    const json = await mine('/pages/mine').set('Accept', 'application/json').set('Authorization', 'Bearer good')
    expect(json.body).toEqual({ who: 'usr_ana' })
  })
  test('never redirects to another host', async () => {
    const answer = await mine('/pages/mine').set('Accept', browserAccept)
    expect(answer.headers.location).toBe('/login?return_to=%2Fpages%2Fmine')
  })
})

describe('a route that requires a recent sign-in', () => {
  const erase = () => request(surface.app).delete('/mine/recent').set('Authorization', 'Bearer good')
  test('accepts one up to its maximum age, and refuses it a second later', async () => {
    surface.turn(300)
    expect((await erase()).status).toBe(204)
    surface.turn(1)
    const late = await erase()
    expect([late.status, late.body.code]).toEqual([403, 'reauthentication_required'])
    expect(late.headers['www-authenticate']).toMatch(/error="insufficient_user_authentication".*max_age=600$/)
  })
})
