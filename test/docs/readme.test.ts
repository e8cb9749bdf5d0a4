/**
 * The README's examples, extracted from its text and run against the demo. Only the ports differ, since tests run in
 * parallel.
 */
import { execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Browser } from 'playwright-core'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createVisitor, nextOf } from '../../demo/visitor.ts'
import { launchBrowser, newContext, visit } from '../support/browser.ts'
import { endWithWorker } from '../support/children.ts'
import { inTree, type Program, startDemo } from '../support/program.ts'
import { freePort } from '../support/service.ts'

const folder = mkdtempSync(join(tmpdir(), 'vinculum-readme-'))
const ports = { vinculum: 0, sandbox: 0, browserApp: 0, serverApp: 0, sample: 0, api: 0 }
let demo: Program
let server: Server | undefined
let browser: Browser

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
    .replaceAll('localhost:8080', `localhost:${ports.browserApp}`)
    .replaceAll('8081', String(ports.serverApp))
}

beforeAll(async () => {
  for (const name of Object.keys(ports) as (keyof typeof ports)[]) ports[name] = await freePort()
  demo = startDemo(
    {
      PORT: String(ports.vinculum),
      SANDBOX_PORT: String(ports.sandbox),
      SAMPLE_APP_PORT: String(ports.sample),
      SAMPLE_API_PORT: String(ports.api),
      OWN_BROWSER_APP_PORT: String(ports.browserApp),
      OWN_SERVER_APP_PORT: String(ports.serverApp),
    },
    folder,
  )
  browser = await launchBrowser()
  await demo.saying('Ctrl+C to stop')
})
afterAll(async () => {
  await browser?.close()
  demo?.child.kill('SIGKILL')
  server?.close()
  rmSync(folder, { recursive: true, force: true })
})

test.each(['README.md', 'README.pt-BR.md'])('%s is a front door: it has at most 200 lines', (file) => {
  const lines = readFileSync(inTree(file), 'utf8').trimEnd().split('\n')
  expect(lines.length).toBeLessThanOrEqual(200)
})

const shell = (script: string) =>
  promisify(execFile)('bash', ['-e', '-o', 'pipefail', '-c', script], { cwd: folder, timeout: 120_000 })

test('an app signs up, signs in, reads its account and renews its tokens with the printed commands', async () => {
  const { stdout } = await shell(examples('I have a mobile or command-line app', 'sh'))
  expect(stdout).toContain('"email":"grace@example.com"')
  expect(stdout).toContain('"refresh_token":')
  expect(stdout).not.toContain('"code":')
})

/** The code blocks of a file, without comments. The words of a diagram are prose. */
const codeOf = (file: string) =>
  [...readFileSync(inTree(file), 'utf8').matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language, code = '']) => [
    language,
    language === 'mermaid' ? code.replace(/"[^"]*"/g, '""') : code.replace(/\s+(?:\/\/|#) .*$/gm, ''),
  ])

test('the Portuguese README has the same examples', () => {
  const english = codeOf('README.md')
  expect(english.map(([language]) => language)).toEqual(expect.arrayContaining(['html', 'js', 'sh', 'ts']))
  expect(codeOf('README.pt-BR.md')).toEqual(english)
})

test('an API verifies an access token with the printed function, and rejects a modified one', async () => {
  writeFileSync(join(folder, 'verify.ts'), examples('I have an API to protect', 'ts'))
  if (!existsSync(join(folder, 'node_modules'))) symlinkSync(inTree('node_modules'), join(folder, 'node_modules'))
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
})

/** The page is in a folder with its library, which is what `npm install` and `npx http-server` give the reader. */
async function servePage(html: string): Promise<void> {
  const library = inTree('node_modules/oidc-client-ts/dist/browser/oidc-client-ts.min.js')
  server = createServer(({ url }, response) =>
    url?.startsWith('/node_modules/')
      ? response.writeHead(200, { 'content-type': 'text/javascript' }).end(readFileSync(library))
      : response.writeHead(200, { 'content-type': 'text/html' }).end(html),
  )
  await new Promise<void>((resolve) => server?.listen(ports.browserApp, '127.0.0.1', resolve))
}
const closePage = () => new Promise((resolve) => server?.close(resolve))

