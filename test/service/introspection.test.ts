import * as client from 'openid-client'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, aboveStore, type Json, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

describe.each(aboveStore('PostgreSQL'))('token introspection by back ends, on %s', (database) => {
  let world: World
  let admin: string
  beforeAll(async () => {
    world = await startWorld({ database })
    admin = (await somebody()).token
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  async function somebody() {
    const who = world.newcomer()
    const { access_token: token, refresh_token, user } = await world.signIn('google', who)
    if (admin === undefined) expect(await world.vinculum.makeAdministrator(user.id)).toBe('made')
    return { who, token, refresh: refresh_token, id: user.id }
  }
  /** An administrator who signed in just now, wherever the clock is. */
  async function fresh(): Promise<string> {
    const who = world.newcomer()
    const { access_token, user } = await world.signIn('google', who)
    await world.vinculum.makeAdministrator(user.id)
    return access_token
  }
  async function backEnd(scopes: readonly string[] = ['introspect']) {
    const token = await fresh()
    const made = await world.call('POST', '/service-credentials', { token, body: { name: 'Shop', scopes } })
    expect(made.status, made.text).toBe(201)
    return { id: String(made.body.id), secret: String(made.body.secret), token }
  }
  type BackEnd = { readonly id: string; readonly secret: string }
  const basic = ({ id, secret }: BackEnd) => ({
    authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
  })
  const ask = (token: string, as: BackEnd): Promise<Answer> =>
    world.call('POST', '/auth/introspect', { form: { token }, headers: basic(as) })

  describe('a token', () => {
    test('that is active is described with all its claims', async () => {
      const shop = await backEnd()
      const eve = await somebody()
      const { body, headers } = await ask(eve.token, shop)
      const claims = JSON.parse(Buffer.from(eve.token.split('.')[1] ?? '', 'base64url').toString()) as Json
      const { iss, aud, sub, sid, exp, iat, amr, auth_time, client_id, scope } = claims
      expect(body).toEqual({
        active: true,
        token_type: 'bearer',
        token_use: 'access_token',
        iss,
        aud,
        sub,
        sid,
        exp,
        iat,
        amr,
        auth_time,
        client_id,
        scope,
      })
      expect(headers.get('cache-control')).toBe('no-store')
      const refresh = await ask(eve.refresh, shop)
      expect(refresh.body).toMatchObject({ active: true, token_use: 'refresh_token', sub, sid })
      // A client that accepts only `bearer` never takes a refresh token for an access token.
      expect(refresh.body).not.toHaveProperty('token_type')
    })

    test('is introspected with a JSON body and with the secret as a bearer token, too', async () => {
      const shop = await backEnd()
      const eve = await somebody()
      const answer = await world.call('POST', '/auth/introspect', {
        body: { token: eve.token, token_type_hint: 'access_token' },
        token: `${shop.id}.${shop.secret}`,
      })
      expect(answer.body.active).toBe(true)
    })

    test('that is not active gets exactly {"active":false}, whatever the reason', async () => {
      const shop = await backEnd()
      const eve = await somebody()
      const old = await somebody()
      const refreshed = await world.call('POST', '/auth/refresh', { body: { refresh_token: old.refresh } })
      expect((await ask(String(refreshed.body.refresh_token), shop)).body.active).toBe(true)
      const [head, body, signature] = eve.token.split('.')
      const forged = `${head}.${Buffer.from(JSON.stringify({ sub: eve.id })).toString('base64url')}.${signature}`
      for (const token of ['x', 'a.b.c', forged, `${head}.${body}.`, old.refresh, shop.secret])
        expect([token, (await ask(token, shop)).body]).toEqual([token, { active: false }])
      const out = await somebody()
      expect((await world.call('POST', '/auth/logout', { token: out.token })).status).toBe(204)
      for (const token of [out.token, out.refresh]) expect((await ask(token, shop)).body).toEqual({ active: false })
      world.turn(1801)
      expect((await ask(eve.token, shop)).body).toEqual({ active: false })
      expect((await ask(eve.refresh, shop)).body).toMatchObject({ active: true })
    })

    test.each(['access_token', 'refresh_token'] as const)(
      'whose %s was introspected counts as received, so the previous token is no longer accepted',
      async (kind) => {
        const shop = await backEnd()
        const [asked, unasked] = [await somebody(), await somebody()]
        const refresh = (token: string) => world.call('POST', '/auth/refresh', { body: { refresh_token: token } })
        const renewed = await refresh(asked.refresh)
        await refresh(unasked.refresh)
        expect((await ask(String(renewed.body[kind]), shop)).body.active).toBe(true)
        world.turn(11)
        expect((await refresh(unasked.refresh)).status).toBe(200)
        expect((await refresh(asked.refresh)).body).toMatchObject({ code: 'token_reused' })
      },
    )

    test('of a disabled or deleted account is inactive at once', async () => {
      const shop = await backEnd()
      const [eve, bob] = [await somebody(), await somebody()]
      const token = await fresh()
      expect((await ask(eve.token, shop)).body.active).toBe(true)
      expect((await world.call('POST', `/users/${eve.id}/disable`, { token })).status).toBe(200)
      expect((await world.call('DELETE', `/users/${bob.id}`, { token })).status).toBe(204)
      for (const gone of [eve.token, eve.refresh, bob.token, bob.refresh])
        expect((await ask(gone, shop)).body).toEqual({ active: false })
    })

    test('has the scope its account has now', async () => {
      const shop = await backEnd()
      const eve = await somebody()
      const token = await fresh()
      await world.call('PUT', `/users/${eve.id}`, { token, body: { role: 'auditor' } })
      expect((await ask(eve.token, shop)).body.scope).toBe('users:read audit:read')
    })

    test('is introspected by a library that discovers us from our metadata alone', async () => {
      const shop = await backEnd()
      const eve = await somebody()
      const config = await client.discovery(
        new URL(world.base),
        shop.id,
        undefined,
        client.ClientSecretBasic(shop.secret),
        { algorithm: 'oauth2', execute: [client.allowInsecureRequests] },
      )
      expect(config.serverMetadata().introspection_endpoint).toBe(`${world.base}/oauth/introspect`)
      expect(await client.tokenIntrospection(config, eve.token)).toMatchObject({ active: true, sub: eve.id })
      expect(await client.tokenIntrospection(config, 'nothing')).toEqual({ active: false })
    })
  })

  describe('a service credential', () => {
    test('shows its secret once and is stored as a hash', async () => {
      const shop = await backEnd()
      expect(Buffer.from(shop.secret, 'base64url')).toHaveLength(32)
      const listed = await world.call('GET', '/service-credentials', { token: shop.token })
      expect(listIn(listed).find(({ id }) => id === shop.id)).toMatchObject({ name: 'Shop', scopes: ['introspect'] })
      expect(listed.text).not.toContain(shop.secret)
      expect(JSON.stringify(await world.dump())).not.toContain(shop.secret)
      expect(world.logged.join('')).not.toContain(shop.secret)
    })

    test('that is wrong appears in the operators’ audit log until it is rate limited', async () => {
      const shop = await backEnd()
      const refused = async () => (await world.trail()).filter(({ event }) => event === 'service_credential.refused')
      const before = (await refused()).length
      const wrong = { ...shop, secret: 'x'.repeat(43) }
      expect((await ask('x', wrong)).status).toBe(401)
      expect((await ask('x', { id: 'svc_00', secret: wrong.secret })).status).toBe(401)
      const entries = (await refused()).slice(before)
      expect(
        entries.map(({ account_id, data }) => [account_id, typeof data === 'string' ? JSON.parse(data) : data]),
      ).toEqual([
        [null, { credential: shop.id }],
        [null, { credential: null }],
      ])
      expect(entries.every(({ ip }) => ip !== null)).toBe(true)
    })

    test('is required, and an invalid one is refused as RFC 6749 specifies', async () => {
      const shop = await backEnd()
      const wrong: readonly (Record<string, string> | undefined)[] = [
        undefined,
        basic({ ...shop, secret: `${shop.secret.slice(0, -1)}-` }),
        basic({ id: 'svc_00', secret: shop.secret }),
        basic({ id: shop.id, secret: '' }),
        { authorization: `Basic ${Buffer.from(shop.id).toString('base64')}` },
        { authorization: 'Basic %%%' },
        { authorization: `Bearer ${shop.id}.` },
        { authorization: `Bearer ${shop.token}` },
      ]
      for (const headers of wrong) {
        // A day later the earlier wrong attempts are forgotten.
        world.turn(3600 * 25)
        const refused = await world.call('POST', '/auth/introspect', {
          form: { token: 'x' },
          ...(headers ? { headers } : {}),
        })
        expect([headers, ...refusalOf(refused), refused.body.error]).toEqual([
          headers,
          401,
          'invalid_client',
          'invalid_client',
        ])
        expect(refused.headers.get('www-authenticate')).toMatch(/^Basic realm=/)
      }
    })

    test('is rate limited when it is guessed at; the right secret never is', async () => {
      world.turn(3600 * 25)
      const shop = await backEnd()
      const codes: unknown[] = []
      for (let n = 0; n < 8; n++) codes.push((await ask('x', { ...shop, secret: `wrong${n}` })).body.code)
      expect(codes.slice(0, 6)).toEqual(Array.from({ length: 6 }, () => 'invalid_client'))
      expect(codes.at(-1)).toBe('too_many_attempts')
      expect((await ask('x', shop)).body).toEqual({ active: false })
    })

    test('does only what its scopes allow', async () => {
      const other = await backEnd(['connections:token'])
      const refused = await ask('x', other)
      expect([...refusalOf(refused), refused.body.error]).toEqual([403, 'insufficient_scope', 'insufficient_scope'])
    })

    test('keeps the previous secret valid for a day or for the requested time, and no older one', async () => {
      const shop = await backEnd()
      const rotate = async (body: object = {}) => {
        const token = await fresh()
        const { body: told } = await world.call('POST', `/service-credentials/${shop.id}/rotate`, { token, body })
        return { id: shop.id, secret: String(told.secret) }
      }
      const works = async (as: BackEnd) => (await ask('x', as)).status === 200
      const second = await rotate()
      expect([await works(shop), await works(second)]).toEqual([true, true])
      world.turn(86_399)
      expect(await works(shop)).toBe(true)
      world.turn(1)
      expect([await works(shop), await works(second)]).toEqual([false, true])
      const third = await rotate({ overlap_seconds: 60 })
      const fourth = await rotate()
      expect([await works(second), await works(third), await works(fourth)]).toEqual([false, true, true])
      const fifth = await rotate({ overlap_seconds: 0 })
      expect([await works(fourth), await works(fifth)]).toEqual([false, true])
    })

    test('stops working once it is revoked, and the audit log names who created and revoked it', async () => {
      const shop = await backEnd()
      await ask('x', shop)
      const listed = listIn(await world.call('GET', '/service-credentials', { token: shop.token }))
      expect(listed.find(({ id }) => id === shop.id)?.last_used_at).toBe(world.clock().toISOString())
      expect((await world.call('DELETE', `/service-credentials/${shop.id}`, { token: shop.token })).status).toBe(204)
      world.turn(3600 * 25)
      expect(refusalOf(await ask('x', shop))).toEqual([401, 'invalid_client'])
      const token = await fresh()
      for (const [method, path] of [
        ['DELETE', ''],
        ['POST', '/rotate'],
      ] as const) {
        const again = await world.call(method, `/service-credentials/${shop.id}${path}`, { token })
        expect(refusalOf(again)).toEqual([404, 'service_credential_not_found'])
      }
      const entries = (await world.trail()).filter(({ data }) => JSON.stringify(data).includes(shop.id))
      expect(entries.map(({ event }) => event)).toEqual([
        'service_credential.created',
        'service_credential.revoked',
        'service_credential.refused',
      ])
      expect(entries.slice(0, 2).every(({ account_id, ip }) => account_id === null && ip === null)).toBe(true)
    })
  })
})
