import { setTimeout as pause } from 'node:timers/promises'
import { DrizzleQueryError } from 'drizzle-orm/errors'
import { NodePgSession } from 'drizzle-orm/node-postgres'
import { PgDatabase, PgDialect } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { currentLimit, Limit, withinLimit } from '../kernel/limit.ts'
import { type PostgresAddress, readPostgresUrl } from '../kernel/postgres-url.ts'
import { codeOf, createHealth, type Health, translateError, unavailableReasonOf } from './availability.ts'
import { type Connection, clientConfig } from './connection.ts'
import { backgroundMs, type Connections, createConnections, type Lane } from './connections.ts'
import { postgres } from './dialect.postgres.ts'
import {
  type Driver,
  type DriverParts,
  late,
  PreparedStep,
  preparedStep,
  type Queries,
  type Script,
  type Values,
  valuesNow,
  type WriteOptions,
} from './driver.ts'
import { migratePostgres, tlsModeOf } from './migrate-postgres.ts'
import { openError, openErrorOf } from './open-error.ts'
import * as tables from './schema.postgres.ts'
import type { Tables } from './schema.ts'

/** Errors that PostgreSQL asks to retry: a serialization failure, or a deadlock it broke (Appendix A, class 40). */
const retryableCodes = new Set(['40001', '40P01'])
const attempts = 5

/**
 * The server does not know a named statement, or already has one with that name. A pooler between us and the server
 * uses another server connection each time. Nothing was executed.
 */
const unknownStatementCodes = new Set(['26000', '42P05'])

/** How long reading the database clock may take, in milliseconds. */
const timeMs = 2000

/** How long our transaction may be idle between two statements before the server ends it, in milliseconds. */
const idleInTransactionMs = 10_000

/** Warnings for operators about an address that works. */
export const warningsOf = ({ ignored, tls }: PostgresAddress): readonly string[] => [
  ...(ignored.length > 0 ? [`DATABASE_URL has parameters that have no effect: ${ignored.join(', ')}`] : []),
  ...(tls.mode === 'encrypt'
    ? [
        'DATABASE_URL encrypts without verifying the identity of the database: use sslmode=verify-full if you have its CA',
      ]
    : []),
]

/**
 * A pool of connections with isolation level read committed. Rules over several rows are enforced by constraints, by
 * compare-and-set, and by an advisory lock if the row does not exist yet. A single statement is one round trip.
 */
