import type { StoreConfig } from '../../src/store/open.ts'
import { createMigratedDatabase } from './postgres.ts'
import { newFile } from './sqlite.ts'

/** Both kinds of database, each with a function that creates an empty one. */
export const databases: readonly { readonly name: string; readonly place: () => Promise<StoreConfig> }[] = [
  { name: 'SQLite', place: async () => ({ tag: 'sqlite', file: newFile() }) },
  { name: 'PostgreSQL', place: async () => ({ tag: 'postgres', url: await createMigratedDatabase() }) },
]
