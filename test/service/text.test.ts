import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { apiRoutes } from '../../src/http/api/index.ts'
import { pageRoutes } from '../../src/http/pages/index.ts'
import type { Route } from '../../src/http/route.ts'
import { isThorough } from '../store/thorough.ts'
import { createAuthenticator } from '../support/authenticator.ts'
import { registered } from '../support/registered.ts'
import { samplesOf, withText } from '../support/samples.ts'
import { type Answer, type DatabaseName, databases, listIn, pkce, startWorld, type World } from '../support/service.ts'

/** What most faults need: PostgreSQL stores no NUL, and what remains of a trimmed text reaches the handler. */
const everywhere: Readonly<Record<DatabaseName, string>> = { SQLite: '\r\nX: y', PostgreSQL: 'a\u0000b' }
const others = ['\u0000', '\ud800', 'a\udc00b', '\u0007', 'a\u001b[2Jb', '\u0085', '\u202e']
const hostile = [...Object.values(everywhere), ...others]

describe.each(databases)('control characters and lone surrogates, on %s', (database) => {
  let places = 0
  /**
   * The texts for the next field: one always, and on PostgreSQL, which refuses more, one of the others by turns.
   * `npm run bench:store` sends all of them to each.
   */
  const textsHere = (): readonly string[] => {
    if (isThorough) return hostile
    const byTurns = others[places++ % others.length] ?? ''
    return [everywhere[database], ...(database === 'PostgreSQL' ? [byTurns] : [])]
  }
  let world: World
  let token: string
  let cookie: string
  let csrf: string
  let people = 0
  let ids: Readonly<Record<string, string>>
  beforeAll(async () => {
    world = await startWorld({ database })
    await renew()
    const other = await registered(world, `other-${database}@example.com`.toLowerCase(), { verified: true })
    const make = async (path: string, body: object): Promise<string> => {
      const made = await world.call('POST', path, { token, body })
      expect(made.status, made.text).toBeLessThan(300)
      return String(made.body.id ?? (made.body as { credential?: { id: string } }).credential?.id)
    }
    const [session] = listIn(await world.call('GET', '/me/sessions', { token }))
    ids = {
      '/teams': await make('/teams', { name: 'Team' }),
      '/account/teams': '',
      '/users': other.id,
      '/admin/users': other.id,
      '/me/sessions': String(session?.id),
      '/account/sessions': String(session?.id),
      '/me/passkeys': await addPasskey(),
    }
    ids = { ...ids, '/account/teams': ids['/teams'] ?? '', '/account/passkeys': ids['/me/passkeys'] ?? '' }
  })
  afterAll(() => world.stop())

  /** Another administrator who just signed in, with a password and a browser session. */
  async function renew(): Promise<void> {
    people += 1
    const me = await registered(world, `me-${people}-${database}@example.com`.toLowerCase(), { verified: true })
    await world.vinculum.makeAdministrator(me.id)
    token = me.token
    cookie = me.cookie
    const page = await world.call('GET', '/account', { headers: { cookie, accept: 'text/html' } })
    csrf = /name="csrf" value="([^"]+)"/.exec(page.text)?.[1] ?? ''
    expect(csrf).not.toBe('')
  }
  async function addPasskey(transports: readonly string[] = ['internal'], name = 'Key'): Promise<string> {
    const { body } = await world.call('POST', '/me/passkeys/options', { token, body: {} })
    const made = createAuthenticator(world.base).create(body.options as Record<string, unknown>)
    const response = { ...made, response: { ...made.response, transports } }
    const added = await world.call('POST', '/me/passkeys', {
      token,
      body: { flow_token: body.flow_token, name, response },
    })
    expect([added.status, transports], added.text).toEqual([201, transports])
    return String(added.body.id)
  }

  const addressOf = (path: string): string => {
    const [, before = ''] = /^(.*?)\/:id/.exec(path) ?? []
    return path
      .replace(':provider', 'google')
      .replace(':id', ids[before] || 'x')
      .replace(/:\w+/g, 'x')
  }
  function send(
    { method, surface, form }: Route,
    to: string,
    body: Readonly<Record<string, unknown>>,
  ): Promise<Answer> {
    const asked = method.toUpperCase()
    if (surface === 'api' && form !== true) return world.call(asked, to, { token, body })
    const fields = Object.fromEntries(
      Object.entries(body).map(([name, value]) => [name, Array.isArray(value) ? String(value[0]) : String(value)]),
    )
    const headers = { cookie, origin: world.base, 'sec-fetch-site': 'same-origin' }
    return surface === 'api'
      ? world.call(asked, to, { form: fields })
      : world.call(asked, to, { headers, form: { ...fields, csrf } })
  }
  /** Replaced by one that is free in each request. */
  const aFreeEmail = 'new@example.com'
  const known = {
    email: aFreeEmail,
    username: 'nobody@example.com',
    password: 'correct horse battery',
    current_password: 'correct horse battery',
    new_password: 'another long passphrase',
    return_to: '/account',
    code_challenge: pkce().challenge,
    code_challenge_method: 'S256',
    provider: 'google',
    totp: '123456',
    picture: 'https://example.com/ada.png',
  }

  test('in any text field of a body are rejected or removed, and never cause a server error', {
    timeout: 300_000,
  }, async () => {
    const reached = new Set<string>()
    for (const route of [...apiRoutes, ...pageRoutes]) {
      if (!route.body) continue
      const to = addressOf(route.path)
      const accepted = JSON.stringify(samplesOf(route.body, known).map(({ value }) => value))
      for (const { texts } of samplesOf(route.body))
        for (const path of texts) {
          for (const text of textsHere()) {
            const samples = JSON.parse(accepted.replaceAll(aFreeEmail, `new-${++people}@example.com`)) as unknown[]
            const sample = samples.find((value) => holds(value, path))
            if (sample === undefined) continue
            const body = withText(sample, path, text) as Readonly<Record<string, unknown>>
            const answer = await send(route, to, body)
            const what = [route.method, route.path, path.join('.'), text]
            expect([...what, answer.status < 500], answer.text).toEqual([...what, true])
            if (answer.status < 400) reached.add(`${route.method} ${route.path} ${path.join('.')}`)
          }
        }
      if ((await world.call('GET', '/me', { token })).status !== 200) await renew()
    }
    // A value that is trimmed or not stored is accepted; this shows that the request reached the handler.
    expect(reached.size).toBeGreaterThan(10)
    // Of the texts that PostgreSQL gets, most are refused.
    if (database === 'PostgreSQL' && !isThorough) return
    for (const field of [
      'patch /me name',
      'post /teams name',
      'patch /teams/:id name',
      'patch /me/sessions/:id name',
      'patch /me/passkeys/:id name',
      'put /users/:id name',
      'post /service-credentials name',
      'post /auth/register name',
      'post /account/profile name',
      'post /account/teams/:id/name name',
    ])
      expect(reached).toContain(field)
  })
  /** Whether the sample has a value at this path: samples of other alternatives stay unchanged. */
  const holds = (value: unknown, path: readonly (string | number)[]): boolean =>
    path.reduce<unknown>((at, key) => (at as Record<string | number, unknown> | undefined)?.[key], value) !== undefined

  test('in any query are rejected or ignored, and never cause a server error', { timeout: 300_000 }, async () => {
    for (const route of [...apiRoutes, ...pageRoutes]) {
      if (!route.query || route.method !== 'get') continue
      for (const { texts } of samplesOf(route.query))
        for (const [name] of texts)
          for (const text of textsHere()) {
            const to = `${addressOf(route.path)}?${name}=${encodeURIComponent(text.toWellFormed())}`
            const answer = await world.call('GET', to, route.surface === 'api' ? { token } : { headers: { cookie } })
            expect([route.path, name, text, answer.status < 500], answer.text).toEqual([route.path, name, text, true])
          }
    }
  })

  test('among the transports of a passkey are dropped', async () => {
    await renew()
    const id = await addPasskey([...hostile, 'internal', 'x'.repeat(5000)], 'Hints')
    const row = (await world.dump('passkeys')).passkeys?.find((one) => one.id === id)
    expect(typeof row?.transports === 'string' ? JSON.parse(row.transports) : row?.transports).toEqual(['internal'])
  })

  test('are in no row of the database', async () => {
    for (const [table, rows] of Object.entries(await world.dump()))
      for (const row of rows)
        for (const [column, value] of Object.entries(row))
          expect([table, column, value]).toEqual([
            table,
            column,
            expect.not.stringMatching(/[\p{Cc}\p{Cs}\u202e]|\\u0000|\\ud[89a-f]/u),
          ])
  })
})
