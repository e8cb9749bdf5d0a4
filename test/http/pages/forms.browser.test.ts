/**
 * Forms in a real browser whose `Sec-Fetch-Site` never arrives, as with Safari before 16.4 and behind filtering
 * proxies. A proxy in front of the service removes the header, since nothing on a page can.
 */
import { createServer, request as forward, type Server } from 'node:http'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Sandbox, startSandbox } from '../../../sandbox/sandbox.ts'
import { newContext, sharedBrowser } from '../../support/browser.ts'
import { eventually } from '../../support/eventually.ts'
import { isComplete } from '../../support/inspect.ts'
import { type LocalService, startLocalService } from '../../support/local-service.ts'
import { freePort } from '../../support/service.ts'

const password = 'a bar over letters that belong together'
const another = 'ten thousand lighthouses, unlit'

let sandbox: Sandbox
beforeAll(async () => {
  sandbox = await startSandbox()
})
afterAll(async () => {
  await sandbox?.close()
})

const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name }).waitFor()
const button = (page: Page, name: string | RegExp) => page.getByRole('button', { name })

/** Every form is protected in the same way: the suite submits some without each, `npm run bench:pages` all. */
const rest = ['reset', 'conflict'] as const
type Rest = (typeof rest)[number]
const variants: readonly (readonly [name: string, dropped: readonly string[], also: readonly Rest[]])[] = [
  ['Sec-Fetch-Site', ['sec-fetch-site'], isComplete ? rest : ['conflict']],
  ['Sec-Fetch-Site and Origin', ['sec-fetch-site', 'origin'], isComplete ? rest : ['reset']],
]
describe.each(variants)('without %s,', (_, dropped, also) => {
  let proxy: Server
  let service: LocalService
  let origin: string
  /** The `Origin` of every POST, as the browser sent it. */
  const origins: (string | undefined)[] = []

  beforeAll(async () => {
    const front = await freePort()
    origin = `http://localhost:${front}`
    service = await startLocalService({ ...sandbox.env, PUBLIC_URL: origin })
    const { port } = service
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
  })
  afterAll(async () => {
    proxy?.close()
    await service?.vinculum.close()
  })

  const open = async (path: string): Promise<Page> => {
    const options = { baseURL: origin, javaScriptEnabled: false, locale: 'en-GB' }
    const context = await newContext(await sharedBrowser(), options)
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
    await page.context().close()
  })

  const reset = async (): Promise<void> => {
    await fetch(`${origin}/auth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'lea@example.org', password }),
    })
    // The reset is requested without a session, and completed with the link that was sent.
    const page = await open('/forgot-password')
    await page.locator('main input[type=email]').fill('lea@example.org')
    await page.locator('main input[type=email]').press('Enter')
    await page.goto(await eventually(resetLink))
    await send(page, another)
    await page.waitForURL('**/login**')
    await page.locator('#username').fill('lea@example.org')
    await send(page, another)
    await heading(page, 'Your account')
    await page.context().close()
  }
  if (also.includes('reset')) test('users reset their password', reset)

  /** The link in the message to the user. */
  function resetLink(): string {
    const messages = service.vinculum.mailbox?.messages() ?? []
    const [found] = messages.flatMap(({ text }) => /\/reset-password\?ticket=[\w.~-]+/.exec(text) ?? [])
    if (found === undefined) throw new Error('the message has not come yet')
    return found
  }

  const conflict = async (): Promise<void> => {
    sandbox.as('grace')
    const first = await open('/auth/google')
    await heading(first, 'Your account')
    const page = await open('/auth/atlassian')
    sandbox.as('click')
    await heading(page, 'Is this account yours?')
    await button(page, /separate account/).click()
    await heading(page, 'Your account')
    await Promise.all([first.context().close(), page.context().close()])
  }
  if (also.includes('conflict')) test('users resolve an account conflict', conflict)

  test('another site gains no access', async () => {
    sandbox.as('ada')
    const page = await open('/auth/github')
    sandbox.as('click')
    const html = (target: string) =>
      `<form method="post" action="${origin}${target}"><input name="csrf" value="x"><button>Win</button></form>`
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
  })

  test('the browser did send Origin: null with our own forms', () => {
    expect(origins).toContain('null')
  })
})
