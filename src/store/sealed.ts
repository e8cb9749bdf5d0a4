import { setImmediate as nextTurn } from 'node:timers/promises'
import { isDeepStrictEqual } from 'node:util'
import {
  and,
  asc,
  type Column,
  count,
  eq,
  getTableColumns,
  getTableName,
  gt,
  inArray,
  is,
  isNotNull,
  or,
  type SQL,
  sql,
} from 'drizzle-orm'
import { PgCustomColumn } from 'drizzle-orm/pg-core'
import { type SQLiteColumn, SQLiteCustomColumn, type SQLiteTable } from 'drizzle-orm/sqlite-core'
import { keyIdOf } from '../kernel/crypto.ts'
import type { Ledger, SealedStore, SealedValue, Tally } from '../sealing/ports.ts'
import { type Driver, type Queries, type ReadOnlyDriver, step } from './driver.ts'
import type { Tables } from './schema.ts'

/**
 * The ID of the root secret, next to the registered keys. No key can have it, because the name of a key ends at the
 * colon.
 */
const rootId = 'root:'

type Place = {
  readonly table: SQLiteTable
  readonly row: SQLiteColumn
  readonly columns: readonly SQLiteColumn[]
  /** The place for which the values were sealed, if that is not where they are now. */
  readonly sealedIn?: { readonly table: SQLiteTable; readonly row: SQLiteColumn }
  readonly only?: SQL
}

const isSealed = (column: Column): boolean => is(column, SQLiteCustomColumn) || is(column, PgCustomColumn)

/**
 * Every column that holds sealed values: those that the schema declares as `sealed`. Grants come before revocations in
 * it, because values move from grants to revocations.
 */
export const placesIn = (t: Tables): readonly Place[] => {
  const exceptions: readonly (Pick<Place, 'table'> & Partial<Place>)[] = [
    { table: t.revocations, sealedIn: { table: t.grants, row: t.revocations.grantId } },
    // The proof of a key must stay sealed with that key.
    { table: t.sealingKeys, only: eq(t.sealingKeys.id, rootId) },
  ]
  return Object.values(t).flatMap((table: SQLiteTable): readonly Place[] => {
    const all = Object.values(getTableColumns(table))
    const columns = all.filter(isSealed)
    if (columns.length === 0) return []
    const row = all.find(({ primary }) => primary)
    if (!row) throw new Error(`${getTableName(table)} has sealed values and no key of one column`)
    return [{ table, row, columns, ...exceptions.find((one) => one.table === table) }]
  })
}

const prefixOf = (key: string): string => `v1.${key}.`
/** Not LIKE: the name of a key may contain an underscore, which LIKE reads as a wildcard. */
const beginning = (column: SQLiteColumn, key: string): SQL =>
  sql`substr(${column}, 1, ${sql.raw(String(prefixOf(key).length))})`
const sealedOtherwise = (column: SQLiteColumn, key: string): SQL | undefined =>
  and(isNotNull(column), sql`${beginning(column, key)} <> ${prefixOf(key)}`)

/** The part of a sealed value that contains the name of its key (32 characters at most). */
const headLetters = 'v1.'.length + 32 + 1
const rowsCounted = 2000

export type SealedByKey = {
  /** How many values each key seals, by the name of the key. */
  readonly tallies: ReadonlyMap<string, Tally>
  /** One value of each column and key. */
  readonly samples: readonly SealedValue[]
  /** Tables that could not be read because they do not exist yet. */
  readonly unread: readonly string[]
  /** Whether `signal` ended the count early. */
  readonly incomplete: boolean
}

/**
 * Counts the values sealed with each key, in steps, so that other work runs in between. Unlike `otherThan`, it also
 * reads a database with pending migrations.
 */
