import pg from 'pg'
import type { PostgresAddress, TlsMode } from '../kernel/postgres-url.ts'
import { Connection, clientConfig } from './connection.ts'
import type { DriverParts } from './driver.ts'
import { migrationsFor, pending } from './migrations.ts'

/** The lock for migrations, for nodes that start at the same time. */
const migrationLock = 'vinculum:migrations'

/** After how long a node that waits for another one's migrations reports it, in milliseconds. */
const quietWaitMs = 10_000
/** How long a migration may be idle between two statements: a node that was suspended must not stop all the others. */
const idleInMigration = '5min'

/**
 * The schema and name that Drizzle uses for its table. A role that may not create a schema keeps it in its own schema.
 */
const migrationTable = { schema: 'drizzle', table: '__drizzle_migrations' }

/** Whether connections are encrypted: with `sslmode=prefer`, the server decides. */
export async function tlsModeOf(address: PostgresAddress): Promise<TlsMode> {
  if (address.tls.mode !== 'prefer') return address.tls.mode
  const { client, mode } = await connect(address)
  await client.end().catch(() => {})
  return mode
}

/**
 * Applies pending migrations: all or none, and by one node at a time. A node that waited finds nothing left to do.
 * Returns the TLS mode for further connections, which the server decides with `sslmode=prefer`. `warn` is called once if
 * it waits long.
 */
export async function migratePostgres(
  address: PostgresAddress,
  { openMs, warn }: Pick<DriverParts, 'openMs' | 'warn'>,
): Promise<TlsMode> {
  const { client, mode } = await connect(address)
  try {
    await migrate(client, openMs, warn)
    return mode
  } finally {
    await client.end().catch(() => {})
  }
}

/** No time limits: the statements of a migration may take as long as they need. */
const unlimited = { lockMs: 0, statementMs: 0 }

/** Opens one connection outside of the pool. Returns it and its TLS mode. */
export async function connect(
  address: PostgresAddress,
  limits: { readonly lockMs: number; readonly statementMs: number } = unlimited,
): Promise<{ client: Connection; mode: TlsMode }> {
  const { mode } = address.tls
  const shared = { ...limits, nameOf: () => undefined, pooled: true }
  const attempt = async (tried: TlsMode) => {
    const client = new Connection({ ...clientConfig(address, tried), shared })
    await client.connect()
    return { client, mode: tried }
  }
  if (mode !== 'prefer') return attempt(mode)
  try {
    return await attempt('encrypt')
  } catch (error) {
    if (/does not support SSL/.test((error as Error).message)) return attempt('off')
    throw error
  }
}

/** Ends the connection if the server does not answer in time: a proxy may swallow every byte. */
async function answered<T>(client: Connection, ms: number, work: () => Promise<T>): Promise<T> {
  const tooLate = setTimeout(
    () => client.destroy(Object.assign(new Error('the database took too long to answer'), { code: 'ETIMEDOUT' })),
    ms,
  )
  try {
    return await work()
  } finally {
    clearTimeout(tooLate)
  }
}

const pendingOn = async (client: Connection, table: string | undefined) =>
  pending(migrationsFor('postgres'), table ? await appliedOnPostgres(client, table) : null)

async function migrate(client: Connection, openMs: number, warn: (message: string) => void): Promise<void> {
  // At most starts nothing is pending; then do not wait for the lock.
  const now = await answered(client, openMs, async () => pendingOn(client, await tableOf(client)))
  if (now.length === 0) return
  await client.query('begin')
  try {
    // Another node may be migrating a large table, so wait without a limit.
    await client.query(
      `set local statement_timeout = 0; set local lock_timeout = 0;
       set local idle_in_transaction_session_timeout = '${idleInMigration}'`,
    )
    const waiting = setTimeout(() => warn('waiting for another node that migrates the database'), quietWaitMs)
    try {
      await client.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [migrationLock])
    } finally {
      clearTimeout(waiting)
    }
    // While we wait for a table lock, all later users of the table wait behind us. Fail instead, and let the next start
    // try again.
    await client.query("set local lock_timeout = '15s'")
    const table = (await tableOf(client)) ?? (await createTable(client))
    for (const { sql, hash, folderMillis } of await pendingOn(client, table)) {
      for (const statement of sql) await client.query(statement)
      await client.query(`insert into ${table} (hash, created_at) values ($1, $2)`, [hash, folderMillis])
    }
    await client.query('commit')
  } catch (error) {
    if (client.lost === undefined) await client.query('rollback')
    throw error
  }
}

export async function appliedOnPostgres(client: Connection, table: string): Promise<number | null> {
  const { rows } = await client.query<{ last: string | null }>(`select max(created_at) as last from ${table}`)
  const last = rows[0]?.last ?? null
  return last === null ? null : Number(last)
}

const quoted = (schema: string): string => `${pg.escapeIdentifier(schema)}.${migrationTable.table}`

/** Drizzle's table of applied migrations, in either schema; `undefined` on an empty database. */
export async function tableOf(client: Connection): Promise<string | undefined> {
  const { rows } = await client.query<{ schema: string | null }>(
    `select n.nspname as schema from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where c.relname = '${migrationTable.table}' and c.relkind = 'r' and n.nspname in ('${migrationTable.schema}', current_schema())
     order by n.nspname = '${migrationTable.schema}' desc`,
  )
  const [found] = rows
  return found?.schema ? quoted(found.schema) : undefined
}

/**
 * Checks first what exists: `IF NOT EXISTS` requires the right to create even if nothing must be created, and the role
 * may lack it.
 */
async function createTable(client: Connection): Promise<string> {
  const { rows } = await client.query<{ exists: boolean; may: boolean; current: string | null }>(
    `select to_regnamespace('${migrationTable.schema}') is not null as exists, current_schema() as current,
       case when to_regnamespace('${migrationTable.schema}') is not null
         then has_schema_privilege('${migrationTable.schema}', 'CREATE')
         else has_database_privilege(current_database(), 'CREATE') end as may`,
  )
  const { exists = false, may = false, current = null } = rows[0] ?? {}
  if (may && !exists) await client.query(`create schema ${migrationTable.schema}`)
  const table = quoted(may ? migrationTable.schema : (current ?? 'public'))
  await client.query(`create table ${table} (id serial primary key, hash text not null, created_at bigint)`)
  return table
}
