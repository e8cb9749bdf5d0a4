import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { CALLBACK_NAME, PROVIDERS } from '../../sandbox/providers/index.ts'
import { catalogue, type ErrorCode, texts } from '../../src/errors/catalogue.ts'
import { isThorough } from '../store/thorough.ts'
import {
  type Answer,
  aboveStore,
  answerOf,
  authOf,
  type Browser,
  cookiesOf,
  type DatabaseName,
  listIn,
  type ProviderName,
  pkce,
  providers,
  refusalOf,
  sandboxName,
  startWorld,
  type World,
} from '../support/service.ts'

const remembered = ['accounts', 'identities', 'sessions', 'grants', 'sign_in_codes', 'revocations'] as const
const tokenCalls = (world: World): number => world.sandbox.journal.filter(({ endpoint }) => endpoint === 'token').length

type Expected = { readonly code: ErrorCode; readonly asks: boolean; readonly event?: string }

/**
 * The law of a failed callback: a stable code, no session, one audit entry and nothing else stored, and no call to the
 * token endpoint where the error shows before the exchange.
 */
async function failsCleanly(
  world: World,
  { code, asks, event }: Expected,
  act: () => Promise<Answer>,
): Promise<Answer> {
  const before = await world.dump(...remembered)
  const trail = (await world.trail()).length
  const calls = tokenCalls(world)
  const answer = await act()
  const after = await world.dump(...remembered)

  const page = answer.headers.get('content-type')?.startsWith('text/html')
  expect([answer.status, page ? code : answer.body.code], answer.text).toEqual([catalogue[code].status, code])
  expect(Object.keys(cookiesOf(answer.headers))).not.toContain('vinculum_session')
  for (const table of remembered) expect([table, after[table]]).toEqual([table, before[table]])
  const facts = (await world.trail()).slice(trail)
  expect(facts.map((row) => row.event)).toEqual([event ?? 'authentication.failed'])
  if (event === undefined) expect(JSON.stringify(facts[0]?.data)).toContain(code)
  if (!asks) expect(tokenCalls(world) - calls).toBe(0)
  return answer
}

/** What each provider reports about the same person, and the account we create from it. */
const emailVerified: Readonly<Record<ProviderName, boolean>> = {
  google: true,
  github: true,
  atlassian: false,
  acme: false,
  beta: false,
}

const subjectAt = (world: World, provider: ProviderName, who: string): string => {
  const person = world.sandbox.identities.get(who)
  const subjects: Readonly<Record<ProviderName, unknown>> = {
    google: person?.google?.sub,
    github: person?.github?.id,
    atlassian: person?.atlassian?.account_id,
    acme: person?.oidc?.sub,
    beta: person?.oauth2?.uid,
  }
  return String(subjects[provider])
}

/** The ways a callback reaches us; a page is read by a person, in their language. */
const ways = ['an app', 'a script', 'a browser in English', 'a browser in Portuguese'] as const
type Way = (typeof ways)[number]
const accepts: Readonly<Record<Exclude<Way, 'an app'>, Record<string, string>>> = {
  'a script': { accept: 'application/json' },
  'a browser in English': { accept: 'text/html', 'accept-language': 'en' },
  'a browser in Portuguese': { accept: 'text/html', 'accept-language': 'pt-BR,pt;q=0.9' },
}

type Journey = {
  readonly who: string
  readonly provider: ProviderName
  /** The callback as the provider sent it; a scenario may change it. */
  readonly back: URL
  readonly browser: Browser
  arrive(back?: URL, from?: Browser, provider?: string): Promise<Answer>
}

