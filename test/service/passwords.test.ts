import argon2 from 'argon2'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import {
  type Answer,
  aboveStore,
  type Browser,
  cookiesOf,
  listIn,
  pkce,
  refusalOf,
  startWorld,
  type World,
} from '../support/service.ts'

const password = 'a bar over letters that belong together'
const another = 'ten thousand lighthouses, unlit'

describe.each(aboveStore('PostgreSQL'))('passwords, stored in %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({
      database,
      env: { RETURN_TO_ALLOWED: 'https://app.example.com/in', GOOGLE_EMAIL_TRUST: 'verified' },
    })
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  let people = 0
  const anAddress = (): string => `pw${++people}@example.org`
  const register = (email: string, more: object = {}, at?: string) =>
    world.call('POST', '/auth/register', { body: { email, password, ...more }, ...(at ? { at } : {}) })
  const signIn = (username: string, given: string = password, headers: Record<string, string> = {}) =>
    world.call('POST', '/auth/token', { form: { username, password: given }, headers })
  const tokenOf = (answer: Answer): string => {
    expect(answer.status, answer.text).toBe(200)
    return String(answer.body.access_token)
  }
  const somebody = async () => {
    const email = anAddress()
    expect((await register(email)).status).toBe(201)
    return { email, token: tokenOf(await signIn(email)) }
  }
  const change = (token: string, body: object) => world.call('PUT', '/me/password', { token, body })
  /** The subjects of the messages to an email address, oldest first. */
  const mailsTo = async (email: string): Promise<string[]> =>
    (await world.mailTo(email)).map(({ subject }) => subject).reverse()
  const [verify, taken] = ['Verify your email address', 'You already have an account']
  const claimed = 'Your email address was already used'
  const idOf = async (token: string): Promise<string> => String((await world.call('GET', '/me', { token })).body.id)
  const now = () => (database === 'SQLite' ? String(world.clock().getTime()) : `'${world.clock().toISOString()}'`)
  const trailOf = async (accountId: string) => (await world.trail()).filter((row) => row.account_id === accountId)

  describe('registration', () => {
    test('creates an account that can sign in at once', async () => {
      const email = anAddress()
      const registered = await register(email, { name: 'Ada' })
      expect([registered.status, registered.body]).toEqual([201, { email }])
      const token = tokenOf(await signIn(email))
      const me = await world.call('GET', '/me', { token })
      expect(me.body).toMatchObject({ email, email_verified: false, name: 'Ada' })
      const sessions = listIn(await world.call('GET', '/me/sessions', { token }))
      expect(sessions).toMatchObject([{ amr: ['pwd'], provider: null, current: true, name: null }])
      expect(listIn(await world.call('GET', '/me/methods', { token }))).toEqual([{ type: 'password', usable: true }])
      const [message, ...more] = await world.mailTo(email)
      expect([message?.subject, more]).toEqual([verify, []])
      expect(message?.text).toMatch(/valid until \w+ \d+, \d{4} at [\d:]+ [AP]M UTC\./)
    })

    test('stores the user’s language for later emails', async () => {
      const email = anAddress()
      await world.call('POST', '/auth/register', { body: { email, password }, headers: { 'accept-language': 'pt-BR' } })
      const me = await world.call('GET', '/me', { token: tokenOf(await signIn(email)) })
      expect(me.body.locale).toBe('pt-BR')
      expect(await mailsTo(email)).toEqual(['Confirme o seu e-mail'])
    })

    test('responds the same, after the same work, for an email address that is taken, and notifies its owner', async () => {
      const email = anAddress()
      const hashes = vi.spyOn(argon2, 'hash')
      const first = await register(email)
      const worked = hashes.mock.calls.length
      const second = await register(email, { password: another })
      expect([second.status, second.text]).toEqual([first.status, first.text])
      expect(hashes.mock.calls.length).toBe(2 * worked)
      hashes.mockRestore()
      expect((await mailsTo(email)).sort()).toEqual([verify, claimed].sort())
      expect(refusalOf(await signIn(email, another))).toEqual([401, 'invalid_credentials'])
      expect((await signIn(email)).status).toBe(200)
    })

    test('does the same for an account without a password', async () => {
      const who = world.newcomer()
      const { user } = await world.signIn('google', who)
      expect(user.email_verified).toBe(true)
      const email = world.emailOf(who)
      expect((await register(email)).status).toBe(201)
      expect(await mailsTo(email)).toEqual([taken])
      expect(refusalOf(await signIn(email))).toEqual([401, 'invalid_credentials'])
    })

    test('cannot be used to flood a mailbox', async () => {
      const email = anAddress()
      for (let at = 0; at < 12; at++) expect((await register(email)).status).toBe(201)
      expect((await mailsTo(email)).length).toBeLessThanOrEqual(6)
    })

    test('treats all spellings of an email address as one', async () => {
      const email = anAddress()
      await register(email.toUpperCase())
      await register(email)
      expect((await signIn(email)).status).toBe(200)
      expect((await mailsTo(email)).concat(await mailsTo(email.replace(/^pw/, 'PW')))).toContain(claimed)
    })

    test.each([
      ['too_short', 'eleven char'],
      ['too_long', 'ab1'.repeat(86)],
      ['too_common', 'password1234'],
      ['too_personal', 'Vinculum2026!'],
    ])('explains why a password is rejected: %s', async (code, given) => {
      const answer = await register(anAddress(), { password: given })
      expect([...refusalOf(answer), answer.body.reason]).toEqual([400, 'password_rejected', code])
      expect(answer.body.errors).toMatchObject([{ path: 'password', code }])
      expect(answer.body.detail).toContain('12 to 256 characters')
    })
    test('rejects an invalid email address and an unknown field', async () => {
      const wrong = await register('not an address')
      expect([...refusalOf(wrong), wrong.body.errors]).toMatchObject([400, 'invalid_request', [{ path: 'email' }]])
      expect(refusalOf(await register(anAddress(), { role: 'administrator' }))).toEqual([400, 'invalid_request'])
    })
    test('does not keep an email address that another user verifies later', async () => {
      const who = world.newcomer()
      const email = world.emailOf(who)
      await register(email)
      const token = tokenOf(await signIn(email))
      const flow = await world.enter('google', who)
      const ticket = String(flow.body.conflict_ticket)
      const created = await world.call('POST', `/auth/conflicts/${ticket}`, {
        body: { action: 'create', flow_token: flow.flow.flowToken },
      })
      expect(created.status, created.text).toBe(200)
      expect(refusalOf(await signIn(email))).toEqual([401, 'invalid_credentials'])
      expect((await world.call('GET', '/me', { token })).status).toBe(401)
    })
  })

  describe('password sign-in', () => {
    test.each([
      ['works as a form without grant_type', {}],
      ['works as a form', { grant_type: 'password' }],
    ])('%s', async (_, more) => {
      const { email } = await somebody()
      const pair = await world.call('POST', '/auth/token', { form: { username: email, password, ...more } })
      expect(Object.keys(pair.body).sort()).toEqual(
        ['access_token', 'expires_in', 'refresh_expires_in', 'refresh_token', 'token_type'].sort(),
      )
    })
    test('works as JSON, with the email address in any case', async () => {
      const { email } = await somebody()
      const body = { username: ` ${email.toUpperCase()}`, password }
      expect((await world.call('POST', '/auth/token', { body })).status).toBe(200)
    })

    test('responds the same after the same work, whether or not an account exists', async () => {
      const { email, token } = await somebody()
      const disabled = await somebody()
      const id = await idOf(disabled.token)
      await world.operator(`update accounts set disabled_at = ${now()} where id = '${id}'`)
      const social = world.newcomer()
      await world.signIn('github', social)
      const tried: [string, string, string][] = [
        ['wrong password', email, another],
        ['unknown address', anAddress(), password],
        ['no password', world.emailOf(social), password],
        ['disabled', disabled.email, password],
        ['disabled and wrong', disabled.email, another],
        ['no address at all', 'nobody', password],
      ]
      const answers = []
      for (const [, username, given] of tried) {
        const verified = vi.spyOn(argon2, 'verify')
        const hashed = vi.spyOn(argon2, 'hash')
        const { status, headers, body } = await signIn(username, given, { 'accept-language': 'pt-BR' })
        const { request_id: _, ...rest } = body
        const names: string[] = []
        headers.forEach((_value, name) => {
          names.push(name)
        })
        answers.push({ status, rest, names, work: [verified.mock.calls.length, hashed.mock.calls.length] })
        verified.mockRestore()
        hashed.mockRestore()
      }
      expect(answers[0]?.rest).toMatchObject({
        code: 'invalid_credentials',
        error: 'invalid_grant',
        detail: 'Email ou senha incorretos',
      })
      expect(answers[0]?.work).toEqual([1, 0])
      for (const answer of answers) expect(answer).toEqual(answers[0])
      expect((await trailOf(await idOf(token))).at(-1)).toMatchObject({ event: 'authentication.failed' })
      expect(world.logged.join('')).not.toContain(email)
    })

    test('compares every byte of a password', async () => {
      const email = anAddress()
      const long = `${'long way '.repeat(9)}to the first end`
      await register(email, { password: long })
      expect(refusalOf(await signIn(email, `${long.slice(0, 72)}another end`))).toEqual([401, 'invalid_credentials'])
      expect((await signIn(email, long)).status).toBe(200)
    })
    test('normalizes equivalent Unicode input', async () => {
      const email = anAddress()
      await register(email, { password: 'crème brûlée à midi'.normalize('NFD') })
      for (const form of ['NFC', 'NFD'] as const)
        expect((await signIn(email, 'crème brûlée à midi'.normalize(form))).status).toBe(200)
    })

    test('asks for the second factor where there is one, and records the methods used', async () => {
      const { email, token } = await somebody()
      const id = await idOf(token)
      await world.operator(`update accounts set second_factor_at = ${now()} where id = '${id}'`)
      const answer = await signIn(email)
      expect(refusalOf(answer)).toEqual([401, 'second_factor_required'])
      expect(answer.body.second_factor_ticket).toMatch(/^[\w-]{43}$/)
      expect(refusalOf(await signIn(email, another))).toEqual([401, 'invalid_credentials'])
    })

    test('rehashes a password with outdated parameters, and the password stays the same', async () => {
      const { email } = await somebody()
      const stronger = await world.another({ PASSWORD_HASH_PASSES: '3' })
      const hashOf = async () =>
        String(((await world.dump('passwords')).passwords ?? []).find(({ email_key }) => email_key === email)?.hash)
      expect(await hashOf()).not.toContain('t=3$')
      const form = { username: email, password }
      expect((await world.call('POST', '/auth/token', { form, at: stronger.base })).status).toBe(200)
      expect(await hashOf()).toContain('t=3$')
      expect((await world.call('POST', '/auth/token', { form, at: stronger.base })).status).toBe(200)
    })

    test('leaves no part of a password in the log, the audit log or the database', async () => {
      const { email } = await somebody()
      await signIn(email, another)
      const everything = world.logged.join('') + JSON.stringify(await world.dump())
      expect(everything).not.toContain(password)
      expect(everything).not.toContain(another)
    })
  })

  describe('a password change', () => {
    test('requires the current password, and ends every other session and the old password', async () => {
      const { email, token } = await somebody()
      const other = await signIn(email)
      const missing = await change(token, { new_password: another })
      expect([...refusalOf(missing), missing.body.errors]).toMatchObject([
        400,
        'invalid_request',
        [{ path: 'current_password', code: 'required' }],
      ])
      const wrong = await change(token, { current_password: another, new_password: another })
      expect([...refusalOf(wrong), wrong.body.errors]).toMatchObject([
        401,
        'invalid_credentials',
        [{ path: 'current_password' }],
      ])
      const poor = await change(token, { current_password: password, new_password: 'password1234' })
      expect(poor.body.errors).toMatchObject([{ path: 'new_password', code: 'too_common' }])

      expect((await change(token, { current_password: password, new_password: another })).status).toBe(204)
      expect((await world.call('GET', '/me', { token })).status).toBe(200)
      expect(refusalOf(await world.call('GET', '/me', { token: tokenOf(other) }))).toEqual([401, 'session_revoked'])
      expect(refusalOf(await world.call('POST', '/auth/refresh', { token: String(other.body.refresh_token) }))).toEqual(
        [401, 'session_revoked'],
      )
      expect(refusalOf(await signIn(email))).toEqual([401, 'invalid_credentials'])
      expect((await signIn(email, another)).status).toBe(200)
      const events = (await trailOf(await idOf(token))).map(({ event }) => event)
      expect(events).toEqual(expect.arrayContaining(['password.changed', 'session.ended']))
    })

    test('from the same current password succeeds once of two concurrent attempts', async () => {
      const { token } = await somebody()
      const outcomes = await Promise.all(
        ['first choice of many lamps', 'second choice of many lamps'].map((wanted) =>
          change(token, { current_password: password, new_password: wanted }),
        ),
      )
      expect(outcomes.map(({ status }) => status).sort()).toEqual([204, expect.any(Number)])
      expect(outcomes.filter(({ status }) => status === 204)).toHaveLength(1)
    })

    test('from no password requires a recent sign-in, and adds a sign-in method', async () => {
      const who = world.newcomer()
      const { access_token: token } = await world.signIn('google', who)
      world.turn(700)
      expect(refusalOf(await change(token, { new_password: password }))).toEqual([403, 'reauthentication_required'])
      const { access_token: fresh } = await world.signIn('google', who)
      expect((await change(fresh, { new_password: password })).status).toBe(204)
      expect((await signIn(world.emailOf(who))).status).toBe(200)
      expect(await mailsTo(world.emailOf(who))).toContain('Your account now has a password')
    })

    test('requires an email address', async () => {
      const who = world.newcomer({}, { github: { emails: [] } })
      const { access_token: token, user } = await world.signIn('github', who)
      expect(user.email).toBeNull()
      expect(refusalOf(await change(token, { new_password: password }))).toEqual([409, 'email_required'])
    })

    test('is refused for an email address whose password belongs to another account', async () => {
      const email = anAddress()
      await register(email)
      const who = world.newcomer({ email, verified: false })
      const flow = await world.enter('acme', who)
      const created = await world.call('POST', `/auth/conflicts/${flow.body.conflict_ticket}`, {
        body: { action: 'create', flow_token: flow.flow.flowToken },
      })
      const token = tokenOf(created)
      expect((await world.call('GET', '/me', { token })).body.email).toBe(email)
      expect(refusalOf(await change(token, { new_password: another }))).toEqual([403, 'email_unverified'])
    })

    test('with a wrong current password counts as a guess', async () => {
      const { token, email } = await somebody()
      const statuses: number[] = []
      for (let at = 0; at < 8; at++)
        statuses.push((await change(token, { current_password: another, new_password: another })).status)
      expect(statuses).toEqual([401, 401, 401, 401, 401, 401, 429, 429])
      expect(refusalOf(await signIn(email))).toEqual([429, 'too_many_attempts'])
    })
  })

  describe('removing the password', () => {
    test('is possible with another sign-in method, after a recent sign-in', async () => {
      const who = world.newcomer()
      const { access_token: token } = await world.signIn('google', who)
      await change(token, { new_password: password })
      const other = tokenOf(await signIn(world.emailOf(who)))
      world.turn(700)
      expect(refusalOf(await world.call('DELETE', '/me/password', { token }))).toEqual([
        403,
        'reauthentication_required',
      ])
      const { access_token: fresh } = await world.signIn('google', who)
      expect((await world.call('DELETE', '/me/password', { token: fresh })).status).toBe(204)
      expect(refusalOf(await world.call('GET', '/me', { token: other }))).toEqual([401, 'session_revoked'])
      expect(refusalOf(await signIn(world.emailOf(who)))).toEqual([401, 'invalid_credentials'])
      expect(refusalOf(await world.call('DELETE', '/me/password', { token: fresh }))).toEqual([404, 'not_linked'])
    })
    test('is refused when it is the last sign-in method', async () => {
      const { token } = await somebody()
      const refused = await world.call('DELETE', '/me/password', { token })
      expect([...refusalOf(refused), refused.body.remaining_methods]).toEqual([
        409,
        'last_login_method',
        [{ type: 'password', usable: true }],
      ])
    })
  })

  describe('in a browser', () => {
    const enter = async (browser: Browser, username: string, given = password, path = '/login') => {
      const page = await browser.go(new URL(path, world.base))
      const [form = ''] = /<form[^>]*action="\/login\/password"[\s\S]*?<\/form>/.exec(page.text) ?? []
      const fields = Object.fromEntries(
        [...form.matchAll(/<input[^>]*type="hidden"[^>]*>/g)].map(([input]) => [
          /name="([^"]*)"/.exec(input)?.[1] ?? '',
          (/value="([^"]*)"/.exec(input)?.[1] ?? '').replaceAll('&amp;', '&'),
        ]),
      )
      return browser.ask(new URL('/login/password', world.base), {
        method: 'POST',
        body: new URLSearchParams({ ...fields, username, password: given }),
        headers: { origin: world.base, 'sec-fetch-site': 'same-origin' },
      })
    }

    test('a user registers, signs in and returns to the requested page with their own session', async () => {
      const browser = world.openBrowser()
      const email = anAddress()
      const page = await browser.go(`${world.base}/register`)
      const done = await browser.submit(page, '/register', { email, password, name: 'Zoë' })
      expect(done.url.pathname + done.url.search).toBe('/login?done=registered')
      expect(done.text).toContain('role="status"')

      const response = await enter(browser, email, password, '/login?return_to=/account/activity')
      expect([response.status, response.headers.get('location')]).toEqual([303, '/account/activity'])
      const { vinculum_session: before = '', vinculum_device: device = '' } = cookiesOf(response.headers)
      expect([before.length, device.length]).toEqual([43, 43])
      expect(response.headers.getSetCookie().find((line) => line.startsWith('vinculum_device'))).toMatch(
        /Max-Age=31536000; Path=\/; HttpOnly; SameSite=Lax/,
      )

      // Signing in again creates a new secret and ends the old one (ASVS 7.2.4). The browser stays the same.
      const again = await enter(browser, email)
      expect(cookiesOf(again.headers)).not.toHaveProperty('vinculum_device')
      expect(cookiesOf(again.headers).vinculum_session).not.toBe(before)
      const headers = { cookie: `vinculum_session=${before}` }
      expect(refusalOf(await world.call('GET', '/me', { headers }))).toEqual([401, 'session_revoked'])
    })

    test('an error keeps the email address in the form and is shown at the field', async () => {
      const { email } = await somebody()
      const refused = await enter(world.openBrowser(), email, another, '/login?return_to=/account/activity')
      expect(refused.status).toBe(401)
      expect(refused.text).toContain(`value="${email}"`)
      expect(refused.text).toContain('The email address or the password is incorrect')
      expect(refused.text).toMatch(/aria-invalid="true" aria-describedby="refused-password"/)
      expect(refused.text).toContain('name="return_to" value="/account/activity"')
      expect(refused.text).not.toContain(another)
      expect(cookiesOf(refused.headers)).not.toHaveProperty('vinculum_session')
    })

    test('a sign-in continues to an app on another origin with a code, and leaves no session behind', async () => {
      const { email } = await somebody()
      const { verifier, challenge } = pkce()
      const query = new URLSearchParams({
        return_to: 'https://app.example.com/in',
        code_challenge: challenge,
        code_challenge_method: 'S256',
      })
      const browser = world.openBrowser()
      const page = await browser.go(`${world.base}/login?${query}`)
      expect(page.headers.get('content-security-policy')).toMatch(/form-action 'self' https:\/\/app\.example\.com(;|$)/)
      const response = await enter(browser, email, password, `/login?${query}`)
      const to = new URL(response.headers.get('location') ?? '')
      expect([response.status, to.origin + to.pathname]).toEqual([303, 'https://app.example.com/in'])
      expect(Object.keys(cookiesOf(response.headers))).toEqual(['vinculum_device', 'vinculum_last_method'])
      const form = {
        grant_type: 'authorization_code',
        code: to.searchParams.get('code') ?? '',
        code_verifier: verifier,
      }
      const traded = await world.call('POST', '/auth/token', { form })
      expect(traded.body).toMatchObject({ action: 'login_existing', provider_info: { provider: 'password' } })
    })

    test('a form on another site signs nobody in', async () => {
      const { email } = await somebody()
      for (const headers of [{ origin: 'https://evil.example' }, { 'sec-fetch-site': 'cross-site' }]) {
        const answer = await world.openBrowser().ask(`${world.base}/login/password`, {
          method: 'POST',
          body: new URLSearchParams({ username: email, password }),
          headers: headers as Record<string, string>,
        })
        expect([answer.status, cookiesOf(answer.headers)]).toEqual([403, {}])
      }
    })

    test('a sign-in asks for the second factor on its own page', async () => {
      const { email, token } = await somebody()
      await world.operator(`update accounts set second_factor_at = ${now()} where id = '${await idOf(token)}'`)
      const response = await enter(world.openBrowser(), email)
      expect([response.status, response.headers.get('location')]).toEqual([303, '/login/second-factor'])
      expect(Object.keys(cookiesOf(response.headers))).toEqual(['vinculum_second_factor'])
    })

    test('the password is set, changed and removed', async () => {
      const who = world.newcomer()
      const browser = world.openBrowser()
      await browser.signIn('google', who)
      const at = `${world.base}/account/password`
      const set = await browser.submit(await browser.go(at), '/account/password', { new_password: password })
      expect(set.url.search).toBe('?done=password_set')
      const wrong = await browser.submit(await browser.go(at), '/account/password', {
        current_password: another,
        new_password: another,
      })
      expect([wrong.status, wrong.text.includes('This is not your current password.')]).toEqual([401, true])
      const poor = await browser.submit(wrong, '/account/password', {
        current_password: password,
        new_password: 'short',
      })
      expect([poor.status, poor.text.includes('at least 12')]).toEqual([400, true])
      const changed = await browser.submit(poor, '/account/password', {
        current_password: password,
        new_password: another,
      })
      expect(changed.url.search).toBe('?done=password_changed')
      const removed = await browser.submit(await browser.go(at), '/account/password/remove')
      expect(removed.url.search).toBe('?done=password_removed')
      expect((await browser.go(at)).text).toContain('does not have a password yet')
    })

    test('an account conflict can be resolved with the password', async () => {
      const email = anAddress()
      await register(email)
      const who = world.newcomer({ email })
      const browser = world.openBrowser()
      const asked = await browser.signIn('github', who)
      const question = asked.headers.get('location') ?? ''
      expect(question).toMatch(/^\/auth\/conflicts\//)
      const page = await browser.go(new URL(question, world.base))
      const link = `/login?return_to=${encodeURIComponent(question)}`
      expect(page.text).toContain(`href="${link}"`)
      const response = await enter(browser, email, password, link)
      expect(response.headers.get('location')).toBe(question)
      const proven = await browser.go(new URL(question, world.base))
      const linked = await browser.submit(proven, question, {})
      expect(linked.url.pathname).toBe('/account')
      const methods = listIn(await browser.json('GET', '/me/methods'))
      expect(methods.map(({ type }) => type).sort()).toEqual(['password', 'provider'])
    })

    test('a session carries the device name that its user chose', async () => {
      const { email } = await somebody()
      const browser = world.openBrowser()
      await enter(browser, email)
      const page = await browser.go(`${world.base}/account/devices`)
      // The current device comes first.
      const [, action = ''] = /action="(\/account\/sessions\/[^"]*\/name)"/.exec(page.text) ?? []
      const named = await browser.submit(page, action, { name: 'The laptop in the kitchen' })
      expect(named.url.search).toBe('?done=device_named')
      expect(named.text).toContain('The laptop in the kitchen')
      const mine = listIn(await browser.json('GET', '/me/sessions')).find(({ current }) => current)
      expect(mine?.name).toBe('The laptop in the kitchen')
      const path = `/me/sessions/${mine?.id}`
      expect((await browser.json('PATCH', path, { body: { name: 'Elsewhere' } })).body.name).toBe('Elsewhere')
      expect((await browser.json('PATCH', path, { body: { name: null } })).body.name).toBeNull()
      const { token } = await somebody()
      const theirs = await world.call('PATCH', path, { token, body: { name: 'Mine' } })
      expect(refusalOf(theirs)).toEqual([404, 'session_not_found'])
    })
  })
})

