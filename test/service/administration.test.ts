import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pageRoutes } from '../../src/http/pages/index.ts'
import { register } from '../support/applications.ts'
import { registered } from '../support/registered.ts'
import { databases, listIn, startWorld, type World } from '../support/service.ts'

/** Forms of pages with something else, which change nothing for anyone else by themselves. */
const harmless: Readonly<Record<string, string>> = {
  '/admin/providers': 'the form of a new provider: it is a draft',
  '/admin/providers/:id/check': 'it only reads',
  '/admin/providers/:id/try': 'it creates and changes nothing',
  '/admin/providers/:id/versions/:version/restore': 'it makes a draft',
  '/admin/applications': 'the form of a new application',
  '/admin/users/:id/metadata': 'a text that is edited, with a button that saves it',
  '/admin/branding/:picture': 'it uploads a picture, which can be replaced',
  '/admin/applications/:id/logo': 'it uploads a picture, which can be replaced',
  '/admin/registration-tokens': 'the form of a new token',
  '/admin/service-credentials': 'the form of a new credential',
}
/** Their question needs what this world does not have: each has a test in the file that is named. */
const askedElsewhere: Readonly<Record<string, string>> = {
  '/admin/providers/:id/publish': 'pages/providers.browser.test.ts',
  '/admin/users/:id/second-factor': 'pages/admin.test.ts',
  '/admin/branding/:picture/remove': 'pages/branding.browser.test.ts',
  '/admin/applications/:id/logo/remove': 'service/pictures.test.ts',
}
/** The page is about one thing, and the question says what happens to the programs or devices that use it. */
const unnamed: ReadonlySet<string> = new Set([
  '/admin/applications/:id/secret',
  '/admin/applications/:id/previous-secret',
  '/admin/applications/:id/disable',
  '/admin/applications/:id/delete',
])

