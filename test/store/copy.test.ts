import { getTableColumns, getTableName, sql } from 'drizzle-orm'
import type { SQLiteColumn, SQLiteTable } from 'drizzle-orm/sqlite-core'
import { describe, expect, test } from 'vitest'
import { connectSqlite } from '../../src/store/connect-sqlite.ts'
import { type CopyResult, copyStore } from '../../src/store/copy.ts'
import { isCopyUnfinished } from '../../src/store/copy-marker.ts'
import type { Driver } from '../../src/store/driver.ts'
import { openDriver } from '../../src/store/open.ts'
import type { Tables } from '../../src/store/schema.ts'
import { createMigratedDatabase } from '../support/postgres.ts'
import { newMigratedFile } from '../support/sqlite.ts'

/** A copy leaves leases out: they belong to nodes on the other database. */
const leftBehind = new Set(['leases'])

/**
 * A value for any column, different for each row; references to one row of another table agree. Every third one is null
 * where the column allows it.
 */
function sample(column: SQLiteColumn, row: number): unknown {
  if (!column.notNull && row % 3 === 2) return null
  switch (column.columnType) {
    case 'SQLiteTimestamp':
      return new Date(Date.UTC(2026, 0, 1) + row * 1001 + column.name.length)
    case 'SQLiteBoolean':
      return row % 2 === 0
    case 'SQLiteInteger':
      return row === 0 ? 2 ** 40 : row
    case 'SQLiteTextJson':
      return row % 2 === 0 ? [`${column.name}é`, row] : { b: row, a: { z: null, y: ['ß', 1.5] } }
    default:
      return /(^|_)(id|account|team|session|by)(_id)?$/.test(column.name) || column.name.endsWith('_by')
        ? `id_${String(row).padStart(4, '0')}`
        : `${column.name} ${row} — “ü” 🦊 ${'A'.repeat(row % 5)}`
  }
}

const tablesOf = (driver: Driver): readonly [keyof Tables, SQLiteTable][] =>
  Object.entries(driver.tables).flatMap(([name, table]) =>
    leftBehind.has(name) ? [] : [[name as keyof Tables, table as SQLiteTable] as const],
  )

/** Copied in several batches. Every other table is copied in the same way. */
const large: readonly (keyof Tables)[] = ['accounts', 'audit', 'sessions']

/** A SQLite file with so many rows in every table, or in those that are `large`; every column is filled. */
async function filledFile(rows: number, inLarge = rows): Promise<string> {
  const file = newMigratedFile()
  const driver = await openDriver({ tag: 'sqlite', file })
  await driver.close()
  const connection = connectSqlite(file)
  connection.exec('PRAGMA foreign_keys = OFF; BEGIN')
  for (const [name, table] of tablesOf(driver)) {
    const columns = Object.values<SQLiteColumn>(getTableColumns(table))
    const names = columns.map(({ name }) => `"${name}"`).join(', ')
    const insert = connection.prepare(
      `INSERT INTO "${getTableName(table)}" (${names}) VALUES (${columns.map(() => '?').join(', ')})`,
    )
    for (let row = 0; row < (large.includes(name) ? inLarge : rows); row++)
      insert.run(
        columns.map((column) => {
          const value = sample(column, row)
          return value === null ? null : column.mapToDriverValue(value)
        }),
      )
  }
  connection.exec('COMMIT; PRAGMA foreign_keys = ON')
  expect(connection.prepare('PRAGMA foreign_key_check').all()).toEqual([])
  connection.close()
  return file
}

async function openTarget() {
  const url = await createMigratedDatabase()
  return { url, target: await openDriver({ tag: 'postgres', url }) }
}

/** Every row of a table in our own value types, ordered by its first column. */
async function rowsOf(driver: Driver, name: keyof Tables): Promise<readonly Record<string, unknown>[]> {
  const table = driver.tables[name] as SQLiteTable
  const found = (await driver.read(driver.db.select().from(table))) as Record<string, unknown>[]
  const text = (row: Record<string, unknown>): string => JSON.stringify(Object.values(row).slice(0, 3))
  return found.toSorted((a, b) => (text(a) < text(b) ? -1 : 1))
}

