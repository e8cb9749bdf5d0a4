import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { copyMarker } from '../../src/store/copy-marker.ts'
import { openDriver } from '../support/behind.ts'
import { environmentOf, runCommand } from '../support/command.ts'
import { connectPostgres, createDatabase } from '../support/postgres.ts'
import { startService } from '../support/process.ts'
import { startWorld, type World } from '../support/service.ts'
import { newFile } from '../support/sqlite.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ database: 'SQLite' })
})
afterAll(() => world.stop())

const settings = (source: string) => ({ ...environmentOf(world), DATABASE_URL: source })
const command = (source: string, ...args: string[]) => runCommand(settings(source), args)
/** The same as a process of its own. */
const commandProcess = (source: string, ...args: string[]) => startCommand(settings(source), args)
async function startCommand(env: Readonly<Record<string, string>>, args: readonly string[], cwd?: string) {
  const service = startService(env, args, cwd === undefined ? {} : { cwd })
  let stdout = ''
  service.process.stdout?.on('data', (chunk: Buffer) => {
    stdout += chunk.toString()
  })
  const { code, stderr } = await service.ended
  return { code, stdout, stderr }
}

test('copy-to moves a SQLite file to PostgreSQL, and reports every table', async () => {
  const who = world.newcomer()
  await world.signIn('google', who)
  const target = await createDatabase()
  const copied = await commandProcess(world.databaseUrl, 'copy-to', target)
  expect(copied).toMatchObject({ code: 0, stderr: '' })
  expect(copied.stdout).toContain('accounts: 1 of 1')
  expect(copied.stdout).toMatch(/^accounts +1 {2}[0-9a-f]{64}$/m)

  const again = await command(world.databaseUrl, 'copy-to', target)
  expect(again).toMatchObject({ code: 1, stderr: expect.stringContaining('The target is not empty') })
  const forPrograms = await command(world.databaseUrl, 'copy-to', target, '--json')
  expect(forPrograms).toMatchObject({ code: 1, stderr: '' })
  expect(JSON.parse(forPrograms.stdout)).toMatchObject({ ok: false, result: 'not_empty' })

  const driver = await openDriver(target)
  const { accounts } = driver.tables
  expect(await driver.read(driver.db.select({ email: accounts.email }).from(accounts))).toEqual([
    { email: world.emailOf(who) },
  ])
  await driver.close()
})

test('copy-to rejects a source or target it cannot use, in one sentence', async () => {
  const target = await createDatabase()
  expect(await command(target, 'copy-to', target)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('DATABASE_URL is not a SQLite file'),
  })
  expect(await command('file:/nowhere/vinculum.db', 'copy-to', target)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('There is no file /nowhere/vinculum.db'),
  })
  expect(await commandProcess(world.databaseUrl, 'copy-to', 'file:other.db')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('not a postgres:// URL'),
  })
  const unreachable = await commandProcess(world.databaseUrl, 'copy-to', 'postgres://ada:hunter2@127.0.0.1:1/x')
  expect(unreachable).toMatchObject({ code: 1, stderr: expect.stringContaining('the URL of the target') })
  expect(unreachable.stderr + unreachable.stdout).not.toMatch(/hunter2|DATABASE_URL| {4}at /)
})

test('copy-to changes nothing in a database that another program or an earlier service uses', async () => {
  const tables = `select schemaname || '.' || tablename as name from pg_tables where schemaname in ('public', 'drizzle')`
  for (const [table, reason] of [
    ['orders', 'belongs to another program'],
    ['accounts', 'has rows'],
  ]) {
    const target = await createDatabase()
    const client = await connectPostgres(target)
    await client.query(`create table ${table} (id text); insert into ${table} values ('1')`)
    expect(await command(world.databaseUrl, 'copy-to', target)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(`the table ${table} ${reason}`),
    })
    expect((await client.query(tables)).rows).toEqual([{ name: `public.${table}` }])
    await client.end()
  }
})

