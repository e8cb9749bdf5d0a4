/** Signing in on a device without a browser (RFC 8628), as openid-client does it. */
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administratorOf, callback, discovered, follow, register } from '../support/applications.ts'
import { aboveStore, type Browser, type Json, refusalOf, startWorld, type World } from '../support/service.ts'

const grantType = 'urn:ietf:params:oauth:grant-type:device_code'

describe.each(aboveStore('SQLite'))('the device flow, with %s', (database) => {
  let world: World
  let admin: () => Promise<string>
  beforeAll(async () => {
    world = await startWorld({ database })
    admin = await administratorOf(world)
  })
  afterAll(() => world.stop())

  const television = (about: Json = {}) =>
    register(world, admin, { name: 'Television', kind: 'device', redirect_uris: [], ...about })
  const signedIn = async (): Promise<Browser> => {
    const browser = world.openBrowser()
    await browser.signIn('google', world.newcomer())
    return browser
  }
  const start = async (about: Json = {}, scope = 'openid email offline_access') => {
    const { id } = await television(about)
    const config = await discovered(world, { id, secret: null })
    const codes = await client.initiateDeviceAuthorization(config, { scope })
    const poll = () =>
      world.call('POST', '/oauth/token', {
        form: { grant_type: grantType, device_code: codes.device_code, client_id: id },
      })
    return { id, config, codes, poll }
  }
  const type = async (browser: Browser, code: string, decision?: 'allow' | 'refuse') => {
    const page = await browser.ask(`${world.base}/device`)
    return browser.submit(page, '/device', { user_code: code, ...(decision ? { decision } : {}) })
  }

  test('signs a device in after the person typed its code, and the refresh contract applies', async () => {
    const { config, codes, poll } = await start()
    expect(codes).toMatchObject({ verification_uri: `${world.base}/device`, interval: 5 })
    expect(codes.user_code).toMatch(/^[B-Z]{4}-[B-Z]{4}$/)
    expect(codes).not.toHaveProperty('verification_uri_complete')
    const browser = await signedIn()
    expect((await follow(world, world.openBrowser(), codes.verification_uri)).page.url.pathname).toBe('/login')
    expect((await poll()).body.error).toBe('authorization_pending')
    const asked = await type(browser, codes.user_code.toLowerCase().replace('-', ' '))
    for (const words of ['Television', 'If someone sent you the code, refuse', 'IP address', 'see your email address'])
      expect(asked.text).toContain(words)
    const done = await browser.submit(asked, '/device', { decision: 'allow' })
    expect(done.text).toContain('Device connected')
    world.turn(6)
    const answer = await poll()
    expect(answer.status, answer.text).toBe(200)
    const tokens = answer.body as { access_token: string; refresh_token: string; id_token: string }
    const claims = JSON.parse(Buffer.from(tokens.id_token.split('.')[1] ?? '', 'base64url').toString()) as Json
    expect(claims).toMatchObject({ iss: world.base, email: expect.any(String), sid: expect.stringMatching(/^ses_/) })
    const many = await Promise.all(
      Array.from({ length: 20 }, () => client.refreshTokenGrant(config, tokens.refresh_token)),
    )
    expect(new Set(many.map(({ refresh_token: next }) => next)).size).toBe(1)
    world.turn(6)
    expect(refusalOf(await poll()), 'a second use').toEqual([400, 'grant_invalid'])
    await expect(client.refreshTokenGrant(config, many[0]?.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    })
  })

  test('ends on the device when the person signs out where the code was typed', async () => {
    const { config, codes, poll } = await start()
    const browser = await signedIn()
    await type(browser, codes.user_code, 'allow')
    const tokens = (await poll()).body as { refresh_token: string }
    await browser.json('POST', '/auth/logout')
    await expect(client.refreshTokenGrant(config, tokens.refresh_token)).rejects.toMatchObject({
      error: 'invalid_grant',
    })
  })

  test('tells the device to slow down, that the person refused, and that the code has expired', async () => {
    const refused = await start()
    expect((await refused.poll()).body.error).toBe('authorization_pending')
    expect((await refused.poll()).body.error).toBe('slow_down')
    const browser = await signedIn()
    expect((await type(browser, refused.codes.user_code, 'refuse')).text).toContain('Sign-in refused')
    world.turn(6)
    expect((await refused.poll()).body.error).toBe('access_denied')
    expect((await type(browser, refused.codes.user_code, 'allow')).status, 'answered once').toBe(400)
    const late = await start()
    world.turn(601)
    expect((await type(browser, late.codes.user_code)).status).toBe(400)
  })

  test('asks for consent in words and remembers it', async () => {
    const { id, codes, poll } = await start({ first_party: false })
    const browser = await signedIn()
    expect((await type(browser, codes.user_code, 'allow')).text).toContain('Device connected')
    expect((await poll()).status).toBe(200)
    const { application_consents: rows = [] } = await world.dump('application_consents')
    expect(rows.filter(({ application_id: of }) => of === id)).toHaveLength(1)
  })

  test('accepts no code of another application, from another site, without a sign-in, or guessed', async () => {
    const { codes } = await start()
    const other = await television()
    const stolen = await world.call('POST', '/oauth/token', {
      form: { grant_type: grantType, device_code: codes.device_code, client_id: other.id },
    })
    expect(refusalOf(stolen)).toEqual([400, 'grant_invalid'])
    const browser = await signedIn()
    for (const guess of ['BBBB-BBBB', '', 'x', 'BBBBBBBBB', '\u0000BBBBBBB', codes.user_code.slice(1)])
      expect([guess, (await type(browser, guess)).status]).toEqual([guess, 400])
    const link = await browser.ask(`${world.base}/device?user_code=${codes.user_code}`)
    expect(link.text).not.toContain(`value="${codes.user_code}`)
    const forged = await browser.ask(`${world.base}/device`, {
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded', origin: 'https://evil.example.org' },
      body: new URLSearchParams({ user_code: codes.user_code, decision: 'allow' }).toString(),
    })
    expect(forged.status).toBe(403)
    expect(JSON.stringify(await world.dump())).not.toContain(codes.device_code)
  })

  test('is for native and device applications only, which have no redirect unless they register one', async () => {
    const shop = await register(world, admin)
    const config = await discovered(world, shop)
    await expect(client.initiateDeviceAuthorization(config, { scope: 'openid' })).rejects.toMatchObject({
      error: 'unauthorized_client',
    })
    const tool = await register(world, admin, { kind: 'native' })
    const codes = await client.initiateDeviceAuthorization(await discovered(world, tool), { scope: 'openid' })
    expect(codes.user_code).toBeTruthy()
    const { id } = await television()
    const visit = await world
      .openBrowser()
      .ask(`${world.base}/oauth/authorize?response_type=code&client_id=${id}&redirect_uri=${callback}&scope=openid`)
    expect([visit.status, visit.headers.get('location')]).toEqual([400, null])
  })

  test('binds the tokens of a device to its key', async () => {
    const { config, codes } = await start({ dpop_bound_access_tokens: true })
    const handle = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
    await type(await signedIn(), codes.user_code, 'allow')
    const tokens = await client.pollDeviceAuthorizationGrant(config, { ...codes, interval: 1 }, undefined, {
      DPoP: handle,
    })
    expect(tokens.token_type).toBe('dpop')
  })
})
