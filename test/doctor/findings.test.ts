import { expect, test } from 'vitest'
import { linesOf } from '../../src/commands/doctor.ts'
import { inspectConfig } from '../../src/config.ts'
import { type Check, failed, passed, runChecks, warning } from '../../src/doctor/check.ts'
import { examineConfiguration } from '../../src/doctor/configuration.ts'
import {
  clockFinding,
  migrationsFinding,
  placeFinding,
  poolerFinding,
  reachableFinding,
  rightsFindings,
  sqliteFindings,
} from '../../src/doctor/database.ts'
import { diskFinding } from '../../src/doctor/disk.ts'
import { keyFindings, signingKeyFinding } from '../../src/doctor/keys.ts'
import { smtpFinding } from '../../src/doctor/mail.ts'
import { findingsOf } from '../../src/doctor/providers.ts'
import { type ObservedRequest, proxyFinding, serviceFinding, unobservedFinding } from '../../src/doctor/proxy.ts'
import { definitions } from '../../src/providers/definitions/index.ts'
import { judgeClient } from '../../src/providers/examine.ts'
import type { Endpoints } from '../../src/providers/provider.ts'

const check = (name: string, run: Check['run']): Check => ({ name, run, slow: 'Wait.' })

test('checks run in parallel, and report in their order', async () => {
  let meet = (): void => {}
  const met = new Promise<void>((resolve) => {
    meet = resolve
  })
  const findings = await runChecks([
    check('first', async (report) => {
      await met
      report(passed('first', 'Waited for the second.'))
    }),
    check('second', async (report) => {
      meet()
      report(passed('second', 'Did not wait.'))
    }),
  ])
  expect(findings.map(({ name }) => name)).toEqual(['first', 'second'])
})

test('a check that does not end is a failure, keeps its findings and is aborted', async () => {
  let released = false
  const findings = await runChecks(
    [
      check('slow', (report, signal) => {
        report(passed('slow.start', 'Began.'))
        signal.addEventListener('abort', () => {
          released = true
          report(passed('slow.late', 'Too late.'))
        })
        return new Promise(() => {})
      }),
      check('quick', async (report) => report(passed('quick', 'Done.'))),
    ],
    20,
  )
  expect(findings.map(({ name, status }) => [name, status])).toEqual([
    ['slow.start', 'ok'],
    ['slow', 'failed'],
    ['quick', 'ok'],
  ])
  expect(findings[1]?.remedy).toBe('Wait.')
  expect(released).toBe(true)
})

test('a check that throws is a failure that shows no message, since that could quote a secret', async () => {
  const thrown = Object.assign(new Error('password hunter2 refused'), { code: 'EWHAT' })
  const [finding] = await runChecks([check('broken', () => Promise.reject(thrown))])
  expect(finding).toMatchObject({ name: 'broken', status: 'failed', found: 'The check itself failed (Error, EWHAT).' })
})

test('each finding is one line, whatever another program returned, and problems have a remedy', () => {
  const lines = linesOf([
    passed('a', 'Fine.'),
    warning('long.name', 'Line\nok  mail  forged\u001b[2J', 'Do this.'),
    failed('c', 'Broken.', 'Do that.'),
  ])
  expect(lines).toEqual([
    'ok       a          Fine.',
    'warning  long.name  Line ok  mail  forged [2J → Do this.',
    'failed   c          Broken. → Do that.',
    'ok: 1, warning: 1, failed: 1',
  ])
})

const keys = `k1:${Buffer.from('0123456789abcdef0123456789abcdef').toString('base64')}`
test.each([
  { env: {}, found: 'ENCRYPTION_KEYS is not set' },
  { env: { PUBLIC_URL: 'https://id.example.com' }, found: 'NODE_ENV is not production' },
  { env: { RATE_LIMITS: 'off' }, found: 'RATE_LIMITS is off' },
  { env: { DATABASE_URL: 'file::memory:' }, found: 'database in memory' },
  { env: { OAUTH_AUTO_REGISTER_NEW_USERS: 'false' }, found: 'nobody new can sign up' },
  { env: { ENCRYPTION_KEY: keys }, found: 'ENCRYPTION_KEY' },
])('a configuration that works but should change is a warning: $found', ({ env, found }) => {
  const { config, faults } = inspectConfig({ ...env } as Record<string, string>)
  expect(faults).toEqual([])
  const findings = examineConfiguration(config, faults)
  expect(findings).toContainEqual({
    name: 'configuration',
    status: 'warning',
    found: expect.stringContaining(found),
    remedy: expect.any(String),
  })
})