export async function sealedByKey(
  { db, tables: t, read }: Pick<ReadOnlyDriver, 'db' | 'tables' | 'read'>,
  signal?: AbortSignal,
): Promise<SealedByKey> {
  const counts = new Map<string, Map<string, number>>()
  const samples: SealedValue[] = []
  const unread: string[] = []
  for (const place of placesIn(t)) {
    const { table, row, columns, only } = place
    const heads = Object.fromEntries(
      columns.map((column) => [column.name, sql<string | null>`substr(${column}, 1, ${sql.raw(String(headLetters))})`]),
    )
    const seen = new Set<string>()
    let after = ''
    try {
      for (;;) {
        if (signal?.aborted) return { tallies: talliesOf(counts), samples, unread, incomplete: true }
        const found: Record<string, unknown>[] = await read(
          db
            .select({ row, ...heads })
            .from(table)
            .where(and(only, gt(row, after)))
            .orderBy(asc(row))
            .limit(rowsCounted),
        )
        for (const one of found)
          for (const column of columns) {
            const head = one[column.name]
            if (typeof head !== 'string') continue
            const key = keyIdOf(head)
            const ofKey = counts.get(key) ?? new Map<string, number>()
            counts.set(key, ofKey.set(getTableName(table), (ofKey.get(getTableName(table)) ?? 0) + 1))
            if (seen.has(`${column.name} ${key}`)) continue
            seen.add(`${column.name} ${key}`)
            const [whole] = await read(selecting(db, place, column).where(eq(row, one.row)))
            if (whole) samples.push(asValue(place, column, whole))
          }
        if (found.length < rowsCounted) break
        after = String(found.at(-1)?.row)
        await nextTurn()
      }
    } catch (error) {
      if (!isMissing(error)) throw error
      unread.push(getTableName(table))
    }
  }
  return { tallies: talliesOf(counts), samples, unread, incomplete: false }
}

const talliesOf = (counts: ReadonlyMap<string, ReadonlyMap<string, number>>): Map<string, Tally> =>
  new Map([...counts].map(([key, ofKey]) => [key, [...ofKey].map(([table, values]) => ({ table, values }))]))

/**
 * Whether a table or column does not exist. PostgreSQL has codes for that; SQLite has one code for every error, so
 * match its message.
 */
const isMissing = (error: unknown): boolean => {
  const { code, message = '' } = (error ?? {}) as { code?: string; message?: string }
  return code === '42P01' || code === '42703' || (code === 'SQLITE_ERROR' && /^no such (table|column)/.test(message))
}

