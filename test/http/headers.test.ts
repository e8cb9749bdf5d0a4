import request from 'supertest'
import { describe, expect, test } from 'vitest'
import { fail } from '../../src/errors/catalogue.ts'
import { route } from '../../src/http/route.ts'
import { browserAccept, createSurface, style } from './surface.tsx'

const secure = createSurface({ publicUrl: new URL('https://id.example.test') })
const plain = createSurface()

const inert = "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'; sandbox"
const page = (formAction: string) =>
  `default-src 'none'; style-src 'self'; img-src 'self'; font-src 'self'; form-action ${formAction}; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; script-src 'none'; connect-src 'none'; require-trusted-types-for 'script'; trusted-types 'none'; upgrade-insecure-requests`
/** What Swagger UI needs: its scripts, pictures in its stylesheet, and HTML that it has sanitized. */
const reference = page("'self'")
  .replace("img-src 'self'", "img-src 'self' data:")
  .replace("script-src 'none'; connect-src 'none'", "script-src 'self'; connect-src 'self'")
  .replace("trusted-types 'none'", 'trusted-types dompurify default')

const answers: readonly (readonly [string, number, () => request.Test])[] = [
  ['JSON', 200, () => request(secure.app).get('/things/thg_1')],
  ['nothing', 204, () => request(secure.app).delete('/mine').set('Authorization', 'Bearer good')],
  ['a redirect', 303, () => request(secure.app).get('/pages/known')],
  ['text', 200, () => request(secure.app).get('/metrics')],
  ['keys', 200, () => request(secure.app).get('/keys')],
  ['a file', 200, () => request(secure.app).get(style.path)],
  ['a page', 200, () => request(secure.app).get('/pages/form')],
  ['documentation', 200, () => request(secure.app).get('/docs/errors')],
  ['the API reference', 200, () => request(secure.app).get('/docs')],
  ['a 400', 400, () => request(secure.app).post('/things').send({})],
  ['an undecodable address', 400, () => request(secure.app).get('/things/%E0%A4%A')],
  ['a 401', 401, () => request(secure.app).get('/mine')],
  ['a 404', 404, () => request(secure.app).get('/nowhere')],
  ['a 404 page', 404, () => request(secure.app).get('/nowhere').set('Accept', browserAccept)],
  ['a 405', 405, () => request(secure.app).put('/keys')],
  [
    'a 413',
    413,
    () =>
      request(secure.app)
        .post('/things')
        .send({ name: 'a'.repeat(70_000) }),
  ],
  ['a 415', 415, () => request(secure.app).post('/things').type('text/plain').send('x')],
  ['a 500', 500, () => request(secure.app).get('/broken')],
  ['a 500 page', 500, () => request(secure.app).get('/pages/broken').set('Accept', browserAccept)],
]

describe('every response', () => {
  test.each(answers)('has headers that keep browsers from misusing it: %s', async (kind, status, send) => {
    const { status: answered, headers, type } = await send()
    expect(answered).toBe(status)
    expect(headers).toMatchObject({
      'strict-transport-security': 'max-age=63072000; includeSubDomains',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': kind === 'keys' ? 'cross-origin' : 'same-origin',
      'permissions-policy': expect.stringMatching(
        /camera=\(\).*publickey-credentials-create=\(self\), publickey-credentials-get=\(self\)/,
      ),
      'x-permitted-cross-domain-policies': 'none',
      'x-xss-protection': '0',
      'x-request-id': expect.stringMatching(/^req_/),
    })
    const html = type === 'text/html'
    expect(headers['cross-origin-opener-policy']).toBe(html ? 'same-origin' : undefined)
    const policy =
      kind === 'the API reference' ? reference : page(kind === 'a page' ? "'self' https://github.com" : "'self'")
    expect(headers['content-security-policy']).toBe(html ? policy : inert)
    for (const absent of ['x-powered-by', 'server', 'etag']) expect(headers).not.toHaveProperty(absent)
    expect(headers['access-control-allow-origin']).toBe(kind === 'keys' ? '*' : undefined)
    expect(headers['cache-control']).toBe(
      kind === 'keys'
        ? 'public, max-age=300, stale-while-revalidate=60'
        : kind === 'a file'
          ? 'public, max-age=31536000, immutable'
          : 'no-store',
    )
    if (kind === 'keys' || kind === 'a file') expect(headers).not.toHaveProperty('set-cookie')
  })
  test('requires HTTPS only where the service uses HTTPS', async () => {
    const { headers } = await request(plain.app).get('/pages/form')
    expect(headers).not.toHaveProperty('strict-transport-security')
    expect(headers['content-security-policy']).not.toContain('upgrade-insecure-requests')
  })
})

