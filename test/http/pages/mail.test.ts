import type { Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { inspect } from '../../support/inspect.ts'
import { tabTo } from '../../support/keyboard.ts'
import { registered } from '../../support/registered.ts'
import { startWorld, type World } from '../../support/service.ts'
import { visitors } from '../../support/visitors.ts'

let world: World
const visit = visitors()

beforeAll(async () => {
  world = await startWorld()
})
afterAll(async () => {
  await world?.stop()
})

async function newVisitor(locale: string): Promise<Page> {
  const visitor = await visit([world.base], {
    baseURL: world.base,
    locale,
    viewport: { width: 360, height: 780 },
  })
  return visitor.newPage()
}

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor()

test('a user signs in by email with the keyboard alone, and changes their email address', async () => {
  const [email, wanted] = ['keys@example.com', 'other.keys@example.com']
  await registered(world, email, { verified: true, signedIn: false })
  const page = await newVisitor('en-GB')
  await page.goto('/login?return_to=/account/email')
  await tabTo(page, 'Email me a link to sign in')
  await page.keyboard.press('Enter')
  await heading(page, 'Sign in by email')
  await tabTo(page, 'email')
  await page.keyboard.type(email)
  await page.keyboard.press('Enter')
  await heading(page, 'Check your email')
  await tabTo(page, 'code')
  await page.keyboard.type('0')
  await page.keyboard.press('Enter')
  await page.getByText('This code is wrong').waitFor()
  await inspect(page, 'mail-code-wrong')
  const [message] = await world.mailTo(email)
  await tabTo(page, 'code')
  // After the last digit, a script submits the form.
  await page.keyboard.type(/^ {4}(\d{8})$/m.exec(message?.text ?? '')?.[1] ?? '')
  await heading(page, 'Email address')

  await tabTo(page, 'email')
  await page.keyboard.type(wanted)
  await page.keyboard.press('Enter')
  await page.getByRole('status').getByText('Open the link').waitFor()
  // Read on the mailbox page, as a developer who tries the service does.
  await world.mailTo(wanted)
  await page.goto('/mailbox')
  await page.getByRole('link', { name: 'Confirm your new email address' }).click()
  await page.getByRole('link', { name: /change-email/ }).click()
  await heading(page, 'Use the new email address?')
  await tabTo(page, 'Yes, use the new email address')
  await page.keyboard.press('Enter')
  await page.getByRole('status').getByText('was changed').waitFor()
  await page.goto('/account/sign-in')
  await page.getByText(`${wanted} (verified)`).waitFor()
})

test('um usuário redefine a senha em português', async () => {
  const email = 'senha@example.com'
  await registered(world, email, { verified: true, signedIn: false })
  const page = await newVisitor('pt-BR')
  await page.goto('/forgot-password')
  await heading(page, 'Esqueceu a senha?')
  await tabTo(page, 'email')
  await page.keyboard.type(email)
  await page.keyboard.press('Enter')
  await page.getByRole('status').getByText('enviamos uma mensagem').waitFor()
  const [message] = await world.mailTo(email)
  expect(message?.subject).toBe('Defina uma nova senha')
  await page.goto(/^http\S+reset-password\S+$/m.exec(message?.text ?? '')?.[0] ?? '')
  await heading(page, 'Escolha uma nova senha')
  await tabTo(page, 'password')
  await page.keyboard.type('curta')
  await page.keyboard.press('Enter')
  await page.getByRole('alert').getByText('curto demais').waitFor()
  await inspect(page, 'mail-password-refused')
  await tabTo(page, 'password')
  await page.keyboard.type('uma senha inteiramente nova')
  await page.keyboard.press('Enter')
  await page.getByRole('status').getByText('nova senha').waitFor()
})

test('an expired link, or one of another user, shows an explanation', async () => {
  const { token } = await registered(world, 'mine@example.com')
  await world.call('POST', '/me/email/verify', { token })
  const [message] = await world.mailTo('mine@example.com')
  const link = /^http\S+verify-email\S+$/m.exec(message?.text ?? '')?.[0] ?? ''
  const other = await registered(world, 'theirs@example.com', { verified: true })
  const page = await newVisitor('en-GB')
  await page.goto(link)
  await heading(page, 'Sign in')
  expect(page.url()).not.toContain('ticket')
  const [name = '', value = ''] = other.cookie.split('=')
  await page.context().addCookies([{ name, value, url: world.base }])
  await page.goto('/verify-email')
  await heading(page, 'Another account')
  await inspect(page, 'mail-not-yours')
  await page.goto('/reset-password?ticket=nobody-knows-it')
  await heading(page, 'Link no longer valid')
  await inspect(page, 'mail-link-over')
})
