import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { pageRoutes } from '../../src/http/pages/index.ts'
import { databases, startWorld, type World } from '../support/service.ts'

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
  }, 60_000)
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
    const parameters: Readonly<Record<string, string>> = {
      '/admin/users/:id': eve.id,
      '/admin/providers/:id': 'google',
      '/admin/new-provider/:kind': 'oidc',
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
})

test('every table of the administration is a list of cards on phones', () => {
  const folder = resolve(import.meta.dirname, '../../src/http/pages')
  const withTable = readdirSync(folder).filter((file) => readFileSync(join(folder, file), 'utf8').includes('<table'))
  expect(withTable).toEqual(['table.tsx'])
})
