/** The applications of a person: what each may see, where, and how a person ends one. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administratorOf, discovered, follow, register, request } from '../support/applications.ts'
import { aboveStore, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

describe.each(aboveStore('SQLite'))('the applications of a person, with %s', (database) => {
  let world: World
  let admin: () => Promise<string>
  beforeAll(async () => {
    world = await startWorld({ database, kinds: ['google'] })
    admin = await administratorOf(world)
  })
  afterAll(() => world.stop())

  /** A person who allowed an application of somebody else what it asked for, on two devices. */
  async function user() {
    const application = await register(world, admin, {
      name: 'Bazaar',
      first_party: false,
      backchannel_logout_uri: 'https://shop.example.org/out',
    })
    const config = await discovered(world, application)
    const who = world.newcomer({ name: 'Pat Doe' })
    const enter = async () => {
      const browser = world.openBrowser()
      await browser.signIn('google', who)
      const { url, redeem } = await request(config)
      const { left, page } = await follow(world, browser, url)
      if (left) return { browser, tokens: await redeem(left) }
      expect(page.text).toContain('Continue to Bazaar?')
      const allowed = await browser.submit(page, page.url.pathname, { decision: 'allow' }).catch((error) => error)
      const back = allowed instanceof Error ? undefined : await follow(world, browser, url)
      if (!back?.left) throw new Error('the application was not allowed')
      return { browser, tokens: await redeem(back.left) }
    }
    const first = await enter()
    const second = await enter()
    return { application, who, first, second }
  }
  const refresh = async (application: { id: string; secret: string | null }, token: string | undefined) =>
    (
      await world.call('POST', '/oauth/token', {
        form: { grant_type: 'refresh_token', refresh_token: String(token) },
        headers: {
          authorization: `Basic ${Buffer.from(`${application.id}:${application.secret}`).toString('base64')}`,
        },
      })
    ).status

  test('are listed with what they may see and where, and end everywhere at once', async () => {
    const { application, who, first, second } = await user()
    const token = (await world.signIn('google', who)).access_token
    const [mine, ...others] = listIn(await world.call('GET', '/me/applications', { token }))
    expect(others).toEqual([])
    expect(mine).toMatchObject({
      id: application.id,
      name: 'Bazaar',
      host: 'shop.example.org',
      scopes: ['openid', 'profile', 'email', 'offline_access'],
      resources: [],
      allowed_at: expect.any(String),
    })
    expect(mine?.sessions).toHaveLength(2)

    const ended = () => world.call('DELETE', `/me/applications/${application.id}`, { token })
    expect((await ended()).status).toBe(204)
    expect(refusalOf(await ended())).toEqual([404, 'application_not_found'])
    expect(listIn(await world.call('GET', '/me/applications', { token }))).toEqual([])
    expect([
      await refresh(application, first.tokens.refresh_token),
      await refresh(application, second.tokens.refresh_token),
    ]).toEqual([400, 400])
    const userinfo = await world.call('GET', '/oauth/userinfo', { token: first.tokens.access_token })
    expect(refusalOf(userinfo)).toEqual([401, 'session_revoked'])
    // Each of its two sign-ins is announced to the application.
    const { logout_notices: notices = [] } = await world.dump('logout_notices')
    expect(notices.filter((one) => one.application_id === application.id)).toHaveLength(2)
    // The person stays signed in here, and is asked again.
    expect((await first.browser.json('GET', '/me')).status).toBe(200)
    const config = await discovered(world, application)
    const { page } = await follow(world, first.browser, (await request(config)).url)
    expect(page.text).toContain('Continue to Bazaar?')
    const about = (await world.trail()).filter((fact) => JSON.stringify(fact).includes(application.id))
    expect(about.filter(({ event }) => event === 'application.withdrawn')).toHaveLength(1)
  })

  test('are on the page Apps & permissions, in words, and on the page that administrators see', async () => {
    const { application, first, who } = await user()
    const at = (path: string, language = 'en') =>
      first.browser.ask(new URL(path, world.base), { headers: { 'accept-language': language } })
    const page = await at('/account/permissions')
    for (const text of ['Bazaar', 'shop.example.org', 'see your email address, and whether it is verified'])
      expect(page.text).toContain(text)
    expect((await at('/account/permissions', 'pt-BR')).text).toContain('Encerrar o acesso…')

    const boss = world.openBrowser()
    const chief = world.newcomer()
    const { user: administrator } = await world.signIn('google', chief)
    await world.vinculum.makeAdministrator(administrator.id)
    await boss.signIn('google', chief)
    const { user: person } = await world.signIn('google', who)
    const theirs = await boss.ask(new URL(`/admin/users/${person.id}`, world.base))
    expect(theirs.text).toContain(`href="/admin/applications/${application.id}"`)
    const registration = await boss.ask(new URL(`/admin/applications/${application.id}`, world.base))
    for (const { text } of [theirs, registration])
      expect([text.includes('see their email address'), text.includes('see your email address')]).toEqual([true, false])

    const end = `/account/permissions/applications/${application.id}/end`
    const done = await first.browser.submit(page, end)
    expect(done.text).toContain('The application lost its access')
    expect(done.text).toContain('You have not signed in to any application')
    expect(await refresh(application, first.tokens.refresh_token)).toBe(400)
  })

  test('cannot be ended for another person, nor without a recent sign-in', async () => {
    const { application, who, first } = await user()
    const { access_token: stranger } = await world.signIn('google', world.newcomer())
    const end = (token: string) => world.call('DELETE', `/me/applications/${application.id}`, { token })
    expect(refusalOf(await end(stranger))).toEqual([404, 'application_not_found'])
    const { access_token: own } = await world.signIn('google', who)
    world.turn(601)
    expect(refusalOf(await end(own))).toEqual([403, 'reauthentication_required'])
    expect(await refresh(application, first.tokens.refresh_token)).toBe(200)
  })
})
