import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { createHealth, translateError, unavailableReasonOf } from './availability.ts'
import { connectSqlite } from './connect-sqlite.ts'
import { sqlite } from './dialect.sqlite.ts'
import {
  type Driver,
  type DriverParts,
  late,
  PreparedStep,
  preparedStep,
  type Script,
  type SqliteConfig,
  type Values,
  valuesNow,
} from './driver.ts'
import { createGroupCommit } from './group-commit.ts'
import { createLongReads, type LongRead, startThreadFor } from './long-reads.ts'
import { migrationsFor, pending } from './migrations.ts'
import { sqliteOpenErrorOf } from './open-error.ts'
import * as tables from './schema.sqlite.ts'
import { createFile, missingError, watchFiles } from './sqlite-file.ts'
import { compileQuery } from './sqlite-statement.ts'

/**
 * Writing the WAL into the file copies each page that has changed since the last time. With SQLite's default of 1,000,
 * that costs a sign-in more CPU than its signature. At 4,000 pages, the WAL has about 16 MiB.
 */
const pagesBetweenCheckpoints = 4000

/**
 * One file, and one connection for everything except long reads: SQLite has only one writer at a time, and reads on
 * this connection never wait. Durable against power loss (WAL with synchronous=FULL); `group-commit.ts` makes that
 * affordable.
 */
export async function openSqlite(
  { file, create = true }: SqliteConfig,
  { requestMs, openMs, report }: DriverParts,
): Promise<Driver> {
  const connection = connectFile(file, create)
  try {
    const wait = createLockRetry(openMs)
    if (!create && (await wait(() => isEmpty(connection)))) throw missingError(file)
    // Switching to WAL needs a moment without any other connection, and several nodes may start at once.
    await wait(() => connection.exec('PRAGMA journal_mode = WAL'))
    connection.exec('PRAGMA synchronous = FULL')
    connection.exec(`PRAGMA wal_autocheckpoint = ${pagesBetweenCheckpoints}`)
    // Overwrite erased data instead of only marking it as free: personal data must not remain in free pages.
    connection.exec('PRAGMA secure_delete = ON')
    await wait(() => migrate(connection))
    await wait(() => probeWrite(connection))
    connection.exec('PRAGMA foreign_keys = ON')
  } catch (error) {
    connection.close()
    throw sqliteOpenErrorOf(error, file)
  }

  const db = drizzle({ client: connection })
  const health = createHealth(report)
  const checkFiles = watchFiles(file)
  const group = createGroupCommit(connection, { health, requestMs, checkFiles })
  const longReads = createLongReads({ health, requestMs, checkFiles, startThread: startThreadFor(file) })
  /**
   * Reads wait for no writer. Unavailability is reported as for writes; unreadable files are not a defect of the
   * service.
   */
  const reading = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw translateError('sqlite', error, health)
    }
  }

  const read = async <T>(query: PromiseLike<T>): Promise<T> => reading(() => execute<T>(prepare(query)))

  return {
    db,
    tables,
    byteOrder: sqlite.byteOrder,
    read,
    // No other connection can see a database in memory.
    readLong:
      file === ':memory:'
        ? read
        : (query) =>
            executeInThread(
              reading(() => prepare(query)),
              longReads.ask,
            ),
    write: (query) => group.join(false, () => execute(prepare(query))),
    reads: (query) => {
      const run = late(() => compile(query))
      const unchanged = late(() => cacheRows(connection, group.commits))
      return async (values) => reading(() => unchanged()(values, () => run()(values)))
    },
    writes: (query) => {
      const run = late(() => compile(query))
      return (values) => group.join(false, () => run()(valuesNow(values)))
    },
    waitingWrites: (query) => {
      const run = late(() => compile(query))
      return (values) => group.join(false, () => run()(values))
    },
    skipLocked: undefined,
    steps: (query) => {
      const run = late(() => compile(query))
      return (values) => preparedStep(run, values)
    },
    statementsAtOnce: Number.POSITIVE_INFINITY,
    endOfTurn: group.endOfTurn,
    // Only one writer runs at a time, so locks are not needed.
    atomic: (script) => group.join(true, () => run(script(db))),
    time: undefined,
    close: async () => {
      group.close()
      // Close this connection last: the last one writes the WAL into the file, which a read-only connection cannot do.
      await longReads.close()
      connection.close()
    },
  }
}

function connectFile(file: string, create: boolean): Database {
  try {
    if (file !== ':memory:') createFile(file, create)
    // No `busy_timeout`: SQLite would wait on the event loop. A locked file is tried again from timers instead.
    return connectSqlite(file, { timeout: 0 })
  } catch (error) {
    throw sqliteOpenErrorOf(error, file)
  }
}

/** How long to wait before trying a locked file again, in milliseconds. */
const retryMs = 25

/**
 * Runs the steps of opening the file. A step is retried while the file is locked, within `openMs` for all steps
 * together.
 */
export function createLockRetry(openMs: number) {
  const until = performance.now() + openMs
  return async <T>(work: () => T): Promise<T> => {
    for (;;) {
      try {
        return work()
      } catch (error) {
        if (unavailableReasonOf('sqlite', error) !== 'contended' || performance.now() >= until) throw error
      }
      await pause(retryMs)
    }
  }
}

/** Whether the file has no table: it is new, was truncated, or never was a database. */
const isEmpty = (connection: Database): boolean =>
  connection.prepare('SELECT count(*) FROM sqlite_schema').pluck().get() === 0

