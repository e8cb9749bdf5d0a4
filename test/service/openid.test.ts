/** Applications sign people in through this service, as third-party clients do it. */
import * as client from 'openid-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administratorOf, callback, discovered, enter, follow, register, request } from '../support/applications.ts'
import { databases, startWorld, type World } from '../support/service.ts'

describe.each(databases)('an OpenID provider, with %s', (database) => {
  let world: World
  let admin: string
  beforeAll(async () => {
    world = await startWorld({ database })
    admin = await administratorOf(world)
  })
  afterAll(() => world.stop())

  test('signs people in on our own pages, refreshes and signs out, with openid-client', async () => {
    const shop = await register(world, admin, { post_logout_redirect_uris: ['https://shop.example.org/bye'] })
    const config = await discovered(world, shop)
    const who = world.newcomer()
    const browser = world.openBrowser()
    const { url, redeem } = await request(config)
    const asked = await follow(world, browser, url)
    expect(asked.left).toBeUndefined()
    expect(asked.page.url.pathname).toBe('/login')
    const returnTo = asked.page.url.searchParams.get('return_to') ?? ''
    const back = await browser.signIn('google', who, { return_to: returnTo })
    const { left } = await follow(world, browser, new URL(back.headers.get('location') ?? '', world.base))
    expect(left?.origin).toBe('https://shop.example.org')
    expect(left?.searchParams.get('iss')).toBe(world.base)
    const tokens = await redeem(left as URL)

    const claims = tokens.claims()
    expect(claims).toMatchObject({ iss: world.base, aud: shop.id, email: world.emailOf(who), email_verified: true })
    expect(claims?.sid).toMatch(/^ses_/)
    expect(claims?.auth_time).toEqual(expect.any(Number))
    const person = await client.fetchUserInfo(config, tokens.access_token, claims?.sub ?? '')
    expect(person).toMatchObject({ sub: claims?.sub, email: world.emailOf(who) })

    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
    expect(refreshed.refresh_token).not.toBe(tokens.refresh_token)
    expect((await client.fetchUserInfo(config, refreshed.access_token, claims?.sub ?? '')).sub).toBe(claims?.sub)

    const out = client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token ?? '',
      post_logout_redirect_uri: 'https://shop.example.org/bye',
      state: 'kept',
    })
    const gone = await follow(world, browser, out)
    expect(gone.left?.href).toBe('https://shop.example.org/bye?state=kept')
    await expect(client.refreshTokenGrant(config, refreshed.refresh_token ?? '')).rejects.toMatchObject({
      error: 'invalid_grant',
    })
    expect((await browser.ask(`${world.base}/account`)).headers.get('location')).toMatch(/^\/login/)
  })

  test('does not ask a person who is signed in already', async () => {
    const config = await discovered(world, await register(world, admin, { kind: 'browser' }))
    const browser = world.openBrowser()
    await browser.signIn('google', world.newcomer())
    const first = await enter(world, browser, config)
    const silent = await enter(world, browser, config, { more: { prompt: 'none' } })
    expect(silent.claims()?.sid).toBe(first.claims()?.sid)
    const stranger = await request(config, { more: { prompt: 'none' } })
    const { left } = await follow(world, world.openBrowser(), stranger.url)
    expect(left?.searchParams.get('error')).toBe('login_required')
  })
})