/** The registered keys; `undefined` if their table does not exist yet. */
export async function readLedger({ db, tables: t, read }: ReadOnlyDriver): Promise<Ledger | undefined> {
  try {
    return ledgerOf(await read(db.select().from(t.sealingKeys).orderBy(asc(t.sealingKeys.id))))
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}

/** When each signing key was created and when it becomes active. Does not read the secrets. */
export async function readSigningKeys({ db, tables: { signingKeys: t }, read }: ReadOnlyDriver) {
  try {
    return await read(
      db
        .select({ id: t.id, purpose: t.purpose, createdAt: t.createdAt, activatesAt: t.activatesAt })
        .from(t)
        .orderBy(asc(t.purpose), asc(t.sequence)),
    )
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

const nameOf = (place: Place): string => getTableName(place.table)
const selecting = (q: Queries, { table, row, sealedIn }: Place, column: SQLiteColumn) =>
  q.select({ row, at: sealedIn?.row ?? row, sealed: column }).from(table)
const asValue = (
  place: Place,
  column: SQLiteColumn,
  { row, at, sealed }: { row: unknown; at: unknown; sealed: unknown },
): SealedValue => ({
  table: nameOf(place),
  column: column.name,
  row: String(row),
  sealed: String(sealed),
  place: `${getTableName(place.sealedIn?.table ?? place.table)}/${at}/${column.name}`,
})
const ledgerOf = (rows: readonly Tables['sealingKeys']['$inferSelect'][]): Ledger => ({
  keys: rows.filter(({ id }) => id !== rootId),
  root: rows.find(({ id }) => id === rootId)?.proof ?? null,
})

export function sealedStore({ db, tables: t, read, write, atomic }: Driver): SealedStore {
  const places = placesIn(t)
  const all = places.flatMap((place) => place.columns.map((column) => ({ place, column })))

  const counting = (q: Queries, place: Place, which: SQL | undefined) =>
    q.select({ values: count() }).from(place.table).where(and(place.only, which))

  const tallyOf = (counts: readonly (readonly [Place, number])[]): Tally =>
    places.flatMap((place) => {
      const values = counts.reduce((sum, [counted, n]) => (counted === place ? sum + n : sum), 0)
      return values === 0 ? [] : [{ table: nameOf(place), values }]
    })

  const reading = (q: Queries) => q.select().from(t.sealingKeys).orderBy(asc(t.sealingKeys.id))

  return {
    ledger: async () => ledgerOf(await read(reading(db))),

    async evidence(ring) {
      const ledger = ledgerOf(await read(reading(db)))
      const known = ledger.keys.map(({ id }) => id)
      const { tallies, samples, unread } = await sealedByKey({ db, tables: t, read })
      // A key must not be forgotten because its values were not counted.
      if (unread.length > 0) throw new Error(`tables are missing: ${unread.join(', ')}`)
      const signingKeys: SealedValue[] = []
      if (known.length === 0)
        for (const place of places.filter(({ table }) => table === t.signingKeys))
          for (const column of place.columns)
            for (const found of await read(selecting(db, place, column).orderBy(asc(place.row))))
              signingKeys.push(asValue(place, column, found))
      return {
        ledger,
        left: known.filter((id) => !ring.includes(id)).map((key) => ({ key, tally: tallies.get(key) ?? [] })),
        samples: samples.filter(({ sealed }) => {
          const key = keyIdOf(sealed)
          return ring.includes(key) && !known.includes(key)
        }),
        signingKeys,
      }
    },

    settle: (seen, { register, forget, root }) =>
      atomic(
        function* (tx) {
          if (!isDeepStrictEqual(ledgerOf(yield* step(reading(tx))), seen)) return undefined
          const rows =
            root === undefined ? register : [...register, { id: rootId, proof: root.sealed, createdAt: root.createdAt }]
          for (const row of rows) yield* step(tx.insert(t.sealingKeys).values(row))
          if (forget.length > 0) yield* step(tx.delete(t.sealingKeys).where(inArray(t.sealingKeys.id, [...forget])))
          return ledgerOf(yield* step(reading(tx)))
        },
        ['sealing keys'],
      ),

    async otherThan(key) {
      const counts: [Place, number][] = []
      for (const one of all) {
        const [found] = await read(counting(db, one.place, sealedOtherwise(one.column, key)))
        counts.push([one.place, found?.values ?? 0])
      }
      return tallyOf(counts)
    },

    async next(table, key, after, rows) {
      const place = places.find((one) => nameOf(one) === table)
      if (!place) return []
      const { row, columns, only, sealedIn } = place
      const otherwise = or(...columns.map((column) => sealedOtherwise(column, key)))
      const found = await read(
        db
          .select({
            row,
            at: sealedIn?.row ?? row,
            ...Object.fromEntries(columns.map((column) => [column.name, column])),
          })
          .from(place.table)
          .where(and(only, gt(row, after), otherwise))
          .orderBy(asc(row))
          .limit(rows),
      )
      return found.flatMap((one: Record<string, unknown>) =>
        columns.flatMap((column) => {
          const sealed = one[column.name]
          if (typeof sealed !== 'string' || sealed.startsWith(prefixOf(key))) return []
          return [asValue(place, column, { row: one.row, at: one.at, sealed })]
        }),
      )
    },

    async replace(changes) {
      // One statement for each value: one that locked several rows could deadlock with others that lock several rows.
      const written = await Promise.all(
        changes.map(({ value, fresh }) => {
          const one = all.find(({ place, column }) => nameOf(place) === value.table && column.name === value.column)
          if (!one) throw new Error(`nothing is sealed in ${value.table}.${value.column}`)
          const { table, row } = one.place
          const [property = ''] =
            Object.entries(getTableColumns(table)).find(([, column]) => column === one.column) ?? []
          return write(
            db
              .update(table)
              .set({ [property]: fresh })
              .where(and(eq(row, value.row), eq(one.column, value.sealed)))
              .returning({ row }),
          )
        }),
      )
      return written.filter((rows) => rows.length > 0).length
    },
  }
}
