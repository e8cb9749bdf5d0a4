import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { connectSqlite } from './connect-sqlite.ts'
import { type Driver, type DriverParts, Ready, ready, type Script, type Values, valuesNow } from './driver.ts'
import { createGroupCommit } from './group-commit.ts'
import { migrationsFor, pending } from './migrations.ts'
import { createHealth, meaningOf } from './not-now.ts'
import { sqliteOpenErrorOf } from './open-error.ts'
import * as tables from './schema.sqlite.ts'

/**
 * One file, and one connection: SQLite has one writer at a time anyway, and reads on it never wait. Durable
 * against power loss (WAL with synchronous=FULL); `group-commit.ts` makes that affordable.
 */
export async function openSqlite(file: string, { requestMs, report }: DriverParts): Promise<Driver> {
  const connection = connectFile(file)
  try {
    await enterWal(connection)
    connection.exec('PRAGMA synchronous = FULL')
    // What is erased is overwritten, not only forgotten: a person's data must not linger in free pages.
    connection.exec('PRAGMA secure_delete = ON')
    migrate(connection)
    connection.exec('PRAGMA foreign_keys = ON')
    // From here on nobody waits on the event loop: what finds the file held is tried again from a timer.
    connection.exec('PRAGMA busy_timeout = 0')
  } catch (error) {
    connection.close()
    throw sqliteOpenErrorOf(error, file)
  }

  const db = drizzle({ client: connection })
  const health = createHealth(report)
  const group = createGroupCommit(connection, health, requestMs)
  /** Reads wait for no writer. What keeps them is told as for writes; files that cannot be read are no defect of ours. */
  const reading = <T>(work: () => T): T => {
    try {
      return work()
    } catch (error) {
      throw meaningOf('sqlite', error, health)
    }
  }

  return {
    db,
    tables,
    read: async (query) => reading(() => execute(prepare(query))),
    write: (query) => group.join(false, () => execute(prepare(query))),
    reads: (query) => {
      const prepared = prepare(query)
      const unchanged = rememberingRows(connection, group.commits)
      return async (values) => reading(() => unchanged(values, () => execute(prepared, values)))
    },
    writes: (query) => {
      const prepared = prepare(query)
      return (values) => group.join(false, () => execute(prepared, valuesNow(values)))
    },
    waitingWrites: (query) => {
      const prepared = prepare(query)
      return (values) => group.join(false, () => execute(prepared, values))
    },
    skipLocked: undefined,
    steps: (query) => {
      const prepared = prepare(query)
      return (values) => ready(prepared, values)
    },
    statementsAtOnce: Number.POSITIVE_INFINITY,
    endOfTurn: group.endOfTurn,
    // Writers are serial here, so the locks have nothing to add.
    atomic: (script) => group.join(true, () => run(script(db))),
    close: async () => {
      group.close()
      connection.close()
    },
  }
}

function connectFile(file: string): Database {
  try {
    if (file !== ':memory:') createFile(file)
    return connectSqlite(file, { timeout: 5000 })
  } catch (error) {
    throw sqliteOpenErrorOf(error, file)
  }
}

/** Readable by its owner only, from the first moment; the WAL beside it inherits that. */
function createFile(file: string): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  closeSync(openSync(file, 'a', 0o600))
}

/**
 * Entering WAL needs the file for itself and does not always wait as `busy_timeout` says: several nodes may start at
 * once.
 */
async function enterWal(connection: Database): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      connection.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (attempt === 200 || !(error as { code?: string }).code?.startsWith('SQLITE_BUSY')) throw error
      await pause(25)
    }
  }
}

/**
 * Foreign keys are off meanwhile: SQLite alters a table by building a new one and dropping the old, and with them on
 * that drop would cascade. They are checked before the commit instead.
 */
function migrate(connection: Database): void {
  connection.exec('PRAGMA foreign_keys = OFF')
  connection
    .transaction(() => {
      connection.exec(
        'CREATE TABLE IF NOT EXISTS __drizzle_migrations (id INTEGER PRIMARY KEY, hash text NOT NULL, created_at numeric)',
      )
      const done = connection.prepare('SELECT max(created_at) FROM __drizzle_migrations').pluck().get() as number | null
      for (const { sql, hash, folderMillis } of pending(migrationsFor('sqlite'), done)) {
        for (const statement of sql) connection.exec(statement)
        connection.prepare('INSERT INTO __drizzle_migrations (hash, created_at) VALUES (?, ?)').run(hash, folderMillis)
      }
      if (connection.prepare('PRAGMA foreign_key_check').all().length > 0)
        throw new Error('a migration left rows that refer to nothing')
    })
    .immediate()
}

/** A Drizzle query on a synchronous driver can be prepared and executed in place. */
type Prepared = { execute(values?: Values): { sync(): unknown } }

const prepare = (query: PromiseLike<unknown>): Prepared => (query as unknown as { prepare(): Prepared }).prepare()
const execute = <T>(prepared: Prepared, values?: Values): T => prepared.execute(values).sync() as T

function run<T>(script: Script<T>): T {
  let turn = script.next()
  while (!turn.done) {
    const query: unknown = turn.value
    turn = script.next(
      query instanceof Ready ? execute(query.prepared as Prepared, query.values) : execute(prepare(turn.value)),
    )
  }
  return turn.value
}

/** How many rows of one statement are kept. */
const rememberedRows = 10_000

/**
 * A hot read, answered from memory while nothing at all was committed since: by us (`commits`), or by anybody else
 * (SQLite's `data_version`, which tells of every other connection). So it never differs from reading again, and what
 * another process ended is ended at once; it only saves what is read over and over between two writes.
 */
function rememberingRows(connection: Database, commits: () => number) {
  const version = connection.prepare('PRAGMA data_version').pluck()
  const rows = new Map<string, unknown>()
  let ours = -1
  let theirs: unknown
  return <T>(values: Values, read: () => T): T => {
    const [nowOurs, nowTheirs] = [commits(), version.get()]
    if (nowOurs !== ours || nowTheirs !== theirs || rows.size >= rememberedRows) rows.clear()
    ours = nowOurs
    theirs = nowTheirs
    const key = JSON.stringify(values)
    const known = rows.get(key)
    if (known !== undefined) return known as T
    const found = read()
    rows.set(key, found)
    return found
  }
}