describe.each(databases)('the administration, on %s', (database) => {
  let world: World
  let boss: Awaited<ReturnType<typeof administrator>>
  let eve: { readonly id: string; readonly who: string; readonly token: string }
  beforeAll(async () => {
    world = await startWorld({ database, kinds: ['google', 'github'] })
    boss = await administrator()
    const who = world.newcomer({ name: 'Eve <b>Adams</b>' })
    const { user, access_token: token } = await world.signIn('google', who)
    eve = { id: user.id, who, token }
  })
  afterAll(() => world?.stop())

  /** An administrator, with an access token and a browser. */
  async function administrator() {
    const who = world.newcomer({ name: 'Bo Ss' })
    const { user, access_token: token } = await world.signIn('google', who)
    expect(await world.vinculum.makeAdministrator(user.id)).toBe('made')
    const browser = world.openBrowser()
    await browser.signIn('google', who)
    return { id: user.id, who, token, browser, page: (path: string) => browser.ask(new URL(path, world.base)) }
  }

  test('each page has the same navigation, which marks where one is', async () => {
    const shop = await register(world, async () => boss.token)
    const parameters: Readonly<Record<string, string>> = {
      '/admin/users/:id': eve.id,
      '/admin/providers/:id': 'google',
      '/admin/new-provider/:kind': 'oidc',
      '/admin/applications/:id': shop.id,
      '/admin/new-application/:kind': 'browser',
    }
    const idFor = (path: string): string =>
      Object.entries(parameters).find(([prefix]) => path.startsWith(prefix))?.[1] ?? ''
    const paths = pageRoutes.filter(({ method, path }) => method === 'get' && /^\/admin(\/|$)/.test(path))
    expect(paths.length).toBeGreaterThan(8)
    const navigations = new Map<string, string>()
    for (const { path } of paths) {
      const at = path.replace(/:\w+/, idFor(path))
      const { status, text } = await boss.page(at)
      // The pages that change a provider do not exist for one from the environment.
      if (status === 409 && path.startsWith('/admin/providers/:id/')) continue
      expect([path, status]).toEqual([path, 200])
      const [, nav = ''] = /<nav class="side" aria-label="Administration">(.*?)<\/nav>/.exec(text) ?? []
      expect([path, nav.match(/aria-current/g)?.length]).toEqual([path, 1])
      navigations.set(path, nav.replace(/ aria-current="\w+"/, ''))
    }
    expect(new Set(navigations.values()).size).toBe(1)
    expect([...navigations.values()][0]?.match(/href="[^"]+"/g)?.length).toBeGreaterThanOrEqual(6)
  })

  test('the audit log is in words, with names in place of IDs, and raw rows only behind details', async () => {
    await world.call('PUT', `/users/${eve.id}`, { token: boss.token, body: { role: 'auditor' } })
    await world.call('PUT', `/users/${eve.id}`, { token: boss.token, body: { role: 'user' } })
    await world.call('GET', '/audit', { token: eve.token })
    const { text } = await boss.page('/admin/audit')
    const shown = text.replace(/<details[^>]*>.*?<\/details>/gs, '')
    // `toContain` would print the whole page.
    const has = (part: string): boolean => shown.includes(part)
    expect(has('Role changed to Auditor')).toBe(true)
    expect(has(`<a href="/admin/users/${eve.id}">Eve &lt;b>Adams&lt;/b></a>`)).toBe(true)
    expect(has('by Bo Ss')).toBe(true)
    expect(/A request was refused: .*?Refused/s.test(shown)).toBe(true)
    // An ID is in links only, and no name of an event is visible.
    expect(shown.replaceAll(/(?:href|value|action)="[^"]*"/g, '')).not.toMatch(/usr_|aud_|req_|account\.role_changed/)
    expect(/<code>account\.role_changed<\/code>/.test(text)).toBe(true)
    expect(/(?:"|&quot;)role(?:"|&quot;):(?:"|&quot;)auditor/.test(text)).toBe(true)
  })

  test('each filter of the audit log leaves only its entries, on the page and in the API', async () => {
    const stranger = world.newcomer({ name: 'Stranger' })
    await world.signIn('google', stranger)
    const [row] = (await world.trail()).filter(({ account_id, ip }) => account_id === eve.id && ip !== null)
    const today = world.clock().toISOString().slice(0, 10)
    const tomorrow = new Date(world.clock().getTime() + 86_400_000).toISOString().slice(0, 10)
    const events = async (query: string): Promise<readonly (readonly [string, unknown])[]> => {
      const { status, body } = await world.call('GET', `/audit?limit=100&${query}`, { token: boss.token })
      expect([query, status]).toEqual([query, 200])
      return (body.items as { event: string; account: unknown }[]).map(({ event, account }) => [event, account])
    }
    for (const person of [eve.id, world.emailOf(eve.who), 'Eve <b>'])
      expect(new Set((await events(`account=${encodeURIComponent(person)}`)).map(([, account]) => account))).toEqual(
        new Set([eve.id]),
      )
    expect(await events('account=nobody%20of%20this%20name')).toEqual([])
    const beginnings = async (query: string) =>
      [...new Set((await events(query)).map(([event]) => event.split('.')[0]))].sort()
    expect(await beginnings('event=sign_ins')).toEqual(expect.arrayContaining(['authentication']))
    expect(
      (await beginnings('event=sign_ins')).every((one) => /^(authentication|device|session)$/.test(`${one}`)),
    ).toBe(true)
    expect(await beginnings(`event=accounts&account=${eve.id}`)).toEqual(['account'])
    expect(new Set((await events('outcome=refused')).map(([event]) => event))).toEqual(new Set(['access.refused']))
    expect((await events('outcome=done')).some(([event]) => event === 'access.refused')).toBe(false)
    expect((await events(`ip=${row?.ip}`)).length).toBeGreaterThan(3)
    expect(await events('ip=192.0.2.99')).toEqual([])
    expect((await events(`from=${today}T00:00:00Z&until=${tomorrow}T00:00:00Z`)).length).toBeGreaterThan(5)
    expect(await events(`until=${today}T00:00:00Z`)).toEqual([])
    for (const wrong of ['outcome=maybe', 'ip=1', 'from=today', 'event=%00'])
      expect([wrong, (await world.call('GET', `/audit?${wrong}`, { token: boss.token })).status]).toEqual([wrong, 400])

    const entries = async (query: string, status = 200): Promise<number> => {
      const answer = await boss.page(`/admin/audit?${query}`)
      expect([query, answer.status]).toEqual([query, status])
      return answer.text.match(/<summary>Details<\/summary>/g)?.length ?? 0
    }
    expect(await entries(`account=&event=&outcome=&from=${today}&until=${today}&ip=&request_id=`)).toBeGreaterThan(5)
    expect(await entries(`from=${tomorrow}`)).toBe(0)
    expect(await entries(`account=${encodeURIComponent(world.emailOf(eve.who))}&event=accounts`)).toBeGreaterThan(1)
    expect(await entries('event=accounts&outcome=refused')).toBe(0)
    expect(await entries('ip=192.0.2.99')).toBe(0)
    for (const wrong of ['ip=1', 'from=yesterday', 'until=2027-02-30', 'request_id=1']) await entries(wrong, 400)
  })

  test('the audit log names applications, service credentials and teams; one that was deleted has its ID', async () => {
    const make = async (path: string, body: object) =>
      String((await world.call('POST', path, { token: boss.token, body })).body.id)
    const scopes = ['introspect']
    const [kept, revoked] = [
      await make('/service-credentials', { name: 'Kept & <used>', scopes }),
      await make('/service-credentials', { name: 'Revoked', scopes }),
    ]
    const team = await make('/teams', { name: 'Night shift' })
    const gone = await make('/teams', { name: 'Gone' })
    const shop = await register(world, async () => boss.token, { name: 'Corner shop' })
    await world.call('DELETE', `/service-credentials/${revoked}`, { token: boss.token })
    await world.call('DELETE', `/teams/${gone}`, { token: boss.token })
    const smallPrint = async (query: string) =>
      [...(await boss.page(`/admin/audit?${query}`)).text.matchAll(/<span class="fine long">([^<]*)<\/span>/g)].map(
        ([, text]) => text,
      )
    expect(await smallPrint('event=service_credential.created')).toEqual(
      expect.arrayContaining(['Service credential: Kept &amp; &lt;used>', 'Service credential: Revoked']),
    )
    expect(await smallPrint('event=team.created')).toEqual(
      expect.arrayContaining(['Team: Night shift', `Team: ${gone}`]),
    )
    expect(await smallPrint('event=application.created')).toContain('Application: Corner shop')
    // IDs are behind "Details".
    const { text } = await boss.page('/admin/audit?event=team.created')
    expect(text).toContain(`&quot;team&quot;:&quot;${team}&quot;`)
    for (const id of [kept, shop.id]) expect(text.replaceAll(/<details.*?<\/details>/gs, '')).not.toContain(id)
    await world.call('DELETE', `/service-credentials/${kept}`, { token: boss.token })
    await world.call('DELETE', `/teams/${team}`, { token: boss.token })
    await world.call('DELETE', `/applications/${shop.id}`, { token: boss.token })
  })

  test('the audit log is exported as JSON Lines and CSV, with the same filters, as an audited act', async () => {
    // A name that a spreadsheet would calculate arrives in the data of an entry only as JSON; the user agent does not.
    const agent = '=HYPERLINK("https://evil.example")'
    await world.call('GET', '/audit', { token: eve.token, headers: { 'user-agent': agent } })
    const file = async (query: string, token = boss.token) => world.call('GET', `/audit/export?${query}`, { token })
    const lines = await file(`account=${eve.id}`)
    expect([lines.status, lines.headers.get('content-type'), lines.headers.get('content-disposition')]).toEqual([
      200,
      'application/jsonl',
      'attachment; filename="vinculum-audit.jsonl"',
    ])
    const rows = lines.text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { account: string })
    const { body } = await world.call('GET', `/audit?limit=100&account=${eve.id}`, { token: boss.token })
    expect(rows).toEqual(body.items)

    const csv = await file(`format=csv&account=${eve.id}&outcome=refused`)
    expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8')
    const [head, ...records] = csv.text.trimEnd().split('\r\n')
    expect(head).toBe('"at","event","account","ip","user_agent","request_id","id","data"')
    expect(records).toHaveLength(2)
    expect(records[0]).toContain(`"'=HYPERLINK(""https://evil.example"")"`)

    const written = (await world.trail()).filter(({ event }) => event === 'audit.exported')
    expect(written.map(({ account_id }) => account_id)).toEqual([boss.id, boss.id])
    expect((await file('', eve.token)).status).toBe(403)
    expect((await file('format=xlsx')).status).toBe(400)
    const page = await boss.page(`/admin/audit?account=${eve.id}&event=accounts`)
    const [, link = ''] = /href="(\/audit\/export\?[^"]*format=csv)"/.exec(page.text) ?? []
    const download = await boss.page(link.replaceAll('&amp;', '&'))
    expect([download.status, download.text.split('\r\n')[0]]).toEqual([200, head])
  })

  test('each act that changes what others can do asks first, and says what will happen to whom', async () => {
    const make = async (path: string, body: object) => {
      const made = await world.call('POST', path, { token: boss.token, body })
      expect(made.status, made.text).toBeLessThan(300)
      return made.body
    }
    const { id: billing } = await make('/service-credentials', { name: 'Billing', scopes: ['introspect'] })
    await make('/registration-tokens', { name: 'Pipeline' })
    const server = { name: 'Shop', kind: 'server', redirect_uris: ['https://shop.example.org/'], scopes: ['openid'] }
    const { id: shop } = await make('/applications', server)
    await make(`/applications/${shop}/secret`, { overlap_seconds: 3600 })
    const { id: closed } = await make('/applications', { ...server, name: 'Closed shop' })
    await make(`/applications/${closed}/disable`, {})
    await make('/providers', { id: 'discord', kind: 'discord', settings: { CLIENT_ID: 'i', CLIENT_SECRET: 's' } })
    await make('/providers/discord/enable', { force: true })
    await make('/providers/discord/disable', {})
    const { id: invited } = await make('/users', { email: `invited-${database}@example.com` })
    const blocked = await registered(world, `blocked-${database}@example.com`)
    await make(`/users/${blocked.id}/disable`, {})

    const patternOf = (action: string): string =>
      pageRoutes.find(
        ({ method, path }) => method === 'post' && new RegExp(`^${path.replaceAll(/:\w+/g, '[^/]+')}$`).test(action),
      )?.path ?? action
    const asking = new Set<string>()
    for (const [page, about] of [
      [`/admin/users/${eve.id}`, 'Eve &lt;b>Adams&lt;/b>'],
      [`/admin/users/${blocked.id}`, `blocked-${database}@example.com`],
      [`/admin/users/${invited}`, `invited-${database}@example.com`],
      ['/admin/service-credentials', 'Billing'],
      ['/admin/registration-tokens', 'Pipeline'],
      [`/admin/applications/${shop}`, 'Shop'],
      [`/admin/applications/${closed}`, 'Closed shop'],
      ['/admin/providers/discord', 'Discord'],
    ] as const) {
      const { status, text } = await boss.page(page)
      expect([page, status]).toEqual([page, 200])
      const [, main = ''] = /<main(.*)<\/main>/s.exec(text) ?? []
      for (const { 1: action = '', index } of main.matchAll(/<form method="post" action="([^"]+)"/g)) {
        const pattern = patternOf(action)
        if (pattern in harmless) continue
        const question =
          /<details class="ask"><summary>[^<]+…(?:<span class="unseen">[^<]*<\/span>)?<\/summary><div><p>([^<]{20,})<\/p>$/
        const [, what] = question.exec(main.slice(0, index)) ?? []
        expect([page, pattern, what]).toEqual([page, pattern, expect.any(String)])
        const named = what?.includes(about) || what?.includes(world.emailOf(eve.who))
        if (!unnamed.has(pattern)) expect([pattern, what, named]).toEqual([pattern, what, true])
        asking.add(pattern)
      }
    }
    expect(asking).toContain(patternOf(`/admin/service-credentials/${billing}/rotate`))
    // A page of its own says it, with the same path: or it is a form, with a button that saves it.
    const own = pageRoutes.flatMap(({ method, path }) => (method === 'get' ? [path] : []))
    const acts = pageRoutes.flatMap(({ method, path }) =>
      method === 'post' && path.startsWith('/admin/') && !own.includes(path) && !(path in harmless) ? [path] : [],
    )
    expect([...asking, ...Object.keys(askedElsewhere)].sort()).toEqual(acts.sort())
    expect((await world.call('DELETE', `/users/${blocked.id}`, { token: boss.token })).status).toBe(204)
  })

  test('an administrator ends one device of a person, which is recorded with who did it', async () => {
    const other = await world.signIn('google', eve.who)
    const sessions = async () => listIn(await world.call('GET', `/users/${eve.id}/sessions`, { token: boss.token }))
    const before = (await sessions()).map(({ id }) => String(id))
    const { status, text } = await boss.page(`/admin/users/${eve.id}`)
    const ends = [...text.matchAll(/action="(\/admin\/users\/[^"]+\/sessions\/(\w+)\/end)"/g)]
    expect([status, ends.map(([, , id]) => id).sort()]).toEqual([200, [...before].sort()])

    const [, csrf = ''] = /name="csrf" value="([^"]+)"/.exec(text) ?? []
    const ended = before.find((id) => id !== before[0]) ?? ''
    const answer = await boss.browser.ask(new URL(`/admin/users/${eve.id}/sessions/${ended}/end`, world.base), {
      method: 'POST',
      body: new URLSearchParams({ csrf }),
      headers: { origin: world.base, 'sec-fetch-site': 'same-origin' },
    })
    expect([answer.status, answer.headers.get('location')]).toEqual([
      303,
      `/admin/users/${eve.id}?done=user_device_ended`,
    ])
    expect((await sessions()).map(({ id }) => id).sort()).toEqual(before.filter((id) => id !== ended).sort())
    const [row] = (await world.trail()).filter(({ event }) => event === 'session.ended').slice(-1)
    const data: unknown = typeof row?.data === 'string' ? JSON.parse(row.data) : row?.data
    expect([row?.account_id, data]).toEqual([eve.id, { session: ended, reason: 'by_administrator', by: boss.id }])

    // A session of another account, and one that is over, are unknown.
    const end = (of: string, id: string) => world.call('DELETE', `/users/${of}/sessions/${id}`, { token: boss.token })
    expect((await end(eve.id, ended)).body.code).toBe('session_not_found')
    expect((await end(boss.id, before[0] ?? '')).body.code).toBe('session_not_found')
    expect(other.user.id).toBe(eve.id)
  })

  test('people are filtered by role, state, email address and second factor, with search and pages', async () => {
    const ids = async (query: string): Promise<readonly string[]> => {
      const found: string[] = []
      for (let cursor = ''; ; ) {
        const { status, body } = await world.call('GET', `/users?limit=2&${query}${cursor}`, { token: boss.token })
        expect([query, status]).toEqual([query, 200])
        found.push(...(body.items as { id: string }[]).map(({ id }) => id))
        if (body.next_cursor === null) return found
        cursor = `&cursor=${body.next_cursor}`
      }
    }
    const claimed = await registered(world, world.emailOf(eve.who))
    const all = await ids('')
    expect(all.length).toBeGreaterThanOrEqual(3)
    const unverified = await ids('verified=false')
    expect(unverified).toContain(claimed.id)
    expect([...(await ids('verified=true')), ...unverified].sort()).toEqual([...all].sort())
    expect(await ids('second_factor=true')).toEqual([])
    expect(await ids('second_factor=false')).toEqual(all)
    expect(await ids(`verified=false&search=${encodeURIComponent(world.emailOf(eve.who))}`)).toEqual([claimed.id])
    expect(await ids('role=administrator&verified=true')).toEqual([boss.id])

    const links = async (query: string) => {
      const { status, text } = await boss.page(`/admin/users?${query}`)
      expect([query, status]).toEqual([query, 200])
      return [...text.matchAll(/<th scope="row"><a href="\/admin\/users\/(\w+)"/g)].map(([, id]) => id)
    }
    expect(await links('search=&role=administrator&state=&verified=&second_factor=')).toEqual([boss.id])
    expect(await links('verified=no')).toEqual(unverified)
    expect(await links('state=disabled')).toEqual(await ids('disabled=true'))
    expect(await links('second_factor=yes')).toEqual([])

    // Two accounts with one email address are shown to each other’s reader.
    const about = async (id: string, other: string) =>
      (await boss.page(`/admin/users/${id}`)).text.match(new RegExp(`id="same".*?href="/admin/users/${other}"`, 's'))
    expect(await about(eve.id, claimed.id)).not.toBeNull()
    expect(await about(claimed.id, eve.id)).not.toBeNull()
    expect((await boss.page(`/admin/users/${boss.id}`)).text).not.toContain('id="same"')
  })

  test('the list of people says how many there are, from the hourly counts', async () => {
    await world.vinculum.runJob('count-by-hour')
    const { text } = await boss.page('/admin/users')
    const { body } = await world.call('GET', '/statistics', { token: boss.token })
    expect(text.includes(`Accounts at the last count: ${body.accounts}`)).toBe(true)
  })

  test('an export of a long log ends, with every entry once', async () => {
    await world.operator(
      database === 'SQLite'
        ? `with recursive numbers(n) as (select 1 union all select n + 1 from numbers where n < 2500)
           insert into audit (id, at, ordinal, event, account_id, data)
           select printf('aud_%032x', n), n, n, 'account.updated', 'usr_long', '{}' from numbers;`
        : `insert into audit (id, at, ordinal, event, account_id, data)
           select 'aud_' || lpad(to_hex(n), 32, '0'), to_timestamp(n), n, 'account.updated', 'usr_long', '{}'
           from generate_series(1, 2500) n;`,
    )
    const { text } = await world.call('GET', '/audit/export?account=usr_long', { token: boss.token })
    const ids = text
      .trimEnd()
      .split('\n')
      .map((line) => String((JSON.parse(line) as { id: string }).id))
    expect([ids.length, new Set(ids).size]).toEqual([2500, 2500])
  })
})

test('every table of the administration is a list of cards on phones', () => {
  const folder = resolve(import.meta.dirname, '../../src/http/pages')
  const withTable = readdirSync(folder).filter((file) => readFileSync(join(folder, file), 'utf8').includes('<table'))
  expect(withTable).toEqual(['table.tsx'])
})
