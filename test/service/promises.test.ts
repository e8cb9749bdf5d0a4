import { randomBytes, randomInt } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createVisitor } from '../../demo/visitor.ts'
import { type Sandbox, startSandbox } from '../../sandbox/sandbox.ts'
import { readConfig } from '../../src/config.ts'
import { DatabaseOpenError } from '../../src/store/open-error.ts'
import { runCommand } from '../support/command.ts'
import { createDatabase } from '../support/postgres.ts'
import { type Service, startService } from '../support/process.ts'
import { freePort } from '../support/service.ts'
import { newFile } from '../support/sqlite.ts'

let sandbox: Sandbox
let port: number
let base: string
let env: Readonly<Record<string, string>>
/** The service that the tests on one SQLite file share: it takes longer to start than most of them. */
let shared: Service | undefined
beforeAll(async () => {
  sandbox = await startSandbox({ as: 'ada' })
  port = await freePort()
  base = `http://127.0.0.1:${port}`
  env = settings(port, `file:${newFile()}`)
})
afterAll(async () => {
  await stop()
  await sandbox.close()
})

async function running(): Promise<Service> {
  shared ??= startService(env)
  await shared.listening
  return shared
}
/** Ends it, if it runs, and expects that it leaves in order. */
async function stop(): Promise<void> {
  if (!shared) return
  shared.process.kill('SIGTERM')
  expect(await shared.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  shared = undefined
}

const settings = (port: number, database: string): Record<string, string> => ({
  NODE_ENV: 'test',
  HOST: '127.0.0.1',
  PORT: String(port),
  PUBLIC_URL: `http://127.0.0.1:${port}`,
  DATABASE_URL: database,
  RATE_LIMITS: 'off',
  ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 'a key of thirty-two bytes, no less').toString('base64')}`,
  ...sandbox.env,
})

type Answer = { readonly status: number; readonly body: Record<string, unknown> }
async function post(base: string, path: string, body: object): Promise<Answer> {
  const response = await fetch(new URL(path, base), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as Record<string, unknown> }
}

/** Goes to the provider and returns the callback parameters, as an app sends them. */
async function approved(base: string): Promise<{ code: string; state: string; iss: string; flow_token: string }> {
  const { body } = await post(base, '/auth/google/authorize', {})
  const visit = await createVisitor().ask(String(body.authorize_url))
  const {
    code = '',
    state = '',
    iss = '',
  } = Object.fromEntries(new URL(visit.headers.get('location') ?? '').searchParams)
  return { code, state, iss, flow_token: String(body.flow_token) }
}
async function signIn(base: string): Promise<string> {
  const { status, body } = await post(base, '/auth/google/callback', await approved(base))
  expect(status, JSON.stringify(body)).toBe(200)
  return String(body.refresh_token)
}

test('an acknowledged token rotation survives kill -9, every time', async () => {
  let service = await running()
  /** The last refresh token each device received. */
  const devices = await Promise.all(Array.from({ length: 4 }, () => signIn(base)))
  let acknowledged = 0

  // `bench:crash` kills it as often as you like.
  for (let round = 0; round < 2; round++) {
    const enough = acknowledged + randomInt(40, 100)
    const chains = devices.map(async (_, n) => {
      for (;;) {
        const answer = await post(base, '/auth/refresh', { refresh_token: devices[n] }).catch(() => undefined)
        if (!answer) return
        expect(answer.status, JSON.stringify(answer.body)).toBe(200)
        devices[n] = String(answer.body.refresh_token)
        acknowledged++
        if (acknowledged === enough) service.process.kill('SIGKILL')
      }
    })
    await Promise.all(chains)
    expect((await service.ended).signal).toBe('SIGKILL')
    shared = undefined
    service = await running()
    for (const [n, token] of devices.entries()) {
      const answer = await post(base, '/auth/refresh', { refresh_token: token })
      expect([n, answer.status, answer.body.code]).toEqual([n, 200, undefined])
      devices[n] = String(answer.body.refresh_token)
    }
  }
  expect(acknowledged).toBeGreaterThan(70)
})

test('rotate-keys publishes a new signing key next to the old one while the service runs', async () => {
  await running()
  const rotation = await runCommand(env, ['rotate-keys'])
  expect([rotation.code, rotation.stderr]).toEqual([0, ''])
  await stop()
  await running()
  const jwks = (await (await fetch(`${base}/.well-known/jwks.json`)).json()) as { keys: unknown[] }
  expect(jwks.keys).toHaveLength(2)
})

test('a port in use is explained in a sentence, with what to do', async () => {
  await running()
  const second = await startService({ ...env, DATABASE_URL: `file:${newFile()}` }).ended
  expect([second.code, second.stderr]).toEqual([
    1,
    `Port ${port} is in use. Set PORT to a free port, or stop the process that uses it.\n`,
  ])
})

test('SIGTERM ends readiness at once, lets requests in progress finish and exits with 0', async () => {
  const service = await running()
  expect((await fetch(`${base}/health/ready`)).status).toBe(200)

  const handing = await approved(base)
  sandbox.fault({ provider: 'google', endpoint: 'token', times: 1 }, { kind: 'slow', ms: 1500 })
  const asked = sandbox.journal.calls('google', 'token').length
  const underWay = post(base, '/auth/google/callback', handing)
  await expect.poll(() => sandbox.journal.calls('google', 'token').length).toBe(asked + 1)

  // A connection on which a second request has begun to arrive: the response to the first shows that both were read.
  const socket = connect(port, '127.0.0.1')
  let heard = ''
  socket.on('data', (chunk) => {
    heard += chunk.toString()
  })
  socket.write('GET /health/live HTTP/1.1\r\nHost: service\r\n\r\nGET /health/ready HTTP/1.1\r\nHost: service\r\n')
  await expect.poll(() => heard).toContain('{"status":"ok"}')
  heard = ''
  service.process.kill('SIGTERM')
  // No new connection is accepted …
  await expect
    .poll(() =>
      fetch(`${base}/health/live`).then(
        ({ status }) => `answered ${status}`,
        () => 'refused',
      ),
    )
    .toBe('refused')
  // … a half-sent request gets an error …
  socket.write('\r\n')
  await expect.poll(() => heard).toMatch(/^HTTP\/1\.1 503 [\s\S]*"code":"not_ready"/)
  expect(heard).toMatch(/^connection: close$/im)
  // … and a request in progress is answered.
  const answer = await underWay
  expect([answer.status, answer.body.code]).toEqual([200, undefined])
  expect(await service.ended).toMatchObject({ code: 0, signal: null, stderr: '' })
  shared = undefined
})

test('an invalid configuration stops startup, and every error is reported at once, without its value', async () => {
  const secret = randomBytes(16).toString('hex')
  const service = startService({
    NODE_ENV: 'production',
    PORT: 'many',
    LOG_LEVEL: 'loud',
    DATABASE_URL: 'mysql://nowhere',
    ENCRYPTION_KEYS: `k1:${Buffer.from(secret.slice(0, 31)).toString('base64')}`,
    GOOGLE_CLIENT_SECRET: secret,
    GITHUB_CLIENT_ID: 'a',
    GITHUB_CLIENT_SECRET: 'short',
    OIDC_PROVIDERS: 'acme',
    ACME_ISSUER: 'http://plain.example',
    RATE_LIMITS: 'off',
  })
  const { code, stderr } = await service.ended
  expect(code).toBeGreaterThan(0)
  for (const name of [
    'PORT',
    'LOG_LEVEL',
    'DATABASE_URL',
    'PUBLIC_URL',
    'RATE_LIMITS',
    'ENCRYPTION_KEYS',
    'GOOGLE_CLIENT_ID',
    'GITHUB_CLIENT_SECRET',
    'ACME_ISSUER',
    'ACME_CLIENT_ID',
    'ACME_CLIENT_SECRET',
  ])
    expect(stderr).toContain(`${name}: `)
  for (const value of [secret, 'many', 'loud', 'mysql', 'plain.example']) expect(stderr).not.toContain(value)
  expect(stderr).not.toContain('    at ')
})

test('production requires a secret: none is generated', () => {
  // The test above shows that such an error stops startup.
  const { ENCRYPTION_KEYS: _, ...others } = settings(1, `file:${newFile()}`)
  const production = { NODE_ENV: 'production', PUBLIC_URL: 'https://id.example.com', RATE_LIMITS: 'on' }
  expect(() => readConfig({ ...others, ...production })).toThrow('ENCRYPTION_KEYS: is required')
})

test('two processes that start concurrently on one empty PostgreSQL database create one set of signing keys', async () => {
  const database = await createDatabase()
  const ports = [await freePort(), await freePort()]
  const services = ports.map((port) => startService(settings(port, database)))
  await Promise.all(services.map(({ listening }) => listening))
  const keys = await Promise.all(
    ports.map(
      async (port) =>
        (await (await fetch(`http://127.0.0.1:${port}/.well-known/jwks.json`)).json()) as { keys: unknown[] },
    ),
  )
  expect(keys[0]?.keys).toHaveLength(1)
  expect(keys[1]).toEqual(keys[0])
  // A token of one process is valid at the other, since they share an issuer.
  const [one, two] = ports.map((port) => `http://127.0.0.1:${port}`)
  const token = await signIn(one ?? '')
  const refused = await post(two ?? '', '/auth/refresh', { refresh_token: token })
  expect([refused.status, refused.body.code]).toEqual([401, 'token_invalid'])
  for (const { process: child } of services) child.kill('SIGTERM')
  expect((await Promise.all(services.map(({ ended }) => ended))).map(({ code }) => code)).toEqual([0, 0])
})

