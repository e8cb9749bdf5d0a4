/** Proving ownership of the existing account after a sign-in opened an account conflict. */
import { randomBytes } from 'node:crypto'
import { TOTP } from 'otpauth'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { startSandbox } from '../../sandbox/sandbox.ts'
import { maskEmail } from '../../src/kernel/email.ts'
import { createAuthenticator } from '../support/authenticator.ts'
import { registered } from '../support/registered.ts'
import {
  type Answer,
  aboveStore,
  authOf,
  type Json,
  listIn,
  type ProviderName,
  refusalOf,
  startWorld,
  type World,
} from '../support/service.ts'

const newAddress = (): string => `c${randomBytes(5).toString('hex')}@example.com`

describe.each(aboveStore('SQLite'))('when an account conflict asks for proof, on %s,', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database })
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  const post = (path: string, body: object, token?: string): Promise<Answer> =>
    world.call('POST', path, { body, token })

  type Question = { readonly ticket: string; readonly flowToken: string }
  /** A user signs in through this provider with an email address that has an account. */
  async function asked(provider: ProviderName, email: string, at?: string, changes = {}): Promise<Question> {
    const entered = await world.enter(provider, world.newcomer({ email }, changes), at === undefined ? {} : { at })
    expect(refusalOf(entered)).toEqual([409, 'account_conflict'])
    return { ticket: String(entered.body.conflict_ticket), flowToken: entered.flow.flowToken }
  }
  const answer = ({ ticket, flowToken }: Question, body: object, token?: string): Promise<Answer> =>
    post(`/auth/conflicts/${ticket}`, { action: 'link', flow_token: flowToken, ...body }, token)
  const show = ({ ticket, flowToken }: Question, at = world.base): Promise<Answer> =>
    world.call('GET', `/auth/conflicts/${ticket}`, { headers: { 'flow-token': flowToken }, at })
  async function methodsOf(question: Question, at?: string): Promise<readonly string[]> {
    const { body } = await show(question, at)
    return (body.methods as Json[]).map(({ type, provider }) => String(provider ?? type))
  }
  async function addPasskey(token: string) {
    const { body } = await post('/me/passkeys/options', {}, token)
    const key = createAuthenticator(world.base)
    const response = key.create(body.options as Json)
    const added = await post('/me/passkeys', { flow_token: body.flow_token, name: 'Phone', response }, token)
    expect(added.status, added.text).toBe(201)
    return key
  }
  async function withPasskey(key: ReturnType<typeof createAuthenticator>): Promise<Answer> {
    const { body } = await post('/auth/passkey/options', {})
    return post('/auth/passkey', { flow_token: body.flow_token, response: key.get(body.options as Json) })
  }
  const codeIn = async (email: string): Promise<string> => {
    const found = (await world.mailTo(email)).flatMap(({ text }) => /^ {4}(\d{8})$/m.exec(text)?.[1] ?? [])
    return found[0] ?? ''
  }

  test('the offered methods never include the provider of the new identity', async () => {
    const email = newAddress()
    await world.signIn('github', world.newcomer({ email }))
    // Another identity of the same provider proves the email address, so the account's own methods are shown.
    expect(await methodsOf(await asked('github', email))).toEqual(['email'])
    for (const provider of ['atlassian', 'acme', 'beta'] as const)
      expect(await methodsOf(await asked(provider, email))).not.toContain(provider)
  })

  test('a caller who did not prove the email address is offered the same methods for every account', async () => {
    const everything = ['google', 'github', 'atlassian', 'beta', 'password', 'passkey', 'email']
    const withProvider = newAddress()
    await world.signIn('google', world.newcomer({ email: withProvider }))
    const withPassword = newAddress()
    await registered(world, withPassword)
    const withEverything = newAddress()
    const { access_token: token } = await world.signIn('google', world.newcomer({ email: withEverything }))
    await addPasskey(token)
    for (const email of [withProvider, withPassword, withEverything])
      expect(await methodsOf(await asked('acme', email))).toEqual(everything)
  })

  test('a caller who proved the email address is offered exactly the methods the account has', async () => {
    const email = newAddress()
    const { access_token: token } = await world.signIn('github', world.newcomer({ email }))
    await addPasskey(token)
    expect(await methodsOf(await asked('github', email))).toEqual(['passkey', 'email'])
    // The email address is unverified and the account has a provider: email would open a separate account.
    const claimed = newAddress()
    await world.signIn('beta', world.newcomer({ email: claimed }))
    expect(await methodsOf(await asked('google', claimed))).toEqual(['beta'])
    const unproven = newAddress()
    await registered(world, unproven)
    expect(await methodsOf(await asked('google', unproven))).toEqual(['password', 'email'])
  })

  test('a method that is currently unavailable is not offered', async () => {
    const elsewhere = await startSandbox({ clock: world.clock })
    try {
      const strict = await world.another({
        REQUIRE_VERIFIED_EMAIL: 'true',
        ACME_ISSUER: String(elsewhere.env.ACME_ISSUER),
      })
      const at = strict.base
      // The identity belongs to the previous issuer: a subject of the new one would only open another conflict.
      const moved = newAddress()
      const { access_token: token } = await world.signIn('acme', world.newcomer({ email: moved }))
      expect((await world.enter('beta', world.newcomer(), { intent: 'link', token })).status).toBe(200)
      expect(await methodsOf(await asked('google', moved, at), at)).toEqual(['beta'])
      const unproven = newAddress()
      await registered(world, unproven)
      expect(await methodsOf(await asked('google', unproven, at), at)).toEqual(['email'])
    } finally {
      await elsewhere.close()
    }
  })

  test('an account that only the provider just used can open leads to a separate account', async () => {
    const email = newAddress()
    const first = world.newcomer({ email }, { google: { email_verified: false } })
    await world.signIn('google', first)
    const question = await asked('google', email)
    const { body } = await show(question)
    expect([body.methods, body.can_create]).toEqual([[], true])
    const created = authOf(await answer(question, { action: 'create' }))
    expect([created.action, created.user.email]).toEqual(['created_new_user', email])
  })

  test('the code goes to the email address of the account it opens, and that address is shown', async () => {
    const [claimed, held] = [newAddress(), `h${newAddress()}`]
    await world.signIn('beta', world.newcomer({ email: claimed }))
    const holder = await world.signIn('github', world.newcomer({ email: held }))
    const emails = [claimed, held].map((email, n) => ({ email, verified: true, primary: n === 0, visibility: null }))
    const question = await asked('github', claimed, undefined, { github: { emails } })
    expect(await methodsOf(question)).toEqual(['beta', 'email'])
    const { body } = await show(question)
    const sent = await answer(question, { method: 'email' })
    const code = await codeIn(held)
    expect([body.email, (await world.mailTo(claimed)).length]).toEqual([maskEmail(held), 0])
    const entered = await post('/auth/email/finish', { flow_token: sent.body.flow_token, code })
    expect(entered.status, entered.text).toBe(200)
    const linked = authOf(await answer(question, {}, String(entered.body.access_token)))
    expect([linked.action, linked.user.id]).toEqual(['linked_existing', holder.user.id])
  })

  test('an emailed code proves the account, without revealing the email address in the response', async () => {
    const email = newAddress()
    const first = await world.signIn('google', world.newcomer({ email }))
    const question = await asked('acme', email)
    const sent = await answer(question, { method: 'email' })
    expect([sent.status, Object.keys(sent.body).sort()]).toEqual([200, ['expires_in', 'flow_token']])
    expect(sent.text).not.toContain(email)
    const entered = await post('/auth/email/finish', { flow_token: sent.body.flow_token, code: await codeIn(email) })
    expect(entered.status, entered.text).toBe(200)
    const linked = authOf(await answer(question, {}, String(entered.body.access_token)))
    expect([linked.action, linked.user.id]).toEqual(['linked_existing', first.user.id])
    expect(refusalOf(await answer(question, { method: 'email' }))).toEqual([404, 'conflict_not_found'])
  })

  test('a passkey proves the account', async () => {
    const email = newAddress()
    const first = await world.signIn('google', world.newcomer({ email }))
    const key = await addPasskey(first.access_token)
    const question = await asked('beta', email)
    const entered = await withPasskey(key)
    const linked = authOf(await answer(question, {}, String(entered.body.access_token)))
    expect([linked.action, linked.user.id]).toEqual(['linked_existing', first.user.id])
  })

  test('the passkey or the mailbox of another account proves nothing', async () => {
    const email = newAddress()
    await world.signIn('google', world.newcomer({ email }))
    const question = await asked('acme', email)
    const stranger = await world.signIn('google', world.newcomer())
    const entered = await withPasskey(await addPasskey(stranger.access_token))
    expect(refusalOf(await answer(question, {}, String(entered.body.access_token)))).toEqual([401, 'proof_required'])
    const own = String(stranger.user.email)
    const begun = await post('/auth/email', { email: own })
    const finish = { flow_token: begun.body.flow_token, code: await codeIn(own) }
    const mailed = await post('/auth/email/finish', finish)
    expect(mailed.status, mailed.text).toBe(200)
    expect(refusalOf(await answer(question, {}, String(mailed.body.access_token)))).toEqual([401, 'proof_required'])
  })

  test('a caller without the flow_token cannot have a message sent', async () => {
    const email = newAddress()
    await world.signIn('google', world.newcomer({ email }))
    const { ticket, flowToken } = await asked('acme', email)
    const before = (await world.mailTo(email)).length
    for (const body of [{}, { flow_token: 'another' }]) {
      const refused = await post(`/auth/conflicts/${ticket}`, { action: 'link', method: 'email', ...body })
      expect(refusalOf(refused)).toEqual([404, 'conflict_not_found'])
    }
    expect((await world.mailTo(email)).length).toBe(before)
    const both = { method: 'email', provider: 'google' }
    expect(refusalOf(await answer({ ticket, flowToken }, both))).toEqual([400, 'invalid_request'])
    expect(refusalOf(await answer({ ticket, flowToken }, { method: 'passkey' }))).toEqual([400, 'invalid_request'])
  })

  test('a code neither bypasses the second factor nor opens a disabled account', async () => {
    const email = newAddress()
    const { access_token: token, user } = await world.signIn('google', world.newcomer({ email }))
    const question = await asked('acme', email)
    const begun = await post('/me/second-factor/totp', {}, token)
    const totp = new TOTP({ secret: String(begun.body.secret) })
    const code = (): string => totp.generate({ timestamp: world.clock().getTime() })
    expect((await post('/me/second-factor/totp/confirm', { code: code() }, token)).status).toBe(200)
    world.turn(30)

    const mailed = async (): Promise<Answer> => {
      const sent = await answer(question, { method: 'email' })
      return post('/auth/email/finish', { flow_token: sent.body.flow_token, code: await codeIn(email) })
    }
    const half = await mailed()
    expect(refusalOf(half)).toEqual([401, 'second_factor_required'])
    const proof = { second_factor_ticket: half.body.second_factor_ticket, totp: code() }
    const entered = await post('/auth/second-factor', proof)
    expect(entered.status, entered.text).toBe(200)

    world.turn(30)
    await world.operator(
      `update accounts set disabled_at = ${database === 'SQLite' ? '1' : 'now()'} where id = '${user.id}'`,
    )
    const { status, body } = await mailed()
    expect([status, body.access_token]).toEqual([403, undefined])
    const refused = await answer(question, {}, String(entered.body.access_token))
    expect([refused.status, refused.body.access_token]).toEqual([403, undefined])
  })

  /** A browser at the conflict page, with a function that submits a page's forms. */
  async function atQuestion(email: string, returnTo = '/account/activity') {
    const browser = world.openBrowser()
    const sent = await browser.signIn('acme', world.newcomer({ email }), { return_to: returnTo })
    const form = async (page: string, fields: Record<string, string>, to = page) => {
      const { text } = await browser.ask(new URL(page, world.base))
      const csrf = /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? ''
      const headers = { origin: world.base, 'sec-fetch-site': 'same-origin' }
      const asked = { method: 'POST', headers, body: new URLSearchParams({ csrf, ...fields }) }
      const { status, headers: got } = await browser.ask(new URL(to, world.base), asked)
      return [status, got.get('location')]
    }
    return { browser, form, path: sent.headers.get('location') ?? '' }
  }
  const linkIn = async (email: string): Promise<string> => {
    const [message] = await world.mailTo(email)
    return /\/login\/email\/link\?ticket=\S+/.exec(message?.text ?? '')?.[0] ?? ''
  }

  test('the page in the same browser asks for the code and returns to the conflict', async () => {
    const email = newAddress()
    const { user } = await world.signIn('google', world.newcomer({ email }))
    const { browser, form, path } = await atQuestion(email)
    expect(await form(path, { action: 'link', method: 'email' })).toEqual([303, '/login/email/code'])
    expect(await form('/login/email/code', { code: await codeIn(email) })).toEqual([303, path])
    expect(await form(path, { action: 'link' })).toEqual([303, '/account/activity'])
    expect((await browser.json('GET', '/me')).body.id).toBe(user.id)
    expect(listIn(await browser.json('GET', '/me/identities'))).toHaveLength(2)
    // Resolved once, and useless in another browser.
    expect((await browser.ask(new URL(path, world.base))).status).toBe(404)
  })

  test('the link in the message also returns to the conflict, after the second factor', async () => {
    const email = newAddress()
    const { access_token: token, user } = await world.signIn('google', world.newcomer({ email }))
    const { browser, form, path } = await atQuestion(email)
    const begun = await post('/me/second-factor/totp', {}, token)
    const totp = new TOTP({ secret: String(begun.body.secret) })
    const code = (): string => totp.generate({ timestamp: world.clock().getTime() })
    expect((await post('/me/second-factor/totp/confirm', { code: code() }, token)).status).toBe(200)
    world.turn(30)
    expect(await form(path, { action: 'link', method: 'email' })).toEqual([303, '/login/email/code'])
    const link = await linkIn(email)
    const ticket = new URL(link, world.base).searchParams.get('ticket') ?? ''
    expect(await form(link, { ticket }, '/login/email/link')).toEqual([303, '/login/second-factor'])
    expect(await form('/login/second-factor', { totp: code() })).toEqual([303, path])
    expect((await browser.ask(new URL(path, world.base))).text).toContain('Yes, link')
    // The confirmation is a sign-in with the provider, and asks for the second factor like any other.
    world.turn(30)
    expect(await form(path, { action: 'link' })).toEqual([303, '/login/second-factor'])
    expect(await form('/login/second-factor', { totp: code() })).toEqual([303, '/account/activity'])
    expect((await browser.json('GET', '/me')).body.id).toBe(user.id)
  })

  test('the link in the message proves nothing in another browser, and the conflict stays open', async () => {
    const email = newAddress()
    await world.signIn('google', world.newcomer({ email }))
    const { browser, form, path } = await atQuestion(email)
    await form(path, { action: 'link', method: 'email' })
    const link = await linkIn(email)
    const elsewhere = world.openBrowser()
    const { text } = await elsewhere.ask(new URL(link, world.base))
    const csrf = /name="csrf" value="([^"]+)"/.exec(text)?.[1] ?? ''
    const ticket = new URL(link, world.base).searchParams.get('ticket') ?? ''
    const entered = await elsewhere.ask(new URL('/login/email/link', world.base), {
      method: 'POST',
      headers: { origin: world.base, 'sec-fetch-site': 'same-origin' },
      body: new URLSearchParams({ csrf, ticket }),
    })
    expect([entered.status, entered.headers.get('location')]).toEqual([303, path])
    expect((await elsewhere.ask(new URL(path, world.base))).status).toBe(404)
    // The first browser proved nothing, and may still resolve the conflict.
    expect((await browser.ask(new URL(path, world.base))).text).not.toContain('Yes, link')
    expect((await form(path, { action: 'link' }))[0]).toBe(401)
    expect(await form(path, { action: 'create' })).toEqual([303, '/account/activity'])
  })
})
