/** Second factors and passkeys in a real Chromium, with a virtual authenticator (WebAuthn level 3 §11). */
import { randomBytes } from 'node:crypto'
import { TOTP } from 'otpauth'
import type { BrowserContextOptions, CDPSession, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sandbox, startSandbox } from '../../../sandbox/sandbox.ts'
import { inspect } from '../../support/inspect.ts'
import { type LocalService, startLocalService } from '../../support/local-service.ts'
import { visitors } from '../../support/visitors.ts'

let sandbox: Sandbox
let service: LocalService
let origin: string
let ahead = 0
const visit = visitors()

beforeAll(async () => {
  const clock = (): Date => new Date(Date.now() + ahead)
  sandbox = await startSandbox({ clock })
  service = await startLocalService(sandbox.env, { clock })
  origin = service.origin
})
afterAll(async () => {
  await service?.vinculum.close()
  await sandbox?.close()
})

async function newVisitor(options: BrowserContextOptions = {}): Promise<Page> {
  const visitor = await visit([origin, sandbox.url], { baseURL: origin, reducedMotion: 'reduce', ...options })
  return visitor.newPage()
}

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })
const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor()
const field = (page: Page, name: string | RegExp) => page.getByRole('textbox', { name })

/** A virtual device that stores passkeys and verifies its user. */
async function addAuthenticator(page: Page): Promise<{ session: CDPSession; id: string }> {
  const session = await page.context().newCDPSession(page)
  await session.send('WebAuthn.enable')
  const { authenticatorId: id } = await session.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  })
  return { session, id }
}

let people = 0
function newcomer(): string {
  people++
  const key = `sf${people}-${randomBytes(3).toString('hex')}`
  sandbox.addIdentity({ key, name: `Person ${people}`, email: `${key}@example.com`, verified: true }, {})
  return key
}
/** Signs in at the GitHub sandbox as this user. */
async function signIn(page: Page, as: string): Promise<void> {
  sandbox.as(as)
  await page.goto('/auth/github')
  await page.waitForURL(`${origin}/**`)
}
/** The current code of the app; each works once, so the clock advances. */
const code = (secret: string): string => {
  ahead += 30_000
  return new TOTP({ secret }).generate({ timestamp: Date.now() + ahead })
}

/** Types a code. A script submits the form after the last digit; without one, there is the button. */
async function enter(page: Page, digits: string, submit: string): Promise<void> {
  const isScripted = await page.evaluate(() => matchMedia('(scripting: enabled)').matches)
  await field(page, 'Six-digit code').fill(digits)
  if (!isScripted) await button(page, submit).first().click()
}

async function begin(page: Page): Promise<void> {
  await page.goto('/account/second-factor')
  await button(page, 'Set up an app').click()
}
/** Confirms the app whose secret the page shows; returns the secret and the recovery codes. */
async function confirm(page: Page): Promise<{ secret: string; codes: string[] }> {
  const secret = ((await page.locator('code').first().textContent()) ?? '').replaceAll(' ', '')
  expect(secret).toMatch(/^[A-Z2-7]{32}$/)
  await enter(page, code(secret), 'Confirm')
  await heading(page, 'Recovery codes')
  return { secret, codes: await page.locator('main li code').allTextContents() }
}

