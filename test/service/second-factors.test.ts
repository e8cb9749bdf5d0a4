import { TOTP } from 'otpauth'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createAuthenticator, type Lies } from '../support/authenticator.ts'
import {
  type Answer,
  type AuthAnswer,
  aboveStore,
  authOf,
  cookiesOf,
  type Json,
  listIn,
  pkce,
  refusalOf,
  startWorld,
  type World,
} from '../support/service.ts'

describe.each(aboveStore('SQLite'))('a second factor, on %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database, env: { RETURN_TO_ALLOWED: 'https://app.example/in' } })
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  type App = { readonly code: (steps?: number) => string; readonly secret: string }
  const appOf = (secret: string): App => {
    const totp = new TOTP({ secret })
    return { secret, code: (steps = 0) => totp.generate({ timestamp: world.clock().getTime() + steps * 30_000 }) }
  }
  const post = (path: string, token: string | undefined, body: object = {}): Promise<Answer> =>
    world.call('POST', path, { token, body })
  const get = (path: string, token: string): Promise<Answer> => world.call('GET', path, { token })

  type Enrolled = {
    readonly who: string
    /** The session in which the app was set up. */
    readonly before: AuthAnswer
    /** A session signed in with the app. */
    readonly auth: AuthAnswer
    readonly app: App
    readonly codes: string[]
  }
  /** A user with an authenticator app. */
  async function enrolled(who = world.newcomer(), given?: AuthAnswer): Promise<Enrolled> {
    const before = given ?? (await world.signIn('google', who))
    const begun = await post('/me/second-factor/totp', before.access_token)
    expect(begun.status, begun.text).toBe(200)
    const app = appOf(String(begun.body.secret))
    const confirmed = await post('/me/second-factor/totp/confirm', before.access_token, { code: app.code() })
    expect(confirmed.status, confirmed.text).toBe(200)
    world.turn(30)
    const auth = authOf(await prove(await half(who), { totp: app.code() }))
    world.turn(30)
    return { who, before, auth, app, codes: confirmed.body.recovery_codes as string[] }
  }
  /** The first step of a sign-in: its second-factor ticket. */
  async function half(who: string): Promise<string> {
    const refused = await world.enter('google', who)
    expect(refusalOf(refused)).toEqual([401, 'second_factor_required'])
    return String(refused.body.second_factor_ticket)
  }
  const prove = (ticket: string, proof: object): Promise<Answer> =>
    world.call('POST', '/auth/second-factor', { body: { second_factor_ticket: ticket, ...proof } })
  const amrIn = async (token: string): Promise<unknown> =>
    listIn(await get('/me/sessions', token)).find(({ current }) => current)?.amr
  const mailsTo = async (accountId: string, template: string): Promise<readonly Json[]> =>
    ((await world.dump('mails')).mails ?? []).filter(
      (mail) => mail.account_id === accountId && mail.template === template,
    )
  const failuresOf = async (accountId: string): Promise<readonly unknown[]> =>
    (await world.trail())
      .filter((row) => row.account_id === accountId && row.event === 'authentication.failed')
      .map(({ data }) => (typeof data === 'string' ? JSON.parse(data) : data))

  const disable = (accountId: string): Promise<void> =>
    world.operator(
      `update accounts set disabled_at = ${database === 'SQLite' ? '1' : 'now()'} where id = '${accountId}'`,
    )

  describe('an authenticator app', () => {
    test('is required after a provider sign-in once it is confirmed, and its code completes the sign-in', async () => {
      const { who, app, auth } = await enrolled()
      const arabic = app.code().replace(/\d/g, (digit) => String.fromCodePoint(0x660 + Number(digit)))
      const signedIn = authOf(await prove(await half(who), { totp: `${arabic.slice(0, 3)}-${arabic.slice(3)}` }))
      expect(signedIn.user.id).toBe(auth.user.id)
      expect(signedIn.provider_info.provider).toBe('google')
      expect(await amrIn(signedIn.access_token)).toEqual(['fed', 'otp', 'mfa'])
    })

    test('is required only after its first code, and its status is shown', async () => {
      const who = world.newcomer()
      const { access_token: token } = await world.signIn('google', who)
      expect((await get('/me/second-factor', token)).body).toEqual({ totp: false, recovery_codes_left: 0, since: null })
      const first = await post('/me/second-factor/totp', token)
      const { body } = await post('/me/second-factor/totp', token)
      expect(body.secret).not.toBe(first.body.secret)
      expect(body.uri).toContain(`secret=${body.secret}`)
      expect(String(body.secret)).toMatch(/^[A-Z2-7]{32}$/)
      const wrong = await post('/me/second-factor/totp/confirm', token, {
        code: appOf(String(first.body.secret)).code(),
      })
      expect(refusalOf(wrong)).toEqual([401, 'second_factor_invalid'])
      await world.signIn('google', who)
    })

    test('is stored encrypted, and its recovery codes are hashed', async () => {
      const { app, codes } = await enrolled()
      const stored = JSON.stringify(await world.dump())
      for (const secret of [app.secret, ...codes, ...codes.map((code) => code.replaceAll('-', ''))])
        expect(stored).not.toContain(secret)
      for (const secret of [app.secret, ...codes]) expect(world.logged.join('')).not.toContain(secret)
    })

    test('accepts each code once, and a wrong code leaves the ticket valid', async () => {
      const { who, app } = await enrolled()
      const code = app.code()
      authOf(await prove(await half(who), { totp: code }))
      const ticket = await half(who)
      expect(refusalOf(await prove(ticket, { totp: code }))).toEqual([401, 'second_factor_invalid'])
      expect(refusalOf(await prove(ticket, { totp: app.code(-1) }))).toEqual([401, 'second_factor_invalid'])
      expect(refusalOf(await prove(ticket, { totp: app.code(3) }))).toEqual([401, 'second_factor_invalid'])
      authOf(await prove(ticket, { totp: app.code(1) }))
      expect(refusalOf(await prove(ticket, { totp: app.code(2) }))).toEqual([400, 'ticket_invalid'])
    })

    test('accepts one of several concurrent requests with the same code', async () => {
      const { who, app } = await enrolled()
      for (let round = 0; round < 3; round++) {
        const tickets = [await half(who), await half(who), await half(who)]
        world.turn(60)
        const code = app.code()
        const answers = await Promise.all(tickets.map((ticket) => prove(ticket, { totp: code })))
        expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      }
    })

    test('ends the other sessions when added; the current one stays, without counting as two-factor', async () => {
      const who = world.newcomer()
      const other = await world.signIn('google', who)
      const { before, auth } = await enrolled(who)
      expect(refusalOf(await get('/me', other.access_token))).toEqual([401, 'session_revoked'])
      const downgrade = await post('/auth/refresh', undefined, { refresh_token: other.refresh_token })
      expect(refusalOf(downgrade)).toEqual([401, 'session_revoked'])
      expect(await mailsTo(auth.user.id, 'second_factor.added')).toHaveLength(1)
      // Adding a factor is not using one: anyone who finds this browser open could add their own.
      expect(await amrIn(before.access_token)).toEqual(['fed'])
      const refreshed = await post('/auth/refresh', undefined, { refresh_token: before.refresh_token })
      expect(await amrIn(String(refreshed.body.access_token))).toEqual(['fed'])
      const weak = await post('/me/recovery-codes', before.access_token)
      expect(refusalOf(weak)).toEqual([403, 'reauthentication_required'])
      expect(await amrIn(auth.access_token)).toEqual(['fed', 'otp', 'mfa'])
      expect((await post('/me/recovery-codes', auth.access_token)).status).toBe(200)
    })

    test('can be removed by a user who has used it, and is not required afterwards', async () => {
      const { who, app, auth } = await enrolled()
      expect(refusalOf(await post('/me/second-factor/totp', auth.access_token))).toEqual([409, 'second_factor_exists'])
      const other = authOf(await prove(await half(who), { totp: app.code() }))
      const removed = await world.call('DELETE', '/me/second-factor/totp', { token: other.access_token })
      expect(removed.status, removed.text).toBe(204)
      expect((await get('/me/second-factor', other.access_token)).body).toEqual({
        totp: false,
        recovery_codes_left: 0,
        since: null,
      })
      expect(refusalOf(await get('/me', auth.access_token))).toEqual([401, 'session_revoked'])
      expect(await mailsTo(auth.user.id, 'second_factor.removed')).toHaveLength(1)
      await world.signIn('google', who)
      const nothing = await world.call('DELETE', '/me/second-factor/totp', { token: other.access_token })
      expect(refusalOf(nothing)).toEqual([409, 'second_factor_missing'])
    })

    test('accepts a few wrong guesses and then refuses every attempt for a while', async () => {
      const { who, app, codes } = await enrolled()
      let ticket = await half(who)
      for (let guess = 0; guess < 6; guess++)
        expect(refusalOf(await prove(ticket, { totp: '000000' }))).toEqual([401, 'second_factor_invalid'])
      ticket = await half(who)
      const held = await prove(ticket, { totp: app.code() })
      expect(refusalOf(held)).toEqual([429, 'too_many_attempts'])
      expect(Number(held.headers.get('retry-after'))).toBeGreaterThan(0)
      expect(refusalOf(await prove(ticket, { recovery_code: codes[0] }))).toEqual([429, 'too_many_attempts'])
      world.turn(5)
      authOf(await prove(ticket, { totp: app.code() }))
    })
  })

  describe('a recovery code', () => {
    test('signs in once, however it is typed, and its owner is notified how many are left', async () => {
      const { who, auth, codes } = await enrolled()
      expect(codes).toHaveLength(10)
      for (const code of codes) expect(code).toMatch(/^[0-9a-hjkmnp-tv-z]{4}(-[0-9a-hjkmnp-tv-z]{4}){3}$/)
      const typed = codes[0]?.toUpperCase().replaceAll('-', ' ')
      const signedIn = authOf(await prove(await half(who), { recovery_code: typed }))
      expect((await get('/me/second-factor', signedIn.access_token)).body.recovery_codes_left).toBe(9)
      expect(refusalOf(await prove(await half(who), { recovery_code: codes[0] }))).toEqual([
        401,
        'second_factor_invalid',
      ])
      const [told] = await mailsTo(auth.user.id, 'recovery_code.used')
      expect(typeof told?.params === 'string' ? JSON.parse(told.params) : told?.params).toMatchObject({ left: '9' })
    })

    test('works for its own account only, and stops working once new codes are created', async () => {
      const mine = await enrolled()
      const other = await enrolled()
      const refused = await prove(await half(mine.who), { recovery_code: other.codes[0] })
      expect(refusalOf(refused)).toEqual([401, 'second_factor_invalid'])
      const made = await post('/me/recovery-codes', mine.auth.access_token)
      const [fresh] = made.body.recovery_codes as string[]
      const old = await prove(await half(mine.who), { recovery_code: mine.codes[1] })
      expect(refusalOf(old)).toEqual([401, 'second_factor_invalid'])
      authOf(await prove(await half(mine.who), { recovery_code: fresh }))
      expect((await get('/me/second-factor', mine.auth.access_token)).body.recovery_codes_left).toBe(9)
    })

    test('is not created for a user without a second factor', async () => {
      const { access_token: token } = await world.signIn('google', world.newcomer())
      expect(refusalOf(await post('/me/recovery-codes', token))).toEqual([409, 'second_factor_missing'])
      expect(refusalOf(await post('/me/second-factor', token))).toEqual([403, 'reauthentication_required'])
    })
  })

  describe('a pending second-factor sign-in', () => {
    test('grants no access by itself', async () => {
      const { who } = await enrolled()
      const ticket = await half(who)
      expect(refusalOf(await get('/me', ticket))).toEqual([401, 'token_invalid'])
      expect((await world.call('POST', '/auth/refresh', { body: { refresh_token: ticket } })).status).toBe(401)
      const cookie = `vinculum_session=${ticket}`
      expect((await world.call('GET', '/me', { headers: { cookie } })).status).toBe(401)
    })

    test('belongs to its account: another user’s code does not complete it', async () => {
      const [mine, other] = [await enrolled(), await enrolled()]
      const ticket = await half(mine.who)
      expect(refusalOf(await prove(ticket, { totp: other.app.code() }))).toEqual([401, 'second_factor_invalid'])
      expect(await failuresOf(mine.auth.user.id)).toContainEqual({
        provider: 'google',
        code: 'second_factor_invalid',
        intent: 'login',
      })
    })

    test('ends after ten minutes, and with any change of the factors', async () => {
      const { who, app, auth } = await enrolled()
      const old = await half(who)
      world.turn(601)
      expect(refusalOf(await prove(old, { totp: app.code() }))).toEqual([400, 'ticket_invalid'])
      const waiting = await half(who)
      const arabic = app.code().replace(/\d/g, (digit) => String.fromCodePoint(0x660 + Number(digit)))
      const signedIn = authOf(await prove(await half(who), { totp: `${arabic.slice(0, 3)}-${arabic.slice(3)}` }))
      expect((await world.call('DELETE', '/me/second-factor', { token: signedIn.access_token })).status).toBe(204)
      expect(refusalOf(await prove(waiting, { totp: app.code(1) }))).toEqual([400, 'ticket_invalid'])
      expect(refusalOf(await get('/me', auth.access_token))).toEqual([401, 'session_revoked'])
    })

    test('is completed once, however many correct responses arrive concurrently', async () => {
      const { who, codes } = await enrolled()
      const ticket = await half(who)
      const answers = await Promise.all(codes.slice(0, 4).map((code) => prove(ticket, { recovery_code: code })))
      expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
      for (const { status, body } of answers)
        if (status !== 200) expect(['sign_in_overtaken', 'ticket_invalid']).toContain(body.code)
    })

    test('accepts exactly one response, of one kind', async () => {
      const { who, app, codes } = await enrolled()
      const ticket = await half(who)
      expect(refusalOf(await prove(ticket, {}))).toEqual([400, 'invalid_request'])
      const both = await prove(ticket, { totp: app.code(), recovery_code: codes[0] })
      expect(refusalOf(both)).toEqual([400, 'invalid_request'])
      expect(refusalOf(await prove(ticket, { totp: 'abc' }))).toEqual([400, 'invalid_request'])
      expect(refusalOf(await prove('unknown', { totp: '123456' }))).toEqual([400, 'ticket_invalid'])
    })

    test('of a disabled account is refused', async () => {
      const { who, app, auth } = await enrolled()
      const ticket = await half(who)
      await disable(auth.user.id)
      expect(refusalOf(await prove(ticket, { totp: app.code() }))).toEqual([403, 'user_disabled'])
    })
  })

  describe('is required', () => {
    test('from an older session for sensitive actions', async () => {
      const { auth, who, app } = await enrolled()
      world.turn(700)
      expect(refusalOf(await post('/me/recovery-codes', auth.access_token))).toEqual([403, 'reauthentication_required'])
      const fresh = authOf(await prove(await half(who), { totp: app.code() }))
      expect((await post('/me/recovery-codes', fresh.access_token)).status).toBe(200)
      // A recent session without the factor, as if it were left from before.
      await world.operator(`update sessions set amr = '["fed"]' where account_id = '${auth.user.id}'`)
      for (const [method, path] of [
        ['POST', '/me/recovery-codes'],
        ['DELETE', '/me/second-factor'],
        ['DELETE', '/me/second-factor/totp'],
        ['POST', '/me/passkeys/options'],
        ['DELETE', '/me'],
      ] as const)
        expect(refusalOf(await world.call(method, path, { token: fresh.access_token })), path).toEqual([
          403,
          'reauthentication_required',
        ])
      const linking = await world.call('POST', '/auth/github/authorize', {
        token: fresh.access_token,
        body: { intent: 'link' },
      })
      expect(refusalOf(linking)).toEqual([403, 'reauthentication_required'])
    })

    test('from a sign-in through another linked provider, too', async () => {
      const who = world.newcomer()
      const auth = await world.signIn('google', who)
      expect((await world.enter('github', who)).status).toBe(200)
      await enrolled(who, auth)
      for (const provider of ['google', 'github'] as const)
        expect(refusalOf(await world.enter(provider, who))).toEqual([401, 'second_factor_required'])
    })

    test('from a sign-in that was in progress when it was enabled', async () => {
      for (let round = 0; round < 5; round++) {
        const who = world.newcomer()
        const auth = await world.signIn('google', who)
        const app = appOf(String((await post('/me/second-factor/totp', auth.access_token)).body.secret))
        const flow = await world.begin('google')
        const back = await world.approve(flow.url, who)
        const [entered, confirmed] = await Promise.all([
          world.finish(flow, back),
          post('/me/second-factor/totp/confirm', auth.access_token, { code: app.code() }),
        ])
        expect(confirmed.status).toBe(200)
        if (entered.status === 200)
          expect(refusalOf(await get('/me', String(entered.body.access_token)))).toEqual([401, 'session_revoked'])
      }
    })

    test('from the user who resolves an account conflict, and again at sign-in', async () => {
      const { who, auth, app } = await enrolled()
      const asked = await world.enter('atlassian', who)
      expect(refusalOf(asked)).toEqual([409, 'account_conflict'])
      const link = (token: string) =>
        world.call('POST', `/auth/conflicts/${asked.body.conflict_ticket}`, {
          token,
          body: { action: 'link', flow_token: asked.flow.flowToken },
        })
      await world.operator(`update sessions set amr = '["fed"]' where account_id = '${auth.user.id}'`)
      expect(refusalOf(await link(auth.access_token))).toEqual([401, 'proof_required'])
      const { access_token: strong } = authOf(await prove(await half(who), { totp: app.code() }))
      const linked = await link(strong)
      expect(refusalOf(linked)).toEqual([401, 'second_factor_required'])
      expect(listIn(await get('/me/identities', strong))).toHaveLength(2)
      const entered = await prove(String(linked.body.second_factor_ticket), { totp: app.code(1) })
      expect(authOf(entered).provider_info.provider).toBe('atlassian')
    })

    test('except from a provider the operator trusts to ask for it', async () => {
      const { who, auth } = await enrolled()
      const { base: at } = await world.another({ GOOGLE_SECOND_FACTOR: 'trusted' })
      const entered = authOf(await world.enter('google', who, { at }))
      expect(entered.user.id).toBe(auth.user.id)
      expect(await amrIn(entered.access_token)).toEqual(['fed', 'mfa'])
      expect((await post('/me/recovery-codes', entered.access_token)).status).toBe(200)
    })
  })

  describe('in a browser', () => {
    test('the page asks for it and continues to where the sign-in was going', async () => {
      const { who, app } = await enrolled()
      const browser = world.openBrowser()
      const first = await browser.signIn('google', who, { return_to: '/account/activity' })
      expect([first.status, first.headers.get('location')]).toEqual([303, '/login/second-factor'])
      expect(Object.keys(cookiesOf(first.headers)).some((name) => name.endsWith('session'))).toBe(false)
      const page = await browser.ask(new URL('/login/second-factor', world.base))
      expect(page.status).toBe(200)
      const wrong = await browser.submit(page, '/login/second-factor', { totp: '000000' })
      expect(wrong.status).toBe(401)
      const fullWidth = app.code().replace(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)))
      const done = await browser.submit(wrong, '/login/second-factor', { totp: fullWidth })
      expect([done.status, done.url.pathname]).toEqual([200, '/account/activity'])
      const again = await browser.ask(new URL('/login/second-factor', world.base))
      expect(again.headers.get('location')).toBe('/login')
    })

    test('an app on another origin gets its code, and no session stays behind', async () => {
      const { who, app, auth } = await enrolled()
      const { verifier, challenge } = pkce()
      const browser = world.openBrowser()
      await browser.signIn('google', who, {
        return_to: 'https://app.example/in',
        code_challenge: challenge,
        code_challenge_method: 'S256',
      })
      const page = await browser.ask(new URL('/login/second-factor', world.base))
      const done = await browser.submit(page, '/login/second-factor', { totp: app.code() })
      const [, code] = /https:\/\/app\.example\/in\?code=([\w-]+)/.exec(done.text) ?? []
      const traded = await world.call('POST', '/auth/token', {
        body: { grant_type: 'authorization_code', code, code_verifier: verifier },
      })
      expect(authOf(traded).user.id).toBe(auth.user.id)
      expect((await browser.json('GET', '/me')).status).toBe(401)
    })
  })

  describe('a passkey', () => {
    type Options = Readonly<Record<string, unknown>>
    const device = () => createAuthenticator(world.base)
    const add = async (
      token: string,
      on: ReturnType<typeof device>,
      { lies = {}, name = 'My phone' }: { lies?: Lies; name?: string | null } = {},
    ): Promise<Answer> => {
      const { body } = await post('/me/passkeys/options', token)
      const response = on.create(body.options as Options, lies)
      return post('/me/passkeys', token, { flow_token: body.flow_token, response, ...(name === null ? {} : { name }) })
    }
    const enter = async (on: ReturnType<typeof device>, lies: Lies = {}): Promise<Answer> => {
      const { body } = await post('/auth/passkey/options', undefined)
      const response = on.get(body.options as Options, lies)
      return post('/auth/passkey', undefined, { flow_token: body.flow_token, response })
    }

    test('is registered without its attestation being trusted: certificates could name URLs to fetch', async () => {
      const { access_token: token, user } = await world.signIn('google', world.newcomer())
      const mine = device()
      // With any root certificate configured, the library would fetch this certificate's revocation list.
      const statement = new Map<string, unknown>([
        ['alg', -7],
        ['sig', Buffer.alloc(70)],
        ['x5c', [Buffer.alloc(300), Buffer.alloc(300)]],
      ])
      const added = await add(token, mine, { lies: { attestation: { fmt: 'android-key', statement } } })
      expect(added.status, added.text).toBe(201)
      const { body } = await enter(mine)
      expect((await get('/me', String(body.access_token))).body.id).toBe(user.id)
    })

    test('has the name of its authenticator until its user names it', async () => {
      const { access_token: token } = await world.signIn('google', world.newcomer())
      const cases = [
        ['ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4', 'Google Password Manager', 'Google Password Manager'],
        ['D548826E-79B4-DB40-A3D8-11116F7E8349', 'Bitwarden', 'Bitwarden'],
        ['00000000-0000-0000-0000-000000000000', 'Passkey', null],
        ['ffffffff-ffff-ffff-ffff-ffffffffffff', 'Passkey', null],
      ] as const
      for (const [aaguid, name, authenticator] of cases) {
        const added = await add(token, device(), { lies: { aaguid }, name: null })
        expect([added.status, added.body.name, added.body.authenticator]).toEqual([201, name, authenticator])
      }
      const named = await add(token, device(), { lies: { aaguid: cases[1][0] }, name: 'Work' })
      expect(named.body).toMatchObject({ name: 'Work', authenticator: 'Bitwarden' })
      expect(await add(token, device(), { name: '' })).toMatchObject({ status: 400 })
      const { text } = await world.call('GET', '/me/export', { token })
      const exported: readonly Json[] = JSON.parse(text).passkeys
      expect(new Set(exported.map(({ aaguid }) => aaguid))).toEqual(
        new Set([cases[0][0], cases[1][0].toLowerCase(), null, cases[3][0]]),
      )
    })

    test('is added, listed and named, and signs in with two factors in one', async () => {
      const { access_token: token, user } = await world.signIn('google', world.newcomer())
      const mine = device()
      const added = await add(token, mine)
      expect(added.status, added.text).toBe(201)
      expect(added.body).toMatchObject({ name: 'My phone', last_used_at: null, backed_up: false })
      expect(await amrIn(token)).toEqual(['fed'])
      const entered = await enter(mine)
      expect(entered.status, entered.text).toBe(200)
      const own = String(entered.body.access_token)
      expect((await get('/me', own)).body.id).toBe(user.id)
      expect(await amrIn(own)).toEqual(['hwk', 'user', 'mfa'])
      const renamed = await world.call('PATCH', `/me/passkeys/${added.body.id}`, { token: own, body: { name: 'Key' } })
      expect(renamed.status).toBe(204)
      expect(listIn(await get('/me/passkeys', own))).toMatchObject([
        { name: 'Key', last_used_at: world.clock().toISOString() },
      ])
      expect(listIn(await get('/me/methods', own))).toContainEqual({
        type: 'passkey',
        passkey_id: added.body.id,
        name: 'Key',
        usable: true,
      })
      expect(await mailsTo(user.id, 'second_factor.added')).toHaveLength(1)
    })

    test('does not make other methods require it until the user enables it as a second factor', async () => {
      const who = world.newcomer()
      const { access_token: token } = await world.signIn('google', who)
      const mine = device()
      await add(token, mine)
      await world.signIn('google', who)
      // Adding a passkey does not count as having used it.
      expect(refusalOf(await post('/me/second-factor', token))).toEqual([403, 'reauthentication_required'])
      const strong = String((await enter(mine)).body.access_token)
      const asked = await post('/me/second-factor', strong)
      expect(asked.status, asked.text).toBe(200)
      expect(asked.body.recovery_codes).toHaveLength(10)
      const ticket = await half(who)
      const { body } = await post('/auth/second-factor/options', undefined, { second_factor_ticket: ticket })
      // Possession is enough here: another factor was already verified.
      const response = mine.get(body.options as Options, { userVerified: false })
      const done = authOf(await prove(ticket, { passkey: { flow_token: body.flow_token, response } }))
      expect(await amrIn(done.access_token)).toEqual(['fed', 'hwk', 'mfa'])
      const again = await prove(await half(who), { passkey: { flow_token: body.flow_token, response } })
      expect(refusalOf(again)).toEqual([401, 'second_factor_invalid'])
      expect((await world.call('DELETE', '/me/second-factor', { token: done.access_token })).status).toBe(204)
      await world.signIn('google', who)
    })

    test('removed as the last factor also removes the second factor and its recovery codes', async () => {
      const who = world.newcomer()
      const { access_token: token } = await world.signIn('google', who)
      const mine = device()
      const { body } = await add(token, mine)
      const strong = String((await enter(mine)).body.access_token)
      await post('/me/second-factor', strong)
      expect((await world.call('DELETE', `/me/passkeys/${body.id}`, { token: strong })).status).toBe(204)
      expect((await get('/me/second-factor', strong)).body).toEqual({
        totp: false,
        recovery_codes_left: 0,
        since: null,
      })
      expect(refusalOf(await enter(mine))).toEqual([401, 'passkey_rejected'])
      await world.signIn('google', who)
    })

    test('stays as the second factor when the app is removed', async () => {
      const { who, auth } = await enrolled()
      await add(auth.access_token, device())
      const { status } = await world.call('DELETE', '/me/second-factor/totp', { token: auth.access_token })
      expect(status).toBe(204)
      await half(who)
      expect((await get('/me/second-factor', auth.access_token)).body).toMatchObject({
        totp: false,
        recovery_codes_left: 10,
      })
    })

    test('cannot be removed as the last sign-in method', async () => {
      const { access_token: token } = await world.signIn('google', world.newcomer())
      const mine = device()
      const { body } = await add(token, mine)
      const [identity] = listIn(await get('/me/identities', token))
      expect((await world.call('DELETE', `/me/identities/${identity?.id}`, { token })).status).toBe(204)
      const last = await world.call('DELETE', `/me/passkeys/${body.id}`, { token })
      expect(refusalOf(last)).toEqual([409, 'last_login_method'])
      expect(last.body.remaining_methods).toEqual([{ type: 'passkey', usable: true }])
      expect((await enter(mine)).status).toBe(200)
    })

    const lies: readonly (readonly [string, Lies])[] = [
      ['another origin', { origin: 'https://evil.example' }],
      ['another relying party', { rpId: 'evil.example' }],
      ['another challenge', { challenge: 'bm90IHdoYXQgd2FzIGFza2Vk' }],
      ['another ceremony', { type: 'webauthn.other' }],
      ['no user verification', { userVerified: false }],
    ]
    test.each(lies)('is not added with %s', async (_, lie) => {
      const { access_token: token } = await world.signIn('google', world.newcomer())
      expect(refusalOf(await add(token, device(), { lies: lie }))).toEqual([400, 'passkey_not_added'])
      expect(listIn(await get('/me/passkeys', token))).toEqual([])
    })

    test.each([
      ...lies,
      [
        'a wrong signature',
        { signature: (right) => Buffer.from(right.map((byte, at) => (at === right.length - 1 ? byte ^ 1 : byte))) },
      ],
      ['another account’s handle', { userHandle: Buffer.from('usr_other').toString('base64url') }],
      ['a decreased counter', { counter: 1 }],
    ] as readonly (readonly [string, Lies])[])('does not sign in with %s', async (_, lie) => {
      const { access_token: token, user } = await world.signIn('google', world.newcomer())
      const mine = device()
      await add(token, mine)
      expect((await enter(mine)).status).toBe(200)
      expect(refusalOf(await enter(mine, lie))).toEqual([401, 'passkey_rejected'])
      expect((await get('/me', token)).body.id).toBe(user.id)
      const failure = { provider: 'passkey', code: 'passkey_rejected', intent: 'login' }
      expect(await failuresOf(user.id)).toEqual([{ ...failure, attempts: 1 }])
      // A wrong passkey is no guess, so nothing throttles it. A stranger with its ID cannot fill its owner's activity.
      await enter(mine, lie)
      expect(await failuresOf(user.id)).toEqual([{ ...failure, attempts: 2 }])
    })

    test('answers its own challenge, once, in the session that requested it', async () => {
      const { access_token: token } = await world.signIn('google', world.newcomer())
      const mine = device()
      await add(token, mine)
      const { body } = await post('/auth/passkey/options', undefined)
      const answer = { flow_token: body.flow_token, response: mine.get(body.options as Options) }
      expect((await post('/auth/passkey', undefined, answer)).status).toBe(200)
      expect(refusalOf(await post('/auth/passkey', undefined, answer))).toEqual([400, 'ticket_invalid'])

      const asked = await post('/me/passkeys/options', token)
      const other = await world.signIn('google', world.newcomer())
      const made = device().create(asked.body.options as Options)
      const stolen = { flow_token: asked.body.flow_token, name: 'Mine now', response: made }
      expect(refusalOf(await post('/me/passkeys', other.access_token, stolen))).toEqual([400, 'ticket_invalid'])

      const late = await post('/auth/passkey/options', undefined)
      world.turn(601)
      const tooLate = { flow_token: late.body.flow_token, response: mine.get(late.body.options as Options) }
      expect(refusalOf(await post('/auth/passkey', undefined, tooLate))).toEqual([400, 'ticket_invalid'])
    })

    test('of another user is rejected as a second factor', async () => {
      const { who } = await enrolled()
      const other = await world.signIn('google', world.newcomer())
      const theirs = device()
      await add(other.access_token, theirs)
      const ticket = await half(who)
      const { body } = await post('/auth/second-factor/options', undefined, { second_factor_ticket: ticket })
      const response = theirs.get(body.options as Options)
      const refused = await prove(ticket, { passkey: { flow_token: body.flow_token, response } })
      expect(refusalOf(refused)).toEqual([401, 'second_factor_invalid'])
    })

    test('can be renamed or removed by its owner only', async () => {
      const { access_token: token } = await world.signIn('google', world.newcomer())
      const { body } = await add(token, device())
      const other = await world.signIn('google', world.newcomer())
      for (const asking of [{ method: 'DELETE' }, { method: 'PATCH', body: { name: 'Mine' } }] as const) {
        const { method, ...rest } = asking
        const refused = await world.call(method, `/me/passkeys/${body.id}`, { token: other.access_token, ...rest })
        expect(refusalOf(refused)).toEqual([404, 'passkey_not_found'])
      }
    })

    test('of a disabled account is refused', async () => {
      const { access_token: token, user } = await world.signIn('google', world.newcomer())
      const mine = device()
      await add(token, mine)
      await disable(user.id)
      expect(refusalOf(await enter(mine))).toEqual([403, 'user_disabled'])
    })
  })
})
