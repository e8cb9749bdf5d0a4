/** The API reference in a real browser: only a browser can tell what its policy and its scripts allow. */
import axe from 'axe-core'
import { JSDOM } from 'jsdom'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newContext, sharedBrowser, visit, type Watched } from '../../support/browser.ts'
import { isComplete } from '../../support/inspect.ts'
import { startWorld, type World } from '../../support/service.ts'

let world: World
const opened: Watched[] = []

beforeAll(async () => {
  world = await startWorld()
})
afterAll(async () => {
  await Promise.all(opened.map((context) => context.close()))
  await world?.stop()
})

async function newPage(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await visit(await sharedBrowser(), [world.base], { baseURL: world.base, ...options })
  opened.push(context)
  return context.newPage()
}
const operations = (page: Page) => page.locator('#reference .opblock')
const refresh = '#/Tokens/post_auth_refresh'

/** The page with one operation open, as its link in the contents shows it. */
async function openOperation(page: Page): Promise<void> {
  await page.goto(`/docs${refresh}`)
  await page.locator('.opblock.is-open .responses-inner').waitFor()
}

// A visit costs as much as twenty others, so these tests are long.
test('shows the operations on a phone, where the contents are folded until they are needed', async () => {
  const page = await newPage({ viewport: { width: 360, height: 780 } })
  await openOperation(page)
  const overflow = () => page.evaluate(() => document.documentElement.scrollWidth - innerWidth)
  expect(await overflow()).toBe(0)
  const open = page.locator('.opblock.is-open')
  expect(await open.count()).toBe(1)
  const text = await open.innerText()
  expect(text).toContain('/auth/refresh')
  expect(text).toContain('Who can call it: clients with a refresh token or the session cookie')
  expect(text).toContain('"access_token"')
  await open.getByRole('tab', { name: 'Schema' }).first().click()
  await expect.poll(() => open.innerText()).toContain('token_type')
  await expect.poll(() => open.boundingBox().then((box) => (box?.y ?? -1) < 780)).toBe(true)

  await page.locator('#contents > summary').click()
  await page.getByLabel('Search operations').fill('/auth/logout')
  await page.locator('#contents li:visible a').first().click()
  await expect.poll(() => page.locator('#contents').getAttribute('open')).toBe(null)
  await page.locator('#operations-Tokens-post_auth_logout.is-open').waitFor()
  expect(await overflow()).toBe(0)
})

test('shows the operation of a link although the first requests to scroll to it are lost', async () => {
  const page = await newPage()
  await page.addInitScript(() => {
    let lost = 0
    const losing = () => ({
      statePlugins: {
        layout: {
          wrapActions: {
            scrollToVirtualizedOperation: (original: (key: unknown) => unknown) => (key: unknown) =>
              ++lost <= 2 ? { type: 'lost' } : original(key),
          },
        },
      },
    })
    type Config = { plugins: unknown[] }
    let bundle: (config: Config) => unknown
    Object.defineProperty(globalThis, 'SwaggerUIBundle', {
      set: (original: typeof bundle) => {
        bundle = (config) => original({ ...config, plugins: [...config.plugins, losing] })
      },
      get: () => bundle,
    })
  })
  await openOperation(page)
})

/** The search finds an operation by its path, and the link leads to it. */
async function expectSearch(page: Page): Promise<void> {
  await page.getByLabel('Search operations').fill('/auth/refresh')
  const found = page.locator('#contents li:visible a')
  expect(await found.allInnerTexts()).toEqual(['POST /auth/refresh'])
  await expect.poll(() => operations(page).count()).toBe(1)
  expect(await page.getByRole('status').innerText()).toBe('Operations found: 1')
  await page.getByLabel('Search operations').press('Enter')
  await page.locator('.opblock.is-open').waitFor()
  expect(new URL(page.url()).hash).toBe(refresh)
  await page.getByLabel('Search operations').fill('no such operation')
  await expect.poll(() => operations(page).count()).toBe(0)
}

