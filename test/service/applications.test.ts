/** The API with which administrators register applications. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administratorOf, callback, register } from '../support/applications.ts'
import { databases, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

describe.each(databases)('registered applications, with %s', (database) => {
  let world: World
  let admin: () => Promise<string>
  beforeAll(async () => {
    world = await startWorld({ database })
    admin = await administratorOf(world)
  })
  afterAll(() => world.stop())

  const new_ = { name: 'Shop', kind: 'browser', redirect_uris: [callback] }

  test('are created, listed, read, changed and deleted', async () => {
    const token = await admin()
    const shop = await register(world, admin, { name: 'Shop', first_party: false })
    expect(shop.secret).toMatch(/^[\w-]{43}$/)
    const { text, body } = await world.call('GET', `/applications/${shop.id}`, { token })
    expect(body).toMatchObject({
      name: 'Shop',
      client_auth: 'client_secret_basic',
      scopes: ['openid', 'profile', 'email', 'offline_access'],
      last_used_at: null,
    })
    expect(text).not.toContain('secret"')
    const changed = await world.call('PATCH', `/applications/${shop.id}`, {
      token,
      body: { name: 'Market', access_token_seconds: 300 },
    })
    expect(changed.body).toMatchObject({ name: 'Market', access_token_seconds: 300, redirect_uris: [callback] })
    expect(listIn(await world.call('GET', '/applications', { token })).map(({ id }) => id)).toContain(shop.id)
    expect((await world.call('DELETE', `/applications/${shop.id}`, { token })).status).toBe(204)
    for (const [method, path] of [
      ['GET', ''],
      ['PATCH', ''],
      ['DELETE', ''],
      ['POST', '/secret'],
    ] as const)
      expect(
        refusalOf(
          await world.call(method, `/applications/${shop.id}${path}`, {
            token,
            ...(method === 'PATCH' ? { body: {} } : {}),
          }),
        ),
      ).toEqual([404, 'application_not_found'])
    const facts = (await world.trail()).map(({ event }) => event)
    for (const name of ['created', 'updated', 'deleted']) expect(facts).toContain(`application.${name}`)
  })

  const wrong = [
    [{ redirect_uris: ['http://shop.example.org/'] }, 'redirect_uris.0'],
    [{ redirect_uris: [callback, 'javascript:alert(1)'] }, 'redirect_uris.1'],
    [{ redirect_uris: ['org.example.shop:/callback'] }, 'redirect_uris.0'],
    [{ post_logout_redirect_uris: ['https://*.example.org/'] }, 'post_logout_redirect_uris.0'],
    [{ scopes: ['email'] }, 'scopes'],
    [{ scopes: ['openid', 'orders:read'] }, 'scopes'],
    [{ resources: ['orders'] }, 'resources.0'],
    [{ client_auth: 'client_secret_basic' }, 'client_auth'],
    [{ backchannel_logout_uri: 'http://shop.example.org/out' }, 'backchannel_logout_uri'],
  ] as const
  test.each(wrong)('are refused with %j, and nothing is stored', async (change, path) => {
    const token = await admin()
    const before = listIn(await world.call('GET', '/applications', { token })).length
    const answer = await world.call('POST', '/applications', { token, body: { ...new_, ...change } })
    expect([...refusalOf(answer), answer.body.errors]).toEqual([
      400,
      'invalid_request',
      [expect.objectContaining({ path })],
    ])
    expect(listIn(await world.call('GET', '/applications', { token })).length).toBe(before)
  })

  test('get a new secret, and the previous one is valid for the overlap', async () => {
    const token = await admin()
    const shop = await register(world, admin)
    const use = async (secret: string | null) => {
      const answer = await world.call('POST', '/oauth/token', {
        form: { grant_type: 'refresh_token', refresh_token: 'x' },
        headers: { authorization: `Basic ${Buffer.from(`${shop.id}:${secret}`).toString('base64')}` },
      })
      return answer.body.error
    }
    expect([await use(shop.secret), await use('wrong')]).toEqual(['invalid_grant', 'invalid_client'])
    const rotated = await world.call('POST', `/applications/${shop.id}/secret`, {
      token,
      body: { overlap_seconds: 60 },
    })
    const next = String(rotated.body.secret)
    expect([await use(shop.secret), await use(next)]).toEqual(['invalid_grant', 'invalid_grant'])
    world.turn(61)
    expect([await use(shop.secret), await use(next)]).toEqual(['invalid_client', 'invalid_grant'])
    const { applications = [] } = await world.dump()
    expect(JSON.stringify(applications)).not.toContain(next)
    const browser = await register(world, admin, { kind: 'browser' })
    const none = await world.call('POST', `/applications/${browser.id}/secret`, { token: await admin() })
    expect(refusalOf(none)).toEqual([409, 'application_has_no_secret'])
  })

  test('authenticate only as they are registered', async () => {
    const [shop, spa] = [await register(world, admin), await register(world, admin, { kind: 'browser' })]
    const use = (form: Record<string, string>, authorization?: string) =>
      world.call('POST', '/oauth/token', {
        form: { grant_type: 'refresh_token', refresh_token: 'x', ...form },
        ...(authorization === undefined ? {} : { headers: { authorization } }),
      })
    const basic = (id: string, secret: string) => `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`
    const secret = String(shop.secret)
    for (const answer of [
      await use({ client_id: shop.id }),
      await use({ client_id: shop.id, client_secret: secret }),
      await use({ client_id: spa.id, client_secret: 'x' }),
      await use({ client_id: spa.id }, basic(shop.id, secret)),
      await use({}, `Bearer ${secret}`),
      await use({}),
    ])
      expect([answer.status, answer.body.error, answer.headers.get('content-type')]).toEqual([
        401,
        'invalid_client',
        'application/json',
      ])
    expect((await use({ client_id: spa.id })).body.error).toBe('invalid_grant')
  })

  test('are for administrators only', async () => {
    const { access_token: token } = await world.signIn('google', world.newcomer())
    expect(refusalOf(await world.call('GET', '/applications', { token }))).toEqual([403, 'insufficient_scope'])
    expect(refusalOf(await world.call('POST', '/applications', { token, body: new_ }))).toEqual([
      403,
      'insufficient_scope',
    ])
  })
})