describe('an authenticator app', () => {
  test('is set up and used without any script', async () => {
    const page = await newVisitor({ javaScriptEnabled: false })
    const who = newcomer()
    await signIn(page, who)
    await begin(page)
    const picture = page.getByRole('img')
    await expect.poll(() => picture.evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBeGreaterThan(0)

    await field(page, 'Six-digit code').fill('000 000')
    await button(page, 'Confirm').click()
    await page.getByRole('alert').filter({ hasText: 'wrong' }).waitFor()

    const { secret, codes } = await confirm(page)
    expect(new Set(codes).size).toBe(10)
    await page.getByRole('status').filter({ hasText: 'From now on' }).waitFor()

    const again = await newVisitor({ javaScriptEnabled: false })
    await signIn(again, who)
    await heading(again, /^Enter your code|^Use your passkey/)
    const input = field(again, 'Six-digit code')
    expect(await input.getAttribute('autocomplete')).toBe('one-time-code')
    expect(await input.getAttribute('inputmode')).toBe('numeric')
    await input.fill('123456')
    await button(again, 'Continue').first().click()
    await again.getByRole('alert').filter({ hasText: 'wrong' }).waitFor()
    await field(again, 'Six-digit code').fill(code(secret))
    await button(again, 'Continue').first().click()
    await heading(again, 'Your account')

    const lost = await newVisitor({ javaScriptEnabled: false })
    await signIn(lost, who)
    await lost.getByText('Use another method').click()
    await field(lost, 'Recovery code').fill(codes[0]?.toUpperCase().replaceAll('-', ' ') ?? '')
    await button(lost, 'Continue').last().click()
    await heading(lost, 'Your account')
    await lost.goto('/account/second-factor')
    await lost.getByText('9 recovery codes are left').waitFor()
    await lost.getByText('Turn the second factor off…').click()
    await button(lost, 'Turn the second factor off').click()
    await lost.getByText('does not require a second factor').waitFor()
  })

  test('is requested and entered with the keyboard alone', async () => {
    const page = await newVisitor()
    const who = newcomer()
    await signIn(page, who)
    await begin(page)
    const { secret } = await confirm(page)
    const again = await newVisitor()
    await signIn(again, who)
    await heading(again, /^Enter your code|^Use your passkey/)
    const focused = (at: Page) => at.evaluate(() => document.activeElement?.id)
    // The field has the focus, also after a refusal. Enter after the last digit sends the code only once.
    await expect.poll(() => focused(again)).toBe('totp')
    await again.keyboard.type('000000')
    await again.getByRole('alert').waitFor()
    await expect.poll(() => focused(again)).toBe('totp')
    expect(await again.title()).toMatch(/^Error: /)
    await again.keyboard.type(code(secret))
    await again.keyboard.press('Enter')
    await heading(again, 'Your account')
  })

  test('has accessible pages during and after setup', async () => {
    const page = await newVisitor()
    await signIn(page, newcomer())
    await begin(page)
    await inspect(page, 'second-factor-set-up')
    await enter(page, '000000', 'Confirm')
    await page.getByRole('alert').waitFor()
    await inspect(page, 'second-factor-wrong')
    await confirm(page)
    await inspect(page, 'recovery-codes')
    await page.goto('/account/second-factor')
    await inspect(page, 'second-factor-on')
  })
})

describe('a passkey', () => {
  test('is created, signs in, works as a second factor after a provider sign-in and is removed', async () => {
    const page = await newVisitor()
    const device = await addAuthenticator(page)
    const who = newcomer()
    await signIn(page, who)
    await page.goto('/account/passkeys')
    await field(page, 'Name of the new passkey').fill('My laptop')
    await button(page, 'Add a passkey').click()
    await page.getByRole('status').filter({ hasText: 'was added' }).waitFor()
    const { credentials } = await device.session.send('WebAuthn.getCredentials', { authenticatorId: device.id })
    expect(credentials).toMatchObject([{ isResidentCredential: true, rpId: 'localhost' }])

    // Who is signed in has the password field focused: nothing is offered until the button is pressed.
    await page.goto('/login?return_to=/account/passkeys')
    await heading(page, 'Sign in to')
    await button(page, 'Use a passkey').click()
    await heading(page, 'Passkeys')

    // The field for the email address offers the passkey by itself (the virtual device confirms at once).
    await button(page, 'Sign out').click()
    await heading(page, 'Your account')
    await page.goto('/account/passkeys')

    await page.goto('/account/second-factor')
    await button(page, 'Require a passkey').click()
    await heading(page, 'Recovery codes')
    await page.context().clearCookies()

    await signIn(page, who)
    await heading(page, /^Enter your code|^Use your passkey/)
    await button(page, 'Use a passkey').click()
    await heading(page, 'Your account')

    await page.goto('/account/passkeys')
    await page.getByText(/^Manage/).click()
    await page.getByText(/^Remove…/).click()
    await button(page, /^Remove/).click()
    await page.getByRole('status').filter({ hasText: 'was removed' }).waitFor()
    await page.goto('/account/second-factor')
    await page.getByText('does not require a second factor').waitFor()
  })

  test('that its owner does not present leads to an error, and can be tried again', async () => {
    const page = await newVisitor()
    const { session, id } = await addAuthenticator(page)
    await session.send('WebAuthn.setUserVerified', { authenticatorId: id, isUserVerified: false })
    await page.goto('/login')
    await button(page, 'Use a passkey').click()
    await page.getByRole('alert').filter({ hasText: 'did not work' }).waitFor()
    expect(page.url()).toBe(`${origin}/login`)
    expect(await button(page, 'Use a passkey').isEnabled()).toBe(true)
  })

  test('is not offered without a script; a sentence explains why', async () => {
    const page = await newVisitor({ javaScriptEnabled: false })
    await page.goto('/login')
    await page.getByText('Passkeys need JavaScript').waitFor()
    expect(await button(page, 'Use a passkey').isVisible()).toBe(false)
  })
})
