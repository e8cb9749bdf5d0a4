/** The frame of the pages before a sign-in, in a real browser: what is seen first, how a refusal is seen, its weight. */
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sandbox, startSandbox } from '../../../sandbox/sandbox.ts'
import { expectInOrder, inspect } from '../../support/inspect.ts'
import { type LocalService, startLocalService } from '../../support/local-service.ts'
import { visitors } from '../../support/visitors.ts'

const email = 'zoe@example.org'
const password = 'a bar over letters that belong together'

let sandbox: Sandbox
let service: LocalService
let origin: string
const visit = visitors()

beforeAll(async () => {
  sandbox = await startSandbox()
  // Few providers are set up: Google and GitHub.
  const few = Object.entries(sandbox.env).filter(([name]) => /^(GOOGLE|GITHUB)_/.test(name))
  service = await startLocalService(Object.fromEntries(few))
  origin = service.origin
})
afterAll(async () => {
  await service?.vinculum.close()
  await sandbox?.close()
})

async function newPage(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await visit([origin, sandbox.url], { baseURL: origin, reducedMotion: 'reduce', ...options })
  return context.newPage()
}
const focused = (page: Page): Promise<string> => page.evaluate(() => document.activeElement?.id ?? '')
/** Where an element ends, from the top of the page. */
const bottomOf = async (page: Page, selector: string): Promise<number> => {
  const box = await page.locator(selector).boundingBox()
  return box === null ? Number.NaN : box.y + box.height
}

