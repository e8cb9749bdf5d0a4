import { setTimeout as pause } from 'node:timers/promises'
import { DrizzleQueryError } from 'drizzle-orm/errors'
import { PgDatabase, PgDialect } from 'drizzle-orm/pg-core'
import { drizzle, PostgresJsSession } from 'drizzle-orm/postgres-js'
import connect, { type Sql, type TransactionSql } from 'postgres'
import { BusyError } from '../kernel/busy.ts'
import { type Driver, type Queries, Ready, ready, type Script, type Values } from './driver.ts'
import { migrationsFor, pending } from './migrations.ts'
import * as tables from './schema.postgres.ts'
import type { Tables } from './schema.ts'

/** What PostgreSQL asks to be tried again: a serialization failure, a deadlock it broke (Appendix A, class 40). */
const toRetry = new Set(['40001', '40P01'])
const attempts = 5

/** Nobody there, gone in the middle, or about to go: a new connection is made by itself, and may find it back. */
const unreachable = new Set([
  ...['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ETIMEDOUT', 'ENOTFOUND', 'EAI_AGAIN', 'CONNECT_TIMEOUT'],
  ...['CONNECTION_CLOSED', 'CONNECTION_DESTROYED', '25P03', '25P04', '53300', '57P01', '57P02', '57P03'],
])
/** What whoever asked meanwhile is told to wait, in seconds. */
const comeBackAfter = 5

/** The name of the lock nodes starting at once migrate under. */
const migrationLock = 'vinculum:migrations'

/**
 * A pool of connections, read committed: rules over several rows are kept by constraints, by compare-and-set,
 * and where a row is not there yet by an advisory lock. Every statement is prepared, so a single one is one round trip.
 */
export async function openPostgres(url: string, maxConnections = 10): Promise<Driver> {
  const client = connect(url, {
    max: maxConnections,
    connect_timeout: 5,
    idle_timeout: 60,
    // Left alone it waits ever longer, up to 20 seconds, and whoever asks waits with it though the database is back.
    backoff: () => 0.5,
    prepare: true,
    // We use no array type, so a connection need not ask for them before its first query.
    fetch_types: false,
    onnotice: () => {},
    connection: { application_name: 'vinculum' },
  })
  try {
    await migrate(client)
  } catch (error) {
    await client.end({ timeout: 0 })
    throw error
  }

  // Drizzle's own constructor also tells the client to leave times as text, which Drizzle then reads itself.
  const db = drizzle(client) as unknown as Queries
  const dialect = new PgDialect()

  const transaction = <T>(script: (tx: Queries) => Script<T>, locks: readonly string[]): Promise<T> =>
    client.begin((connection) => stepping(connection, script, locks).catch(unlessGone)) as Promise<T>

  async function stepping<T>(
    connection: TransactionSql,
    script: (tx: Queries) => Script<T>,
    locks: readonly string[],
  ): Promise<T> {
    const session = new PostgresJsSession(connection as unknown as Sql, dialect, undefined)
    const tx = new PgDatabase(dialect, session, undefined) as unknown as Queries
    await Promise.all([
      // A node that stands still in the middle must not keep its rows from all others: whoever waited for one of them
      // would hold more. Said here, since a pooler between us takes no such parameter when connecting.
      connection`set local idle_in_transaction_session_timeout = '10s'`,
      ...locks.map((key) => connection`select pg_advisory_xact_lock(hashtextextended(${key}, 0))`),
    ])
    return run(script(tx), connection as unknown as Sql)
  }

  return {
    db,
    tables: tables as unknown as Tables,
    read: (query) => execute(prepare(query)),
    write: (query) => {
      const prepared = prepare(query)
      return tryingAgain(() => execute(prepared))
    },
    reads: (query) => {
      const prepared = prepare(query)
      return (values) => execute(prepared, values)
    },
    writes: (query) => {
      const prepared = prepare(query)
      return (values) => tryingAgain(() => execute(prepared, values))
    },
    steps: (query) => {
      const prepared = prepare(query)
      return (values) => ready(prepared, values)
    },
    atomic(script, locks = []) {
      // One order for everybody, so that no two wait for each other; and never the same one twice.
      const inOrder = [...new Set(locks)].sort()
      return tryingAgain(() => transaction(script, inOrder))
    },
    endOfTurn: (run) => setImmediate(run),
    async ready() {
      const limit = new AbortController()
      const answer = client`select 1`.then(
        () => true,
        () => false,
      )
      const tooLate = pause(1000, false, { signal: limit.signal }).catch(() => false)
      return Promise.race([answer, tooLate]).finally(() => limit.abort())
    },
    close: () => client.end({ timeout: 5 }),
  }
}

