import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Fault } from '../../sandbox/sandbox.ts'
import type { Claims } from '../../src/providers/provider.ts'
import { nothing, providerContract } from './contract.ts'
import { enter, named, startWorld, type TestWorld, value, visit } from './fixture.ts'

const person =
  (more: Partial<Claims>) =>
  (subject: string): Claims => ({
    subject,
    email: 'ada@example.com',
    emailVerified: true,
    emailAuthoritative: false,
    name: 'Ada Example',
    picture: `https://avatars.githubusercontent.com/u/${subject}?v=4`,
    ...more,
  })

for (const app of ['oauth-app', 'github-app'] as const)
  providerContract('github', {
    claims: {
      ada: person({}),
      // His proven primary address is one GitHub made up.
      linus: person({ name: 'Linus Private', email: null, emailVerified: false }),
      // The public address of this profile is ada@example.com; it proves nothing and is not told.
      mallory: person({ name: 'Mallory Example', email: null, emailVerified: false }),
    },
    // Her addresses are told elsewhere.
    spoilt: { ...nothing, email: 'ada@example.com', emailVerified: true },
    withoutSubject: ({ id: _id, ...body }) => body,
    registered: {
      as: `github (${app})`,
      arrange: ({ switches }) => {
        switches.github.app = app
      },
    },
  })

/** One of the addresses GitHub lists for a person. */
const listed = (email: string, primary = false, verified = true) => ({ email, primary, verified, visibility: null })

