/** Metadata of accounts: who writes it, who reads it, and that concurrent changes are all kept. */
import { decodeJwt } from 'jose'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administratorOf, discovered, enter, follow, register, request } from '../support/applications.ts'
import { type Answer, databases, type Json, refusalOf, startWorld, type World } from '../support/service.ts'

describe.each(databases)('metadata of accounts, with %s', (database) => {
  let world: World
  let admin: () => Promise<string>
  let backEnd: Readonly<Record<string, string>>
  beforeAll(async () => {
    world = await startWorld({ database, kinds: ['google'] })
    admin = await administratorOf(world)
    backEnd = await credential(['users:metadata'])
  })
  afterAll(() => world.stop())

  async function credential(scopes: readonly string[]) {
    const token = await admin()
    const { body } = await world.call('POST', '/service-credentials', { token, body: { name: 'Shop', scopes } })
    return { authorization: `Basic ${Buffer.from(`${body.id}:${body.secret}`).toString('base64')}` }
  }
  async function somebody() {
    const who = world.newcomer()
    const { access_token: token, user } = await world.signIn('google', who)
    return { who, token, id: user.id }
  }
  const patch = async (id: string, metadata: unknown): Promise<Answer> =>
    world.call('PATCH', `/users/${id}`, { token: await admin(), body: { metadata } })
  const patchAsBackEnd = (id: string, body: object, headers = backEnd): Promise<Answer> =>
    world.call('PATCH', `/users/${id}/metadata`, { body, headers })
  const stored = async (id: string) => (await world.call('GET', `/users/${id}`, { token: await admin() })).body.metadata
  const changesOf = async (id: string) =>
    (await world.trail()).filter(({ event, account_id }) => event === 'account.metadata_changed' && account_id === id)
  const dataOf = ({ data }: Json) => (typeof data === 'string' ? JSON.parse(data) : data) as Json

  test('an administrator and a back end write it, and the person reads it', async () => {
    const { token, id } = await somebody()
    expect(await stored(id)).toEqual({ public: {} })
    const changed = await patch(id, { public: { plan: 'team', limits: { seats: 5 }, trial: true } })
    expect(changed.body.metadata).toEqual({ public: { plan: 'team', limits: { seats: 5 }, trial: true } })
    const sold = await patchAsBackEnd(id, { public: { limits: { disk: 'ü 🦊' }, trial: null } })
    const expected = { public: { plan: 'team', limits: { seats: 5, disk: 'ü 🦊' } } }
    expect([sold.status, sold.body]).toEqual([200, expected])
    expect((await patchAsBackEnd(id, { public: {} })).body).toEqual(expected)
    expect(await stored(id)).toEqual(expected)
    expect((await world.call('GET', '/me', { token })).body.metadata).toEqual(expected)
    const exported = await world.call('GET', '/me/export', { token })
    expect((exported.body.account as Json).metadata).toEqual(expected)

    // Names of keys, never values. A patch that changed nothing is not recorded.
    const [first, second, ...others] = await changesOf(id)
    expect(others).toEqual([])
    expect(dataOf(first as Json)).toEqual({ keys: ['plan', 'limits', 'trial'], by: expect.stringMatching(/^usr_/) })
    expect(dataOf(second as Json)).toEqual({ keys: ['limits', 'trial'], credential: expect.stringMatching(/^svc_/) })
    const { body } = await world.call('GET', '/me/activity', { token })
    expect(body.items).toContainEqual(
      expect.objectContaining({ data: { keys: ['plan', 'limits', 'trial'], by: 'administrator' } }),
    )
    expect((await patch(id, { public: null })).body.metadata).toEqual({ public: {} })
  })

  test('nobody else writes it', async () => {
    const { token, id } = await somebody()
    const body = { metadata: { public: { plan: 'team' } } }
    expect(refusalOf(await world.call('PATCH', `/users/${id}`, { token, body }))).toEqual([403, 'insufficient_scope'])
    expect(refusalOf(await world.call('PATCH', '/me', { token, body }))).toEqual([400, 'invalid_request'])
    const path = `/users/${id}/metadata`
    expect(refusalOf(await world.call('PATCH', path, { token, body: body.metadata }))).toEqual([401, 'invalid_client'])
    const other = await credential(['introspect'])
    expect(refusalOf(await patchAsBackEnd(id, body.metadata, other))).toEqual([403, 'insufficient_scope'])
    expect(refusalOf(await patchAsBackEnd('usr_nobody', body.metadata))).toEqual([404, 'account_not_found'])
    expect(refusalOf(await patch('usr_nobody', body.metadata))).toEqual([404, 'account_not_found'])
    expect(await stored(id)).toEqual({ public: {} })
  })

  test('bad input is refused at its field, and changes nothing', async () => {
    const { id } = await somebody()
    await patch(id, { public: { plan: 'team' } })
    const proto = JSON.parse('{"plan":"free","__proto__":{"admin":true}}') as Json
    const cases: readonly (readonly [metadata: unknown, path: string, code: string])[] = [
      [{}, 'metadata.public', 'required'],
      [{ private: {} }, 'metadata.private', 'unknown_field'],
      [{ public: [] }, 'metadata.public', 'wrong_type'],
      [{ public: 'plan' }, 'metadata.public', 'wrong_type'],
      [{ public: proto }, 'metadata.public', 'invalid_key'],
      [{ public: { plan: 'free', a: { b: { c: { d: {} } } } } }, 'metadata.public.a.b.c.d', 'too_deep'],
      [{ public: { plan: 'free', bio: 'x'.repeat(5000) } }, 'metadata.public', 'too_long'],
      [{ public: { plan: 'free', bad: '\0' } }, 'metadata.public.bad', 'invalid'],
      [
        { public: Object.fromEntries(Array.from({ length: 60 }, (_, at) => [`k${at}`, at])) },
        'metadata.public',
        'too_many',
      ],
    ]
    for (const [metadata, path, code] of cases) {
      const answer = await patch(id, metadata)
      expect([answer.status, answer.body.errors], JSON.stringify(metadata)).toEqual([
        400,
        expect.arrayContaining([expect.objectContaining({ path, code })]),
      ])
    }
    expect((await patchAsBackEnd(id, { public: { a: { ' ': 1 } } })).body.errors).toMatchObject([
      { path: 'public.a', code: 'invalid_key' },
    ])
    expect(await stored(id)).toEqual({ public: { plan: 'team' } })
    expect(await changesOf(id)).toHaveLength(1)
  })

  test('concurrent patches lose nothing, and keep its limits', async () => {
    const { id } = await somebody()
    const token = await admin()
    for (let round = 0; round < 15; round++) {
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, at) =>
          at % 2 === 0
            ? patchAsBackEnd(id, { public: { [`k${at}`]: round, nested: { [`n${at}`]: round } } })
            : world.call('PATCH', `/users/${id}`, {
                token,
                body: { metadata: { public: { [`k${at}`]: round, nested: { [`n${at}`]: round } } } },
              }),
        ),
      )
      expect(answers.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 200))
      const all = (prefix: string) =>
        Object.fromEntries(Array.from({ length: 8 }, (_, at) => [`${prefix}${at}`, round]))
      expect(await stored(id)).toEqual({ public: { ...all('k'), nested: all('n') } })
    }
    // Three of five fit: the limit holds for what the others left.
    await patch(id, { public: null })
    const large = await Promise.all(
      Array.from({ length: 5 }, (_, at) => patchAsBackEnd(id, { public: { [`l${at}`]: 'x'.repeat(1300) } })),
    )
    expect(large.map(({ status }) => status).sort()).toEqual([200, 200, 200, 400, 400])
    const { public: kept } = (await stored(id)) as { public: Json }
    expect(Object.keys(kept)).toHaveLength(3)
  })

  test('an application sees it with the scope, as one claim that replaces no other, with openid-client', async () => {
    const { who, id } = await somebody()
    const reserved = {
      sub: 'usr_other',
      iss: 'https://evil.example',
      email: 'x@evil.example',
      amr: ['mfa'],
      plan: 'team',
    }
    await patch(id, { public: reserved })
    const about = { first_party: false, scopes: ['openid', 'profile', 'email', 'metadata'] }
    const config = await discovered(world, await register(world, admin, about))
    expect(config.serverMetadata().scopes_supported).toContain('metadata')
    expect(config.serverMetadata().claims_supported).toContain('metadata')
    const browser = world.openBrowser()
    await browser.signIn('google', who)

    // Asked for on the page of consent, in words.
    const { url, redeem } = await request(config, { scope: 'openid profile email metadata' })
    const { page } = await follow(world, browser, url)
    expect(page.text).toContain('see what the operator of this service recorded about you')
    const portuguese = await browser.ask(page.url, { headers: { accept: 'text/html', 'accept-language': 'pt-BR' } })
    expect(portuguese.text).toContain('ver o que quem opera este serviço registrou sobre você')
    const done = await browser.submit(page, page.url.pathname, { decision: 'allow' })
    const back = /url=([^"]*)"/.exec(done.text)?.[1]?.replaceAll('&amp;', '&') ?? ''
    const tokens = await redeem(new URL(back))
    const claims = tokens.claims()
    expect(claims).toMatchObject({ sub: id, iss: world.base, email: world.emailOf(who), metadata: reserved })
    expect(claims?.amr).not.toContain('mfa')
    const person = await client.fetchUserInfo(config, tokens.access_token, id)
    expect(person).toMatchObject({ sub: id, email: world.emailOf(who), metadata: reserved })
    expect(decodeJwt(tokens.access_token)).not.toHaveProperty('metadata')
    const me = await world.call('GET', '/me', { token: tokens.access_token })
    expect(me.body.metadata).toEqual({ public: reserved })

    // The present state, and nothing without the scope.
    await patch(id, { public: null })
    expect((await client.fetchUserInfo(config, tokens.access_token, id)).metadata).toEqual({})
    const other = await discovered(world, await register(world, admin))
    const without = await enter(world, browser, other)
    expect(without.claims()).not.toHaveProperty('metadata')
    expect(await client.fetchUserInfo(other, without.access_token, id)).not.toHaveProperty('metadata')
    expect((await world.call('GET', '/me', { token: without.access_token })).body).not.toHaveProperty('metadata')
  })

  test('the largest metadata fits into every request that carries the ID token', async () => {
    const { who, id } = await somebody()
    await patch(id, { public: { a: 'x'.repeat(4088) } })
    const about = { scopes: ['openid', 'profile', 'email', 'metadata', 'teams'] }
    const shop = await register(world, admin, { ...about, post_logout_redirect_uris: ['https://shop.example.org/bye'] })
    const config = await discovered(world, shop)
    const browser = world.openBrowser()
    await browser.signIn('google', who)
    const tokens = await enter(world, browser, config, { scope: about.scopes.join(' ') })
    const out = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: 'https://shop.example.org/bye',
    })
    expect((await follow(world, browser, out)).left?.href).toBe('https://shop.example.org/bye')
  })

  test('the page of the account edits it, and refuses at the field', async () => {
    const { id } = await somebody()
    await patch(id, { public: { plan: 'free' } })
    const administrator = world.newcomer()
    await world.vinculum.makeAdministrator((await world.signIn('google', administrator)).user.id)
    const browser = world.openBrowser()
    await browser.signIn('google', administrator)
    const page = new URL(`/admin/users/${id}`, world.base)
    const html = { accept: 'text/html' }
    const valuesOf = (text: string) => {
      const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec(text) ?? []
      const [, shown = ''] = /name="shown" value="([^"]*)"/.exec(text) ?? []
      return { csrf, shown: shown.replaceAll('&quot;', '"') }
    }
    const send = (fields: Record<string, string>) =>
      browser.ask(new URL(`/admin/users/${id}/metadata`, world.base), {
        method: 'POST',
        body: new URLSearchParams(fields),
        headers: html,
      })
    const values = valuesOf((await browser.ask(page, { headers: html })).text)
    // A back end changes something else while the page is open: that stays.
    await patchAsBackEnd(id, { public: { score: 1 } })
    for (const [metadata, text] of [
      ['{"plan":', 'The value is not a JSON object.'],
      ['[1]', 'The value is not a JSON object.'],
      ['{"__proto__":1}', 'A key must start with a letter'],
      [`{"a":"${'x'.repeat(5000)}"}`, 'at most 4096 bytes'],
    ] as const) {
      const refused = await send({ ...values, metadata })
      expect([refused.status, refused.text.includes('id="invalid-metadata"')], metadata).toEqual([400, true])
      expect(refused.text).toContain(text)
      expect(JSON.parse(valuesOf(refused.text).shown)).toEqual({ plan: 'free' })
    }
    const saved = await send({ ...values, metadata: '{ "plan": "team" }' })
    expect(saved.headers.get('location')).toContain('done=user_metadata_changed')
    expect(await stored(id)).toEqual({ public: { plan: 'team', score: 1 } })
    expect((await browser.ask(page, { headers: html })).text).toContain('&quot;score&quot;: 1')
  })

  test('is deleted with the account', async () => {
    const { token, id } = await somebody()
    await patch(id, { public: { plan: 'secret-plan-of-someone' } })
    expect((await world.call('DELETE', '/me', { token })).status).toBe(204)
    expect((await patch(id, { public: { plan: 'x' } })).status).toBe(404)
    expect(JSON.stringify(await world.trail())).not.toContain('secret-plan-of-someone')
  })
})
