/** How the process starts or fails to start: the messages an operator reads. */
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { startService } from '../support/process.ts'
import { freePort } from '../support/service.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vinculum-startup-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

const key = `k1:${randomBytes(32).toString('base64')}`
const settings = { DATABASE_URL: 'file::memory:', ENCRYPTION_KEYS: key }
const file = (name: string, content: string): string => {
  writeFileSync(join(folder, name), content)
  return join(folder, name)
}
/** The output of a process that does not start. */
const refusal = async (env: Readonly<Record<string, string>>): Promise<string> => {
  const { code, stderr } = await startService(env, [], { cwd: folder }).ended
  expect(code, stderr).toBe(1)
  return stderr
}
const warningsIn = (log: string): readonly string[] =>
  log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { level: string | number; msg: string })
    .filter(({ level }) => level === 'warn' || level === 40)
    .map(({ msg }) => msg)

describe('HOST', () => {
  test.each([
    // RFC 5737: an address for documentation, which no machine has.
    ['192.0.2.1', 'HOST is not an IP address of this machine.'],
    // RFC 6761 §6.4: a name that never resolves.
    ['nowhere.invalid', 'HOST is a name without an IP address.'],
  ])('that is %s is explained in a sentence', async (HOST, sentence) => {
    const refused = await refusal({ ...settings, HOST, PORT: '0' })
    expect(refused).toContain(sentence)
    expect(refused).toContain('Set HOST to ')
    expect(refused).not.toMatch(/\n\s+at /)
    expect(refused).not.toContain('DATABASE_URL')
  })
})

test('a likely mistake is logged by name, without values, and the service starts', async () => {
  file('.env', `METRICS_TOKEN=s3cret-0123456789#more\nPUBLIC_URI=https://s3cret.example\nLOG_LEVEL='warn' # or info\n`)
  const PORT = String(await freePort())
  const service = startService({ ...settings, PORT, GOOGLE_KEY: 's3cret', LOG_LEVEL: 'info' }, [], { cwd: folder })
  const log = await service.listening
  expect(warningsIn(log)).toEqual([
    'METRICS_TOKEN in .env: what follows # is not part of the value; put the value in quotation marks if it should be',
    "GOOGLE_KEY starts like a provider's setting but is not one; it is ignored",
    'PUBLIC_URI is not a setting and is ignored; did you mean PUBLIC_URL?',
  ])
  expect(log).not.toContain('s3cret')
  service.process.kill('SIGTERM')
  expect((await service.ended).code).toBe(0)
})

test('an error is reported with its possible cause', async () => {
  file('.env', `ENCRYPTION_KEYS=#${key}\n`)
  const refused = await refusal({
    NODE_ENV: 'production',
    PUBLIC_URL: 'https://id.example.com',
    DATABASE_URL: 'file:x.db',
  })
  expect(refused).toMatch(/- ENCRYPTION_KEYS: is required[^\n]*\nPossible causes:\n {2}- ENCRYPTION_KEYS in \.env: /)
  expect(refused).not.toContain(key)
})

test('an unreadable .env is explained in a sentence', async () => {
  mkdirSync(join(folder, '.env'))
  expect(await refusal(settings)).toBe('The configuration has an error:\n  - .env: the file cannot be read: EISDIR\n')
})

test('secrets are read from files, and only from those', async () => {
  const ENCRYPTION_KEYS_FILE = file('keys', `${key}\n`)
  const METRICS_TOKEN_FILE = file('token', 'metrics-0123456789\r\n')
  const PORT = String(await freePort())
  const { ENCRYPTION_KEYS: _, ...rest } = settings
  const service = startService({ ...rest, PORT, ENCRYPTION_KEYS_FILE, METRICS_TOKEN_FILE }, [], { cwd: folder })
  await service.listening
  const ask = (token: string) =>
    fetch(`http://127.0.0.1:${PORT}/metrics`, { headers: { authorization: `Bearer ${token}` } })
  expect((await ask('metrics-0123456789')).status).toBe(200)
  expect((await ask('metrics-0123456780')).status).toBe(404)
  service.process.kill('SIGTERM')
  await service.ended

  const refused = await refusal({ ...settings, ENCRYPTION_KEYS_FILE, METRICS_TOKEN_FILE: folder, PORT: 'yes' })
  expect(refused).toContain('  - ENCRYPTION_KEYS: is set together with ENCRYPTION_KEYS_FILE; set only one of them\n')
  expect(refused).toContain('  - METRICS_TOKEN_FILE: the file is a directory; name the file in it\n')
  expect(refused).toContain('  - PORT: must be a port number, 0 to 65535\n')
  expect(refused).not.toContain(folder)
})
