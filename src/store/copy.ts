/**
 * Copies everything from a SQLite file to an empty PostgreSQL database: every column of every table, with encrypted
 * values unchanged. Then both sides are read again and compared, table by table, by row count and checksum.
 */
import { createHash } from 'node:crypto'
import { asc, count, eq, getTableColumns, getTableName, type SQL, sql } from 'drizzle-orm'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { getTableConfig, type SQLiteColumn, type SQLiteTable } from 'drizzle-orm/sqlite-core'
import { connectSqlite } from './connect-sqlite.ts'
import { copyMarker, isCopyUnfinished } from './copy-marker.ts'
import { type Driver, type Queries, type ReadOnlyDriver, step } from './driver.ts'
import * as sqliteTables from './schema.sqlite.ts'
import type { Tables } from './schema.ts'

type TableName = keyof Tables
const lite = sqliteTables as unknown as Tables
type Row = Readonly<Record<string, unknown>>

/**
 * Tables that are not copied. Leases mean nothing in another database, and the copy keeps its own marker among them.
 */
const excludedTables: ReadonlySet<TableName> = new Set(['leases'])
const farFuture = new Date('2200-01-01T00:00:00Z')
/** Rows read and written at a time. A picture is as long as a hundred other rows. */
const batchRowsOf = (name: TableName): number => (name === 'pictures' ? 50 : 1000)
/** PostgreSQL accepts 65,535 parameters in one statement. */
const maxParameters = 60_000

export type CopiedTable = {
  readonly table: string
  readonly rows: number
  /** The same on both sides. It is a sum over the rows, so it does not depend on how a database orders text. */
  readonly checksum: string
}
export type CopyResult =
  | { readonly tag: 'copied'; readonly tables: readonly CopiedTable[] }
  /** The target holds rows that no unfinished copy of this source has written. Nothing was changed. */
  | { readonly tag: 'not_empty'; readonly table: string }
  /** The schema of the target has a table of another program. Nothing was changed. */
  | { readonly tag: 'foreign_table'; readonly table: string }
  /** The source was written to during the copy. The marker stays, so that no service starts on the target. */
  | { readonly tag: 'source_changed' }
  /** The two sides differ in this table. The marker stays as above. */
  | { readonly tag: 'different'; readonly table: string }

type CopyStoreParts = {
  /** The SQLite file. All migrations must have been applied to it. */
  readonly file: string
  /** An open driver of the target, with all migrations applied. */
  readonly target: Driver
  readonly onProgress?: (progress: { table: string; done: number; total: number }) => void
  /** Runs after everything is copied and before the check. */
  readonly beforeCheck?: () => Promise<void>
}

/** All tables that are copied; a table comes after those it refers to. */
const tableNames: readonly TableName[] = tablesInOrder()

function tablesInOrder(): readonly TableName[] {
  const names = Object.keys(lite) as TableName[]
  const nameOf = new Map<SQLiteTable, TableName>(names.map((name) => [lite[name], name]))
  const ordered = new Set<TableName>()
  const visit = (name: TableName): void => {
    if (ordered.has(name)) return
    for (const { reference } of getTableConfig(lite[name]).foreignKeys) {
      const referred = nameOf.get(reference().foreignTable)
      if (referred && referred !== name) visit(referred)
    }
    ordered.add(name)
  }
  names.forEach(visit)
  return [...ordered].filter((name) => !excludedTables.has(name))
}

/** The columns that identify a row of a table: its primary key, or else its first unique index. */
function keyOf(name: TableName): readonly string[] {
  const table = lite[name]
  const { columns, indexes } = getTableConfig(table)
  const names = Object.entries<SQLiteColumn>(getTableColumns(table))
  const primary = names.find(([, column]) => column.primary)
  if (primary) return [primary[0]]
  const unique = indexes.find(({ config }) => config.unique)
  const indexed = new Set(unique?.config.columns.flatMap((column) => ('name' in column ? [column.name] : [])))
  const key = names.filter(([, column]) => indexed.has(column.name)).map(([property]) => property)
  if (key.length === 0 || columns.length === 0) throw new Error(`${getTableName(table)} has no key`)
  return key
}

/** One side of the copy, read in the order of each table's key. */
type Side = { readonly db: Queries; readonly tables: Tables; read<T>(query: PromiseLike<T>): Promise<T> }

const columnsOf = (side: Side, name: TableName, properties: readonly string[]): readonly SQLiteColumn[] => {
  const columns = getTableColumns(side.tables[name]) as Record<string, SQLiteColumn>
  return properties.map((property) => columns[property] as SQLiteColumn)
}

async function rowsIn(side: Side, name: TableName): Promise<number> {
  const [found] = await side.read(side.db.select({ rows: count() }).from(side.tables[name] as SQLiteTable))
  return found?.rows ?? 0
}

/** One batch of rows after `after`, a row of this table. */
function batch(side: Side, name: TableName, after: Row | undefined, offset = 0): Promise<readonly Row[]> {
  const properties = keyOf(name)
  const key = columnsOf(side, name, properties)
  const behind = (row: Row): SQL => {
    const values = properties.map((property, n) => sql.param(row[property], key[n]))
    return sql`(${sql.join([...key], sql`, `)}) > (${sql.join(values, sql`, `)})`
  }
  return side.read(
    side.db
      .select()
      .from(side.tables[name] as SQLiteTable)
      .where(after && behind(after))
      .orderBy(...key.map((column) => asc(column)))
      .limit(batchRowsOf(name))
      .offset(offset),
  ) as Promise<readonly Row[]>
}

/**
 * A value in a form that is the same for both databases. PostgreSQL's jsonb does not keep the order of members, and
 * SQLite does not keep the time zone.
 */
