import { readFileSync } from 'node:fs'
import request from 'supertest'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createVisitor } from '../../demo/visitor.ts'
import { tokenRoutes } from '../../src/http/api/tokens.ts'
import type { Route } from '../../src/http/route.ts'
import { answerOf, authOf, cookiesOf, pkce, refusalOf, startWorld, type World } from '../support/service.ts'
import { createSurface } from './surface.tsx'

const app = 'https://app.example.com/in'
const json = { headers: { accept: 'application/json' } }

/** The names of the cookies a response deletes. */
const takenBack = (headers: Headers): readonly string[] =>
  headers.getSetCookie().flatMap((line) => /^vinculum_(\w[\w-]*)=; Max-Age=0/.exec(line)?.[1] ?? [])
const flowsIn = (names: readonly string[]): readonly string[] => names.filter((name) => name.startsWith('flow_'))

let world: World
beforeAll(async () => {
  // PostgreSQL is the database that rejects such text.
  world = await startWorld({ database: 'PostgreSQL', env: { RETURN_TO_ALLOWED: app } })
})
afterAll(() => world.stop())

describe('the binding cookie of a provider sign-in', () => {
  test('ends with it, whatever the outcome and the format of the response', async () => {
    for (const headers of [{ accept: 'text/html' }, json.headers]) {
      const done = world.openBrowser()
      const back = await done.toProvider('google', world.newcomer())
      expect(flowsIn(takenBack((await done.ask(back, { headers })).headers))).toHaveLength(1)

      const failed = world.openBrowser()
      const denied = await failed.toProvider('google', world.newcomer())
      denied.searchParams.delete('code')
      denied.searchParams.set('error', 'access_denied')
      const answer = await failed.ask(denied, { headers })
      expect([answer.status, flowsIn(takenBack(answer.headers)).length]).toEqual([400, 1])
    }
  })

  test.each([
    ['another provider', 'github', 'flow_mismatch'],
    ['an unknown provider', 'nobody', 'provider_not_found'],
  ])('stays when a callback arrives for %s, and the genuine callback still succeeds', async (_, provider, code) => {
    const browser = world.openBrowser()
    const back = await browser.toProvider('google', world.newcomer())
    const astray = new URL(back)
    astray.pathname = `/auth/${provider}/callback`
    const refused = await browser.ask(astray, json)
    expect([answerOf(refused).body.code, flowsIn(takenBack(refused.headers))]).toEqual([code, []])
    expect((await browser.ask(back)).headers.get('location')).toBe('/account')
  })

  test('is one of at most twenty-one: the oldest are deleted first, and the newest still work', async () => {
    const browser = world.openBrowser()
    const kept: string[] = []
    let last = new URL(world.base)
    for (let times = 0; times < 230; times += 1) {
      const begun = await browser.ask(`${world.base}/auth/google`)
      expect(begun.status).toBe(303)
      last = new URL(begun.headers.get('location') ?? '')
      kept.push(...Object.keys(cookiesOf(begun.headers)).map((name) => name.replace('vinculum_', '')))
      for (const name of takenBack(begun.headers)) expect(name).toBe(kept.shift())
      expect(kept.length).toBeLessThanOrEqual(21)
    }
    expect(kept).toHaveLength(21)
    const back = await world.approve(last, world.newcomer())
    expect((await browser.ask(back)).headers.get('location')).toBe('/account')
  })

  test('is different for each of ten concurrent sign-ins', async () => {
    const browser = world.openBrowser()
    const backs = await Promise.all(Array.from({ length: 10 }, () => browser.toProvider('google', world.newcomer())))
    for (const back of backs) expect((await browser.ask(back)).headers.get('location')).toBe('/account')
  })

  test('is recognized only by a valid name', async () => {
    const strange = Array.from({ length: 30 }, (_, at) => `vinculum_flow_(${at})=x`).join('; ')
    const begun = await world.call('GET', '/auth/google', { headers: { cookie: strange } })
    expect([begun.status, begun.headers.getSetCookie().length]).toEqual([303, 1])
  })
})

