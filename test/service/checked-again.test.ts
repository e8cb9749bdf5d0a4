import { TOTP } from 'otpauth'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { registered } from '../support/registered.ts'
import {
  type Answer,
  aboveStore,
  authOf,
  cookiesOf,
  listIn,
  pkce,
  refusalOf,
  startWorld,
  type World,
} from '../support/service.ts'

const app = 'https://app.example/in'
const files = 'https://www.googleapis.com/auth/drive.readonly'
const password = 'correct horse battery'

/** A sign-in begun on the first node ends on `later`: the service after its operator changed a setting. */
const databases = aboveStore('SQLite')
describe.each(databases)('checks made when a sign-in began are made again when it ends, on %s', (database) => {
  let world: World
  let withoutApp: string
  beforeAll(async () => {
    world = await startWorld({
      database,
      env: { RETURN_TO_ALLOWED: `${app},https://other.example`, GOOGLE_OPTIONAL_SCOPES: files },
    })
    withoutApp = (await world.another({ RETURN_TO_ALLOWED: 'https://other.example' })).base
  })
  afterAll(() => world.stop())

  const page = { accept: 'text/html' }
  /** Every row and request that a refused sign-in could leave behind. */
  const left = async () => {
    const {
      accounts,
      identities,
      sessions,
      sign_in_codes: codes,
      grants,
    } = await world.dump('accounts', 'identities', 'sessions', 'sign_in_codes', 'grants')
    return [accounts, identities, sessions, codes, grants].map((rows) => rows?.length)
  }
  /** Expects an error, and that nothing changed. */
  async function refusedAs(code: string, asking: () => Promise<Answer>): Promise<void> {
    const before = await left()
    const answer = await asking()
    expect(answer.body.code, answer.text).toBe(code)
    expect(answer.headers.get('location')).toBe(null)
    expect(await left()).toEqual(before)
  }

  type Begun = { readonly cookie: string; readonly back: URL; readonly verifier: string }
  /** A browser that an app sent to a provider, and that is about to return. */
  async function begunBy(who: string, provider = 'google', query: Record<string, string> = {}): Promise<Begun> {
    const { verifier, challenge } = pkce()
    const to = new URLSearchParams({
      return_to: app,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      ...query,
    })
    const begun = await world.call('GET', `/auth/${provider}?${to}`, { headers: page })
    expect(begun.status, begun.text).toBe(303)
    const cookie = Object.entries(cookiesOf(begun.headers))
      .map((pair) => pair.join('='))
      .join('; ')
    return { cookie, back: await world.approve(begun.headers.get('location') ?? '', who), verifier }
  }
  const comeBack = ({ back, cookie }: Begun, at = world.base, accept = 'application/json'): Promise<Answer> =>
    world.call('GET', `${back.pathname}${back.search}`, { at, headers: { cookie, accept } })

  /** A user with a password and an authenticator app. */
  async function careful({ verified = true } = {}) {
    const email = `${crypto.randomUUID()}@example.com`
    const { token } = await registered(world, email, { verified })
    const { body } = await world.call('POST', '/me/second-factor/totp', { token })
    const totp = new TOTP({ secret: String(body.secret) })
    const code = (): string => totp.generate({ timestamp: world.clock().getTime() })
    const confirmed = await world.call('POST', '/me/second-factor/totp/confirm', { token, body: { code: code() } })
    expect(confirmed.status, confirmed.text).toBe(200)
    world.turn(30)
    return { email, code }
  }
  const verified = async (): Promise<string> =>
    (await registered(world, `${crypto.randomUUID()}@example.com`, { verified: true })).email
  /** An unverified email address, with another sign-in method: the reader of its mailbox gets a separate account. */
  async function claimed(): Promise<string> {
    const who = world.newcomer()
    await world.signIn('acme', who)
    return world.emailOf(who)
  }
  const prove = (ticket: unknown, totp: string, at = world.base): Promise<Answer> =>
    world.call('POST', '/auth/second-factor', { at, body: { second_factor_ticket: ticket, totp } })

  describe('an app removed from RETURN_TO_ALLOWED', () => {
    test('receives no user from a provider, and the provider receives no token request', async () => {
      for (const accept of ['application/json', 'text/html,application/xhtml+xml']) {
        const begun = await begunBy(world.newcomer())
        const asked = world.sandbox.journal.calls('google', 'token').length
        const before = await left()
        const refused = await comeBack(begun, withoutApp, accept)
        expect([refused.status, refused.headers.get('location')], refused.text).toEqual([400, null])
        expect(world.sandbox.journal.calls('google', 'token')).toHaveLength(asked)
        expect(await left()).toEqual(before)
      }
    })

    test('receives no user from an account conflict, which stays open', async () => {
      const who = world.newcomer()
      await world.signIn('google', who)
      const begun = await begunBy(who, 'acme')
      const conflict = await comeBack(begun)
      expect(refusalOf(conflict)).toEqual([409, 'account_conflict'])
      const answer = (at: string): Promise<Answer> =>
        world.call('POST', `/auth/conflicts/${conflict.body.conflict_ticket}`, {
          at,
          body: { action: 'create' },
          headers: { cookie: begun.cookie },
        })
      await refusedAs('return_to_not_allowed', () => answer(withoutApp))
      expect(authOf(await answer(world.base)).action).toBe('created_new_user')
    })

    test('receives no user after the second factor, whose code stays unused', async () => {
      const { email, code } = await careful()
      const { challenge } = pkce()
      const form = { return_to: app, code_challenge: challenge, code_challenge_method: 'S256' }
      const browser = world.openBrowser()
      const login = await browser.ask(`${world.base}/login?${new URLSearchParams(form)}`)
      const asked = await browser.submit(login, '/login/password', { username: email, password })
      expect(asked.url.pathname).toBe('/login/second-factor')
      const ticket = await waitingTicket(email)
      await refusedAs('return_to_not_allowed', () => prove(ticket, code(), withoutApp))
      expect((await prove(ticket, code())).status).toBe(200)
    })
    /** The ticket of such a sign-in, for an app to finish: the browser's own ticket is in its cookie. */
    async function waitingTicket(email: string): Promise<string> {
      const { challenge } = pkce()
      const headers = { accept: 'text/html' }
      const login = await world.call('GET', '/login', { headers })
      const visitor = Object.entries(cookiesOf(login.headers))
        .map((pair) => pair.join('='))
        .join('; ')
      const [, csrf = ''] = /name="csrf" value="([^"]*)"/.exec(login.text) ?? []
      const asked = await world.call('POST', '/login/password', {
        form: {
          csrf,
          username: email,
          password,
          return_to: app,
          code_challenge: challenge,
          code_challenge_method: 'S256',
        },
        headers: { ...headers, cookie: visitor, origin: world.base, 'sec-fetch-site': 'same-origin' },
      })
      return cookiesOf(asked.headers).vinculum_second_factor ?? ''
    }

    test('receives no user by email code, and the code that was sent stays valid', async () => {
      const { challenge } = pkce()
      for (const email of [await verified(), await claimed()]) {
        const begun = await world.call('POST', '/auth/email', {
          body: { email, return_to: app, code_challenge: challenge, code_challenge_method: 'S256' },
        })
        const [message] = await world.mailTo(email)
        const [, code] = /^ {4}(\d{8})$/m.exec(message?.text ?? '') ?? []
        const finish = (at: string): Promise<Answer> =>
          world.call('POST', '/auth/email/finish', { at, body: { flow_token: begun.body.flow_token, code } })
        await refusedAs('return_to_not_allowed', () => finish(withoutApp))
        expect((await finish(world.base)).status).toBe(200)
      }
    })

    test('has no sign-in page and cannot exchange a code', async () => {
      const begun = await begunBy(world.newcomer())
      const sent = await comeBack(begun, world.base, 'text/html')
      const code = new URL(sent.headers.get('location') ?? '').searchParams.get('code')
      const trade = (at: string): Promise<Answer> =>
        world.call('POST', '/auth/token', {
          at,
          body: { grant_type: 'authorization_code', code, code_verifier: begun.verifier },
        })
      expect(refusalOf(await trade(withoutApp))).toEqual([400, 'code_invalid'])
      expect((await trade(world.base)).status).toBe(200)
      const login = await world.call('GET', `/login?return_to=${encodeURIComponent(app)}`, { at: withoutApp })
      expect(login.status).toBe(400)
    })
  })

  test('a redirect URI that is no longer registered cannot finish a sign-in', async () => {
    const { base: at } = await world.another({ GOOGLE_REDIRECT_URIS: 'default=http://127.0.0.1:9/elsewhere' })
    const flow = await world.begin('google')
    const back = await world.approve(flow.url, world.newcomer())
    await refusedAs('flow_mismatch', () => world.finish(flow, back, { at }))
  })

  test('a provider that was disabled ends the sign-ins begun with it, including those waiting for a second factor', async () => {
    const { base: at } = await world.another({ OAUTH_ENABLED_PROVIDERS: 'github' })
    const flow = await world.begin('google')
    const back = await world.approve(flow.url, world.newcomer())
    await refusedAs('provider_not_found', () => world.finish(flow, back, { at }))

    const who = world.newcomer()
    const { access_token: token } = await world.signIn('google', who)
    const { body } = await world.call('POST', '/me/second-factor/totp', { token })
    const totp = new TOTP({ secret: String(body.secret) })
    const code = (): string => totp.generate({ timestamp: world.clock().getTime() })
    await world.call('POST', '/me/second-factor/totp/confirm', { token, body: { code: code() } })
    world.turn(30)
    const half = await world.enter('google', who)
    await refusedAs('sign_in_overtaken', () => prove(half.body.second_factor_ticket, code(), at))
    expect((await prove(half.body.second_factor_ticket, code())).status).toBe(200)
  })

  test('no method creates an account once OAUTH_AUTO_REGISTER_NEW_USERS is off', async () => {
    const { base: at } = await world.another({ OAUTH_AUTO_REGISTER_NEW_USERS: 'false' })
    const flow = await world.begin('google')
    const back = await world.approve(flow.url, world.newcomer())
    await refusedAs('user_creation_disabled', () => world.finish(flow, back, { at }))

    const email = await claimed()
    const begun = await world.call('POST', '/auth/email', { body: { email } })
    const [message] = await world.mailTo(email)
    const [, code] = /^ {4}(\d{8})$/m.exec(message?.text ?? '') ?? []
    await refusedAs('ticket_invalid', () =>
      world.call('POST', '/auth/email/finish', { at, body: { flow_token: begun.body.flow_token, code } }),
    )

    const who = world.newcomer()
    await world.signIn('google', who)
    const asked = await world.enter('acme', who)
    await refusedAs('user_creation_disabled', () =>
      world.call('POST', `/auth/conflicts/${asked.body.conflict_ticket}`, {
        at,
        body: { action: 'create', flow_token: asked.flow.flowToken },
      }),
    )
  })

  test('an unverified email address must be verified once REQUIRE_VERIFIED_EMAIL is on, also before the second factor', async () => {
    const { base: at } = await world.another({ REQUIRE_VERIFIED_EMAIL: 'true' })
    const { email, code } = await careful({ verified: false })
    const half = await world.call('POST', '/auth/token', { body: { username: email, password } })
    await refusedAs('email_unverified', () => prove(half.body.second_factor_ticket, code(), at))
    expect((await prove(half.body.second_factor_ticket, code())).status).toBe(200)
  })

  test('scopes that are no longer offered are not granted, and the tokens that came with them are revoked', async () => {
    const { base: at } = await world.another({ GOOGLE_OPTIONAL_SCOPES: '' })
    const who = world.newcomer()
    const { access_token: token } = await world.signIn('google', who)
    const [identity] = listIn(await world.call('GET', '/me/identities', { token }))
    const more = () =>
      world.call('POST', `/me/identities/${identity?.id}/authorize`, { token, body: { scopes: [files] } })
    const finish = async (begun: Answer, node: string): Promise<Answer> => {
      const flow = {
        provider: 'google',
        url: '',
        state: String(begun.body.state),
        flowToken: String(begun.body.flow_token),
      } as const
      const back = await world.approve(String(begun.body.authorize_url), who)
      return world.finish(flow, back, { token, at: node })
    }
    const scopes = async () => listIn(await world.call('GET', '/me/identities', { token }))[0]?.scopes
    const first = await more()
    await refusedAs('scopes_not_offered', () => finish(first, at))
    expect(await scopes()).not.toContain(files)
    expect((await finish(await more(), world.base)).status).toBe(200)
    expect(await scopes()).toContain(files)
    // A scope granted while it was offered is requested again, and stays.
    const again = await more()
    expect((await finish(again, at)).status).toBe(200)
    expect(await scopes()).toContain(files)
  })
})