function canonical(value: unknown): unknown {
  if (value instanceof Date) return value.getTime()
  if (Array.isArray(value)) return value.map(canonical)
  if (typeof value !== 'object' || value === null) return value
  const members = Object.entries(value).map(([name, member]): [string, unknown] => [name, canonical(member)])
  return Object.fromEntries(members.sort(([a], [b]) => (a < b ? -1 : 1)))
}

const modulus = 2n ** 256n

async function checksumOf(side: Side, name: TableName): Promise<CopiedTable> {
  let [sum, rows] = [0n, 0]
  for (let after: Row | undefined; ; ) {
    const found = await batch(side, name, after)
    for (const row of found) {
      const digest = createHash('sha256')
        .update(JSON.stringify(canonical(row)))
        .digest('hex')
      sum = (sum + BigInt(`0x${digest}`)) % modulus
    }
    rows += found.length
    after = found.at(-1)
    if (!after || found.length < batchRowsOf(name)) break
  }
  return { table: getTableName(side.tables[name]), rows, checksum: sum.toString(16).padStart(64, '0') }
}

/**
 * Returns why nothing can be copied into a PostgreSQL database, before any migration is applied to it: its schema has a
 * table of another program, or one of ours with rows that no unfinished copy has written.
 */
export async function findObstacle(
  target: ReadOnlyDriver,
): Promise<Extract<CopyResult, { tag: 'not_empty' | 'foreign_table' }> | undefined> {
  const { db, tables, read } = target
  // Extensions may have tables of their own in the same schema.
  const found = await read(
    db
      .select({ table: sql<string>`c.relname` })
      .from(sql`pg_class c join pg_namespace n on n.oid = c.relnamespace`)
      .where(
        sql`n.nspname = current_schema() and c.relkind in ('r', 'p') and c.relname <> '__drizzle_migrations'
          and not exists (select 1 from pg_depend d
            where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'e')`,
      )
      .orderBy(sql`c.relname`),
  )
  const own = new Map<string, TableName>(tableNames.map((name) => [getTableName(tables[name]), name]))
  const leases = getTableName(tables.leases)
  const foreign = found.find(({ table }) => table !== leases && !own.has(table))
  if (foreign) return { tag: 'foreign_table', table: foreign.table }
  if (found.some(({ table }) => table === leases) && (await isCopyUnfinished(target))) return undefined
  for (const { table } of found) {
    const name = own.get(table)
    if (name && (await rowsIn(target, name)) > 0) return { tag: 'not_empty', table }
  }
  return undefined
}

/** Appends rows; each batch is written completely or not at all. */
const write = (target: Driver, name: TableName, rows: readonly Row[]): Promise<void> => {
  const table = target.tables[name] as SQLiteTable
  const atOnce = Math.floor(maxParameters / Object.keys(getTableColumns(table)).length)
  return target.atomic(function* (tx) {
    for (let from = 0; from < rows.length; from += atOnce)
      yield* step(tx.insert(table).values(rows.slice(from, from + atOnce) as never))
  })
}

/**
 * Copies the file in its current state. If a service writes to it during the copy, the copy fails. After an
 * interruption, the next call continues.
 */
export async function copyStore({
  file,
  target,
  onProgress = () => {},
  beforeCheck,
}: CopyStoreParts): Promise<CopyResult> {
  const connection = connectSqlite(file, { fileMustExist: true })
  const source: Side = {
    db: drizzle({ client: connection }),
    tables: lite,
    read: async (query) => await query,
  }
  const version = connection.prepare('PRAGMA data_version').pluck()
  const { leases } = target.tables
  try {
    const before = version.get()
    // One snapshot for all tables. It ends before the version is read again, because it would hide a change.
    connection.exec('BEGIN')
    const [root] = await source.read(
      source.db
        .select({ proof: lite.sealingKeys.proof })
        .from(lite.sealingKeys)
        .orderBy(asc(lite.sealingKeys.createdAt))
        .limit(1),
    )
    const owner = createHash('sha256')
      .update(root?.proof ?? '')
      .digest('hex')
    const [begun] = await target.read(target.db.select().from(leases).where(eq(leases.name, copyMarker)))
    if (begun?.owner !== owner) {
      for (const name of tableNames)
        if ((await rowsIn(target, name)) > 0) return { tag: 'not_empty', table: getTableName(target.tables[name]) }
      await target.write(target.db.insert(leases).values({ name: copyMarker, owner, expiresAt: farFuture }))
    }

    for (const name of tableNames) {
      const total = await rowsIn(source, name)
      let done = await rowsIn(target, name)
      const table = getTableName(source.tables[name])
      onProgress({ table, done, total })
      // Rows were written in this order, so the rows already in the target are the first ones.
      let [after] = done === 0 ? [] : (await batch(source, name, undefined, done - 1)).slice(0, 1)
      while (done < total) {
        const rows = await batch(source, name, after)
        if (rows.length === 0) break
        await write(target, name, rows)
        done += rows.length
        after = rows.at(-1)
        onProgress({ table, done, total })
      }
    }

    await beforeCheck?.()
    const tables: CopiedTable[] = []
    for (const name of tableNames) {
      const [here, there] = [await checksumOf(source, name), await checksumOf(target, name)]
      if (here.rows !== there.rows || here.checksum !== there.checksum) return { tag: 'different', table: here.table }
      tables.push(here)
    }
    connection.exec('COMMIT')
    if (version.get() !== before) return { tag: 'source_changed' }
    await target.write(target.db.delete(leases).where(eq(leases.name, copyMarker)))
    return { tag: 'copied', tables }
  } finally {
    connection.close()
  }
}