/** Goes to the provider and returns with the callback, not yet sent. */
async function journey(world: World, way: Way, provider: ProviderName, who: string): Promise<Journey> {
  const browser = world.openBrowser()
  if (way === 'an app') {
    const flow = await world.begin(provider)
    const back = await world.approve(flow.url, who)
    return {
      who,
      provider,
      back,
      browser,
      // For an app, another browser means another app: it has the flow_token of another sign-in.
      arrive: async (to = back, from = browser, at = provider) => {
        const { flowToken } = from === browser ? flow : await world.begin(provider)
        return world.call('POST', `/auth/${at}/callback`, { body: world.handedIn(to, { flowToken }) })
      },
    }
  }
  const back = await browser.toProvider(provider, who)
  return {
    who,
    provider,
    back,
    browser,
    arrive: async (to = back, from = browser, at = provider) => {
      const address = new URL(to)
      address.pathname = `/auth/${at}/callback`
      return answerOf(await from.ask(address, { headers: accepts[way] }))
    },
  }
}

const bent = (back: URL, change: Readonly<Record<string, string | null>>): URL => {
  const to = new URL(back)
  for (const [name, value] of Object.entries(change)) {
    if (value === null) to.searchParams.delete(name)
    else to.searchParams.set(name, value)
  }
  return to
}

type Scenario = Expected & {
  readonly because: string
  readonly provider?: ProviderName
  /** Runs before the user goes to the provider. */
  readonly before?: (world: World) => void
  readonly person?: (world: World, database: DatabaseName) => Promise<string>
  /** Changes the callback before it is sent. */
  readonly act?: (journey: Journey, world: World) => Promise<Answer>
  /** Runs before the callback is sent, and before the law is checked. */
  readonly first?: (journey: Journey, world: World) => Promise<unknown>
}

const spoilt = (
  provider: ProviderName,
  endpoint: 'token' | 'userinfo',
  what: Parameters<World['sandbox']['fault']>[1],
) => ({
  provider,
  before: (world: World) => world.sandbox.fault({ provider: sandboxName[provider], endpoint }, what),
})

/** Scenarios that depend on no provider, tried with each. */
const withEach: readonly Scenario[] = [
  { because: 'the user denied consent', code: 'access_denied', asks: false, before: ({ sandbox }) => sandbox.deny() },
  {
    because: 'the state is forged',
    code: 'invalid_state',
    asks: false,
    act: ({ arrive, back }) => arrive(bent(back, { state: 'made-up' })),
  },
  {
    because: 'the pending authorization expired',
    code: 'state_expired',
    asks: false,
    first: async (_, world) => world.turn(300),
  },
  {
    because: 'the state was already used',
    code: 'state_already_used',
    asks: false,
    first: ({ arrive }) => arrive(),
  },
  {
    because: 'the state was used up by a denial',
    code: 'state_already_used',
    asks: false,
    first: ({ arrive, back }) => arrive(bent(back, { code: null, error: 'access_denied' })),
  },
  {
    because: 'the callback arrives in another browser',
    code: 'flow_mismatch',
    asks: false,
    act: ({ arrive, back }, world) => arrive(back, world.openBrowser()),
  },
  {
    because: 'the provider reported a server error',
    code: 'provider_unavailable',
    asks: false,
    act: ({ arrive, back }) => arrive(bent(back, { code: null, error: 'server_error' })),
  },
]

