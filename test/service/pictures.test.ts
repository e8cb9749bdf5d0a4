/** Logos and icons that administrators upload: checked, stored once, and shown by every node. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { administratorOf, discovered, follow, register, request } from '../support/applications.ts'
import { png, pngChunk } from '../support/png.ts'
import { aboveStore, type Browser, startWorld, type World } from '../support/service.ts'

const logo = png(16, 8)
const dark = png(8, 16)
const names = ['logo', 'logo-dark', 'favicon'] as const

describe.each(aboveStore('SQLite'))('pictures of the brand, with %s', (database) => {
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

  const get = async (path: string, base = world.base) => {
    const answer = await fetch(new URL(path, base), { headers: { accept: 'text/html' } })
    return { status: answer.status, headers: answer.headers, body: Buffer.from(await answer.arrayBuffer()) }
  }
  const page = async (base = world.base) => (await get('/login', base)).body.toString()
  const put = async (name: string, body: Buffer, type = 'image/png', headers: Record<string, string> = {}) => {
    const visit = await browser.ask(new URL(`/branding/${name}`, world.base), {
      method: 'PUT',
      body: new Uint8Array(body),
      headers: { origin: world.base, 'sec-fetch-site': 'same-origin', 'content-type': type, ...headers },
    })
    return { ...visit, json: JSON.parse(visit.text) as Record<string, unknown> }
  }
  const remove = (name: string) => browser.json('DELETE', `/branding/${name}`)
  const sendForm = async (path: string, fields: Record<string, string | Buffer>) => {
    const view = await browser.ask(new URL('/admin/branding', world.base), { headers: { accept: 'text/html' } })
    const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec(view.text) ?? []
    const body = new FormData()
    for (const [name, value] of Object.entries({ csrf, ...fields }))
      if (typeof value === 'string') body.set(name, value)
      else body.set(name, new Blob([new Uint8Array(value)]), 'logo.png')
    return browser.ask(new URL(path, world.base), { method: 'POST', body, headers: { accept: 'text/html' } })
  }

  test('a logo is on every page of this node at once, and of another at its next poll', async () => {
    const other = await world.another()
    const done = await put('logo', logo)
    expect(done.status, done.text).toBe(200)
    expect(done.json).toMatchObject({
      logo: expect.stringMatching(/^\/static\/logo\.[0-9a-f]{16}\.png$/),
      logo_dark: null,
      changed: ['logo'],
    })
    const path = String(done.json.logo)
    expect(await page()).toContain(`<img class="logo" src="${path}" alt/>`)
    // A page of this node can name a file that the other node does not know yet.
    const file = await get(path, other.base)
    expect([file.status, file.headers.get('content-type')]).toEqual([200, 'image/png'])
    expect(file.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect(file.headers.get('x-content-type-options')).toBe('nosniff')
    expect(file.headers.get('content-security-policy')).toMatch(/^default-src 'none'; .*sandbox/)
    expect(file.body).toEqual(logo)
    await other.vinculum.runJob('reload-branding')
    expect(await page(other.base)).toContain(path)
    // A node that starts later reads it from the database.
    const third = await world.another()
    expect(await page(third.base)).toContain(path)
    const removed = await remove('logo')
    expect([removed.status, removed.body.logo, removed.body.changed]).toEqual([200, null, []])
    expect(await page()).not.toContain('<img')
  })

  test('dark pages show the other logo, and browsers the icon', async () => {
    await put('logo', logo)
    const { json } = await put('logo-dark', dark)
    await put('favicon', png(32, 32))
    const text = await page()
    const source = `<source srcset="${json.logo_dark}" media="(prefers-color-scheme: dark)"/>`
    expect(text).toContain(`<picture>${source}<img class="logo" src="${json.logo}" alt/></picture>`)
    expect(text).toMatch(/<link rel="icon" href="\/static\/favicon\.[0-9a-f]{16}\.png" type="image\/png"\/>/)
    for (const name of names) await remove(name)
    expect(await page()).not.toMatch(/<picture|rel="icon"/)
  })

  test('concurrent changes of pictures and texts are all kept', async () => {
    await Promise.all([
      ...names.map((name) => put(name, png(4, 4))),
      browser.json('PATCH', '/branding', { body: { name: 'Acme' } }),
    ])
    const { body } = await browser.json('GET', '/branding')
    expect(body.changed).toEqual(['name', 'logo', 'logo_dark', 'favicon'])
    for (const name of names) await remove(name)
  })

  test('metadata is not served', async () => {
    const { json } = await put('logo', png(16, 8, { before: [pngChunk('tEXt', Buffer.from('secret'))] }))
    expect((await get(String(json.logo))).body).toEqual(logo)
    await remove('logo')
  })

  test.each<[string, Buffer, string, number, string]>([
    ['text', Buffer.from('hello'), 'image/png', 400, 'not_a_picture'],
    ['a page', Buffer.from('<html><svg></svg></html>'), 'image/svg+xml', 400, 'not_a_picture'],
    ['a damaged PNG', logo.subarray(0, 40), 'image/png', 400, 'damaged'],
    [
      'a PNG with another file after it',
      Buffer.concat([logo, Buffer.from('PK')]),
      'image/png',
      400,
      'followed_by_data',
    ],
    ['a huge PNG', png(4096, 4), 'image/png', 400, 'too_many_pixels'],
    ['nothing', Buffer.alloc(0), 'image/png', 400, 'required'],
    ['more than 100 KiB', Buffer.alloc(102_401), 'image/png', 413, ''],
    ['another type', logo, 'image/jpeg', 415, ''],
    ['no type of a picture', logo, 'application/octet-stream', 415, ''],
    ['JSON', Buffer.from('{"picture":"x"}'), 'application/json', 415, ''],
    ['a form', Buffer.from('picture=x'), 'application/x-www-form-urlencoded', 415, ''],
  ])('%s is refused, and nothing changes', async (_, body, type, status, reason) => {
    const refused = await put('logo', body, type)
    expect([refused.status, refused.text.includes(`"code":"${reason}"`)]).toEqual([status, reason !== ''])
    expect((await browser.json('GET', '/branding')).body).toMatchObject({ logo: null })
  })

  test('there are three pictures, and no others', async () => {
    expect((await put('banner', logo)).status).toBe(404)
    expect((await remove('banner')).status).toBe(404)
  })

  test('another site cannot upload one with the cookie of an administrator', async () => {
    for (const headers of [{ origin: 'https://evil.example', 'sec-fetch-site': 'cross-site' }, { origin: 'null' }]) {
      const refused = await put('logo', logo, 'image/png', { 'sec-fetch-site': '', ...headers })
      expect([refused.status, refused.json.code]).toEqual([403, 'csrf_failed'])
    }
    const form = await sendForm('/admin/branding/logo', { csrf: 'x'.repeat(43), picture: logo })
    expect(form.status).toBe(403)
    expect((await browser.json('GET', '/branding')).body).toMatchObject({ logo: null })
  })

  test('a person without the permission cannot, and the page does not exist for them', async () => {
    const person = world.openBrowser()
    await person.signIn('google', world.newcomer())
    const refused = await person.ask(new URL('/branding/logo', world.base), {
      method: 'PUT',
      body: new Uint8Array(logo),
      headers: { origin: world.base, 'sec-fetch-site': 'same-origin', 'content-type': 'image/png' },
    })
    expect(refused.status).toBe(403)
  })

  test('only routes for pictures read longer bodies', async () => {
    const long = { name: 'x'.repeat(70_000) }
    expect((await browser.json('PATCH', '/branding', { body: long })).status).toBe(413)
  })

  test('the page uploads and removes a picture without a script', async () => {
    const done = await sendForm('/admin/branding/logo', { picture: logo })
    expect([done.status, done.headers.get('location')], done.text).toEqual([303, '/admin/branding?done=picture_saved'])
    const view = await browser.ask(new URL('/admin/branding', world.base), { headers: { accept: 'text/html' } })
    expect(view.text).toMatch(/<img class="shown" src="\/static\/logo\.[0-9a-f]{16}\.png"/)
    const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec(view.text) ?? []
    const removed = await browser.ask(new URL('/admin/branding/logo/remove', world.base), {
      method: 'POST',
      body: new URLSearchParams({ csrf }),
      headers: { accept: 'text/html' },
    })
    expect(removed.headers.get('location')).toBe('/admin/branding?done=picture_removed')
    expect(await page()).not.toContain('<img')
  })

  test.each<[string, Record<string, string | Buffer>, RegExp]>([
    ['no file', {}, /This field is required/],
    ['an empty file', { picture: Buffer.alloc(0) }, /This field is required/],
    ['text', { picture: Buffer.from('hello') }, /neither PNG nor SVG/],
    ['a text in place of the file', { picture: 'hello' }, /type/],
    ['a file that is somewhat too long', { picture: Buffer.alloc(500_000) }, /larger than 100 KiB/],
    ['the photo of a camera', { picture: Buffer.alloc(5_000_000) }, /larger than 100 KiB/],
    ['a second file', { picture: logo, more: logo }, /malformed|cannot be read|could not be read/i],
    ['too many fields', { picture: logo, a: '1', b: '2', c: '3', d: '4', e: '5' }, /cannot be read|could not be read/i],
    ['an unknown field', { picture: logo, name: 'x' }, /no such field/],
  ])('the page says what is wrong with %s', async (_, fields, words) => {
    const refused = await sendForm('/admin/branding/favicon', fields)
    expect([400, 413]).toContain(refused.status)
    expect(refused.text).toMatch(words)
    expect(refused.text).toContain('action="/admin/branding/favicon"')
  })

  test('the logo of an application is where people allow it to see their data, and among their applications', async () => {
    const other = await world.another()
    const application = await register(world, await administratorOf(world), { first_party: false })
    const to = `/applications/${application.id}/logo`
    const missing = await put('../applications/app_none/logo', logo)
    expect([missing.status, missing.json.code]).toEqual([404, 'application_not_found'])
    const refused = await put(`..${to}`, Buffer.from('hello'))
    expect([refused.status, refused.json.code]).toEqual([400, 'invalid_request'])
    const done = await put(`..${to}`, logo)
    expect(done.status, done.text).toBe(200)
    const path = String(done.json.logo)
    expect(path).toMatch(/^\/static\/application-logo\.[0-9a-f]{16}\.png$/)
    const file = await get(path, other.base)
    expect([file.status, file.headers.get('content-type'), file.body]).toEqual([200, 'image/png', logo])
    expect(file.headers.get('cache-control')).toBe('public, max-age=31536000, immutable')
    expect((await get(path.replace('.png', '.svg'))).status).toBe(404)

    const person = world.openBrowser()
    await person.signIn('google', world.newcomer())
    const config = await discovered(world, application)
    const { url } = await request(config)
    const { page: consent } = await follow(world, person, url)
    expect(consent.text).toContain(`<img class="app-logo" src="${path}" alt/>`)
    const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec(consent.text) ?? []
    const allowed = await person.ask(consent.url, {
      method: 'POST',
      body: new URLSearchParams({ csrf, decision: 'allow' }),
      headers: { accept: 'text/html' },
    })
    expect(allowed.status).toBe(303)
    await follow(world, person, new URL(allowed.headers.get('location') ?? '', world.base))
    const html = { headers: { accept: 'text/html' } }
    expect((await person.ask(new URL('/account/permissions', world.base), html)).text).toContain(path)
    const admin = await browser.ask(new URL(`/admin/applications/${application.id}`, world.base), html)
    expect(admin.text).toContain(`<img class="shown" src="${path}"`)

    // A logo ends with its removal, and with its application.
    const removed = await browser.json('DELETE', to)
    expect([removed.status, removed.body.logo]).toEqual([200, null])
    expect((await get(path)).status).toBe(404)
    await put(`..${to}`, logo)
    expect((await browser.json('DELETE', `/applications/${application.id}`)).status).toBe(204)
    expect((await world.dump('pictures')).pictures).toEqual([])
  })

  test('the page of an application uploads its logo in a form', async () => {
    const application = await register(world, await administratorOf(world))
    const page = `/admin/applications/${application.id}`
    const done = await sendForm(`${page}/logo`, { picture: dark })
    expect([done.status, done.headers.get('location')], done.text).toEqual([303, `${page}?done=picture_saved`])
    const refused = await sendForm(`${page}/logo`, { picture: Buffer.from('hello') })
    expect([refused.status, /neither PNG nor SVG/.test(refused.text)]).toEqual([400, true])
    await browser.json('DELETE', `/applications/${application.id}`)
  })

  test('each change is in the audit log', async () => {
    await put('favicon', logo)
    await remove('favicon')
    const { body } = await browser.json('GET', '/audit?event=branding.updated')
    expect(JSON.stringify(body)).toContain('"fields":["favicon"]')
  })
})
