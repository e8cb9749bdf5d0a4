import { spawn } from 'node:child_process'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { CLIENTS } from '../../sandbox/providers/index.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { endWithWorker } from '../support/children.ts'
import { walker } from './walk.ts'

let sandbox: Sandbox
let walk: ReturnType<typeof walker>
beforeAll(async () => {
  sandbox = await startSandbox()
  walk = walker(sandbox, 'google')
})
beforeEach(() => sandbox.reset())
afterAll(() => sandbox.close())

const tell = async (method: string, path: string, body?: unknown) => {
  const response = await fetch(`${sandbox.url}/_sandbox${path}`, {
    method,
    ...(body !== undefined && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  })
  const text = await response.text()
  return { status: response.status, text, body: text === '' ? undefined : JSON.parse(text) }
}

it('signs in, declines and asks again as configured', async () => {
  await tell('POST', '/as', { identity: 'grace' })
  expect((await walk.profile((await walk.signIn()).access_token)).body.email).toBe('grace@gmail.com')
  await tell('POST', '/deny', { on: true })
  expect((await walk.authorize()).location?.searchParams.get('error')).toBe('access_denied')
  await tell('POST', '/as', { identity: 'click' })
  expect((await walk.authorize()).status).toBe(200)
  expect((await tell('POST', '/as', { identity: 'nobody' })).status).toBe(400)
})

it('sets and clears faults', async () => {
  const at = { provider: 'google', endpoint: 'token', times: 1 }
  expect((await tell('POST', '/faults', { at, what: { kind: 'status', status: 429 } })).status).toBe(201)
  expect((await walk.trade('4/x')).status).toBe(429)
  await tell('POST', '/faults', { at, what: { kind: 'null' } })
  await tell('DELETE', '/faults')
  expect((await tell('GET', '/faults')).body).toEqual([])
  expect((await tell('POST', '/faults', { at, what: { kind: 'nonsense' } })).status).toBe(400)
  expect((await tell('POST', '/faults', { at: { provider: 'x' }, what: { kind: 'null' } })).status).toBe(400)
})

it('shows the journal with every secret masked', async () => {
  sandbox.as('ada')
  const { refresh_token, access_token } = await walk.signIn({ access_type: 'offline' })
  await walk.renew(refresh_token)
  await walk.profile(access_token)
  const { text, body } = await tell('GET', '/journal?provider=google')
  expect(body.map(({ endpoint }: { endpoint: string }) => endpoint)).toEqual([
    'authorize',
    'token',
    'token',
    'userinfo',
  ])
  const code = String(sandbox.journal.calls('google', 'token')[0]?.body.code)
  for (const secret of [CLIENTS.google.secret, code, String(refresh_token), String(access_token)]) {
    expect(text).not.toContain(secret)
  }
  await tell('DELETE', '/journal')
  expect(sandbox.journal).toHaveLength(0)
})

it('adds people, flips switches, moves the clock, and resets', async () => {
  const ida = { key: 'ida', name: 'Ida', email: 'ida@example.com', verified: true, google: { hd: 'ida.example' } }
  expect((await tell('POST', '/identities', ida)).body.google).toMatchObject({ hd: 'ida.example', email: ida.email })
  await tell('POST', '/switches', { github: { app: 'github-app' }, atlassian: { strict: true } })
  expect(sandbox.switches.github.app).toBe('github-app')
  expect(sandbox.switches.atlassian).toMatchObject({ strict: true, revoke: 404 })
  expect((await tell('POST', '/switches', { github: { nonsense: 1 } })).status).toBe(400)
  const before = Date.parse((await tell('GET', '/')).body.now)
  const after = Date.parse((await tell('POST', '/clock', { advance_seconds: 3600 })).body.now)
  expect(after - before).toBeGreaterThanOrEqual(3_600_000)
  await tell('POST', '/reset')
  expect(sandbox.identities.get('ida')).toBeUndefined()
  expect(sandbox.switches.github.app).toBe('oauth-app')
})

it('invalidates tokens and rotates keys', async () => {
  sandbox.as('ada')
  const { refresh_token } = await walk.signIn({ access_type: 'offline' })
  expect((await tell('POST', '/kill-refresh-tokens', { provider: 'google' })).body).toEqual({ killed: 1 })
  expect((await walk.renew(refresh_token)).body.error).toBe('invalid_grant')
  expect((await tell('POST', '/rotate-keys', { provider: 'google' })).status).toBe(204)
})

it('returns its URLs to the service that starts with it', async () => {
  const { body } = await tell('GET', '/env')
  expect(body).toEqual(sandbox.env)
  for (const [name, value] of Object.entries(sandbox.env)) {
    if (name.endsWith('_URL') || name.endsWith('_ISSUER')) expect(value).toContain(`${sandbox.url}/`)
  }
})

it('runs alone and ends on SIGTERM, even while a request hangs', async () => {
  const child = endWithWorker(
    spawn(process.execPath, ['--import', 'tsx', 'sandbox/main.ts'], {
      env: { ...process.env, SANDBOX_PORT: '0' },
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  )
  const url = await new Promise<string>((resolve) => {
    child.stdout.on('data', (chunk) => resolve(/http:\S+/.exec(String(chunk))?.[0] ?? ''))
  })
  const at = { provider: 'oauth2', endpoint: 'token' }
  await fetch(`${url}/_sandbox/faults`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ at, what: { kind: 'hang' } }),
  })
  const hanging = fetch(`${url}/oauth2/token`, { method: 'POST' }).catch(() => 'dropped')
  await new Promise((resolve) => setTimeout(resolve, 50))
  child.kill('SIGTERM')
  const status = await new Promise((resolve) => child.once('exit', resolve))
  expect(status).toBe(0)
  expect(await hanging).toBe('dropped')
})