const scenarios: readonly Scenario[] = [
  ...withEach,
  {
    because: 'the callback belongs to another provider',
    code: 'flow_mismatch',
    asks: false,
    act: ({ arrive, back, browser }) => arrive(back, browser, 'github'),
  },
  {
    because: 'iss names another issuer',
    code: 'flow_mismatch',
    asks: false,
    act: ({ arrive, back }) => arrive(bent(back, { iss: 'https://evil.example' })),
  },
  {
    because: 'iss names another of our providers',
    code: 'flow_mismatch',
    asks: false,
    provider: 'github',
    act: ({ arrive, back }, world) => arrive(bent(back, { iss: `${world.sandbox.url}/oidc` })),
  },
  {
    because: 'an OpenID provider that must send iss sent none',
    code: 'flow_mismatch',
    asks: false,
    provider: 'acme',
    act: ({ arrive, back }) => arrive(bent(back, { iss: null })),
  },
  {
    because: 'the provider rejected our request',
    code: 'token_exchange_failed',
    asks: false,
    act: ({ arrive, back }) => arrive(bent(back, { code: null, error: 'invalid_scope' })),
  },
  {
    because: 'the code is invalid',
    code: 'token_exchange_failed',
    asks: true,
    act: ({ arrive, back }) => arrive(bent(back, { code: 'made-up' })),
  },
  {
    because: 'the token endpoint returns an HTML page',
    code: 'token_exchange_failed',
    asks: true,
    ...spoilt('beta', 'token', { kind: 'html' }),
  },
  {
    because: 'the token endpoint returns null',
    code: 'token_exchange_failed',
    asks: true,
    ...spoilt('github', 'token', { kind: 'null' }),
  },
  {
    because: 'the token endpoint returns no token',
    code: 'token_exchange_failed',
    asks: true,
    ...spoilt('atlassian', 'token', { kind: 'json', body: { token_type: 'bearer', expires_in: 3600 } }),
  },
  {
    because: 'the token endpoint returns another kind of token',
    code: 'token_exchange_failed',
    asks: true,
    ...spoilt('beta', 'token', { kind: 'json', body: { access_token: 'a', token_type: 'mac' } }),
  },
  {
    because: 'the token endpoint redirects',
    code: 'token_exchange_failed',
    asks: true,
    ...spoilt('google', 'token', { kind: 'redirect', to: 'http://127.0.0.1:1/' }),
  },
  {
    because: 'the id_token is for another client',
    code: 'token_exchange_failed',
    asks: true,
    ...spoilt('acme', 'token', { kind: 'id-token', claims: { aud: 'another-client' } }),
  },
  {
    because: 'the id_token belongs to another sign-in',
    code: 'token_exchange_failed',
    asks: true,
    ...spoilt('acme', 'token', { kind: 'id-token', claims: { nonce: 'another' } }),
  },
  {
    because: 'the id_token is not signed',
    code: 'token_exchange_failed',
    asks: true,
    ...spoilt('google', 'token', { kind: 'id-token', alg: 'none' }),
  },
  {
    because: 'the token endpoint is down',
    code: 'provider_unavailable',
    asks: true,
    ...spoilt('google', 'token', { kind: 'status', status: 503 }),
  },
  {
    because: 'the token endpoint closes the connection',
    code: 'provider_unavailable',
    asks: true,
    ...spoilt('github', 'token', { kind: 'lost-answer' }),
  },
  {
    because: 'the userinfo endpoint is down',
    code: 'provider_unavailable',
    asks: true,
    ...spoilt('atlassian', 'userinfo', { kind: 'status', status: 500 }),
  },
  {
    because: 'the userinfo endpoint returns no subject',
    code: 'user_info_fetch_failed',
    asks: true,
    ...spoilt('beta', 'userinfo', { kind: 'json', body: { data: {} } }),
  },
  {
    because: 'the userinfo endpoint rejects the token',
    code: 'user_info_fetch_failed',
    asks: true,
    ...spoilt('github', 'userinfo', { kind: 'status', status: 401, body: { message: 'Bad credentials' } }),
  },
  {
    because: 'userinfo is about another user than the id_token',
    code: 'user_info_fetch_failed',
    asks: true,
    ...spoilt('acme', 'userinfo', { kind: 'mutate', change: (body) => ({ ...body, sub: 'acme|somebody-else' }) }),
  },
  {
    because: 'the account is disabled',
    code: 'user_disabled',
    asks: true,
    person: async (world, database) => {
      const who = world.newcomer()
      const { user } = await world.signIn('google', who)
      const at = database === 'SQLite' ? '1' : 'now()'
      await world.operator(`update accounts set disabled_at = ${at} where id = '${user.id}'`)
      return who
    },
  },
]

