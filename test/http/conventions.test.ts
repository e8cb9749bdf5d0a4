import request from 'supertest'
import { beforeEach, describe, expect, test } from 'vitest'
import { fail } from '../../src/errors/catalogue.ts'
import { ok } from '../../src/kernel/result.ts'
import { ana, browserAccept, createSurface, type Surface } from './surface.tsx'

let surface: Surface
beforeEach(() => {
  surface = createSurface()
})
const send = () => request(surface.app)

describe('an error response', () => {
  test('is problem+json with every field of the contract', async () => {
    const answer = await send().post('/things').send({ name: 'busy' })
    expect(answer.headers['content-type']).toBe('application/problem+json')
    expect(answer.headers['retry-after']).toBe('30')
    expect(answer.status).toBe(503)
    expect(answer.body).toEqual({
      type: 'http://localhost:3000/docs/errors/provider_unavailable',
      title: 'Provider unavailable',
      status: 503,
      detail: expect.stringContaining('GitHub is not responding'),
      code: 'provider_unavailable',
      request_id: answer.headers['x-request-id'],
      retry_after: 30,
    })
  })
  test('carries the fields its code adds, which never replace the standard ones', async () => {
    const { status, body } = await send().post('/things').send({ name: 'conflict' })
    expect([status, body.code, body.conflict_ticket]).toEqual([409, 'account_conflict', 't'])
  })
  test.each([
    ['reused', 401, 'invalid_grant'],
    ['odd', 400, 'unsupported_grant_type'],
    ['code', 400, 'invalid_grant'],
    ['client', 401, 'invalid_client'],
  ])('of the OAuth kind also uses RFC 6749 fields: %s is %i %s', async (grant_type, status, error) => {
    const answer = await send().post('/token').set('Accept-Language', 'pt-BR').send({ grant_type })
    expect([answer.status, answer.body.error]).toEqual([status, error])
    expect(answer.body.error_description).toMatch(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
    expect(answer.headers.pragma).toBe('no-cache')
  })
  test('for an unreadable body at an OAuth endpoint is invalid_request in OAuth terms too', async () => {
    const { body } = await send().post('/token').type('json').send('{')
    expect([body.code, body.error]).toEqual(['malformed_body', 'invalid_request'])
  })
  test('for overload is not logged as a defect, and has Retry-After', async () => {
    const { status, headers, body } = await send().get('/busy')
    expect([status, body.code, headers['retry-after'], body.retry_after]).toEqual([503, 'not_ready', '7', 7])
    expect(surface.defects).toEqual([])
  })
  test('is user_not_found where the account was deleted during the request, and not_found where it exists', async () => {
    const asking = () => send().get('/gone').set('Authorization', 'Bearer good')
    expect((await send().get('/gone')).body.code).toBe('user_not_found')
    expect((await asking()).body.code).toBe('not_found')
    let asked = 0
    surface = createSurface({
      authenticate: {
        dpopKey: async () => undefined,
        bearer: async () => (asked++ === 0 ? ok(ana) : fail('session_revoked')),
        cookie: async () => fail('session_revoked'),
      },
    })
    expect((await asking()).body.code).toBe('user_not_found')
    expect(surface.defects).toEqual([])
  })
  test('for a defect contains nothing but its request ID, and the log contains everything', async () => {
    const { status, text, body } = await send().get('/broken')
    expect([status, body.code]).toEqual([500, 'internal'])
    expect(text).not.toContain('secret')
    expect(surface.defects).toEqual([{ error: new Error('secret reason'), requestId: body.request_id }])
  })
  test('replaces a reply that does not match its schema', async () => {
    expect((await send().get('/misshapen')).status).toBe(500)
    expect(surface.defects).toHaveLength(1)
  })
})

describe('input', () => {
  test.each([
    ['an unknown field', { name: 'abc', more: 1 }, [{ path: 'more', code: 'unknown_field' }]],
    ['an unknown nested field', { name: 'abc', in: { deep: 1, x: 1 } }, [{ path: 'in.x', code: 'unknown_field' }]],
    ['a missing field', {}, [{ path: 'name', code: 'required' }]],
    ['a wrong type', { name: 7 }, [{ path: 'name', code: 'wrong_type' }]],
    ['an array where one value is expected', { name: ['abc'] }, [{ path: 'name', code: 'wrong_type' }]],
    ['too short a value', { name: 'a' }, [{ path: 'name', code: 'too_short' }]],
    ['a value that is not allowed', { name: 'abc', size: 'xl' }, [{ path: 'size', code: 'invalid_value' }]],
    ['an array for a body', [], [{ path: '', code: 'wrong_type' }]],
    ['null for a body', null, [{ path: '', code: 'wrong_type' }]],
  ])('with %s is 400 and names the field', async (_, body, errors) => {
    const answer = await send().post('/things').type('json').send(JSON.stringify(body))
    expect([answer.status, answer.body.code]).toEqual([400, 'invalid_request'])
    expect(answer.body.errors).toMatchObject(errors)
    expect(answer.body.errors).toHaveLength(errors.length)
  })
  test('is described as invalid in the reader’s language, with untranslated codes', async () => {
    const { body } = await send().post('/things').set('Accept-Language', 'pt').send({})
    expect(body.errors).toEqual([{ path: 'name', code: 'required', detail: 'Este campo é obrigatório.' }])
    expect(body.title).toBe('Requisição inválida')
  })
  test('named __proto__ is an unknown field like any other', async () => {
    const { status, body } = await send().post('/things').type('json').send('{"name":"abc","__proto__":{"admin":true}}')
    expect([status, body.errors[0].path]).toEqual([400, '__proto__'])
  })
  test('that repeats a parameter is 400, except where a list is expected', async () => {
    const twice = await send().get('/things/thg_1?q=ab&q=cd')
    expect([twice.status, twice.body.errors]).toMatchObject([400, [{ path: 'q', code: 'repeated' }]])
    expect((await send().get('/things/thg_1?tags=a&tags=b')).body.tags).toEqual(['a', 'b'])
    expect((await send().get('/things/thg_1?tags=a')).body.tags).toEqual(['a'])
  })
  test.each([
    ['/mine?more=1', 'more', 'unknown_field'],
    ['/mine?more', 'more', 'unknown_field'],
    ['/mine?a=1&a=2', 'a', 'repeated'],
    ['/keys?a=1', 'a', 'unknown_field'],
  ])('with query parameters on an API route without any is 400: %s', async (address, path, code) => {
    const answer = await send().get(address).set('Authorization', 'Bearer good')
    expect([answer.status, answer.body.code, answer.body.errors]).toMatchObject([
      400,
      'invalid_request',
      [{ path, code }],
    ])
  })
  test('with unknown query parameters is accepted by a page', async () => {
    expect((await send().get('/pages/form?utm_source=a&utm_source=b')).status).toBe(200)
  })
  test('that repeats a form field is 400, except where a list is expected', async () => {
    const twice = await send().post('/token').type('form').send('grant_type=x&grant_type=y')
    expect([twice.status, twice.body.error]).toEqual([400, 'invalid_request'])
    const list = await send().post('/token').type('form').send('grant_type=x&list=a')
    expect(list.body.body).toEqual({ grant_type: 'x', list: ['a'] })
  })
  test.each([
    ['{"grant_type":"x","grant_type":"y"}', 'grant_type'],
    ['{"grant_type":"x","grant\\u005ftype":"y"}', 'grant_type'],
    ['{"grant_type":"\\\\","list":["grant_type",{"grant_type":1}],"list":[]}', 'list'],
  ])('that repeats a JSON member is 400: %s', async (body, path) => {
    const twice = await send().post('/token').type('json').send(body)
    expect([twice.status, twice.body.code, twice.body.error]).toEqual([400, 'invalid_request', 'invalid_request'])
    expect(twice.body.errors).toMatchObject([{ path, code: 'repeated' }])
  })
  test('may contain a member’s name in a value', async () => {
    const once = await send()
      .post('/token')
      .type('json')
      .send('{"grant_type":"\\"list\\":[","list":["grant_type","grant_type"]}')
    expect(once.body.body).toEqual({ grant_type: '"list":[', list: ['grant_type', 'grant_type'] })
  })
  test('larger than 64 KiB is 413, with or without a Content-Length', async () => {
    const large = JSON.stringify({ name: 'a'.repeat(65_536) })
    const told = await send().post('/things').type('json').send(large)
    expect([told.status, told.body.code]).toEqual([413, 'payload_too_large'])
    const untold = await new Promise<number>((resolve) => {
      const post = send().post('/things').type('json').set('Transfer-Encoding', 'chunked')
      post.write(large)
      post.end((_, answer) => resolve(answer.status))
    })
    expect(untold).toBe(413)
  })
  test('of exactly 64 KiB is accepted', async () => {
    const name = 'a'.repeat(65_536 - '{"name":""}'.length)
    expect((await send().post('/things').send({ name })).status).toBe(201)
  })
  test.each([
    ['{', 'application/json'],
    ['{"name":"abc"} x', 'application/json'],
    ['\ufeff\ufeff{"name":"abc"}', 'application/json'],
  ])('that is not JSON is 400: %s', async (body, type) => {
    const answer = await send().post('/things').type(type).send(body)
    expect([answer.status, answer.body.code]).toEqual([400, 'malformed_body'])
  })
  test('may begin with a byte order mark', async () => {
    const answer = await send().post('/things').type('json').send('\ufeff{"name":"abc"}')
    expect([answer.status, answer.body]).toEqual([201, { name: 'abc' }])
    const form = await send().post('/token').type('form').send('\ufeffgrant_type=x')
    expect(form.body.body).toEqual({ grant_type: 'x' })
  })
  test('that is not UTF-8 is 400', async () => {
    const post = send().post('/things').set('Content-Type', 'application/json')
    const answer = await post.serialize((bytes) => bytes).send(Buffer.from('7b226e616d65223a22ffffff227d', 'hex'))
    expect([answer.status, answer.body.code]).toEqual([400, 'malformed_body'])
  })
  test.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/json; charset=latin1',
    'multipart/form-data',
  ])('of type %s is 415 where JSON is expected', async (type) => {
    const answer = await send().post('/things').set('Content-Type', type).send('name=abc')
    expect([answer.status, answer.body.code]).toEqual([415, 'unsupported_media_type'])
  })
  test('that is compressed is 415, since a small request could expand to a large one', async () => {
    const answer = await send().post('/things').type('json').set('Content-Encoding', 'gzip').send('{}')
    expect(answer.status).toBe(415)
  })
  test('may declare its charset', async () => {
    const answer = await send()
      .post('/things')
      .set('Content-Type', 'Application/JSON; charset=UTF-8')
      .send('{"name":"abc"}')
    expect(answer.status).toBe(201)
  })
  test('may be absent only where the route allows it', async () => {
    expect((await send().post('/optional')).body).toEqual({})
    expect((await send().post('/required')).body.code).toBe('malformed_body')
    expect((await send().post('/things')).body.errors).toMatchObject([{ path: 'name', code: 'required' }])
  })
  test('on a route without a body is rejected, unless it is empty', async () => {
    expect((await send().post('/limited').send({ x: 1 })).status).toBe(400)
    expect((await send().post('/limited').send({})).status).toBe(204)
    expect((await send().post('/limited').type('json')).status).toBe(204)
  })
})