test('a command with invalid or missing arguments ends with 1', async () => {
  for (const args of [['end-sessions', '--before', 'yesterday', '--json'], ['copy-to']])
    expect(await commandProcess(world.databaseUrl, ...args), args.join(' ')).toMatchObject({ code: 1 })
})

test('a command does not create a missing database, and reports it in JSON too', async () => {
  const file = newFile()
  for (const args of [['end-sessions'], ['make-admin', 'ada@example.com']]) {
    const { code, stdout, stderr } = await commandProcess(`file:${file}`, ...args, '--json')
    expect([code, stderr], args.join(' ')).toEqual([1, ''])
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, result: 'failed', message: expect.stringContaining(file) })
  }
  expect(existsSync(file)).toBe(false)
})

describe('a command that fails before it opens the database', () => {
  const nowhere = 'postgres://ada@127.0.0.1:1/vinculum'
  /** Without keys, one is generated in the working directory, and the log has a line about it. */
  const withoutKeys = () => ({ ...settings(nowhere), ENCRYPTION_KEYS: '' })
  const newFolder = () => mkdtempSync(join(tmpdir(), 'vinculum-command-'))

  test.each([
    { args: ['everything', '--json'], result: 'invalid_arguments', message: 'usage', stderr: /^Usage:/ },
    { args: ['copy-to', '--json'], result: 'invalid_arguments', message: 'usage', stderr: /^Usage:/ },
    { args: ['reseal', '--json'], env: { PORT: 'high' }, result: 'failed', message: 'PORT', stderr: /^$/ },
    { args: ['reseal', '--json'], result: 'failed', message: 'ECONNREFUSED', stderr: /^\{.*"level":"warn".*\}\n$/ },
  ])('prints one JSON object with --json, and the rest on standard error: $args $message', async (given) => {
    const { args, env = {}, result, message, stderr } = given
    const ended = await startCommand({ ...withoutKeys(), ...env }, args, newFolder())
    expect(ended).toMatchObject({ code: 1, stderr: expect.stringMatching(stderr) })
    expect(ended.stdout.trimEnd().split('\n')).toHaveLength(1)
    expect(JSON.parse(ended.stdout)).toEqual({ ok: false, result, message: expect.stringContaining(message) })
  })

  test('reports an unreadable .env file in the JSON object', async () => {
    const cwd = newFolder()
    mkdirSync(join(cwd, '.env'))
    const { code, stdout, stderr } = await startCommand(withoutKeys(), ['reseal', '--json'], cwd)
    expect([code, stderr]).toEqual([1, ''])
    expect(JSON.parse(stdout)).toMatchObject({ ok: false, result: 'failed', message: expect.stringContaining('.env') })
  })

  test('leaves standard output empty if it would print a document', async () => {
    const { code, stdout, stderr } = await startCommand(withoutKeys(), ['providers', 'export'], newFolder())
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain('ECONNREFUSED')
  })
})

test.each([[['help']], [['reseal']], [['copy-to', 'file:other.db', '--json']]])(
  '%j fails with one sentence if its result goes to a full disk',
  async (args) => {
    const disk = openSync('/dev/full', 'w')
    const { ended } = startService(settings(world.databaseUrl), args, { log: disk })
    closeSync(disk)
    expect(await ended).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/^The result cannot be written to standard output: .*\n$/),
    })
  },
)

test('a service does not start on a database that a copy left unfinished', async () => {
  const target = await createDatabase()
  const driver = await openDriver(target)
  const lease = { name: copyMarker, owner: 'somebody', expiresAt: new Date('2200-01-01T00:00:00Z') }
  await driver.write(driver.db.insert(driver.tables.leases).values(lease))
  const started = await commandProcess(target)
  expect(started).toMatchObject({ code: 1, stderr: expect.stringContaining('was not finished. Run copy-to again') })
  expect(started.stderr).not.toContain('    at ')
  // Neither do commands that work on a running service's data.
  await expect(command(target, 'end-sessions')).rejects.toThrow('was not finished')
  await driver.write(driver.db.delete(driver.tables.leases))
  await driver.close()
  expect(await command(target, 'end-sessions')).toMatchObject({ code: 0 })
})
