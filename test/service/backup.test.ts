import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startService } from '../support/process.ts'
import { encryptionKey, freePort, startWorld, type World } from '../support/service.ts'
import { newFile } from '../support/sqlite.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ database: 'SQLite' })
})
afterAll(() => world.stop())

const settings = (port: number, file: string) => ({
  ...world.sandbox.env,
  NODE_ENV: 'test',
  HOST: '127.0.0.1',
  PORT: String(port),
  PUBLIC_URL: world.base,
  DATABASE_URL: `file:${file}`,
  ENCRYPTION_KEYS: `k1:${encryptionKey.toString('base64')}`,
})
const password = 'a rather long pass phrase 7'

/**
 * What an operator runs. In few steps, because each write of the service restarts a backup in SQLite: one of many steps
 * would never end. In another process, because Node.js 24 aborts when it collects what the backup leaves
 * (`connect-sqlite.ts`).
 */
const backUpScript = `
  import Database from 'better-sqlite3'
  const [file, copied, vacuumed] = process.argv.slice(1)
  const source = new Database(file)
  await source.backup(copied, { progress: () => 1_000_000 })
  source.prepare('VACUUM INTO ?').run(vacuumed)
  source.close()`

const backUp = (...files: readonly [source: string, copied: string, vacuumed: string]) =>
  promisify(execFile)(process.execPath, ['--input-type=module', '--eval', backUpScript, ...files])

test('a backup made under load is restored elsewhere and secured, and users can sign in', async () => {
  const email = `backup-${Date.now()}@example.com`
  const registered = await world.call('POST', '/auth/register', { body: { email, password } })
  const signedIn = await world.call('POST', '/auth/token', { body: { username: email, password } })
  expect([registered.status, signedIn.status], `${registered.text} ${signedIn.text}`).toEqual([201, 200])

  // Every refresh is a write; the backups are made while they run.
  let [refreshing, refreshes] = [true, 0]
  const load: Promise<void>[] = []
  const refresh = async (first: unknown): Promise<void> => {
    for (let token = first; refreshing; refreshes++) {
      const answer = await world.call('POST', '/auth/refresh', { body: { refresh_token: token } })
      expect(answer.status, answer.text).toBe(200)
      token = answer.body.refresh_token
    }
  }
  for (let device = 0; device < 8; device++) {
    const { body } = await world.call('POST', '/auth/token', { body: { username: email, password } })
    load.push(refresh(body.refresh_token))
  }
  await expect.poll(() => refreshes).toBeGreaterThan(20)
  const [copied, vacuumed] = [newFile(), newFile()]
  for (const file of [copied, vacuumed]) mkdirSync(dirname(file), { recursive: true })
  await backUp(world.databaseUrl.slice('file:'.length), copied, vacuumed)
  const during = refreshes
  await expect.poll(() => refreshes).toBeGreaterThan(during)
  refreshing = false
  await Promise.all(load)
  // Signed out after the backup: restoring it brings this session back.
  const { refresh_token: token, access_token: access } = signedIn.body
  expect((await world.call('POST', '/auth/logout', { token: String(access) })).status).toBe(204)

  for (const file of [copied, vacuumed]) {
    const port = await freePort()
    const at = `http://127.0.0.1:${port}`
    const restored = startService(settings(port, file))
    await restored.listening
    const post = (path: string, body: object) =>
      fetch(`${at}${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    const back = await post('/auth/refresh', { refresh_token: token })
    expect(back.status).toBe(200)

    const command = startService(settings(port, file), ['end-sessions', '--json'])
    let stdout = ''
    command.process.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    expect(await command.ended).toMatchObject({ code: 0 })
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, result: 'ended', sessions: expect.any(Number) })
    expect(JSON.parse(stdout).sessions).toBeGreaterThanOrEqual(9)

    // At once, in the service that kept running.
    const { refresh_token: latest } = (await back.json()) as { refresh_token: string }
    const refused = await post('/auth/refresh', { refresh_token: latest })
    expect([refused.status, ((await refused.json()) as { code: string }).code]).toEqual([401, 'session_revoked'])
    expect((await post('/auth/token', { username: email, password })).status).toBe(200)
    restored.process.kill('SIGTERM')
    expect((await restored.ended).code).toBe(0)
  }
})
