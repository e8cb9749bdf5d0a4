import { createHash } from 'node:crypto'
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, request } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { CALLBACK_NAME } from '../../sandbox/providers/index.ts'
import { inspectConfig } from '../../src/config.ts'
import type { Finding } from '../../src/doctor/check.ts'
import { examineAll } from '../../src/doctor/doctor.ts'
import { systemClock } from '../../src/kernel/clock.ts'
import { makeDoctorToken } from '../../src/kernel/doctor-token.ts'
import { systemRandom } from '../../src/kernel/ids.ts'
import { connectSqlite } from '../../src/store/connect-sqlite.ts'
import { copyMarker } from '../../src/store/copy-marker.ts'
import { openDriver } from '../support/behind.ts'
import { environmentOf, runCommand } from '../support/command.ts'
import { startMailServer } from '../support/mail-server.ts'
import { connectPostgres, createDatabase } from '../support/postgres.ts'
import { startService } from '../support/process.ts'
import { encryptionKey, freePort, startWorld, type World } from '../support/service.ts'
import { newFile } from '../support/sqlite.ts'

let world: World
beforeAll(async () => {
  world = await startWorld({ database: 'SQLite' })
  // Loads the OpenID provider of the sandbox. On a busy machine, that takes longer than a check waits.
  await world.signIn('acme', world.newcomer())
})
afterAll(() => world.stop())
afterEach(() => world.calm())

type Env = Readonly<Record<string, string>>
const ring = [{ id: 'k1', key: encryptionKey }] as const
const settings = (env: Env = {}): Record<string, string> => ({
  ...environmentOf(world),
  ...env,
})

/** No secret may appear in the output. */
function expectNoSecrets(shown: string, env: Env): void {
  for (const [name, value] of Object.entries(env)) if (/SECRET|KEYS$/.test(name)) expect(shown).not.toContain(value)
  expect(shown).not.toMatch(/hunter2| {4}at /)
}

async function examine(env: Env = {}, now = world.clock): Promise<readonly Finding[]> {
  const all = settings(env)
  const { config, faults } = inspectConfig(all)
  const findings = await examineAll({ config, faults, now, random: systemRandom })
  expectNoSecrets(JSON.stringify(findings), all)
  for (const { status, remedy, found } of findings) {
    expect(found).toMatch(/\w/)
    expect(remedy === undefined).toBe(status === 'ok')
  }
  return findings
}
const named = (findings: readonly Finding[], name: string): readonly Finding[] =>
  findings.filter((finding) => finding.name === name)
const wrongWith = (findings: readonly Finding[]): readonly string[] =>
  findings.filter(({ status }) => status !== 'ok').map(({ name, status }) => `${status} ${name}`)