test('an invalid configuration is a failure for each error, in addition to the warnings', () => {
  const { config, faults } = inspectConfig({ PORT: 'high', PUBLIC_URL: 'http://id.example.com', GOOGLE_KEY: 'x' })
  expect(examineConfiguration(config, faults).map(({ status, found }) => [status, found.split(/[: ]/)[0]])).toEqual([
    ['failed', 'PORT'],
    ['failed', 'PUBLIC_URL'],
    ['warning', 'GOOGLE_KEY'],
  ])
})

const applied = { known: 4, pending: 0, empty: false, newer: false }
test.each([
  { what: 'applied migrations', finding: migrationsFinding(applied), status: 'ok' },
  { what: 'pending migrations', finding: migrationsFinding({ ...applied, pending: 2 }), status: 'warning' },
  { what: 'an empty database', finding: migrationsFinding({ ...applied, pending: 4, empty: true }), status: 'warning' },
  { what: 'a newer version', finding: migrationsFinding({ ...applied, newer: true }), status: 'failed' },
  { what: 'a correct clock', finding: clockFinding(-1900, 5), status: 'ok' },
  { what: 'a clock that is ahead', finding: clockFinding(2100, 5), status: 'warning' },
  { what: 'a clock that is behind', finding: clockFinding(-90_000, 5), status: 'warning' },
  { what: 'a difference that may be the network', finding: clockFinding(2500, 900), status: 'ok' },
  { what: 'a pooler in transaction mode', finding: poolerFinding('transaction'), status: 'ok' },
  {
    what: 'a slow connection',
    finding: reachableFinding('db:5432', { version: '18', connectMs: 1500, encrypted: true }),
    status: 'warning',
  },
  { what: 'a local file', finding: placeFinding('a.db', undefined), status: 'ok' },
  { what: 'a network file', finding: placeFinding('a.db', { name: 'NFS', kind: 'network' }), status: 'warning' },
  { what: 'a container', finding: placeFinding('a.db', { name: 'overlayfs', kind: 'volatile' }), status: 'warning' },
])('$what: $status', ({ finding, status }) => {
  expect(finding.status).toBe(status)
  if (status !== 'ok') expect(finding.remedy).toMatch(/\w/)
})

test('privileges only the next version needs are a warning, those this version needs a failure', () => {
  const rights = { change: 'permission denied for schema public (42501)', unusable: [], foreign: ['accounts'] }
  const statuses = (pending: number) => rightsFindings(rights, pending).map(({ status }) => status)
  expect(statuses(0)).toEqual(['warning', 'warning'])
  expect(statuses(1)).toEqual(['failed', 'failed'])
  expect(rightsFindings({ change: null, unusable: ['audit'], foreign: [] }, 0)).toMatchObject([{ status: 'failed' }])
  expect(rightsFindings({ change: null, unusable: [], foreign: [] }, 0)).toMatchObject([{ status: 'ok' }])
})

test('a damaged, open or non-WAL file is reported, and a large one is not read completely', () => {
  const fine = { bytes: 4096, journalMode: 'wal', open: false, migrations: applied, damage: null }
  const statuses = (examined: Partial<Parameters<typeof sqliteFindings>[1]>) =>
    sqliteFindings('a.db', { ...fine, ...examined }).filter(({ status }) => status !== 'ok')
  expect(statuses({})).toEqual([])
  expect(statuses({ damage: undefined })).toEqual([])
  expect(statuses({ damage: 'row 1 missing' })).toMatchObject([{ name: 'database.integrity', status: 'failed' }])
  expect(statuses({ open: true })).toMatchObject([{ name: 'database.mode', status: 'warning' }])
  expect(statuses({ journalMode: 'delete' })).toMatchObject([{ name: 'database.file', status: 'warning' }])
})