describe('a path', () => {
  test('that does not exist is 404, as a page for a browser', async () => {
    const machine = await send().get('/nowhere')
    expect([machine.status, machine.body.code]).toEqual([404, 'not_found'])
    const person = await send().get('/nowhere').set('Accept', browserAccept)
    expect([person.status, person.type]).toEqual([404, 'text/html'])
  })
  test('with an ID that cannot exist is 404 as well', async () => {
    expect((await send().get('/things/x')).body.code).toBe('not_found')
  })
  test.each(['%E0%A4%A', '%', '%zz', '%ff', 'a%c0%afb'])(
    'that cannot be decoded is 400 where it has a route: %s',
    async (text) => {
      for (const path of [`/things/${text}`, `/pages/${text}/callback`])
        expect((await send().get(path)).body).toMatchObject({ status: 400, code: 'invalid_request' })
      expect((await send().put(`/things/${text}`)).status).toBe(405)
      expect((await send().get(`/nowhere/${text}`)).status).toBe(404)
    },
  )
  test.each([
    ['get', '/things/%ff', 400],
    ['get', '/things/x', 404],
    ['put', '/things/thg_1', 405],
    ['put', '/mine', 405],
    ['get', '/mine', 401],
    ['get', '/broken', 500],
    ['get', '/keys?a=1', 400],
  ] as const)('of an API never returns a page, even to a browser: %s %s', async (method, path, status) => {
    const answer = await send()[method](path).set('Accept', browserAccept)
    expect([answer.status, answer.type]).toEqual([status, 'application/problem+json'])
  })
  test.each([
    ['get', '/pages/fixed/%ff', 400],
    ['get', '/pages/unknown', 404],
    ['put', '/pages/form', 405],
    ['post', '/pages/form', 400],
    ['get', '/pages/broken', 500],
    ['get', '/nowhere', 404],
  ] as const)('of a page never returns JSON to a browser: %s %s', async (method, path, status) => {
    const answer = await send()[method](path).set('Accept', browserAccept)
    expect([answer.status, answer.type]).toEqual([status, 'text/html'])
  })
  test('responds to an unsupported method with 405 and Allow', async () => {
    const answer = await send().put('/mine')
    expect([answer.status, answer.body.code, answer.headers.allow]).toEqual([
      405,
      'method_not_allowed',
      'DELETE, GET, HEAD',
    ])
    expect((await send().options('/things')).headers.allow).toBe('POST')
    expect((await send().post('/things/thg_1').send({})).status).toBe(405)
    const { body, headers } = await send().get('/token')
    expect([body.code, body.error, headers.pragma]).toEqual(['method_not_allowed', 'invalid_request', 'no-cache'])
  })
  test('is matched by case and trailing slash', async () => {
    expect([(await send().get('/Keys')).status, (await send().get('/keys/')).status]).toEqual([404, 404])
  })
  test('without parameters wins over one with a parameter, in any order of declaration', async () => {
    expect((await send().get('/pages/fixed/callback')).headers.location).toBe('/fixed')
    expect((await send().get('/pages/github/callback')).headers.location).toBe('/callback')
  })
  test('responds to HEAD like to GET without the body, but a page that spends a one-time value refuses HEAD', async () => {
    const head = await send().head('/keys')
    expect([head.status, head.text, head.headers['content-length']]).toEqual([200, undefined, '11'])
    expect((await send().head('/pages/known')).status).toBe(405)
  })
})