describe('with other operator settings,', () => {
  test('nobody registers where sign-up is closed, known or unknown', async () => {
    const world = await startWorld({ env: { OAUTH_AUTO_REGISTER_NEW_USERS: 'false' } })
    const body = { email: 'ada@example.org', password }
    const answer = await world.call('POST', '/auth/register', { body })
    expect(refusalOf(answer)).toEqual([403, 'user_creation_disabled'])
    const login = await world.openBrowser().go(`${world.base}/login`)
    expect(login.text).not.toContain('href="/register')
    await world.stop()
  })

  test('a password for an unverified email address signs nobody in, and only the right one reveals the reason', async () => {
    const world = await startWorld({ env: { REQUIRE_VERIFIED_EMAIL: 'true' } })
    const email = 'ada@example.org'
    await world.call('POST', '/auth/register', { body: { email, password } })
    const signIn = (given: string) => world.call('POST', '/auth/token', { form: { username: email, password: given } })
    expect(refusalOf(await signIn(password))).toEqual([403, 'email_unverified'])
    expect(refusalOf(await signIn(another))).toEqual([401, 'invalid_credentials'])
    await world.stop()
  })

  test('the configured minimum length is enough', async () => {
    const world = await startWorld({ env: { PASSWORD_LEAST_LENGTH: '8' } })
    const open = (given: string) =>
      world.call('POST', '/auth/register', { body: { email: 'ada@example.org', password: given } })
    expect((await open('9-kiosks')).status).toBe(201)
    expect((await open('9-kiosk')).body.detail).toContain('8 to 256')
    await world.stop()
  })
})

test('two hundred users sign in concurrently, and the service still answers other requests', async () => {
  const world = await startWorld()
  const waits: number[] = []
  let over = false
  const watch = async (): Promise<void> => {
    while (!over) {
      const before = performance.now()
      expect((await fetch(`${world.base}/health/live`)).status).toBe(200)
      waits.push(performance.now() - before)
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }
  const began = performance.now()
  const watching = watch()
  // An unknown email address costs as much as a known one.
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, at) =>
      world.call('POST', '/auth/token', { form: { username: `nobody${at}@example.org`, password } }),
    ),
  )
  over = true
  await watching
  const whole = performance.now() - began
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]))
  // The median, as a share of the time that all sign-ins took: other processes run on this machine.
  expect(waits.sort((a, b) => a - b)[Math.floor(waits.length / 2)]).toBeLessThan(whole / 3)
  await world.stop()
})
