import { type Column, type SQL, sql } from 'drizzle-orm'
import type { BetterSQLite3Database } from 'drizzle-orm/better-sqlite3'
import type { HealthChange } from './not-now.ts'
import type { Tables } from './schema.ts'

/** The part of Drizzle both dialects spell alike. Nothing else is used outside a driver. */
export type Queries = Pick<BetterSQLite3Database, 'select' | 'insert' | 'update' | 'delete'>

/** Several statements that commit together: each `yield*` is one of them. */
export type Script<T> = Generator<PromiseLike<unknown>, T, unknown>

export interface Driver {
  /** Builds queries. They are run by the verbs below, never by `await`: each database has its own way. */
  readonly db: Queries
  readonly tables: Tables
  /** Put behind a text that is to be compared by bytes, as an index of `beginnings.ts` does. */
  readonly byteOrder: SQL

  /** One statement that only reads. */
  read<T>(query: PromiseLike<T>): Promise<T>
  /**
   * As `read`, for every statement that may go through more than a small, constant number of rows: lists, searches,
   * counts. SQLite is synchronous, so these run in a thread of their own and no other request waits for them.
   */
  readLong<T>(query: PromiseLike<T>): Promise<T>
  /** One statement that writes: a transaction of its own. Answers after it is durable. */
  write<T>(query: PromiseLike<T>): Promise<T>

  /** The same two for a hot statement: built and parsed once, its `sql.placeholder`s filled in at each call. */
  reads<T>(query: PromiseLike<T>): (values: Values) => Promise<T>
  /** The values of a write may be found when it is sent: by then, some of those who wait may have gone. */
  writes<T>(query: PromiseLike<T>): (values: Values | (() => Values)) => Promise<T>
  /** As `writes`, for a statement that may wait long for a row: it leaves connections to those that do not. */
  waitingWrites<T>(query: PromiseLike<T>): (values: Values) => Promise<T>
  /**
   * Leaves out of a query the rows that another transaction has locked, and locks those it finds. `undefined` where
   * writers are serial, so that no row is ever locked by another.
   */
  readonly skipLocked: (<Q extends PromiseLike<unknown>>(query: Q) => Q) | undefined
  /** And for a hot step of a script: what it answers is for `yield*`, as a query is. Building one costs more than running it. */
  steps<T>(query: PromiseLike<T>): (values: Values) => PromiseLike<T>

  /** How many statements of one kind are worth having under way together, where calls can share one; see `together.ts`. */
  readonly statementsAtOnce: number

  /**
   * Runs when this turn of the event loop is over, before its writes are committed. It stands for `size` of them, asked
   * for when they are about to be: where many writes arrive together, more turns may pass before.
   */
  endOfTurn(run: () => void, size: () => number): void

  /**
   * Runs a script in one transaction. better-sqlite3 is synchronous and cannot hold a transaction across an
   * `await`, PostgreSQL cannot do without one: a generator is indifferent, so a script is written once and each
   * driver steps through it its own way. Throwing inside rolls back. It may be run more than once, when
   * PostgreSQL had to break a deadlock, so it keeps nothing between runs.
   *
   * `locks` name what nobody else may be deciding about meanwhile. They are for rules over rows that do not exist
   * yet, which neither a row lock nor a constraint can hold.
   */
  atomic<T>(script: (tx: Queries) => Script<T>, locks?: readonly string[]): Promise<T>

  /** The database's own clock; `undefined` where it is this machine's. Never part of a transaction. */
  readonly time: (() => Promise<Date>) | undefined

  close(): Promise<void>
}

/** As much of a driver as is needed to look at a database that is as it was found: its tables may be older. */
export type Reader = Pick<Driver, 'db' | 'tables' | 'read' | 'close'>

export type SqliteConfig = {
  readonly tag: 'sqlite'
  readonly file: string
  /** Whether a database that does not exist is created; so it is when not given. */
  readonly create?: boolean
}

/** What every driver is given beside the place of its database. */
export type DriverParts = {
  /** How long a request may take, in milliseconds. */
  readonly requestMs: number
  /** How long opening waits for a database file that another process has locked, in milliseconds. */
  readonly openMs: number
  /** Hears when the database stops being able to do what it is asked, and when it is again. */
  readonly report: (change: HealthChange) => void
  /** Hears of what an operator should know about the address of the database. */
  readonly warn: (message: string) => void
  /** `false` leaves the tables as they are. Only PostgreSQL can be opened so. */
  readonly migrate?: false
  /** How many connections may be open at once; what the address says, or ten, when not given. */
  readonly maxConnections?: number | undefined
}

export type Values = Readonly<Record<string, unknown>>
export const valuesNow = (values: Values | (() => Values)): Values => (typeof values === 'function' ? values() : values)

/** A value to come, written as its column is: a bare placeholder would skip the encoding of times. */
export const given = (name: string, column: Column): SQL<never> =>
  sql`${sql.param(sql.placeholder(name), {
    mapToDriverValue: (value: unknown) => (value === null ? null : column.mapToDriverValue(value)),
  })}`

/** The same for every one of these columns: what a prepared INSERT is made of. */
export const allGiven = <K extends string>(columns: Readonly<Record<K, Column>>): Record<K, SQL<never>> =>
  Object.fromEntries(Object.entries<Column>(columns).map(([name, column]) => [name, given(name, column)])) as Record<
    K,
    SQL<never>
  >

/** A statement prepared before, and the values it runs with this time: the step a driver makes of `steps`. */
export class Ready {
  readonly prepared: unknown
  readonly values: Values
  constructor(prepared: unknown, values: Values) {
    this.prepared = prepared
    this.values = values
  }
}
/** Only a driver runs it, so that nothing but the type need be a promise's. */
export const ready = <T>(prepared: unknown, values: Values): PromiseLike<T> =>
  new Ready(prepared, values) as unknown as PromiseLike<T>

/** Makes one Drizzle query a step of a script, keeping the type of its rows. */
export function* step<T>(query: PromiseLike<T>): Generator<PromiseLike<T>, T, unknown> {
  return (yield query) as T
}
