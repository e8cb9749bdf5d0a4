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
