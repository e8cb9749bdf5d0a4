import request from 'supertest'
import { beforeEach, describe, expect, test } from 'vitest'
import { browserAccept, createSurface, type Surface } from './surface.tsx'

let surface: Surface
beforeEach(() => {
  surface = createSurface()
})
const ours = { 'Sec-Fetch-Site': 'same-origin' }

/**
 * The headers of a request, whether they allow a change with the cookie, and whether a form token compensates for
 * missing headers.
 */
type Sources = readonly (readonly [string, Record<string, string>, boolean, string])[]
const enough = 'token is enough'
const not = ''
const sources: Sources = [
  ['nothing', {}, false, enough],
  ['Sec-Fetch-Site: same-origin', ours, true, not],
  ['Sec-Fetch-Site: none', { 'Sec-Fetch-Site': 'none' }, true, not],
  ['Sec-Fetch-Site: same-site', { 'Sec-Fetch-Site': 'same-site' }, false, not],
  ['Sec-Fetch-Site: cross-site', { 'Sec-Fetch-Site': 'cross-site' }, false, not],
  ['cross-site with our Origin', { 'Sec-Fetch-Site': 'cross-site', Origin: 'http://localhost:3000' }, false, not],
  ['our Origin', { Origin: 'http://localhost:3000' }, true, not],
  ['our host on another port', { Origin: 'http://localhost:3001' }, false, not],
  ['our host over another scheme', { Origin: 'https://localhost:3000' }, false, not],
  ['an origin that begins like ours', { Origin: 'http://localhost:3000.evil.test' }, false, not],
  ['Origin: null', { Origin: 'null' }, false, enough],
  ['Origin: null and same-origin', { Origin: 'null', ...ours }, true, not],
  ['Origin: null and cross-site', { Origin: 'null', 'Sec-Fetch-Site': 'cross-site' }, false, not],
  ['same-origin with a foreign Origin', { Origin: 'https://evil.example', ...ours }, false, not],
  ['an empty Origin', { Origin: '' }, false, not],
  ['only a Referer', { Referer: 'http://localhost:3000/account' }, false, enough],
]

describe('a change with the session cookie', () => {
  test.each(sources)('from %s', async (_, headers, done) => {
    const answer = await request(surface.app).delete('/mine').set('Cookie', 'vinculum_session=good').set(headers)
    expect([answer.status, answer.body.code]).toEqual(done ? [204, undefined] : [403, 'csrf_failed'])
  })
  test.each(sources)('where the handler reads the cookie itself, from %s', async (_, headers, done) => {
    const post = request(surface.app).post('/token').set('Cookie', 'vinculum_session=good').set(headers)
    expect((await post.send({ grant_type: 'x' })).status).toBe(done ? 200 : 403)
  })
  test.each(sources)(
    'by a script on our page that sends the form token in a header, from %s',
    async (_, headers, done, more) => {
      const session = 'vinculum_session=good'
      const page = await request(surface.app).get('/pages/form').set('Cookie', session)
      const token = /value="([^"]+)"/.exec(page.text)?.[1] ?? ''
      const send = (csrf: string) =>
        request(surface.app).delete('/mine').set('Cookie', session).set(headers).set('X-CSRF-Token', csrf)
      expect((await send(token)).status).toBe(done || more === enough ? 204 : 403)
      expect((await send('x'.repeat(token.length))).status).toBe(done ? 204 : 403)
    },
  )
  test('is also refused when the audit log cannot be written', async () => {
    const fault = new Error('the disk is full')
    const { app, defects } = createSurface({ record: () => Promise.reject(fault) })
    const answer = await request(app).delete('/mine').set('Cookie', 'vinculum_session=good')
    expect([answer.status, answer.body.code]).toEqual([403, 'csrf_failed'])
    expect(defects).toEqual([{ error: fault, requestId: answer.headers['x-request-id'] }])
  })
  test('needs no protection when the cookie does not authenticate the request', async () => {
    for (const headers of [{}, { Origin: 'https://app.example' }, { 'Sec-Fetch-Site': 'cross-site' }]) {
      const bearer = request(surface.app).delete('/mine').set('Authorization', 'Bearer good').set(headers)
      expect((await bearer.set('Cookie', 'vinculum_session=good')).status).toBe(204)
    }
    expect((await request(surface.app).post('/token').send({ grant_type: 'x' })).status).toBe(200)
  })
  test('is no concern for reads', async () => {
    const get = request(surface.app).get('/mine').set('Cookie', 'vinculum_session=good')
    expect((await get.set('Sec-Fetch-Site', 'cross-site')).status).toBe(200)
  })
})