test('a page is a document without scripts', async () => {
  const { text, headers } = await request(plain.app).get('/pages/form')
  expect(text).toMatch(/^<!doctype html><html lang="en">/)
  expect(headers['content-type']).toBe('text/html; charset=utf-8')
})
test('a 500 page shows the request ID and no cause', async () => {
  const { text, headers } = await request(plain.app).get('/pages/broken').set('Accept', browserAccept)
  expect(text).toContain(headers['x-request-id'])
  expect(text).not.toContain('secret')
})
test('an error page links back to where the user was going', async () => {
  const { text } = await request(plain.app).get('/nowhere?a=1').set('Accept', browserAccept)
  expect(text).toContain('data-return-to="/nowhere?a=1"')
})
test('an error page that fails to render becomes a problem response', async () => {
  const surface = createSurface({
    errorPage: () => {
      throw new Error('unrenderable')
    },
  })
  const { status, body } = await request(surface.app).get('/pages/x').set('Accept', browserAccept)
  expect([status, body.code]).toEqual([404, 'provider_not_found'])
  expect(surface.defects).toHaveLength(1)
})
test('an error is a page in the browser’s language where HTML is accepted, and a problem for a program', async () => {
  const person = await request(plain.app).get('/pages/x').set('Accept', browserAccept).set('Accept-Language', 'pt-BR')
  expect([person.type, person.headers['content-language']]).toEqual(['text/html', 'pt-BR'])
  expect(person.text).toContain('Provedor desconhecido')
  expect((await request(plain.app).get('/pages/x')).body.code).toBe('provider_not_found')
})
test('an error response deletes cookies both as a page and as a problem', async () => {
  const over = route({
    method: 'get',
    path: '/over',
    summary: 'Ends something',
    tag: 'Pages',
    surface: 'browser',
    auth: 'none',
    limit: 'none',
    fails: ['access_denied'],
    handle: () => ({
      ...fail('access_denied', { provider: 'GitHub' }),
      cookies: [{ name: 'flow_a', value: null, sameSite: 'lax' }],
    }),
  })
  const surface = createSurface({ routes: [over] })
  for (const accept of [browserAccept, 'application/json']) {
    const { headers } = await request(surface.app).get('/over').set('Accept', accept)
    expect([accept, headers['set-cookie']]).toEqual([accept, [expect.stringMatching(/^vinculum_flow_a=; Max-Age=0;/)]])
  }
})
test('signing out clears the browser’s stored data', async () => {
  const answer = await request(plain.app).delete('/mine').set('Authorization', 'Bearer good')
  expect(answer.headers['clear-site-data']).toBe('"cache", "storage"')
})
test('a cookie is HttpOnly, for the whole host, with the requested lifetime', async () => {
  const answer = await request(secure.app).post('/pages/form').send({ name: 'x' })
  expect(answer.headers['set-cookie']).toEqual([
    '__Host-vinculum_session=fresh; Max-Age=60; Path=/; HttpOnly; Secure; SameSite=Lax',
  ])
})
test('a static file is found only by the hash in its name', async () => {
  expect(style.path).toMatch(/^\/static\/style\.[0-9a-f]{16}\.css$/)
  expect((await request(plain.app).get(style.path)).text).toBe('body { margin: 0 }')
  expect((await request(plain.app).post(style.path)).status).toBe(405)
  expect((await request(plain.app).get('/static/style.css')).status).toBe(404)
})