describe('a running service', () => {
  test('passes every check in every area', async () => {
    const findings = await examine()
    expect(wrongWith(findings).filter((line) => !line.endsWith('.place'))).toEqual([])
    const areas = new Set(findings.map(({ name }) => name.split('.')[0]))
    expect([...areas]).toEqual(['configuration', 'database', 'keys', 'provider', 'service', 'proxy', 'mail', 'disk'])
  })

  test('has each provider’s client and redirect URI checked', async () => {
    const findings = await examine()
    for (const id of Object.values(CALLBACK_NAME)) {
      expect(named(findings, `provider.${id}.client`)).toMatchObject([{ status: 'ok' }])
      const [uris] = named(findings, `provider.${id}.redirect_uris`)
      expect(uris?.found).toContain(`${world.base}/auth/${id}/callback`)
    }
  })

  // Apple's client secret is made from a private key: any other key is a wrong one, and no text is.
  const withSecret = Object.values(CALLBACK_NAME).filter((id) => id !== 'apple')
  test.each(withSecret)('with a wrong client secret for %s fails only that check', async (id) => {
    const findings = await examine({ [`${id.toUpperCase()}_CLIENT_SECRET`]: 'a-secret-that-is-wrong' })
    expect(wrongWith(findings).filter((line) => !line.endsWith('.place'))).toEqual([`failed provider.${id}.client`])
  })

  test.each([
    { what: 'cannot be reached', env: { ACME_ISSUER: 'http://127.0.0.1:1' }, found: 'No discovery document' },
    { what: 'names another issuer', env: { ACME_ISSUER: 'SANDBOX/oidc/' }, found: 'names the issuer' },
    { what: 'has no discovery document', env: { ACME_ISSUER: 'SANDBOX/nothing' }, found: 'status 404' },
  ])('with an issuer that $what fails the check', async ({ env, found }) => {
    const findings = await examine({ ACME_ISSUER: env.ACME_ISSUER.replace('SANDBOX', world.sandbox.url) })
    expect(named(findings, 'provider.acme.discovery')).toMatchObject([
      { status: 'failed', found: expect.stringContaining(found) },
    ])
    expect(named(findings, 'provider.acme.client')).toEqual([])
  })

  test('with an unresponsive provider fails the check within its timeout', async () => {
    world.sandbox.fault({ provider: 'google', endpoint: 'token' }, { kind: 'hang' })
    const findings = await examine({ GOOGLE_BREAKER: 'timeout_ms=60000' })
    expect(named(findings, 'provider.google.client')).toMatchObject([
      { status: 'failed', found: expect.stringContaining('does not respond (timeout)') },
    ])
  })
})

describe('an invalid configuration', () => {
  test('fails once for each error, and the remaining checks still run', async () => {
    const findings = await examine({ PORT: 'high', SMTP_URL: 'hunter2', BETA_TOKEN_AUTH: 'hunter2' })
    expect(named(findings, 'configuration').map(({ status, found }) => [status, found.split(':')[0]])).toEqual([
      ['failed', 'PORT'],
      ['failed', 'SMTP_URL'],
      ['failed', 'BETA_TOKEN_AUTH'],
    ])
    for (const name of ['service', 'mail', 'provider.beta'])
      expect(named(findings, name)).toMatchObject([
        { status: 'warning', found: expect.stringContaining('Not checked') },
      ])
    expect(named(findings, 'database.migrations')).toMatchObject([{ status: 'ok' }])
    expect(named(findings, 'provider.google.client')).toMatchObject([{ status: 'ok' }])
  })
})

