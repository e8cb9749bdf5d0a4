import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { catalogue } from '../../src/errors/catalogue.ts'
import { apiRoutes } from '../../src/http/api/index.ts'
import { pageRoutes } from '../../src/http/pages/index.ts'
import { createReader } from '../support/documented.ts'
import { providers, startWorld, type World } from '../support/service.ts'

/** Contract §2, §3, §4 and §6, except for the password grant and registration. */
const promised = [
  'GET /auth/providers',
  'GET /auth/{provider}',
  'POST /auth/{provider}/authorize',
  'GET /auth/{provider}/callback',
  'POST /auth/{provider}/callback',
  'POST /auth/{provider}/link',
  'GET /auth/conflicts/{ticket}',
  'POST /auth/conflicts/{ticket}',
  'POST /auth/refresh',
  'POST /auth/token',
  'POST /auth/logout',
  'POST /auth/logout-all',
  'POST /auth/revoke',
  'POST /auth/introspect',
  'GET /users',
  'GET /users/{id}',
  'PUT /users/{id}',
  'DELETE /users/{id}',
  'GET /.well-known/jwks.json',
  'GET /.well-known/oauth-authorization-server',
  'GET /me',
  'PATCH /me',
  'DELETE /me',
  'GET /me/identities',
  'DELETE /me/identities/{id}',
  'GET /me/identities/{id}/profile',
  'GET /me/methods',
  'GET /me/sessions',
  'DELETE /me/sessions/{id}',
  'DELETE /me/sessions',
  'GET /me/activity',
  'GET /health/live',
  'GET /health/ready',
  'GET /health/providers',
  'GET /metrics',
  'GET /openapi.json',
  'GET /docs',
]

let world: World
beforeAll(async () => {
  world = await startWorld()
})
afterAll(() => world.stop())

const operations = () =>
  Object.entries(world.document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({
      name: `${method.toUpperCase()} ${path}`,
      method,
      path,
      operation,
    })),
  )

describe('/openapi.json and /openapi.pages.json', () => {
  test('lists every promised route', () => {
    expect(operations().map(({ name }) => name)).toEqual(expect.arrayContaining(promised))
  })

  test('lists only routes that exist', async () => {
    for (const { method, path, name } of operations()) {
      const answer = await world.call(
        method.toUpperCase(),
        path.replace('{provider}', 'google').replace(/\{\w+\}/g, 'x'),
      )
      expect([name, answer.status], answer.text).not.toEqual([name, 405])
      if (answer.status === 404 && !path.includes('{'))
        expect([name, answer.body.code]).not.toEqual([name, 'not_found'])
    }
  })

  test('names every error by a code from the catalogue', () => {
    for (const { operation, name } of operations())
      for (const [status, { description }] of Object.entries(
        operation.responses as Record<string, { description: string }>,
      )) {
        if (Number(status) < 400) continue
        const codes = [...description.matchAll(/`(\w+)`/g)].map(([, code]) => code as keyof typeof catalogue)
        expect([name, status, codes.length > 0]).toEqual([name, status, true])
        for (const code of codes) expect([name, code, catalogue[code]?.status]).toEqual([name, code, Number(status)])
      }
  })

  test('describes responses so strictly that other responses are rejected', async () => {
    const wrong = createReader(world.document)
    const { access_token: token } = await world.signIn('google', world.newcomer())
    await world.call('GET', '/me', { token })
    const me = world.seen.findLast(({ path }) => path === '/me')
    if (!me) throw new Error('nothing was seen')
    expect(wrong(me)).toBeUndefined()
    expect(wrong({ ...me, status: 418 })).toContain('is not documented')
    expect(wrong({ ...me, text: JSON.stringify({ ...JSON.parse(me.text), secret: 1 }) })).toContain('does not fit')
    expect(wrong({ ...me, text: '{}' })).toContain('does not fit')
    expect(wrong({ ...me, headers: new Headers({ 'content-type': 'text/html' }) })).toContain('not as text/html')
  })
})

test('the documents are the same for all settings, apart from the address of the service', async () => {
  const env = {
    BRAND_NAME: 'Acme',
    OAUTH_AUTO_REGISTER_NEW_USERS: 'false',
    REQUIRE_VERIFIED_EMAIL: 'true',
    SMTP_URL: 'smtp://127.0.0.1:1',
    MAIL_FROM: 'Acme <id@acme.example>',
  }
  const other = await startWorld({ database: 'PostgreSQL', kinds: ['github'], env })
  for (const path of ['/openapi.json', '/openapi.pages.json']) {
    const of = async ({ base }: World) => (await world.call('GET', base + path)).text.replaceAll(base, '')
    expect(await of(other)).toBe(await of(world))
  }
  await other.stop()
})

