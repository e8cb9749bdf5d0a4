import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { connectSqlite } from '../../src/store/connect-sqlite.ts'
import { migrationsFor } from '../../src/store/migrations.ts'
import type { StoreConfig } from '../../src/store/open.ts'
import { emptyDatabases } from '../support/databases.ts'
import { openedStore } from '../support/opened-store.ts'
import { connectPostgres } from '../support/postgres.ts'
import { takeDue } from '../support/take-due.ts'

const at = new Date('2026-03-01T12:00:00Z')
const soon = new Date(at.getTime() + 3_600_000)

/** A database as an older version left it: with so many migrations applied, and these rows. */
async function leftBy(config: StoreConfig, migrations: number, rows: (time: (date: Date) => unknown) => Rows) {
  const run = config.tag === 'sqlite' ? onSqlite(config.file) : await onPostgres(config.url)
  const postgresql = config.tag === 'postgres'
  await run.execute(
    postgresql
      ? 'CREATE SCHEMA drizzle; CREATE TABLE drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)'
      : 'CREATE TABLE __drizzle_migrations (id INTEGER PRIMARY KEY, hash text NOT NULL, created_at numeric)',
  )
  for (const { sql, hash, folderMillis } of migrationsFor(config.tag).slice(0, migrations)) {
    for (const statement of sql) await run.execute(statement)
    const table = postgresql ? 'drizzle.__drizzle_migrations' : '__drizzle_migrations'
    await run.execute(`INSERT INTO ${table} (hash, created_at) VALUES ('${hash}', ${folderMillis})`)
  }
  const all = rows((date) => (postgresql ? `'${date.toISOString()}'` : date.getTime()))
  for (const [table, row] of all)
    await run.execute(
      `INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${Object.values(row)
        .map((value) => (value === null ? 'NULL' : value))
        .join(', ')})`,
    )
  await run.close()
}
type Rows = readonly (readonly [string, Readonly<Record<string, unknown>>])[]

function onSqlite(file: string) {
  mkdirSync(dirname(file), { recursive: true })
  const database = connectSqlite(file)
  return { execute: async (sql: string) => void database.exec(sql), close: async () => void database.close() }
}
async function onPostgres(url: string) {
  const client = await connectPostgres(url)
  return { execute: (sql: string) => client.query(sql), close: () => client.end() }
}

/** An account with an identity for each of these subjects. */
const people = (
  time: (date: Date) => unknown,
  subjects: readonly string[],
  provider: string,
  issuer: string,
): [string, Record<string, unknown>][] =>
  subjects.flatMap((subject): [string, Record<string, unknown>][] => [
    ['accounts', { id: `'usr_${subject}'`, role: "'user'", created_at: time(at), updated_at: time(at) }],
    [
      'identities',
      {
        id: `'idn_${subject}'`,
        account_id: `'usr_${subject}'`,
        provider: `'${provider}'`,
        issuer: `'${issuer}'`,
        subject: `'${subject}'`,
        email_verified: 'false',
        scopes: "'[]'",
        linked_at: time(at),
        last_used_at: time(at),
      },
    ],
  ])

