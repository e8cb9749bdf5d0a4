import type { StoreConfig } from '../../src/store/open.ts'
import { isThorough } from '../store/thorough.ts'
import { createDatabase, createMigratedDatabase } from './postgres.ts'
import { newFile, newMigratedFile } from './sqlite.ts'

type Places = readonly { readonly name: string; readonly place: () => Promise<StoreConfig> }[]

/** Both kinds of database, each with a function that creates one without rows. */
export const databases: Places = [
  { name: 'SQLite', place: async () => ({ tag: 'sqlite', file: newMigratedFile() }) },
  { name: 'PostgreSQL', place: async () => ({ tag: 'postgres', url: await createMigratedDatabase() }) },
]

/** For tests of what is above the store, see `aboveStore` in `service.ts`. */
export const databasesAboveStore: Places = isThorough ? databases : databases.slice(0, 1)

/** The same without our tables. */
export const emptyDatabases: Places = [
  { name: 'SQLite', place: async () => ({ tag: 'sqlite', file: newFile() }) },
  { name: 'PostgreSQL', place: async () => ({ tag: 'postgres', url: await createDatabase() }) },
]
