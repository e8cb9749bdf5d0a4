import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { describe, expect, test } from 'vitest'
import { connectSqlite } from '../../src/store/connect-sqlite.ts'
import { migrationsFor } from '../../src/store/migrations.ts'
import type { StoreConfig } from '../../src/store/open.ts'
import { databases } from '../support/databases.ts'
import { openedStore } from '../support/opened-store.ts'
import { connectPostgres } from '../support/postgres.ts'

const at = new Date('2026-03-01T12:00:00Z')
const soon = new Date(at.getTime() + 3_600_000)

/** A database as an older version left it: with as many migrations behind it, and these rows. */
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

describe.each(databases)('a database of the version before, on $name', ({ place }) => {
  test('keeps its grants: each is its person’s own, and the next refresh is when its token dies', async () => {
    const config = await place()
    const grant = (id: string, own: Record<string, unknown>) =>
      [
        'grants',
        {
          ...{ id: `'${id}'`, provider: "'atlassian'", client_id: "'app'", subject: `'${id}'` },
          ...{ access_token: "'sealed access'", refresh_token: "'sealed refresh'", scopes: `'["read:me"]'`, fence: 3 },
          ...own,
        },
      ] as const
    await leftBy(config, 2, (time) => [
      grant('live', { status: "'healthy'", expires_at: time(soon), updated_at: time(at) }),
      grant('dead', { status: "'needs_reauthorization'", expires_at: time(soon), updated_at: time(at) }),
      grant('forever', { status: "'healthy'", refresh_token: null, expires_at: null, updated_at: time(at) }),
    ])

    const { store } = await openedStore(config, () => at)
    const found = (subject: string) =>
      store.grants.find({ provider: 'atlassian', clientId: 'app', subject, holder: 'person' })
    expect(await found('live')).toEqual({
      ...{ id: 'live', provider: 'atlassian', clientId: 'app', subject: 'live', holder: 'person' },
      ...{
        accessToken: 'sealed access',
        refreshToken: 'sealed refresh',
        askedScopes: ['read:me'],
        scopes: ['read:me'],
      },
      ...{ expiresAt: soon, refreshExpiresAt: null, status: 'healthy', consentedAt: at, refreshedAt: null, usedAt: at },
      ...{ dueAt: soon, failures: 0, lastError: null, lastErrorAt: null, updatedAt: at },
      ...{ leaseOwner: null, leaseUntil: null, fence: 3 },
    })
    expect(await found('dead')).toMatchObject({ status: 'needs_reauthorization', dueAt: null })
    expect(await found('forever')).toMatchObject({ status: 'healthy', refreshToken: null, dueAt: null })
    await store.close()
  })
})
