import { fileURLToPath } from 'node:url'
import { type MigrationMeta, readMigrationFiles } from 'drizzle-orm/migrator'
import { packageRoot } from '../root.ts'

/** The generated migrations of one dialect, oldest first. */
export const migrationsFor = (dialect: 'sqlite' | 'postgres'): readonly MigrationMeta[] =>
  readMigrationFiles({ migrationsFolder: fileURLToPath(new URL(`drizzle/${dialect}`, packageRoot)) })

/**
 * The migrations not yet applied. Drizzle's own migrator reads the applied ones before it takes a lock, so two nodes
 * that start together would both apply the rest. Our drivers call this under their lock, and use Drizzle's table.
 */
export const pending = (all: readonly MigrationMeta[], appliedUpTo: number | null): readonly MigrationMeta[] =>
  all.filter(({ folderMillis }) => appliedUpTo === null || folderMillis > appliedUpTo)

/** How far a database is migrated, as seen by this version. */
export type MigrationState = {
  readonly known: number
  readonly pending: number
  /** The database has none of our tables yet. */
  readonly empty: boolean
  /** A newer version has applied migrations that this one does not know. */
  readonly newer: boolean
}

/** `appliedUpTo` is the time of the newest applied migration; `null` if there is none. */
export const migrationState = (all: readonly MigrationMeta[], appliedUpTo: number | null): MigrationState => ({
  known: all.length,
  pending: pending(all, appliedUpTo).length,
  empty: appliedUpTo === null,
  newer: appliedUpTo !== null && appliedUpTo > Math.max(...all.map(({ folderMillis }) => folderMillis)),
})
