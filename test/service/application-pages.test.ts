/** The administrators' pages about applications, as a browser without scripts uses them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { discovered, enter } from '../support/applications.ts'
import { aboveStore, type Browser, startWorld, type World } from '../support/service.ts'

describe.each(aboveStore('SQLite'))('the pages about applications, with %s', (database) => {
  let world: World
  let browser: Browser
  beforeAll(async () => {
    world = await startWorld({ database, kinds: ['google'] })
    const who = world.newcomer()
    const { user } = await world.signIn('google', who)
    await world.vinculum.makeAdministrator(user.id)
    browser = world.openBrowser()
    await browser.signIn('google', who)
  })
  afterAll(() => world.stop())

  const at = (path: string) => browser.ask(new URL(path, world.base), { headers: { accept: 'text/html' } })
  const read = async (path: string, language = 'en') =>
    (await browser.ask(new URL(path, world.base), { headers: { accept: 'text/html', 'accept-language': language } }))
      .text
  /** Sends a form of a page, and follows its redirect. */
  const send = async (page: string, action: string, fields: Record<string, string | readonly string[]> = {}) => {
    const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec(await read(page)) ?? []
    const body = new URLSearchParams({ csrf })
    for (const [name, value] of Object.entries(fields)) for (const one of [value].flat()) body.append(name, one)
    const answer = await browser.ask(new URL(action, world.base), {
      method: 'POST',
      body,
      headers: { accept: 'text/html' },
    })
    const to = answer.headers.get('location')
    return to === null ? answer : at(to)
  }
  const idIn = (text: string): string => /<code(?: id="once-0")?>(app_\w+)<\/code>/.exec(text)?.[1] ?? ''
  const uris = 'http://localhost:5173/\r\n\r\n  https://shop.example.org/callback \r\n'
  const add = (kind: string, fields: Record<string, string | readonly string[]> = {}) =>
    send(`/admin/new-application/${kind}`, '/admin/applications', {
      kind,
      name: 'Shop',
      redirect_uris: uris,
      scopes: ['email'],
      ...fields,
    })

  test('offer each kind, and ask only for what it needs', async () => {
    const choose = await read('/admin/new-application')
    for (const kind of ['browser', 'server', 'native']) {
      expect(choose).toContain(`/admin/new-application/${kind}`)
      const form = await read(`/admin/new-application/${kind}`)
      expect([kind, form.includes('name="cors_origins"'), form.includes('name="client_auth"')]).toEqual([
        kind,
        kind === 'browser',
        kind === 'server',
      ])
    }
    expect((await at('/admin/new-application/toaster')).status).toBe(404)
    expect(await read('/admin/new-application', 'pt-BR')).toContain('Aplicativo no navegador')
  })

  test('add a browser application with the origins of its redirect URIs', async () => {
    const page = await add('browser')
    expect(page.url.pathname).toMatch(/^\/admin\/applications\/app_/)
    expect(page.text).toContain('The application was added.')
    const id = idIn(page.text)
    const { body } = await browser.json('GET', `/applications/${id}`)
    expect(body).toMatchObject({
      name: 'Shop',
      kind: 'browser',
      first_party: false,
      redirect_uris: ['http://localhost:5173/', 'https://shop.example.org/callback'],
      cors_origins: ['http://localhost:5173', 'https://shop.example.org'],
      scopes: ['openid', 'email'],
      access_token_seconds: null,
    })
    expect(await read('/admin/applications')).toContain(`/admin/applications/${id}`)
  })

  test('show a secret once, rotate it with an overlap, and end the overlap', async () => {
    const shown = await add('server', { first_party: 'yes' })
    const id = idIn(shown.text)
    const secretIn = (text: string) => /<code id="once-1">([\w-]{43})<\/code>/.exec(text)?.[1]
    const secret = secretIn(shown.text)
    expect(secret).toBeDefined()
    const page = `/admin/applications/${id}`
    expect(await read(page)).not.toContain(secret)
    expect(await read(page)).toContain('mod_auth_openidc')
    const rotated = await send(page, `${page}/secret`, { overlap_seconds: '3600' })
    expect([secretIn(rotated.text) === secret, secretIn(rotated.text)]).toEqual([false, expect.any(String)])
    expect(await read(page)).toContain('The previous secret is valid until')
    const ended = await send(page, `${page}/previous-secret`)
    expect(ended.text).toContain('Only the current one is valid.')
    expect(ended.text).not.toContain('The previous secret is valid until')
  })

  test('change an application, and keep what was typed if it is refused', async () => {
    const id = idIn((await add('browser')).text)
    const page = `/admin/applications/${id}`
    const fields = {
      name: 'Market',
      redirect_uris: uris,
      scopes: ['email', 'teams'],
      resources: 'https://api.example.org/',
      api_scopes: 'orders:read',
      cors_origins: '',
      access_token_seconds: '300',
      backchannel_logout_uri: '',
    }
    const saved = await send(`${page}/edit`, `${page}/edit`, fields)
    expect(saved.text).toContain('The change was saved.')
    const { body } = await browser.json('GET', `/applications/${id}`)
    expect(body).toMatchObject({
      name: 'Market',
      scopes: ['openid', 'email', 'teams', 'orders:read'],
      resources: ['https://api.example.org/'],
      cors_origins: [],
      access_token_seconds: 300,
      backchannel_logout_uri: null,
    })

    const hostile = [
      [{ redirect_uris: `${uris}javascript:alert(1)` }, 'redirect_uris', 'Line 3: '],
      [{ redirect_uris: 'https://*.example.org/' }, 'redirect_uris', 'Wildcards'],
      [{ redirect_uris: '' }, 'redirect_uris', 'required'],
      [{ cors_origins: 'https://shop.example.org/x' }, 'cors_origins', 'only scheme, host and port'],
      [{ api_scopes: 'orders:read\na b' }, 'api_scopes', 'Line 2: '],
      [{ access_token_seconds: 'soon' }, 'access_token_seconds', 'right format'],
      [{ access_token_seconds: '5' }, 'access_token_seconds', 'at least 60'],
      [{ logo_uri: 'javascript:alert(1)' }, 'logo_uri', 'scheme'],
      [{ name: '' }, 'name', 'required'],
    ] as const
    for (const [change, field, words] of hostile) {
      const refused = await send(`${page}/edit`, `${page}/edit`, { ...fields, name: 'Bazaar', ...change })
      expect([field, refused.status]).toEqual([field, 400])
      const [, error = ''] = new RegExp(`id="${field}-error">([^<]*)<`).exec(refused.text) ?? []
      expect(error, field).toContain(words)
      if (!('name' in change)) expect(refused.text).toContain('value="Bazaar"')
      expect(refused.text).toContain('api.example.org')
    }
    expect((await browser.json('GET', `/applications/${id}`)).body.name).toBe('Market')
  })

  test('say how many people are signed in before it is disabled or deleted, and who they are', async () => {
    const shown = await add('server', { first_party: 'yes' })
    const shop = { id: idIn(shown.text), secret: /<code id="once-1">([\w-]{43})<\/code>/.exec(shown.text)?.[1] ?? '' }
    const page = `/admin/applications/${shop.id}`
    expect(await read(page)).toContain('Nobody is signed in to it now.')
    const config = await discovered(world, shop)
    const person = world.openBrowser()
    await person.signIn('google', world.newcomer({ name: 'Pat Doe' }))
    await enter(world, person, config, {
      scope: 'openid email',
      redirectUri: 'https://shop.example.org/callback',
    })
    expect(await read(page)).toContain('One person is signed in to it now.')
    const people = await read(`${page}/users`)
    expect(people).toContain('Pat Doe')
    expect(people).toContain('Signed in')

    const disabled = await send(page, `${page}/disable`)
    expect(disabled.text).toContain('Nobody can sign in to the application now.')
    expect(await read('/admin/applications')).toContain('<span class="badge bad">Disabled</span>')
    expect((await send(page, `${page}/enable`)).text).toContain('People can sign in to the application again.')
    const removed = await send(page, `${page}/delete`)
    expect([removed.url.pathname, removed.text.includes('The application was deleted.')]).toEqual([
      '/admin/applications',
      true,
    ])
    expect((await at(page)).status).toBe(404)
  })

  test.each([
    [
      'application',
      '/admin/new-application/native',
      '/admin/applications',
      { kind: 'native', redirect_uris: uris, name: 'Kept', access_token_seconds: '1e9' },
      ['value="Kept"'],
    ],
    [
      'provider',
      '/admin/new-provider/oidc',
      '/admin/providers',
      { kind: 'oidc', id: 'staff', 'settings.NAME': 'Kept', secret_expires_at: '12027-05-31' },
      ['value="Kept"', 'value="staff"', 'value="12027-05-31"'],
    ],
  ])(
    'show a new %s again with what was typed if a field is invalid in itself',
    async (_, page, action, fields, kept) => {
      const refused = await send(page, action, fields)
      expect([refused.status, refused.url.pathname]).toEqual([400, action])
      // Nothing was ticked, so nothing is: a first-party application would need no consent.
      expect(refused.text).not.toMatch(/<input type="checkbox"[^>]* checked/)
      for (const text of [`action="${action}"`, `name="kind" value="${fields.kind}"`, 'aria-invalid="true"', ...kept])
        expect(refused.text.includes(text), text).toBe(true)
      const unknown = await send(page, action, { ...fields, kind: 'toaster' })
      expect([unknown.status, unknown.text.includes('aria-invalid')]).toEqual([400, false])
    },
  )

  test('are for administrators', async () => {
    const stranger = world.openBrowser()
    await stranger.signIn('google', world.newcomer())
    for (const path of ['/admin/applications', '/admin/new-application', '/admin/new-application/browser'])
      expect((await stranger.ask(new URL(path, world.base))).status, path).toBe(404)
  })
})