test('every path responds to every method as documented, with a request ID and no-store', async () => {
  const paths = [...new Set(operations().map(({ path }) => path)), '/nowhere', '/auth', '/me/nowhere']
  for (const path of paths) {
    for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']) {
      const made = path.replace('{provider}', 'google').replace(/\{\w+\}/g, 'x')
      const answer = await world.call(method, made)
      expect([method, path, answer.status < 500], answer.text).toEqual([method, path, true])
      expect(answer.headers.get('x-request-id')).toMatch(/^req_[0-9a-f]{32}$/)
      const kept = answer.status === 200 && /well-known/.test(path)
      expect([method, path, answer.headers.get('cache-control')]).toEqual([
        method,
        path,
        kept ? expect.stringMatching(/^public, max-age=\d+/) : 'no-store',
      ])
      if (answer.status === 405) expect(answer.headers.get('allow')).not.toBe('')
    }
  }
})

/** What a browser sends. Next to a route for JSON, the form of another site is found by its type. */
const browserHeaders = (fromAnotherSite?: boolean) => ({
  accept: 'text/html,*/*;q=0.8',
  ...(fromAnotherSite ? { 'content-type': 'application/x-www-form-urlencoded' } : {}),
})

test('a path that cannot be decoded returns a documented error: a problem from the API, a page from a page', async () => {
  const routes = [...apiRoutes, ...pageRoutes]
  const undecodable = operations().filter(({ path }) => path.includes('{'))
  expect(undecodable.length).toBeGreaterThan(10)
  const texts = ['%', '%zz', '%ff', 'a%c0%afb']
  for (const [at, { method, path, name }] of undecodable.entries()) {
    const pattern = path.replace(/\{(\w+)\}/g, ':$1')
    const declared = routes.filter((route) => route.method === method && route.path === pattern)
    // All paths are decoded in one place: each gets one of the texts, by turns.
    const text = texts[at % texts.length] ?? '%'
    for (const { surface, fromAnotherSite } of declared.length > 0 ? declared : [{ surface: 'browser' as const }]) {
      const answer = await world.call(method.toUpperCase(), path.replace(/\{\w+\}/g, text), {
        headers: browserHeaders(fromAnotherSite),
      })
      expect([name, text, answer.status]).toEqual([name, text, 400])
      // RFC 6749 §5.2 and RFC 7591 §3.2.2 define no other type for errors.
      const problem = declared[0]?.oauth === 'standard' ? /^application\/json/ : /^application\/problem\+json/
      const type = surface === 'api' ? problem : /^text\/html/
      expect([name, answer.headers.get('content-type')]).toEqual([name, expect.stringMatching(type)])
    }
  }
})

test('no API route answers a browser with a page, and no page answers it with JSON', async () => {
  for (const { method, path, surface, fromAnotherSite } of [...apiRoutes, ...pageRoutes]) {
    const to = path.replace(':provider', 'google').replace(/:\w+/g, 'x')
    for (const asked of [method.toUpperCase(), 'PROPFIND']) {
      const answer = await world.call(asked, to, { headers: browserHeaders(fromAnotherSite) })
      const type = answer.headers.get('content-type') ?? ''
      // A path that has both belongs to a page: a person may open it.
      if (asked === 'PROPFIND' && surface === 'api') continue
      if (answer.status < 300) continue
      expect([asked, path, surface === 'api' ? type.includes('html') : type.includes('json')]).toEqual([
        asked,
        path,
        false,
      ])
    }
  }
})

