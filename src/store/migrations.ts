import { fileURLToPath } from 'node:url'
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator'
import { packageRoot } from '../root.ts'

/** The generated migrations of one dialect, oldest first. */
export const migrationsFor = (dialect: 'sqlite' | 'postgres'): readonly MigrationMeta[] =>
  readMigrationFiles({ migrationsFolder: fileURLToPath(new URL(`drizzle/${dialect}`, packageRoot)) })

/**
 * Those that are still to come. Drizzle's own migrator reads what is done before it takes any lock, so two
 * nodes starting at once would both apply the rest; the drivers ask this under their lock, and keep Drizzle's table.
 */
export const pending = (all: readonly MigrationMeta[], appliedUpTo: number | null): readonly MigrationMeta[] =>
  all.filter(({ folderMillis }) => appliedUpTo === null || folderMillis > appliedUpTo)

/** What of the migrations of this version a database has. */
export type MigrationState = {
  readonly known: number
  readonly pending: number
  /** There are no tables of ours yet. */
  readonly empty: boolean
  /** A newer version has applied migrations that this one does not know. */
  readonly newer: boolean
}

/** `appliedUpTo` is the time of the newest one applied; `null` for none. */
export const migrationState = (all: readonly MigrationMeta[], appliedUpTo: number | null): MigrationState => ({
  known: all.length,
  pending: pending(all, appliedUpTo).length,
  empty: appliedUpTo === null,
  newer: appliedUpTo !== null && appliedUpTo > Math.max(...all.map(({ folderMillis }) => folderMillis)),
})
