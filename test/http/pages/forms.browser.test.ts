/**
 * Forms in a real browser whose `Sec-Fetch-Site` never arrives, as with Safari before 16.4 and behind filtering
 * proxies. A proxy in front of the service removes the header, since nothing on a page can.
 */
import { randomBytes } from 'node:crypto'
import { createServer, request as forward, type Server } from 'node:http'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sandbox, startSandbox } from '../../../sandbox/sandbox.ts'
import { readConfig } from '../../../src/config.ts'
import { createVinculum, type Vinculum } from '../../../src/vinculum.ts'
import { sharedBrowser } from '../../support/browser.ts'
import { freePort } from '../../support/service.ts'
import { newFile } from '../../support/sqlite.ts'

const password = 'a bar over letters that belong together'
const another = 'ten thousand lighthouses, unlit'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
}, 60_000)
afterAll(async () => {
  await sandbox?.close()
})

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor()
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })
const link = (page: Page, name: string | RegExp) => page.getByRole('link', { name })

describe.each([
  ['Sec-Fetch-Site', ['sec-fetch-site']],
  ['Sec-Fetch-Site and Origin', ['sec-fetch-site', 'origin']],
])('without %s,', (_, dropped) => {
  let proxy: Server
  let vinculum: Vinculum
  let origin: string
  /** The `Origin` of every POST, as the browser sent it. */
  const origins: (string | undefined)[] = []

  beforeAll(async () => {
    const port = await freePort()
    const front = await freePort()
    origin = `http://localhost:${front}`
    const config = readConfig({
      ...sandbox.env,
      HOST: '127.0.0.1',
      PORT: String(port),
      PUBLIC_URL: origin,
      DATABASE_URL: `file:${newFile()}`,
      ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
      RATE_LIMITS: 'off',
      LOG_LEVEL: 'silent',
    })
    if (!config.encryptionKeys) throw new Error('no keys')
    vinculum = await createVinculum({ ...config, encryptionKeys: config.encryptionKeys })
    await vinculum.listen()
    proxy = createServer((incoming, outgoing) => {
      if (incoming.method === 'POST') origins.push(incoming.headers.origin)
      const headers = Object.fromEntries(Object.entries(incoming.headers).filter(([name]) => !dropped.includes(name)))
      const { method, url } = incoming
      const sent = forward({ host: '127.0.0.1', port, method, path: url, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
        answer.pipe(outgoing)
      })
      sent.on('error', () => outgoing.destroy())
      incoming.pipe(sent)
    })
    await new Promise<void>((resolve) => proxy.listen(front, '127.0.0.1', resolve))
  }, 60_000)
  afterAll(async () => {
    proxy?.close()
    await vinculum?.close()
  })

  const open = async (path: string): Promise<Page> => {
    const context = await (await sharedBrowser()).newContext({
      baseURL: origin,
      javaScriptEnabled: false,
      locale: 'en-GB',
    })
    context.setDefaultTimeout(10_000)
    const page = await context.newPage()
    await page.goto(path)
    return page
  }

  /** Types the password, the last field of its form, and submits the form with Enter. */
  const send = async (page: Page, text: string): Promise<void> => {
    await page.locator('input[type=password]').fill(text)
    await page.locator('input[type=password]').press('Enter')
  }

  test('users register, sign in, change their name and sign out', async () => {
    const page = await open('/register')
    await page.locator('#email').fill('zoe@example.org')
    await send(page, password)
    await page.waitForURL('**/login**')
    await page.locator('#username').fill('zoe@example.org')
    await send(page, password)
    await heading(page, 'Your account')

    await page.getByRole('textbox', { name: 'Name' }).fill('Zoë')
    await button(page, 'Save').click()
    await page.getByText('Your profile was saved.').waitFor()
    await button(page, 'Sign out').click()
    await page.getByText('You are signed out.').waitFor()

    // Without a session again: the reset is requested, and completed with the link that was sent.
    await page.goto('/forgot-password')
    await page.locator('main input[type=email]').fill('zoe@example.org')
    await page.locator('main input[type=email]').press('Enter')
    await expect.poll(() => resetLink(page), { timeout: 10_000 }).not.toBe('')
    await page.goto(await resetLink(page))
    await send(page, another)
    await page.waitForURL('**/login**')
    await page.locator('#username').fill('zoe@example.org')
    await send(page, another)
    await heading(page, 'Your account')
    await page.context().close()
  }, 60_000)

  /** The link in the message, from the mailbox page that stands in for a mail server. */
  async function resetLink(page: Page): Promise<string> {
    await page.goto('/mailbox')
    const messages = page.locator('main a[href^="/mailbox/"]')
    for (let at = 0; at < (await messages.count()); at++) {
      await messages.nth(at).click()
      const [, found = ''] = /(\/reset-password\?ticket=[\w.~-]+)/.exec(await page.content()) ?? []
      if (found) return found
      await page.goto('/mailbox')
    }
    return ''
  }

  test('users resolve an account conflict', async () => {
    const first = await open('/login')
    await link(first, 'Continue with Google').click()
    await button(first, /^Continue as Grace/).click()
    await heading(first, 'Your account')
    const page = await open('/login')
    await page.getByText(/more providers/).click()
    await link(page, 'Continue with Atlassian').click()
    await button(page, /^Continue as Grace/).click()
    await heading(page, 'Is this account yours?')
    await button(page, /separate account/).click()
    await heading(page, 'Your account')
    await Promise.all([first.context().close(), page.context().close()])
  }, 60_000)

  test('another site gains no access', async () => {
    const page = await open('/login')
    const html = (target: string) =>
      `<form method="post" action="${origin}${target}"><input name="csrf" value="x"><button>Win</button></form>`
    await page.getByText(/more providers/).click()
    await link(page, 'Continue with GitHub').click()
    await button(page, /^Continue as Ada/).click()
    await heading(page, 'Your account')
    const elsewhere = await page.context().newPage()
    for (const target of ['/account/sign-out', '/login/password']) {
      await elsewhere.goto(`${sandbox.url}/`)
      await elsewhere.setContent(html(target))
      const [answer] = await Promise.all([
        elsewhere.waitForResponse((response) => response.request().method() === 'POST'),
        button(elsewhere, 'Win').click(),
      ])
      expect([target, [401, 403].includes(answer.status())]).toEqual([target, true])
    }
    await page.goto('/account')
    await heading(page, 'Your account')
    await page.context().close()
  }, 60_000)

  test('the browser did send Origin: null with our own forms', () => {
    expect(origins).toContain('null')
  })
})
