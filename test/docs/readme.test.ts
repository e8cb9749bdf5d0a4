/**
 * The README's examples, extracted from its text and run against the demo. Only the ports differ, since tests run in
 * parallel.
 */
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { launchBrowser, visit } from '../support/browser.ts'
import { inTree, type Program, startProgram } from '../support/program.ts'
import { freePort } from '../support/service.ts'

const folder = mkdtempSync(join(tmpdir(), 'vinculum-readme-'))
const ports = { vinculum: 0, sandbox: 0, application: 0, sample: 0, api: 0 }
let demo: Program
let server: Server | undefined

/** The code blocks of one language under one heading, with the ports of this run. */
const examples = (heading: string, language: string, file = 'README.md'): string => {
  const text = readFileSync(inTree(file), 'utf8')
  const section = text.split(/^#+ /m).find((each) => each.startsWith(`${heading}\n`)) ?? ''
  const blocks = [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].filter(([, name]) => name === language)
  expect(blocks, `${language} under ${heading}`).not.toEqual([])
  return blocks
    .map(([, , code]) => code)
    .join('\n')
    .replaceAll('localhost:3000', `localhost:${ports.vinculum}`)
    .replaceAll('localhost:8080', `localhost:${ports.application}`)
}

beforeAll(async () => {
  ports.vinculum = await freePort()
  ports.sandbox = await freePort()
  ports.application = await freePort()
  ports.sample = await freePort()
  ports.api = await freePort()
  demo = startProgram(
    'demo/demo.ts',
    {
      PORT: String(ports.vinculum),
      SANDBOX_PORT: String(ports.sandbox),
      SAMPLE_APP_PORT: String(ports.sample),
      SAMPLE_API_PORT: String(ports.api),
      RETURN_TO_ALLOWED: `http://localhost:${ports.application}/`,
    },
    folder,
  )
  await demo.saying('Ctrl+C to stop')
}, 60_000)
afterAll(() => {
  demo?.child.kill('SIGKILL')
  server?.close()
  rmSync(folder, { recursive: true, force: true })
})

const shell = (script: string) =>
  promisify(execFile)('bash', ['-e', '-o', 'pipefail', '-c', script], { cwd: folder, timeout: 30_000 })

test('an app signs up, signs in, reads its account and renews its tokens with the printed commands', async () => {
  const { stdout } = await shell(examples('I have a mobile or command-line app', 'sh'))
  expect(stdout).toContain('"email":"grace@example.com"')
  expect(stdout).toContain('"refresh_token":')
  expect(stdout).not.toContain('"code":')
}, 60_000)

test('the commands of the Portuguese README do the same', async () => {
  const script = examples('Conecte o seu aplicativo', 'sh', 'README.pt-BR.md')
  const { stdout } = await shell(script.replaceAll('grace@', 'graca@'))
  expect(stdout).toContain('"email":"graca@example.com"')
  expect(stdout).toContain('"refresh_token":')
  expect(stdout).not.toContain('"code":')
}, 60_000)

test('an API verifies an access token with the printed function, and rejects a modified one', async () => {
  writeFileSync(join(folder, 'verify.ts'), examples('I have an API to protect', 'ts'))
  symlinkSync(inTree('node_modules'), join(folder, 'node_modules'))
  const app = `http://localhost:${ports.vinculum}`
  const email = 'api@example.com'
  const password = 'eleven purple tractors'
  await fetch(`${app}/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password, name: 'Api' }),
  })
  const body = new URLSearchParams({ username: email, password })
  const answer = await fetch(`${app}/auth/token`, { method: 'POST', body })
  const { access_token: token } = await answer.json()
  const me = await fetch(`${app}/me`, { headers: { authorization: `Bearer ${token}` } })
  const { verifyAccessToken } = await import(join(folder, 'verify.ts'))
  expect(await verifyAccessToken(token)).toMatchObject({ sub: (await me.json()).id })
  await expect(verifyAccessToken(`${token.slice(0, -4)}AAAA`)).rejects.toThrow()
}, 60_000)

test('the printed page of a browser app signs a user in, in a browser on another origin', async () => {
  const html = examples('I have a browser app', 'html')
  server = createServer((_, response) => response.writeHead(200, { 'content-type': 'text/html' }).end(html))
  await new Promise<void>((resolve) => server?.listen(ports.application, '127.0.0.1', resolve))
  const browser = await launchBrowser()
  try {
    const page = await browser.newPage()
    page.setDefaultTimeout(20_000)
    await page.goto(`http://localhost:${ports.application}/`)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('Continue with Google').click()
    await page.getByText('Ada').first().click()
    await page.waitForURL(`http://localhost:${ports.application}/**`)
    const result = page.locator('#result')
    await expect.poll(() => result.textContent(), { timeout: 20_000 }).toContain('ada@example.com')
    expect(page.url()).toBe(`http://localhost:${ports.application}/`)
  } finally {
    await browser.close()
  }
}, 90_000)

test('the sample app signs a user in, calls its API, refreshes and signs out, in a browser', async () => {
  const browser = await launchBrowser()
  const app = `http://localhost:${ports.sample}/`
  const known = [ports.sample, ports.api, ports.vinculum].map((port) => `http://localhost:${port}`)
  try {
    const context = await visit(browser, [...known, `http://127.0.0.1:${ports.sandbox}`])
    const page = await context.newPage()
    const press = (name: string) => page.getByRole('button', { name, exact: true }).click()
    const says = (text: string) => page.getByText(text).waitFor()
    /** What the library stores about the user. */
    const stored = () =>
      page.evaluate(() =>
        JSON.parse(Object.entries(sessionStorage).find(([key]) => key.startsWith('oidc.user'))?.[1] ?? 'null'),
      )
    await page.goto(app)
    await press('Sign in')
    await page.getByText('Continue with Google').click()
    await page.getByText('Grace').first().click()
    await page.waitForURL(app)
    await says('grace@gmail.com')
    await press('Call the sample API')
    await says('Water the plants')
    const first = await stored()
    await press('Refresh the tokens')
    await says('The tokens were refreshed.')
    expect((await stored()).refresh_token).not.toBe(first.refresh_token)
    await press('Call the sample API')
    await says('Water the plants')
    await press('Sign out')
    await page.getByRole('button', { name: 'Sign in', exact: true }).waitFor()
    expect(page.url()).toBe(app)
    expect(await stored()).toBeNull()

    // Signed in again. When the session ends elsewhere, the next refresh fails and the app says so.
    await press('Sign in')
    await page.getByText('Continue with Google').click()
    await page.getByText('Grace').first().click()
    await says('grace@gmail.com')
    const account = await context.newPage()
    await account.goto(`http://localhost:${ports.vinculum}/account`)
    await account.getByRole('button', { name: 'Sign out' }).click()
    await account.waitForURL(/\/login/)
    await press('Refresh the tokens')
    await says('Your session has ended. Sign in again.')
    expect(context.complaints).toEqual([])
  } finally {
    await browser.close()
  }
}, 90_000)