const gib = 1024 ** 3 / 4096
test.each([
  { what: 'plenty', space: { bavail: 50 * gib }, status: 'ok' },
  { what: 'less than a tenth', space: { bavail: 9 * gib }, status: 'warning' },
  { what: 'less than a GiB of a small disk', space: { blocks: 2 * gib, bavail: 0.9 * gib }, status: 'warning' },
  { what: 'few inodes', space: { bavail: 50 * gib, ffree: 5 }, status: 'warning' },
  { what: 'nothing', space: { bavail: 0 }, status: 'failed' },
  { what: 'no inode', space: { bavail: 50 * gib, ffree: 0 }, status: 'failed' },
  { what: 'a file system without fixed inodes', space: { bavail: 50 * gib, files: 0, ffree: 0 }, status: 'ok' },
])('a disk with $what free: $status', ({ space, status }) => {
  const disk = { bsize: 4096, blocks: 100 * gib, files: 100, ffree: 50, ...space }
  expect(diskFinding('disk.data', 'data', disk).status).toBe(status)
})

const counted = (tallies: Record<string, number>, incomplete = false) => ({
  tallies: new Map(Object.entries(tallies).map(([key, values]) => [key, [{ table: 'grants', values }]])),
  samples: [],
  unread: [],
  incomplete,
})
const none = { wrong: [], closed: [] }
test('each key reports what it encrypts; an unused one may be removed, a missing one is a failure', () => {
  const findings = keyFindings(['k3', 'k2', 'k1'], { ...none, counted: counted({ k3: 5, k2: 1, k0: 7 }) })
  expect(findings.map(({ name, status }) => [name, status])).toEqual([
    ['keys.k3', 'ok'],
    ['keys.k2', 'warning'],
    ['keys.k1', 'ok'],
    ['keys.k0', 'failed'],
  ])
  expect(findings.map(({ found }) => found)).toEqual([
    expect.stringContaining('5 values (grants: 5)'),
    expect.stringContaining('1 value (grants: 1)'),
    expect.stringContaining('Encrypts nothing'),
    expect.stringContaining('7 values (grants: 7)'),
  ])
})
test('an unfinished count recommends no removal', () => {
  const findings = keyFindings(['k2', 'k1'], { ...none, counted: counted({ k2: 5 }, true) })
  expect(findings[0]?.found).toContain('at least 5')
  expect(findings[1]?.found).not.toContain('remove')
  expect(findings[2]).toMatchObject({ name: 'keys', status: 'warning' })
})
test('signing keys are shown with their age', () => {
  const now = new Date('2026-06-10T00:00:00Z')
  const key = (purpose: 'access' | 'refresh', createdAt: string, activatesAt = createdAt) => ({
    id: createdAt,
    purpose,
    createdAt: new Date(createdAt),
    activatesAt: new Date(activatesAt),
  })
  const all = [
    key('access', '2026-05-01T00:00:00Z'),
    key('access', '2026-06-09T23:59:00Z', '2026-06-10T00:07:00Z'),
    key('refresh', '2026-06-09T00:00:00Z'),
  ]
  expect(signingKeyFinding(all, now).found).toBe(
    'Signing keys for access tokens: 40 days old, 2 published, 1 not signing yet; refresh tokens: 24 h old, 1 published.',
  )
  expect(signingKeyFinding([], now)).toMatchObject({ status: 'ok' })
})