describe.each(aboveStore('SQLite'))('sign-in, on %s:', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database, env: { RETURN_TO_ALLOWED: 'https://app.example.com/in' } })
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  describe.each(providers)('with %s', (provider) => {
    test('an app that begins and finishes receives a new account and its tokens, exactly as documented', async () => {
      const who = world.newcomer()
      const auth = authOf(await world.enter(provider, who))
      const name = world.sandbox.identities.get(who)?.oauth2?.label
      expect(auth).toEqual({
        user: {
          id: auth.user.id,
          email: world.emailOf(who),
          email_verified: emailVerified[provider],
          name,
          picture: auth.user.picture,
        },
        access_token: auth.access_token,
        refresh_token: auth.refresh_token,
        token_type: 'bearer',
        expires_in: 1800,
        refresh_expires_in: 604_800,
        provider_info: { provider, provider_user_id: subjectAt(world, provider, who) },
        action: 'created_new_user',
      })
      const again = authOf(await world.enter(provider, who))
      expect([again.action, again.user.id]).toEqual(['login_existing', auth.user.id])
      expect(again.refresh_token).not.toBe(auth.refresh_token)
    })

    test('a browser keeps its binding cookie for as long as the sign-in and its conflict can be finished', async () => {
      const browser = world.openBrowser()
      const begun = await browser.ask(`${world.base}/auth/${provider}`)
      expect(begun.headers.getSetCookie().find((line) => line.startsWith('vinculum_flow_'))).toMatch(/; Max-Age=900; /)
    })

    test('a browser that returns receives a session and is redirected to where it wanted to go', async () => {
      const who = world.newcomer()
      const browser = world.openBrowser()
      const home = await browser.signIn(provider, who)
      expect([home.status, home.headers.get('location')]).toEqual([303, '/account'])
      expect(home.headers.getSetCookie().find((line) => line.startsWith('vinculum_session='))).toMatch(
        /^vinculum_session=[\w-]{43}; Max-Age=7776000; Path=\/; HttpOnly; SameSite=Lax$/,
      )
      expect((await browser.json('GET', '/me')).body).toMatchObject({ email: world.emailOf(who) })
      const elsewhere = await browser.signIn(provider, who, { return_to: '/account/activity?limit=5' })
      expect(elsewhere.headers.get('location')).toBe('/account/activity?limit=5')
      const direct = answerOf(
        await browser.ask(await browser.toProvider(provider, who), { headers: { accept: 'application/json' } }),
      )
      expect(authOf(direct).action).toBe('login_existing')
      expect(cookiesOf(direct.headers)).toEqual({})
    })

    test.each(withEach)('is refused with $code because $because', async (scenario) => {
      scenario.before?.(world)
      const under = await journey(world, 'an app', provider, world.newcomer())
      await scenario.first?.(under, world)
      await failsCleanly(world, scenario, () => scenario.act?.(under, world) ?? under.arrive())
    })
  })

  describe.each(ways)('for %s a sign-in is refused', (way) => {
    // For one program and in one browser each, by turns; `npm run bench:store` tries all of them in each way.
    const turn = ways.indexOf(way) % 2
    test.each(scenarios.filter((_, at) => isThorough || at % 2 === turn))(
      'with $code because $because',
      async (scenario) => {
        const provider = scenario.provider ?? 'google'
        const who = (await scenario.person?.(world, database)) ?? world.newcomer()
        scenario.before?.(world)
        const under = await journey(world, way, provider, who)
        await scenario.first?.(under, world)
        const answer = await failsCleanly(world, scenario, () => scenario.act?.(under, world) ?? under.arrive())

        if (scenario.code === 'provider_unavailable')
          expect(Number(answer.headers.get('retry-after'))).toBeGreaterThan(0)
        const locale = way === 'a browser in Portuguese' ? 'pt-BR' : 'en'
        const { title } = texts[locale][scenario.code]
        if (way === 'an app' || way === 'a script') {
          expect(answer.headers.get('content-type')).toBe('application/problem+json')
          expect(answer.body).toMatchObject({
            type: `${world.base}/docs/errors/${scenario.code}`,
            title,
            status: answer.status,
            code: scenario.code,
            request_id: answer.headers.get('x-request-id'),
          })
        } else {
          expect(answer.headers.get('content-language')).toBe(locale)
          expect(answer.text).toContain(`<html lang="${locale}"`)
          expect(answer.text).toContain(`<h1>${title}</h1>`)
          // The page offers a next step, a link or a form.
          expect(answer.text.slice(answer.text.indexOf('<main'))).toMatch(/<a [^>]*href="\/|<form/)
        }
        for (const secret of ['code', 'state'])
          if ((under.back.searchParams.get(secret) ?? '').length > 10)
            expect(answer.text).not.toContain(under.back.searchParams.get(secret))
      },
    )
  })

  test('an account conflict stores nothing but its own data', async () => {
    const email = `taken-${database}@example.com`
    await world.signIn('github', world.newcomer({ email }))
    const under = await journey(world, 'an app', 'acme', world.newcomer({ email }))
    const conflict: Expected = { code: 'account_conflict', asks: true, event: 'conflict.opened' }
    const answer = await failsCleanly(world, conflict, () => under.arrive())
    expect(answer.body.conflict_ticket).toEqual(expect.any(String))
    const browser = await journey(world, 'a browser in English', 'acme', world.newcomer({ email }))
    const sent = await browser.arrive()
    expect([sent.status, sent.headers.get('location')]).toEqual([303, expect.stringMatching(/^\/auth\/conflicts\/./)])
    expect(Object.keys(cookiesOf(sent.headers))).not.toContain('vinculum_session')
  })

  test('a provider that is not configured is not found on any route', async () => {
    expect(refusalOf(await world.call('POST', '/auth/nobody/authorize', { body: {} }))).toEqual([
      404,
      'provider_not_found',
    ])
    expect(refusalOf(await world.call('GET', '/auth/nobody'))).toEqual([404, 'provider_not_found'])
    expect(refusalOf(await world.call('GET', '/auth/nobody/callback?code=a&state=b'))).toEqual([
      404,
      'provider_not_found',
    ])
    const body = { code: 'a', state: 'b', flow_token: 'c' }
    expect(refusalOf(await world.call('POST', '/auth/nobody/callback', { body }))).toEqual([404, 'provider_not_found'])
    const page = await world.openBrowser().ask(`${world.base}/auth/nobody`, { headers: { 'accept-language': 'pt-BR' } })
    expect([page.status, page.text.includes('<h1>Provedor desconhecido</h1>')]).toEqual([404, true])
  })

  test('an app that sends neither a code nor an error gets an error, and may still send the callback', async () => {
    const flow = await world.begin('google')
    const back = await world.approve(flow.url, world.newcomer())
    const said = { state: flow.state, flow_token: flow.flowToken }
    for (const body of [said, { ...said, code: '' }, { ...said, code: '', error: '' }]) {
      const nothing = await world.call('POST', '/auth/google/callback', { body })
      expect([nothing.status, nothing.body.code]).toEqual([400, 'invalid_request'])
      expect(nothing.body.errors).toMatchObject([
        { path: 'code', code: 'one_required' },
        { path: 'error', code: 'one_required' },
      ])
    }
    expect(authOf(await world.finish(flow, back)).action).toBe('created_new_user')
  })

  test('ten concurrent sign-ins in one browser all succeed', async () => {
    const browser = world.openBrowser()
    const people = Array.from({ length: 10 }, () => world.newcomer())
    const backs: URL[] = []
    for (const [n, who] of people.entries()) backs.push(await browser.toProvider(providers[n % 5] ?? 'google', who))
    const answers = await Promise.all(
      backs.map((back) => browser.ask(back, { headers: { accept: 'application/json' } }).then(answerOf)),
    )
    expect(answers.map((answer) => authOf(answer).user.email)).toEqual(people.map(world.emailOf))
  })

  test('a callback sent twice concurrently is accepted once', async () => {
    for (const provider of providers) {
      const under = await journey(world, 'a script', provider, world.newcomer())
      const answers = await Promise.all([under.arrive(), under.arrive(), under.arrive()])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400])
      expect(answers.map(({ body }) => body.code).sort()).toEqual([
        'state_already_used',
        'state_already_used',
        undefined,
      ])
    }
  })

  test('signing in again in the same browser ends the previous session', async () => {
    const who = world.newcomer()
    const browser = world.openBrowser()
    const first = cookiesOf((await browser.signIn('google', who)).headers).vinculum_session
    const second = cookiesOf((await browser.signIn('google', who)).headers).vinculum_session
    expect(second).not.toBe(first)
    const cookie = { cookie: `vinculum_session=${first}` }
    expect(refusalOf(await world.call('GET', '/me', { headers: cookie }))).toEqual([401, 'session_revoked'])
    expect(listIn(await browser.json('GET', '/me/sessions'))).toHaveLength(1)
  })

  test('parameters Google adds to its callback are accepted, and a repeated parameter is refused', async () => {
    const browser = world.openBrowser()
    const who = world.newcomer()
    const back = await browser.toProvider('google', who)
    expect([...back.searchParams.keys()]).toEqual(expect.arrayContaining(['scope', 'authuser', 'prompt']))
    for (const name of ['code', 'state', 'error', 'iss']) {
      const twice = await browser.toProvider('google', who)
      twice.searchParams.append(name, twice.searchParams.get(name) ?? 'x')
      twice.searchParams.append(name, 'another')
      const refused = await browser.ask(twice, { headers: { accept: 'application/json' } })
      // Only one state can identify the authorization; any other repeated parameter ends it.
      expect(refusalOf(answerOf(refused))).toEqual([400, name === 'state' ? 'invalid_state' : 'invalid_request'])
    }
    expect((await browser.ask(back)).headers.get('location')).toBe('/account')
  })

  test('return_to accepts allowed URLs only', async () => {
    const { challenge } = pkce()
    const refused = [
      '//evil.example',
      '/\\evil.example',
      'https://evil.example/',
      'https://app.example.com/inside',
      'https://app.example.com/in/../out',
      'https://app.example.com:444/in',
      'http://app.example.com/in',
      'https://app.example.com@evil.example/in',
      'https://app.example.com.evil.example/in',
      '/a\nb',
      'javascript:1',
      'https://app.example.com/in%2f..%2fout',
      'account',
      ' /account',
      'https://APP.example.com/IN',
    ]
    for (const to of refused) {
      const query = new URLSearchParams({ return_to: to, code_challenge: challenge, code_challenge_method: 'S256' })
      const answer = await world.call('GET', `/auth/google?${query}`)
      expect([to, ...refusalOf(answer)]).toEqual([to, 400, 'return_to_not_allowed'])
    }
    const page = await world.openBrowser().ask(`${world.base}/auth/google?return_to=//evil.example`)
    expect([page.status, page.headers.get('location')]).toEqual([400, null])
    for (const to of ['https://app.example.com/in', 'https://app.example.com/in/deeper?a=b']) {
      const query = { return_to: to, code_challenge: challenge, code_challenge_method: 'S256' }
      const { headers } = await world.openBrowser().signIn('google', world.newcomer(), query)
      const arrived = new URL(headers.get('location') ?? '')
      expect(arrived.href.startsWith(to)).toBe(true)
      expect(arrived.searchParams.get('code')).toMatch(/^[\w-]{43}$/)
      // No session here: the app gets its own. The browser is a known device from now on.
      expect(Object.keys(cookiesOf(headers))).toEqual(['vinculum_device', 'vinculum_last_method'])
    }
  })

  test('after "Deny" at the provider, signing in again still ends in the app', async () => {
    const { challenge } = pkce()
    const query = { return_to: 'https://app.example.com/in', code_challenge: challenge, code_challenge_method: 'S256' }
    const link = `href="/login?${new URLSearchParams(query)}"`.replaceAll('&', '&amp;')
    const browser = world.openBrowser()
    world.sandbox.deny()
    const denied = await browser.signIn('google', world.newcomer(), query)
    world.sandbox.deny(false)
    expect([denied.status, denied.text.includes(link)]).toEqual([400, true])
    expect(denied.text).toContain('<code>access_denied</code>')
    // A program gets the same problem document as before.
    const flow = await world.begin('google')
    world.sandbox.deny()
    const back = await world.approve(flow.url, world.newcomer())
    world.sandbox.deny(false)
    expect(Object.keys((await world.finish(flow, back)).body)).not.toContain('onward')
  })

  test('every authorization has its own challenge, and its verifier matches', async () => {
    const challenges = new Set<string>()
    const states = new Set<string>()
    for (let n = 0; n < 40; n++) {
      await Promise.all(
        providers.map(async (provider) => {
          const { url, state } = await world.begin(provider)
          const query = new URL(url).searchParams
          expect([query.get('code_challenge_method'), query.get('response_type')]).toEqual(['S256', 'code'])
          expect(query.get('code_challenge')).toMatch(/^[A-Za-z0-9_-]{43}$/)
          challenges.add(query.get('code_challenge') ?? '')
          states.add(state)
        }),
      )
    }
    expect([challenges.size, states.size]).toEqual([200, 200])
    for (const provider of providers) {
      const flow = await world.begin(provider)
      authOf(await world.finish(flow, await world.approve(flow.url, world.newcomer())))
      const { body } = world.sandbox.journal.calls(sandboxName[provider], 'token').at(-1) ?? {}
      const verifier = String(body?.code_verifier)
      expect(verifier).toMatch(/^[A-Za-z0-9\-._~]{43,128}$/)
      expect(createHash('sha256').update(verifier).digest('base64url')).toBe(
        new URL(flow.url).searchParams.get('code_challenge'),
      )
      expect(body?.client_secret === undefined || !flow.url.includes(String(body.client_secret))).toBe(true)
    }
  })
})

