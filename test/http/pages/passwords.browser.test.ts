import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { inspect } from '../../support/inspect.ts'
import { tabTo } from '../../support/keyboard.ts'
import { type LocalService, startLocalService } from '../../support/local-service.ts'
import { visitors } from '../../support/visitors.ts'

const password = 'a bar over letters that belong together'
const another = 'ten thousand lighthouses, unlit'

let service: LocalService
let origin: string
const visit = visitors()

beforeAll(async () => {
  service = await startLocalService({})
  origin = service.origin
})
afterAll(async () => {
  await service?.vinculum.close()
})

async function newVisitor(options: BrowserContextOptions = {}): Promise<Page> {
  const visitor = await visit([origin], {
    baseURL: origin,
    // Everything here must work without JavaScript.
    javaScriptEnabled: false,
    reducedMotion: 'reduce',
    ...options,
  })
  return visitor.newPage()
}

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor()
/** Types into the focused field, and moves on to the next. */
const type = async (page: Page, text: string): Promise<void> => {
  await page.keyboard.type(text)
  await page.keyboard.press('Tab')
}
const focused = (page: Page): Promise<string> =>
  page.evaluate(() => {
    const { activeElement: element } = document
    return element === null || element === document.body ? '' : element.id || (element.textContent ?? '')
  })
describe('with the keyboard alone,', () => {
  test('a user creates an account, signs in, changes the password and names the device', async () => {
    const page = await newVisitor()
    await page.goto('/login')
    await tabTo(page, 'Create an account')
    await page.keyboard.press('Enter')
    await heading(page, 'Create an account')

    await expect.poll(() => focused(page)).toBe('email')
    await type(page, 'zoe@example.org')
    expect(await focused(page)).toBe('name')
    await type(page, 'Zoë')
    expect(await focused(page)).toBe('password')
    await page.keyboard.type('password1234')
    await page.keyboard.press('Enter')
    // On an error the email address and the name stay, and the field explains it.
    await page.getByRole('alert').getByText('Many people use this password').waitFor()
    expect(await page.title()).toMatch(/^Error: Create an account/)
    // Without a script, the first invalid field has the focus.
    await expect.poll(() => focused(page)).toBe('password')
    const described = await page.getByLabel('Password').getAttribute('aria-describedby')
    expect(described).toBe('password-hint password-error')
    expect(await page.getByLabel('Email address').inputValue()).toBe('zoe@example.org')
    expect(await page.getByLabel('Password').inputValue()).toBe('')
    await inspect(page, 'register-refused')
    await page.keyboard.type(password)
    await page.keyboard.press('Enter')

    await heading(page, 'Sign in')
    await page.getByRole('status').waitFor()
    // The address is filled in already.
    await expect.poll(() => focused(page)).toBe('password')
    await page.keyboard.type('not my password at all')
    await page.keyboard.press('Enter')
    await page.getByText('The email address or the password is incorrect').waitFor()
    expect(await page.getByLabel('Email address').inputValue()).toBe('zoe@example.org')
    await inspect(page, 'login-refused')
    await expect.poll(() => focused(page)).toBe('password')
    expect(await page.title()).toMatch(/^Error: Sign in/)
    await page.keyboard.type(password)
    await page.keyboard.press('Enter')
    await heading(page, 'Your account')

    await tabTo(page, 'Sign-in methods')
    await page.keyboard.press('Enter')
    await heading(page, 'Sign-in methods')
    await tabTo(page, 'Change Password')
    await page.keyboard.press('Enter')
    await heading(page, 'Password')
    await tabTo(page, 'current_password')
    await type(page, password)
    expect(await focused(page)).toBe('new_password')
    await page.keyboard.type(another)
    await page.keyboard.press('Enter')
    await heading(page, 'Sign-in methods')
    await page.getByText('Your password was changed').waitFor()
    await tabTo(page, 'Devices')
    await page.keyboard.press('Enter')
    await heading(page, 'Devices')

    for (let at = 0; at < 60 && !(await focused(page)).startsWith('Rename'); at++) await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    await page.keyboard.type('Kitchen')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { level: 3, name: /^Kitchen/ }).waitFor()
    await inspect(page, 'devices-with-a-name')
  })
})

test('every input field has a label and an autocomplete attribute', async () => {
  const page = await newVisitor({ locale: 'pt-BR' })
  const fields = () =>
    page
      .locator('input:not([type=hidden])')
      .evaluateAll((all) => all.map((each) => [each.id, each.getAttribute('type'), each.getAttribute('autocomplete')]))
  await page.goto('/login')
  await heading(page, 'Entrar')
  expect(await fields()).toEqual([
    ['username', 'email', 'username webauthn'],
    ['password', 'password', 'current-password'],
  ])
  await page.goto('/register')
  await heading(page, 'Criar uma conta')
  expect(await fields()).toEqual([
    ['email', 'email', 'username'],
    ['name', 'text', 'name'],
    ['password', 'password', 'new-password'],
  ])
  // A long password can be pasted.
  for (const limit of await page
    .locator('input[type=password]')
    .evaluateAll((all) => all.map((each) => each.getAttribute('maxlength'))))
    expect(limit).toBeNull()
})