export async function openPostgres(
  url: string,
  { requestMs, openMs, report, warn, ...parts }: DriverParts,
): Promise<Driver> {
  const read = readPostgresUrl(url)
  if (!read.ok) throw openError(`DATABASE_URL ${read.error}.`)
  const address = read.value
  for (const warning of warningsOf(address)) warn(warning)
  const health = createHealth(report)
  let pool: Connections
  try {
    const mode = await (parts.migrate === false ? tlsModeOf(address) : migratePostgres(address, { openMs, warn }))
    pool = createConnections({
      config: clientConfig(address, mode),
      max: parts.maxConnections ?? address.maxConnections ?? 10,
      requestMs,
      pooled: address.pooled,
      health,
    })
  } catch (error) {
    throw openErrorOf(error, address)
  }

  const dialect = new PgDialect()
  const building = (client: object): Queries =>
    new PgDatabase(dialect, new NodePgSession(client as pg.Client, dialect, undefined), undefined) as unknown as Queries
  // Only builds queries; each runs on the connection that is passed to it.
  const db = building({})

  async function single<T>(lane: Lane, prepared: Prepared, values: Values | (() => Values) = {}): Promise<T> {
    return pool.use(lane, (connection) => execute<T>(prepared, connection, valuesNow(values)))
  }

  /**
   * The message that begins a transaction with its time limits and locks. A pooler ignores such settings when
   * connecting.
   */
  function beginning(limit: Limit, locks: readonly string[]): string {
    const ms = Math.max(1, Math.ceil(limit.left))
    return [
      'begin',
      `set local statement_timeout = ${ms}`,
      `set local lock_timeout = ${Math.max(1, Math.ceil(Math.min(ms, requestMs / 2)))}`,
      // A node that hangs inside a transaction must not keep its rows locked.
      `set local idle_in_transaction_session_timeout = ${idleInTransactionMs}`,
      // As hexadecimal digits, because a key contains user input and this message has no parameters.
      ...locks.map((key) => {
        const hex = Buffer.from(key).toString('hex')
        return `select pg_advisory_xact_lock(hashtextextended(convert_from(decode('${hex}', 'hex'), 'UTF8'), 0))`
      }),
    ].join('; ')
  }

  /**
   * Throws if the time limit of the request has ended, or its caller already got 503. The statement that was waited for
   * may have ended just then, before the cancel request arrived.
   */
  function checkTime(connection: Connection, limit: Limit): void {
    if (connection.lost) throw connection.lost
    if (limit.left === 0)
      throw health.failed('contended', new Error('a transaction did not end within the time limit of its request'))
  }

  /**
   * Runs a script in one transaction. If the request's time limit ends, nothing takes effect: only COMMIT makes it so,
   * and it is not sent then. Only the outcome of a COMMIT that was already sent is unknown.
   */
  const transaction = <T>(script: (tx: Queries) => Script<T>, locks: readonly string[]): Promise<T> =>
    pool.use('other', async (connection, limit) => {
      try {
        await connection.query(beginning(limit, locks))
        const mayGoOn = (): void => checkTime(connection, limit)
        const value = await run(script(building(asClient(connection))), connection, mayGoOn)
        mayGoOn()
        const { command } = await connection.query('commit')
        // COMMIT of a failed transaction is a ROLLBACK, and not an error.
        if (command !== 'COMMIT') throw new Error('the transaction was rolled back')
        return value
      } catch (error) {
        if (connection.lost === undefined)
          await connection.query('rollback').catch((failure: Error) => connection.destroy(failure))
        throw error
      }
    })

  const retrying = <T>(work: () => Promise<T>, { repeatable = false }: WriteOptions = {}): Promise<T> =>
    withRetries(work, { health, repeatable, unnamed: () => (pool.shared.pooled = true) })

  const readOnce = <T>(query: PromiseLike<T>): Promise<T> => {
    const prepared = prepare(query)
    return retrying(() => single('other', prepared), { repeatable: true })
  }

  return {
    db,
    tables: tables as unknown as Tables,
    byteOrder: postgres.byteOrder,
    read: readOnce,
    // No event loop to protect here: the server does the work, and cancels a statement that takes too long.
    readLong: readOnce,
    write: (query) => {
      const prepared = prepare(query)
      return retrying(() => single('other', prepared))
    },
    reads: (query) => {
      const prepared = late(() => prepare(query, 'named'))
      return (values) => retrying(() => single('hot', prepared(), values), { repeatable: true })
    },
    writes: (query, options) => {
      const prepared = late(() => prepare(query, 'named'))
      return (values) => retrying(() => single('write', prepared(), values), options)
    },
    waitingWrites: (query, options) => {
      const prepared = late(() => prepare(query, 'named'))
      return (values) => retrying(() => single('other', prepared(), values), options)
    },
    skipLocked: (query) => {
      const locking = query as unknown as { for(strength: 'update', how: { skipLocked: true }): typeof query }
      return locking.for('update', { skipLocked: true })
    },
    steps: (query) => {
      const prepared = late(() => prepare(query, 'named'))
      return (values) => preparedStep(prepared, values)
    },
    atomic(script, locks = []) {
      // Sorted, so that no two transactions wait for each other, and without duplicates.
      const inOrder = [...new Set(locks)].sort()
      return retrying(() => transaction(script, inOrder))
    },
    // A statement costs a round trip, and costs the server far more than one more row does. Measured for token
    // refreshes, as a share of the throughput of a bare UPDATE: 0.62 with a statement for each turn. With two running
    // at once it is 0.70; with one, 0.82 and 0.90.
    statementsAtOnce: 1,
    endOfTurn: (run) => setImmediate(run),
    // Not now(), which is the time when the transaction began.
    time: () =>
      withinLimit(new Limit(timeMs), () =>
        pool.use('hot', async (connection) => {
          const text = 'select extract(epoch from clock_timestamp()) * 1000 as ms'
          const { rows } = await connection.run({ text }, [])
          return new Date(Number((rows as readonly { readonly ms: string }[])[0]?.ms))
        }),
      ),
    close: () => pool.close(),
  }
}

