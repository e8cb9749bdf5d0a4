import { randomBytes } from 'node:crypto'
import { getTableName } from 'drizzle-orm'
import pg from 'pg'
import type { PostgresAddress } from '../kernel/postgres-url.ts'
import { codeOf } from './availability.ts'
import type { Connection } from './connection.ts'
import { copyMarker } from './copy-marker.ts'
import { appliedOnPostgres, connect, tableOf } from './migrate-postgres.ts'
import { type MigrationState, migrationState, migrationsFor } from './migrations.ts'
import { openErrorOf } from './open-error.ts'
import { warningsOf } from './postgres.ts'
import * as tables from './schema.postgres.ts'

/** How long one statement may take, and how long it may wait for a lock, in milliseconds. */
const limits = { statementMs: 5000, lockMs: 1000 }
/** How many connections are compared before a pooler counts as one in session mode. */
const poolerTries = 3

export type Pooler = 'none' | 'transaction' | 'session'
export type Rights = {
  /** The server's error for what a migration would not be allowed to do; `null` if it would be. */
  readonly change: string | null
  /** Tables that this role cannot read and write. */
  readonly unusable: readonly string[]
  /** Tables that another role owns, so that no migration can alter them. */
  readonly foreign: readonly string[]
}

/**
 * A connection that examines a PostgreSQL database without changing it: every trial is rolled back. Each method may
 * throw the error of the server.
 */
export type PostgresExamination = {
  readonly version: string
  readonly encrypted: boolean
  /** How long connecting took, in milliseconds. */
  readonly connectMs: number
  readonly warnings: readonly string[]
  clock(): Promise<{ readonly aheadMs: number; readonly accuracyMs: number }>
  rights(): Promise<Rights>
  migrations(): Promise<MigrationState & { readonly copyUnfinished: boolean }>
  pooler(): Promise<Pooler>
  close(): Promise<void>
}

/** Connects. Throws a `DatabaseOpenError` if that fails. `signal` cancels running queries. */
export async function examinePostgres(
  address: PostgresAddress,
  now: () => Date,
  signal: AbortSignal,
): Promise<PostgresExamination> {
  const began = performance.now()
  const { client, mode } = await connect(address, limits).catch((error: unknown) => {
    throw openErrorOf(error, address)
  })
  const connectMs = performance.now() - began
  const end = (): void => void client.abandon(new Error('the check took too long'))
  if (signal.aborted) end()
  signal.addEventListener('abort', end)
  const { rows } = await client.query<{ server_version: string }>('show server_version')

  return {
    version: rows[0]?.server_version ?? 'unknown',
    encrypted: mode !== 'off',
    connectMs,
    warnings: warningsOf(address),
    clock: () => compareClocks(client, now),
    rights: () => tryRights(client),
    migrations: () => readMigrations(client),
    pooler: () => findPooler(client, address),
    close: async () => {
      signal.removeEventListener('abort', end)
      await client.end().catch(() => {})
    },
  }
}

async function compareClocks(client: Connection, now: () => Date) {
  const before = now().getTime()
  const { rows } = await client.query<{ ms: string }>('select extract(epoch from clock_timestamp()) * 1000 as ms')
  const after = now().getTime()
  return { aheadMs: Number(rows[0]?.ms) - (before + after) / 2, accuracyMs: (after - before) / 2 }
}

/**
 * Runs work in a transaction that is always rolled back. The time limits apply to the transaction, because a pooler may
 * share the session with others.
 */
async function rolledBack<T>(client: Connection, work: () => Promise<T>): Promise<T> {
  await client.query(
    `begin; set local statement_timeout = ${limits.statementMs}; set local lock_timeout = ${limits.lockMs}`,
  )
  try {
    return await work()
  } finally {
    if (client.lost === undefined) await client.query('rollback')
  }
}

async function tryRights(client: Connection): Promise<Rights> {
  const change = await rolledBack(client, async () => {
    const name = pg.escapeIdentifier(`vinculum_doctor_${randomBytes(6).toString('hex')}`)
    try {
      await client.query(`create table ${name} (id integer)`)
      await client.query(`alter table ${name} add column at timestamptz`)
      await client.query(`insert into ${name} (id) values (1)`)
      return null
    } catch (error) {
      if (client.lost !== undefined) throw error
      return `${(error as Error).message} (${codeOf(error)})`
    }
  })
  const { rows } = await client.query<{ name: string; usable: boolean; owned: boolean }>(
    `select c.relname as name, pg_has_role(c.relowner, 'USAGE') as owned,
       has_table_privilege(c.oid, 'SELECT') and has_table_privilege(c.oid, 'INSERT')
         and has_table_privilege(c.oid, 'UPDATE') and has_table_privilege(c.oid, 'DELETE') as usable
     from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relkind = 'r' and n.nspname = current_schema() and c.relname = any($1) order by 1`,
    [Object.values(tables).map(getTableName)],
  )
  const namesOf = (which: (row: (typeof rows)[number]) => boolean) => rows.filter(which).map(({ name }) => name)
  return { change, unusable: namesOf(({ usable }) => !usable), foreign: namesOf(({ owned }) => !owned) }
}

async function readMigrations(client: Connection) {
  const table = await tableOf(client)
  const state = migrationState(migrationsFor('postgres'), table ? await appliedOnPostgres(client, table) : null)
  const leases = getTableName(tables.leases)
  const { rows } = await client.query<{ there: boolean }>('select to_regclass($1) is not null as there', [leases])
  if (!rows[0]?.there) return { ...state, copyUnfinished: false }
  const marked = await client.query(`select 1 from ${leases} where name = $1`, [copyMarker])
  return { ...state, copyUnfinished: marked.rows.length > 0 }
}

/**
 * A pooler reports a process ID that it made up, which differs from `pg_backend_pid()`. Between transactions, a pooler
 * in transaction mode gives our server process to the next client; one in session mode does not.
 */
async function findPooler(client: Connection, address: PostgresAddress): Promise<Pooler> {
  const { processID } = client as unknown as { readonly processID: number | null }
  const ours = await serverProcess(client)
  if (ours === processID) return 'none'
  for (let tries = 0; tries < poolerTries; tries++) {
    const { client: other } = await connect(address, limits)
    try {
      if ((await serverProcess(other)) === (await serverProcess(client))) return 'transaction'
    } finally {
      await other.end().catch(() => {})
    }
  }
  return 'session'
}

async function serverProcess(client: Connection): Promise<number | undefined> {
  const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
  return rows[0]?.pid
}