describe('GitHub', () => {
  let world: TestWorld
  beforeAll(async () => {
    world = await startWorld()
  })
  afterEach(() => world.reset())
  afterAll(() => world.close())
  const open = () => {
    const { providers } = world.open()
    return { providers, provider: named(providers, 'github') }
  }
  const faultAt = (endpoint: 'token' | 'userinfo' | 'emails' | 'memberships', fault: Fault) =>
    world.sandbox.fault({ provider: 'github', endpoint }, fault)

  test('finds the proven address beyond the thirtieth', async () => {
    const { providers, provider } = open()
    const { claims } = await enter(world.sandbox, providers, provider, 'zoe')
    expect(claims).toMatchObject({ email: 'zoe@example.net', emailVerified: true, name: 'zoe' })
  })

  test('finds the proven address beyond the hundredth, and every other one', async () => {
    const emails = Array.from({ length: 250 }, (_, n) => ({
      email: `hopper-${n}@example.net`,
      primary: n === 130,
      verified: n % 10 === 0,
      visibility: null,
    }))
    const person = { key: 'hopper', name: 'Hopper', email: 'hopper@example.net', verified: true }
    world.sandbox.addIdentity(person, { github: { emails } })
    const { providers, provider } = open()
    const { claims } = await enter(world.sandbox, providers, provider, 'hopper')
    expect(claims).toMatchObject({ email: 'hopper-130@example.net', emailVerified: true })
    const others = emails.filter(({ primary, verified }) => verified && !primary).map(({ email }) => email)
    expect(claims.otherEmails).toEqual(others)
    expect(world.sandbox.journal.calls('github', 'emails').map(({ query }) => query.page)).toEqual(['1', '2', '3'])
  })

  test.each<[string, object[], string | null, string[] | undefined]>([
    ['one verified', [listed('a@x.example', true)], 'a@x.example', undefined],
    ['a further one', [listed('a@x.example', true), listed('b@x.example')], 'a@x.example', ['b@x.example']],
    ['a further one, first', [listed('b@x.example'), listed('a@x.example', true)], 'a@x.example', ['b@x.example']],
    [
      'a further one that is not verified',
      [listed('a@x.example', true), listed('b@x.example', false, false)],
      'a@x.example',
      undefined,
    ],
    ['an unverified primary one', [listed('a@x.example', true, false), listed('b@x.example')], null, ['b@x.example']],
    [
      'a made-up primary one',
      [listed('1+a@users.noreply.github.com', true), listed('b@x.example')],
      null,
      ['b@x.example'],
    ],
    [
      'a made-up further one',
      [listed('a@x.example', true), listed('1+a@users.noreply.github.com')],
      'a@x.example',
      undefined,
    ],
    [
      'one twice',
      [listed('a@x.example', true), listed('b@x.example'), listed('b@x.example')],
      'a@x.example',
      ['b@x.example'],
    ],
    [
      'two hundred',
      Array.from({ length: 200 }, (_, n) => listed(`${n}@x.example`)),
      null,
      Array.from({ length: 100 }, (_, n) => `${n}@x.example`),
    ],
  ])('with %s says so', async (_name, body, email, otherEmails) => {
    faultAt('emails', { kind: 'json', body })
    const { providers, provider } = open()
    const { claims } = await enter(world.sandbox, providers, provider)
    expect([claims.email, claims.otherEmails]).toEqual([email, otherEmails])
  })

  test('with addresses without end is asked for a few pages of them', async () => {
    const page = Array.from({ length: 100 }, (_, n) => ({ email: `${n}@example.net`, primary: false, verified: true }))
    faultAt('emails', { kind: 'json', body: page })
    const { providers, provider } = open()
    expect((await enter(world.sandbox, providers, provider)).claims).toMatchObject({ email: null })
    expect(world.sandbox.journal.calls('github', 'emails')).toHaveLength(5)
  })

  // Taken for a missing permission, it would let somebody in as a person without an address: with a second account.
  test.each([403, 429])(
    'whose second limit is told by words alone (%d) lets nobody in without an address',
    async (status) => {
      const message = 'You have exceeded a secondary rate limit. Please wait a few minutes before you try again.'
      const { providers, provider } = open()
      const { callback, flow } = await visit(providers, provider)
      const exchanged = value(await providers.exchange(provider, callback, flow))
      faultAt('emails', { kind: 'status', status, body: { message } })
      expect(await providers.identify(provider, exchanged)).toMatchObject({
        error: { code: 'provider_unavailable', retryAfter: 60 },
      })
    },
  )

  test.each([
    ['oauth-app', [], []],
    ['oauth-app', ['user:email'], ['user:email']],
    ['github-app', [], null],
  ] as const)('an %s of which one took away all but %j is told to have been granted %j', async (app, kept, granted) => {
    const unticked = ['read:user', 'user:email'].filter((scope) => kept.every((one) => one !== scope))
    Object.assign(world.sandbox.switches.github, { app, unticked })
    const { providers, provider } = open()
    expect((await enter(world.sandbox, providers, provider)).exchanged.tokens.scopes).toEqual(granted)
  })

  test('an unproven primary address is nobody’s', async () => {
    const { providers, provider } = open()
    expect((await enter(world.sandbox, providers, provider, 'grace')).claims).toMatchObject({
      email: null,
      emailVerified: false,
    })
  })

  test.each([
    ['1+ada@users.noreply.github.com', null],
    ['ada@users.noreply.github.com', null],
    ['Ada@Users.NoReply.GitHub.com', null],
    ['ada@github.com', 'ada@github.com'],
    ['ada@users.noreply.github.com.example.com', 'ada@users.noreply.github.com.example.com'],
  ])('a proven %s is told as %s: what reaches nobody is no address', async (email, told) => {
    faultAt('emails', { kind: 'json', body: [{ email, primary: true, verified: true, visibility: null }] })
    const { providers, provider } = open()
    expect((await enter(world.sandbox, providers, provider)).claims).toMatchObject({
      email: told,
      emailVerified: told !== null,
    })
  })

  describe('asked for organizations', () => {
    const restricted = (...organizations: string[]) => {
      const opened = world.open({}, (one) => (one.kind === 'github' ? { ...one, organizations } : one))
      return { ...opened, provider: named(opened.providers, 'github') }
    }
    const asked = () => world.sandbox.journal.calls('github', 'memberships')
    const outcome = async (organizations: string[], who = 'ada') => {
      const { providers, provider } = restricted(...organizations)
      const { claims } = await enter(world.sandbox, providers, provider, who)
      const admitted = providers.admits(provider, claims)
      return admitted.ok ? 'admitted' : admitted.error.code
    }

    test.each<[string, string[], string, string]>([
      ['a member', ['acme'], 'ada', 'admitted'],
      ['a member of one of several', ['globex', 'acme'], 'ada', 'admitted'],
      ['a member of one, beside one that hides', ['initech', 'acme'], 'ada', 'admitted'],
      ['a member of none', ['globex'], 'ada', 'sign_in_restricted'],
      ['nobody’s member', ['acme', 'globex'], 'zoe', 'sign_in_restricted'],
      ['somebody who was only invited', ['acme'], 'grace', 'sign_in_restricted'],
      ['a member of one that did not approve the app', ['initech'], 'ada', 'organization_access_needed'],
      ['a member of none, beside one that hides', ['globex', 'initech'], 'ada', 'organization_access_needed'],
    ])('%s (of %j, as %s) is: %s', async (_name, organizations, who, code) => {
      expect(await outcome(organizations, who)).toBe(code)
    })

    test('asks nothing of it where there are no restrictions', async () => {
      const { providers, provider } = open()
      await enter(world.sandbox, providers, provider)
      expect(asked()).toEqual([])
    })

    test('asks with the scope for it, which nobody has to name', async () => {
      const { provider } = restricted('acme')
      expect(provider.scopes).toEqual(['read:user', 'user:email', 'read:org'])
      const { providers } = world.open({}, (one) =>
        one.kind === 'github' ? { ...one, organizations: ['acme'], scopes: ['user', 'admin:org'] } : one,
      )
      expect(named(providers, 'github').scopes).toEqual(['user', 'admin:org'])
    })

    test('a person who took the scope away learns what to do', async () => {
      world.sandbox.switches.github.unticked.push('read:org')
      expect(await outcome(['acme'])).toBe('organization_access_needed')
    })

    test.each([
      [true, 'admitted'],
      [false, 'organization_access_needed'],
    ])('a GitHub App whose permission to read members is %s: %s', async (membersPermission, code) => {
      Object.assign(world.sandbox.switches.github, { app: 'github-app', membersPermission })
      expect(await outcome(['acme'])).toBe(code)
    })

    test.each<[string, Fault, string]>([
      [
        'another organization',
        { kind: 'json', body: { state: 'active', organization: { login: 'evil' } } },
        'sign_in_restricted',
      ],
      ['no organization', { kind: 'json', body: { state: 'active' } }, 'sign_in_restricted'],
      ['no state', { kind: 'json', body: { organization: { login: 'acme' } } }, 'sign_in_restricted'],
      ['a list', { kind: 'json', body: [{ state: 'active', organization: { login: 'acme' } }] }, 'sign_in_restricted'],
      ['a redirect', { kind: 'redirect', to: 'https://evil.example/', status: 302 }, 'sign_in_restricted'],
      [
        'a renamed organization',
        { kind: 'redirect', to: 'https://api.github.com/organizations/1', status: 301 },
        'sign_in_restricted',
      ],
      [
        'that only members may know',
        {
          kind: 'status',
          status: 403,
          body: { message: 'You must be a member of acme to see membership information for ada.' },
        },
        'sign_in_restricted',
      ],
      [
        'that it wants its own sign-in',
        { kind: 'status', status: 403, body: { message: 'Resource protected by organization SAML enforcement.' } },
        'organization_access_needed',
      ],
    ])('that answers %s lets nobody in', async (_name, fault, code) => {
      faultAt('memberships', fault)
      expect(await outcome(['acme'])).toBe(code)
    })

    // Not a word about the person, so that it must not look like a refusal: they try again.
    test.each<[string, Fault, string]>([
      ['is down', { kind: 'status', status: 502 }, 'provider_unavailable'],
      ['is limited', { kind: 'status', status: 403, headers: { 'retry-after': '7' } }, 'provider_unavailable'],
      ['answers with a page', { kind: 'html' }, 'user_info_fetch_failed'],
      ['takes the token no longer', { kind: 'status', status: 401 }, 'user_info_fetch_failed'],
    ])('that %s refuses nobody for good', async (_name, fault, code) => {
      const { providers, provider } = restricted('acme')
      world.sandbox.as('ada')
      const { callback, flow } = await visit(providers, provider)
      const exchanged = value(await providers.exchange(provider, callback, flow))
      faultAt('memberships', fault)
      expect(await providers.identify(provider, exchanged)).toMatchObject({ error: { code } })
    })

    test('one organization’s failure keeps no member of another out', async () => {
      const { providers, provider } = restricted('globex', 'acme')
      world.sandbox.fault({ provider: 'github', endpoint: 'memberships', nth: 1 }, { kind: 'status', status: 502 })
      world.sandbox.fault({ provider: 'github', endpoint: 'memberships', nth: 3 }, { kind: 'status', status: 502 })
      world.sandbox.fault({ provider: 'github', endpoint: 'memberships', nth: 4 }, { kind: 'status', status: 502 })
      const { claims } = await enter(world.sandbox, providers, provider)
      expect(providers.admits(provider, claims).ok).toBe(true)
    })

    test('redirects and strangers neither open a breaker nor fill the log', async () => {
      const { providers, provider, heard } = (() => {
        const change = { breaker: { volume: 2 } }
        const opened = world.open(change, (one) => (one.kind === 'github' ? { ...one, organizations: ['acme'] } : one))
        return { ...opened, provider: named(opened.providers, 'github') }
      })()
      faultAt('memberships', { kind: 'redirect', to: 'https://evil.example/' })
      for (let n = 0; n < 4; n += 1) await enter(world.sandbox, providers, provider, 'zoe')
      world.sandbox.clearFaults()
      for (let n = 0; n < 4; n += 1) await enter(world.sandbox, providers, provider, 'zoe')
      expect(providers.health().every(({ state }) => state === 'closed')).toBe(true)
      expect([...heard('provider.call_refused'), ...heard('provider.call_failed')]).toEqual([])
      expect(asked()).toHaveLength(8)
    })

    test('tells the operator why an organization hides', async () => {
      const { providers, provider, heard } = restricted('initech')
      await enter(world.sandbox, providers, provider)
      expect(heard('provider.call_refused')).toEqual([
        { provider: 'github', endpoint_type: 'api', status: 403, code: 'app_not_approved_by_organization' },
      ])
    })
  })

  test.each([
    ['the scope was unticked', () => world.sandbox.switches.github.unticked.push('user:email')],
    [
      'the app has no permission',
      () => Object.assign(world.sandbox.switches.github, { app: 'github-app', emailPermission: false }),
    ],
  ])('signs somebody in without an address when %s', async (_name, arrange) => {
    arrange()
    const { providers, provider } = open()
    const { claims } = await enter(world.sandbox, providers, provider)
    expect(claims).toMatchObject({ email: null, emailVerified: false, name: 'Ada Example' })
  })

  // passport-github2 would end the process at the first of these.
  test.each<[string, Fault]>([
    ['a page', { kind: 'html' }],
    ['null', { kind: 'null' }],
    ['an object', { kind: 'json', body: { message: 'hello' } }],
  ])('answering %s for the addresses fails the sign-in, and nothing else', async (_name, fault) => {
    const { providers, provider } = open()
    const { callback, flow } = await visit(providers, provider)
    const exchanged = value(await providers.exchange(provider, callback, flow))
    faultAt('emails', fault)
    expect(await providers.identify(provider, exchanged)).toMatchObject({ error: { code: 'user_info_fetch_failed' } })
  })

  test.each<[string, unknown]>([
    ['holes', [null, 7, { email: 9, primary: true, verified: true }]],
    ['a proof as text', [{ email: 'eve@example.com', primary: true, verified: 'true' }]],
    ['a proof that is a number', [{ email: 'eve@example.com', primary: true, verified: 1 }]],
    ['a rank as text', [{ email: 'eve@example.com', primary: 'true', verified: true }]],
    ['nothing', []],
  ])('a list of addresses with %s proves nothing', async (_name, body) => {
    const { providers, provider } = open()
    faultAt('emails', { kind: 'json', body })
    expect((await enter(world.sandbox, providers, provider)).claims).toMatchObject({
      email: null,
      emailVerified: false,
    })
  })

  test('whoever cannot be told from a neighbour is refused', async () => {
    const { providers, provider } = open()
    const { exchanged } = await enter(world.sandbox, providers, provider)
    faultAt('userinfo', { kind: 'json', body: { id: 2 ** 53, login: 'huge' } })
    expect(await providers.identify(provider, exchanged)).toMatchObject({ error: { code: 'user_info_fetch_failed' } })
  })

  test('its refusals, all with status 200, keep their code', async () => {
    const { providers, provider } = open()
    const { callback, flow } = await visit(providers, provider)
    expect(await providers.exchange(provider, { ...callback, code: 'wrong' }, flow)).toMatchObject({
      error: { cause: { status: 200, code: 'bad_verification_code' } },
    })
    expect(await providers.refresh(provider, 'ghr_wrong')).toEqual({
      tag: 'needs_reauthorization',
      reason: 'bad_refresh_token',
    })
  })

  test.each([
    ['a wrong secret', { kind: 'json', body: { error: 'incorrect_client_credentials' } }],
    ['an unknown client', { kind: 'status', status: 404, body: { error: 'Not Found' } }],
  ] as const)('%s is ours to mend and costs nobody a grant', async (_name, fault) => {
    const { providers, provider } = open()
    faultAt('token', fault)
    expect(await providers.refresh(provider, 'ghr_good')).toMatchObject({ tag: 'client_config' })
  })

  test('an app’s tokens expire and rotate, without a word about scopes', async () => {
    world.sandbox.switches.github.app = 'github-app'
    const { providers, provider } = open()
    const { tokens } = (await enter(world.sandbox, providers, provider)).exchanged
    expect(tokens).toMatchObject({ scopes: null, refreshToken: expect.stringMatching(/^ghr_/) })
    expect(Number(tokens.expiresAt) - world.clock().getTime()).toBeCloseTo(28_800_000, -4)
    const refreshed = await providers.refresh(provider, String(tokens.refreshToken))
    expect(refreshed).toMatchObject({ tag: 'refreshed', tokens: { refreshToken: expect.stringMatching(/^ghr_/) } })
    expect(await providers.refresh(provider, String(tokens.refreshToken))).toMatchObject({
      tag: 'needs_reauthorization',
    })
  })

  test.each([
    ['its owner says so', () => Object.assign(world.sandbox.switches.github, { expiringTokens: true }), []],
    ['it asks for that', () => {}, ['offline_access']],
  ] as const)('the tokens of an OAuth app expire and rotate, too, when %s', async (_name, arrange, more) => {
    arrange()
    const scopes = ['read:user', 'user:email', ...more]
    const { providers } = world.open({}, (one) => (one.kind === 'github' ? { ...one, scopes } : one))
    const provider = named(providers, 'github')
    const { tokens } = (await enter(world.sandbox, providers, provider)).exchanged
    expect(tokens.scopes).toEqual(expect.arrayContaining(['read:user', 'user:email']))
    expect(Number(tokens.expiresAt) - world.clock().getTime()).toBeCloseTo(28_800_000, -4)
    const refreshed = await providers.refresh(provider, String(tokens.refreshToken))
    expect(refreshed).toMatchObject({ tag: 'refreshed', tokens: { refreshToken: expect.stringMatching(/^ghr_/) } })
    expect(await providers.refresh(provider, String(tokens.refreshToken))).toMatchObject({
      tag: 'needs_reauthorization',
    })
  })

  test('an expired token is made live once more, so that its refresh token can be taken back', async () => {
    world.sandbox.switches.github.app = 'github-app'
    const { providers, provider } = open()
    const { tokens } = (await enter(world.sandbox, providers, provider)).exchanged
    world.turn(9 * 3600)
    expect(await providers.revoke(provider, tokens)).toEqual({ tag: 'revoked' })
    const revoked = world.sandbox.journal.calls('github', 'revoke').map(({ status }) => status)
    expect(revoked).toEqual([404, 204])
  })

  test.each([404, 422] as const)(
    'that answers %d for a token has none such, and nothing is left to take back',
    async (status) => {
      world.sandbox.switches.github.unknownToken = status
      const { providers, provider } = open()
      const tokens = { accessToken: 'gho_gone', refreshToken: null }
      expect(await providers.revoke(provider, tokens)).toEqual({ tag: 'revoked' })
      world.sandbox.fault({ provider: 'github', endpoint: 'revoke' }, { kind: 'status', status: 401 })
      expect(await providers.revoke(provider, tokens)).toEqual({ tag: 'transient', reason: 'status_401' })
    },
  )

  test('one person’s spent quota holds up nobody else', async () => {
    const { providers, provider } = open()
    const ada = (await enter(world.sandbox, providers, provider, 'ada')).exchanged
    const linus = (await enter(world.sandbox, providers, provider, 'linus')).exchanged
    const reset = Math.floor(world.clock().getTime() / 1000) + 90
    const headers = { 'x-ratelimit-remaining': '0', 'x-ratelimit-reset': String(reset) }
    const body = { message: 'API rate limit exceeded for user ID 1.' }
    world.sandbox.fault(
      { provider: 'github', endpoint: 'userinfo', times: 1 },
      { kind: 'status', status: 403, headers, body },
    )
    const limited = await providers.identify(provider, ada)
    expect(limited).toMatchObject({ error: { code: 'provider_unavailable' } })
    expect(limited).toHaveProperty('error.retryAfter', expect.closeTo(90, -1))
    expect(await providers.identify(provider, ada)).toMatchObject({ error: { cause: { reason: 'held_off' } } })
    value(await providers.identify(provider, linus))
    world.turn(91)
    value(await providers.identify(provider, ada))
  })

  test('the token travels in a header, the secret in the body of the token request alone', async () => {
    const { providers, provider } = open()
    const { exchanged } = await enter(world.sandbox, providers, provider)
    await providers.revoke(provider, exchanged.tokens)
    const [revoke] = world.sandbox.journal.calls('github', 'revoke')
    expect(revoke).toMatchObject({
      method: 'DELETE',
      body: { access_token: exchanged.tokens.accessToken },
      status: 204,
    })
    for (const { path, query } of world.sandbox.journal.calls('github')) {
      expect(path + JSON.stringify(query)).not.toContain(exchanged.tokens.accessToken)
      expect(query).not.toHaveProperty('client_secret')
    }
  })
})