/** Throws if the file cannot be written, so that startup fails with the cause. The transaction is rolled back. */
export function probeWrite(connection: Database): void {
  connection.exec('BEGIN IMMEDIATE')
  connection.exec('ROLLBACK')
}

/** The time of the newest applied migration; `null` if there is none. */
export function appliedOnSqlite(connection: Database): number | null {
  const table = connection.prepare("SELECT 1 FROM sqlite_schema WHERE name = '__drizzle_migrations'").get()
  const done = table && connection.prepare('SELECT max(created_at) FROM __drizzle_migrations').pluck().get()
  return (done as number | null | undefined) ?? null
}

const pendingMigrations = (connection: Database) => pending(migrationsFor('sqlite'), appliedOnSqlite(connection))

/**
 * Reads without a lock whether a migration is pending. Starting a node or running a command next to a running service
 * must not stop its writes. Under the lock it is read again, because another node may have applied it in the meantime.
 *
 * Foreign keys are off: SQLite alters a table by creating a new one and dropping the old, and with foreign keys the
 * drop would cascade. They are checked before the commit instead. The check reads every row (20 s for a million
 * accounts), so it runs only after a migration.
 */
function migrate(connection: Database): void {
  if (pendingMigrations(connection).length === 0) return
  connection.exec('PRAGMA foreign_keys = OFF')
  connection
    .transaction(() => {
      const migrations = pendingMigrations(connection)
      if (migrations.length === 0) return
      connection.exec(
        'CREATE TABLE IF NOT EXISTS __drizzle_migrations (id INTEGER PRIMARY KEY, hash text NOT NULL, created_at numeric)',
      )
      for (const { sql, hash, folderMillis } of migrations) {
        for (const statement of sql) connection.exec(statement)
        connection.prepare('INSERT INTO __drizzle_migrations (hash, created_at) VALUES (?, ?)').run(hash, folderMillis)
      }
      if (connection.prepare('PRAGMA foreign_key_check').all().length > 0)
        throw new Error('a migration left rows with invalid foreign keys')
    })
    .immediate()
}

/** A Drizzle query on a synchronous driver, which can be prepared and executed in place. */
type Prepared = { execute(values?: Values): { sync(): unknown }; getQuery(): { readonly sql: string } }

export const prepare = (query: PromiseLike<unknown>): Prepared =>
  (query as unknown as { prepare(): Prepared }).prepare()
export const execute = <T>(prepared: Prepared, values?: Values): T => prepared.execute(values).sync() as T

type Run<T> = (values: Values) => T
/** Prepares a query that is executed often. */
function compile<T>(query: PromiseLike<T>): Run<T> {
  const prepared = prepare(query)
  return (compileQuery(prepared) as Run<T> | undefined) ?? ((values) => execute(prepared, values))
}

/** The part of a better-sqlite3 statement that Drizzle uses. */
type Statement = { raw(): Statement; all(...params: unknown[]): readonly unknown[] }

/** Executes a query on another statement. */
const executeOn = <T>(prepared: Prepared, stmt: Statement): T =>
  execute(Object.assign(Object.create(prepared as object), { stmt }) as Prepared)

/** Runs a query on another connection. Drizzle encodes its parameters, and afterwards decodes its rows. */
async function executeInThread<T>(
  prepared: Prepared,
  ask: (read: LongRead) => Promise<readonly unknown[]>,
): Promise<T> {
  let [params, asArrays]: [readonly unknown[], boolean] = [[], false]
  const recording: Statement = {
    raw: () => {
      asArrays = true
      return recording
    },
    all: (...values) => {
      params = values
      return []
    },
  }
  executeOn(prepared, recording)
  const rows = await ask({ sql: prepared.getQuery().sql, params, asArrays })
  const answering: Statement = { raw: () => answering, all: () => rows }
  return executeOn(prepared, answering)
}

function run<T>(script: Script<T>): T {
  let turn = script.next()
  while (!turn.done) {
    const query: unknown = turn.value
    turn = script.next(
      query instanceof PreparedStep
        ? (query.prepared as () => Run<unknown>)()(query.values)
        : execute(prepare(turn.value)),
    )
  }
  return turn.value
}

/** How many rows of one statement are cached. */
const maxCachedRows = 10_000
/** For how long a commit of another process may go unnoticed, in milliseconds. */
const unnoticedMs = 1

/**
 * Caches the rows of a hot read until anything is committed: by us (`commits`), or by another connection (SQLite's
 * `data_version` changes). After our own commit, the result never differs from reading again. A commit of another
 * process, such as a command that ends sessions, is noticed within a millisecond: asking before every read would cost
 * `/me` a twentieth of its CPU. Decisions are made by the conditions of the statements that write, not on these rows.
 */
function cacheRows(connection: Database, commits: () => number) {
  const version = connection.prepare('PRAGMA data_version').pluck()
  const rows = new Map<string, unknown>()
  let ownCommits = -1
  let fileVersion: unknown
  let askedAt = Number.NEGATIVE_INFINITY
  return <T>(values: Values, read: () => T): T => {
    const now = performance.now()
    const currentCommits = commits()
    if (currentCommits !== ownCommits || rows.size >= maxCachedRows) {
      ownCommits = currentCommits
      rows.clear()
    } else if (now - askedAt >= unnoticedMs) {
      askedAt = now
      const currentVersion = version.get()
      if (currentVersion !== fileVersion) rows.clear()
      fileVersion = currentVersion
    }
    const key = JSON.stringify(values)
    const known = rows.get(key)
    if (known !== undefined) return known as T
    const found = read()
    rows.set(key, found)
    return found
  }
}