test('invalid requests of every kind are refused as documented', async () => {
  const { access_token: token, user } = await world.signIn('google', world.newcomer())
  // A caller without permission is refused before any input is read.
  await world.vinculum.makeAdministrator(user.id)
  for (const { method, path, operation } of operations()) {
    if (!('requestBody' in operation)) continue
    const made = path.replace('{provider}', 'google').replace(/\{\w+\}/g, 'x')
    const bodies = [
      '[]',
      'null',
      '"text"',
      '{',
      '{"unknown_field":1}',
      `{"a":"${'x'.repeat(70_000)}"}`,
      '[[[[',
      '\u0000',
    ]
    for (const body of bodies) {
      const answer = await world.call(method.toUpperCase(), made, { token, body })
      expect([method, path, body.slice(0, 20), answer.status >= 400 && answer.status < 500], answer.text).toEqual([
        method,
        path,
        body.slice(0, 20),
        true,
      ])
    }
    for (const type of [
      'text/plain',
      'application/xml',
      'multipart/form-data; boundary=x',
      'application/json; charset=utf-16',
    ]) {
      // A form with a file.
      if (JSON.stringify(operation.requestBody).includes(`"${type.split(';')[0]}"`)) continue
      const answer = await world.call(method.toUpperCase(), made, {
        token,
        body: '{}',
        headers: { 'content-type': type },
      })
      expect([method, path, type, answer.status]).toEqual([method, path, type, answer.status === 404 ? 404 : 415])
    }
  }
})

test('the API reference names the permission that each operation needs', async () => {
  const { text } = await world.call('GET', '/docs', { headers: { accept: 'text/html' } })
  const api = JSON.parse((await world.call('GET', '/openapi.json')).text) as { paths: Record<string, object> }
  const ofApi = operations().filter(({ method, path }) => method in (api.paths[path] ?? {}))
  expect(ofApi.length).toBeGreaterThan(90)
  for (const { method, path, operation } of ofApi) {
    const scopes = (operation as { security?: { bearer?: string[] }[] }).security?.flatMap(({ bearer }) => bearer ?? [])
    const shown = text.split(`<li data-operation="${method} ${path}">`)[1]
    const [, named = ''] = /<p class="access">[^<]*(?:<code>([^<]*)<\/code>)?<\/p>/.exec(shown ?? '') ?? []
    expect([method, path, shown !== undefined, named]).toEqual([method, path, true, scopes?.[0] ?? ''])
  }
})

test('the metadata names endpoints that exist', async () => {
  const { body } = await world.call('GET', '/.well-known/oauth-authorization-server')
  expect(body.issuer).toBe(world.base)
  for (const name of [
    'authorization_endpoint',
    'token_endpoint',
    'userinfo_endpoint',
    'end_session_endpoint',
    'pushed_authorization_request_endpoint',
    'revocation_endpoint',
    'introspection_endpoint',
    'jwks_uri',
    'service_documentation',
  ]) {
    const { pathname, origin } = new URL(String(body[name]))
    expect([origin, operations().some(({ path }) => path === pathname)]).toEqual([world.base, true])
  }
})

test('the metadata names the grants the token endpoint accepts', async () => {
  const { body } = await world.call('GET', '/.well-known/oauth-authorization-server')
  const taken = []
  const device = 'urn:ietf:params:oauth:grant-type:device_code'
  const asked = ['password', 'authorization_code', 'refresh_token', 'client_credentials', 'implicit', device]
  for (const grant_type of asked) {
    const refused = await world.call('POST', '/oauth/token', { form: { grant_type } })
    if (refused.body.code !== 'grant_type_unsupported') taken.push(grant_type)
  }
  expect([...(body.grant_types_supported as unknown as string[])].sort()).toEqual(taken.sort())
})

test('the metrics are those that were promised, and contain no values chosen by clients', async () => {
  await world.call('GET', '/auth/stranger-chosen-provider/callback?code=a&state=b')
  await world.call('GET', '/stranger-chosen-path')
  for (const provider of providers) await world.signIn(provider, world.newcomer())
  const { text, headers } = await world.call('GET', '/metrics')
  expect(headers.get('content-type')).toMatch(/^text\/plain/)
  for (const name of [
    'vinculum_authentication_attempts_total',
    'vinculum_authentication_duration_seconds',
    'vinculum_accounts_linked_total',
    'vinculum_accounts_unlinked_total',
    'vinculum_user_info_cache_hit_ratio',
    'vinculum_provider_call_failures_total',
    'vinculum_circuit_breaker_state',
    'vinculum_token_refreshes_total',
    'process_cpu_seconds_total',
    'nodejs_eventloop_lag_seconds',
  ])
    expect(text).toContain(`# TYPE ${name} `)
  expect(text).toMatch(/vinculum_authentication_duration_seconds_count\{provider="google",stage="code_exchange"\} \d/)
  expect(text).toMatch(/vinculum_authentication_duration_seconds_count\{provider="acme",stage="user_info_fetch"\} \d/)
  expect(text).not.toContain('stranger-chosen')
})