describe('a sign-in started by another site', () => {
  const begin = (query: string, site?: string) =>
    createVisitor(world.send).ask(`${world.base}/auth/google${query}`, {
      ...(site === undefined ? {} : { headers: { 'sec-fetch-site': site } }),
    })
  test.each(['cross-site', 'same-site'])('that ends on our pages needs the user’s confirmation: %s', async (site) => {
    const before = (await world.dump('flows')).flows
    for (const [query, to] of [
      ['', '/login'],
      ['?return_to=/account/activity?limit=5%26a=b', '/login?return_to=%2Faccount%2Factivity%3Flimit%3D5%26a%3Db'],
    ] as const) {
      const answer = await begin(query, site)
      expect([answer.status, answer.headers.get('location')]).toEqual([303, to])
      expect(answer.headers.getSetCookie()).toEqual([])
    }
    expect((await world.dump('flows')).flows).toEqual(before)
  })
  test.each([['same-origin'], ['none'], [undefined]])('needs no confirmation from our own page: %s', async (site) => {
    const { headers } = await begin('?return_to=/account', site)
    expect(headers.get('location')).toMatch(new RegExp(`^${world.sandbox.url}/`))
  })
  test('that ends in an allowed app needs no confirmation, and one that ends elsewhere is refused', async () => {
    const query = { return_to: app, code_challenge: pkce().challenge, code_challenge_method: 'S256' }
    const { headers } = await begin(`?${new URLSearchParams(query)}`, 'cross-site')
    expect(headers.get('location')).toMatch(new RegExp(`^${world.sandbox.url}/`))
    expect((await begin('?return_to=https://evil.example/', 'cross-site')).status).toBe(400)
    expect((await begin('?return_to=//evil.example/', 'cross-site')).status).toBe(400)
  })
})

test('an app without a PKCE challenge gets an error that names the missing field, in its reader’s language', async () => {
  const headers = { 'accept-language': 'pt-BR' }
  const answer = await world.call('GET', `/auth/google?return_to=${encodeURIComponent(app)}`, { headers })
  expect([...refusalOf(answer), answer.body.errors]).toEqual([
    400,
    'invalid_request',
    [{ path: 'code_challenge', code: 'required', detail: 'Este campo é obrigatório.' }],
  ])
})

describe('a notice that a sign-in was linked to an existing account', () => {
  const linkedNotice = 'The sign-in method was linked to your account.'
  test('is shown once on the account page', async () => {
    const who = world.newcomer()
    await world.signIn('google', who)
    const browser = world.openBrowser()
    const answer = await browser.signIn('github', who)
    expect(answer.headers.get('location')).toBe('/account')
    expect(answer.headers.getSetCookie()).toContain(
      'vinculum_notice=linked; Max-Age=300; Path=/; HttpOnly; SameSite=Lax',
    )
    const first = await browser.ask(`${world.base}/account`)
    expect([first.text.includes(linkedNotice), takenBack(first.headers)]).toEqual([true, ['notice']])
    const second = await browser.ask(`${world.base}/account`)
    expect([second.status, second.text.includes(linkedNotice), takenBack(second.headers)]).toEqual([200, false, []])
  })
  test('waits while the page has another notice to show', async () => {
    const who = world.newcomer()
    await world.signIn('google', who)
    const browser = world.openBrowser()
    const answer = await browser.signIn('github', who, { return_to: '/account?done=profile_saved' })
    expect(answer.headers.get('location')).toBe('/account?done=profile_saved')
    expect((await browser.ask(`${world.base}/account?done=profile_saved`)).text).not.toContain(linkedNotice)
    expect((await browser.ask(`${world.base}/account`)).text).toContain(linkedNotice)
  })
  test('is not shown after any other sign-in or with text that is not ours', async () => {
    const browser = world.openBrowser()
    const answer = await browser.signIn('google', world.newcomer())
    expect(cookiesOf(answer.headers)).not.toHaveProperty('vinculum_notice')
    const { vinculum_session } = cookiesOf(answer.headers)
    const cookie = `vinculum_session=${vinculum_session}; vinculum_notice=<b>gift</b>`
    const page = await world.call('GET', '/account', { headers: { cookie, accept: 'text/html' } })
    expect([page.status, page.text.includes('gift'), takenBack(page.headers)]).toEqual([200, false, ['notice']])
  })
})