test.each([
  ['README.md', 'I have a browser app'],
  ['docs/clients.md', 'Browser apps'],
])('the page printed in %s signs a user in, in a browser on another origin', async (file, heading) => {
  await servePage(examples(heading, 'html', file))
  const context = await newContext(browser)
  try {
    const page = await context.newPage()
    const here = `http://localhost:${ports.browserApp}/`
    await page.goto(here)
    await page.getByRole('button', { name: 'Sign in' }).click()
    await page.getByText('Continue with Google').click()
    await page.getByText('Ada').first().click()
    await page.waitForURL(`${here}**`)
    const result = page.locator('#result')
    await expect.poll(() => result.textContent()).toContain('ada@example.com')
    expect(page.url()).toBe(here)
    const signOut = page.getByRole('button', { name: 'Sign out' })
    if ((await signOut.count()) === 0) return
    await signOut.click()
    await expect.poll(() => result.textContent()).toBe('')
    await page.goto(`http://localhost:${ports.vinculum}/account`)
    expect(page.url()).toContain('/login')
  } finally {
    await context.close()
    await closePage()
  }
})

test('the printed web app signs a user in and out', async () => {
  const here = `http://localhost:${ports.serverApp}`
  const control = (identity: string) =>
    fetch(`http://127.0.0.1:${ports.sandbox}/_sandbox/as`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ identity }),
    })
  if (!existsSync(join(folder, 'node_modules'))) symlinkSync(inTree('node_modules'), join(folder, 'node_modules'))
  writeFileSync(join(folder, 'app.mjs'), examples('I have a server-side web app', 'js'))
  const app = endWithWorker(spawn(process.execPath, ['app.mjs'], { cwd: folder, stdio: 'inherit' }))
  try {
    const visitor = createVisitor()
    await expect
      .poll(() =>
        fetch(here)
          .then(({ ok }) => ok)
          .catch(() => false),
      )
      .toBe(true)
    await control('ada')
    let visit = await visitor.ask(`${here}/login`)
    for (let hop = 0; hop < 15 && visit.url.href !== `${here}/`; hop++) {
      const returnTo = visit.url.searchParams.get('return_to') ?? ''
      const chosen = () => new URL(`/auth/google?${new URLSearchParams({ return_to: returnTo })}`, visit.url)
      visit = await visitor.ask(nextOf(visit) ?? chosen())
    }
    expect(JSON.parse(visit.text)).toMatchObject({ email: 'ada@example.com' })
    const out = await visitor.go(`${here}/logout`)
    expect([out.url.href, out.text]).toEqual([`${here}/`, '"signed out"'])
  } finally {
    app.kill('SIGKILL')
    await control('click')
  }
})

test('the sample app and its API refuse what they do not have, and keep running', async () => {
  const [app, api] = [ports.sample, ports.api].map((port) => `http://localhost:${port}`)
  const statusOf = (url: string, headers = {}) => fetch(url, { headers }).then(({ status }) => status)
  for (const at of [app, api]) for (const path of ['//', '/constructor']) expect(await statusOf(at + path)).toBe(404)
  const unsigned = ['{"alg":"none","typ":"at+jwt"}', `{"aud":"${api}","scope":"notes:read"}`].map(btoa).join('.')
  for (const authorization of ['', 'Basic YTpi', 'Bearer a.b.c', `Bearer ${unsigned}.`])
    expect(await statusOf(`${api}/notes`, { authorization })).toBe(401)
  expect(await statusOf(`${app}/`)).toBe(200)
})

test('the sample app signs a user in, calls its API, refreshes and signs out, in a browser', async () => {
  const app = `http://localhost:${ports.sample}/`
  const known = [ports.sample, ports.api, ports.vinculum].map((port) => `http://localhost:${port}`)
  const context = await visit(browser, [...known, `http://127.0.0.1:${ports.sandbox}`])
  try {
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
    await context.close()
  }
})