describe('a form on our pages', () => {
  const open = async (cookie: string) => {
    const get = request(surface.app).get('/pages/form')
    if (cookie) get.set('Cookie', cookie)
    const answer = await get
    const token = /value="([^"]+)"/.exec(answer.text)?.[1] ?? ''
    const given = ((answer.headers['set-cookie'] ?? []) as unknown as string[]).map(
      (line) => line.split(';')[0] as string,
    )
    return {
      token,
      cookie: given.find((line) => line.startsWith('vinculum_csrf=')) ?? '',
      lines: answer.headers['set-cookie'],
    }
  }
  const post = (cookie: string, fields: Record<string, string>, headers: Record<string, string> = ours) => {
    const sent = request(surface.app).post('/pages/form').type('form').set(headers)
    if (cookie) sent.set('Cookie', cookie)
    return sent.send(fields)
  }

  test('contains a token for its session, which is removed before the fields are read', async () => {
    const { token, lines } = await open('vinculum_session=good')
    expect(lines).toBeUndefined()
    const answer = await post('vinculum_session=good', { csrf: token, name: 'x' })
    expect([answer.status, answer.headers.location]).toEqual([303, '/done?name=x'])
  })
  test('gives a visitor without a session a strict cookie, and contains a token for it', async () => {
    const { token, cookie, lines } = await open('')
    expect(lines).toEqual([expect.stringMatching(/^vinculum_csrf=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/)])
    expect((await post(cookie, { csrf: token, name: 'x' })).status).toBe(303)
  })
  test('keeps an existing visitor cookie, so that two tabs both work', async () => {
    const first = await open('')
    const second = await open(first.cookie)
    expect([second.lines, second.token]).toEqual([undefined, first.token])
  })
  test('works only in the browser it was rendered for', async () => {
    const visitor = await open('')
    const session = await open('vinculum_session=good')
    const other = await open('')
    for (const [cookie, csrf] of [
      ['', visitor.token],
      [other.cookie, visitor.token],
      [visitor.cookie, session.token],
      ['vinculum_session=good', visitor.token],
      [`vinculum_session=good; ${visitor.cookie}`, visitor.token],
      ['vinculum_session=good', ''],
      ['vinculum_session=good', 'good'],
      [`vinculum_csrf=good`, session.token],
      ['vinculum_csrf=', ''],
    ] as const) {
      const answer = await post(cookie, { csrf, name: 'x' })
      expect([cookie, answer.status, answer.body.code]).toEqual([cookie, 403, 'csrf_failed'])
    }
    expect((await post('vinculum_session=good', { name: 'x' })).status).toBe(403)
  })
  test.each(sources)(
    'with its token is accepted unless a header is foreign: %s',
    async (_, headers, done, tokenIsEnough) => {
      for (const given of ['', 'vinculum_session=good']) {
        const { token, cookie } = await open(given)
        const { status } = await post(given || cookie, { csrf: token, name: 'x' }, headers)
        expect([given, status]).toEqual([given, done || tokenIsEnough ? 303 : 403])
      }
    },
  )
  test.each(sources)('without its token is refused: %s', async (_, headers) => {
    const { cookie } = await open('')
    for (const given of ['', cookie, 'vinculum_session=good']) {
      expect((await post(given, { name: 'x' }, headers)).status).toBe(403)
      expect((await post(given, { csrf: 'x'.repeat(43), name: 'x' }, headers)).status).toBe(403)
    }
  })
  test('without fields needs its token as well', async () => {
    const { token } = await open('vinculum_session=good')
    const signOut = () => request(surface.app).post('/pages/sign-out').set(ours).set('Cookie', 'vinculum_session=good')
    expect((await signOut()).status).toBe(403)
    expect((await signOut().type('form').send({ csrf: token })).status).toBe(303)
    expect((await signOut().send({ csrf: token })).status).toBe(415)
  })
  test('that is public accepts the token of either cookie', async () => {
    const send = (cookie: string, csrf: string) =>
      request(surface.app).post('/pages/sign-in').set(ours).set('Cookie', cookie).type('form').send({ csrf, name: 'x' })
    const visitor = await open('')
    const session = await open('vinculum_session=good')
    expect((await send(visitor.cookie, visitor.token)).status).toBe(303)
    expect((await send('vinculum_session=good', session.token)).status).toBe(303)
    expect((await send('vinculum_session=other', session.token)).status).toBe(403)
  })
  test('after a session ended gets a visitor token in place of the session token', async () => {
    const { token, cookie } = await open('vinculum_session=old')
    expect(cookie).not.toBe('')
    expect((await post(cookie, { csrf: token, name: 'x' })).status).toBe(303)
  })
  test('sent as JSON by an app needs no token: no other site can send that', async () => {
    const answer = await request(surface.app).post('/pages/form').send({ name: 'x' })
    expect(answer.status).toBe(303)
    const ambient = await request(surface.app)
      .post('/pages/form')
      .set('Cookie', 'vinculum_session=good')
      .send({ name: 'x' })
    expect(ambient.status).toBe(403)
  })
  test('sent empty by another site is refused even where an app may send no body', async () => {
    const empty = (headers: Record<string, string>) => request(surface.app).post('/pages/empty').set(headers)
    expect((await empty({ 'Sec-Fetch-Site': 'cross-site' })).status).toBe(403)
    expect((await empty({ Origin: 'https://evil.example' })).status).toBe(403)
    expect((await empty({ Origin: 'null' })).status).toBe(403)
    expect((await empty({})).status).toBe(303)
    expect((await empty(ours)).status).toBe(303)
  })
  test('sent with a bearer token needs no form token: no browser adds one by itself', async () => {
    const answer = await post('', { name: 'x' }, { Authorization: 'Bearer good' })
    expect(answer.status).toBe(303)
  })
  test('that is refused is explained on a page', async () => {
    const answer = await post('', { name: 'x' }, { ...ours, Accept: browserAccept, 'Accept-Language': 'pt-BR' })
    expect([answer.status, answer.type]).toEqual([403, 'text/html'])
    expect(answer.text).toContain('Formulário desatualizado')
  })
})
