/** The API with which administrators register applications. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administratorOf, callback, discovered, enter, follow, register, request } from '../support/applications.ts'
import { aboveStore, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

describe.each(aboveStore('SQLite'))('registered applications, with %s', (database) => {
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

  const long = `https://shop.example.org/${'x'.repeat(2100)}`
  const wrong = [
    [{ redirect_uris: ['http://shop.example.org/'] }, 'redirect_uris.0', 'https_required'],
    [{ redirect_uris: [callback, 'javascript:alert(1)'] }, 'redirect_uris.1', 'scheme'],
    [{ redirect_uris: ['org.example.shop:/callback'] }, 'redirect_uris.0', 'scheme'],
    [{ redirect_uris: ['https://shop.example.org/#x'] }, 'redirect_uris.0', 'fragment'],
    [{ redirect_uris: ['https://shop@example.org/'] }, 'redirect_uris.0', 'credentials'],
    [{ redirect_uris: ['/callback'] }, 'redirect_uris.0', 'invalid_format'],
    [{ redirect_uris: [callback, callback] }, 'redirect_uris.1', 'duplicate'],
    [{ redirect_uris: [long] }, 'redirect_uris.0', 'too_long'],
    [{ redirect_uris: Array.from({ length: 51 }, (_, n) => `${callback}/${n}`) }, 'redirect_uris', 'too_long'],
    [{ redirect_uris: [] }, 'redirect_uris', 'required'],
    [{ redirect_uris: ['https://shop.example.org/\0'] }, 'redirect_uris.0', 'invalid_format'],
    [{ post_logout_redirect_uris: ['https://*.example.org/'] }, 'post_logout_redirect_uris.0', 'wildcard'],
    [{ scopes: ['email'] }, 'scopes', 'required'],
    [{ scopes: ['openid', 'orders:read'] }, 'scopes', 'invalid'],
    [{ resources: ['orders'] }, 'resources.0', 'invalid_format'],
    [{ client_auth: 'client_secret_basic' }, 'client_auth', 'invalid'],
    [{ backchannel_logout_uri: 'http://shop.example.org/out' }, 'backchannel_logout_uri', 'https_required'],
    [{ logo_uri: 'data:image/png;base64,AAAA' }, 'logo_uri', 'scheme'],
    [{ cors_origins: ['https://shop.example.org/'] }, 'cors_origins.0', 'not_an_origin'],
    [{ kind: 'native', cors_origins: ['https://shop.example.org'] }, 'cors_origins', 'invalid'],
    [{ access_token_seconds: 59 }, 'access_token_seconds', 'too_small'],
    [{ name: '' }, 'name', 'too_short'],
  ] as const
  test.each(wrong)('are refused with %j, and nothing is stored', async (change, path, code) => {
    const token = await admin()
    const before = listIn(await world.call('GET', '/applications', { token })).length
    const answer = await world.call('POST', '/applications', { token, body: { ...new_, ...change } })
    expect([...refusalOf(answer), answer.body.errors]).toEqual([
      400,
      'invalid_request',
      [expect.objectContaining({ path, code })],
    ])
    expect(listIn(await world.call('GET', '/applications', { token })).length).toBe(before)
  })

  test('may be called from the origins of their redirect URIs, unless others are registered', async () => {
    const token = await admin()
    const uris = [callback, 'http://localhost:5173/', 'https://shop.example.org/other']
    const made = await world.call('POST', '/applications', { token, body: { ...new_, redirect_uris: uris } })
    expect(made.body.cors_origins).toEqual(['https://shop.example.org', 'http://localhost:5173'])
    const server = await register(world, admin)
    expect(server.cors_origins).toEqual([])
  })

  test('let scripts of their origins call the API, while they are enabled', async () => {
    const origin = 'https://spa.example.org'
    const spa = await register(world, admin, { kind: 'browser', redirect_uris: [`${origin}/callback`] })
    const allowed = async (from = origin) => {
      const response = await world.send(new URL('/me', world.base), {
        method: 'OPTIONS',
        headers: { origin: from, 'access-control-request-method': 'GET' },
      })
      return response.headers.get('access-control-allow-origin')
    }
    expect([await allowed(), await allowed('https://spa.example.org.evil.test')]).toEqual([origin, null])
    const { headers } = await world.call('GET', '/me', { headers: { origin } })
    expect([headers.get('access-control-allow-origin'), headers.get('access-control-allow-credentials')]).toEqual([
      origin,
      null,
    ])
    const act = async (name: string) => world.call('POST', `/applications/${spa.id}/${name}`, { token: await admin() })
    await act('disable')
    expect(await allowed()).toBeNull()
    await act('enable')
    expect(await allowed()).toBe(origin)
    // Pages are never readable by another origin.
    const page = await world.send(new URL('/login', world.base), { headers: { origin } })
    expect(page.headers.get('access-control-allow-origin')).toBeNull()
    // A change on another node takes effect after a short time.
    await world.operator("update applications set cors_origins = '[]'")
    expect(await allowed()).toBe(origin)
    world.turn(11)
    expect(await allowed()).toBeNull()
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
    const { applications = [] } = await world.dump('applications')
    expect(JSON.stringify(applications)).not.toContain(next)
    const browser = await register(world, admin, { kind: 'browser' })
    const none = await world.call('POST', `/applications/${browser.id}/secret`, { token: await admin() })
    expect(refusalOf(none)).toEqual([409, 'application_has_no_secret'])
  })

  test('can end the overlap of a rotation now', async () => {
    const token = await admin()
    const shop = await register(world, admin)
    const rotated = await world.call('POST', `/applications/${shop.id}/secret`, { token })
    const next = String(rotated.body.secret)
    expect(rotated.body.previous_secret_until).not.toBeNull()
    const end = () => world.call('DELETE', `/applications/${shop.id}/previous-secret`, { token })
    expect([(await end()).status, (await end()).status]).toEqual([204, 204])
    const { body } = await world.call('GET', `/applications/${shop.id}`, { token })
    expect(body.previous_secret_until).toBeNull()
    const use = async (secret: string | null) => {
      const answer = await world.call('POST', '/oauth/token', {
        form: { grant_type: 'refresh_token', refresh_token: 'x' },
        headers: { authorization: `Basic ${Buffer.from(`${shop.id}:${secret}`).toString('base64')}` },
      })
      return answer.body.error
    }
    expect([await use(shop.secret), await use(next)]).toEqual(['invalid_client', 'invalid_grant'])
    // The second call changed nothing, so only the first one is on record.
    const about = (await world.trail()).filter((fact) => JSON.stringify(fact).includes(shop.id))
    expect(about.filter(({ event }) => event === 'application.secret_ended')).toHaveLength(1)
  })

  test('refuse sign-ins and tokens while they are disabled, and show who uses them', async () => {
    const shop = await register(world, admin)
    const config = await discovered(world, shop)
    const browser = world.openBrowser()
    const who = world.newcomer({ name: 'Pat' })
    await browser.signIn('google', who)
    const tokens = await enter(world, browser, config)
    const other = world.openBrowser()
    await other.signIn('google', who)
    await enter(world, other, config)
    const read = async () => (await world.call('GET', `/applications/${shop.id}/users`, { token: await admin() })).body
    expect(await read()).toMatchObject({ items: [{ name: 'Pat', signed_in: true }], next_cursor: null })

    const refresh = () =>
      world.call('POST', '/oauth/token', {
        form: { grant_type: 'refresh_token', refresh_token: String(tokens.refresh_token) },
        headers: { authorization: `Basic ${Buffer.from(`${shop.id}:${shop.secret}`).toString('base64')}` },
      })
    const userinfo = () => world.call('GET', '/oauth/userinfo', { token: tokens.access_token })
    const act = async (name: string) => world.call('POST', `/applications/${shop.id}/${name}`, { token: await admin() })
    expect((await act('disable')).body.disabled_at).not.toBeNull()
    expect(refusalOf(await userinfo())).toEqual([401, 'session_revoked'])
    expect((await refresh()).body.error).toBe('invalid_client')
    const { page } = await follow(world, browser, (await request(config)).url)
    expect(page.status).toBe(400)
    expect((await act('enable')).body.disabled_at).toBeNull()
    expect([(await userinfo()).status, (await refresh()).status]).toEqual([200, 200])
    expect((await act('enable')).status).toBe(200)
    const about = (await world.trail()).filter((fact) => JSON.stringify(fact).includes(shop.id))
    expect(about.filter(({ event }) => event === 'application.enabled')).toHaveLength(1)

    await world.call('DELETE', '/me/sessions', { token: (await world.signIn('google', who)).access_token })
    expect(await read()).toMatchObject({ items: [{ name: 'Pat', signed_in: false }] })
  })

  test('list their users page by page', async () => {
    const shop = await register(world, admin)
    const config = await discovered(world, shop)
    for (let n = 0; n < 3; n++) {
      const browser = world.openBrowser()
      await browser.signIn('google', world.newcomer())
      await enter(world, browser, config)
    }
    const seen: unknown[] = []
    let cursor: unknown = ''
    for (let n = 0; cursor !== null; n++) {
      const query = `?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`
      const { body } = await world.call('GET', `/applications/${shop.id}/users${query}`, { token: await admin() })
      seen.push(...(body.items as { id: string }[]).map(({ id }) => id))
      cursor = body.next_cursor
      expect(n).toBeLessThan(3)
    }
    expect([seen.length, new Set(seen).size]).toEqual([3, 3])
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