describe('/auth/token', () => {
  const trade = (form: Record<string, string>) => world.call('POST', '/auth/token', { form })
  const password = { username: 'ana@example.com', password: 'correct horse' }
  test.each([
    ['none', password],
    ['its grant_type', { grant_type: 'password', ...password }],
  ])('accepts an email address and a password as the password grant, with %s', async (_, form) => {
    const answer = await trade(form)
    expect([...refusalOf(answer), answer.body.error]).toEqual([401, 'invalid_credentials', 'invalid_grant'])
  })
  test.each([
    ['an empty grant_type', { grant_type: '' }],
    ['another grant_type', { grant_type: 'client_credentials', scope: 'a' }],
  ])('rejects an unsupported grant before it validates any field: %s', async (_, form) => {
    const answer = await trade(form)
    expect([...refusalOf(answer), answer.body.error, answer.body.errors]).toEqual([
      400,
      'grant_type_unsupported',
      'unsupported_grant_type',
      undefined,
    ])
  })
  test.each([
    [{}, ['username required', 'password required']],
    [{ grant_type: 'authorization_code' }, ['code required', 'code_verifier required']],
    [{ grant_type: 'authorization_code', code: 'x' }, ['code_verifier required']],
    [{ grant_type: 'refresh_token' }, ['refresh_token required']],
    [{ grant_type: 'refresh_token', refresh_token: 'x', code: 'x' }, ['code unknown_field']],
  ])('names the invalid field of a supported grant: %j', async (form, wanted) => {
    const answer = await trade(form as Record<string, string>)
    const errors = answer.body.errors as { path: string; code: string }[]
    expect([...refusalOf(answer), answer.body.error]).toEqual([400, 'invalid_request', 'invalid_request'])
    expect(errors.map(({ path, code }) => `${path} ${code}`)).toEqual(wanted)
  })
})

test('a refresh token sent in two ways gets an error that names the one to leave out', async () => {
  const { refresh_token } = await world.signIn('google', world.newcomer())
  const answer = await world.call('POST', '/auth/refresh', { token: refresh_token, body: { refresh_token } })
  expect([...refusalOf(answer), answer.body.errors]).toMatchObject([
    400,
    'invalid_request',
    [{ path: 'refresh_token', code: 'repeated' }],
  ])
})

describe('the OpenAPI document', () => {
  type Schema = {
    oneOf?: Schema[]
    anyOf?: Schema[]
    properties?: Record<string, { const?: string; default?: unknown }>
  }
  type Told = {
    parameters?: { name: string; in: string; schema: object }[]
    security: object[]
    responses: Record<string, { description: string }>
    requestBody?: { content: Record<string, { schema: Schema }> }
  }
  const of = (method: string, path: string) => world.document.paths[path]?.[method] as unknown as Told
  const fieldsIn = (where: string, { parameters = [] }: Told) =>
    parameters.flatMap(({ in: place, name, schema }) => (place === where ? [[name, schema]] : []))

  test('describes a provider’s callback by its valid fields, not by what is tolerated', () => {
    expect(fieldsIn('query', of('get', '/auth/{provider}/callback'))).toEqual(
      ['code', 'state', 'error', 'iss', 'posted'].map((name) => [name, { type: 'string' }]),
    )
  })
  test('lists the header by which an app proves that a conflict is its own', () => {
    expect(fieldsIn('header', of('get', '/auth/conflicts/{ticket}'))).toEqual([['Flow-Token', { type: 'string' }]])
  })
  test('has one request body for each grant', () => {
    const { requestBody } = of('post', '/auth/token')
    const { oneOf, anyOf } = requestBody?.content['application/x-www-form-urlencoded']?.schema ?? {}
    expect((oneOf ?? anyOf)?.map(({ properties }) => properties?.grant_type)).toMatchObject([
      { type: 'string', const: 'password' },
      { type: 'string', const: 'authorization_code' },
      { type: 'string', const: 'refresh_token' },
    ])
  })
  test('lists an error only where it can occur', () => {
    expect(of('get', '/me').responses[401]?.description).not.toContain('token_reused')
    expect(of('post', '/auth/refresh').responses[401]?.description).toContain('token_reused')
    expect(of('post', '/auth/{provider}/callback').responses[401]?.description).not.toContain('authentication_required')
    expect(of('post', '/auth/{provider}/authorize').responses[401]?.description).toContain('authentication_required')
    expect(of('get', '/me').responses[400]?.description).toContain('invalid_request')
  })
  test('names each credential that is required, and no other', () => {
    expect(of('get', '/metrics').security).toEqual([{ metrics: [] }, {}])
    const { securitySchemes } = world.document.components as unknown as { securitySchemes: object }
    expect(Object.keys(securitySchemes)).toEqual([
      'bearer',
      'cookie',
      'refresh',
      'registration',
      'service',
      'service_bearer',
      'metrics',
      'doctor',
    ])
  })
  test('has the version of the program', async () => {
    const { info } = world.document as unknown as { info: { version: string } }
    expect(info.version).toBe(JSON.parse(readFileSync('package.json', 'utf8')).version)
  })
})

