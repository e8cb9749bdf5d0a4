import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { BrowserContextOptions, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sandbox, startSandbox } from '../../../sandbox/sandbox.ts'
import { pkceChallenge } from '../../../src/kernel/crypto.ts'
import { inspect } from '../../support/inspect.ts'
import { type LocalService, startLocalService } from '../../support/local-service.ts'
import { visitors } from '../../support/visitors.ts'

let sandbox: Sandbox
let service: LocalService
let app: Server
let origin: string
let appOrigin: string
let known: readonly string[]
const visit = visitors()

const listening = (server: Server): Promise<number> =>
  new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))

beforeAll(async () => {
  sandbox = await startSandbox()
  app = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end('<h1>The app</h1>'))
  appOrigin = `http://localhost:${await listening(app)}`
  service = await startLocalService({
    ...sandbox.envOf(['google', 'github', 'atlassian', 'oidc', 'oauth2']),
    RETURN_TO_ALLOWED: `${appOrigin}/app`,
  })
  origin = service.origin
  known = [origin, sandbox.url, appOrigin]
})

afterAll(async () => {
  await service?.vinculum.close()
  app?.close()
  await sandbox?.close()
})

/** A separate browser on a page of the service, which must report no error at the end. */
async function newVisitor(options: BrowserContextOptions = {}): Promise<Page> {
  const visitor = await visit(known, {
    baseURL: origin,
    // Everything here must work without JavaScript.
    javaScriptEnabled: false,
    reducedMotion: 'reduce',
    ...options,
  })
  return visitor.newPage()
}

const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })
const link = (page: Page, name: string | RegExp) => page.getByRole('link', { name })
const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor()

/** Chooses this user on the sandbox page. */
async function be(page: Page, title: RegExp): Promise<void> {
  await page.waitForURL(`${sandbox.url}/**`)
  await button(page, title).click()
}

async function signIn(page: Page, provider: string, title: RegExp): Promise<void> {
  await page.goto('/login')
  await page.getByText(/more providers/).click()
  await link(page, `Continue with ${provider}`).click()
  await be(page, title)
}

