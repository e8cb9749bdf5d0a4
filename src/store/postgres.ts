import { setTimeout as pause } from 'node:timers/promises'
import { DrizzleQueryError } from 'drizzle-orm/errors'
import { NodePgSession } from 'drizzle-orm/node-postgres'
import { PgDatabase, PgDialect } from 'drizzle-orm/pg-core'
import pg from 'pg'
import { currentLimit, Limit, withinLimit } from '../kernel/limit.ts'
import { type PostgresAddress, readPostgresUrl } from '../kernel/postgres-url.ts'
import {
  backgroundMs,
  type Connection,
  type Connections,
  clientConfig,
  createConnections,
  type Lane,
} from './connections.ts'
import { postgres } from './dialect.postgres.ts'
import {
  type Driver,
  type DriverParts,
  type Queries,
  Ready,
  ready,
  type Script,
  type Values,
  valuesNow,
} from './driver.ts'
import { migratePostgres, tlsModeOf } from './migrate-postgres.ts'
import { codeOf, createHealth, type Health, meaningOf, notNowOf } from './not-now.ts'
import { openError, openErrorOf } from './open-error.ts'
import * as tables from './schema.postgres.ts'
import type { Tables } from './schema.ts'

/** What PostgreSQL asks to be tried again: a serialization failure, a deadlock it broke (Appendix A, class 40). */
const toRetry = new Set(['40001', '40P01'])
const attempts = 5

/**
 * A named statement that the server does not know, or knows already, or as another one: between us and it is a pooler
 * that hands out another server connection each time. Nothing was carried out.
 */
const otherSession = new Set(['26000', '42P05'])

/** How long asking for the time may take, in milliseconds. */
const timeMs = 2000

/** How long a transaction of ours may stand still between two statements before the server ends it. */
const idleInTransactionMs = 10_000

/** What an operator should know about the address, though it works. */
export const warningsOf = ({ ignored, tls }: PostgresAddress): readonly string[] => [
  ...(ignored.length > 0 ? [`DATABASE_URL has parameters without an effect: ${ignored.join(', ')}`] : []),
  ...(tls.mode === 'encrypt'
    ? ['DATABASE_URL encrypts without checking who the database is: use sslmode=verify-full where its CA is known']
    : []),
]

/**
 * A pool of connections, read committed: rules over several rows are kept by constraints, by compare-and-set,
 * and where a row is not there yet by an advisory lock. Statements are prepared, so a single one is one round trip.
 */
