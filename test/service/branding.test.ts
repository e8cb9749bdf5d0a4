/** The brand that administrators set at run time: one for all nodes, on pages and in email. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { aboveStore, type Browser, startWorld, type World } from '../support/service.ts'

describe.each(aboveStore('SQLite'))('the brand of the service, with %s', (database) => {
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

  const get = async (path: string, base = world.base, language = 'en') => {
    const answer = await fetch(new URL(path, base), { headers: { accept: 'text/html', 'accept-language': language } })
    return { status: answer.status, headers: answer.headers, text: await answer.text() }
  }
  const send = async (fields: Record<string, string>) => {
    const page = await browser.ask(new URL('/admin/branding', world.base), { headers: { accept: 'text/html' } })
    const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec(page.text) ?? []
    return browser.ask(new URL('/admin/branding', world.base), {
      method: 'POST',
      body: new URLSearchParams({ csrf, ...fields }),
      headers: { accept: 'text/html' },
    })
  }
  const change = (fields: Record<string, string | null>) => browser.json('PATCH', '/branding', { body: fields })
  const stylesheetIn = (text: string) => /href="(\/static\/brand\.\w+\.css)"/.exec(text)?.[1] ?? 'none'

  test('a change is on every page of this node at once, and of another at its next poll', async () => {
    const other = await world.another()
    const done = await change({
      name: 'Acme',
      color: '#ffe600',
      form_text: 'Staff only.',
      support_email: 'a@acme.example',
    })
    expect(done.status, done.text).toBe(200)
    expect(done.body).toMatchObject({ name: 'Acme', changed: ['name', 'color', 'support_email', 'form_text'] })
    const here = (await get('/login')).text
    for (const words of ['Acme', 'Staff only.', 'mailto:a@acme.example']) expect(here).toContain(words)
    // The other node may get a request for a file of a brand that it does not know yet.
    const path = stylesheetIn(here)
    const file = await get(path, other.base)
    expect([file.status, file.headers.get('cache-control')]).toEqual([200, 'public, max-age=31536000, immutable'])
    await other.vinculum.runJob('reload-branding')
    expect((await get('/login', other.base)).text).toContain('Acme')
    // Readers of the other language get the only text there is, until there is one of their own.
    expect((await get('/login', world.base, 'pt-BR')).text).toContain('Staff only.')
    await change({ form_text_pt: 'Só para a equipe.' })
    expect((await get('/login', world.base, 'pt-BR')).text).toContain('Só para a equipe.')
    expect((await get('/static/brand.0000000000000000.css')).status).toBe(404)
  })

  test('null returns a field to the environment, and other fields stay', async () => {
    await change({ name: 'Acme', terms_url: 'https://acme.example/terms' })
    const reset = await change({ name: null })
    expect(reset.body).toMatchObject({ name: null, terms_url: 'https://acme.example/terms' })
    expect((await get('/login')).text).not.toContain('Acme</')
  })

  test('concurrent changes of different fields are all kept', async () => {
    const fields = { name: 'N', form_text: 'F', mail_sender: 'S', mail_header: 'H', mail_footer: 'O' }
    await Promise.all(Object.entries(fields).map(([name, value]) => change({ [name]: value })))
    expect((await browser.json('GET', '/branding')).body).toMatchObject(fields)
  })

  test.each([
    ['name', 'x'.repeat(41)],
    ['name', 'Acme\r\nBcc: a@b.example'],
    ['name', 'Acme \u202egnp'],
    ['color', 'red'],
    ['color', '#fff;}body{display:none'],
    ['support_email', 'a@b.example?subject=x&cc=c'],
    ['privacy_url', 'javascript:alert(1)'],
    ['terms_url', 'https://user:pass@acme.example/'],
    ['mail_sender', 'Acme\nBcc: a@b.example'],
    ['form_text', 'x'.repeat(501)],
    ['name', 'a\0b'],
  ])('%s cannot be %j, and nothing changes', async (field, value) => {
    const before = (await browser.json('GET', '/branding')).body
    const refused = await change({ [field]: value, mail_footer: 'changed' })
    expect([refused.status, refused.body.code]).toEqual([400, 'invalid_request'])
    expect(refused.body).toMatchObject({ errors: [{ path: field }] })
    expect((await browser.json('GET', '/branding')).body).toEqual(before)
  })

  test('text of the operator is text on the page, never markup', async () => {
    await change({ name: '<b>&', form_text: '<script>alert(1)</script>' })
    const { text } = await get('/login')
    expect(text).toContain('&lt;script>alert(1)')
    expect(text).not.toContain('<script>alert')
  })

  test('the page shows a preview without saving, says which color is used instead, and saves', async () => {
    await change({ name: 'Before', color: null })
    const preview = await send({ name: 'Preview', color: '#ffe600', preview: 'yes' })
    expect([preview.status, preview.text.includes('not saved yet')]).toEqual([200, true])
    expect(preview.text).toMatch(/too little contrast with light pages, so buttons and links there are #[0-9a-f]{6}/)
    expect(preview.text).toContain('value="Preview"')
    expect((await browser.json('GET', '/branding')).body).toMatchObject({ name: 'Before', color: null })
    const saved = await send({ name: 'After', color: '#1f4f82' })
    expect([saved.status, saved.headers.get('location')]).toEqual([303, '/admin/branding?done=branding_saved'])
    expect((await browser.json('GET', '/branding')).body).toMatchObject({ name: 'After', color: '#1f4f82' })
    for (const fields of [{ color: 'red', preview: 'yes' }, { color: 'red' }]) {
      const refused = await send(fields)
      expect([refused.status, refused.text.includes('id="color-error"')]).toEqual([400, true])
      expect(refused.text).toContain('value="red"')
    }
  })

  test('a change is in the audit log with the fields that changed, without their values', async () => {
    await change({ name: 'Audited', mail_sender: null })
    const { body } = await browser.json('GET', '/audit?event=branding.updated')
    const entries = JSON.stringify(body)
    expect(entries).toContain('"name","mail_sender"')
    expect(entries).not.toContain('Audited')
  })
})
