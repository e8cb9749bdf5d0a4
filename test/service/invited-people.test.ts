/** Administrators add and invite people: who gets the account, and who does not. */
import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { passwordFits, registered } from '../support/registered.ts'
import { type Answer, aboveStore, type Json, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

const newAddress = (): string => `i${randomBytes(5).toString('hex')}@example.com`
const password = 'correct horse battery'
const day = 86_400

describe.each(aboveStore('PostgreSQL'))('a person whom an administrator adds, on %s,', (database) => {
  let world: World
  let closed: Awaited<ReturnType<World['another']>>
  let boss: string
  beforeAll(async () => {
    world = await startWorld({ database })
    // Here people cannot create accounts themselves.
    closed = await world.another({ OAUTH_AUTO_REGISTER_NEW_USERS: 'false' })
    boss = await administrator()
  })
  afterEach(() => world.calm())
  afterAll(() => world?.stop())

  async function administrator(): Promise<string> {
    const { user, access_token: token } = await world.signIn('google', world.newcomer())
    expect(await world.vinculum.makeAdministrator(user.id)).toBe('made')
    return token
  }
  const post = (path: string, body: object = {}, token?: string, at = world.base): Promise<Answer> =>
    world.call('POST', path, { body, token, at })
  const add = (body: object, token = boss): Promise<Answer> => post('/users', body, token)
  const invite = async (about: object = {}): Promise<{ readonly id: string; readonly email: string }> => {
    const email = newAddress()
    const added = await add({ email, ...about })
    expect(added.status, added.text).toBe(201)
    return { id: String(added.body.id), email }
  }
  const read = async (id: string): Promise<Json> => (await world.call('GET', `/users/${id}`, { token: boss })).body
  const ticketsIn = async (email: string): Promise<readonly string[]> =>
    (await world.mailTo(email)).flatMap(({ text }) => /accept-invitation\?ticket=([\w-]+)/.exec(text)?.[1] ?? [])
  const ticketIn = async (email: string): Promise<string> => (await ticketsIn(email))[0] ?? ''
  const accept = (ticket: string, more: object = {}): Promise<Answer> => post('/auth/invitation', { ticket, ...more })
  const eventsOf = async (id: string): Promise<readonly unknown[]> =>
    (await world.trail()).filter((row) => row.account_id === id).map(({ event }) => event)
  const signInByEmail = async (email: string, at = world.base): Promise<Answer> => {
    const begun = await post('/auth/email', { email }, undefined, at)
    const codes = (await world.mailTo(email)).flatMap(({ text }) => /^ {4}(\d{8})$/m.exec(text)?.[1] ?? [])
    return post('/auth/email/finish', { flow_token: begun.body.flow_token, code: codes[0] ?? '' }, undefined, at)
  }
  const me = async ({ body }: Answer): Promise<Json> =>
    (await world.call('GET', '/me', { token: String(body.access_token) })).body

  test('gets a message with a link in their language, and the account as the administrator described it', async () => {
    const email = newAddress()
    const added = await add({ email, name: 'Pat', role: 'auditor', locale: 'pt-BR' })
    expect(added.body).toMatchObject({
      email,
      email_verified: false,
      name: 'Pat',
      role: 'auditor',
      locale: 'pt-BR',
      last_sign_in_at: null,
      invited_at: world.clock().toISOString(),
      invitation_expires_at: new Date(world.clock().getTime() + 7 * day * 1000).toISOString(),
    })
    const [message] = await world.mailTo(email)
    expect(message?.subject).toMatch(/^Você recebeu um convite/)
    const id = String(added.body.id)
    expect(await eventsOf(id)).toEqual(['account.created', 'account.invited'])
    const accepted = await accept(await ticketIn(email), { password })
    expect([accepted.status, accepted.body]).toEqual([200, { email }])
    expect(await read(id)).toMatchObject({ email_verified: true, invited_at: null, invitation_expires_at: null })
    const signedIn = await post('/auth/token', { username: email, password })
    expect(await me(signedIn)).toMatchObject({ id, name: 'Pat' })
    const token = String(signedIn.body.access_token)
    expect((await world.call('GET', '/users', { token })).status).toBe(200)
    expect(await eventsOf(id)).toEqual(
      expect.arrayContaining(['account.invitation_accepted', 'account.email_verified', 'password.set']),
    )
  })

  test('may accept without a password, and signs in by email or with a provider that verified the address', async () => {
    const { id, email } = await invite()
    expect((await accept(await ticketIn(email))).body).toEqual({ email })
    expect(await me(await signInByEmail(email))).toMatchObject({ id })
    expect((await world.signIn('github', world.newcomer({ email }))).user.id).toBe(id)
  })

  test('uses the link once; a refused password keeps it valid', async () => {
    const { id, email } = await invite()
    const ticket = await ticketIn(email)
    expect(refusalOf(await accept(ticket, { password: 'short' }))).toEqual([400, 'password_rejected'])
    expect((await read(id)).email_verified).toBe(false)
    expect((await accept(ticket, { password })).status).toBe(200)
    expect(refusalOf(await accept(ticket, { password: 'another horse battery' }))).toEqual([400, 'ticket_invalid'])
    expect(await passwordFits(world, email, password)).toBe(true)
  })

  test('of two who accept at once, one succeeds', async () => {
    const { email } = await invite()
    const ticket = await ticketIn(email)
    const answers = await Promise.all([accept(ticket), accept(ticket, { password }), accept(ticket)])
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 400, 400])
  })

  test('gets the account where nobody can create one, by email or with a provider that verified the address', async () => {
    const [byMail, byProvider, stranger] = [await invite(), await invite(), newAddress()]
    expect((await signInByEmail(byMail.email, closed.base)).status).toBe(200)
    expect((await read(byMail.id)).invited_at).toBe(null)
    const at = { at: closed.base }
    const entered = await world.signIn('github', world.newcomer({ email: byProvider.email }), at)
    expect([entered.user.id, entered.action]).toEqual([byProvider.id, 'linked_existing'])
    expect(await read(byProvider.id)).toMatchObject({ email_verified: true, invited_at: null })
    expect(refusalOf(await world.enter('github', world.newcomer({ email: stranger }), at))).toEqual([
      403,
      'user_creation_disabled',
    ])
    const linked = (await world.trail()).find(
      (row) => row.account_id === byProvider.id && row.event === 'identity.linked',
    )
    expect(JSON.stringify(linked?.data)).toContain('invitation')
  })

  test('is added without a message with `send: false`, and signs in with any proof of the address', async () => {
    const { id, email } = await invite({ send: false })
    expect(await read(id)).toMatchObject({ invited_at: world.clock().toISOString(), invitation_expires_at: null })
    expect(await world.mailTo(email)).toEqual([])
    const reset = await post('/auth/password/forgot', { email })
    expect(reset.status).toBe(202)
    const [message] = await world.mailTo(email)
    const ticket = /reset-password\?ticket=([\w-]+)/.exec(message?.text ?? '')?.[1]
    expect((await post('/auth/password/reset', { ticket, password })).status).toBe(204)
    expect(await me(await post('/auth/token', { username: email, password }))).toMatchObject({ id })
    expect(await eventsOf(id)).toEqual(expect.arrayContaining(['account.invitation_accepted', 'password.set']))
  })

  test('does not accept after seven days; the account stays until it is claimed, invited again or withdrawn', async () => {
    const { id, email } = await invite()
    const first = await ticketIn(email)
    world.turn(7 * day + 1)
    boss = await administrator()
    expect(refusalOf(await accept(first, { password }))).toEqual([400, 'ticket_invalid'])
    await world.vinculum.runJob('sweep-expired')
    const { invitation_expires_at: until } = await read(id)
    expect(new Date(String(until)) < world.clock()).toBe(true)
    const again = await post(`/users/${id}/invitation`, {}, boss)
    expect([again.status, again.body.invited_at]).toEqual([200, world.clock().toISOString()])
    const [second, third] = [await ticketIn(email), (await post(`/users/${id}/invitation`, {}, boss)).status]
    expect(third).toBe(200)
    expect(refusalOf(await accept(second))).toEqual([400, 'ticket_invalid'])
    expect((await accept(await ticketIn(email))).status).toBe(200)
    expect(refusalOf(await post(`/users/${id}/invitation`, {}, boss))).toEqual([409, 'not_invited'])
    expect(refusalOf(await world.call('DELETE', `/users/${id}/invitation`, { token: boss }))).toEqual([
      409,
      'not_invited',
    ])
  })

  test('cannot accept an invitation that was withdrawn; the address can be invited again', async () => {
    const { id, email } = await invite()
    const ticket = await ticketIn(email)
    expect((await world.call('DELETE', `/users/${id}/invitation`, { token: boss })).status).toBe(204)
    expect(refusalOf(await world.call('GET', `/users/${id}`, { token: boss }))).toEqual([404, 'account_not_found'])
    expect(refusalOf(await accept(ticket))).toEqual([400, 'ticket_invalid'])
    expect((await eventsOf(id)).slice(-2)).toEqual(['account.invitation_withdrawn', 'account.deleted'])
    expect((await add({ email })).status).toBe(201)
  })

  test('either accepts or is withdrawn, if both happen at once', async () => {
    for (let round = 0; round < 5; round++) {
      const { id, email } = await invite()
      const ticket = await ticketIn(email)
      const [accepted, withdrawn] = await Promise.all([
        accept(ticket, { password }),
        world.call('DELETE', `/users/${id}/invitation`, { token: boss }),
      ])
      const left = (await world.call('GET', `/users/${id}`, { token: boss })).status
      expect([
        [200, 409, 200],
        [400, 204, 404],
      ]).toContainEqual([accepted.status, withdrawn.status, left])
    }
  })

  test('is added once by two administrators at once, and not with an address that has an account', async () => {
    const [email, other] = [newAddress(), await administrator()]
    const answers = await Promise.all([add({ email }), add({ email: email.toUpperCase() }, other), add({ email })])
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 409, 409])
    expect(answers.flatMap(({ body }) => body.code ?? [])).toEqual(['email_taken', 'email_taken'])
    const owner = await registered(world, newAddress(), { verified: true, signedIn: false })
    expect(refusalOf(await add({ email: owner.email }))).toEqual([409, 'email_taken'])
    expect(refusalOf(await add({ email: 'nobody' }))).toEqual([400, 'invalid_request'])
  })

  test('is found among the invited, with a count, in the list of accounts', async () => {
    const { id } = await invite()
    const listed = async (query: string): Promise<readonly unknown[]> => {
      const { body } = await world.call('GET', `/users?${query}&limit=100`, { token: boss })
      return (body.items as readonly Json[]).map((one) => one.id)
    }
    expect(await listed('invited=true')).toContain(id)
    expect(await listed('invited=false')).not.toContain(id)
    expect(await listed('invited=true&role=auditor')).not.toContain(id)
    expect(await listed(`invited=true&search=${id}`)).toEqual([id])
    expect(await listed(`invited=false&search=${id}`)).toEqual([])
  })

  test('gets at most five messages an hour', async () => {
    const { id } = await invite()
    for (let sent = 1; sent < 5; sent++) expect((await post(`/users/${id}/invitation`, {}, boss)).status).toBe(200)
    const refused = await post(`/users/${id}/invitation`, {}, boss)
    expect([...refusalOf(refused), refused.headers.get('retry-after')]).toEqual([429, 'rate_limited', '3600'])
  })

  describe('does not lose the account to a stranger', () => {
    const unverified = { github: { emails: [] }, oidc: { email_verified: false } }

    test('whose provider does not verify the address', async () => {
      const { id, email } = await invite({ role: 'auditor' })
      const entered = await world.enter('acme', world.newcomer({ email }, unverified))
      expect(refusalOf(entered)).toEqual([409, 'account_conflict'])
      const ticket = String(entered.body.conflict_ticket)
      const answer = { action: 'create', flow_token: entered.flow.flowToken }
      const separate = await post(`/auth/conflicts/${ticket}`, answer)
      expect((separate.body.user as Json).id).not.toBe(id)
      expect(await read(id)).toMatchObject({ email, email_verified: false, identities: 0, sessions: 0 })
      // The stranger's claim ends when the invited person accepts.
      expect((await accept(await ticketIn(email))).status).toBe(200)
      expect(await read(String((separate.body.user as Json).id))).toMatchObject({ email: null })
    })

    test('who registers with a password before the invitation, or after it', async () => {
      const early = await registered(world, newAddress())
      const added = await add({ email: early.email, role: 'auditor' })
      expect(added.status, added.text).toBe(201)
      expect((await accept(await ticketIn(early.email), { password: 'another horse battery' })).status).toBe(200)
      expect((await world.call('GET', '/me', { token: early.token })).status).toBe(401)
      expect(refusalOf(await post('/auth/token', { username: early.email, password }))).toEqual([
        401,
        'invalid_credentials',
      ])

      const { id, email } = await invite()
      expect((await post('/auth/register', { email, password })).status).toBe(201)
      expect(refusalOf(await post('/auth/token', { username: email, password }))).toEqual([401, 'invalid_credentials'])
      expect(
        listIn({ text: JSON.stringify((await world.dump('accounts')).accounts) }).filter((one) => one.email === email),
      ).toHaveLength(1)
      expect((await world.mailTo(email))[0]?.subject).toBe('Your email address was already used')
      expect(await read(id)).toMatchObject({ email_verified: false, has_password: false })
    })

    test('who signs in by email or resets the password without the mailbox', async () => {
      const { id, email } = await invite()
      const begun = await post('/auth/email', { email })
      const guess = await post('/auth/email/finish', { flow_token: begun.body.flow_token, code: '00000000' })
      expect(refusalOf(guess)).toEqual([400, 'ticket_invalid'])
      expect(refusalOf(await post('/auth/token', { username: email, password: '' }))[0]).toBeGreaterThanOrEqual(400)
      expect((await read(id)).email_verified).toBe(false)
    })

    test('of the provider alone if the person is to be an administrator: the mailbox decides', async () => {
      const { id, email } = await invite({ role: 'administrator' })
      const entered = await world.enter('github', world.newcomer({ email }))
      expect(refusalOf(entered)).toEqual([409, 'account_conflict'])
      expect(await read(id)).toMatchObject({ email_verified: false, identities: 0 })
      const token = String((await signInByEmail(email)).body.access_token)
      const answer = { action: 'link', flow_token: entered.flow.flowToken }
      const linked = await post(`/auth/conflicts/${entered.body.conflict_ticket}`, answer, token)
      expect([linked.status, (linked.body.user as Json | undefined)?.id]).toEqual([200, id])
      expect((await read(id)).role).toBe('administrator')
    })

    test('who only had the ticket of another purpose, or the link of another account', async () => {
      const { email } = await invite()
      const ticket = await ticketIn(email)
      expect(refusalOf(await post('/auth/password/reset', { ticket, password }))).toEqual([400, 'ticket_invalid'])
      expect(refusalOf(await post('/auth/email/finish', { ticket }))).toEqual([400, 'ticket_invalid'])
      const stranger = await registered(world, newAddress())
      expect(refusalOf(await post('/auth/email/verify', { ticket }, stranger.token))).toEqual([400, 'ticket_invalid'])
    })

    test('while the account is disabled', async () => {
      const { id, email } = await invite()
      const ticket = await ticketIn(email)
      expect((await post(`/users/${id}/disable`, {}, boss)).status).toBe(200)
      expect(refusalOf(await accept(ticket))).toEqual([400, 'ticket_invalid'])
      expect(refusalOf(await world.enter('github', world.newcomer({ email })))).toEqual([403, 'user_disabled'])
      expect(refusalOf(await signInByEmail(email))).toEqual([403, 'user_disabled'])
      expect(refusalOf(await post(`/users/${id}/invitation`, {}, boss))).toEqual([409, 'not_invited'])
      expect((await read(id)).email_verified).toBe(false)
    })
  })

  test('does not count as the last administrator before they accept', async () => {
    const alone = await startWorld({ database, kinds: ['google'] })
    try {
      const { user, access_token: token } = await alone.signIn('google', alone.newcomer())
      expect(await alone.vinculum.makeAdministrator(user.id)).toBe('made')
      const body = { email: newAddress(), role: 'administrator' }
      expect((await alone.call('POST', '/users', { token, body })).status).toBe(201)
      expect(refusalOf(await alone.call('DELETE', '/me', { token }))).toEqual([409, 'last_administrator'])
    } finally {
      await alone.stop()
    }
  })
})
