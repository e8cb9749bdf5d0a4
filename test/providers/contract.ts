/**
 * What every provider promises, over real HTTP. A new provider is one file, one line in the registry, and one call of
 * `providerContract`.
 */
import { createHash } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { CLIENTS, lookAlikeOf } from '../../sandbox/providers/index.ts'
import type { Fault, ProviderId, Sandbox } from '../../sandbox/sandbox.ts'
import type { Claims, ProviderSettings, TokenAuth } from '../../src/providers/provider.ts'
import { enter, named, startWorld, type TestWorld, value, visit } from './fixture.ts'

export type Promised = {
  /** The exact claims of these sandbox users. */
  readonly claims: Readonly<Record<'ada' | 'linus' | 'mallory', (subject: string) => Claims>>
  /** The provider's own name for the subject field, to remove it. */
  readonly withoutSubject: (body: Record<string, unknown>) => unknown
  /** Ada's claims when everything but her subject has the wrong type: these, or `nobody`. */
  readonly spoilt: Omit<Claims, 'subject'> | 'nobody'
  /** Prepares the sandbox for revocations. */
  readonly arrangeRevocation?: (sandbox: Sandbox) => void
  /** Prepares the sandbox for clients that authenticate in this way, if it accepts only one at a time. */
  readonly acceptTokenAuth?: (sandbox: Sandbox, tokenAuth: TokenAuth) => void
  /** The ways in which it authenticates clients; both by default. */
  readonly tokenAuths?: readonly TokenAuth[]
  /** `false` if a revocation does not carry the configured client authentication. */
  readonly authenticatesRevocation?: false
  /** Whether tokens can be revoked there; `true` by default. */
  readonly revokes?: false
  /** Whether the access token stays valid after a revocation. */
  readonly revokesOnlyRefreshTokens?: true
  /** The claims that UserInfo alone proves, where they differ: those that count only in an id_token are missing. */
  readonly userinfoAlone?: Partial<Claims>
  /** Whether it supports PKCE as it is registered; `true` by default. */
  readonly usesPkce?: false
  /** A provider may be registered in more than one way: the name and setup of this one. */
  readonly registered?: {
    readonly as: string
    readonly arrange: (sandbox: Sandbox) => void
    readonly configure?: (settings: ProviderSettings, sandbox: Sandbox) => ProviderSettings
  }
}

const unavailable: readonly [string, Fault][] = [
  ['closes the connection', { kind: 'reset' }],
  ['loses the response', { kind: 'lost-answer' }],
  ['ends in the middle of the body', { kind: 'truncate-fin' }],
  ['resets in the middle of the body', { kind: 'truncate-rst' }],
  ['returns 500 with an HTML page', { kind: 'status', status: 500, body: '<h1>Unicorn</h1>' }],
  ['returns 503 without a body', { kind: 'status', status: 503 }],
  ['times out with 408', { kind: 'status', status: 408 }],
  ['asks to slow down', { kind: 'status', status: 429, body: { error: 'slow_down' } }],
]
const garbage: readonly [string, Fault][] = [
  ['returns an HTML page', { kind: 'html' }],
  ['returns null', { kind: 'null' }],
  ['returns half of its JSON', { kind: 'not-json' }],
  ['returns too large a response', { kind: 'huge' }],
  ['returns a compressed response without being asked', { kind: 'gzip-bomb' }],
  ['returns a number', { kind: 'json', body: 42 }],
  ['returns text', { kind: 'json', body: 'access_token' }],
  ['returns a list', { kind: 'json', body: [] }],
  ['returns an empty object', { kind: 'json', body: {} }],
  ['returns 204', { kind: 'status', status: 204 }],
]
const badTokens: readonly [string, Fault][] = [
  ['returns a number for a token', { kind: 'json', body: { access_token: 123, token_type: 'Bearer' } }],
  ['returns null for a token', { kind: 'json', body: { access_token: null, token_type: 'Bearer' } }],
  ['returns an empty token', { kind: 'json', body: { access_token: '', token_type: 'Bearer' } }],
  [
    'returns a token with a line break',
    { kind: 'json', body: { access_token: 'a\r\nX-Admin: 1', token_type: 'Bearer' } },
  ],
  ['returns a token of another type', { kind: 'json', body: { access_token: 'a', token_type: 'mac' } }],
  ['returns an object for a refresh token', { kind: 'json', body: { access_token: 'a', refresh_token: {} } }],
  ['returns an error beside a token', { kind: 'json', body: { access_token: 'a', error: 'access_denied' } }],
]