describe('a provider with an open circuit breaker', () => {
  test('returns 503 with Retry-After at once, and affects no other provider', async () => {
    const world = await startWorld({ env: { BETA_BREAKER: 'timeout_ms=300,volume=3,reset_ms=60000' } })
    try {
      world.sandbox.fault({ provider: 'oauth2', endpoint: 'token' }, { kind: 'hang' })
      for (let n = 0; n < 3; n++) {
        const down = await world.enter('beta', world.newcomer())
        expect(refusalOf(down)).toEqual([503, 'provider_unavailable'])
        expect(down.body.retry_after).toBe(Number(down.headers.get('retry-after')))
      }
      const calls = world.sandbox.journal.calls('oauth2', 'token').length
      const open = await world.enter('beta', world.newcomer())
      expect(refusalOf(open)).toEqual([503, 'provider_unavailable'])
      expect(Number(open.headers.get('retry-after'))).toBeGreaterThan(30)
      expect(world.sandbox.journal.calls('oauth2', 'token')).toHaveLength(calls)
      const states = listIn(await world.call('GET', '/auth/providers'))
      expect(states.map(({ id, status }) => `${id} ${status}`)).toEqual(
        PROVIDERS.filter((provider) => Object.values(sandboxName).includes(provider)).map(
          (provider) => `${CALLBACK_NAME[provider]} ${provider === 'oauth2' ? 'down' : 'up'}`,
        ),
      )
      expect(listIn(await world.call('GET', '/health/providers'))).toContainEqual({
        provider: 'beta',
        endpoint_type: 'token',
        state: 'open',
      })
      const started = performance.now()
      for (const provider of ['google', 'github', 'atlassian', 'acme'] as const)
        authOf(await world.enter(provider, world.newcomer()))
      expect(performance.now() - started).toBeLessThan(25_000)
      const metrics = await world.call('GET', '/metrics')
      expect(metrics.text).toContain('vinculum_circuit_breaker_state{provider="beta",endpoint_type="token"} 2')
      expect(metrics.text).toContain(
        'vinculum_authentication_attempts_total{provider="beta",status="provider_unavailable"} 4',
      )
    } finally {
      await world.stop()
    }
  })
})