describe.each(emptyDatabases)('upgrading a database of the previous version, on $name', ({ place }) => {
  test('keeps its grants, as the person’s own and due before their token expires', async () => {
    const config = await place()
    const grant = (id: string, own: Record<string, unknown>) =>
      [
        'grants',
        {
          id: `'${id}'`,
          provider: "'atlassian'",
          client_id: "'app'",
          subject: `'${id}'`,
          access_token: "'sealed access'",
          refresh_token: "'sealed refresh'",
          scopes: `'["read:me"]'`,
          fence: 3,
          ...own,
        },
      ] as const
    await leftBy(config, 2, (time) => [
      ...people(time, ['live', 'dead', 'forever'], 'atlassian', 'atlassian'),
      grant('live', { status: "'healthy'", expires_at: time(soon), updated_at: time(at) }),
      grant('dead', { status: "'needs_reauthorization'", expires_at: time(soon), updated_at: time(at) }),
      grant('forever', { status: "'healthy'", refresh_token: null, expires_at: null, updated_at: time(at) }),
    ])

    const { store } = await openedStore(config, () => at)
    const found = (subject: string) =>
      store.grants.find({ provider: 'atlassian', issuer: 'atlassian', clientId: 'app', subject, holder: 'person' })
    expect(await found('live')).toEqual({
      id: 'live',
      provider: 'atlassian',
      issuer: 'atlassian',
      clientId: 'app',
      subject: 'live',
      holder: 'person',
      accessToken: 'sealed access',
      refreshToken: 'sealed refresh',
      askedScopes: ['read:me'],
      scopes: ['read:me'],
      expiresAt: soon,
      refreshExpiresAt: null,
      status: 'healthy',
      consentedAt: at,
      refreshedAt: null,
      usedAt: at,
      dueAt: soon,
      failures: 0,
      lastError: null,
      lastErrorAt: null,
      updatedAt: at,
      leaseOwner: null,
      leaseUntil: null,
      fence: 3,
    })
    expect(await found('dead')).toMatchObject({ status: 'needs_reauthorization', dueAt: null })
    expect(await found('forever')).toMatchObject({ status: 'healthy', refreshToken: null, dueAt: null })
    await store.close()
  })

  test('matches grants to whole identities, and queues those without an identity for revocation', async () => {
    const config = await place()
    const issuer = 'https://acme.example'
    const grant = (id: string, holder: string, provider = 'acme'): [string, Record<string, unknown>] => [
      'grants',
      {
        id: `'${id}'`,
        provider: `'${provider}'`,
        client_id: "'app'",
        subject: `'${id}'`,
        holder: `'${holder}'`,
        access_token: "'sealed access'",
        asked_scopes: "'[]'",
        scopes: "'[]'",
        status: "'healthy'",
        consented_at: '0',
        failures: '0',
        fence: '1',
      },
    ]
    const dated = (time: (date: Date) => unknown, [table, row]: [string, Record<string, unknown>]) =>
      [table, { ...row, consented_at: time(at), updated_at: time(at) }] as const
    await leftBy(config, 3, (time) => [
      ...people(time, ['known'], 'acme', issuer),
      dated(time, grant('known', 'person')),
      dated(time, grant('orphan', 'person')),
      dated(time, grant('team', 'team_1', 'atlassian')),
    ])
    const { store } = await openedStore(config, () => at)
    const found = (subject: string, given: { provider?: string; issuer?: string; holder?: string } = {}) =>
      store.grants.find({ provider: 'acme', issuer, clientId: 'app', subject, holder: 'person', ...given })
    expect(await found('known')).toMatchObject({ id: 'known', issuer })
    expect(await found('known', { issuer: 'https://other.example' })).toBeUndefined()
    expect(await found('team', { provider: 'atlassian', issuer: 'atlassian', holder: 'team_1' })).toBeDefined()
    // In bounded steps, each continuing where the previous one ended.
    const first = await store.grants.repair('', 2, at)
    const second = await store.grants.repair(first.next ?? '', 2, at)
    expect(first.withdrawn + second.withdrawn).toBe(1)
    expect(second.next).toBeNull()
    expect(await found('known')).toBeDefined()
    expect(await takeDue(store.revocations, 9, at, soon)).toMatchObject([
      { grantId: 'orphan', accessToken: 'sealed access' },
    ])
    await store.close()
  })

  test('sets the issuer of pending revocations: a team’s from its provider, a person’s where only one is known', async () => {
    const config = await place()
    const waits = (time: (date: Date) => unknown, id: string, provider: string, team: string | null) =>
      [
        'revocations',
        {
          id: `'${id}'`,
          account_id: "'usr_gone'",
          team_id: team,
          grant_id: `'${id}'`,
          provider: `'${provider}'`,
          client_id: "'app'",
          subject: `'${id}'`,
          access_token: "'sealed access'",
          attempts: '0',
          next_attempt_at: time(at),
          created_at: time(at),
        },
      ] as const
    await leftBy(config, 3, (time) => [
      ...people(time, ['one'], 'acme', 'https://acme.example'),
      ...people(time, ['here'], 'moved', 'https://here.example'),
      ...people(time, ['there'], 'moved', 'https://there.example'),
      waits(time, 'rvk_1', 'acme', null),
      waits(time, 'rvk_2', 'moved', null),
      waits(time, 'rvk_3', 'atlassian', "'team_1'"),
    ])
    const { store } = await openedStore(config, () => at)
    const waiting = await takeDue(store.revocations, 9, at, soon)
    expect(waiting.map(({ id, issuer }) => [id, issuer]).sort()).toEqual([
      ['rvk_1', 'https://acme.example'],
      ['rvk_2', ''],
      ['rvk_3', 'atlassian'],
    ])
    await store.close()
  })

  test('keeps what a node of the previous version writes alongside: a team’s Jira, and pending revocations', async () => {
    const config = await place()
    const dated = (time: (date: Date) => unknown, names: readonly string[]) =>
      Object.fromEntries(names.map((name) => [name, time(at)]))
    await leftBy(config, 4, (time) => [
      ['teams', { id: "'team_1'", name: "'One'", ...dated(time, ['created_at', 'updated_at']) }],
      [
        'jira_integrations',
        {
          team_id: "'team_1'",
          provider: "'atlassian'",
          client_id: "'app'",
          subject: "'s'",
          sync_status: "'ok'",
          ...dated(time, ['connected_at', 'next_sync_at', 'updated_at']),
        },
      ],
      [
        'grants',
        {
          id: "'team'",
          provider: "'atlassian'",
          client_id: "'app'",
          subject: "'s'",
          holder: "'team_1'",
          access_token: "'sealed access'",
          asked_scopes: "'[]'",
          scopes: "'[]'",
          status: "'healthy'",
          failures: '0',
          fence: '1',
          ...dated(time, ['consented_at', 'updated_at']),
        },
      ],
    ])
    const { store } = await openedStore(config, () => at)
    expect(await store.grants.repair('', 9, at)).toEqual({ withdrawn: 0, next: null })
    const key = { provider: 'atlassian', issuer: 'atlassian', clientId: 'app', subject: 's', holder: 'team_1' }
    expect(await store.grants.find(key)).toMatchObject({ id: 'team' })
    expect((await store.jira.find('team_1'))?.integration).toMatchObject({ issuer: 'atlassian' })
    // A revocation queued by such a node has no issuer, so a grant of any issuer keeps the consent.
    expect(await store.revocations.stillNeeded({ ...key, issuer: '' })).toBe(true)
    await store.close()
  })

  test('knows when people last signed in, from their sessions and identities', async () => {
    const config = await place()
    const session = (time: (date: Date) => unknown, id: string, subject: string, created: Date) =>
      [
        'sessions',
        {
          id: `'${id}'`,
          account_id: `'usr_${subject}'`,
          amr: "'[]'",
          scope: "''",
          generation: 1,
          used_generation: 0,
          ...Object.fromEntries(
            ['auth_time', 'created_at', 'last_seen_at', 'rotated_at', 'idle_expires_at', 'absolute_expires_at'].map(
              (name) => [name, time(created)],
            ),
          ),
        },
      ] as const
    const never = (time: (date: Date) => unknown) =>
      ['accounts', { id: "'usr_never'", role: "'user'", created_at: time(at), updated_at: time(at) }] as const
    await leftBy(config, 9, (time) => [
      ...people(time, ['provider', 'later'], 'acme', 'https://acme.example'),
      session(time, 'ses_1', 'later', new Date('2026-03-02T10:59:59Z')),
      session(time, 'ses_2', 'later', new Date('2026-03-02T09:30:00Z')),
      never(time),
    ])
    const { store } = await openedStore(config, () => at)
    const last = async (subject: string) => (await store.users.get(`usr_${subject}`, at))?.account.lastSignInAt
    expect(await last('provider')).toEqual(at)
    expect(await last('later')).toEqual(new Date('2026-03-02T10:00:00Z'))
    expect(await last('never')).toBeNull()
    await store.close()
  })

  test('sends the messages in its queue', async () => {
    const config = await place()
    const message = (time: (date: Date) => unknown): Record<string, unknown> => ({
      ...{ id: "'eml_1'", '"to"': "'ada@example.com'", locale: "'en'", template: "'sign_in'", params: "'{}'" },
      ...{ attempts: 0, next_attempt_at: time(at), created_at: time(at) },
    })
    await leftBy(config, 11, (time) => [['mails', message(time)]])
    const { store } = await openedStore(config, () => at)
    expect(await takeDue(store.mails, 9, at, soon)).toMatchObject([{ id: 'eml_1', to: 'ada@example.com' }])
    await store.close()
  })
})