const smtp = {
  tag: 'smtp',
  port: 587,
  implicitTls: false,
  user: 'u',
  password: 'hunter2',
  from: 'a@example.com',
} as const
test.each([
  { fault: { code: 'EAUTH', reply: 535, reason: null }, found: 'rejected the user or password (535)' },
  { fault: { code: 'ESOCKET', reply: null, reason: 'DEPTH_ZERO_SELF_SIGNED_CERT' }, found: 'is not trusted' },
  { fault: { code: 'ESOCKET', reply: null, reason: 'certificate' }, found: 'is not trusted' },
  { fault: { code: 'ETLS', reply: null, reason: null }, found: 'TLS with the mail server failed' },
  { fault: { code: 'EDNS', reply: null, reason: 'ENOTFOUND' }, found: 'was not found' },
  { fault: { code: 'ETIMEDOUT', reply: null, reason: null }, found: 'did not respond in time' },
  { fault: { code: 'ESOCKET', reply: null, reason: 'ECONNREFUSED' }, found: 'ECONNREFUSED' },
])('a mail server that fails with $fault.code $fault.reason: $found', ({ fault, found }) => {
  const finding = smtpFinding({ ...smtp, host: 'mail.example.com' }, true, fault)
  expect(finding).toMatchObject({ status: 'failed', found: expect.stringContaining(found) })
  expect(JSON.stringify(finding)).not.toContain('hunter2')
})

const refused = (code: string | null, status = 400) =>
  ({ kind: 'refused', reason: `status_${status}`, status, code }) as const
test.each([
  { kind: 'oidc', code: 'invalid_grant', tag: 'accepted' },
  { kind: 'oidc', code: 'invalid_client', tag: 'rejected' },
  { kind: 'oidc', code: 'unauthorized_client', tag: 'rejected' },
  { kind: 'oidc', code: 'invalid_request', tag: 'unclear' },
  { kind: 'oidc', code: null, tag: 'unclear' },
  { kind: 'google', code: 'redirect_uri_mismatch', tag: 'wrong_redirect_uri' },
  { kind: 'github', code: 'bad_verification_code', tag: 'accepted' },
  { kind: 'github', code: 'incorrect_client_credentials', tag: 'rejected' },
  { kind: 'github', code: 'Not Found', tag: 'rejected' },
  { kind: 'atlassian', code: 'invalid_request', tag: 'accepted' },
  { kind: 'atlassian', code: 'access_denied', tag: 'rejected' },
  { kind: 'bitbucket', code: 'invalid_grant', tag: 'accepted' },
  { kind: 'bitbucket', code: 'unauthorized_client', tag: 'rejected' },
  { kind: 'facebook', code: 'invalid_client', tag: 'rejected' },
] as const)('$kind that rejects an invalid code with $code: $tag', ({ kind, code, tag }) => {
  expect(judgeClient(refused(code), definitions[kind]).tag).toBe(tag)
})
test('a bare 401 means a rejected client, and a missing response decides nothing', () => {
  expect(judgeClient(refused(null, 401), definitions.oauth2).tag).toBe('rejected')
  expect(judgeClient({ kind: 'unavailable', reason: 'network' }, definitions.oauth2).tag).toBe('unanswered')
})

const acme = inspectConfig({
  OIDC_PROVIDERS: 'acme',
  ACME_ISSUER: 'https://acme.example',
  ACME_CLIENT_ID: 'a',
  ACME_CLIENT_SECRET: 'hunter2',
  ACME_TOKEN_AUTH: 'post',
}).config.providers[0]
test('a client authentication that the discovery document does not offer is a warning', () => {
  if (!acme) throw new Error('no provider')
  const endpoints = {
    token: 'https://acme.example/token',
    clientAuth: 'post',
    offeredAuth: ['client_secret_basic'],
  } as unknown as Endpoints
  const client = { tag: 'accepted', code: 'invalid_grant' } as const
  expect(findingsOf(acme, { discovers: true, endpoints: { ok: true, value: endpoints }, client })).toMatchObject([
    { name: 'provider.acme.discovery', status: 'warning', remedy: expect.stringContaining('ACME_TOKEN_AUTH') },
    { name: 'provider.acme.client', status: 'ok' },
  ])
})