describe('a provider that is unreachable at the start of a sign-in', () => {
  test('returns 503 with Retry-After, as a page and as JSON, and recovers', async () => {
    const world = await startWorld()
    try {
      world.sandbox.fault({ provider: 'oidc', endpoint: 'discovery' }, { kind: 'status', status: 503 })
      const down = await world.call('POST', '/auth/acme/authorize', { body: {} })
      expect([...refusalOf(down), Number(down.headers.get('retry-after')) > 0]).toEqual([
        503,
        'provider_unavailable',
        true,
      ])
      const page = await world.openBrowser().ask(`${world.base}/auth/acme`, { headers: { 'accept-language': 'pt-BR' } })
      expect([page.status, page.text.includes('<h1>Provedor indisponível</h1>')]).toEqual([503, true])
      expect((await world.dump('flows')).flows).toEqual([])
      expect((await world.signIn('google', world.newcomer())).action).toBe('created_new_user')
      world.sandbox.clearFaults()
      world.turn(60)
      expect((await world.signIn('acme', world.newcomer())).action).toBe('created_new_user')
    } finally {
      await world.stop()
    }
  })
})

describe('an app with its own redirect URI', () => {
  test('names it by its key, and gets an error for an unknown key', async () => {
    const mobile = 'com.example.app:/signed-in'
    const world = await startWorld({ env: { GOOGLE_REDIRECT_URIS: `mobile=${mobile}` } })
    try {
      world.sandbox.allowRedirect('google', mobile)
      const begun = await world.call('POST', '/auth/google/authorize', { body: { redirect_uri_key: 'mobile' } })
      const back = await world.approve(String(begun.body.authorize_url), world.newcomer())
      expect(back.href.startsWith(mobile)).toBe(true)
      const body = world.handedIn(back, { flowToken: String(begun.body.flow_token) })
      expect(authOf(await world.call('POST', '/auth/google/callback', { body })).action).toBe('created_new_user')
      for (const redirect_uri_key of ['web', 'constructor', 'mobile2']) {
        const refused = await world.call('POST', '/auth/google/authorize', { body: { redirect_uri_key } })
        expect(refusalOf(refused)).toEqual([400, 'redirect_uri_key_not_found'])
      }
      const named = await world.call('POST', '/auth/google/authorize', {
        body: { redirect_uri: 'https://evil.example/' },
      })
      expect(refusalOf(named)).toEqual([400, 'invalid_request'])
    } finally {
      await world.stop()
    }
  })

  test('on another origin receives its code after a conflict was resolved, too', async () => {
    const app = 'https://app.example.com/in'
    const world = await startWorld({ env: { RETURN_TO_ALLOWED: app } })
    try {
      const holder = world.newcomer()
      await world.signIn('google', holder)
      const { verifier, challenge } = pkce()
      const browser = world.openBrowser()
      const query = { return_to: app, code_challenge: challenge, code_challenge_method: 'S256' }
      const asked = await browser.signIn('acme', world.newcomer({ email: world.emailOf(holder) }), query)
      const path = asked.headers.get('location') ?? ''
      const page = await browser.ask(`${world.base}${path}`)
      const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec(page.text) ?? []
      const done = await browser.ask(`${world.base}${path}`, {
        method: 'POST',
        body: new URLSearchParams({ csrf, action: 'create' }),
        headers: { origin: world.base },
      })
      expect([done.status, Object.keys(cookiesOf(done.headers))]).toEqual([
        200,
        ['vinculum_device', 'vinculum_last_method'],
      ])
      const [, code = ''] = /https:\/\/app\.example\.com\/in\?code=([\w-]{43})/.exec(done.text) ?? []
      const form = { grant_type: 'authorization_code', code, code_verifier: verifier }
      expect(authOf(await world.call('POST', '/auth/token', { form })).action).toBe('created_new_user')
    } finally {
      await world.stop()
    }
  })
})

describe('with sign-up closed,', () => {
  test('an unknown user is refused and not stored, and existing users still sign in', async () => {
    const world = await startWorld({ env: { OAUTH_AUTO_REGISTER_NEW_USERS: 'off' } })
    try {
      for (const way of ways)
        for (const provider of providers) {
          const under = await journey(world, way, provider, world.newcomer())
          await failsCleanly(world, { code: 'user_creation_disabled', asks: true }, () => under.arrive())
        }
    } finally {
      await world.stop()
    }
  })
})