/** Ada's claims as most providers send them, with what this provider sends differently, and with what differs for a user. */
export const personWith =
  (usual: (subject: string) => Partial<Claims>) =>
  (more: Partial<Claims> = {}) =>
  (subject: string): Claims => ({
    subject,
    email: 'ada@example.com',
    emailVerified: true,
    emailAuthoritative: false,
    name: 'Ada Example',
    picture: null,
    ...usual(subject),
    ...more,
  })

/** Empty claims. */
export const nothing = { email: null, emailVerified: false, emailAuthoritative: false, name: null, picture: null }

/** What an OpenID provider promises that returns the standard claims, and no picture unless one is given. */
export function standardClaims(picture: (key: string) => string | null = () => null, more: Partial<Claims> = {}) {
  const person =
    (key: string, own: Partial<Claims>) =>
    (subject: string): Claims => ({
      subject,
      email: 'ada@example.com',
      emailVerified: true,
      emailAuthoritative: false,
      name: 'Ada Example',
      picture: picture(key),
      ...more,
      ...own,
    })
  return {
    claims: {
      ada: person('ada', {}),
      linus: person('linus', { name: 'Linus Private', email: null, emailVerified: false }),
      mallory: person('mallory', { name: 'Mallory Example', emailVerified: false }),
    },
    spoilt: { ...nothing, ...more },
    withoutSubject: ({ sub: _sub, ...body }: Record<string, unknown>) => body,
  } satisfies Promised
}

/** Replaces every value of the response, at any depth, except this subject. */
function spoil(value: unknown, subject: string, wrong: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => spoil(one, subject, wrong))
  if (typeof value !== 'object' || value === null) return String(value) === subject ? value : wrong
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, spoil(one, subject, wrong)]))
}

