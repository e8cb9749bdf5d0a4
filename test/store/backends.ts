/** Both databases as the contracts of the store use them. */
import type pg from 'pg'
import { afterAll } from 'vitest'
import { connectSqlite } from '../../src/store/connect-sqlite.ts'
import type { StoreConfig } from '../../src/store/open.ts'
import { connectPostgres, createDatabase, createMigratedDatabase, emptyTables } from '../support/postgres.ts'
import { newFile, newMigratedFile } from '../support/sqlite.ts'
import { type Backend, closeDrivers, keepDrivers } from './people.ts'

type InPostgres = { readonly tag: 'postgres'; readonly url: string }
type InSqlite = { readonly tag: 'sqlite'; readonly file: string }

/** For one test file: its tests share a database with its connections. It is emptied for each of them. */
export function postgresBackend() {
  const at = (url: string): InPostgres => ({ tag: 'postgres', url })
  let shared: { readonly config: InPostgres; readonly client: pg.Client } | undefined
  afterAll(() => shared && Promise.all([closeDrivers(shared.config), shared.client.end()]))
  return {
    name: 'PostgreSQL',
    place: async () => at(await createDatabase()),
    migrated: async () => at(await createMigratedDatabase()),
    async emptied() {
      if (shared) await emptyTables(shared.client)
      else {
        const config = at(await createMigratedDatabase())
        shared = { config, client: await connectPostgres(config.url) }
        keepDrivers(config)
      }
      return shared.config
    },
    async explain(config: StoreConfig, asked: string, params: readonly unknown[]) {
      const client = await connectPostgres((config as InPostgres).url)
      try {
        // PostgreSQL prefers to read a small table whole, or to sort.
        await client.query('set enable_seqscan = off; set enable_sort = off; set enable_bitmapscan = off')
        const { rows } = await client.query<{ 'QUERY PLAN': string }>(`explain ${asked}`, [...params])
        return rows.map((row) => row['QUERY PLAN'])
      } finally {
        await client.end()
      }
    },
  } satisfies Backend
}

export function sqliteBackend() {
  const migrated = async (): Promise<InSqlite> => ({ tag: 'sqlite', file: newMigratedFile() })
  return {
    name: 'SQLite',
    place: async () => ({ tag: 'sqlite', file: newFile() }),
    migrated,
    emptied: migrated,
    async explain(config: StoreConfig, asked: string, params: readonly unknown[]) {
      const file = connectSqlite((config as InSqlite).file, { readonly: true })
      try {
        const plan = file.prepare(`explain query plan ${asked}`).all(params) as { detail: string }[]
        return plan.map(({ detail }) => detail)
      } finally {
        file.close()
      }
    },
  } satisfies Backend
}