describe('a copy from SQLite to PostgreSQL', () => {
  test('contains every column of every table, unchanged', async () => {
    const file = await filledFile(7)
    const { target } = await openTarget()
    const copied = await copyStore({ file, target })
    expect(copied).toMatchObject({ tag: 'copied' })
    const source = await openDriver({ tag: 'sqlite', file })
    for (const [name] of tablesOf(source)) {
      const rows = await rowsOf(source, name)
      expect(rows, name).toHaveLength(7)
      expect(await rowsOf(target, name), name).toEqual(rows)
    }
    expect(copied.tag === 'copied' && copied.tables.map(({ rows }) => rows)).toEqual(tablesOf(source).map(() => 7))
    expect(await isCopyUnfinished(target)).toBe(false)
    await Promise.all([source.close(), target.close()])
  })

  test('uses more than one batch for a large table, and omits no row', async () => {
    const file = await filledFile(3, 1001)
    const { target } = await openTarget()
    expect(await copyStore({ file, target })).toMatchObject({ tag: 'copied' })
    await target.close()
  })

  test('refuses a target that is not empty, and changes nothing there', async () => {
    const file = await filledFile(3)
    const { target } = await openTarget()
    await target.write(target.db.insert(target.tables.rateLimits).values({ key: 'x', hits: 1, resetsAt: new Date() }))
    expect(await copyStore({ file, target })).toEqual({ tag: 'not_empty', table: 'rate_limits' })
    expect(await rowsOf(target, 'accounts')).toEqual([])
    expect(await isCopyUnfinished(target)).toBe(false)
    await target.close()
  })

  test('continues where it was interrupted, and is marked as unfinished until then', async () => {
    const file = await filledFile(3, 1500)
    const { target } = await openTarget()
    const stop = new Error('killed')
    const interrupted = copyStore({
      file,
      target,
      onProgress: ({ table, done }) => {
        if (table === 'sessions' && done > 0) throw stop
      },
    })
    await expect(interrupted).rejects.toBe(stop)
    expect(await isCopyUnfinished(target)).toBe(true)
    expect(await rowsOf(target, 'sessions')).toHaveLength(1000)
    expect(await copyStore({ file, target })).toMatchObject({ tag: 'copied' })
    expect(await isCopyUnfinished(target)).toBe(false)
    await target.close()
  })

  test('of another source does not continue it', async () => {
    const [file, other] = [await filledFile(3), await filledFile(3)]
    const connection = connectSqlite(other)
    connection.exec(`UPDATE sealing_keys SET proof = 'another ' || id`)
    connection.close()
    const { target } = await openTarget()
    await expect(
      copyStore({
        file,
        target,
        onProgress: ({ done }) => {
          if (done > 0) throw new Error('killed')
        },
      }),
    ).rejects.toThrow('killed')
    expect(await copyStore({ file: other, target })).toMatchObject({ tag: 'not_empty' })
    await target.close()
  })

  test.each<[string, (context: { file: string; target: Driver }) => Promise<void>, CopyResult['tag']]>([
    [
      'a source that changes in the meantime',
      async ({ file }) => {
        const connection = connectSqlite(file)
        connection.exec(`UPDATE accounts SET name = 'changed'`)
        connection.close()
      },
      'source_changed',
    ],
    [
      'a value that changed on the way',
      async ({ target }) => {
        const { accounts } = target.tables
        await target.write(target.db.update(accounts).set({ name: sql`${accounts.name} || '!'` }))
      },
      'different',
    ],
    [
      'a missing row',
      async ({ target }) => {
        await target.write(target.db.delete(target.tables.rateLimits))
      },
      'different',
    ],
  ])('detects %s', async (_name, meddle, tag) => {
    const file = await filledFile(3)
    const { target } = await openTarget()
    let done = false
    const copied = await copyStore({
      file,
      target,
      onProgress: (progress) => {
        if (progress.table === 'rate_limits' && progress.done === progress.total) done = true
      },
      beforeCheck: () => meddle({ file, target }),
    })
    expect(done).toBe(true)
    expect(copied.tag).toBe(tag)
    expect(await isCopyUnfinished(target)).toBe(true)
    await target.close()
  })
})
