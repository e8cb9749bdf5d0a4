/** The output of `npm run build`, as Node runs it: without tsx, from a flat folder. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, inject, test } from 'vitest'
import { startService } from '../support/process.ts'
import { encryptionKey, freePort } from '../support/service.ts'
import { newFile } from '../support/sqlite.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const built = inject('built')

test('every file loaded by name exists under that name in the build', () => {
  const sources = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => /\.(ts|tsx|js)$/.test(path))
    .map((path) => readFileSync(join(root, 'src', path), 'utf8'))
  const named = sources.flatMap((text) =>
    [...text.matchAll(/new URL\(['"`]\.\/([^'"`]+\.[jt]s)['"`], import\.meta\.url\)/g)].map(([, name = '']) => name),
  )
  expect(named).toEqual(expect.arrayContaining(['long-read-thread.js', 'svg-thread.js']))
  expect(named.filter((name) => !existsSync(join(built, name)))).toEqual([])
})

test('the built service returns a list on SQLite and serves pages, files and documentation', async () => {
  const port = await freePort()
  const base = `http://127.0.0.1:${port}`
  const env = {
    NODE_ENV: 'test',
    HOST: '127.0.0.1',
    PORT: String(port),
    PUBLIC_URL: base,
    DATABASE_URL: `file:${newFile()}`,
    ENCRYPTION_KEYS: `k1:${encryptionKey.toString('base64')}`,
  }
  const service = startService(env)
  await service.listening
  const post = (path: string, body: object): Promise<Response> =>
    fetch(`${base}${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
  const password = 'a sentence nobody else would choose'
  await post('/auth/register', { email: 'ada@example.com', password, name: 'Ada' })
  const grant = { grant_type: 'password', username: 'ada@example.com', password }
  const { access_token: token } = (await (await post('/auth/token', grant)).json()) as { access_token: string }
  const list = await fetch(`${base}/me/sessions`, { headers: { authorization: `Bearer ${token}` } })
  expect([list.status, await list.text()]).toEqual([200, expect.stringContaining('"current":true')])

  const page = await (await fetch(`${base}/login`, { headers: { accept: 'text/html' } })).text()
  expect(page).toContain('<html')
  for (const [path] of page.matchAll(/\/static\/[\w.-]+/g)) expect((await fetch(`${base}${path}`)).status).toBe(200)
  const reference = await (await fetch(`${base}/docs`)).text()
  const files = [...reference.matchAll(/\/static\/[\w.-]+/g)].map(([path]) => path)
  expect(files).toEqual(expect.arrayContaining([expect.stringMatching(/swagger-ui-bundle\.\d+\.\d+\.\d+\.js$/)]))
  for (const path of [...files, '/openapi.json']) expect((await fetch(`${base}${path}`)).status, path).toBe(200)

  const doctor = await startService(env, ['doctor']).ended
  expect(doctor).toMatchObject({ code: 0, stderr: '' })
  service.process.kill('SIGTERM')
  expect(await service.ended).toEqual({ code: 0, signal: null, stderr: '' })
})