export function providerContract(kind: ProviderId, promised: Promised): void {
  describe(`with ${promised.registered?.as ?? kind}, as with every provider,`, () => {
    let world: TestWorld
    beforeAll(async () => {
      world = await startWorld()
      await world.warm(kind)
    })
    const configured = (one: ProviderSettings): ProviderSettings =>
      one.kind === kind ? (promised.registered?.configure?.(one, world.sandbox) ?? one) : one
    beforeEach(() => promised.registered?.arrange(world.sandbox))
    afterEach(() => world.reset())
    afterAll(() => world.close())

    const open = (breaker = {}, more: Partial<ProviderSettings> = {}) => {
      const opened = world.open({ breaker }, (one) => configured(one.kind === kind ? { ...one, ...more } : one))
      return { ...opened, provider: named(opened.providers, kind) }
    }
    /** One that waits only a second for a response, once it knows the provider's endpoints. */
    const openHurried = async () => {
      const opened = open({ timeoutMs: 1000 })
      const { providers, provider, heard } = opened
      const ask = { redirectUri: String(provider.redirectUris.default), intent: 'login' } as const
      await expect.poll(() => providers.begin(provider, ask)).toMatchObject({ ok: true })
      const before = heard('provider.call_failed').length
      return { ...opened, failedCalls: () => heard('provider.call_failed').slice(before) }
    }
    const usesPkce = promised.usesPkce !== false
    const { signSecret, paths } = lookAlikeOf(kind)
    const hasUserinfo = paths.userinfo !== undefined
    const tokenCalls = () => world.sandbox.journal.calls(kind, 'token').length

    function revocation(): void {
      test('a token is revoked, and an unknown one counts as revoked', async () => {
        promised.arrangeRevocation?.(world.sandbox)
        const { providers, provider } = open()
        const { exchanged } = await enter(world.sandbox, providers, provider)
        expect(await providers.revoke(provider, exchanged.tokens)).toEqual({ tag: 'revoked' })
        if (hasUserinfo)
          expect(await providers.identify(provider, exchanged)).toMatchObject(
            promised.revokesOnlyRefreshTokens ? { ok: true } : { error: { code: 'user_info_fetch_failed' } },
          )
        expect(await providers.revoke(provider, exchanged.tokens)).toEqual({ tag: 'revoked' })
        for (const { path, query } of world.sandbox.journal.calls(kind, 'revoke'))
          expect(JSON.stringify([path, query])).not.toContain(exchanged.tokens.accessToken)
      })

      test('a revocation the provider cannot process now is retried later', async () => {
        const { providers, provider } = open()
        const { exchanged } = await enter(world.sandbox, providers, provider)
        const fault: Fault = { kind: 'status', status: 503, headers: { 'retry-after': '30' } }
        world.sandbox.fault({ provider: kind, endpoint: 'revoke' }, fault)
        expect(await providers.revoke(provider, exchanged.tokens)).toEqual({
          tag: 'transient',
          reason: 'status_503',
          retryAfter: 30,
        })
      })
    }

    describe('signing in', () => {
      test.each(['ada', 'linus', 'mallory'] as const)(
        'returns the claims of %s as the provider sent them',
        async (who) => {
          const { providers, provider } = open()
          const { claims } = await enter(world.sandbox, providers, provider, who)
          expect(claims.subject).toMatch(/^\S+$/)
          expect(claims).toEqual(promised.claims[who](claims.subject))
        },
      )

      test('uses PKCE, if the provider supports it, and a random state, and sends no secret', async () => {
        const { providers, provider } = open()
        const { url, state, verifier } = await visit(providers, provider)
        const asked = Object.fromEntries(url.searchParams)
        expect(asked).toMatchObject({
          response_type: 'code',
          client_id: provider.clientId,
          redirect_uri: provider.redirectUris.default,
          state,
        })
        expect([asked.code_challenge_method, asked.code_challenge]).toEqual(
          usesPkce ? ['S256', createHash('sha256').update(verifier).digest('base64url')] : [undefined, undefined],
        )
        expect(verifier).toMatch(usesPkce ? /^[\w.~-]{43,128}$/ : /^$/)
        expect(Buffer.from(state, 'base64url').length).toBeGreaterThanOrEqual(32)
        expect(asked).not.toHaveProperty('client_secret')
        expect(provider.authorizeOrigin()).toBe(url.origin)
      })

      test('never repeats a state, a verifier or a nonce', async () => {
        const { providers, provider } = open()
        const ask = { redirectUri: String(provider.redirectUris.default), intent: 'login' } as const
        const begun = await Promise.all(
          Array.from({ length: 50 }, async () => value(await providers.begin(provider, ask))),
        )
        const secrets = begun.flatMap(({ state, verifier, nonce }) => [
          state,
          ...(usesPkce ? [verifier] : []),
          ...(nonce === null ? [] : [nonce]),
        ])
        expect(new Set(secrets).size).toBe(secrets.length)
      })

      test('keeps tokens out of URLs, sends the verifier of its challenge, and names its user agent', async () => {
        const { providers, provider } = open()
        const { exchanged } = await enter(world.sandbox, providers, provider)
        const calls = world.sandbox.journal.calls(kind).filter(({ endpoint }) => endpoint !== 'authorize')
        expect(calls.length).toBeGreaterThanOrEqual(hasUserinfo ? 2 : 1)
        for (const { path, query, headers } of calls) {
          expect(JSON.stringify([path, query])).not.toContain(exchanged.tokens.accessToken)
          expect(headers['user-agent']).toBe('vinculum')
          expect(headers['accept-encoding']).toBe('identity')
        }
        const asked = world.sandbox.journal.calls(kind, 'authorize')[0]?.query.code_challenge
        const shown = world.sandbox.journal.calls(kind, 'token')[0]?.body.code_verifier
        const challenge = usesPkce ? createHash('sha256').update(String(shown)).digest('base64url') : shown
        expect(challenge).toBe(asked)
        expect(asked === undefined).toBe(!usesPkce)
        const who = world.sandbox.journal.calls(kind, 'userinfo')[0]?.headers.authorization
        expect(who).toBe(hasUserinfo ? `Bearer ${exchanged.tokens.accessToken}` : undefined)
      })

      test('returns each of two overlapping callbacks its own user', async () => {
        const { providers, provider } = open()
        const people = ['ada', 'mallory', 'grace', 'linus'] as const
        const alone = new Map<string, string>()
        for (const who of people) alone.set(who, (await enter(world.sandbox, providers, provider, who)).claims.subject)
        const visits = []
        for (const who of people) {
          world.sandbox.as(who)
          visits.push({ who, ...(await visit(providers, provider)) })
        }
        // The first callback to arrive gets its response last.
        world.sandbox.fault({ provider: kind, endpoint: 'token', times: 1 }, { kind: 'slow', ms: 100 })
        const together = await Promise.all(
          visits.map(async ({ who, callback, flow }) => {
            const exchanged = value(await providers.exchange(provider, callback, flow))
            return [who, value(await providers.identify(provider, exchanged)).subject] as const
          }),
        )
        expect(new Map(together)).toEqual(alone)
      })
    })

    describe('the exchange', () => {
      const refusedWith = async (change: (visited: Awaited<ReturnType<typeof visit>>) => void) => {
        const { providers, provider, heard } = open()
        const visited = await visit(providers, provider)
        change(visited)
        const refused = await providers.exchange(provider, visited.callback, visited.flow)
        expect(refused).toMatchObject({
          ok: false,
          error: { code: 'token_exchange_failed', cause: { kind: 'refused' } },
        })
        expect(heard('provider.call_failed')).toEqual([])
        // The operator reads here what no one else sees.
        expect(heard('provider.call_refused')).toEqual([
          {
            provider: provider.id,
            endpoint_type: 'token',
            status: expect.any(Number),
            code: expect.stringMatching(/^[a-z_]+$/),
          },
        ])
      }

      test('is refused for an invalid code', () =>
        refusedWith(({ callback }) => {
          callback.code = '4/0nobodys-code'
        }))
      test('is refused for another redirect URI', () =>
        refusedWith(({ flow }) => {
          flow.redirectUri = 'http://localhost:9/elsewhere'
        }))
      if (usesPkce)
        test('is refused for another verifier', () =>
          refusedWith(({ flow }) => {
            flow.verifier = 'x'.repeat(43)
          }))

      test('is refused for a code used before', async () => {
        const { providers, provider } = open()
        const { callback, flow } = await visit(providers, provider)
        value(await providers.exchange(provider, callback, flow))
        expect(await providers.exchange(provider, callback, flow)).toMatchObject({
          ok: false,
          error: { code: 'token_exchange_failed' },
        })
      })

      test.each([
        ['an empty code', ''],
        ['a code with a line break', '4/0code\r\nX-Admin: 1'],
        ['a code with a space', '4/0 code'],
        ['a code beyond ASCII', '4/0códe'],
        ['a code with a NUL', '4/0code\0'],
        ['a code that is too long', 'x'.repeat(4097)],
      ])('sends no request for %s', async (_name, code) => {
        const { providers, provider } = open()
        const { callback, flow } = await visit(providers, provider)
        // Another instance, which has discovered nothing yet.
        const fresh = open()
        const calls = world.sandbox.journal.length
        const answer = await fresh.providers.exchange(fresh.provider, { ...callback, code }, flow)
        expect(answer).toMatchObject({ ok: false, error: { code: 'token_exchange_failed' } })
        expect(world.sandbox.journal).toHaveLength(calls)
        expect(fresh.heard('provider.call_failed')).toEqual([])
      })

      test('sends a code of 4096 characters to the provider', async () => {
        const { providers, provider } = open()
        const { callback, flow } = await visit(providers, provider)
        await providers.exchange(provider, { ...callback, code: 'x'.repeat(4096) }, flow)
        expect(tokenCalls()).toBe(1)
      })

      test.each(unavailable)(
        'reports the provider as unavailable when it %s, and does not send the code twice',
        async (_name, fault) => {
          const { providers, provider } = open()
          const { callback, flow } = await visit(providers, provider)
          world.sandbox.fault({ provider: kind, endpoint: 'token' }, fault)
          const answer = await providers.exchange(provider, callback, flow)
          expect(answer).toMatchObject({
            ok: false,
            error: { code: 'provider_unavailable', params: { provider: provider.name } },
          })
          expect(answer).toHaveProperty('error.retryAfter', expect.any(Number))
          expect(tokenCalls()).toBe(1)
        },
      )

      test.each([...garbage, ...badTokens])('fails when the provider %s', async (_name, fault) => {
        const { providers, provider } = open()
        const { callback, flow } = await visit(providers, provider)
        world.sandbox.fault({ provider: kind, endpoint: 'token' }, fault)
        expect(await providers.exchange(provider, callback, flow)).toMatchObject({
          ok: false,
          error: { code: 'token_exchange_failed' },
        })
        expect(tokenCalls()).toBe(1)
      })

      test('reads at most a megabyte of a response', async () => {
        const { providers, provider } = open()
        const { callback, flow } = await visit(providers, provider)
        world.sandbox.fault({ provider: kind, endpoint: 'token' }, { kind: 'huge' })
        expect(await providers.exchange(provider, callback, flow)).toMatchObject({
          error: { code: 'token_exchange_failed', cause: { reason: 'too_large' } },
        })
      })

      test.each<[string, Fault]>([
        ['never responds', { kind: 'hang' }],
        ['responds a byte at a time', { kind: 'drip' }],
      ])('ends at the deadline when the provider %s', async (_name, fault) => {
        const patient = open()
        const { callback, flow } = await visit(patient.providers, patient.provider)
        const { providers, provider, failedCalls } = await openHurried()
        world.sandbox.fault({ provider: kind, endpoint: 'token' }, fault)
        expect(await providers.exchange(provider, callback, flow)).toMatchObject({
          ok: false,
          error: { code: 'provider_unavailable', cause: { reason: 'timeout' } },
        })
        expect(failedCalls()).toEqual([{ provider: provider.id, endpoint_type: 'token', reason: 'timeout' }])
      })

      test.each([301, 302, 303, 307, 308] as const)(
        'does not follow a %d, which would carry the secret along',
        async (status) => {
          const { providers, provider } = open()
          const { callback, flow } = await visit(providers, provider)
          world.sandbox.fault(
            { provider: kind, endpoint: 'token' },
            { kind: 'redirect', to: `${world.sandbox.url}/github/elsewhere`, status },
          )
          expect(await providers.exchange(provider, callback, flow)).toMatchObject({
            ok: false,
            error: { code: 'token_exchange_failed', cause: { reason: 'redirect' } },
          })
          expect(world.sandbox.journal.filter(({ path }) => path.endsWith('/elsewhere'))).toEqual([])
        },
      )

      test('logs a class and a code for a refusal, never a secret', async () => {
        const { providers, provider, heard } = open()
        const { callback, flow } = await visit(providers, provider)
        world.sandbox.fault(
          { provider: kind, endpoint: 'token' },
          {
            kind: 'status',
            status: 400,
            body: { error: callback.code.slice(0, 40), error_description: callback.code },
          },
        )
        const refused = await providers.exchange(provider, callback, flow)
        const logged = JSON.stringify([refused, heard('provider.call_refused')])
        expect(heard('provider.call_refused')).toHaveLength(1)
        for (const secret of [callback.code.slice(0, 20), callback.state, ...(usesPkce ? [flow.verifier] : [])])
          expect(logged).not.toContain(secret)
      })
    })

    if (hasUserinfo)
      describe('the UserInfo request', () => {
        const arrive = async (breaker = {}) => {
          const opened = open(breaker)
          const { callback, flow } = await visit(opened.providers, opened.provider)
          return { ...opened, exchanged: value(await opened.providers.exchange(opened.provider, callback, flow)) }
        }

        test.each(unavailable)('reports the provider as unavailable when it %s', async (_name, fault) => {
          const { providers, provider, exchanged } = await arrive()
          world.sandbox.fault({ provider: kind, endpoint: 'userinfo' }, fault)
          expect(await providers.identify(provider, exchanged)).toMatchObject({
            ok: false,
            error: { code: 'provider_unavailable' },
          })
        })

        test.each<[string, Fault]>([
          ...garbage,
          ['names no subject', { kind: 'mutate', change: promised.withoutSubject }],
          ['refuses the token', { kind: 'status', status: 401, body: { message: 'Bad credentials' } }],
          ['redirects', { kind: 'redirect', to: 'http://127.0.0.1:9/' }],
        ])('fails when the provider %s', async (_name, fault) => {
          const { providers, provider, exchanged } = await arrive()
          world.sandbox.fault({ provider: kind, endpoint: 'userinfo' }, fault)
          expect(await providers.identify(provider, exchanged)).toMatchObject({
            ok: false,
            error: { code: 'user_info_fetch_failed' },
          })
        })

        test.each([{}, [], true, 7, '', null].map((wrong) => ({ wrong })))(
          'returns only the subject when all other claims are $wrong, and fails when the subject is, too',
          async ({ wrong }) => {
            const { providers, provider, exchanged } = await arrive()
            const { subject } = value(await providers.identify(provider, exchanged))
            const answering = (keep: string) => {
              world.sandbox.clearFaults()
              const change = (body: Record<string, unknown>) => spoil(body, keep, wrong)
              world.sandbox.fault({ provider: kind, endpoint: 'userinfo' }, { kind: 'mutate', change })
              return providers.identify(provider, exchanged)
            }
            const nobody = { ok: false, error: { code: 'user_info_fetch_failed' } }
            const known = await answering(subject)
            if (promised.spoilt === 'nobody') expect(known).toMatchObject(nobody)
            else expect(value(known)).toEqual({ ...promised.spoilt, subject })
            if (wrong !== 7) expect(await answering('nobody at all')).toMatchObject(nobody)
          },
        )

        test('ends at the deadline when the provider never responds', async () => {
          const { exchanged } = await arrive()
          const { providers, provider } = await openHurried()
          world.sandbox.fault({ provider: kind, endpoint: 'userinfo' }, { kind: 'hang' })
          expect(await providers.identify(provider, exchanged)).toMatchObject({
            error: { code: 'provider_unavailable', cause: { reason: 'timeout' } },
          })
          expect(world.sandbox.journal.calls(kind, 'userinfo')).toHaveLength(1)
        })

        test('is retried after a failure that came quickly', async () => {
          const { providers, provider, exchanged, heard } = await arrive()
          world.sandbox.fault({ provider: kind, endpoint: 'userinfo', times: 1 }, { kind: 'reset' })
          value(await providers.identify(provider, exchanged))
          expect(world.sandbox.journal.calls(kind, 'userinfo')).toHaveLength(2)
          expect(heard('provider.call_failed')).toEqual([])
        })
      })

    describe('a failing provider', () => {
      test('is not called for as long as it asks, by our clock', async () => {
        const { providers, provider } = open()
        const first = await visit(providers, provider)
        const asked: Fault = { kind: 'status', status: 429, headers: { 'retry-after': '120' } }
        world.sandbox.fault({ provider: kind, endpoint: 'token', times: 1 }, asked)
        expect(await providers.exchange(provider, first.callback, first.flow)).toMatchObject({
          error: { code: 'provider_unavailable', retryAfter: 120 },
        })
        world.turn(60)
        const second = await visit(providers, provider)
        const held = await providers.exchange(provider, second.callback, second.flow)
        expect(held).toMatchObject({ error: { code: 'provider_unavailable', cause: { reason: 'held_off' } } })
        expect(held).toHaveProperty('error.retryAfter', expect.closeTo(60, -1))
        expect(tokenCalls()).toBe(1)
        world.turn(61)
        value(await providers.exchange(provider, second.callback, second.flow))
      })

      const two = async (breaker = {}) => {
        const opened = open(breaker)
        const ada = (await enter(world.sandbox, opened.providers, opened.provider, 'ada')).exchanged
        const linus = (await enter(world.sandbox, opened.providers, opened.provider, 'linus')).exchanged
        return { ...opened, ada, linus }
      }

      if (hasUserinfo)
        test.each([429, 403])('delays one user after a %d, and nobody else', async (status) => {
          const { providers, provider, ada, linus } = await two()
          const asked: Fault = { kind: 'status', status, headers: { 'retry-after': '120' } }
          world.sandbox.fault({ provider: kind, endpoint: 'userinfo', times: 1 }, asked)
          expect(await providers.identify(provider, ada)).toMatchObject({
            error: { code: 'provider_unavailable', retryAfter: 120 },
          })
          expect(await providers.identify(provider, ada)).toMatchObject({ error: { cause: { reason: 'held_off' } } })
          value(await providers.identify(provider, linus))
        })

      if (hasUserinfo)
        test('delays every user while it reports an outage', async () => {
          const { providers, provider, ada, linus } = await two()
          const asked: Fault = { kind: 'status', status: 503, headers: { 'retry-after': '120' } }
          world.sandbox.fault({ provider: kind, endpoint: 'userinfo', times: 1 }, asked)
          await providers.identify(provider, ada)
          expect(await providers.identify(provider, linus)).toMatchObject({ error: { cause: { reason: 'held_off' } } })
        })

      if (hasUserinfo)
        test.each<[string, Fault]>([
          ['a profile that is too large', { kind: 'huge' }],
          ['a truncated profile', { kind: 'not-json' }],
          ['an HTML page for a profile', { kind: 'html' }],
          ['a list for a profile', { kind: 'json', body: [] }],
          ['null for a profile', { kind: 'null' }],
        ])('does not open the circuit breaker with %s', async (_name, fault) => {
          const { providers, provider, ada, linus, heard } = await two({ volume: 1 })
          world.sandbox.fault({ provider: kind, endpoint: 'userinfo', times: 5 }, fault)
          for (let n = 1; n <= 5; n += 1)
            expect(await providers.identify(provider, ada)).toMatchObject({ error: { code: 'user_info_fetch_failed' } })
          expect(providers.status(provider)).toBe('up')
          expect(heard('provider.breaker_changed')).toEqual([])
          value(await providers.identify(provider, linus))
        })

      if (hasUserinfo)
        test.each<[string, Fault]>([
          ['closes the connection', { kind: 'reset' }],
          ['redirects', { kind: 'redirect', to: 'http://127.0.0.1:9/' }],
          ['returns 500', { kind: 'status', status: 500 }],
          ['returns 500 with an endless page', { kind: 'status', status: 500, body: 'x'.repeat(2 * 1024 * 1024) }],
          ['never responds', { kind: 'hang' }],
        ])('opens the circuit breaker when it %s instead of returning a profile', async (_name, fault) => {
          const { providers, provider } = open({ volume: 1, ...(fault.kind === 'hang' ? { timeoutMs: 2000 } : {}) })
          world.sandbox.fault({ provider: kind, endpoint: 'userinfo' }, fault)
          const tokens = {
            accessToken: 'at',
            refreshToken: null,
            idToken: null,
            expiresAt: null,
            refreshExpiresAt: null,
            scopes: null,
          }
          await providers.identify(provider, { tokens, idToken: null })
          expect(providers.health()).toContainEqual({ provider: provider.id, endpointType: 'userinfo', state: 'open' })
        })

      test.each<[string, Fault]>([
        ['a response that is too large', { kind: 'huge' }],
        ['an HTML page', { kind: 'html' }],
        ['an invalid token', { kind: 'json', body: { access_token: 123 } }],
      ])('opens the circuit breaker when its token endpoint returns %s', async (_name, fault) => {
        const { providers, provider } = open({ volume: 1 })
        const { callback, flow } = await visit(providers, provider)
        world.sandbox.fault({ provider: kind, endpoint: 'token' }, fault)
        await providers.exchange(provider, callback, flow)
        expect(providers.health()).toContainEqual({ provider: provider.id, endpointType: 'token', state: 'open' })
      })

      test('opens the circuit breaker after enough failures, gets no calls, and recovers', async () => {
        const { providers, provider, events, heard } = open({ volume: 3, resetMs: 50 })
        const halfOpen = new Promise<void>((resolve) =>
          events.on('wait', ['provider.breaker_changed'], ({ data }) => data.state === 'half_open' && resolve()),
        )
        const { callback, flow } = await visit(providers, provider)
        world.sandbox.fault({ provider: kind, endpoint: 'token', times: 3 }, { kind: 'status', status: 503 })
        for (let n = 1; n <= 3; n += 1) {
          expect(providers.status(provider)).toBe('up')
          await providers.exchange(provider, callback, flow)
        }
        expect(providers.status(provider)).toBe('down')
        expect(providers.health()).toContainEqual({ provider: provider.id, endpointType: 'token', state: 'open' })
        expect(await providers.exchange(provider, callback, flow)).toMatchObject({
          error: { code: 'provider_unavailable', retryAfter: 1, cause: { reason: 'breaker_open' } },
        })
        expect(tokenCalls()).toBe(3)

        await halfOpen
        expect(providers.status(provider)).toBe('degraded')
        value(await providers.exchange(provider, callback, flow))
        expect(providers.status(provider)).toBe('up')
        expect(heard('provider.breaker_changed')).toEqual(
          ['open', 'half_open', 'closed'].map((state) => ({ provider: provider.id, endpoint_type: 'token', state })),
        )
        expect(heard('provider.call_failed')).toEqual(
          ['status_503', 'status_503', 'status_503', 'breaker_open'].map((reason) => ({
            provider: provider.id,
            endpoint_type: 'token',
            reason,
          })),
        )
      })

      test('does not open the circuit breaker with refusals', async () => {
        const { providers, provider } = open({ volume: 3 })
        const { callback, flow } = await visit(providers, provider)
        for (let n = 0; n < 10; n += 1)
          await providers.exchange(provider, { ...callback, code: '4/0nobodys-code' }, flow)
        expect(providers.status(provider)).toBe('up')
        value(await providers.exchange(provider, callback, flow))
      })

      test('does not affect its other endpoints or other providers', async () => {
        const { providers, provider } = open({ volume: 1 })
        const { callback, flow } = await visit(providers, provider)
        const exchanged = value(await providers.exchange(provider, callback, flow))
        world.sandbox.fault({ provider: kind, endpoint: 'token' }, { kind: 'reset' })
        // More than half of the calls must have failed, and one succeeded.
        for (let n = 0; n < 2; n += 1) await providers.exchange(provider, callback, flow)
        expect(providers.status(provider)).toBe('down')
        value(await providers.identify(provider, exchanged))
        for (const other of providers.list()) if (other.id !== provider.id) expect(providers.status(other)).toBe('up')
      })
    })

    if (signSecret === undefined)
      test.each<TokenAuth>(promised.tokenAuths ?? ['basic', 'post'])(
        'authenticates the client with %s where the operator says so: for code, refresh and revocation',
        async (tokenAuth) => {
          promised.acceptTokenAuth?.(world.sandbox, tokenAuth)
          promised.arrangeRevocation?.(world.sandbox)
          const clientSecret = CLIENTS[kind].secret
          const { providers, provider } = open({}, { tokenAuth })
          const { exchanged } = await enter(world.sandbox, providers, provider)
          // A code that was refused for its client would look the same at providers without refresh tokens.
          await providers.refresh(provider, exchanged.tokens.refreshToken ?? 'none')
          expect(await providers.revoke(provider, exchanged.tokens)).toMatchObject(
            provider.revokes === false ? { tag: 'not_supported' } : { tag: 'revoked' },
          )
          const calls = world.sandbox.journal.calls(kind, 'token')
          expect(new Set(calls.map(({ body }) => body.grant_type))).toEqual(
            new Set(['authorization_code', 'refresh_token']),
          )
          const revocations = world.sandbox.journal.calls(kind, 'revoke')
          const authenticated = promised.authenticatesRevocation === false ? calls : [...calls, ...revocations]
          for (const { headers, body } of authenticated) {
            // Both halves are form-encoded before they are joined (RFC 6749 §2.3.1).
            const halves = [provider.clientId, clientSecret].map((half) => new URLSearchParams({ '': half }).toString())
            const joined = halves.map((half) => half.slice(1)).join(':')
            expect(headers.authorization).toBe(
              tokenAuth === 'basic' ? `Basic ${Buffer.from(joined).toString('base64')}` : undefined,
            )
            expect([body.client_id, body.client_secret]).toEqual(
              tokenAuth === 'basic' ? [undefined, undefined] : [provider.clientId, clientSecret],
            )
          }
        },
      )

    if (promised.revokes === false)
      test('no token is revoked without a revocation endpoint', async () => {
        const { providers, provider } = open()
        const { exchanged } = await enter(world.sandbox, providers, provider)
        expect(provider.revokes).toBe(false)
        expect(await providers.revoke(provider, exchanged.tokens)).toEqual({ tag: 'not_supported' })
      })
    else revocation()

    if (hasUserinfo)
      test('the profile omits every field that looks like a credential', async () => {
        const { providers, provider } = open()
        const { exchanged, claims } = await enter(world.sandbox, providers, provider)
        const change = (body: Record<string, unknown>) => ({
          ...body,
          access_token: 's3cret',
          nested: { client_secret: 's3cret' },
        })
        world.sandbox.fault({ provider: kind, endpoint: 'userinfo' }, { kind: 'mutate', change })
        const token = async () => ({ ok: true as const, value: exchanged.tokens.accessToken })
        const said = value(
          await providers.profile(provider, { issuer: provider.issuer, subject: claims.subject }, token),
        )
        expect(said).toMatchObject({
          claims: { ...claims, ...promised.userinfoAlone },
          fromCache: false,
          stale: false,
        })
        expect(JSON.stringify(said)).not.toContain('s3cret')
      })
  })
}