describe('a user with a browser', () => {
  test('signs in, links, unlinks and signs out, without a browser error', async () => {
    const page = await newVisitor({ locale: 'en-GB' })
    await page.goto('/')
    await heading(page, 'Sign in')

    await link(page, 'Continue with GitHub').click()
    await be(page, /^Continue as Ada/)
    await heading(page, 'Your account')
    await inspect(page, 'account-new')

    // `form-action` also applies to the redirect after the form.
    await link(page, 'Sign-in methods').click()
    await page.getByText('Link another sign-in method').click()
    await button(page, 'Link Google').click()
    await be(page, /^Continue as Ada/)
    await page.getByText('The sign-in method was linked to your account.').waitFor()

    await page.getByText('Link another sign-in method').click()
    // Acme ID was not contacted yet, so the target of its form is not known before.
    await link(page, 'Link Acme ID').click()
    await heading(page, 'Link Acme ID')
    await button(page, 'Link Acme ID').click()
    await be(page, /^Continue as Ada/)
    await page.getByText('The sign-in method was linked to your account.').waitFor()
    await inspect(page, 'account-sign-in')

    await link(page, 'Profile').click()
    await page.getByRole('textbox', { name: 'Name' }).fill('Ada <script>alert(1)</script> King')
    await button(page, 'Save').click()
    await page.getByText('Your profile was saved.').waitFor()
    expect(await page.getByRole('textbox', { name: 'Name' }).inputValue()).toBe('Ada <script>alert(1)</script> King')

    await link(page, 'Sign-in methods').click()
    await link(page, /Manage Google/).click()
    await heading(page, 'Your Google sign-in')
    await page.getByRole('heading', { name: 'What Google says about you' }).waitFor()
    await link(page, 'All sign-in methods').click()

    await link(page, /Manage GitHub/).click()
    await link(page, /Unlink GitHub/).click()
    await heading(page, 'Unlink GitHub?')
    await button(page, 'Yes, unlink GitHub').click()
    await page.getByText('The sign-in method was unlinked').waitFor()
    expect(await link(page, /Manage GitHub/).count()).toBe(0)

    await link(page, 'Activity').click()
    await heading(page, 'Activity')
    await page.getByText('GitHub unlinked').waitFor()

    await button(page, 'Sign out').click()
    await page.getByText('You are signed out.').waitFor()
    await page.goto('/account')
    await heading(page, 'Sign in')
    expect(new URL(page.url()).searchParams.get('return_to')).toBe('/account')
  })

  test('learns that their email address has an account, proves it and reaches that account', async () => {
    const first = await newVisitor()
    await signIn(first, 'Google', /^Continue as Grace/)
    await heading(first, 'Your account')

    // Atlassian's email address does not count as proof.
    const page = await newVisitor()
    await signIn(page, 'Atlassian', /^Continue as Grace/)
    await heading(page, 'Is this account yours?')
    await page.getByText('g•••@gmail.com').waitFor()
    const question = page.url()

    await button(page, 'Continue with Google').click()
    await be(page, /^Continue as Grace/)
    await page.waitForURL(question)
    await inspect(page, 'conflict-proven')
    await button(page, 'Yes, link Atlassian to my account').click()
    await heading(page, 'Your account')
    await link(page, 'Sign-in methods').click()
    await page.getByRole('heading', { level: 3, name: 'Atlassian' }).waitFor()
    await page.getByRole('heading', { level: 3, name: 'Google' }).waitFor()

    // What ends something asks first, and says what will happen.
    await link(page, 'Devices').click()
    await heading(page, 'Devices')
    await inspect(page, 'account-two-devices')
    await page.getByText(/^Sign out…/).click()
    await page.getByText('The device is signed out within a few minutes.').waitFor()
    await inspect(page, 'account-device-asked')
    await button(page, /^Sign out \(/).click()
    await page.getByText('The device was signed out.').waitFor()
    await first.goto('/account')
    await heading(first, 'Sign in')

    // Resolved once; the conflict is gone.
    await page.goto(question)
    await heading(page, 'Question no longer open')
    await inspect(page, 'error')
  })

  test('keeps an account that is not theirs separate, and continues to the requesting app', async () => {
    const owner = await newVisitor()
    await signIn(owner, 'GitHub', /^Continue as Ada/)
    await heading(owner, 'Your account')

    const page = await newVisitor({ locale: 'pt-BR' })
    const challenge = pkceChallenge('v'.repeat(43))
    const target = `${appOrigin}/app/welcome`
    await page.goto(
      `/login?return_to=${encodeURIComponent(target)}&code_challenge=${challenge}&code_challenge_method=S256&utm_source=x`,
    )
    await heading(page, 'Entrar')
    await link(page, 'Continuar com Google').click()
    await be(page, /^Continue as Mallory/)
    await heading(page, 'Esta conta é sua?')
    await inspect(page, 'conflict-pt')
    await button(page, 'Criar uma conta separada').click()
    await page.waitForURL(`${target}?code=*`)
  })

  test('confirms a sign-in that another site started', async () => {
    const page = await newVisitor()
    await page.goto(`${appOrigin}/app`)
    await page.setContent(`<a href="${origin}/auth/github?return_to=/account/activity">A nice picture</a>`)
    await link(page, 'A nice picture').click()
    await heading(page, 'Sign in')
    expect(new URL(page.url()).searchParams.get('return_to')).toBe('/account/activity')
    await link(page, 'Continue with GitHub').click()
    await be(page, /^Continue as Ada/)
    await heading(page, 'Activity')
  })

  test('finds a next step on an error page', async () => {
    const page = await newVisitor()
    await page.goto('/login')
    await page.getByText(/more providers/).click()
    await link(page, 'Continue with Beta').click()
    await page.waitForURL(`${sandbox.url}/**`)
    await button(page, 'Deny').click()
    await heading(page, 'Declined at the provider')
    expect((await page.context().cookies(origin)).filter(({ name }) => name.includes('flow_'))).toEqual([])
    await inspect(page, 'declined')
    await link(page, 'Sign in again').click()
    await heading(page, 'Sign in')
    await page.goto('/login?return_to=https://evil.example/')
    await heading(page, 'Return URL not allowed')
    await page.goto('/nowhere')
    await heading(page, 'Not found')
  })

  test('reaches everything with the keyboard, with visible focus', async () => {
    const page = await newVisitor()
    await page.goto('/login')
    // The field for the email address has the focus: the way back leads to the top.
    await expect.poll(() => page.evaluate(() => document.activeElement?.id)).toBe('username')
    const skip = page.getByText('Skip to the content')
    const isFocused = () => skip.evaluate((element) => element === document.activeElement)
    for (let at = 0; at < 15 && !(await isFocused()); at++) await page.keyboard.press('Shift+Tab')
    expect(await isFocused()).toBe(true)
    expect((await skip.boundingBox())?.y).toBeGreaterThanOrEqual(0)
    await page.keyboard.press('Enter')
    await page.keyboard.press('Tab')
    const focused = () =>
      page.evaluate(() => {
        const element = document.activeElement as HTMLElement
        const { outlineStyle, outlineWidth } = getComputedStyle(element)
        return { text: element.textContent, outlined: outlineStyle !== 'none' && Number.parseFloat(outlineWidth) >= 2 }
      })
    expect(await focused()).toEqual({ text: 'Continue with Google', outlined: true })
    await page.keyboard.press('Tab')
    expect(await focused()).toMatchObject({ outlined: true })
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Enter')
    await be(page, /^Continue as Zoë/)
    await heading(page, 'Your account')

    // Of radio buttons, the arrow keys reach the ones that are not chosen.
    const wanted = await page.evaluate(
      () =>
        Array.from(
          document.querySelectorAll('a, button, summary, select, input:not([type=hidden], [type=radio]:not(:checked))'),
        ).filter((element) => element.checkVisibility({ contentVisibilityAuto: true })).length,
    )
    const reached = new Set<string>()
    for (let at = 0; at < wanted + 2; at++) {
      await page.keyboard.press('Tab')
      reached.add(
        await page.evaluate(() => {
          const all = Array.from(document.querySelectorAll('a, button, summary, select, input:not([type=hidden])'))
          return String(all.indexOf(document.activeElement as Element))
        }),
      )
    }
    reached.delete('-1')
    expect(reached.size).toBe(wanted)
  })

  test('deletes the account after a confirmation', async () => {
    const page = await newVisitor()
    await signIn(page, 'Google', /^Continue as Linus/)
    await heading(page, 'Your account')
    await link(page, 'Your data').click()
    await link(page, 'Delete account…').click()
    await heading(page, 'Delete your account?')
    await button(page, 'Yes, delete my account').click()
    await page.getByText('Your account was deleted').waitFor()
    await page.goto('/account')
    await heading(page, 'Sign in')
  })
})