/**
 * Of a transaction whose connection is gone nothing is left to roll back, and postgres.js would do so all the same:
 * where nobody listens, which ends the process (porsager/postgres#1208), or on the connection that follows, within
 * what runs there (#1216). It does not as long as this is unsettled; the end of the connection settles its `begin`.
 */
function unlessGone(thrown: unknown): Promise<never> {
  return thrown instanceof BusyError || unreachable.has(codeOf(thrown)) ? new Promise(() => {}) : Promise.reject(thrown)
}

/** For a whole transaction, which a single statement is too: of one that PostgreSQL undid nothing was written. */
async function tryingAgain<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (thrown) {
      if (attempt === attempts || !toRetry.has(codeOf(thrown))) throw withoutValues(thrown)
      await pause(5 * attempt)
    }
  }
}

/** All or nothing, and by one node at a time: whoever waited finds nothing left to do. */
async function migrate(client: Sql): Promise<void> {
  await client.begin(async (connection) => {
    await connection`select pg_advisory_xact_lock(hashtextextended(${migrationLock}, 0))`
    await connection.unsafe('CREATE SCHEMA IF NOT EXISTS drizzle')
    await connection.unsafe(
      'CREATE TABLE IF NOT EXISTS drizzle.__drizzle_migrations (id serial PRIMARY KEY, hash text NOT NULL, created_at bigint)',
    )
    const [done] = await connection<{ last: string | null }[]>`
      select max(created_at) as last from drizzle.__drizzle_migrations`
    const last = done?.last ?? null
    for (const { sql, hash, folderMillis } of pending(migrationsFor('postgres'), last === null ? null : Number(last))) {
      for (const statement of sql) await connection.unsafe(statement)
      await connection`insert into drizzle.__drizzle_migrations (hash, created_at) values (${hash}, ${folderMillis})`
    }
  })
}

/** Drizzle prepares a statement on the connection only when it has a name, and then does not use the name. */
type Prepared = { execute(values?: Values): Promise<unknown> }
const prepare = (query: PromiseLike<unknown>): Prepared =>
  (query as unknown as { prepare(name: string): Prepared }).prepare('prepared')

async function execute<T>(prepared: Prepared, values?: Values): Promise<T> {
  try {
    return (await prepared.execute(values)) as T
  } catch (error) {
    throw withoutValues(error)
  }
}

const codeOf = (thrown: unknown): string => String((thrown as { code?: unknown }).code)

/**
 * What went wrong, without what was written: Drizzle's error spells out every parameter, and PostgreSQL's own
 * `detail` can hold the whole row. Those are secrets and addresses, and errors are logged.
 */
function withoutValues(thrown: unknown): unknown {
  const error = thrown instanceof DrizzleQueryError && thrown.cause ? thrown.cause : thrown
  if (error instanceof connect.PostgresError) Reflect.deleteProperty(error, 'detail')
  return unreachable.has(codeOf(error)) ? new BusyError('the database', comeBackAfter, error) : error
}

async function run<T>(script: Script<T>, client: Sql): Promise<T> {
  let turn = script.next()
  while (!turn.done) {
    const query: unknown = turn.value
    // A statement made ready elsewhere runs on the connection of this transaction.
    const prepared =
      query instanceof Ready
        ? (Object.assign(Object.create(query.prepared as object), { client }) as Prepared)
        : prepare(turn.value)
    turn = script.next(await execute(prepared, query instanceof Ready ? query.values : undefined))
  }
  return turn.value
}