test('errors an operator can fix are explained in a sentence: no database, a wrong key', async () => {
  await stop()
  // Creates the database if no test did so before.
  await runCommand(env, ['rotate-keys'])
  const file = String(env.DATABASE_URL).slice('file:'.length)
  const nowhere = await startService({ ...env, DATABASE_URL: 'postgres://somebody:secret@127.0.0.1:1/none' }).ended
  expect([nowhere.code, nowhere.stderr]).toEqual([
    1,
    'No answer from 127.0.0.1:1 (ECONNREFUSED). Check the host and port in DATABASE_URL, that the database is running, and that no firewall blocks the connection.\n',
  ])
  // An error of the same class, which the process explains in the same way.
  await expect(runCommand({ ...env, DATABASE_URL: `file:${file}/below.db` }, ['rotate-keys'])).rejects.toThrow(
    new DatabaseOpenError(
      `The database cannot be opened: EEXIST: file already exists, mkdir '${file}'. Check DATABASE_URL, that this operating system user may write the file and its folder, and that the disk has free space.`,
    ),
  )
  const untouched = readFileSync(file)
  const another = `k1:${Buffer.alloc(32, 'quite another key of 32 bytes ..').toString('base64')}`
  const locked = await startService({ ...env, ENCRYPTION_KEYS: another }).ended
  expect(locked.code).toBe(1)
  expect(locked.stderr).toMatch(/^ENCRYPTION_KEYS: .*(encrypted with that other key|encrypted with another key).*\n$/)
  expect(readFileSync(file).equals(untouched)).toBe(true)
})
