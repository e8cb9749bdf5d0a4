/** The traps of Passport and its family (`design.md` §3): each of these tests fails when one of them opens again. */
import { Passport } from 'passport'
import OAuth2Strategy from 'passport-oauth2'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createBus } from '../../src/events/bus.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { createGuards } from '../../src/providers/calls/guard.ts'
import { definitions } from '../../src/providers/definitions/index.ts'
import { createHandshake } from '../../src/providers/passport/handshake.ts'
import { buildStrategy, nodeOAuth } from '../../src/providers/passport/strategy.ts'
import type { Endpoints, Profile, ProviderSettings } from '../../src/providers/provider.ts'
import { type Issuer, startIssuer } from './issuer.ts'

const breaker = { timeoutMs: 5000, errorThresholdPercent: 50, volume: 100, resetMs: 60_000 }
const settings = (kind: ProviderSettings['kind']): ProviderSettings => ({
  id: kind,
  kind,
  name: kind,
  clientId: 'client',
  clientSecret: 'secret',
  redirectUris: {},
  urls: {},
  breaker,
  paths: { id: 'id' },
})

describe('passport-oauth2', () => {
  let issuer: Issuer
  let guards: ReturnType<typeof createGuards>
  beforeAll(async () => {
    issuer = await startIssuer()
    guards = createGuards({ events: createBus(systemClock), clock: systemClock, random: systemRandom })
  })
  afterEach(() => void issuer.seen.splice(0))
  afterAll(async () => {
    await guards.close()
    await issuer.close()
  })

  const build = (kind: ProviderSettings['kind']) => {
    const endpoints: Endpoints = {
      authorize: `${issuer.url}/authorize?tenant=one`,
      token: `${issuer.url}/token`,
      userinfo: `${issuer.url}/userinfo`,
      emails: null,
      revoke: null,
      jwks: null,
      clientAuth: 'post',
      issRequired: false,
    }
    return buildStrategy({
      definition: definitions[kind],
      settings: settings(kind),
      endpoints,
      scopes: ['one', 'two'],
      guard: guards.of(kind, breaker),
      clock: systemClock,
      random: systemRandom,
    })
  }
  const kinds = Object.keys(definitions) as ProviderSettings['kind'][]

  test.each(kinds)('still has the private members that our transport for %s depends on', (kind) => {
    const inner = nodeOAuth(build(kind))
    const prototype = Object.getPrototypeOf(inner)
    expect(prototype._request).toBeTypeOf('function')
    expect(prototype._request).toHaveLength(6)
    expect(Object.hasOwn(inner, '_request')).toBe(true)
    expect(prototype.getOAuthAccessToken).toHaveLength(3)
    expect(prototype.useAuthorizationHeaderforGET).toHaveLength(1)
    expect(inner).toHaveProperty('_useAuthorizationHeaderForGET', true)
    // Both the token request and the profile still use it.
    expect(String(prototype.getOAuthAccessToken)).toContain('this._request(')
    expect(String(prototype.get)).toContain('this._request(')
  })

  test('still counts parameters, and our functions have the required number', () => {
    const strategy = build('oauth2') as unknown as {
      _verify: { length: number }
      _stateStore: { store: { length: number }; verify: { length: number } }
    }
    expect(strategy._verify).toHaveLength(5)
    expect(strategy._stateStore.store).toHaveLength(5)
    expect(strategy._stateStore.verify).toHaveLength(4)
  })

  test('mixes up two overlapping callbacks of one strategy instance, but not of strategies used by name', async () => {
    type Answer = (error: unknown, user?: unknown) => void
    const answers = async (reference: 'instance' | 'name') => {
      const gates: (() => void)[] = []
      class Slow extends OAuth2Strategy {
        override authenticate(request: Parameters<OAuth2Strategy['authenticate']>[0]): void {
          gates.push(() => this.success({ who: request.query.who }))
        }
      }
      const given = { clientID: 'a', clientSecret: 'b', authorizationURL: 'http://c', tokenURL: 'http://d' }
      const slow = new Slow(given, () => {})
      const passport = new Passport().use('slow', slow)
      const got: Record<string, unknown> = {}
      for (const who of ['first', 'second']) {
        const answered: Answer = (_error, user) => {
          got[who] = user
        }
        const strategy = reference === 'name' ? 'slow' : (slow as never)
        passport.authenticate(strategy, { session: false }, answered)(
          { query: { who } } as never,
          {} as never,
          answered,
        )
      }
      for (const open of gates) open()
      return got
    }
    expect(await answers('name')).toEqual({ first: { who: 'first' }, second: { who: 'second' } })
    expect(await answers('instance')).not.toEqual({ first: { who: 'first' }, second: { who: 'second' } })
  })

  test('keeps the query of the operator’s authorization URL', async () => {
    const handshake = createHandshake()
    handshake.use('oauth2', build('oauth2'))
    const asked = {
      session: false,
      callbackURL: 'http://localhost/cb',
      scope: ['one'],
      intent: 'login',
      nonce: null,
    } as const
    const { url } = await handshake.begin('oauth2', asked)
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      tenant: 'one',
      scope: 'one',
      redirect_uri: 'http://localhost/cb',
    })
  })

  test('sends the nonce to Google, whose strategy drops unknown parameters', async () => {
    const handshake = createHandshake()
    handshake.use('google', build('google'))
    const asked = {
      session: false,
      callbackURL: 'http://localhost/cb',
      scope: ['one'],
      intent: 'login',
      nonce: 'n',
    } as const
    expect((await handshake.begin('google', asked)).url.searchParams.get('nonce')).toBe('n')
  })

  test.each(kinds)('returns an error when reading the profile of %s throws', async (kind) => {
    const handshake = createHandshake()
    const strategy = build(kind)
    handshake.use(kind, strategy)
    issuer.say('/userinfo', () => ({ id: 1, sub: '1', account_id: '1' }))
    strategy.userProfile = (token: string, _done: (error?: unknown, profile?: Profile) => void) => {
      const oauth2 = nodeOAuth(strategy)
      oauth2._request('GET', `${issuer.url}/userinfo`, null, '', token, (error) => {
        if (!error) throw new TypeError('cannot read properties of null')
        _done(error)
      })
    }
    expect(await handshake.profile(kind, 'token')).toEqual({
      ok: false,
      error: { kind: 'garbage', reason: 'unreadable_answer' },
    })
  })

  test('never sees an error of the callback, which it would return before checking the state', async () => {
    const handshake = createHandshake()
    handshake.use('oauth2', build('oauth2'))
    const forged = { code: 'c', state: 's', verifier: 'v', redirectUri: 'http://localhost/cb', error: 'access_denied' }
    issuer.say('/token', () => ({ access_token: 'at', token_type: 'Bearer' }))
    expect(await handshake.finish('oauth2', forged)).toMatchObject({ ok: true })
  })

  test('exchanges nothing without a verifier', async () => {
    const handshake = createHandshake()
    handshake.use('oauth2', build('oauth2'))
    const trip = { code: 'c', state: 's', verifier: '', redirectUri: 'http://localhost/cb' }
    expect(await handshake.finish('oauth2', trip)).toMatchObject({ ok: false })
    expect(issuer.calls('/token')).toEqual([])
  })
})
