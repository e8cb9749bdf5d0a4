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

/** The names of the cookies an answer takes back. */
const takenBack = (headers: Headers): readonly string[] =>
  headers.getSetCookie().flatMap((line) => /^vinculum_(\w[\w-]*)=; Max-Age=0/.exec(line)?.[1] ?? [])
const flowsIn = (names: readonly string[]): readonly string[] => names.filter((name) => name.startsWith('flow_'))

let world: World
beforeAll(async () => {
  // PostgreSQL is the one that text can break.
  world = await startWorld({ database: 'PostgreSQL', env: { RETURN_TO_ALLOWED: app } })
})
afterAll(() => world.stop())

describe('the cookie of a flow', () => {
  test('ends with it, however it ended and however that is answered', async () => {
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
    ['a provider there is not', 'nobody', 'provider_not_found'],
  ])('stays where an answer comes for %s, and the honest one still arrives', async (_, provider, code) => {
    const browser = world.openBrowser()
    const back = await browser.toProvider('google', world.newcomer())
    const astray = new URL(back)
    astray.pathname = `/auth/${provider}/callback`
    const refused = await browser.ask(astray, json)
    expect([answerOf(refused).body.code, flowsIn(takenBack(refused.headers))]).toEqual([code, []])
    expect((await browser.ask(back)).headers.get('location')).toBe('/account')
  })

  test('is one of twenty-one at most: those begun first give way, and the newest come back', async () => {
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

  test('is its own for each of ten begun at once', async () => {
    const browser = world.openBrowser()
    const backs = await Promise.all(Array.from({ length: 10 }, () => browser.toProvider('google', world.newcomer())))
    for (const back of backs) expect((await browser.ask(back)).headers.get('location')).toBe('/account')
  })

  test('is never taken for one when its name is none of ours', async () => {
    const strange = Array.from({ length: 30 }, (_, at) => `vinculum_flow_(${at})=x`).join('; ')
    const begun = await world.call('GET', '/auth/google', { headers: { cookie: strange } })
    expect([begun.status, begun.headers.getSetCookie().length]).toEqual([303, 1])
  })
})

describe('a sign-in that another site begins', () => {
  const begin = (query: string, site?: string) =>
    createVisitor(world.send).ask(`${world.base}/auth/google${query}`, {
      ...(site === undefined ? {} : { headers: { 'sec-fetch-site': site } }),
    })
  test.each(['cross-site', 'same-site'])('to end here is a person’s to decide: %s', async (site) => {
    const before = (await world.dump()).flows
    for (const [query, to] of [
      ['', '/login'],
      ['?return_to=/account/activity?limit=5%26a=b', '/login?return_to=%2Faccount%2Factivity%3Flimit%3D5%26a%3Db'],
    ] as const) {
      const answer = await begin(query, site)
      expect([answer.status, answer.headers.get('location')]).toEqual([303, to])
      expect(answer.headers.getSetCookie()).toEqual([])
    }
    expect((await world.dump()).flows).toEqual(before)
  })
  test.each([['same-origin'], ['none'], [undefined]])('goes straight on from our own page: %s', async (site) => {
    const { headers } = await begin('?return_to=/account', site)
    expect(headers.get('location')).toMatch(new RegExp(`^${world.sandbox.url}/`))
  })
  test('to end in an app that may have it goes straight on, and to end elsewhere is refused', async () => {
    const query = { return_to: app, code_challenge: pkce().challenge, code_challenge_method: 'S256' }
    const { headers } = await begin(`?${new URLSearchParams(query)}`, 'cross-site')
    expect(headers.get('location')).toMatch(new RegExp(`^${world.sandbox.url}/`))
    expect((await begin('?return_to=https://evil.example/', 'cross-site')).status).toBe(400)
    expect((await begin('?return_to=//evil.example/', 'cross-site')).status).toBe(400)
  })
})

test('an app without a challenge is told which field is missing, in its reader’s language', async () => {
  const headers = { 'accept-language': 'pt-BR' }
  const answer = await world.call('GET', `/auth/google?return_to=${encodeURIComponent(app)}`, { headers })
  expect([...refusalOf(answer), answer.body.errors]).toEqual([
    400,
    'invalid_request',
    [{ path: 'code_challenge', code: 'required', detail: 'Este campo é obrigatório.' }],
  ])
})

describe('a sign-in that was linked to the account there was', () => {
  const told = 'The sign-in method was linked to your account.'
  test('is told on the account page, once', async () => {
    const who = world.newcomer()
    await world.signIn('google', who)
    const browser = world.openBrowser()
    const answer = await browser.signIn('github', who)
    expect(answer.headers.get('location')).toBe('/account')
    expect(answer.headers.getSetCookie()).toContain(
      'vinculum_notice=linked; Max-Age=300; Path=/; HttpOnly; SameSite=Lax',
    )
    const first = await browser.ask(`${world.base}/account`)
    expect([first.text.includes(told), takenBack(first.headers)]).toEqual([true, ['notice']])
    const second = await browser.ask(`${world.base}/account`)
    expect([second.status, second.text.includes(told), takenBack(second.headers)]).toEqual([200, false, []])
  })
  test('waits to be told while the page has something else to tell', async () => {
    const who = world.newcomer()
    await world.signIn('google', who)
    const browser = world.openBrowser()
    const answer = await browser.signIn('github', who, { return_to: '/account?done=name_changed' })
    expect(answer.headers.get('location')).toBe('/account?done=name_changed')
    expect((await browser.ask(`${world.base}/account?done=name_changed`)).text).not.toContain(told)
    expect((await browser.ask(`${world.base}/account`)).text).toContain(told)
  })
  test('is not told of any other sign-in, nor in words that are not ours', async () => {
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
    ['its name', { grant_type: 'password', ...password }],
  ])('takes an address and a password for the grant they are, with %s', async (_, form) => {
    const answer = await trade(form)
    expect([...refusalOf(answer), answer.body.error]).toEqual([401, 'invalid_credentials', 'invalid_grant'])
  })
  test.each([
    ['an empty one', { grant_type: '' }],
    ['another’s name', { grant_type: 'client_credentials', scope: 'a' }],
  ])('tells of the grant it does not have before any field: %s', async (_, form) => {
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
  ])('names what is wrong with a grant it has: %j', async (form, wanted) => {
    const answer = await trade(form as Record<string, string>)
    const errors = answer.body.errors as { path: string; code: string }[]
    expect([...refusalOf(answer), answer.body.error]).toEqual([400, 'invalid_request', 'invalid_request'])
    expect(errors.map(({ path, code }) => `${path} ${code}`)).toEqual(wanted)
  })
})

test('a refresh token sent in two ways is told which of them to leave away', async () => {
  const { refresh_token } = await world.signIn('google', world.newcomer())
  const answer = await world.call('POST', '/auth/refresh', { token: refresh_token, body: { refresh_token } })
  expect([...refusalOf(answer), answer.body.errors]).toMatchObject([
    400,
    'invalid_request',
    [{ path: 'refresh_token', code: 'repeated' }],
  ])
})

describe('the document', () => {
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

  test('says of a provider’s answer what it should be, not what is put up with', () => {
    expect(fieldsIn('query', of('get', '/auth/{provider}/callback'))).toEqual(
      ['code', 'state', 'error', 'iss'].map((name) => [name, { type: 'string' }]),
    )
  })
  test('tells of the header by which an app shows whose question it is', () => {
    expect(fieldsIn('header', of('get', '/auth/conflicts/{ticket}'))).toEqual([['Flow-Token', { type: 'string' }]])
  })
  test('has one body for each grant', () => {
    const { requestBody } = of('post', '/auth/token')
    const { oneOf, anyOf } = requestBody?.content['application/x-www-form-urlencoded']?.schema ?? {}
    expect((oneOf ?? anyOf)?.map(({ properties }) => properties?.grant_type)).toEqual([
      { type: 'string', const: 'password' },
      { type: 'string', const: 'authorization_code' },
      { type: 'string', const: 'refresh_token' },
    ])
  })
  test('lists a refusal only where it is met', () => {
    expect(of('get', '/me').responses[401]?.description).not.toContain('token_reused')
    expect(of('post', '/auth/refresh').responses[401]?.description).toContain('token_reused')
    expect(of('post', '/auth/{provider}/callback').responses[401]?.description).not.toContain('authentication_required')
    expect(of('post', '/auth/{provider}/authorize').responses[401]?.description).toContain('authentication_required')
    expect(of('get', '/me').responses[400]?.description).toContain('invalid_request')
  })
  test('names each credential that is asked for, and no other', () => {
    expect(of('get', '/metrics').security).toEqual([{ metrics: [] }, {}])
    const { securitySchemes } = world.document.components as unknown as { securitySchemes: object }
    expect(Object.keys(securitySchemes)).toEqual([
      'bearer',
      'cookie',
      'refresh',
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

describe('a provider’s answer that is none', () => {
  const states = async () => (await world.trail()).filter(({ event }) => event === 'authentication.failed')
  test.each([
    ['a second code', (back: URL) => back.searchParams.append('code', 'another')],
    ['a code too long for one', (back: URL) => back.searchParams.set('code', 'c'.repeat(4097))],
    ['a code with a control character', (back: URL) => back.searchParams.set('code', 'a\u0000b')],
    ['a second error', (back: URL) => ['a', 'b'].forEach((error) => void back.searchParams.append('error', error))],
    ['a second iss', (back: URL) => ['a', 'b'].forEach((iss) => void back.searchParams.append('iss', iss))],
  ])('for %s ends its flow, and is in the trail', async (_, bend) => {
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
  ])('for a state that is %s is in the trail, too', async (_, bend) => {
    const browser = world.openBrowser()
    const back = await browser.toProvider('google', world.newcomer())
    const bent = new URL(back)
    bent.searchParams.delete('state')
    for (const state of bend(back.searchParams.get('state') ?? '')) bent.searchParams.append('state', state)
    const trail = (await states()).length
    expect(refusalOf(answerOf(await browser.ask(bent, json)))).toEqual([400, 'invalid_state'])
    expect((await states()).length - trail).toBe(1)
  })
  test('is not made of an empty parameter: that is one that was left out', async () => {
    const browser = world.openBrowser()
    const back = await browser.toProvider('google', world.newcomer())
    back.searchParams.set('error', '')
    expect((await browser.ask(back)).headers.get('location')).toBe('/account')
  })
})

describe('what an account’s owner writes', () => {
  let token: string
  beforeAll(async () => {
    token = authOf(await world.enter('google', world.newcomer())).access_token
  })
  test.each(['\u061c', '\u200e', '\u200f', '\u202a', '\u202e', '\u2066', '\u2069', '\u0000', '\n'])(
    'is no name with a character that turns or ends its line: %j',
    async (character) => {
      const answer = await world.call('PATCH', '/me', { token, body: { name: `Ada${character}King` } })
      expect(refusalOf(answer)).toEqual([400, 'invalid_request'])
    },
  )
  test('is something: what could be changed is named where nothing is', async () => {
    const answer = await world.call('PATCH', '/me', { token, body: {} })
    const detail = 'Give at least one of: name, picture.'
    expect([...refusalOf(answer), answer.body.errors]).toEqual([
      400,
      'invalid_request',
      ['name', 'picture'].map((path) => ({ path, code: 'one_required', detail })),
    ])
  })
  test('is a name in any script', async () => {
    for (const name of ['Zoë', '李', 'عَدَا', 'עדה', '👩‍🚀'])
      expect((await world.call('PATCH', '/me', { token, body: { name } })).body.name).toBe(name)
  })
  test('is a picture whose address holds what an address holds', async () => {
    const picture = 'https://pictures.example/a\u0000b\ud800'
    const answer = await world.call('PATCH', '/me', { token, body: { picture } })
    expect([answer.status, answer.body.picture]).toEqual([200, 'https://pictures.example/a%00b%EF%BF%BD'])
  })
  test('is a place in the trail only as we told it', async () => {
    for (const cursor of ['usr_00', 'aud_', 'aud_xyz', 'aud_1%00', '%00', `aud_${'0'.repeat(81)}`])
      expect([cursor, ...refusalOf(await world.call('GET', `/me/activity?cursor=${cursor}`, { token }))]).toEqual([
        cursor,
        400,
        'invalid_request',
      ])
  })
})

test('a token that could not be handed back is asked for again', async () => {
  const token = () => Promise.reject(new Error('the database is away'))
  const { app: revoking, defects } = createSurface({
    routes: tokenRoutes as readonly Route<unknown>[],
    vinculum: { flows: { signOut: { token } } },
  })
  const answer = await request(revoking).post('/auth/revoke').send({ token: 'x' })
  expect([answer.status, answer.body.code, answer.headers['retry-after']]).toEqual([503, 'not_ready', '5'])
  expect(defects.map(({ error }) => error)).toEqual([new Error('the database is away')])
})
