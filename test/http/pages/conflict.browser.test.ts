/** The account conflict in a real browser: proved by a passkey, and by email without a script. */
import { randomBytes } from 'node:crypto'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Sandbox, startSandbox } from '../../../sandbox/sandbox.ts'
import { eventually } from '../../support/eventually.ts'
import { inspect } from '../../support/inspect.ts'
import { type LocalService, startLocalService } from '../../support/local-service.ts'
import { visitors } from '../../support/visitors.ts'

let sandbox: Sandbox
let service: LocalService
let origin: string
const visit = visitors()

beforeAll(async () => {
  sandbox = await startSandbox()
  service = await startLocalService(sandbox.env)
  origin = service.origin
})
afterAll(async () => {
  await service?.vinculum.close()
  await sandbox?.close()
})

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })
const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor()

async function newPage(options: BrowserContextOptions = {}): Promise<Page> {
  const context = await visit([origin, sandbox.url], { baseURL: origin, reducedMotion: 'reduce', ...options })
  return context.newPage()
}
async function signIn(page: Page, provider: string, who: string): Promise<void> {
  sandbox.as(who)
  await page.goto(`/auth/${provider}`)
}
/** Two users with one email address, of whom the first has an account. */
async function twoWithOneAddress(page: Page) {
  const run = randomBytes(4).toString('hex')
  const email = `q${run}@example.com`
  const [holder, other] = [`h-${run}`, `o-${run}`]
  for (const key of [holder, other]) sandbox.addIdentity({ key, name: key, email, verified: true }, {})
  await signIn(page, 'github', holder)
  await heading(page, 'Your account')
  return { email, other }
}
/** Adds a passkey. The device confirms by itself, except while the sign-in page offers it: the test presses the button. */
async function addPasskey(page: Page) {
  const session = await page.context().newCDPSession(page)
  await session.send('WebAuthn.enable')
  const { authenticatorId } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  await page.goto('/account/passkeys')
  await page.getByRole('textbox', { name: 'Name' }).fill('Phone')
  await button(page, 'Add a passkey').click()
  await page.getByText('The passkey was added.').waitFor()
  return (enabled: boolean) => session.send('WebAuthn.setAutomaticPresenceSimulation', { authenticatorId, enabled })
}

test('a passkey proves the account, and the provider just used is not offered', async () => {
  const page = await newPage({ locale: 'en-GB' })
  const { other } = await twoWithOneAddress(page)
  const confirmsByItself = await addPasskey(page)
  await confirmsByItself(false)
  await page.goto('/account')
  await button(page, 'Sign out').first().click()
  await page.getByText('You are signed out.').waitFor()

  await signIn(page, 'github', other)
  await heading(page, 'Is this account yours?')
  await confirmsByItself(true)
  expect(await button(page, /GitHub/).count()).toBe(0)
  await inspect(page, 'conflict-passkey')
  const question = page.url()
  await button(page, 'Use its passkey').click()
  await button(page, 'Yes, link GitHub to my account').click()
  await heading(page, 'Your account')
  await page.goto('/account/sign-in')
  expect(await page.getByRole('heading', { level: 3, name: 'GitHub' }).count()).toBe(2)
  await page.goto(question)
  await heading(page, 'Question no longer open')
})

test('an emailed code proves the account, in Portuguese and without a script', async () => {
  const { email, other } = await twoWithOneAddress(await newPage({ locale: 'en-GB' }))
  const page = await newPage({ locale: 'pt-BR', javaScriptEnabled: false })
  await signIn(page, 'atlassian', other)
  await heading(page, 'Esta conta é sua?')
  expect(await button(page, /^Continuar com Atlassian/).count()).toBe(0)
  await inspect(page, 'conflict-methods')
  // Without a script, a sentence replaces the passkey button.
  expect(await button(page, /chave de acesso/).count()).toBe(0)
  const question = page.url()

  await button(page, 'Receber código por e-mail').click()
  const code = await eventually(() => {
    const messages = (service.vinculum.mailbox?.messages() ?? []).filter(({ to }) => to === email)
    const [found] = messages.flatMap(({ text }) => /^ {4}(\d{8})$/m.exec(text)?.[1] ?? [])
    if (found === undefined) throw new Error('the code has not come yet')
    return found
  })
  await page.getByRole('textbox').fill(code)
  await page.getByRole('main').getByRole('button').first().click()
  await page.waitForURL(question)
  await button(page, 'Sim, vincular Atlassian à minha conta').click()
  await heading(page, 'Sua conta')
  await page.goto('/account/sign-in')
  await page.getByRole('heading', { level: 3, name: 'Atlassian' }).waitFor()
})

test('an account that no other method opens leads to a separate account, and the page explains it', async () => {
  const email = `n${randomBytes(4).toString('hex')}@example.com`
  const [first, second] = [`f-${email}`, `s-${email}`].map((key) => key.replace('@example.com', ''))
  for (const [key, verified] of [
    [first, false],
    [second, true],
  ] as const)
    sandbox.addIdentity({ key: String(key), name: 'Nia', email, verified }, { google: { hd: 'example.com' } })
  const page = await newPage({ locale: 'en-GB', javaScriptEnabled: false })
  await signIn(page, 'google', String(first))
  await heading(page, 'Your account')

  const later = await newPage({ locale: 'en-GB', javaScriptEnabled: false })
  await signIn(later, 'google', String(second))
  await heading(later, 'Is this account yours?')
  await later.getByText('Otherwise, create a separate account below.').waitFor()
  expect(await button(later, /^Continue with|^Use its|^Email me/).count()).toBe(0)
  await inspect(later, 'conflict-none')
  await button(later, 'Create a separate account').click()
  await heading(later, 'Your account')
})