describe('a response', () => {
  test('contains only the fields of its schema', async () => {
    const { status, body } = await send().post('/things').send({ name: 'abc' })
    expect([status, body]).toEqual([201, { name: 'abc' }])
  })
  test('that redirects is a 303 whose Location cannot inject a header', async () => {
    const answer = await send().get('/pages/known')
    expect([answer.status, answer.headers.location, answer.headers.x]).toEqual([
      303,
      'https://provider.example/%C3%A9%20path%0D%0AX:%20y',
      undefined,
    ])
  })
  test('is reported with the route’s pattern, never the URL', async () => {
    await send().get('/things/thg_12345?q=secret')
    await send().get('/nowhere/secret')
    await send().get('/things/%E0%A4%A')
    expect(surface.told.map(({ data }) => data)).toMatchObject([
      { method: 'GET', route: '/things/:id', status: 200, ms: expect.any(Number) },
      { method: 'GET', route: 'unknown', status: 404 },
      { method: 'GET', route: '/things/:id', status: 400 },
    ])
  })
  test('has a request ID of our own, whatever ID the client sent', async () => {
    const ids = await Promise.all(
      [1, 2, 3].map(async () => (await send().get('/keys').set('X-Request-Id', 'mine')).headers['x-request-id']),
    )
    expect(new Set(ids).size).toBe(3)
    for (const id of ids) expect(id).toMatch(/^req_[0-9a-f]{32}$/)
  })
})