type RetryOptions = {
  readonly health: Health
  /** Whether it is also retried after a lost connection, as reads are. */
  readonly repeatable: boolean
  readonly unnamed: () => void
}

/**
 * Retries a whole transaction; a single statement is one, too. A transaction that PostgreSQL rolled back wrote nothing.
 */
async function withRetries<T>(work: () => Promise<T>, { health, repeatable, unnamed }: RetryOptions): Promise<T> {
  const limit = currentLimit(backgroundMs)
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (thrown) {
      const code = codeOf(thrown)
      const notNow = unavailableReasonOf('postgres', thrown)
      const other = unknownStatementCodes.has(code)
      if (other) unnamed()
      const again = other || retryableCodes.has(code) || (repeatable && notNow === 'unreachable')
      if (!again || attempt === attempts || limit.isOver())
        throw translateError('postgres', withoutValues(thrown), health)
      await pause(other ? 0 : 5 * attempt)
    }
  }
}

/** A query of Drizzle's for node-postgres. It runs on the `client` that is set on it. */
type Prepared = { execute(values?: Values): Promise<unknown> }
/**
 * Only hot statements are `named`. After five executions of a named statement, the server may keep one plan for any
 * values. For a search by key, it is the right plan. For a list it may be a scan of the table, because the plan expects
 * a share of the rows that is usual for no value. A statement without a name is planned for its values each time.
 */
const prepare = (query: PromiseLike<unknown>, named?: 'named'): Prepared =>
  (query as unknown as { prepare(name: string): Prepared }).prepare(named ?? '')

const asClient = (connection: Connection): pg.Client =>
  ({ query: connection.run.bind(connection) }) as unknown as pg.Client

async function execute<T>(prepared: Prepared, connection: Connection, values?: Values): Promise<T> {
  const bound = Object.assign(Object.create(prepared as object), { client: asClient(connection) }) as Prepared
  try {
    return (await bound.execute(values)) as T
  } catch (error) {
    throw error instanceof DrizzleQueryError && error.cause ? error.cause : error
  }
}

/**
 * Removes values from an error before it is logged. Drizzle's error contains every parameter, and PostgreSQL's `detail`
 * can contain the whole row: secrets and email addresses.
 */
function withoutValues(thrown: unknown): unknown {
  const error = thrown instanceof DrizzleQueryError && thrown.cause ? thrown.cause : thrown
  if (error instanceof pg.DatabaseError)
    for (const name of ['detail', 'where', 'internalQuery']) Reflect.deleteProperty(error, name)
  return error
}

/** `mayGoOn` throws if no further statement may be sent. */
async function run<T>(script: Script<T>, connection: Connection, mayGoOn: () => void): Promise<T> {
  let turn = script.next()
  while (!turn.done) {
    mayGoOn()
    const query: unknown = turn.value
    // A statement prepared in advance runs on the connection of this transaction.
    const result =
      query instanceof PreparedStep
        ? await execute((query.prepared as () => Prepared)(), connection, query.values)
        : await execute(prepare(turn.value), connection)
    turn = script.next(result)
  }
  return turn.value
}
