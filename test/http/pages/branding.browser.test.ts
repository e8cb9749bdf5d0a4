/** The branding page in a real browser: uploads without a script, pictures that are hostile, and the live preview. */
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { hostileSvgs, svg } from '../../support/hostile-svgs.ts'
import { inspect } from '../../support/inspect.ts'
import { png } from '../../support/png.ts'
import { startWorld, type World } from '../../support/service.ts'
import { giveSession, visitors } from '../../support/visitors.ts'

let world: World
const visit = visitors()

beforeAll(async () => {
  world = await startWorld({ kinds: ['google'] })
})
afterAll(() => world?.stop())
afterEach(() => world.calm())

async function newPage(more: { javaScriptEnabled?: boolean; locale?: string; colorScheme?: 'dark' | 'light' } = {}) {
  const context = await visit([world.base, world.sandbox.url], {
    baseURL: world.base,
    locale: 'en-GB',
    reducedMotion: 'reduce',
    viewport: { width: 360, height: 780 },
    ...more,
  })
  return context.newPage()
}
async function administrator(more: Parameters<typeof newPage>[0] = {}): Promise<Page> {
  const who = world.newcomer({ name: 'Bo Ss' })
  const { user } = await world.signIn('google', who)
  await world.vinculum.makeAdministrator(user.id)
  const page = await newPage(more)
  await giveSession(world, page.context(), who)
  return page
}
/** Uploads a file in the part of the page with this heading. */
async function upload(page: Page, title: string, name: string, buffer: Buffer): Promise<void> {
  const part = page.locator('.part').filter({ has: page.getByRole('heading', { name: title, exact: true }) })
  await part.locator('input[type=file]').setInputFiles({ name, mimeType: 'application/octet-stream', buffer })
  await part.getByRole('button', { name: 'Upload' }).click()
}
/** Whether the browser could draw the logo of this page. */
const drawn = (page: Page) =>
  page.locator('img.logo').evaluate((image: HTMLImageElement) => image.complete && image.naturalWidth > 0)

const drawing = Buffer.from(svg('<style>path{fill:#063}</style><path d="M0 0h64v32H0z"/>', ' width="64" height="32"'))

describe('the branding page', () => {
  test('uploads, shows and removes pictures without a script', async () => {
    const page = await administrator({ javaScriptEnabled: false })
    await page.goto('/admin/branding')
    await upload(page, 'Logo', 'logo.svg', drawing)
    await page.getByRole('status').filter({ hasText: 'The picture was saved.' }).waitFor()
    await upload(page, 'Logo on dark pages', 'dark.png', png(32, 32))
    await upload(page, 'Icon', 'icon.png', png(32, 32))
    await page.getByRole('status').filter({ hasText: 'The picture was saved.' }).waitFor()
    await inspect(page, 'branding/pictures')
    await upload(page, 'Icon', 'icon.png', Buffer.from('hello'))
    await page.getByRole('alert').filter({ hasText: 'The file is neither PNG nor SVG.' }).waitFor()
    await inspect(page, 'branding/refused')
    await upload(page, 'Icon', 'photo.png', Buffer.alloc(2_000_000))
    await page.getByRole('alert').filter({ hasText: 'larger than 100 KiB' }).waitFor()
    for (const [colorScheme, type] of [
      ['light', 'svg'],
      ['dark', 'png'],
    ] as const) {
      const visitor = await newPage({ colorScheme })
      await visitor.goto('/login')
      expect(await drawn(visitor)).toBe(true)
      const source = await visitor.locator('img.logo').evaluate((image: HTMLImageElement) => image.currentSrc)
      expect(source).toMatch(new RegExp(`\\.${type}$`))
    }
    await page.goto('/admin/branding')
    for (const title of ['Logo', 'Logo on dark pages', 'Icon']) {
      const part = page.locator('.part').filter({ has: page.getByRole('heading', { name: title, exact: true }) })
      await part.locator('summary').click()
      await part.getByRole('button', { name: 'Remove it' }).click()
      await page.getByRole('status').filter({ hasText: 'The picture was removed.' }).waitFor()
    }
    await page.goto('/login')
    expect(await page.locator('img').count()).toBe(0)
  })

  test('shows a preview while a person types, in the colors that pages would have', async () => {
    const page = await administrator()
    await page.goto('/admin/branding')
    await page.getByLabel('Name', { exact: true }).fill('Acme & Sons')
    await page.getByLabel('Accent color').fill('#ffe600')
    const light = page.locator('svg[data-scheme=light]')
    await page.locator('svg[aria-label*="Acme & Sons"]').first().waitFor()
    await page.getByText(/too little contrast with light pages/).waitFor()
    const fill = await light.locator('[data-fill=accent]').first().getAttribute('fill')
    expect(fill).toMatch(/^#[0-9a-f]{6}$/)
    expect(fill).not.toBe('#ffe600')
    expect(await page.locator('svg[data-scheme=dark] [data-fill=accent]').first().getAttribute('fill')).toBe('#ffe600')
    await page.getByLabel('Text below the forms of sign-in pages, in English').fill('<b>Staff</b> only')
    await page.locator('[data-text=form]').filter({ hasText: '<b>Staff</b> only' }).waitFor()
    await page.getByText('This preview is not saved yet.').waitFor()
    // A color that is not complete yet does not keep the rest from being shown.
    await page.getByLabel('Accent color').fill('#ff')
    await page.getByLabel('Name', { exact: true }).fill('Zeta')
    await page.locator('svg[aria-label*="Zeta"]').first().waitFor()
    await inspect(page, 'branding/preview')
    const visitor = await newPage()
    await visitor.goto('/login')
    expect(await visitor.content()).not.toMatch(/Zeta|Acme/)
  })
})

describe('a hostile SVG', () => {
  test('that is accepted runs nothing, and requests nothing, on a page and by itself', async () => {
    const browser = world.openBrowser()
    const who = world.newcomer()
    const { user } = await world.signIn('google', who)
    await world.vinculum.makeAdministrator(user.id)
    await browser.signIn('google', who)
    const page = await newPage()
    const accepted = hostileSvgs.filter(({ reason }) => reason === undefined)
    // All of them in one file: each is also tested by itself, in `svg.test.ts`.
    const inside = accepted.map(({ file }) => String(file).replace(/<\?[\s\S]*?\?>/g, ''))
    const file = svg(`${inside.join('')}<path d="M0 0h64v32H0z"/>`, ' width="64" height="32"')
    const put = await browser.ask(new URL('/branding/logo', world.base), {
      method: 'PUT',
      body: file,
      headers: { origin: world.base, 'sec-fetch-site': 'same-origin', 'content-type': 'image/svg+xml' },
    })
    expect(put.status, put.text).toBe(200)
    await page.goto('/login')
    expect(await drawn(page)).toBe(true)
    const path = await page.locator('img.logo').getAttribute('src')
    const opened = await page.goto(path ?? '')
    expect(opened?.headers()['content-security-policy']).toMatch(
      /^default-src 'none'; style-src 'unsafe-inline'; .*sandbox/,
    )
    expect(await page.title()).not.toBe('ran')
  })
})
