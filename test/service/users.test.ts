import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type Answer,
  type AuthAnswer,
  databases,
  type Json,
  refusalOf,
  startWorld,
  type World,
} from '../support/service.ts'

describe.each(databases)('looking after other people’s accounts, on %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database })
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  type Person = AuthAnswer & { readonly who: string; readonly email: string; readonly id: string }
  async function somebody(): Promise<Person> {
    const who = world.newcomer()
    const entered = await world.signIn('google', who)
    return { ...entered, who, email: world.emailOf(who), id: entered.user.id }
  }
  async function administrator(): Promise<Person> {
    const person = await somebody()
    expect(await world.vinculum.makeAdministrator(person.email)).toBe('made')
    return person
  }
  const ask = (method: string, path: string, as: Pick<Person, 'access_token'>, body?: object): Promise<Answer> =>
    world.call(method, path, { token: as.access_token, ...(body === undefined ? {} : { body }) })
  const statusOf = async (path: string, as: Pick<Person, 'access_token'>) => (await ask('GET', path, as)).status

  describe('the first administrator', () => {
    test('is made at the machine, by the address they have proven or by their id, and is so at once', async () => {
      const [ada, eve] = [await somebody(), await somebody()]
      expect(await statusOf('/users', ada)).toBe(403)
      expect(await world.vinculum.makeAdministrator(ada.email.toUpperCase())).toBe('made')
      expect(await statusOf('/users', ada)).toBe(200)
      expect(await world.vinculum.makeAdministrator(eve.id)).toBe('made')
      expect(await statusOf('/users', eve)).toBe(200)
      expect(await world.vinculum.makeAdministrator(eve.id)).toBe('already')
      const { body } = await ask('GET', `/audit?account=${ada.id}&event=account.role_changed`, ada)
      expect(body.items).toMatchObject([{ account: ada.id, ip: null, data: { by: null, role: 'administrator' } }])
    })

    test('is nobody who is not there, is disabled, or has only claimed an address', async () => {
      const ada = await administrator()
      expect(await world.vinculum.makeAdministrator('nobody@example.com')).toBe('not_found')
      expect(await world.vinculum.makeAdministrator('usr_nobody')).toBe('not_found')
      const who = world.newcomer({ verified: false })
      const claimant = await world.signIn('acme', who)
      expect(claimant.user.email_verified).toBe(false)
      expect(await world.vinculum.makeAdministrator(world.emailOf(who))).toBe('unverified')
      expect(await world.vinculum.makeAdministrator(claimant.user.id)).toBe('unverified')
      expect(refusalOf(await ask('PUT', `/users/${claimant.user.id}`, ada, { role: 'administrator' }))).toEqual([
        409,
        'address_needed',
      ])
      const eve = await somebody()
      expect((await ask('POST', `/users/${eve.id}/disable`, ada)).status).toBe(200)
      expect(await world.vinculum.makeAdministrator(eve.id)).toBe('disabled')
    })
  })

  describe('a role', () => {
    test('is in the next token and in the next answer, whichever way it changed', async () => {
      const [ada, eve] = [await administrator(), await somebody()]
      const scopeOf = (token: string): unknown =>
        (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as Json).scope
      expect(scopeOf(eve.access_token)).toBe('')
      const put = await ask('PUT', `/users/${eve.id}`, ada, { role: 'auditor' })
      expect([put.status, put.body.role]).toEqual([200, 'auditor'])
      // With the token they had before.
      expect([await statusOf('/users', eve), await statusOf('/audit', eve)]).toEqual([200, 200])
      const refreshed = await world.call('POST', '/auth/refresh', { body: { refresh_token: eve.refresh_token } })
      expect(scopeOf(String(refreshed.body.access_token))).toBe('users:read audit:read')
      expect(scopeOf((await world.signIn('google', eve.who)).access_token)).toBe('users:read audit:read')
      expect((await ask('PUT', `/users/${eve.id}`, ada, { role: 'user' })).status).toBe(200)
      const now = { access_token: String(refreshed.body.access_token) }
      expect(refusalOf(await ask('GET', '/users', now))).toEqual([403, 'insufficient_scope'])
    })

    test('is nobody’s to change of themselves', async () => {
      const ada = await administrator()
      expect(refusalOf(await ask('PUT', `/users/${ada.id}`, ada, { role: 'user' }))).toEqual([409, 'own_role'])
      expect(await statusOf('/users', ada)).toBe(200)
    })

    test('that lacks what is asked for is told which scope that is', async () => {
      const eve = await somebody()
      const refused = await ask('GET', '/users', eve)
      expect(refused.headers.get('www-authenticate')).toMatch(
        /^Bearer error="insufficient_scope", error_description="[^"]+", scope="users:read"$/,
      )
    })
  })

  test('a disabled account is out at once, on every device, and comes back only when it is enabled', async () => {
    const [ada, eve] = [await administrator(), await somebody()]
    const browser = world.openBrowser()
    await browser.signIn('google', eve.who)
    const disabled = await ask('POST', `/users/${eve.id}/disable`, ada)
    expect([disabled.status, disabled.body.disabled_at]).toEqual([200, world.clock().toISOString()])
    expect(refusalOf(await ask('GET', '/me', eve))).toEqual([403, 'user_disabled'])
    expect((await browser.json('GET', '/me')).status).toBe(403)
    const refresh = await world.call('POST', '/auth/refresh', { body: { refresh_token: eve.refresh_token } })
    expect(refusalOf(refresh)).toEqual([403, 'user_disabled'])
    expect(refusalOf(await world.enter('google', eve.who))).toEqual([403, 'user_disabled'])
    expect((await ask('POST', `/users/${eve.id}/enable`, ada)).body.disabled_at).toBe(null)
    // What was ended stays ended.
    expect((await ask('GET', '/me', eve)).status).toBe(401)
    expect((await world.signIn('google', eve.who)).user.id).toBe(eve.id)
  })
})
