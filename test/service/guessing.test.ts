import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { aboveStore, type Browser, cookiesOf, listIn, refusalOf, startWorld, type World } from '../support/service.ts'

const password = 'a bar over letters that belong together'
const wrong = 'not a bar over any letters at all'

describe.each(aboveStore('PostgreSQL'))('rate limits on guessing, in %s', (database) => {
  let world: World
  beforeAll(async () => {
    world = await startWorld({ database, env: { TRUST_PROXY_HOPS: '1' } })
  })
  afterEach(() => world.calm())
  afterAll(() => world.stop())

  let people = 0
  let networks = 0
  const anAddress = (): string => `guessed${++people}@example.org`
  const aNetwork = (): string => `198.51.${Math.floor(++networks / 250)}.${(networks % 250) + 1}`
  type How = { readonly from?: string; readonly agent?: string; readonly at?: string }
  const headersOf = ({ from = aNetwork(), agent = 'App/1.0' }: How) => ({
    'x-forwarded-for': from,
    'user-agent': agent,
  })
  const signIn = (username: string, given: string, how: How = {}) =>
    world.call('POST', '/auth/token', {
      form: { username, password: given },
      headers: headersOf(how),
      ...(how.at ? { at: how.at } : {}),
    })
  const guess = async (username: string, times: number, how: How = {}): Promise<number[]> => {
    const statuses: number[] = []
    for (let at = 0; at < times; at++) statuses.push((await signIn(username, wrong, how)).status)
    return statuses
  }
  const somebody = async (): Promise<string> => {
    const email = anAddress()
    const body = { email, password }
    expect((await world.call('POST', '/auth/register', { body, headers: headersOf({}) })).status).toBe(201)
    return email
  }
  const enter = async (browser: Browser, username: string, given = password) => {
    const page = await browser.go(`${world.base}/login`)
    const [, csrf = ''] =
      /name="csrf" value="([^"]*)"/.exec(page.text.slice(page.text.indexOf('/login/password'))) ?? []
    return browser.ask(`${world.base}/login/password`, {
      method: 'POST',
      body: new URLSearchParams({ csrf, username, password: given }),
      headers: { origin: world.base, 'sec-fetch-site': 'same-origin', ...headersOf({ agent: 'Browser/1.0' }) },
    })
  }
  const six = [401, 401, 401, 401, 401, 401]
  const trailOf = async (email: string) => {
    const { accounts = [] } = await world.dump('accounts')
    const id = accounts.find((row) => row.email === email)?.id
    return (await world.trail()).filter(({ account_id }) => account_id === id)
  }

  test('answer six wrong guesses, then refuse every attempt until the wait is over', async () => {
    const email = await somebody()
    expect(await guess(email, 7)).toEqual([...six, 429])
    const refused = await signIn(email, password)
    expect(refusalOf(refused)).toEqual([429, 'too_many_attempts'])
    expect([refused.headers.get('retry-after'), refused.body.retry_after]).toEqual(['1', 1])
    world.turn(1)
    expect(await guess(email, 2)).toEqual([401, 429])
    world.turn(1)
    expect((await signIn(email, password)).status).toBe(429)
    world.turn(1)
    expect((await signIn(email, password)).status).toBe(200)
    // A successful sign-in resets the count.
    expect(await guess(email, 6)).toEqual(six)
  })

  test('apply to an unknown email address in the same way', async () => {
    expect(await guess(anAddress(), 8)).toEqual([...six, 429, 429])
    const who = world.newcomer()
    await world.signIn('google', who)
    expect(await guess(world.emailOf(who), 8)).toEqual([...six, 429, 429])
  })

  test('let a hundred concurrent guesses on two nodes gain nothing over sequential ones', async () => {
    const email = await somebody()
    const other = await world.another()
    const all = await Promise.all(
      Array.from({ length: 100 }, (_, at) => signIn(email, wrong, { at: at % 2 ? other.base : world.base })),
    )
    expect(all.filter(({ status }) => status === 401)).toHaveLength(6)
    expect(all.filter(({ status }) => status === 429)).toHaveLength(94)
    expect((await signIn(email, password)).status).toBe(429)
  })

  test('still let a user sign in from a device they have used before', async () => {
    const email = await somebody()
    const browser = world.openBrowser()
    expect((await enter(browser, email)).status).toBe(303)
    await guess(email, 20)
    expect((await enter(world.openBrowser(), email)).status).toBe(429)
    expect((await enter(browser, email)).status).toBe(303)
    // And their success does not help other callers.
    expect((await signIn(email, password)).status).toBe(429)
  })

  test('allow a known device no more guesses than any other', async () => {
    const email = await somebody()
    const browser = world.openBrowser()
    await enter(browser, email)
    const statuses: number[] = []
    for (let at = 0; at < 7; at++) statuses.push((await enter(browser, email, wrong)).status)
    expect(statuses).toEqual([...six, 429])
  })

  test('do not trust a device known to one account for another account in the same browser', async () => {
    const [ana, bea] = [await somebody(), await somebody()]
    const browser = world.openBrowser()
    await enter(browser, ana)
    await guess(bea, 20)
    expect((await enter(browser, bea)).status).toBe(429)
    world.turn(1000)
    expect((await enter(browser, bea)).status).toBe(303)
    await guess(ana, 20)
    await guess(bea, 20)
    expect((await enter(browser, ana)).status).toBe(303)
    expect((await enter(browser, bea)).status).toBe(303)
  })

  test('ignore a forged device cookie', async () => {
    const email = await somebody()
    await guess(email, 20)
    const cookie = `vinculum_device=${'x'.repeat(43)}`
    const answer = await world.call('POST', '/auth/token', {
      form: { username: email, password },
      headers: { cookie, origin: world.base, 'sec-fetch-site': 'same-origin' },
    })
    expect(answer.status).toBe(429)
  })

  test('do not affect a sign-in with a provider', async () => {
    const who = world.newcomer()
    const { access_token: token } = await world.signIn('google', who)
    await world.call('PUT', '/me/password', { token, body: { new_password: password } })
    await guess(world.emailOf(who), 20)
    expect((await world.enter('google', who)).status).toBe(200)
  })

  test('slow down a network that guesses at many accounts, even after it signs in to its own', async () => {
    const from = '203.0.113.77'
    const own = await somebody()
    // As if it had guessed for an hour, without spending the hours it takes to compute.
    const at = database === 'SQLite' ? String(world.clock().getTime()) : `'${world.clock().toISOString()}'`
    await world.operator(
      `insert into guesses ("key", failures, last_at, blocked_until) values ('network:${from}', 249, ${at}, ${at})`,
    )
    expect((await signIn(own, password, { from })).status).toBe(200)
    expect((await signIn(anAddress(), wrong, { from })).status).toBe(401)
    expect((await signIn(anAddress(), wrong, { from })).status).toBe(401)
    expect((await signIn(anAddress(), wrong, { from })).status).toBe(429)
    expect((await signIn(own, password, { from })).status).toBe(429)
    expect((await signIn(own, password)).status).toBe(200)
    expect((await signIn(anAddress(), wrong, { from })).status).toBe(429)
  })

  test('are visible to the user and to the operator', async () => {
    const email = await somebody()
    await guess(email, 7)
    world.turn(1000)
    const { body } = await signIn(email, password)
    const activity = await world.call('GET', '/me/activity', { token: String(body.access_token) })
    const codes = (activity.body.items as { event: string; data: { code?: string } }[])
      .filter(({ event }) => event === 'authentication.failed')
      .map(({ data }) => data.code)
    expect(codes).toEqual(['too_many_attempts', ...six.map(() => 'invalid_credentials')])
    const metrics = await (await fetch(`${world.base}/metrics`)).text()
    expect(metrics).toMatch(/vinculum_authentication_attempts_total\{provider="password",status="[^"]+"\} [1-9]/)
    expect(metrics).not.toContain(email)
    expect(world.logged.join('')).not.toContain(email)
  })

  test('count refused attempts instead of filling the user’s activity', async () => {
    const email = await somebody()
    expect(await guess(email, 40)).toEqual([...six, ...Array.from({ length: 34 }, () => 429)])
    const refused = (await trailOf(email)).filter(({ event }) => event === 'authentication.failed')
    expect(refused).toHaveLength(7)
    // SQLite stores it as text.
    const counted = refused.map(({ data }) => (typeof data === 'string' ? JSON.parse(data) : data))
    expect(counted.flatMap(({ attempts }) => attempts ?? [])).toEqual([34])
  })

  describe('a sign-in from an unknown device', () => {
    const toldOf = async (email: string): Promise<number> =>
      (await trailOf(email)).filter(({ event }) => event === 'device.new').length

    test('is recorded as such, except for the very first device', async () => {
      const email = await somebody()
      expect((await signIn(email, password)).status).toBe(200)
      expect(await toldOf(email)).toBe(0)
      await signIn(email, password)
      expect(await toldOf(email)).toBe(0)
      await signIn(email, password, { agent: 'Another/2.0' })
      expect(await toldOf(email)).toBe(1)
      const browser = world.openBrowser()
      await enter(browser, email)
      expect(await toldOf(email)).toBe(2)
      await enter(browser, email)
      expect(await toldOf(email)).toBe(2)
    })

    test('is also reported by email, after a sign-in with a provider too', async () => {
      const who = world.newcomer()
      const email = world.emailOf(who)
      const browser = world.openBrowser()
      const first = await browser.signIn('google', who)
      expect(cookiesOf(first.headers).vinculum_device).toMatch(/^[\w-]{43}$/)
      expect(cookiesOf((await browser.signIn('google', who)).headers)).not.toHaveProperty('vinculum_device')
      expect(await toldOf(email)).toBe(0)
      await world.openBrowser().signIn('google', who)
      expect(await toldOf(email)).toBe(1)
      const mails = ((await world.dump('mails')).mails ?? []).filter(({ to }) => to === email)
      expect(mails.map(({ template }) => template)).toEqual(['device.new'])
    })

    test('is recorded as such after months without a session', async () => {
      const email = await somebody()
      await signIn(email, password)
      await world.operator(
        `delete from sessions where account_id in (select id from accounts where email = '${email}')`,
      )
      expect((await signIn(email, password)).status).toBe(200)
      expect(await toldOf(email)).toBe(0)
      await world.operator(
        `delete from sessions where account_id in (select id from accounts where email = '${email}')`,
      )
      world.turn(31 * 86_400)
      await signIn(email, password)
      expect(await toldOf(email)).toBe(1)
    })
  })

  test.each([
    ['DELETE', '/me/sessions', 1],
    ['POST', '/auth/logout-all', 0],
  ] as const)('%s %s ends the trust in every device but the current one', async (method, path, left) => {
    const email = await somebody()
    const [mine, other] = [world.openBrowser(), world.openBrowser()]
    await enter(mine, email)
    await enter(other, email)
    const { accounts = [] } = await world.dump('accounts')
    const id = accounts.find((row) => row.email === email)?.id
    const of = async (table: 'trusted_devices' | 'sessions') =>
      ((await world.dump())[table] ?? []).filter((row) => row.account_id === id && (row.ended_at ?? null) === null)
    expect((await mine.json(method, path)).status).toBe(204)
    expect([(await of('trusted_devices')).length, (await of('sessions')).length]).toEqual([1, left])
    await guess(email, 20)
    expect((await enter(other, email)).status).toBe(429)
    expect((await enter(mine, email)).status).toBe(303)
  })

  test('signing out by an administrator ends the trust in every device', async () => {
    const email = await somebody()
    const mine = world.openBrowser()
    await enter(mine, email)
    const { accounts = [] } = await world.dump('accounts')
    const id = accounts.find((row) => row.email === email)?.id
    const { user, access_token: token } = await world.signIn('google', world.newcomer())
    await world.vinculum.makeAdministrator(user.id)
    expect((await world.call('DELETE', `/users/${id}/sessions`, { token })).status).toBe(204)
    const { trusted_devices: devices = [] } = await world.dump('trusted_devices')
    expect(devices.filter(({ account_id }) => account_id === id)).toEqual([])
  })

  test('a password change ends the trust in every device but the current one', async () => {
    const email = await somebody()
    const [mine, other] = [world.openBrowser(), world.openBrowser()]
    await enter(mine, email)
    await enter(other, email)
    const other_password = 'ten thousand lighthouses, unlit'
    const changed = await mine.json('PUT', '/me/password', {
      body: { current_password: password, new_password: other_password },
    })
    expect(changed.status).toBe(204)
    await guess(email, 20)
    expect((await enter(other, email, other_password)).status).toBe(429)
    expect((await enter(mine, email, other_password)).status).toBe(303)
    const { trusted_devices: devices = [] } = await world.dump('trusted_devices')
    const { accounts = [] } = await world.dump('accounts')
    const id = accounts.find((row) => row.email === email)?.id
    expect(devices.filter(({ account_id }) => account_id === id)).toHaveLength(1)
    expect(listIn(await mine.json('GET', '/me/sessions'))).toHaveLength(1)
  })
})
