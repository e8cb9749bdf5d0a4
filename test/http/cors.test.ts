import request from 'supertest'
import { beforeEach, describe, expect, test } from 'vitest'
import { apiRoutes } from '../../src/http/api/index.ts'
import { crossOriginOf } from '../../src/http/cors.ts'
import { pageRoutes } from '../../src/http/pages/index.ts'
import type { Route } from '../../src/http/route.ts'
import { receive } from '../support/http.ts'
import { browserAccept, createSurface, type Surface, style } from './surface.tsx'

const application = 'https://app.example'
const foreign = [
  'https://evil.example',
  'http://app.example',
  'https://app.example:8443',
  'https://app.example.evil.test',
  'https://sub.app.example',
  'https://APP.example',
  'https://app.example/',
  'https://app.example, https://evil.example',
  'null',
  '',
]

const all = [...apiRoutes, ...pageRoutes] as readonly Route<unknown>[]
const service = createSurface({ routes: all, rateLimits: null })
let surface: Surface
beforeEach(() => {
  surface = createSurface()
})

async function preflight(at: Surface, path: string, method: string, origin: string, asked = 'authorization') {
  const { status, headers } = await receive(new URL(path, await at.origin()), {
    method: 'OPTIONS',
    redirect: 'manual',
    headers: { origin, 'access-control-request-method': method, 'access-control-request-headers': asked },
  })
  return { status, headers: Object.fromEntries(headers) as Readonly<Record<string, string>> }
}
const pathOf = ({ path }: Route<never>): string => path.replace(/:(\w+)/g, 'some_$1')
const named = (route: Route<never>) => [`${route.method.toUpperCase()} ${route.path}`, route] as const

describe('a CORS preflight', () => {
  // A form of another site needs no preflight. Its path also has a route for JSON.
  test.each(all.filter(({ fromAnotherSite }) => !fromAnotherSite).map(named))('for %s', async (_, route) => {
    const method = route.method.toUpperCase()
    const shares = crossOriginOf(route)
    const { status, headers } = await preflight(service, pathOf(route), method, application)
    expect(headers).not.toHaveProperty('access-control-allow-credentials')
    expect(headers.vary).toContain('Origin')
    if (shares === 'none') {
      expect([status, headers['access-control-allow-origin']]).toEqual([405, undefined])
    } else {
      const open = shares === 'any' || shares === 'client'
      expect(status).toBe(204)
      expect(headers).toMatchObject({
        'access-control-allow-origin': open ? '*' : application,
        'access-control-allow-methods': method,
        'access-control-max-age': '600',
      })
    }
    for (const origin of foreign) {
      const answer = await preflight(service, pathOf(route), method, origin)
      expect([origin, answer.headers['access-control-allow-origin']]).toEqual([
        origin,
        shares === 'any' || shares === 'client' ? '*' : undefined,
      ])
    }
  })
  test('allows the headers an app sends', async () => {
    const { headers } = await preflight(surface, '/mine', 'DELETE', application)
    expect(headers['access-control-allow-headers']).toBe('Authorization, Content-Type, Accept, Accept-Language, DPoP')
  })
  test('of an unsupported method lets the app read the error', async () => {
    expect((await preflight(surface, '/mine', 'PUT', application)).status).toBe(204)
    const answer = await request(surface.app).put('/mine').set('Origin', application)
    expect([answer.status, answer.headers['access-control-allow-origin']]).toEqual([405, application])
    for (const method of ['CONNECT', 'TRACE', 'constructor', '__proto__', 'get', '*']) {
      const { status, headers } = await preflight(surface, '/mine', method, application)
      expect([method, status, headers['access-control-allow-methods']]).toEqual([method, 405, undefined])
    }
  })
  test('requires an Origin and a method', async () => {
    expect((await request(surface.app).options('/mine')).status).toBe(405)
    expect((await request(surface.app).options('/mine').set('Origin', application)).status).toBe(405)
    const without = request(surface.app).options('/mine').set('Access-Control-Request-Method', 'GET')
    expect((await without).status).toBe(405)
  })
  test('is rate limited like any request', async () => {
    let last = 204
    for (let at = 0; at < 241 && last === 204; at++) {
      last = (await preflight(surface, '/mine', 'GET', application)).status
    }
    expect(last).toBe(429)
  })
})

describe('the CORS surface', () => {
  const shared = all.filter((route) => crossOriginOf(route) === 'any').map(({ path }) => path)
  const closed = all.filter((route) => crossOriginOf(route) === 'none')

  test('opens public documents to every origin', () => {
    expect(shared).toEqual([
      '/.well-known/jwks.json',
      '/.well-known/openid-configuration',
      '/.well-known/oauth-authorization-server',
      '/.well-known/oauth-protected-resource',
      '/.well-known/assetlinks.json',
      '/.well-known/apple-app-site-association',
      '/.well-known/webauthn',
    ])
  })
  test('opens the endpoints of registered applications to every origin: none of them reads a cookie to act', () => {
    const open = all.filter((route) => crossOriginOf(route) === 'client')
    expect(open.map(({ method, path, auth }) => `${method} ${path} ${auth}`)).toEqual([
      'post /oauth/token none',
      'post /oauth/par none',
      'post /oauth/device none',
      'get /oauth/userinfo user',
      'post /oauth/userinfo user',
      'post /oauth/revoke none',
      'post /oauth/register none',
      'get /oauth/register/:id none',
      'put /oauth/register/:id none',
      'delete /oauth/register/:id none',
    ])
  })
  test('excludes pages, sign-in redirects and back-end routes', () => {
    expect(closed.filter(({ surface }) => surface === 'api').map(({ path }) => path)).toEqual([
      '/health/arrival',
      '/metrics',
      '/oauth/introspect',
      '/users/:id/metadata',
      '/auth/introspect',
      '/connections/token',
    ])
    expect(all.filter(({ surface }) => surface === 'browser').every((route) => closed.includes(route))).toBe(true)
    expect(closed.map(({ method, path }) => `${method} ${path}`)).toEqual(
      expect.arrayContaining(['get /auth/:provider', 'get /auth/:provider/callback', 'get /login', 'get /account']),
    )
  })
})