test('every operation of the document is in the contents', async () => {
  const { text: html } = await world.call('GET', '/docs', { headers: { accept: 'text/html' } })
  const { document } = new JSDOM(html).window
  const listed = Array.from(document.querySelectorAll('#contents li a'), ({ textContent }) => textContent)
  const { paths } = JSON.parse((await world.call('GET', '/openapi.json')).text) as { paths: Record<string, object> }
  const documented = Object.entries(paths).flatMap(([path, each]) =>
    Object.keys(each).map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect(listed.sort()).toEqual(documented.sort())
})

test('leads back to the service and to the catalogues', async () => {
  const page = await newPage({ locale: 'pt-BR', javaScriptEnabled: false })
  await page.goto('/docs')
  const links = page.getByRole('navigation', { name: 'Documentação' }).getByRole('link')
  const hrefs = await links.evaluateAll((all) => all.map((link) => link.getAttribute('href')))
  expect(hrefs).toEqual(expect.arrayContaining(['/', '/docs/errors', '/docs/events', '/openapi.json']))
  await page.getByRole('link', { name: 'Voltar ao serviço' }).click()
  await expect.poll(() => new URL(page.url()).pathname).toBe('/login')
})

test('without JavaScript, lists the operations and links to the document', async () => {
  const page = await newPage({ javaScriptEnabled: false })
  await page.goto('/docs')
  expect(await page.locator('noscript a').getAttribute('href')).toBe('/openapi.json')
  expect(await page.locator('#contents').innerText()).toContain('Tokens')
  expect(await page.getByLabel('Search operations').isVisible()).toBe(false)
})

/** The suite inspects the first, and the colors of the second. `npm run bench:pages` inspects all four. */
const looks = [
  { colorScheme: 'light', width: 1280 },
  { colorScheme: 'dark', width: 360 },
  ...(isComplete
    ? ([
        { colorScheme: 'light', width: 360 },
        { colorScheme: 'dark', width: 1280 },
      ] as const)
    : []),
] as const
test('has no serious accessibility fault', async () => {
  // axe is injected past the page's policy, so this visit does not count for it.
  const context = await newContext(await sharedBrowser(), { baseURL: world.base, bypassCSP: true })
  const page = await context.newPage()
  await openOperation(page)
  await page.evaluate(axe.source)
  for (const [nth, { colorScheme, width }] of looks.entries()) {
    await page.emulateMedia({ colorScheme })
    await page.setViewportSize({ width, height: 900 })
    // A script of the page changes its theme.
    const isDark = () => page.evaluate(() => document.documentElement.classList.contains('dark-mode'))
    await expect.poll(isDark).toBe(colorScheme === 'dark')
    const only = nth === 0 || isComplete ? {} : { runOnly: ['color-contrast', 'link-in-text-block'] }
    const { looked, faults } = await page.evaluate(async (only) => {
      // A color in transition is neither that of the light page nor that of the dark one. A child may follow its parent.
      const running = () => document.getAnimations().filter((each) => each instanceof CSSTransition)
      for (let some = running(); some.length > 0; some = running())
        await Promise.allSettled(some.map(({ finished }) => finished))
      const { run } = (globalThis as unknown as { axe: typeof axe }).axe
      const { passes, violations } = await run({ resultTypes: ['violations'], selectors: false, ...only })
      const serious = violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
      return {
        looked: passes.length,
        faults: serious.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(' | ')}`),
      }
    }, only)
    expect(looked).toBeGreaterThan(0)
    expect(faults, `${colorScheme}, ${width} px`).toEqual([])
  }
  await context.close()
})

test('text in the address makes it load nothing else, its search works, and no script makes code out of text', async () => {
  const page = await newPage()
  await page.goto(
    '/docs?url=https://evil.example/openapi.json&configUrl=https://evil.example/c.json#/%3Cimg%20src=x%3E/%',
  )
  await operations(page).first().waitFor()
  expect(await page.locator('#content').innerText()).toContain('Vinculum')
  await expectSearch(page)

  const [complaints] = opened.slice(-1).map((context) => context.complaints)
  expect(complaints).toEqual([])
  const refused = await page.evaluate(() => {
    const attempts = [
      () => document.createElement('script').setAttribute('src', 'data:text/javascript,0'),
      () => {
        document.createElement('script').textContent = '0'
      },
    ]
    return attempts.map((attempt) => {
      try {
        attempt()
        return 'done'
      } catch (thrown) {
        return (thrown as Error).name
      }
    })
  })
  expect(refused).toEqual(['TypeError', 'TypeError'])
  // These two were provoked.
  expect(complaints?.splice(0).length).toBe(2)
})

test('no visit violated the policy of the page or called another host', () => {
  expect(opened.flatMap(({ complaints }) => complaints)).toEqual([])
})