const arrival: ObservedRequest = {
  client: '203.0.113.9',
  peer: '10.0.0.1',
  forwarded_for: ['203.0.113.9'],
  forwarded: false,
  scheme: 'https',
  host: 'id.example.com',
  trust_proxy_hops: 1,
}
const forged = { ...arrival, client: '192.0.2.77' }
const publicUrl = new URL('https://id.example.com')
test.each([
  { what: 'as many as trusted', plain: arrival, withForged: arrival, status: 'ok', remedy: undefined },
  {
    what: 'one, and none trusted',
    plain: { ...arrival, trust_proxy_hops: 0 },
    withForged: arrival,
    status: 'failed',
    remedy: 'TRUST_PROXY_HOPS=1',
  },
  {
    what: 'one, and two trusted',
    plain: { ...arrival, trust_proxy_hops: 2 },
    withForged: forged,
    status: 'failed',
    remedy: 'TRUST_PROXY_HOPS=1',
  },
  {
    what: 'one, and two trusted, without an answer to the forged request',
    plain: { ...arrival, trust_proxy_hops: 2 },
    withForged: undefined,
    status: 'failed',
    remedy: 'TRUST_PROXY_HOPS=1',
  },
  {
    what: 'one that forwards headers of the client',
    plain: arrival,
    withForged: forged,
    status: 'failed',
    remedy: 'overwrite X-Forwarded-For',
  },
  {
    what: 'one that sends no header',
    plain: { ...arrival, forwarded_for: [], trust_proxy_hops: 0 },
    withForged: arrival,
    status: 'failed',
    remedy: 'send X-Forwarded-For',
  },
  {
    what: 'one that sends Forwarded only',
    plain: { ...arrival, forwarded_for: [], forwarded: true, trust_proxy_hops: 1 },
    withForged: arrival,
    status: 'failed',
    remedy: 'send X-Forwarded-For',
  },
] as const)('reverse proxies: $what', ({ plain, withForged, status, remedy }) => {
  const finding = proxyFinding({ publicUrl }, plain as ObservedRequest, withForged as ObservedRequest | undefined)
  expect(finding.status).toBe(status)
  if (remedy !== undefined) expect(finding.remedy).toContain(remedy)
})

test('a service that is not running is a warning, one that is not ready a failure', () => {
  expect(serviceFinding('http://127.0.0.1:3000', { reason: 'ECONNREFUSED' }).status).toBe('warning')
  expect(serviceFinding('http://127.0.0.1:3000', { status: 503, body: {} }).status).toBe('failed')
  expect(serviceFinding('http://127.0.0.1:3000', { status: 404, body: {} }).status).toBe('warning')
  const unreachable = { tag: 'unreachable', reason: 'ENOTFOUND' } as const
  expect(unobservedFinding({ publicUrl, trustProxyHops: 0 }, unreachable)).toMatchObject({
    status: 'warning',
    found: expect.stringContaining('all clients would share its IP address'),
  })
  expect(unobservedFinding({ publicUrl, trustProxyHops: 1 }, { tag: 'stranger', status: 401 }).status).toBe('warning')
})

test.each([
  { kind: 'oidc', id: 'acme', remedy: /^Check ACME_ISSUER, and that/ },
  { kind: 'oauth2', id: 'plain', remedy: /^Check PLAIN_TOKEN_URL, and that/ },
  {
    kind: 'github',
    id: 'github',
    remedy: /^Check that this machine reaches the host .* GITHUB_TOKEN_URL, if it is set\.$/,
  },
] as const)(
  'an unresponsive token endpoint of $kind: the remedy names the operator’s settings',
  ({ kind, id, remedy }) => {
    if (!acme) throw new Error('acme is configured')
    const endpoints = { token: 'https://acme.example/token', clientAuth: 'basic' } as Endpoints
    const failure = { kind: 'unavailable', reason: 'network' } as const
    const [finding] = findingsOf(
      { ...acme, kind, id },
      { discovers: false, endpoints: { ok: true, value: endpoints }, client: { tag: 'unanswered', failure } },
    )
    expect(finding?.remedy).toMatch(remedy)
  },
)
