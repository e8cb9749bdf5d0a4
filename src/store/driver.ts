import { type Column, type SQL, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { HealthChange } from './availability.ts'
import type { Tables } from './schema.ts'

/** The part of Drizzle that is the same in both dialects. Outside the drivers, only this is used. */
export type Queries = Pick<BetterSQLite3Database, 'select' | 'insert' | 'update' | 'delete' | '$with' | 'with'>

/** Several statements that commit together: each `yield*` is one of them. */
export type Script<T> = Generator<PromiseLike<unknown>, T, unknown>

/** Rows of one INSERT: well below the parameter limit of either database, and with few different texts to prepare. */
export const rowsPerInsert = 50

export type WriteOptions = {
  /**
   * Whether the statement may run twice: the rows are then as if it had run once, later, and its caller handles a
   * result without rows. It is run again if the connection is lost and nobody knows whether it was committed.
   */
  readonly repeatable?: boolean
}

export interface Driver {
  /** Builds queries. Run them with the methods below, never with `await`: each database runs them in its own way. */
  readonly db: Queries
  readonly tables: Tables
  /** Appended to a text that is compared by bytes, as in the indexes of `beginnings.ts`. */
  readonly byteOrder: SQL

  /** Runs one statement that only reads. */
  read<T>(query: PromiseLike<T>): Promise<T>
  /**
   * Like `read`, for every statement that may read more than a small, constant number of rows: lists, searches, counts.
   * SQLite is synchronous, so these run in a thread of their own and no other request waits for them.
   */
  readLong<T>(query: PromiseLike<T>): Promise<T>
  /** Runs one statement that writes, in its own transaction. Resolves once the write is durable. */
  write<T>(query: PromiseLike<T>): Promise<T>

  /**
   * `read` and `write` for hot statements: built and parsed once, with `sql.placeholder`s filled in at each call. Only for
   * searches by key: the database may keep one plan for all values.
   */
  reads<T>(query: PromiseLike<T>): (values: Values) => Promise<T>
  /** The values may be a function, called when the statement is sent: by then, some callers may have given up. */
  writes<T>(query: PromiseLike<T>, options?: WriteOptions): (values: Values | (() => Values)) => Promise<T>
  /** Like `writes`, for a statement that may wait long for a row: it leaves connections to statements that do not. */
  waitingWrites<T>(query: PromiseLike<T>, options?: WriteOptions): (values: Values) => Promise<T>
  /**
   * Makes a query skip rows that another transaction has locked, and lock the rows it finds. `undefined` where only one
   * writer runs at a time, so that no row is ever locked by another.
   */
  readonly skipLocked: (<Q extends PromiseLike<unknown>>(query: Q) => Q) | undefined
  /**
   * The same for a hot step of a script: the result is for `yield*`, as a query is. Building a query costs more than
   * running it.
   */
  steps<T>(query: PromiseLike<T>): (values: Values) => PromiseLike<T>

  /** How many statements of one kind are worth running concurrently where calls can share one; see `batch-calls.ts`. */
  readonly statementsAtOnce: number

  /**
   * Runs `run` at the end of this turn of the event loop, before the turn's writes are committed. `size` reports how
   * many writes `run` will add. Where many writes arrive together, the commit may wait for more turns.
   */
  endOfTurn(run: () => void, size: () => number): void

  /**
   * Runs a script in one transaction. better-sqlite3 is synchronous and cannot keep a transaction open across an
   * `await`; PostgreSQL needs one. A generator works with both, so a script is written once and each driver steps
   * through it in its own way. An exception rolls the transaction back. PostgreSQL may have to break a deadlock, so a
   * script may run more than once: it keeps no state between runs.
   *
   * `locks` name what no other transaction may decide about at the same time. They are for rules about rows that do not
   * exist yet, which neither a row lock nor a constraint can enforce.
   */
  atomic<T>(script: (tx: Queries) => Script<T>, locks?: readonly string[]): Promise<T>

  /** The database's own clock; `undefined` if it is that of this machine. Never part of a transaction. */
  readonly time: (() => Promise<Date>) | undefined

  close(): Promise<void>
}

/** The part of a driver that examines a database without changing it. Its tables may be from an older version. */
export type ReadOnlyDriver = Pick<Driver, 'db' | 'tables' | 'read' | 'close'>

export type SqliteConfig = {
  readonly tag: 'sqlite'
  readonly file: string
  /** Whether a missing database is created. Default: true. */
  readonly create?: boolean
}

/**
 * Calls `make` at the first use: a store has more than a hundred hot statements, and a start needs few of them. An error
 * is that of the call, where the driver translates it.
 */
export function late<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** What every driver receives besides the address of its database. */
export type DriverParts = {
  /** How long a request may take, in milliseconds. */
  readonly requestMs: number
  /**
   * How long opening waits for a database file that another process has locked, or for PostgreSQL to answer which
   * migrations it has, in milliseconds.
   */
  readonly openMs: number
  /** Called when the database becomes unavailable, and when it is available again. */
  readonly report: (change: HealthChange) => void
  /** Called with warnings about the database address that an operator should know. */
  readonly warn: (message: string) => void
  /** `false` does not apply migrations. Only PostgreSQL can be opened this way. */
  readonly migrate?: false
  /** How many connections may be open at once. Default: the number in the address, or ten. */
  readonly maxConnections?: number | undefined
}

export type Values = Readonly<Record<string, unknown>>
export const valuesNow = (values: Values | (() => Values)): Values => (typeof values === 'function' ? values() : values)

/** A placeholder that is encoded as its column is: Drizzle's own placeholder would skip the encoding of times. */
export const placeholderFor = (name: string, column: Column): SQL<never> =>
  sql`${sql.param(sql.placeholder(name), {
    mapToDriverValue: (value: unknown) => (value === null ? null : column.mapToDriverValue(value)),
  })}`

/** The same for all these columns, for a prepared INSERT. */
export const placeholdersFor = <K extends string>(columns: Readonly<Record<K, Column>>): Record<K, SQL<never>> =>
  Object.fromEntries(
    Object.entries<Column>(columns).map(([name, column]) => [name, placeholderFor(name, column)]),
  ) as Record<K, SQL<never>>

/** What prepares a statement at its first use, and the values for one run. A driver's `steps` returns these. */
export class PreparedStep {
  readonly prepared: unknown
  readonly values: Values
  constructor(prepared: unknown, values: Values) {
    this.prepared = prepared
    this.values = values
  }
}
/** Only drivers run a prepared step, so it needs the type of a promise and nothing else. */
export const preparedStep = <T>(prepared: unknown, values: Values): PromiseLike<T> =>
  new PreparedStep(prepared, values) as unknown as PromiseLike<T>

/** Makes a Drizzle query a step of a script and keeps the type of its rows. */
export function* step<T>(query: PromiseLike<T>): Generator<PromiseLike<T>, T, unknown> {
  return (yield query) as T
}
