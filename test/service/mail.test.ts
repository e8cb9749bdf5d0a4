import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { pkceChallenge } from '../../src/kernel/crypto.ts'
import type { ReceivedMessage } from '../../src/mail/transport.ts'
import { passwordFits, registered, tokenOf } from '../support/registered.ts'
import {
  type Answer,
  aboveStore,
  authOf,
  type Json,
  listIn,
  refusalOf,
  startWorld,
  type World,
} from '../support/service.ts'

/** The ticket in the link of a message. */
const ticketIn = (message: ReceivedMessage | undefined, path: string): string => {
  const [, ticket = ''] = new RegExp(`${path}\\?ticket=([\\w-]+)`).exec(message?.text ?? '') ?? []
  if (ticket === '') throw new Error(`there is no link to ${path} in ${message?.text}`)
  return ticket
}
const codeIn = (message: ReceivedMessage | undefined): string => /^ {4}(\d{8})$/m.exec(message?.text ?? '')?.[1] ?? ''
const namesOf = (headers: Headers): string[] => {
  const names: string[] = []
  headers.forEach((_, name) => {
    names.push(name)
  })
  return names.sort()
}
const newAddress = (): string => `m${randomBytes(5).toString('hex')}@example.com`

describe.each(aboveStore('SQLite'))('by email, on %s,', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database, env: { RETURN_TO_ALLOWED: 'https://app.example/done' } })
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  const post = (path: string, body: object, token?: string): Promise<Answer> =>
    world.call('POST', path, { body, token })
  const lives = async (token: string): Promise<boolean> => (await world.call('GET', '/me', { token })).status === 200
  const me = async (token: string): Promise<Json> => (await world.call('GET', '/me', { token })).body
  const begin = async (email: string): Promise<string> => {
    const begun = await post('/auth/email', { email })
    expect(refusalOf(begun)).toEqual([202, undefined])
    return String(begun.body.flow_token)
  }
  const newest = async (address: string): Promise<ReceivedMessage | undefined> => (await world.mailTo(address))[0]
  const newestCode = async (address: string): Promise<string> =>
    codeIn((await world.mailTo(address)).find((message) => codeIn(message) !== ''))
  const newestTicket = async (address: string, path: string): Promise<string> =>
    ticketIn(
      (await world.mailTo(address)).find(({ text }) => text.includes(`${path}?ticket=`)),
      path,
    )
  const subjects = async (address: string): Promise<string[]> =>
    (await world.mailTo(address)).map(({ subject }) => subject)

  const finish = (body: object): Promise<Answer> => post('/auth/email/finish', body)
  const reset = (ticket: string, password = 'a wholly new password'): Promise<Answer> =>
    post('/auth/password/reset', { ticket, password })
  const forgot = async (email: string): Promise<string> => {
    expect(refusalOf(await post('/auth/password/forgot', { email }))).toEqual([202, undefined])
    return await newestTicket(email, '/reset-password')
  }
  const events = async (token: string): Promise<unknown[]> => {
    const { body } = await world.call('GET', '/me/activity', { token })
    return (body.items as Json[]).map(({ event }) => event)
  }
  const over = [400, 'ticket_invalid']
  const totp = async (id: string): Promise<void> => {
    const at = database === 'SQLite' ? String(world.clock().getTime()) : `'${world.clock().toISOString()}'`
    await world.operator(`insert into totp_factors values ('${id}', 'sealed', ${at}, ${at}, 0)`)
    await world.operator(`update accounts set second_factor_at = ${at} where id = '${id}'`)
  }
  const disable = (id: string): Promise<void> =>
    world.operator(`update accounts set disabled_at = ${database === 'SQLite' ? '1' : 'now()'} where id = '${id}'`)

  describe('a sign-in by email', () => {
    test('accepts the code once, where it was requested, and then no longer the link', async () => {
      const email = newAddress()
      const { id } = await registered(world, email, { verified: true })
      const flow_token = await begin(email)
      const message = await newest(email)
      const code = codeIn(message)
      const persian = code.replace(/\d/g, (digit) => String.fromCodePoint(0x6f0 + Number(digit)))
      const response = await finish({ flow_token, code: `${persian.slice(0, 4)} - ${persian.slice(4)}` })
      expect(refusalOf(response)).toEqual([200, undefined])
      expect((await me(String(response.body.access_token))).id).toBe(id)
      expect(refusalOf(await finish({ flow_token, code }))).toEqual(over)
      expect(refusalOf(await finish({ ticket: ticketIn(message, '/login/email/link') }))).toEqual(over)
      expect(await events(String(response.body.access_token))).toContain('authentication.succeeded')
      const sessions = listIn(await world.call('GET', '/me/sessions', { token: String(response.body.access_token) }))
      expect(sessions.find(({ current }) => current)?.amr).toEqual(['otp'])
    })

    test('accepts the link in any browser, once', async () => {
      const email = newAddress()
      await registered(world, email, { verified: true })
      await begin(email)
      const ticket = await newestTicket(email, '/login/email/link')
      const answers = await Promise.all([finish({ ticket }), finish({ ticket }), finish({ ticket })])
      expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400])
    })

    test('keeps the older code valid for the browser that requested it, until one of the two is used', async () => {
      const email = newAddress()
      await registered(world, email, { verified: true })
      const mine = await begin(email)
      const code = await newestCode(email)
      world.turn(1)
      const again = await begin(email)
      const newer = await newestCode(email)
      expect((await finish({ flow_token: mine, code })).status).toBe(200)
      expect(refusalOf(await finish({ flow_token: again, code: newer }))).toEqual(over)
    })

    test('rejects a code without its flow_token or with another one, and a ticket of another kind', async () => {
      const [email, other] = [newAddress(), newAddress()]
      await registered(world, email, { verified: true })
      await registered(world, other, { verified: true })
      const [flow_token, others] = [await begin(email), await begin(other)]
      const code = await newestCode(email)
      expect(refusalOf(await finish({ flow_token: others, code }))).toEqual(over)
      expect(refusalOf(await finish({ flow_token: 'made-up', code }))).toEqual(over)
      expect(refusalOf(await finish({ ticket: await forgot(email) }))).toEqual(over)
      expect(refusalOf(await reset(await newestTicket(email, '/login/email/link')))).toEqual(over)
      expect((await finish({ flow_token, code })).status).toBe(200)
    })

    test('expires after ten minutes', async () => {
      const email = newAddress()
      await registered(world, email, { verified: true })
      const early = await begin(email)
      const first = await newestCode(email)
      world.turn(599)
      expect((await finish({ flow_token: early, code: first })).status).toBe(200)
      const late = await begin(email)
      const second = await newestCode(email)
      world.turn(600)
      expect(refusalOf(await finish({ flow_token: late, code: second }))).toEqual(over)
    })

    test('accepts at most five guesses, counted together with every other method, and then not even the right code', async () => {
      const email = newAddress()
      const { id } = await registered(world, email, { verified: true })
      const flow_token = await begin(email)
      const code = await newestCode(email)
      const wrong = code === '00000000' ? '00000001' : '00000000'
      for (let guess = 0; guess < 5; guess++) expect(refusalOf(await finish({ flow_token, code: wrong }))).toEqual(over)
      world.turn(2)
      expect(refusalOf(await finish({ flow_token, code }))).toEqual(over)
      const held = await finish({ flow_token, code })
      expect(refusalOf(held)).toEqual([429, 'too_many_attempts'])
      expect(Number(held.headers.get('retry-after'))).toBeGreaterThan(0)
      const { guesses = [] } = await world.dump('guesses')
      expect(Number(guesses.find(({ key }) => key === `account:${id}`)?.failures)).toBe(6)
      // The link does not count as a guess.
      await begin(email)
      expect((await finish({ ticket: await newestTicket(email, '/login/email/link') })).status).toBe(200)
      expect((await world.dump('guesses')).guesses?.some(({ key }) => key === `account:${id}`)).toBe(false)
    })

    test('asks for the second factor like any other sign-in', async () => {
      const email = newAddress()
      const { id } = await registered(world, email, { verified: true })
      await totp(id)
      const flow_token = await begin(email)
      const response = await finish({ flow_token, code: await newestCode(email) })
      expect(refusalOf(response)).toEqual([401, 'second_factor_required'])
      expect(response.body.second_factor_ticket).toEqual(expect.any(String))
    })

    test('does not open a disabled account', async () => {
      const email = newAddress()
      const { id } = await registered(world, email, { verified: true })
      const flow_token = await begin(email)
      await disable(id)
      const response = await finish({ flow_token, code: await newestCode(email) })
      expect(refusalOf(response)).toEqual([403, 'user_disabled'])
    })

    test('responds the same for an unknown email address, and only the message differs', async () => {
      const [nobody, somebody] = [newAddress(), newAddress()]
      await registered(world, somebody, { verified: true })
      const answers = await Promise.all([nobody, somebody].map((email) => post('/auth/email', { email })))
      const shape = ({ status, body, headers }: Answer) => [
        status,
        Object.keys(body),
        body.expires_in,
        namesOf(headers),
        headers.get('content-length'),
      ]
      expect(shape(answers[0] as Answer)).toEqual(shape(answers[1] as Answer))
      expect(await subjects(nobody)).toEqual(['There is no account with this email address'])
      expect((await newest(nobody))?.text).not.toMatch(/ticket=|^ {4}\d/m)
      for (const answer of answers) {
        const { flow_token } = answer.body
        for (let guess = 0; guess < 6; guess++) {
          const refused = await finish({ flow_token, code: '12345678' })
          expect(refusalOf(refused)).toEqual(over)
        }
        expect(refusalOf(await finish({ flow_token, code: '12345678' }))).toEqual([429, 'too_many_attempts'])
      }
    })

    test('rejects an invalid email address, and names the field', async () => {
      for (const path of ['/auth/email', '/auth/password/forgot']) {
        const refused = await post(path, { email: 'ada' })
        expect(refusalOf(refused)).toEqual([400, 'invalid_request'])
        expect(refused.body.errors).toMatchObject([{ path: 'email', code: 'invalid_format' }])
      }
    })

    test('in a browser accepts the code on the page and continues to return_to', async () => {
      const email = newAddress()
      await registered(world, email, { verified: true })
      const browser = world.openBrowser()
      const page = await browser.go(`${world.base}/login/email?return_to=/account/activity`)
      const asked = await browser.submit(page, '/login/email', { email })
      expect(asked.url.pathname).toBe('/login/email/code')
      const wrong = await browser.submit(asked, '/login/email/code', { code: '1' })
      expect(wrong.status).toBe(400)
      expect(wrong.text).toContain('aria-describedby="refused-code"')
      const response = await browser.submit(wrong, '/login/email/code', { code: await newestCode(email) })
      expect([response.status, response.url.pathname]).toEqual([200, '/account/activity'])
    })

    test('in a browser accepts a link only after a click on the button', async () => {
      const email = newAddress()
      await registered(world, email, { verified: true })
      await begin(email)
      const link = `${world.base}/login/email/link?ticket=${await newestTicket(email, '/login/email/link')}`
      // A link scanner, twice.
      await fetch(link)
      await fetch(link, { method: 'HEAD' })
      const browser = world.openBrowser()
      const page = await browser.go(link)
      expect(page.text).toContain('•••@example.com')
      expect(page.headers.get('referrer-policy')).toBe('no-referrer')
      expect((await browser.go(`${world.base}/account`)).url.pathname).toBe('/login')
      const response = await browser.submit(page, '/login/email/link')
      expect([response.status, response.url.pathname]).toEqual([200, '/account'])
      expect((await browser.go(link)).status).toBe(400)
    })

    test('in a browser returns to the requesting app with a code that only that app can exchange', async () => {
      const email = newAddress()
      const { id } = await registered(world, email, { verified: true })
      const verifier = 'v'.repeat(43)
      const query = new URLSearchParams({
        return_to: 'https://app.example/done?x=1',
        code_challenge: pkceChallenge(verifier),
        code_challenge_method: 'S256',
      })
      const browser = world.openBrowser()
      const page = await browser.go(`${world.base}/login/email?${query}`)
      const asked = await browser.submit(page, '/login/email', { email })
      const done = await browser.submit(asked, '/login/email/code', { code: await newestCode(email) })
      const to = /url=(https:[^"]+)"/.exec(done.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
      expect(to).toMatch(/^https:\/\/app\.example\/done\?x=1&code=/)
      expect(done.headers.getSetCookie().join()).not.toContain('vinculum_session')
      const trade = {
        grant_type: 'authorization_code',
        code: new URL(to).searchParams.get('code'),
        code_verifier: verifier,
      }
      const { user, provider_info } = authOf(await post('/auth/token', trade))
      expect([user.id, provider_info]).toEqual([id, { provider: 'email', provider_user_id: id }])
      // No foreign URL, and none without a challenge.
      for (const refused of ['https://evil.example/', '//evil.example'])
        expect(refusalOf(await post('/auth/email', { email, return_to: refused }))).toEqual([
          400,
          'return_to_not_allowed',
        ])
      const bare = await post('/auth/email', { email, return_to: 'https://app.example/done' })
      expect(refusalOf(bare)).toEqual([400, 'invalid_request'])
    })

    test('in a browser stops at the second factor', async () => {
      const email = newAddress()
      const { id } = await registered(world, email, { verified: true })
      await totp(id)
      await begin(email)
      const link = `${world.base}/login/email/link?ticket=${await newestTicket(email, '/login/email/link')}`
      const browser = world.openBrowser()
      const response = await browser.submit(await browser.go(link), '/login/email/link')
      expect(response.url.pathname).toBe('/login/second-factor')
      expect((await browser.go(`${world.base}/account`)).url.pathname).toBe('/login')
    })
  })

  describe('a password reset', () => {
    test('replaces the password, ends every session, signs nobody in and notifies the user', async () => {
      const email = newAddress()
      const { token } = await registered(world, email, { verified: true })
      const ticket = await forgot(email)
      const done = await reset(ticket)
      expect([done.status, done.text, done.headers.getSetCookie()]).toEqual([204, '', []])
      expect(await lives(token)).toBe(false)
      expect(await passwordFits(world, email, 'a wholly new password')).toBe(true)
      expect(await passwordFits(world, email, 'correct horse battery')).toBe(false)
      expect(await subjects(email)).toEqual(['Your password was reset', 'Set a new password'])
      expect(refusalOf(await reset(ticket))).toEqual(over)
    })

    test('sets a first password, and proves nothing but the email address', async () => {
      const who = world.newcomer()
      const { access_token: token, user } = await world.signIn('google', who)
      await totp(user.id)
      expect((await reset(await forgot(world.emailOf(who)))).status).toBe(204)
      expect(await lives(token)).toBe(false)
      expect(await passwordFits(world, world.emailOf(who), 'a wholly new password')).toBe(true)
      // The second factor is as it was.
      expect(refusalOf(await world.enter('google', who))).toEqual([401, 'second_factor_required'])
    })

    test('rejects an unacceptable password, and the link stays valid', async () => {
      const email = newAddress()
      await registered(world, email, { verified: true })
      const ticket = await forgot(email)
      expect(refusalOf(await reset(ticket, 'short'))).toEqual([400, 'password_rejected'])
      expect((await reset(ticket)).status).toBe(204)
    })

    test('has a link that is valid for half an hour', async () => {
      const email = newAddress()
      await registered(world, email, { verified: true })
      const early = await forgot(email)
      world.turn(1799)
      expect((await reset(early)).status).toBe(204)
      const late = await forgot(email)
      world.turn(1800)
      expect(refusalOf(await reset(late))).toEqual(over)
    })

    test('has one valid link at a time: a newer one ends the older', async () => {
      const email = newAddress()
      await registered(world, email, { verified: true })
      const older = await forgot(email)
      world.turn(1)
      const newer = await forgot(email)
      expect(newer).not.toBe(older)
      expect(refusalOf(await reset(older))).toEqual(over)
      const page = await world.openBrowser().go(`${world.base}/reset-password?ticket=${older}`)
      expect(page.text).not.toContain('name="password"')
      expect((await reset(newer)).status).toBe(204)
    })

    test('has one winner of two concurrent attempts, and no other link stays valid', async () => {
      const email = newAddress()
      await registered(world, email, { verified: true })
      const ticket = await forgot(email)
      const flow_token = await begin(email)
      const code = await newestCode(email)
      const answers = await Promise.all([reset(ticket, 'the first password'), reset(ticket, 'the second password')])
      expect(answers.map(({ status }) => status).sort()).toEqual([204, 400])
      const won = answers[0]?.status === 204 ? 'the first password' : 'the second password'
      expect(await passwordFits(world, email, won)).toBe(true)
      expect(refusalOf(await finish({ flow_token, code }))).toEqual(over)
    })

    test('responds the same for an unknown email address', async () => {
      const [nobody, somebody] = [newAddress(), newAddress()]
      await registered(world, somebody, { verified: true })
      const answers = await Promise.all([nobody, somebody].map((email) => post('/auth/password/forgot', { email })))
      expect(answers.map(({ status, text }) => [status, text])).toEqual([
        [202, '{}'],
        [202, '{}'],
      ])
      expect(await subjects(nobody)).toEqual(['There is no account with this email address'])
    })

    test('of an account with an unverified email address and another sign-in method opens a separate account for the reader of the mailbox', async () => {
      const who = world.newcomer()
      const { access_token: token, user } = await world.signIn('acme', who)
      const email = world.emailOf(who)
      // And no account is created where sign-up is closed.
      const { base: at } = await world.another({ OAUTH_AUTO_REGISTER_NEW_USERS: 'false' })
      for (const path of ['/auth/password/forgot', '/auth/email'])
        expect(refusalOf(await world.call('POST', path, { body: { email }, at }))).toEqual([202, undefined])
      expect(new Set(await subjects(email))).toEqual(new Set(['There is no account with this email address']))
      expect((await reset(await forgot(email))).status).toBe(204)
      expect(await passwordFits(world, email, 'a wholly new password')).toBe(true)
      expect(await lives(token)).toBe(false)
      const again = await world.signIn('acme', who)
      expect(again.user).toMatchObject({ id: user.id, email: null })
    })

    test('sends at most five messages an hour to one email address, and responds to the sixth request the same', async () => {
      const email = newAddress()
      await registered(world, email, { verified: true })
      for (let message = 0; message < 7; message++) {
        const answer = await post('/auth/password/forgot', { email })
        expect([answer.status, answer.text]).toEqual([202, '{}'])
      }
      expect(await subjects(email)).toHaveLength(5)
      world.turn(3600)
      await forgot(email)
      expect(await subjects(email)).toHaveLength(6)
    })

    test('can be requested and completed in a browser', async () => {
      const email = newAddress()
      await registered(world, email, { verified: true })
      const browser = world.openBrowser()
      const asked = await browser.submit(await browser.go(`${world.base}/forgot-password`), '/forgot-password', {
        email,
      })
      expect(asked.url.pathname + asked.url.search).toBe('/login?done=reset_sent')
      const link = `${world.base}/reset-password?ticket=${await newestTicket(email, '/reset-password')}`
      const short = await browser.submit(await browser.go(link), '/reset-password', { password: 'short' })
      expect([short.status, short.text.includes('aria-invalid')]).toEqual([400, true])
      expect(short.text).not.toContain('value="short"')
      const done = await browser.submit(short, '/reset-password', { password: 'a wholly new password' })
      expect(done.url.pathname + done.url.search).toBe('/login?done=password_reset')
      expect((await browser.go(link)).status).toBe(400)
    })
  })

  describe('an attacker who registered with another person’s email address', () => {
    const attack = async () => {
      const email = newAddress()
      const attacker = await registered(world, email, { password: 'the attacker knows this' })
      expect(await lives(attacker.token)).toBe(true)
      return { email, attacker }
    }

    /** The reader of the mailbox signs in with Google and chooses a separate account in the conflict. */
    const comes = async (email: string) => {
      const asked = await world.enter('google', world.newcomer({ email }))
      expect(refusalOf(asked)).toEqual([409, 'account_conflict'])
      const { flowToken: flow_token } = asked.flow
      return authOf(await post(`/auth/conflicts/${asked.body.conflict_ticket}`, { action: 'create', flow_token }))
    }

    test('is signed out when that person resets the password', async () => {
      const { email, attacker } = await attack()
      await totp(attacker.id)
      expect((await reset(await forgot(email))).status).toBe(204)
      expect(await lives(attacker.token)).toBe(false)
      expect(await passwordFits(world, email, 'the attacker knows this')).toBe(false)
      expect(await passwordFits(world, email, 'a wholly new password')).toBe(true)
      // What the attacker set up would only lock that person out.
      const flow_token = await begin(email)
      const response = await finish({ flow_token, code: await newestCode(email) })
      expect(response.status).toBe(200)
      expect(await me(String(response.body.access_token))).toMatchObject({ id: attacker.id, email_verified: true })
    })

    test('is signed out when that person signs in by email', async () => {
      const { email, attacker } = await attack()
      const flow_token = await begin(email)
      const response = await finish({ flow_token, code: await newestCode(email) })
      expect(response.status).toBe(200)
      expect(await lives(attacker.token)).toBe(false)
      expect(await passwordFits(world, email, 'the attacker knows this')).toBe(null)
      expect(await me(String(response.body.access_token))).toMatchObject({ id: attacker.id, email_verified: true })
      expect(await subjects(email)).toContain('Your password was removed')
    })

    test('is signed out when that person signs in with a provider that proves the email address', async () => {
      const { email, attacker } = await attack()
      const { user } = await comes(email)
      expect(user).toMatchObject({ email, email_verified: true })
      expect(user.id).not.toBe(attacker.id)
      expect(await lives(attacker.token)).toBe(false)
      expect(await passwordFits(world, email, 'the attacker knows this')).toBe(null)
    })

    /** The attacker keeps the account with sign-in methods of their own, none of which proves the email address. */
    const decorated = async () => {
      const email = newAddress()
      const who = world.newcomer({ email })
      const attacker = await world.signIn('acme', who)
      expect(attacker.user).toMatchObject({ email, email_verified: false })
      const set = { token: attacker.access_token, body: { new_password: 'the attacker knows this' } }
      expect((await world.call('PUT', '/me/password', set)).status).toBe(204)
      return { email, who, id: attacker.user.id, token: attacker.access_token }
    }

    test('and added another sign-in method does not lock that person out: signing in by email gives them their own account', async () => {
      const attacker = await decorated()
      const { email } = attacker
      const flow_token = await begin(email)
      expect(await subjects(email)).toEqual(['Your sign-in code'])
      const response = await finish({ flow_token, code: await newestCode(email) })
      expect(refusalOf(response)).toEqual([200, undefined])
      const token = String(response.body.access_token)
      const mine = await me(token)
      expect(mine).toMatchObject({ email, email_verified: true, name: null })
      expect(mine.id).not.toBe(attacker.id)
      expect(await events(token)).toEqual(expect.arrayContaining(['account.created', 'authentication.succeeded']))
      // The attacker no longer reaches the email address; their account, without it, stays theirs.
      expect(await lives(attacker.token)).toBe(false)
      expect(await passwordFits(world, email, 'the attacker knows this')).toBe(null)
      const back = await world.signIn('acme', attacker.who)
      expect(back.user).toMatchObject({ id: attacker.id, email: null, email_verified: false })
      // And the next message leads to that person's account.
      const again = await finish({ flow_token: await begin(email), code: await newestCode(email) })
      expect((await me(String(again.body.access_token))).id).toBe(mine.id)
    })

    test('and added another sign-in method loses the email address to a reset, which sets that person’s password', async () => {
      const attacker = await decorated()
      const { email } = attacker
      const ticket = await forgot(email)
      const link = await world.openBrowser().go(`${world.base}/reset-password?ticket=${ticket}`)
      expect(link.status).toBe(200)
      const answers = await Promise.all([reset(ticket), reset(ticket)])
      expect(answers.map(({ status }) => status).sort()).toEqual([204, 400])
      expect(await lives(attacker.token)).toBe(false)
      const form = { username: email, password: 'a wholly new password' }
      const response = await world.call('POST', '/auth/token', { form })
      const mine = await me(String(response.body.access_token))
      expect(mine).toMatchObject({ email, email_verified: true })
      expect(mine.id).not.toBe(attacker.id)
      expect(await events(String(response.body.access_token))).toContain('password.set')
    })

    test('does not block that person’s registration: the message explains how to claim the email address', async () => {
      const { email, attacker } = await attack()
      const registration = await post('/auth/register', { email, password: 'a bar over letters that belong' })
      expect([registration.status, registration.body]).toEqual([201, { email }])
      const message = await newest(email)
      expect(message?.subject).toBe('Your email address was already used')
      const [, path = ''] = new RegExp(`${world.base}(/login/email)$`, 'm').exec(message?.text ?? '') ?? []
      const browser = world.openBrowser()
      const asked = await browser.submit(await browser.go(world.base + path), '/login/email', { email })
      const response = await browser.submit(asked, '/login/email/code', { code: await newestCode(email) })
      expect([response.status, response.url.pathname]).toEqual([200, '/account'])
      expect(await lives(attacker.token)).toBe(false)
    })

    test('does not block an email address change to it', async () => {
      const attacker = await decorated()
      const { email } = attacker
      const { id, token } = await registered(world, newAddress(), { verified: true })
      expect((await world.call('PUT', '/me/email', { body: { email }, token })).status).toBe(202)
      const ticket = await newestTicket(email, '/change-email')
      expect((await post('/auth/email/change', { ticket }, token)).status).toBe(204)
      expect(await me(token)).toMatchObject({ id, email, email_verified: true })
      expect(await lives(attacker.token)).toBe(false)
      expect(await passwordFits(world, email, 'the attacker knows this')).toBe(false)
      expect(await passwordFits(world, email, 'correct horse battery')).toBe(true)
    })

    test('cannot use what they requested before that person signed in', async () => {
      const { email, attacker } = await attack()
      await post('/me/email/verify', {}, attacker.token)
      const early = await forgot(email)
      const flow_token = await begin(email)
      const code = await newestCode(email)
      await comes(email)
      expect(refusalOf(await reset(early))).toEqual(over)
      expect(refusalOf(await finish({ flow_token, code }))).toEqual(over)
    })

    test('is not verified when that person follows the link', async () => {
      const { email, attacker } = await attack()
      await post('/me/email/verify', {}, attacker.token)
      const ticket = await newestTicket(email, '/verify-email')
      const victim = await registered(world, newAddress(), { verified: true })
      expect((await post('/auth/email/verify', { ticket })).status).toBe(401)
      expect(refusalOf(await post('/auth/email/verify', { ticket }, victim.token))).toEqual(over)
      expect((await me(attacker.token)).email_verified).toBe(false)
    })
  })

  describe('the user’s own email address', () => {
    test('is verified once, by the link sent to its account', async () => {
      const email = newAddress()
      const { token } = await registered(world, email)
      expect((await post('/me/email/verify', {}, token)).status).toBe(202)
      const ticket = await newestTicket(email, '/verify-email')
      expect((await post('/auth/email/verify', { ticket }, token)).status).toBe(204)
      expect((await me(token)).email_verified).toBe(true)
      expect(await events(token)).toContain('account.email_verified')
      expect(refusalOf(await post('/auth/email/verify', { ticket }, token))).toEqual(over)
      // Nothing is left to verify.
      await post('/me/email/verify', {}, token)
      expect(await subjects(email)).toEqual(['Verify your email address'])
    })

    test('is verified in a browser after signing in, and the ticket stays out of the URL', async () => {
      const email = newAddress()
      const { token, cookie } = await registered(world, email)
      await post('/me/email/verify', {}, token)
      const ticket = await newestTicket(email, '/verify-email')
      const stranger = world.openBrowser()
      const sent = await stranger.ask(`${world.base}/verify-email?ticket=${ticket}`)
      expect([sent.status, sent.headers.get('location')]).toEqual([
        303,
        '/login?done=sign_in_to_verify&return_to=/verify-email',
      ])
      const kept = /vinculum_mail_ticket=([^;]+)/.exec(sent.headers.getSetCookie().join())?.[0]
      const page = await fetch(`${world.base}/verify-email`, {
        headers: { accept: 'text/html', cookie: `${cookie}; ${kept}` },
      })
      const text = await page.text()
      expect(text).toContain(email)
      const csrf = /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? ''
      const done = await fetch(`${world.base}/verify-email`, {
        method: 'POST',
        redirect: 'manual',
        headers: { accept: 'text/html', cookie, origin: world.base, 'sec-fetch-site': 'same-origin' },
        body: new URLSearchParams({ csrf, ticket }),
      })
      expect([done.status, done.headers.get('location')]).toEqual([303, '/account?done=email_verified'])
      expect((await me(token)).email_verified).toBe(true)
    })

    test('is changed only after the new one is verified', async () => {
      const [before, after] = [newAddress(), newAddress()]
      const { id, token } = await registered(world, before, { verified: true })
      const flow_token = await begin(before)
      const elsewhere = await finish({ flow_token, code: await newestCode(before) })
      const early = await forgot(before)
      expect((await world.call('PUT', '/me/email', { body: { email: after }, token })).status).toBe(202)
      expect((await me(token)).email).toBe(before)
      expect(await subjects(before)).toContain('A change of your email address was requested')
      const ticket = await newestTicket(after, '/change-email')
      expect((await post('/auth/email/change', { ticket }, token)).status).toBe(204)
      expect(await me(token)).toMatchObject({ id, email: after, email_verified: true })
      expect(await lives(String(elsewhere.body.access_token))).toBe(false)
      expect(await passwordFits(world, after, 'correct horse battery')).toBe(true)
      expect(await passwordFits(world, before, 'correct horse battery')).toBe(null)
      for (const address of [before, after]) expect((await subjects(address))[0]).toBe('Your email address was changed')
      expect(refusalOf(await reset(early))).toEqual(over)
      expect(refusalOf(await post('/auth/email/change', { ticket }, token))).toEqual(over)
      expect(await events(token)).toContain('account.email_changed')
    })

    test('cannot be changed by another user or to another user’s address, and the requester learns nothing', async () => {
      const [mine, theirs, free] = [newAddress(), newAddress(), newAddress()]
      const { token } = await registered(world, mine, { verified: true })
      const other = await registered(world, theirs, { verified: true })
      const put = (email: string) => world.call('PUT', '/me/email', { body: { email }, token })
      const answers = [await put(theirs), await put(free)]
      expect(answers.map(({ status, text }) => [status, text])).toEqual([
        [202, '{}'],
        [202, '{}'],
      ])
      expect(await subjects(theirs)).toEqual(['You already have an account'])
      const ticket = await newestTicket(free, '/change-email')
      expect(refusalOf(await post('/auth/email/change', { ticket }, other.token))).toEqual(over)
      // Another user was faster.
      await world.signIn('google', world.newcomer({ email: free }))
      expect(refusalOf(await post('/auth/email/change', { ticket }, token))).toEqual(over)
      expect((await me(token)).email).toBe(mine)
    })

    test('has one valid link at a time, whether or not the last requested address is available', async () => {
      const [mine, first, taken, free] = [newAddress(), newAddress(), newAddress(), newAddress()]
      const { token } = await registered(world, mine, { verified: true })
      await registered(world, taken, { verified: true })
      const put = (email: string) => world.call('PUT', '/me/email', { body: { email }, token })
      for (const last of [taken, free]) {
        await put(first)
        const older = await newestTicket(first, '/change-email')
        world.turn(1)
        await put(last)
        expect(refusalOf(await post('/auth/email/change', { ticket: older }, token))).toEqual(over)
      }
      const ticket = await newestTicket(free, '/change-email')
      expect((await post('/auth/email/change', { ticket }, token)).status).toBe(204)
    })

    test('leaves the same exported data, whether or not the requested address is available', async () => {
      const [mine, taken, free] = [newAddress(), newAddress(), newAddress()]
      const { token } = await registered(world, mine, { verified: true })
      await registered(world, taken, { verified: true })
      const kept = []
      for (const email of [taken, free]) {
        await world.call('PUT', '/me/email', { body: { email }, token })
        const { text } = await world.call('GET', '/me/export', { token })
        kept.push(text.includes(email))
      }
      expect(kept[0]).toBe(kept[1])
    })

    test('is verified by the newest link only', async () => {
      const email = newAddress()
      const { token } = await registered(world, email)
      await post('/me/email/verify', {}, token)
      const older = await newestTicket(email, '/verify-email')
      world.turn(1)
      await post('/me/email/verify', {}, token)
      const newer = await newestTicket(email, '/verify-email')
      expect(refusalOf(await post('/auth/email/verify', { ticket: older }, token))).toEqual(over)
      expect((await post('/auth/email/verify', { ticket: newer }, token)).status).toBe(204)
    })

    test('goes to one of two accounts that verify it concurrently', async () => {
      for (let round = 0; round < 5; round++) {
        const wanted = newAddress()
        const people = [await registered(world, newAddress()), await registered(world, newAddress())]
        const tickets: string[] = []
        for (const { token } of people) {
          await world.call('PUT', '/me/email', { body: { email: wanted }, token })
          tickets.push(await newestTicket(wanted, '/change-email'))
        }
        const answers = await Promise.all(
          people.map(({ token }, index) => post('/auth/email/change', { ticket: tickets[index] ?? '' }, token)),
        )
        expect(answers.map(({ status }) => status).sort()).toEqual([204, 400])
      }
    })

    test.each([
      { what: 'verified', page: '/verify-email', path: '/auth/email/verify', seconds: 86_400 },
      { what: 'changed', page: '/change-email', path: '/auth/email/change', seconds: 3600 },
    ])('is $what by a link that is valid for $seconds seconds', async ({ page, path, seconds }) => {
      for (const [late, answer] of [
        [seconds - 1, 204],
        [seconds, 400],
      ] as const) {
        const [email, wanted] = [newAddress(), newAddress()]
        const { token, cookie } = await registered(world, email)
        if (page === '/verify-email') await post('/me/email/verify', {}, token)
        else await world.call('PUT', '/me/email', { body: { email: wanted }, token })
        const ticket = await newestTicket(page === '/verify-email' ? email : wanted, page)
        world.turn(late)
        const confirmed = await post(path, { ticket }, await tokenOf(world, cookie))
        expect([late, confirmed.status]).toEqual([late, answer])
      }
    })

    test('is changed only after a recent sign-in', async () => {
      const { token } = await registered(world, newAddress(), { verified: true })
      world.turn(601)
      const refused = await world.call('PUT', '/me/email', { body: { email: newAddress() }, token })
      expect(refusalOf(refused)).toEqual([403, 'reauthentication_required'])
    })
  })

  test('no ticket, code or email address gets into the log, the metrics or a table', async () => {
    const email = newAddress()
    await registered(world, email, { verified: true })
    const flow_token = await begin(email)
    const message = await newest(email)
    const [ticket, code] = [ticketIn(message, '/login/email/link'), codeIn(message)]
    await fetch(`${world.base}/login/email/link?ticket=${ticket}`)
    await fetch(`${world.base}/reset-password?ticket=${ticket}`)
    await finish({ ticket })
    // The sign-in was on a new device, which has a message of its own.
    await world.mailTo(email)
    const metrics = await (await fetch(`${world.base}/metrics`)).text()
    expect(metrics).toContain('vinculum_mails_total{template="sign_in",result="sent"}')
    expect(metrics).toContain('vinculum_job_backlog{job="send-mail"} 0')
    for (const text of [metrics, world.logged.join('')]) {
      for (const secret of [ticket, code, email, flow_token]) expect(text).not.toContain(secret)
    }
    const { accounts: _a, passwords: _p, tickets = [], ...tables } = await world.dump()
    expect(JSON.stringify(tables)).not.toContain(email)
    for (const secret of [ticket, flow_token, code]) expect(JSON.stringify([tables, tickets])).not.toContain(secret)
  })

  test('the mailbox can be read on this machine only', async () => {
    const email = newAddress()
    await registered(world, email, { verified: true })
    await begin(email)
    const message = await newest(email)
    const html = { accept: 'text/html' }
    const list = await (await fetch(`${world.base}/mailbox`, { headers: html })).text()
    expect(list).toContain(`/mailbox/${message?.id}`)
    const one = await (await fetch(`${world.base}/mailbox/${message?.id}`, { headers: html })).text()
    expect(one).toContain(codeIn(message))
    for (const path of ['/mailbox', `/mailbox/${message?.id}`]) {
      const proxied = await world.call('GET', path, { headers: { 'x-forwarded-for': '203.0.113.9' } })
      expect(refusalOf(proxied)).toEqual([404, 'not_found'])
    }
    expect(refusalOf(await world.call('GET', '/mailbox/eml_none'))).toEqual([404, 'not_found'])
  })
})