describe('the doctor on keys:', () => {
  const fresh = (fill: number): string => Buffer.alloc(32, fill).toString('base64')
  test('a missing key, or one with other bytes, is a failure that reports the number of affected values', async () => {
    const missing = await examine({ ENCRYPTION_KEYS: `k2:${fresh(2)}` })
    expect(named(missing, 'keys.k1')).toMatchObject([
      { status: 'failed', found: expect.stringMatching(/^\d+ values \(.*signing_keys: 2/) },
    ])
    const other = await examine({ ENCRYPTION_KEYS: `k1:${fresh(2)}` })
    expect(named(other, 'keys.k1')).toMatchObject([
      { status: 'failed', found: expect.stringContaining('does not decrypt') },
    ])
  })
  test('a key that is no longer first reports how many values still need it; an unused one may be removed', async () => {
    const k1 = encryptionKey.toString('base64')
    const findings = await examine({ ENCRYPTION_KEYS: `k2:${fresh(2)},k1:${k1},k0:${fresh(3)}` })
    expect(named(findings, 'keys.k2')).toMatchObject([{ status: 'ok', found: expect.stringContaining('0 values') }])
    expect(named(findings, 'keys.k1')).toMatchObject([{ status: 'warning', remedy: expect.stringContaining('reseal') }])
    expect(named(findings, 'keys.k0')).toMatchObject([{ found: expect.stringContaining('Encrypts nothing') }])
  })
})

/** A reverse proxy; each test decides how it changes `X-Forwarded-For`. */
async function startProxy(to: string, forwardedFor: (peer: string, sent: string | undefined) => string | undefined) {
  const server = createServer((from, answer) => {
    const { 'x-forwarded-for': sent, ...headers } = from.headers
    const list = forwardedFor('198.51.100.7', sent === undefined ? undefined : String(sent))
    const onward = request(new URL(from.url ?? '/', to), {
      method: from.method,
      headers: { ...headers, ...(list === undefined ? {} : { 'x-forwarded-for': list }) },
    })
    onward.on('response', (response) => {
      answer.writeHead(response.statusCode ?? 502)
      response.pipe(answer)
    })
    onward.end()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, stop: () => new Promise((resolve) => server.close(resolve)) }
}
const appending = (peer: string, sent: string | undefined): string => (sent === undefined ? peer : `${sent}, ${peer}`)

describe('the doctor on reverse proxies:', () => {
  test.each([
    { what: 'that appends, as trusted', hops: '1', proxy: appending, status: 'ok' },
    { what: 'that overwrites, as trusted', hops: '1', proxy: (peer: string) => peer, status: 'ok' },
    { what: 'that is not trusted', hops: '0', proxy: appending, status: 'failed' },
    { what: 'where two are trusted', hops: '2', proxy: appending, status: 'failed' },
    {
      what: 'that forwards headers of the client',
      hops: '1',
      proxy: (_: string, sent: string | undefined) => sent,
      status: 'failed',
    },
  ])('one $what: $status', async ({ hops, proxy, status }) => {
    const node = await world.another({ TRUST_PROXY_HOPS: hops })
    const front = await startProxy(node.base, proxy)
    try {
      const findings = await examine({ PUBLIC_URL: front.url, TRUST_PROXY_HOPS: hops })
      expect(named(findings, 'proxy')).toMatchObject([{ status, found: expect.stringContaining(`HOPS: ${hops}`) }])
    } finally {
      await front.stop()
    }
  })

  test('a service that is not running, or that uses other keys, is a warning', async () => {
    const port = String(await freePort())
    const stopped = await examine({ PORT: port, PUBLIC_URL: `http://127.0.0.1:${port}` })
    expect(named(stopped, 'service')).toMatchObject([{ status: 'warning' }])
    expect(named(stopped, 'proxy')).toMatchObject([
      { status: 'warning', found: expect.stringContaining('ECONNREFUSED') },
    ])
    const other = await examine({ ENCRYPTION_KEYS: `k9:${Buffer.alloc(32, 9).toString('base64')}` })
    expect(named(other, 'proxy')).toMatchObject([{ status: 'warning', found: expect.stringContaining('401') }])
  })

  test('request details are shown only for a token issued within the last minute', async () => {
    const tokenOf = (seconds: number) => makeDoctorToken(ring, new Date(world.clock().getTime() - seconds * 1000))
    const ask = (token?: string) => world.call('GET', '/health/arrival', { ...(token === undefined ? {} : { token }) })
    expect((await ask(tokenOf(0))).body).toMatchObject({ client: '127.0.0.1', trust_proxy_hops: 0 })
    const others = [
      undefined,
      'x',
      tokenOf(3600),
      makeDoctorToken([{ id: 'k1', key: Buffer.alloc(32, 1) }], world.clock()),
    ]
    for (const other of others) {
      const { status, body, text } = await ask(other)
      expect([status, body.code]).toEqual([401, 'token_invalid'])
      expect(text).not.toMatch(/forwarded|peer|hops/)
    }
  })
})

describe('the doctor on mail:', () => {
  const from = { MAIL_FROM: 'Vinculum <id@example.com>' }
  test('a server that accepts the login passes without receiving a message; one that rejects it fails', async () => {
    const server = await startMailServer({
      authOptional: false,
      disabledCommands: ['STARTTLS'],
      onAuth: ({ password }, _session, done) =>
        password === 'hunter2'
          ? done(null, { user: 'u' })
          : done(Object.assign(new Error('no'), { responseCode: 535 })),
    })
    try {
      const good = await examine({ ...from, SMTP_URL: `smtp://u:hunter2@127.0.0.1:${server.port}` })
      expect(named(good, 'mail')).toMatchObject([{ status: 'ok', found: expect.stringContaining('Nothing was sent') }])
      const bad = await examine({ ...from, SMTP_URL: `smtp://u:hunter2x@127.0.0.1:${server.port}` })
      expect(named(bad, 'mail')).toMatchObject([{ status: 'failed', found: expect.stringContaining('(535)') }])
      expect(server.delivered).toEqual([])
      expect(server.attempts).toEqual([])
    } finally {
      await server.stop()
    }
  })
  test('an unreachable server, one that sends no greeting, or one without TLS is a failure', async () => {
    const silent = createTcpServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const plain = await startMailServer()
    try {
      const closed = await examine({ ...from, SMTP_URL: 'smtp://u:hunter2@127.0.0.1:1' })
      expect(named(closed, 'mail')).toMatchObject([
        { status: 'failed', found: expect.stringContaining('ECONNREFUSED') },
      ])
      const { port } = silent.address() as AddressInfo
      const quiet = await examine({ ...from, SMTP_URL: `smtp://u:hunter2@127.0.0.1:${port}` })
      expect(named(quiet, 'mail')).toMatchObject([{ status: 'failed', found: expect.stringContaining('in time') }])
      const noTls = await examine({ ...from, SMTP_URL: `smtps://u:hunter2@127.0.0.1:${plain.port}` })
      expect(named(noTls, 'mail')).toMatchObject([{ status: 'failed', remedy: expect.stringContaining('587') }])
    } finally {
      silent.close()
      await plain.stop()
    }
  })
})

const digestOf = (folder: string): Record<string, string> =>
  Object.fromEntries(
    readdirSync(folder).map((name) => [
      name,
      // The index of the WAL holds locks and no data.
      name.endsWith('-shm')
        ? ''
        : createHash('sha256')
            .update(readFileSync(join(folder, name)))
            .digest('hex'),
    ]),
  )

describe('a SQLite file', () => {
  const source = (): string => world.databaseUrl.slice('file:'.length)
  /** A copy of the world's database, complete or as a crash leaves it. */
  function copied({ crashed = false } = {}): string {
    const file = newFile()
    mkdirSync(dirname(file), { recursive: true })
    if (crashed) for (const end of ['', '-wal']) copyFileSync(`${source()}${end}`, `${file}${end}`)
    else connectSqlite(source(), { readonly: true }).exec(`VACUUM INTO '${file}'`)
    return file
  }
  const at = (file: string, env: Env = {}) => examine({ DATABASE_URL: `file:${file}`, ...env })

  test.each([{ crashed: false }, { crashed: true }])(
    'that is not open is left unchanged: $crashed',
    async ({ crashed }) => {
      const file = copied({ crashed })
      const before = digestOf(dirname(file))
      const findings = await at(file)
      expect(named(findings, 'database.migrations')).toMatchObject([{ status: 'ok' }])
      expect(named(findings, 'database.rights')).toMatchObject([{ status: 'ok' }])
      expect(named(findings, 'keys.k1')).toMatchObject([{ status: 'ok' }])
      const { 'vinculum.db-shm': _, ...after } = digestOf(dirname(file))
      expect(after).toEqual(before)
    },
  )

  test('that is missing is a failure in production, and a warning where startup creates it', async () => {
    const file = newFile()
    expect(named(await at(file, { DATABASE_CREATE: 'false' }), 'database.file')).toMatchObject([{ status: 'failed' }])
    expect(named(await at(file), 'database.file')).toMatchObject([{ status: 'warning' }])
    expect(existsSync(dirname(file))).toBe(false)
  })

  test('that is not a database, or is damaged, is a failure', async () => {
    const file = copied()
    writeFileSync(file, 'This is not a database, however long it is. '.repeat(200))
    const findings = await at(file)
    expect(wrongWith(findings)).toContain('failed database.file')
    // One cause is one failure: checks that depend on it refer to it.
    expect(named(findings, 'keys')).toMatchObject([{ status: 'warning', remedy: 'See the lines about the database.' }])
    const damaged = copied()
    const bytes = readFileSync(damaged)
    bytes.fill(0xff, 3 * 4096, 40 * 4096)
    writeFileSync(damaged, bytes)
    expect(wrongWith(await at(damaged)).some((line) => line.startsWith('failed database'))).toBe(true)
  })

  test('that is locked by another process is a warning', async () => {
    const file = copied()
    const other = connectSqlite(file)
    other.exec('PRAGMA journal_mode = WAL')
    other.exec('BEGIN IMMEDIATE')
    try {
      expect(named(await at(file), 'database.rights')).toMatchObject([{ status: 'warning' }])
    } finally {
      other.exec('ROLLBACK')
      other.close()
    }
  })

  test('of an older version has pending migrations, and one of a newer version is a failure', async () => {
    const older = copied()
    const connection = connectSqlite(older)
    connection.exec('DELETE FROM __drizzle_migrations WHERE id = (SELECT max(id) FROM __drizzle_migrations)')
    connection.close()
    const found = await at(older)
    expect(named(found, 'database.migrations')).toMatchObject([
      { status: 'warning', found: expect.stringContaining('1 of') },
    ])
    const newer = copied()
    const future = connectSqlite(newer)
    future.exec("INSERT INTO __drizzle_migrations (hash, created_at) VALUES ('x', 9999999999999)")
    future.close()
    expect(named(await at(newer), 'database.migrations')).toMatchObject([{ status: 'failed' }])
  })
})

describe('PostgreSQL', () => {
  let url: string
  beforeAll(async () => {
    url = await createDatabase()
  })
  const at = (where = url, now = systemClock) => examine({ DATABASE_URL: where }, now)
  /** It warns of a database that takes more than a second to connect, as it may on a busy machine. */
  const reached = { status: expect.stringMatching(/^(ok|warning)$/) }
  const as = (user: string): string => {
    const other = new URL(url)
    other.username = user
    other.password = 'hunter2'
    return other.href
  }
  const run = async (...statements: readonly string[]): Promise<void> => {
    const client = await connectPostgres(url)
    for (const statement of statements) await client.query(statement)
    await client.end()
  }

  test('that is empty is a warning, and stays empty', async () => {
    const findings = await at()
    expect(named(findings, 'database.reachable')).toMatchObject([reached])
    expect(named(findings, 'database.migrations')).toMatchObject([{ status: 'warning' }])
    expect(named(findings, 'database.rights')).toMatchObject([{ status: 'ok' }])
    const client = await connectPostgres(url)
    const { rows } = await client.query("select 1 from pg_tables where schemaname in ('public', 'drizzle')")
    await client.end()
    expect(rows).toEqual([])
  })

  test('that is migrated passes; a clock that is off by more than two seconds is a warning', async () => {
    await (await openDriver(url)).close()
    const findings = await at()
    expect(named(findings, 'database.reachable')).toMatchObject([reached])
    expect(wrongWith(findings).filter((line) => / (database\.(?!reachable)|keys)/.test(line))).toEqual([])
    expect(named(findings, 'database.pooler')).toMatchObject([{ found: expect.stringContaining('No pooler') }])
    const ahead = await at(url, () => new Date(Date.now() + 3_600_000))
    expect(named(ahead, 'database.clock')).toMatchObject([
      { status: 'warning', found: expect.stringContaining('behind') },
    ])
  })

  test('that rejects the password, lacks the database or does not respond is one failure with a remedy', async () => {
    const elsewhere = new URL(url)
    elsewhere.pathname = '/nothing'
    for (const [where, found] of [
      [as('nobody'), 'refuses the user or password'],
      [elsewhere.href, 'There is no database'],
      ['postgres://u:hunter2@127.0.0.1:1/x', 'ECONNREFUSED'],
    ] as const) {
      const findings = await at(where)
      expect(named(findings, 'database.reachable')).toMatchObject([
        { status: 'failed', found: expect.stringContaining(found) },
      ])
      expect(named(findings, 'keys')).toMatchObject([{ status: 'warning' }])
    }
  })

  test('that grants our role too few privileges is a failure, and no further check runs', async () => {
    const low = `doctor_${Date.now()}`
    await run(`create role ${low} login password 'hunter2'`)
    const findings = await at(as(low))
    expect(named(findings, 'database.rights').map(({ status }) => status)).toEqual(['failed', 'warning', 'warning'])
    expect(named(findings, 'database.migrations')).toMatchObject([{ status: 'failed' }])
    expect(named(findings, 'database.pooler')).toMatchObject([{ status: 'ok' }])
  })

  test('that is read-only, or holds an unfinished copy, is a failure', async () => {
    const driver = await openDriver(url)
    const lease = { name: copyMarker, owner: 'somebody', expiresAt: new Date('2200-01-01T00:00:00Z') }
    await driver.write(driver.db.insert(driver.tables.leases).values(lease))
    await driver.close()
    const name = new URL(url).pathname.slice(1)
    await run(`alter database ${name} set default_transaction_read_only = on`)
    try {
      const findings = await at()
      expect(named(findings, 'database.copy')).toMatchObject([{ status: 'failed' }])
      expect(named(findings, 'database.rights')).toMatchObject([
        { status: 'failed', found: expect.stringContaining('read-only') },
      ])
    } finally {
      await run('set default_transaction_read_only = off', `alter database ${name} reset default_transaction_read_only`)
    }
  })

  test('of a newer version is a failure', async () => {
    await run("insert into drizzle.__drizzle_migrations (hash, created_at) values ('x', 9999999999999)")
    expect(named(await at(), 'database.migrations')).toMatchObject([{ status: 'failed' }])
  })
})

describe('the doctor command', () => {
  /**
   * The command has the real clock. The clock of these tests stood still, and a provider accepts no client secret that
   * was signed after the present.
   */
  const followClock = (): void => world.turn(Math.ceil((Date.now() - world.clock().getTime()) / 1000) + 60)

  async function command(env: Env, ...args: string[]) {
    followClock()
    const service = startService(settings(env), ['doctor', ...args])
    let stdout = ''
    service.process.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
    })
    const { code, stderr } = await service.ended
    expectNoSecrets(stdout + stderr, settings(env))
    return { code, stdout, stderr }
  }

  test('exits with 0 and one line per finding where nothing failed', async () => {
    const { code, stdout, stderr } = await command({})
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^ok +provider\.google\.client +Tested with a made-up code/m)
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/^ok: \d+, warning: \d+, failed: 0$/)
  })

  test('exits with 1 where something failed, and prints one JSON object for programs', async () => {
    const env = settings({ PORT: 'high', GOOGLE_CLIENT_SECRET: 'hunter2-wrong' })
    followClock()
    const { code, stdout, stderr } = await runCommand(env, ['doctor', '--json'])
    expectNoSecrets(stdout + stderr, env)
    expect([code, stderr]).toEqual([1, ''])
    const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Finding[] }
    expect(ok).toBe(false)
    expect(wrongWith(checks).filter((line) => line.startsWith('failed'))).toEqual([
      'failed configuration',
      'failed provider.google.client',
    ])
  })

  test('exits with 1 for unknown arguments', async () => {
    expect(await command({}, 'everything')).toMatchObject({
      code: 1,
      stdout: '',
      stderr: expect.stringContaining('Usage:'),
    })
  })
})
