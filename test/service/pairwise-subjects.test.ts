/** Pairwise subjects (OpenID Connect Core §8): what an application knows people by, and where that is the same. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administratorOf, discovered, enter, follow, register, request } from '../support/applications.ts'
import { aboveStore, type Json, startWorld, type World } from '../support/service.ts'

const claimsIn = (token: string | undefined): Json =>
  JSON.parse(Buffer.from(token?.split('.')[1] ?? '', 'base64url').toString()) as Json
const faultsIn = ({ body }: { body: Json }): unknown =>
  (body.errors as readonly { path: string; code: string }[] | undefined)?.map(({ path, code }) => [path, code])

describe.each(aboveStore('SQLite'))('pairwise subjects, with %s', (database) => {
  let world: World
  let admin: () => Promise<string>
  let listed: readonly string[] | null = null
  const notices: string[] = []
  const server = createServer((incoming, response) => {
    let text = ''
    incoming.on('data', (piece) => {
      text += piece
    })
    incoming.on('end', () => {
      if (incoming.method === 'POST') notices.push(new URLSearchParams(text).get('logout_token') ?? '')
      response.writeHead(incoming.method === 'GET' && listed === null ? 404 : 200).end(JSON.stringify(listed))
    })
  })
  let local = ''
  beforeAll(async () => {
    world = await startWorld({ database, kinds: ['google'], env: { APPLICATIONS_ALLOW_PRIVATE_ADDRESSES: 'on' } })
    admin = await administratorOf(world)
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    local = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  })
  afterAll(async () => {
    server.close()
    await world.stop()
  })

  const callbackAt = (host: string) => `https://${host}/callback`
  const pairwise = (host: string, about: Json = {}) =>
    register(world, admin, { subject_type: 'pairwise', redirect_uris: [callbackAt(host)], ...about })
  async function newPerson() {
    const browser = world.openBrowser()
    await browser.signIn('google', world.newcomer({ name: 'Pat' }))
    const { body } = await browser.json('GET', '/me')
    return { browser, accountId: String(body.id) }
  }
  const change = async (id: string, body: Json) =>
    world.call('PATCH', `/applications/${id}`, { token: await admin(), body })
  const create = async (about: Json) =>
    world.call('POST', '/applications', {
      token: await admin(),
      body: { name: 'Shop', kind: 'server', subject_type: 'pairwise', redirect_uris: [callbackAt('a.test')], ...about },
    })

  test('differ between sectors and are the same within one, and no other claim links the applications', async () => {
    const { browser } = await newPerson()
    const tokensOf = async (host: string) => {
      const config = await discovered(world, await pairwise(host))
      const options = { redirectUri: callbackAt(host), scope: 'openid offline_access' }
      const tokens = await enter(world, browser, config, options)
      return [tokens.id_token, tokens.access_token, tokens.refresh_token].map(claimsIn)
    }
    const [a, twin, b] = [await tokensOf('a.test'), await tokensOf('a.test'), await tokensOf('b.test')]
    const subjectsIn = (tokens: readonly Json[]) => [...new Set(tokens.map(({ sub }) => sub))]
    expect(subjectsIn(a)).toEqual([expect.stringMatching(/^[\w-]{43}$/)])
    expect(subjectsIn(twin)).toEqual(subjectsIn(a))
    expect(subjectsIn(b)).not.toEqual(subjectsIn(a))
    // What every application gets, whoever signs in; the time of the sign-in is described in the documents.
    const common = ['iss', 'iat', 'exp', 'auth_time', 'amr', 'type', 'scope']
    const valuesIn = (tokens: readonly Json[]) =>
      tokens.flatMap((claims) =>
        Object.entries(claims).flatMap(([name, value]) => (common.includes(name) ? [] : [String(value)])),
      )
    // The audience of a token without a resource is this service.
    const audience = String(a[1]?.aud)
    expect(valuesIn(a).filter((value) => value !== audience && valuesIn(b).includes(value))).toEqual([])
    expect(JSON.stringify([a, b])).not.toMatch(/usr_|ses_/)
  })

  test('are the same in the id_token, UserInfo, introspection, refreshed tokens, /me and tokens for an API', async () => {
    const { browser, accountId } = await newPerson()
    const api = 'https://api.test/'
    const shop = await pairwise('c.test', {
      resources: [api],
      scopes: ['openid', 'profile', 'email', 'offline_access', 'orders:read'],
    })
    const config = await discovered(world, shop)
    const first = await enter(world, browser, config, { redirectUri: callbackAt('c.test') })
    const sub = String(first.claims()?.sub)
    expect((await client.fetchUserInfo(config, first.access_token, sub)).sub).toBe(sub)
    const me = await world.call('GET', '/me', { token: first.access_token })
    expect([me.status, me.body.id]).toEqual([200, sub])
    expect(me.text).not.toContain(accountId)
    const next = await client.refreshTokenGrant(config, String(first.refresh_token))
    expect(claimsIn(next.access_token)).toMatchObject({ sub, sid: first.claims()?.sid })
    expect((await client.fetchUserInfo(config, next.access_token, sub)).sub).toBe(sub)

    const created = await world.call('POST', '/service-credentials', {
      token: await admin(),
      body: { name: 'API', scopes: ['introspect'] },
    })
    const introspected = await world.call('POST', '/oauth/introspect', {
      form: { token: next.access_token },
      headers: { authorization: `Bearer ${created.body.id}.${created.body.secret}` },
    })
    expect(introspected.body, introspected.text).toMatchObject({ active: true, sub, sid: first.claims()?.sid })

    const more = { resource: api }
    const scope = 'openid offline_access orders:read'
    const forApi = await enter(world, browser, config, { redirectUri: callbackAt('c.test'), scope, more })
    expect(claimsIn(forApi.access_token)).toMatchObject({ aud: api, sub })

    const { body } = await world.call('GET', `/applications/${shop.id}/users`, { token: await admin() })
    expect(body.items).toEqual([expect.objectContaining({ id: accountId, sub })])
  })

  test('name the person in an id_token_hint, at a sign-out and in a logout token', async () => {
    const about = { backchannel_logout_uri: `${local}/logout`, post_logout_redirect_uris: ['https://d.test/bye'] }
    const config = await discovered(world, await pairwise('d.test', about))
    const [ann, bob] = [await newPerson(), await newPerson()]
    const redirectUri = callbackAt('d.test')
    const tokens = await enter(world, ann.browser, config, { redirectUri })
    const { id_token: hint = '' } = tokens
    const claims = tokens.claims()
    const more = { prompt: 'none', id_token_hint: hint }
    expect((await enter(world, ann.browser, config, { redirectUri, more })).claims()?.sub).toBe(claims?.sub)
    const { url } = await request(config, { redirectUri, more })
    expect((await follow(world, bob.browser, url)).left?.searchParams.get('error')).toBe('login_required')

    const out = client.buildEndSessionUrl(config, {
      id_token_hint: hint,
      post_logout_redirect_uri: 'https://d.test/bye',
    })
    // Of another person, a hint signs nobody out: the page asks.
    expect((await follow(world, bob.browser, out)).page.status).toBe(200)
    expect((await follow(world, ann.browser, out)).left?.href).toBe('https://d.test/bye')
    await world.vinculum.runJob('send-logout-notices')
    expect(notices.map(claimsIn)).toContainEqual(expect.objectContaining({ sub: claims?.sub, sid: claims?.sid }))
  })

  test('have one host, or a list of redirect URIs at one, which is read', async () => {
    const uris = [callbackAt('a.test'), callbackAt('b.test')]
    const several = await create({ redirect_uris: uris })
    expect([several.status, faultsIn(several)]).toEqual([400, [['sector_identifier_uri', 'several_hosts']]])
    const sector_identifier_uri = `${local}/sector.json`
    listed = null
    expect(faultsIn(await create({ redirect_uris: uris, sector_identifier_uri }))).toEqual([
      ['sector_identifier_uri', 'unreachable'],
    ])
    listed = [callbackAt('a.test')]
    expect(faultsIn(await create({ redirect_uris: uris, sector_identifier_uri }))).toEqual([
      ['sector_identifier_uri', 'not_listed'],
    ])
    listed = uris
    const made = await create({ redirect_uris: uris, sector_identifier_uri })
    expect(made.body).toMatchObject({ subject_type: 'pairwise', sector_identifier_uri })
    const more = [...uris, callbackAt('c.test')]
    expect(faultsIn(await change(String(made.body.id), { redirect_uris: more }))).toEqual([
      ['sector_identifier_uri', 'not_listed'],
    ])
    // Nothing about the sector changes, so the list need not be there.
    listed = null
    expect((await change(String(made.body.id), { name: 'Other' })).status).toBe(200)
    for (const [about, path] of [
      [{ subject_type: 'public', sector_identifier_uri }, 'sector_identifier_uri'],
      [{ kind: 'device', redirect_uris: [], sector_identifier_uri }, 'sector_identifier_uri'],
      [{ kind: 'machine', redirect_uris: [], scopes: ['x'], resources: ['https://api.test/'] }, 'subject_type'],
    ] as const)
      expect(faultsIn(await create(about))).toEqual([[path, 'invalid']])
  })

  test('cannot change once someone has signed in', async () => {
    const shop = await pairwise('e.test')
    expect((await change(shop.id, { subject_type: 'public' })).status).toBe(200)
    expect((await change(shop.id, { subject_type: 'pairwise' })).status).toBe(200)
    const { browser } = await newPerson()
    await enter(world, browser, await discovered(world, shop), { redirectUri: callbackAt('e.test') })
    await expect
      .poll(async () => faultsIn(await change(shop.id, { subject_type: 'public' })))
      .toEqual([['subject_type', 'in_use']])
    expect(faultsIn(await change(shop.id, { redirect_uris: [callbackAt('f.test')] }))).toEqual([
      ['redirect_uris', 'in_use'],
    ])
    const other = [`${callbackAt('e.test')}/other`]
    expect((await change(shop.id, { redirect_uris: other })).body.redirect_uris).toEqual(other)
  })
})