export async function openPostgres(url: string, { requestMs, report, warn, ...parts }: DriverParts): Promise<Driver> {
  const read = readPostgresUrl(url)
  if (!read.ok) throw openError(`DATABASE_URL ${read.error}.`)
  const address = read.value
  for (const warning of warningsOf(address)) warn(warning)
  const health = createHealth(report)
  let pool: Connections
  try {
    const mode = await (parts.migrate === false ? tlsModeOf(address) : migratePostgres(address))
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
  // Only builds: what it built runs on the connection that is given to it.
  const db = building({})

  async function single<T>(lane: Lane, prepared: Prepared, values: Values | (() => Values) = {}): Promise<T> {
    return pool.use(lane, (connection) => execute<T>(prepared, connection, valuesNow(values)))
  }

  /** Begins, with its limits and its locks, in one message: a pooler between us takes no such setting when connecting. */
  function beginning(limit: Limit, locks: readonly string[]): string {
    const ms = Math.max(1, Math.ceil(limit.left))
    return [
      'begin',
      `set local statement_timeout = ${ms}`,
      `set local lock_timeout = ${Math.max(1, Math.ceil(Math.min(ms, requestMs / 2)))}`,
      // A node that stands still in the middle must not keep its rows from all others.
      `set local idle_in_transaction_session_timeout = ${idleInTransactionMs}`,
      // As hexadecimal digits, since a key holds what people typed and this message has no parameters.
      ...locks.map((key) => {
        const hex = Buffer.from(key).toString('hex')
        return `select pg_advisory_xact_lock(hashtextextended(convert_from(decode('${hex}', 'hex'), 'UTF8'), 0))`
      }),
    ].join('; ')
  }

  /** Nothing is carried out of a transaction whose request is over: only its own COMMIT makes it so. */
  const transaction = <T>(script: (tx: Queries) => Script<T>, locks: readonly string[]): Promise<T> =>
    pool.use('other', async (connection, limit) => {
      try {
        await connection.query(beginning(limit, locks))
        const value = await run(script(building(asClient(connection))), connection)
        const { command } = await connection.query('commit')
        // Of a transaction that failed before, COMMIT is a ROLLBACK, and no error.
        if (command !== 'COMMIT') throw new Error('the transaction was rolled back')
        return value
      } catch (error) {
        if (connection.lost === undefined)
          await connection.query('rollback').catch((failure: Error) => connection.destroy(failure))
        throw error
      }
    })

  const retrying = <T>(work: () => Promise<T>, { reads = false } = {}): Promise<T> =>
    tryingAgain(work, { health, reads, unnamed: () => (pool.shared.pooled = true) })

  const readOnce = <T>(query: PromiseLike<T>): Promise<T> => {
    const prepared = prepare(query)
    return retrying(() => single('other', prepared), { reads: true })
  }

  return {
    db,
    tables: tables as unknown as Tables,
    byteOrder: postgres.byteOrder,
    read: readOnce,
    // Nothing here waits on the event loop, and a statement that is too long is canceled by the server.
    readLong: readOnce,
    write: (query) => {
      const prepared = prepare(query)
      return retrying(() => single('other', prepared))
    },
    reads: (query) => {
      const prepared = prepare(query)
      return (values) => retrying(() => single('hot', prepared, values), { reads: true })
    },
    writes: (query) => {
      const prepared = prepare(query)
      return (values) => retrying(() => single('write', prepared, values))
    },
    waitingWrites: (query) => {
      const prepared = prepare(query)
      return (values) => retrying(() => single('other', prepared, values))
    },
    skipLocked: (query) => {
      const locking = query as unknown as { for(strength: 'update', how: { skipLocked: true }): typeof query }
      return locking.for('update', { skipLocked: true })
    },
    steps: (query) => {
      const prepared = prepare(query)
      return (values) => ready(prepared, values)
    },
    atomic(script, locks = []) {
      // One order for everybody, so that no two wait for each other; and never the same one twice.
      const inOrder = [...new Set(locks)].sort()
      return retrying(() => transaction(script, inOrder))
    },
    // A statement costs a round trip, and the server far more than a row more in it: of refreshes, 0.62 of what a bare
    // UPDATE reaches when each turn has its own, 0.70 with two under way, 0.82 and 0.90 with one.
    statementsAtOnce: 1,
    endOfTurn: (run) => setImmediate(run),
    // Not now(), which is when the transaction began.
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

type Trying = {
  readonly health: Health
  /** Asking again changes nothing, so it is asked again where the connection was lost, too. */
  readonly reads: boolean
  readonly unnamed: () => void
}

/** For a whole transaction, which a single statement is too: of one that PostgreSQL undid nothing was written. */
async function tryingAgain<T>(work: () => Promise<T>, { health, reads, unnamed }: Trying): Promise<T> {
  const limit = currentLimit(backgroundMs)
  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (thrown) {
      const code = codeOf(thrown)
      const notNow = notNowOf('postgres', thrown)
      const other = otherSession.has(code)
      if (other) unnamed()
      const again = other || toRetry.has(code) || (reads && notNow === 'unreachable')
      if (!again || attempt === attempts || limit.isOver()) throw meaningOf('postgres', withoutValues(thrown), health)
      await pause(other ? 0 : 5 * attempt)
    }
  }
}

/** A query of Drizzle's for node-postgres: it runs on whatever `client` it finds on itself. */
type Prepared = { execute(values?: Values): Promise<unknown> }
const prepare = (query: PromiseLike<unknown>): Prepared =>
  (query as unknown as { prepare(name: string): Prepared }).prepare('')

const asClient = (connection: Connection): pg.Client =>
  ({ query: connection.run.bind(connection) }) as unknown as pg.Client

async function execute<T>(prepared: Prepared, connection: Connection, values?: Values): Promise<T> {
  const here = Object.assign(Object.create(prepared as object), { client: asClient(connection) }) as Prepared
  try {
    return (await here.execute(values)) as T
  } catch (error) {
    throw error instanceof DrizzleQueryError && error.cause ? error.cause : error
  }
}

/**
 * What went wrong, without what was written: Drizzle's error spells out every parameter, and PostgreSQL's own
 * `detail` can hold the whole row. Those are secrets and addresses, and errors are logged.
 */
function withoutValues(thrown: unknown): unknown {
  const error = thrown instanceof DrizzleQueryError && thrown.cause ? thrown.cause : thrown
  if (error instanceof pg.DatabaseError)
    for (const name of ['detail', 'where', 'internalQuery']) Reflect.deleteProperty(error, name)
  return error
}

async function run<T>(script: Script<T>, connection: Connection): Promise<T> {
  let turn = script.next()
  while (!turn.done) {
    const query: unknown = turn.value
    // A statement made ready elsewhere runs on the connection of this transaction.
    const result =
      query instanceof Ready
        ? await execute(query.prepared as Prepared, connection, query.values)
        : await execute(prepare(turn.value), connection)
    turn = script.next(result)
  }
  return turn.value
}
