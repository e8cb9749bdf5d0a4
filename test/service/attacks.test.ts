import { randomBytes } from 'node:crypto'
import { TOTP } from 'otpauth'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { registered } from '../support/registered.ts'
import { type Answer, aboveStore, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

const anAddress = (): string => `h${randomBytes(5).toString('hex')}@example.com`
const password = 'correct horse battery'

describe.each(aboveStore('PostgreSQL'))('an attacker, on %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database })
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  const post = (path: string, body: object = {}, token?: string): Promise<Answer> =>
    world.call('POST', path, { body, token })
  const refusalsOf = async (accountId: string | null) =>
    (await world.trail())
      .filter((row) => row.account_id === accountId && row.event === 'authentication.failed')
      .map(({ data }) => (typeof data === 'string' ? JSON.parse(data) : data))
  const failuresOf = async (accountId: string | null): Promise<readonly unknown[]> =>
    (await refusalsOf(accountId)).map(({ code }) => code)

  test('cannot tell from rate limits whether an email address has an account without a password', async () => {
    const who = world.newcomer()
    await world.signIn('google', who)
    const claimant = anAddress()
    await registered(world, claimant, { signedIn: false })
    const outcomes: unknown[] = []
    for (const email of [anAddress(), world.emailOf(who), claimant]) {
      for (let at = 0; at < 7; at++) await post('/auth/token', { username: email, password: 'wrong wrong wrong' })
      const begun = await post('/auth/email', { email })
      outcomes.push(
        refusalOf(await post('/auth/email/finish', { flow_token: begun.body.flow_token, code: '00000000' })),
      )
    }
    expect(outcomes).toEqual(Array(3).fill([429, 'too_many_attempts']))
  })

  test('who started an authenticator app setup in a stolen session cannot confirm it after the password changed', async () => {
    const { token } = await registered(world, anAddress(), { verified: true })
    const { body } = await post('/me/second-factor/totp', {}, token)
    const change = { current_password: password, new_password: 'another horse battery' }
    expect((await world.call('PUT', '/me/password', { token, body: change })).status).toBe(204)
    const code = new TOTP({ secret: String(body.secret) }).generate({ timestamp: world.clock().getTime() })
    expect(refusalOf(await post('/me/second-factor/totp/confirm', { code }, token))).toEqual([
      409,
      'second_factor_missing',
    ])
  })

  test('cannot confirm an abandoned authenticator app setup from a later session', async () => {
    const who = world.newcomer()
    const { access_token: token } = await world.signIn('google', who)
    const { body } = await post('/me/second-factor/totp', {}, token)
    const totp = new TOTP({ secret: String(body.secret) })
    const confirm = (as: string) =>
      post('/me/second-factor/totp/confirm', { code: totp.generate({ timestamp: world.clock().getTime() }) }, as)
    world.turn(600)
    const { access_token: later } = await world.signIn('google', who)
    expect(refusalOf(await confirm(later))).toEqual([409, 'second_factor_missing'])
  })

  test('whose guess at a second factor or an email code is rate limited appears in the audit log', async () => {
    const email = anAddress()
    const { id, token } = await registered(world, email, { verified: true })
    const { body } = await post('/me/second-factor/totp', {}, token)
    const code = new TOTP({ secret: String(body.secret) }).generate({ timestamp: world.clock().getTime() })
    expect((await post('/me/second-factor/totp/confirm', { code }, token)).status).toBe(200)
    const half = await post('/auth/token', { username: email, password })
    const second_factor_ticket = half.body.second_factor_ticket
    const answers: unknown[] = []
    for (let at = 0; at < 7; at++)
      answers.push((await post('/auth/second-factor', { second_factor_ticket, totp: '000000' })).status)
    expect(answers).toEqual([401, 401, 401, 401, 401, 401, 429])
    expect(await failuresOf(id)).toEqual([...Array(6).fill('second_factor_invalid'), 'too_many_attempts'])
    const begun = await post('/auth/email', { email })
    const held = await post('/auth/email/finish', { flow_token: begun.body.flow_token, code: '00000000' })
    expect(held.status).toBe(429)
    expect((await failuresOf(id)).slice(7)).toEqual(['too_many_attempts'])
    expect(refusalOf(await post('/auth/token', { username: email, password, totp: '000000' }))).toEqual([
      429,
      'too_many_attempts',
    ])
    // Rate-limited attempts of one kind share an entry: the second password attempt is counted in the first.
    expect((await failuresOf(id)).slice(8)).toEqual([])
    expect((await refusalsOf(id)).slice(6)).toMatchObject([
      { provider: 'password', attempts: 2 },
      { provider: 'email', attempts: 1 },
    ])
  })

  test('cannot get a foreign return_to accepted, and no account is created by the attempt', async () => {
    const accept = { accept: 'text/html' }
    for (const to of ['https://evil.example/', '//evil.example', '/\\evil.example']) {
      const page = await fetch(`${world.base}/register?return_to=${encodeURIComponent(to)}`, { headers: accept })
      expect(page.status).toBe(400)
    }
    const browser = world.openBrowser()
    const email = anAddress()
    const page = await browser.go(`${world.base}/register?return_to=/account`)
    const forged = await browser.submit(page, '/register', { email, password, return_to: 'https://evil.example/' })
    expect(forged.status).toBe(400)
    expect((await world.dump('accounts')).accounts?.some((row) => row.email === email)).toBe(false)
  })

  test('cannot use a ticket issued before the sign-in methods changed', async () => {
    const who = world.newcomer()
    const { access_token: token, user } = await world.signIn('google', who)
    const email = world.emailOf(who)
    const ticketsOf = async () =>
      ((await world.dump('tickets')).tickets ?? []).filter((row) => row.account_id === user.id)
    const asked = async () => {
      await post('/auth/password/forgot', { email })
      expect(await ticketsOf()).toHaveLength(1)
    }
    await asked()
    await world.enter('github', who, { intent: 'link', token })
    expect(await ticketsOf()).toEqual([])
    await asked()
    const [identity] = listIn(await world.call('GET', '/me/identities', { token }))
    expect((await world.call('DELETE', `/me/identities/${identity?.id}`, { token })).status).toBe(204)
    expect(await ticketsOf()).toEqual([])
  })

  test('who still reads the old mailbox has no session after the email address changes, even when both happen concurrently', async () => {
    for (let round = 0; round < 8; round++) {
      const [old, next] = [anAddress(), anAddress()]
      const { token } = await registered(world, old, { verified: true })
      await post('/auth/email', { email: old })
      await world.call('PUT', '/me/email', { token, body: { email: next } })
      const ticketTo = async (address: string, path: string) =>
        (await world.mailTo(address))
          .map(({ text }) => new RegExp(`${path}\\?ticket=([\\w-]+)`).exec(text)?.[1])
          .find(Boolean)
      const [theirs, mine] = [await ticketTo(old, 'email/link'), await ticketTo(next, 'change-email')]
      const [response, changed] = await Promise.all([
        post('/auth/email/finish', { ticket: theirs }),
        post('/auth/email/change', { ticket: mine }, token),
      ])
      expect(changed.status).toBe(204)
      expect([200, 400, 409]).toContain(response.status)
      const left = listIn(await world.call('GET', '/me/sessions', { token }))
      expect(left.map(({ current }) => current)).toEqual([true])
    }
  })

  test('who sends forged tickets appears in the audit log', async () => {
    const before = (await world.trail()).length
    expect((await post('/auth/password/reset', { ticket: 'made-up', password })).status).toBe(400)
    expect((await world.trail()).length - before).toBe(1)
    expect((await post('/auth/second-factor', { second_factor_ticket: 'made-up', totp: '000000' })).status).toBe(400)
    expect((await world.trail()).length - before).toBe(2)
    const code = { grant_type: 'authorization_code', code: 'made-up', code_verifier: 'v'.repeat(43) }
    expect(refusalOf(await post('/auth/token', code))).toEqual([400, 'code_invalid'])
    expect((await world.trail()).length - before).toBe(3)
  })

  test('who lacks permission or forges a cross-site request appears in the audit log, with the account where it is known', async () => {
    const browser = world.openBrowser()
    await browser.signIn('google', world.newcomer())
    const { body: me } = await browser.json('GET', '/me')
    const { access_token: owner } = await world.signIn('google', world.newcomer())
    const team = await post('/teams', { name: 'Theirs' }, owner)
    const email = (await browser.json('GET', '/me')).body.email
    await post(`/teams/${team.body.id}/invitations`, { email, role: 'member' }, owner)
    const [message] = await world.mailTo(String(email))
    const [, ticket = ''] = /invitation\?ticket=([\w-]+)/.exec(message?.text ?? '') ?? []
    expect((await browser.json('POST', '/invitations/accept', { body: { token: ticket } })).status).toBe(200)

    const before = (await world.trail()).length
    const elsewhere = { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }
    const refused = [
      await browser.json('GET', '/users'),
      await browser.json('GET', '/admin', { headers: { accept: 'text/html' } }),
      await browser.json('PATCH', `/teams/${team.body.id}`, { body: { name: 'Mine' } }),
      await browser.json('POST', '/auth/logout', { headers: elsewhere }),
    ]
    expect(refused.map(({ status }) => status)).toEqual([403, 404, 403, 403])
    const rows = (await world.trail()).slice(before)
    expect(rows.map(({ event, account_id }) => [event, account_id])).toEqual(
      refused.map(() => ['access.refused', me.id]),
    )
    expect(rows.map(({ data }) => (typeof data === 'string' ? JSON.parse(data) : data))).toEqual([
      { code: 'insufficient_scope', method: 'GET', route: '/users' },
      { code: 'insufficient_scope', method: 'GET', route: '/admin' },
      { code: 'team_role_required', method: 'PATCH', route: '/teams/:id' },
      { code: 'csrf_failed', method: 'POST', route: '/auth/logout' },
    ])
  })

  test('who renames a device appears in the audit log', async () => {
    const { access_token: token } = await world.signIn('google', world.newcomer())
    const [device] = listIn(await world.call('GET', '/me/sessions', { token }))
    const before = (await world.trail()).length
    const renamed = await world.call('PATCH', `/me/sessions/${device?.id}`, { token, body: { name: 'Kitchen' } })
    expect(renamed.status).toBe(200)
    expect((await world.trail()).slice(before).map(({ event }) => event)).toEqual(['session.renamed'])
  })

  test('cannot block an email address by registering it with a password', async () => {
    const [squatted, mine] = [anAddress(), anAddress()]
    const squatter = await registered(world, squatted)
    const { token } = await registered(world, mine, { verified: true })
    expect((await world.call('PUT', '/me/email', { token, body: { email: squatted } })).status).toBe(202)
    const messages = await world.mailTo(squatted)
    const [, ticket = ''] = /change-email\?ticket=([\w-]+)/.exec(messages[0]?.text ?? '') ?? []
    expect((await post('/auth/email/change', { ticket }, token)).status).toBe(204)
    expect((await world.call('GET', '/me', { token: squatter.token })).status).toBe(401)
  })

  test('whose unverified account is replaced leaves no personal data behind', async () => {
    const email = anAddress()
    await post('/auth/register', { email, password })
    const claimant = (await world.dump('accounts')).accounts?.find((row) => row.email === email)?.id
    await post('/auth/token', { username: email, password: 'wrong wrong wrong' })
    const { token } = await registered(world, anAddress(), { verified: true })
    await world.call('PUT', '/me/email', { token, body: { email } })
    const messages = await world.mailTo(email)
    const ticket = messages.map(({ text }) => /change-email\?ticket=([\w-]+)/.exec(text)?.[1]).find(Boolean)
    expect((await post('/auth/email/change', { ticket }, token)).status).toBe(204)
    const { accounts = [], audit = [], guesses = [] } = await world.dump('accounts', 'audit', 'guesses')
    expect(accounts.some(({ id }) => id === claimant)).toBe(false)
    const rows = audit.filter((row) => row.account_id === claimant)
    expect(rows.length).toBeGreaterThan(1)
    expect(rows.map(({ ip, user_agent }) => [ip, user_agent])).toEqual(rows.map(() => [null, null]))
    expect(guesses.filter(({ key }) => String(key).includes(String(claimant)))).toEqual([])
  })

  test('cannot make a database error put secrets into the log', async () => {
    await world.operator('alter table accounts rename to elsewhere')
    const email = anAddress()
    await post('/auth/register', { email, password })
    await post('/auth/token', { username: email, password })
    await post('/auth/email', { email })
    await world.operator('alter table elsewhere rename to accounts')
    const log = world.logged.join('')
    for (const secret of [email, password, '$argon2id$']) expect(log).not.toContain(secret)
  })
})