describe('a CORS response', () => {
  const cases: readonly (readonly [number, string, (app: Surface['app']) => request.Test])[] = [
    [200, 'GET /mine', (app) => request(app).get('/mine').set('Authorization', 'Bearer good')],
    [204, 'DELETE /mine', (app) => request(app).delete('/mine').set('Authorization', 'Bearer good')],
    [400, 'an invalid body', (app) => request(app).post('/things').send({})],
    [401, 'no token', (app) => request(app).get('/mine')],
    [401, 'an expired token', (app) => request(app).get('/mine').set('Authorization', 'Bearer old')],
    [404, 'an id that cannot exist', (app) => request(app).get('/things/x')],
    [404, 'no such path', (app) => request(app).get('/nowhere')],
    [405, 'no such method', (app) => request(app).put('/mine')],
    [
      413,
      'a large body',
      (app) =>
        request(app)
          .post('/things')
          .send({ name: 'a'.repeat(70_000) }),
    ],
    [415, 'another content type', (app) => request(app).post('/things').type('text/plain').send('x')],
    [500, 'a defect', (app) => request(app).get('/broken')],
    [503, 'no time', (app) => request(app).get('/busy')],
  ]
  test.each(cases)('of %i can be read by an allowed app: %s', async (status, _, send) => {
    const answer = await send(surface.app).set('Origin', application)
    expect(answer.status).toBe(status)
    expect(answer.headers).toMatchObject({
      'access-control-allow-origin': application,
      'access-control-expose-headers': 'X-Request-Id, Retry-After, WWW-Authenticate, Link, DPoP-Nonce',
    })
    expect(answer.headers).not.toHaveProperty('access-control-allow-credentials')
    expect(answer.headers.vary).toContain('Origin')
  })
  test.each(cases)('of %i cannot be read by any other origin: %s', async (status, _, send) => {
    for (const origin of foreign) {
      const answer = await send(surface.app).set('Origin', origin)
      expect([origin, answer.status]).toEqual([origin, status])
      expect([origin, answer.headers['access-control-allow-origin']]).toEqual([origin, undefined])
    }
    expect((await send(surface.app)).headers).not.toHaveProperty('access-control-allow-origin')
  })
  test('of 429 can be read as well, with its Retry-After', async () => {
    const guess = () => request(surface.app).post('/limited').set('Origin', application)
    let answer = await guess()
    for (let at = 0; at < 31 && answer.status !== 429; at++) answer = await guess()
    expect(answer.status).toBe(429)
    expect(answer.headers['retry-after']).toMatch(/^\d+$/)
    expect(answer.headers['access-control-allow-origin']).toBe(application)
  })
  test('that is a page, a file or a redirect cannot be read by another origin', async () => {
    const answers = [
      await request(surface.app).get('/pages/form').set('Origin', application),
      await request(surface.app).get('/pages/mine').set('Origin', application),
      await request(surface.app).get('/pages/x').set('Origin', application),
      await request(surface.app).put('/pages/form').set('Origin', application),
      await request(surface.app).get('/nowhere').set('Origin', application).set('Accept', browserAccept),
      await request(surface.app).get(style.path).set('Origin', application),
    ]
    for (const { status, headers } of answers) {
      expect([status, headers['access-control-allow-origin']]).toEqual([status, undefined])
    }
  })
  test('with public keys can be read by every origin, with one header', async () => {
    const { headers } = await request(surface.app).get('/keys').set('Origin', 'https://evil.example')
    expect(headers['access-control-allow-origin']).toBe('*')
    const refused = await request(surface.app).put('/keys').set('Origin', 'https://evil.example')
    expect([refused.status, refused.headers['access-control-allow-origin']]).toEqual([405, '*'])
  })
})

describe('the session cookie', () => {
  test('is refused from every other origin, for every method', async () => {
    for (const origin of [application, 'https://evil.example', 'http://localhost:3001']) {
      for (const method of ['get', 'delete'] as const) {
        const sent = request(surface.app)[method]('/mine').set('Cookie', 'vinculum_session=good').set('Origin', origin)
        const answer = await sent
        expect([origin, method, answer.status, answer.body.code]).toEqual([origin, method, 403, 'csrf_failed'])
      }
    }
  })
  test('is refused from a frame without an origin when the browser reports another site', async () => {
    const sent = request(surface.app).get('/mine').set('Cookie', 'vinculum_session=good').set('Origin', 'null')
    expect((await sent.set('Sec-Fetch-Site', 'cross-site')).status).toBe(403)
  })
  test('is ignored when a token is sent', async () => {
    const sent = request(surface.app).get('/mine').set('Authorization', 'Bearer good').set('Origin', application)
    expect((await sent.set('Cookie', 'vinculum_session=good')).status).toBe(200)
  })
})

test('an app with a custom-scheme redirect URI allows no origin', async () => {
  const { app } = createSurface({ applications: [new URL('com.example.app:/signed-in')] })
  const answer = await request(app).get('/mine').set('Origin', 'null')
  expect(answer.headers).not.toHaveProperty('access-control-allow-origin')
})