test('a header a route reads counts as missing when it is repeated', async () => {
  const get = () => send().get('/things/thg_1')
  expect((await get().set('X-Tag', 'a')).body.tag).toBe('a')
  expect((await get().set('X-Tag', ['a', 'b'] as unknown as string)).body.tag).toBe(null)
})

describe('the client address', () => {
  test('is the peer, and X-Forwarded-For has no effect unless a proxy is trusted', async () => {
    const direct = await send().get('/things/thg_1').set('X-Forwarded-For', '203.0.113.9')
    expect(direct.body.ip).toBe('127.0.0.1')
    surface = createSurface({ trustProxyHops: 1 })
    const behind = await send().get('/things/thg_1').set('X-Forwarded-For', '198.51.100.1, 203.0.113.9')
    expect(behind.body.ip).toBe('203.0.113.9')
    // The farther address is not trusted; the nearest may be in any notation.
    const spelled = await send().get('/things/thg_1').set('X-Forwarded-For', '198.51.100.1, [::ffff:cb00:7109]:443')
    expect(spelled.body.ip).toBe('203.0.113.9')
    const odd = await send().get('/things/thg_1').set('X-Forwarded-For', '<script>')
    expect(odd.body.ip).toBe('127.0.0.1')
  })
  test.each([
    ['X-Forwarded-For', '203.0.113.9'],
    ['Forwarded', 'for=203.0.113.9'],
  ])('behind an untrusted proxy is warned about once: %s', async (name, value) => {
    await send().get('/things/thg_1')
    expect(surface.warnings).toEqual([])
    for (let times = 0; times < 3; times += 1) await send().get('/things/thg_1').set(name, value)
    expect(surface.warnings).toEqual([expect.stringContaining(`${name} ignored because TRUST_PROXY_HOPS is 0`)])
    const told = createSurface({ trustProxyHops: 1 })
    await request(told.app).get('/things/thg_1').set(name, value)
    expect(told.warnings).toEqual([])
  })
  test('that “doctor” makes up for its check triggers no warning, so a real proxy still does', async () => {
    await send().get('/health/arrival').set('X-Forwarded-For', '192.0.2.77')
    expect(surface.warnings).toEqual([])
    await send().get('/things/thg_1').set('X-Forwarded-For', '203.0.113.9')
    expect(surface.warnings).toHaveLength(1)
  })
  test('comes with a user agent without control characters, of at most 256 characters', async () => {
    const { body } = await send()
      .get('/things/thg_1')
      .set('User-Agent', `a\tb${'c'.repeat(400)}`)
    expect(body.userAgent).toBe(`ab${'c'.repeat(254)}`)
  })
})
