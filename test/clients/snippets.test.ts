/**
 * The examples of JavaScript on the page of an application, run as they are printed: each signs a person in, refreshes
 * and signs out. What surrounds them here is the server or the page of an application.
 */
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { TokenEndpointResponse, TokenEndpointResponseHelpers } from 'openid-client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { administratorOf, follow, register } from '../support/applications.ts'
import { launchBrowser, visit } from '../support/browser.ts'
import { inTree } from '../support/program.ts'
import { type Browser, type Json, startWorld, type World } from '../support/service.ts'
import { listenLater } from './relying-party.ts'

const folder = mkdtempSync(join(tmpdir(), 'vinculum-snippets-'))
let world: World
let admin: () => Promise<string>
let administrator: Browser
beforeAll(async () => {
  symlinkSync(inTree('node_modules'), join(folder, 'node_modules'))
  world = await startWorld()
  admin = await administratorOf(world)
  const who = world.newcomer()
  const { user } = await world.signIn('google', who)
  await world.vinculum.makeAdministrator(user.id)
  administrator = world.openBrowser()
  await administrator.signIn('google', who)
})
afterAll(async () => {
  await world?.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** The text of an example on the page of an application. */
async function printed(applicationId: string, name: string): Promise<string> {
  const { text } = await administrator.ask(`${world.base}/admin/applications/${applicationId}`)
  const found = [...text.matchAll(/<summary>([^<]*)<\/summary><pre><code>([\s\S]*?)<\/code>/g)]
  const [, , code] = found.find(([, summary]) => summary === name) ?? []
  expect(code, name).toBeDefined()
  return (code ?? '').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&amp;', '&')
}

type Tokens = TokenEndpointResponse & Partial<TokenEndpointResponseHelpers>
type NodeSnippet = {
  readonly signIn: () => Promise<{ readonly url: URL; readonly checks: object }>
  readonly finish: (url: URL, checks: object) => Promise<Tokens>
  readonly refresh: (tokens: Tokens) => Promise<Tokens>
  readonly signOutUrl: (tokens: Tokens) => URL
}

test.each<[string, Json]>([
  ['a server with a secret in the header', { kind: 'server' }],
  ['a server with a secret in the form', { kind: 'server', client_auth: 'client_secret_post' }],
  ['a native application', { kind: 'native', first_party: true }],
])('the example of openid-client signs a person in, refreshes and signs out: %s', async (_, about) => {
  const home = 'http://127.0.0.1:8082/'
  const { id, secret } = await register(world, admin, {
    redirect_uris: [`${home}callback`],
    post_logout_redirect_uris: [home],
    ...about,
  })
  const file = join(folder, `${id}.mjs`)
  writeFileSync(file, await printed(id, 'openid-client (Node.js)'))
  process.env.CLIENT_SECRET = secret ?? ''
  const snippet: NodeSnippet = await import(file)

  const [browser, who] = [world.openBrowser(), world.newcomer()]
  await browser.signIn('google', who)
  const { url, checks } = await snippet.signIn()
  const { left } = await follow(world, browser, url)
  const tokens = await snippet.finish(left as URL, checks)
  expect(tokens.claims?.()).toMatchObject({ aud: id, email: world.emailOf(who) })
  const next = await snippet.refresh(tokens)
  expect(next.refresh_token).not.toBe(tokens.refresh_token)
  const out = await follow(world, browser, snippet.signOutUrl(next))
  expect(out.left?.href).toBe(home)
  await expect(snippet.refresh(next)).rejects.toMatchObject({ error: 'invalid_grant' })
})

test('the example of oidc-client-ts signs a person in, refreshes and signs out, in a browser', async () => {
  const server = await listenLater()
  const home = `${server.origin}/`
  const browser = await launchBrowser()
  try {
    const { id } = await register(world, admin, {
      kind: 'browser',
      redirect_uris: [home],
      post_logout_redirect_uris: [home],
    })
    const file = join(folder, `${id}.js`)
    writeFileSync(file, await printed(id, 'oidc-client-ts (browser)'))
    const page = `import { signIn, signOut, user, users } from ${JSON.stringify(file)}
      document.querySelector('#who').textContent = user?.profile.email ?? 'nobody'
      document.querySelector('#in').onclick = signIn
      document.querySelector('#out').onclick = signOut
      document.querySelector('#refresh').onclick = async () => {
        const next = await users.signinSilent()
        document.querySelector('#who').textContent = next.refresh_token === user.refresh_token ? 'same' : 'refreshed'
      }`
    const { outputFiles } = await build({
      stdin: { contents: page, resolveDir: folder },
      bundle: true,
      format: 'esm',
      target: 'es2022',
      write: false,
    })
    const html = `<!doctype html><title>App</title><p id="who"></p><button id="in">Sign in</button>
      <button id="refresh">Refresh</button><button id="out">Sign out</button>
      <link rel="icon" href="data:,"><script type="module" src="/app.js"></script>`
    server.mount(({ url }, response) =>
      url === '/app.js'
        ? response.writeHead(200, { 'content-type': 'text/javascript' }).end(outputFiles[0]?.text)
        : response.writeHead(200, { 'content-type': 'text/html' }).end(html),
    )

    const context = await visit(browser, [world.base, world.sandbox.url, server.origin], { locale: 'en-GB' })
    const tab = await context.newPage()
    const says = (text: string) => tab.locator('#who').getByText(text, { exact: true }).waitFor()
    const press = (name: string) => tab.getByRole('button', { name, exact: true }).click()
    const who = world.newcomer()
    world.sandbox.as(who)
    await tab.goto(`${world.base}/auth/google`)
    world.sandbox.as('click')
    await tab.goto(home)
    await says('nobody')
    await press('Sign in')
    await says(world.emailOf(who))
    expect(tab.url()).toBe(home)
    await press('Refresh')
    await says('refreshed')
    await press('Sign out')
    await says('nobody')
    expect(tab.url()).toBe(home)
    await tab.goto(`${world.base}/account`)
    expect(tab.url()).toContain('/login')
    // A refusal is an error of the library, not another sign-in.
    await tab.goto(`${home}?error=access_denied&state=unknown`)
    await expect.poll(() => context.complaints.join()).toContain('No matching state')
  } finally {
    await browser.close()
    await server.close()
  }
})