describe('the sign-in page', () => {
  test('shows the whole password form on the first screen of a small phone, in both languages', async () => {
    for (const locale of ['en-GB', 'pt-BR']) {
      for (const javaScriptEnabled of [true, false]) {
        const page = await newPage({ locale, javaScriptEnabled, viewport: { width: 320, height: 640 } })
        await page.goto('/login')
        await expect.poll(() => focused(page)).toBe('username')
        expect(await bottomOf(page, '#password')).toBeLessThanOrEqual(640)
        expect(await bottomOf(page, 'form[action="/login/password"] .primary')).toBeLessThanOrEqual(640)
      }
    }
  })

  test('weighs less than 30 KiB with everything', async () => {
    const page = await newPage()
    // An earlier visitor with the same options may have filled it.
    await (await page.context().newCDPSession(page)).send('Network.clearBrowserCache')
    const files: { readonly url: string; readonly bytes: number }[] = []
    page.on('requestfinished', async (request) => {
      const { responseBodySize: bytes } = await request.sizes()
      if (request.method() === 'GET') files.push({ url: new URL(request.url()).pathname, bytes })
    })
    await page.goto('/login', { waitUntil: 'networkidle' })
    await expect.poll(() => files.length).toBe(5)
    expect(files.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThan(30 * 1024)
  })

  test('marks the method last used on this device, first among the providers', async () => {
    const page = await newPage({ locale: 'en-GB' })
    sandbox.as('ada')
    await page.goto('/auth/github')
    await page.getByRole('button', { name: 'Sign out' }).click()
    const first = page.locator('.providers a').first()
    expect(await first.textContent()).toContain('Continue with GitHub')
    expect(await first.textContent()).toContain('last used')
    const cookies = (await page.context().cookies()).filter(({ name }) => name.endsWith('last_method'))
    expect(cookies).toMatchObject([{ value: 'github', httpOnly: true }])
  })

  test('keeps the chosen language on this device, also on error pages', async () => {
    const page = await newPage({ locale: 'en-GB', javaScriptEnabled: false })
    await page.goto('/login?return_to=/account/teams')
    await page.getByRole('button', { name: 'Português' }).click()
    await page.getByRole('heading', { name: 'Entrar em Vinculum' }).waitFor()
    expect(page.url()).toBe(`${origin}/login?return_to=/account/teams`)
    await page.goto('/nowhere')
    expect(await page.getAttribute('html', 'lang')).toBe('pt-BR')
    await page.goto('/register')
    await page.getByRole('button', { name: 'English' }).click()
    await page.getByRole('heading', { name: 'Create an account' }).waitFor()
  })
})

/** Forms that anyone can send, with a value that is refused: where it is typed, and which field is to be corrected. */
const refusals = [
  { at: '/login', typed: { username: email, password: 'wrong' }, field: 'password' },
  { at: '/register', typed: { email, password: 'password1234' }, field: 'password' },
  { at: '/register', typed: { email: 'nobody@nowhere@com', password }, field: 'email' },
  { at: '/forgot-password', typed: { email: 'nobody@nowhere@com' }, field: 'email' },
  { at: '/login/email', typed: { email: 'nobody@nowhere@com' }, field: 'email' },
  { at: '/login/email/code', typed: { code: '00000000' }, field: 'code' },
] as const

test('a refusal is seen without a script: summary, title, focus and border', async () => {
  const page = await newPage({ javaScriptEnabled: false, locale: 'en-GB', viewport: { width: 320, height: 640 } })
  await page.goto('/login/email')
  await page.locator('#email').fill(email)
  await page.locator('#email').press('Enter')
  await page.waitForURL('**/code')
  for (const { at, typed, field } of refusals) {
    const name = `${at}, ${field}`
    await page.goto(at)
    const fields = Object.entries(typed)
    // The browser itself would refuse some of these addresses: a program does not.
    await page.locator('main form').evaluateAll((forms) => {
      for (const form of forms) (form as HTMLFormElement).noValidate = true
    })
    for (const [id, text] of fields) await page.locator(`#${id}`).fill(text)
    await page.locator(`#${fields.at(-1)?.[0]}`).press('Enter')
    const summary = page.getByRole('alert')
    await summary.waitFor()
    expect(await page.title(), name).toMatch(/^Error: /)
    expect(await summary.getByRole('link').getAttribute('href'), name).toBe(`#${field}`)
    await expect.poll(() => focused(page), { message: name }).toBe(field)
    const input = page.locator(`#${field}`)
    expect(await input.getAttribute('aria-invalid'), name).toBe('true')
    const explained = (await input.getAttribute('aria-describedby'))?.split(' ').at(-1)
    expect(await page.locator(`#${explained}`).textContent(), name).toBe(await summary.getByRole('link').textContent())
    const [border, danger] = await input.evaluate((element) => {
      const probe = document.createElement('i')
      probe.style.color = 'var(--danger)'
      document.body.append(probe)
      return [getComputedStyle(element).borderTopColor, getComputedStyle(probe).color]
    })
    expect(border, name).toBe(danger)
    await inspect(page, `refused${at.replaceAll('/', '-')}-${field}`)
  }
})

test('after a wrong password the form stands above the providers', async () => {
  const page = await newPage({ locale: 'pt-BR', viewport: { width: 320, height: 640 } })
  await page.goto('/login')
  await page.locator('#username').fill(email)
  await page.locator('#password').fill('errada')
  await page.locator('#password').press('Enter')
  await page.getByRole('alert').getByText('Verifique isto').waitFor()
  expect(await page.title()).toMatch(/^Erro: /)
  expect(await bottomOf(page, '#password')).toBeLessThanOrEqual(640)
  expect((await page.locator('.providers a').first().boundingBox())?.y).toBeGreaterThan(
    await bottomOf(page, '#password'),
  )
  // A script shows what was typed.
  await page.locator('#password').fill('abc')
  await page.getByRole('button', { name: 'Mostrar' }).click()
  expect(await page.locator('#password').getAttribute('type')).toBe('text')
  await inspect(page, 'login-password-shown')
})

test('the pages stay usable with text at 200 % and a window at 400 %', async () => {
  const page = await newPage({ viewport: { width: 640, height: 400 }, locale: 'pt-BR' })
  for (const at of ['/login', '/register', '/forgot-password', '/login/email']) {
    await page.goto(at)
    // A window of 1280 px at 400 % is 320 px wide.
    await expectInOrder(page, `zoom${at.replaceAll('/', '-')}`)
    await page.setViewportSize({ width: 640, height: 400 })
    await page.evaluate(() => document.documentElement.style.setProperty('font-size', '200%'))
    expect(await page.evaluate(() => document.documentElement.scrollWidth - innerWidth), at).toBeLessThanOrEqual(0)
  }
})
