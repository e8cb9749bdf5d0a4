/**
 * An app on another origin, in a real browser: from the first click to the code, the tokens, `GET /me` and a refresh.
 * Only a browser can tell whether the preflight responses are sufficient.
 */
import { randomBytes } from 'node:crypto'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Sandbox, startSandbox } from '../../../sandbox/sandbox.ts'
import { readConfig } from '../../../src/config.ts'
import { createVinculum, type Vinculum } from '../../../src/vinculum.ts'
import { newContext, sharedBrowser } from '../../support/browser.ts'
import { freePort } from '../../support/service.ts'
import { newFile } from '../../support/sqlite.ts'

let browser: Browser
let sandbox: Sandbox
let vinculum: Vinculum
let service: string
const servers: Server[] = []

/** The app's own server: a single page for its scripts to run on. */
async function serveApplication(): Promise<string> {
  const html = '<!doctype html><link rel="icon" href="data:,"><h1>The application</h1>'
  const server = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(html))
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `http://localhost:${(server.address() as AddressInfo).port}`
}
let application: string
let stranger: string

beforeAll(async () => {
  sandbox = await startSandbox()
  application = await serveApplication()
  stranger = await serveApplication()
  const port = await freePort()
  const config = readConfig({
    ...sandbox.env,
    HOST: '127.0.0.1',
    PORT: String(port),
    // A different site than the app's, as in production: `localhost` and `127.0.0.1` share no cookies.
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    DATABASE_URL: `file:${newFile()}`,
    ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    RETURN_TO_ALLOWED: `${application}/signed-in`,
    LOG_LEVEL: 'silent',
  })
  if (!config.encryptionKeys) throw new Error('no keys')
  vinculum = await createVinculum({ ...config, encryptionKeys: config.encryptionKeys })
  await vinculum.listen()
  service = config.publicUrl.origin
  browser = await sharedBrowser()
})
afterAll(async () => {
  await vinculum?.close()
  for (const server of servers) server.close()
  await sandbox?.close()
})

type Asking = {
  readonly method?: string
  readonly token?: string
  readonly json?: object
  readonly form?: Readonly<Record<string, string>>
  readonly credentials?: 'include'
}
type Told = {
  readonly status: number
  readonly body: Readonly<Record<string, unknown>>
  readonly requestId: string | null
  readonly retryAfter: string | null
  readonly challenge: string | null
}
/** `fetch` by a script on the page; a script learns only `blocked` of a response it may not read. */
const ask = (page: Page, path: string, asking: Asking = {}): Promise<Told | 'blocked'> =>
  page.evaluate(
    async ({ url, method, token, json, form, credentials }) => {
      const headers: Record<string, string> = {}
      if (token) headers.authorization = `Bearer ${token}`
      if (json) headers['content-type'] = 'application/json'
      const body = json ? JSON.stringify(json) : form ? new URLSearchParams(form) : null
      try {
        const answer = await fetch(url, {
          method: method ?? 'GET',
          headers,
          body,
          credentials: credentials ?? 'same-origin',
        })
        const text = await answer.text()
        return {
          status: answer.status,
          body: text.startsWith('{') ? JSON.parse(text) : {},
          requestId: answer.headers.get('x-request-id'),
          retryAfter: answer.headers.get('retry-after'),
          challenge: answer.headers.get('www-authenticate'),
        }
      } catch {
        return 'blocked' as const
      }
    },
    { url: new URL(path, service).href, ...asking },
  )
const read = async (page: Page, path: string, asking?: Asking): Promise<Told> => {
  const told = await ask(page, path, asking)
  if (told === 'blocked') throw new Error(`the browser blocked ${path}`)
  return told
}

