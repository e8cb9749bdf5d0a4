import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { inTree, type Program, startDemo, startProgram } from '../support/program.ts'
import { freePort } from '../support/service.ts'

// The demo stores its data below the directory it is started in.
const folder = mkdtempSync(join(tmpdir(), 'vinculum-demo-'))
const started: ChildProcess[] = []
afterAll(() => {
  for (const child of started) child.kill('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
})

/** Free ports for everything that the demo starts. */
async function freePorts() {
  const [port, sandbox, app, api] = [await freePort(), await freePort(), await freePort(), await freePort()]
  return {
    PORT: String(port),
    SANDBOX_PORT: String(sandbox),
    SAMPLE_APP_PORT: String(app),
    SAMPLE_API_PORT: String(api),
  }
}

function kept(program: Program): Program {
  started.push(program.child)
  return program
}
const runDemo = (env: Readonly<Record<string, string>>) => kept(startDemo(env, folder))
const runTour = (env: Readonly<Record<string, string>>) => kept(startProgram('demo/tour.ts', env, folder))

test('the tour runs through the demo to its end, and the demo ends on request', async () => {
  const ports = await freePorts()
  const elsewhere = join(folder, 'elsewhere.db')
  const mailServer = 'smtp://127.0.0.1:1'
  const demo = runDemo({ ...ports, DATABASE_URL: `file:${elsewhere}`, SMTP_URL: mailServer })
  await demo.saying('Ctrl+C to stop')

  const tour = runTour(ports)
  await tour.saying('all passed.')
  expect(await tour.ended, tour.said()).toBe(0)
  expect(tour.said()).not.toMatch(/FAILED|(eyJ|gh[our]_|ATOA|ya29\.)[\w-]{20}/)
  expect(tour.said()).toContain('"code":"token_wrong_type"')
  expect(tour.said()).toContain('"code":"too_many_attempts"')
  expect(tour.said()).toContain('{"requests":10,"refresh_tokens":1}')
  expect(tour.said()).toContain('is now an administrator')
  expect(tour.said()).toContain('"code":"provider_not_tried"')
  expect(tour.said()).toContain('"app_sample"')
  expect(tour.said()).toContain('"missing_scopes":["write:jira-work"]')
  expect(tour.said()).toContain('"status":"needs_reauthorization","last_error":"invalid_grant"')
  expect(tour.said()).toContain('"last_error":"sites_gone"')

  demo.child.kill('SIGTERM')
  expect(await demo.ended, demo.said()).toBe(0)
  expect(readdirSync(folder)).toEqual(['data'])
  expect(readdirSync(join(folder, 'data'))).toEqual(expect.arrayContaining(['demo.db', 'encryption-keys']))
})

test('a missing requirement is explained in a sentence: a port in use, a demo that is not running', async () => {
  const ports = await freePorts()
  const taken = createServer().listen(0, '127.0.0.1')
  await once(taken, 'listening')
  const { port } = taken.address() as AddressInfo
  try {
    for (const name of ['PORT', 'SAMPLE_API_PORT']) {
      const demo = runDemo({ ...ports, [name]: String(port) })
      expect(await demo.ended).toBe(1)
      expect(demo.said()).toBe(
        `Port ${port} is in use. Set ${name} to a free port, or stop the process that uses it.\n`,
      )
    }
  } finally {
    taken.close()
  }
  const wrong = runDemo({ ...ports, SAMPLE_APP_PORT: 'http' })
  expect(await wrong.ended).toBe(1)
  expect(wrong.said()).toContain('SAMPLE_APP_PORT: must be a port, from 1 to 65535')
  expect(wrong.said()).not.toContain('    at ')
  const tour = runTour(ports)
  expect(await tour.ended).toBe(1)
  expect(tour.said()).toContain(`There is no response from http://localhost:${ports.PORT}`)
})

// npm signals only the shell that runs a script, and a shell like Debian's passes no signal on: without `exec` the
// service would outlive npm.
test('a demo started by npm ends with it, without errors, and creates no key where one is set', async () => {
  const root = mkdtempSync(join(folder, 'npm-'))
  copyFileSync(inTree('package.json'), join(root, 'package.json'))
  for (const name of ['node_modules', 'demo', 'sandbox', 'src', 'tsconfig.json'])
    symlinkSync(inTree(name), join(root, name))
  const ports = await freePorts()
  const { PATH, HOME } = process.env
  const ENCRYPTION_KEYS = `k1:${Buffer.from(Array.from({ length: 32 }, (_, at) => (at * 37) % 251)).toString('base64')}`
  const npm = spawn('npm', ['run', 'demo'], {
    cwd: root,
    env: { PATH, HOME, ...ports, ENCRYPTION_KEYS },
    stdio: ['ignore', 'pipe', 'inherit'],
    // The test must end whatever outlives npm.
    detached: true,
  })
  try {
    const ended = new Promise<number | null>((resolve) => npm.once('exit', resolve))
    await new Promise<void>((resolve, reject) => {
      npm.stdout.on('data', (chunk: Buffer) => {
        if (chunk.toString().includes('Ctrl+C to stop')) resolve()
      })
      void ended.then((code) => reject(new Error(`npm ended with ${code}`)))
    })
    npm.kill('SIGTERM')
    expect(await ended).toBe(0)
    await expect(fetch(`http://localhost:${ports.PORT}/health/live`)).rejects.toThrow()
    expect(readdirSync(join(root, 'data'))).toEqual(['demo.db'])
  } finally {
    if (npm.pid !== undefined && npm.exitCode !== 0) process.kill(-npm.pid, 'SIGKILL')
  }
})