describe('an invalid provider callback', () => {
  const states = async () => (await world.trail()).filter(({ event }) => event === 'authentication.failed')
  test.each([
    ['a second code', (back: URL) => back.searchParams.append('code', 'another')],
    ['a code that is too long', (back: URL) => back.searchParams.set('code', 'c'.repeat(4097))],
    ['a code with a control character', (back: URL) => back.searchParams.set('code', 'a\u0000b')],
    ['a second error', (back: URL) => ['a', 'b'].forEach((error) => void back.searchParams.append('error', error))],
    ['a second iss', (back: URL) => ['a', 'b'].forEach((iss) => void back.searchParams.append('iss', iss))],
  ])('with %s ends its pending authorization and is recorded in the audit log', async (_, bend) => {
    const browser = world.openBrowser()
    const back = await browser.toProvider('google', world.newcomer())
    const bent = new URL(back)
    bend(bent)
    const trail = (await states()).length
    const answer = await browser.ask(bent, json)
    expect(refusalOf(answerOf(answer))).toEqual([400, 'invalid_request'])
    expect(flowsIn(takenBack(answer.headers))).toHaveLength(1)
    expect((await states()).length - trail).toBe(1)
    expect(refusalOf(answerOf(await browser.ask(back, json)))).toEqual([400, 'state_already_used'])
  })
  test.each([
    ['repeated', (state: string) => [state, state]],
    ['too long', (state: string) => [state + 's'.repeat(4096)]],
    ['not text', (state: string) => [`${state}\u0000`]],
  ])('with a state that is %s is recorded in the audit log, too', async (_, bend) => {
    const browser = world.openBrowser()
    const back = await browser.toProvider('google', world.newcomer())
    const bent = new URL(back)
    bent.searchParams.delete('state')
    for (const state of bend(back.searchParams.get('state') ?? '')) bent.searchParams.append('state', state)
    const trail = (await states()).length
    expect(refusalOf(answerOf(await browser.ask(bent, json)))).toEqual([400, 'invalid_state'])
    expect((await states()).length - trail).toBe(1)
  })
  test('does not include one with an empty parameter, which counts as missing', async () => {
    const browser = world.openBrowser()
    const back = await browser.toProvider('google', world.newcomer())
    back.searchParams.set('error', '')
    expect((await browser.ask(back)).headers.get('location')).toBe('/account')
  })
})

describe('a field of the account', () => {
  let token: string
  beforeAll(async () => {
    token = authOf(await world.enter('google', world.newcomer())).access_token
  })
  test.each(['\u061c', '\u200e', '\u200f', '\u202a', '\u202e', '\u2066', '\u2069', '\u0000', '\n'])(
    'rejects a name with a character that changes direction or breaks the line: %j',
    async (character) => {
      const answer = await world.call('PATCH', '/me', { token, body: { name: `Ada${character}King` } })
      expect(refusalOf(answer)).toEqual([400, 'invalid_request'])
    },
  )
  test('is required in an update, and the error names the fields that can change', async () => {
    const answer = await world.call('PATCH', '/me', { token, body: {} })
    const detail = 'Give at least one of: name, picture, locale, time_zone.'
    expect([...refusalOf(answer), answer.body.errors]).toEqual([
      400,
      'invalid_request',
      ['name', 'picture', 'locale', 'time_zone'].map((path) => ({ path, code: 'one_required', detail })),
    ])
  })
  test('accepts a name in any script', async () => {
    for (const name of ['Zoë', '李', 'عَدَا', 'עדה', '👩‍🚀'])
      expect((await world.call('PATCH', '/me', { token, body: { name } })).body.name).toBe(name)
  })
  test('accepts a picture URL with only the characters a URL allows', async () => {
    const picture = 'https://pictures.example/a\u0000b\ud800'
    const answer = await world.call('PATCH', '/me', { token, body: { picture } })
    expect([answer.status, answer.body.picture]).toEqual([200, 'https://pictures.example/a%00b%EF%BF%BD'])
  })
  test('rejects an activity cursor that we did not issue', async () => {
    for (const cursor of ['usr_00', 'aud_', 'aud_xyz', 'aud_1%00', '%00', `aud_${'0'.repeat(81)}`])
      expect([cursor, ...refusalOf(await world.call('GET', `/me/activity?cursor=${cursor}`, { token }))]).toEqual([
        cursor,
        400,
        'invalid_request',
      ])
  })
})

test('a revocation that fails returns 503, so that the client retries', async () => {
  const token = () => Promise.reject(new Error('the database is away'))
  const { app: revoking, defects } = createSurface({
    routes: tokenRoutes as readonly Route<unknown>[],
    vinculum: { flows: { signOut: { token } } },
  })
  const answer = await request(revoking).post('/auth/revoke').send({ token: 'x' })
  expect([answer.status, answer.body.code, answer.headers['retry-after']]).toEqual([503, 'not_ready', '5'])
  expect(defects.map(({ error }) => error)).toEqual([new Error('the database is away')])
})