/** The flow in the README: a link with the app's own challenge, and a code that comes back. */
async function signIn(page: Page): Promise<Told> {
  const returnTo = `${application}/signed-in`
  await page.goto(returnTo)
  const { verifier, challenge } = await page.evaluate(async () => {
    const base64url = (bytes: Uint8Array): string =>
      btoa(String.fromCharCode(...bytes))
        .replace(/\+/g, '-')
        .replace(/\//g, '_')
        .replace(/=+$/, '')
    const secret = base64url(crypto.getRandomValues(new Uint8Array(32)))
    const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(secret))
    return { verifier: secret, challenge: base64url(new Uint8Array(digest)) }
  })
  const query = new URLSearchParams({ return_to: returnTo, code_challenge: challenge, code_challenge_method: 'S256' })
  await page.evaluate((href) => {
    const link = document.createElement('a')
    link.href = href
    link.textContent = 'Sign in'
    document.body.append(link)
  }, `${service}/auth/google?${query}`)
  await page.getByRole('link', { name: 'Sign in' }).click()
  await page.getByRole('button', { name: /^Continue as Ada/ }).click()
  await page.waitForURL(`${returnTo}?code=*`)
  const code = new URL(page.url()).searchParams.get('code') ?? ''
  const form = { grant_type: 'authorization_code', code, code_verifier: verifier }
  return read(page, '/auth/token', { method: 'POST', form })
}

const newPage = async (): Promise<Page> => (await newContext(browser)).newPage()

test('an app on an allowed origin signs in, exchanges its code and refreshes its token', async () => {
  const page = await newPage()
  const exchanged = await signIn(page)
  expect([exchanged.status, exchanged.body.token_type]).toEqual([200, 'bearer'])

  const me = await read(page, '/me', { token: String(exchanged.body.access_token) })
  expect([me.status, me.body.id]).toEqual([200, (exchanged.body.user as { id: string }).id])
  expect(me.requestId).toMatch(/^req_/)

  const refreshToken = String(exchanged.body.refresh_token)
  const refreshed = await read(page, '/auth/refresh', { method: 'POST', json: { refresh_token: refreshToken } })
  expect(refreshed.status).toBe(200)
  const token = String(refreshed.body.access_token)
  const again = await read(page, '/auth/refresh', { method: 'POST', token: String(refreshed.body.refresh_token) })
  expect(again.status).toBe(200)
  const renamed = await read(page, '/me', { method: 'PATCH', token, json: { name: 'Ada of the Application' } })
  expect([renamed.status, renamed.body.name]).toEqual([200, 'Ada of the Application'])

  // The app can read errors.
  const expired = await read(page, '/me', { token: 'nonsense' })
  expect([expired.status, expired.body.code, expired.challenge]).toEqual([
    401,
    'token_invalid',
    expect.stringContaining('invalid_token'),
  ])
  expect((await read(page, '/nowhere', { token })).status).toBe(404)
  expect((await read(page, '/me', { method: 'PUT', token, json: {} })).status).toBe(405)
  const large = { method: 'PATCH', token, json: { name: 'a'.repeat(70_000) } }
  expect((await read(page, '/me', large)).status).toBe(413)

  // Pages, and routes for navigation only.
  for (const path of ['/login', '/account', '/auth/google', '/auth/google/callback']) {
    expect([path, await ask(page, path)]).toEqual([path, 'blocked'])
  }
  expect(await ask(page, '/me', { credentials: 'include' })).toBe('blocked')
  await page.context().close()
})

test('an app on another origin is blocked, even with a token', async () => {
  const page = await newPage()
  const { body } = await signIn(page)
  const token = String(body.access_token)
  await page.goto(stranger)
  expect(await ask(page, '/me', { token })).toBe('blocked')
  expect(await ask(page, '/me')).toBe('blocked')
  expect(await ask(page, '/auth/refresh', { method: 'POST', json: { refresh_token: 'x' } })).toBe('blocked')
  const form = { grant_type: 'refresh_token', refresh_token: 'x' }
  expect(await ask(page, '/auth/token', { method: 'POST', form })).toBe('blocked')
  // Keys and metadata are open to every origin.
  expect((await read(page, '/.well-known/jwks.json')).status).toBe(200)
  expect((await read(page, '/.well-known/oauth-authorization-server')).status).toBe(200)
  await page.context().close()
})

test('an app can read Retry-After', async () => {
  const page = await newPage()
  await page.goto(`${application}/signed-in`)
  let limited = await read(page, '/auth/password/forgot', { method: 'POST', json: { email: 'nobody@example.com' } })
  for (let at = 0; at < 60 && limited.status !== 429; at++) {
    limited = await read(page, '/auth/password/forgot', { method: 'POST', json: { email: 'nobody@example.com' } })
  }
  expect([limited.status, limited.retryAfter]).toEqual([429, expect.stringMatching(/^\d+$/)])
  await page.context().close()
})
