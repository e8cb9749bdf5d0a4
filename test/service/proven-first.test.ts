import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aboveStore, refusalOf, startWorld, type World } from '../support/service.ts'

const password = 'a bar over letters that belong together'

describe.each(aboveStore('SQLite'))('with REQUIRE_VERIFIED_EMAIL, on %s,', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database, env: { REQUIRE_VERIFIED_EMAIL: 'true' } })
  })
  afterAll(() => world.stop())

  let people = 0
  const register = async (): Promise<string> => {
    const email = `proven${++people}@example.org`
    const registered = await world.call('POST', '/auth/register', { body: { email, password } })
    expect(registered.status, registered.text).toBe(201)
    return email
  }
  const signIn = (username: string, more: object = {}, given = password) =>
    world.call('POST', '/auth/token', { body: { username, password: given, ...more } })
  const linkIn = async (email: string): Promise<string> => {
    const [message] = await world.mailTo(email)
    return /\/verify-email\?ticket=([\w-]+)/.exec(message?.text ?? '')?.[1] ?? ''
  }

  test('a password alone is refused, and another link is sent', async () => {
    const email = await register()
    const first = await linkIn(email)
    expect(refusalOf(await signIn(email))).toEqual([403, 'email_unverified'])
    const again = await linkIn(email)
    expect([first.length, again.length, first === again]).toEqual([43, 43, false])
  })

  test('the password and the link together sign the user in and verify the email address', async () => {
    const email = await register()
    const response = await signIn(email, { email_ticket: await linkIn(email) })
    expect(response.status, response.text).toBe(200)
    const me = await world.call('GET', '/me', { token: String(response.body.access_token) })
    expect(me.body).toMatchObject({ email, email_verified: true })
    expect((await signIn(email)).status).toBe(200)
  })

  test('the link verifies nothing with a wrong password or for another account', async () => {
    const [email, other] = [await register(), await register()]
    const ticket = await linkIn(email)
    expect(refusalOf(await signIn(email, { email_ticket: ticket }, 'another bar over letters'))).toEqual([
      401,
      'invalid_credentials',
    ])
    expect(refusalOf(await signIn(other, { email_ticket: ticket }))).toEqual([403, 'email_unverified'])
    expect((await signIn(email, { email_ticket: ticket })).status).toBe(200)
  })

  test('in a browser the link leads to the sign-in page, and from there to the account', async () => {
    const email = await register()
    const browser = world.openBrowser()
    const page = await browser.go(`${world.base}/verify-email?ticket=${await linkIn(email)}`)
    expect(page.url.pathname).toBe('/login')
    const done = await browser.submit(page, '/login/password', { username: email, password })
    expect([done.status, done.url.pathname + done.url.search]).toEqual([200, '/account?done=email_verified'])
    expect((await browser.json('GET', '/me')).body).toMatchObject({ email, email_verified: true })
  })
})
