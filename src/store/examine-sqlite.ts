import { accessSync, constants, existsSync, statSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import { drizzle } from 'drizzle-orm/better-sqlite3'
import { codeOf, unavailableReasonOf } from './availability.ts'
import { connectSqlite } from './connect-sqlite.ts'
import type { ReadOnlyDriver } from './driver.ts'
import { type MigrationState, migrationState, migrationsFor } from './migrations.ts'
import { sqliteOpenErrorOf } from './open-error.ts'
import * as tables from './schema.sqlite.ts'
import { appliedOnSqlite, createLockRetry, execute, prepare, probeWrite } from './sqlite.ts'

/** Reads rows of an existing file, and writes nothing. */
export function readSqlite(file: string): ReadOnlyDriver {
  const connection = openForReading(file)
  return {
    db: drizzle({ client: connection }),
    tables,
    read: async (query) => {
      try {
        return execute(prepare(query))
      } catch (error) {
        // A file that is not a database is detected at the first read.
        throw sqliteOpenErrorOf(error, file)
      }
    },
    close: async () => void connection.close(),
  }
}

const walOf = (file: string): string => `${file}-wal`

/**
 * To read a file in WAL mode, SQLite creates an empty WAL and an index if there is none. Only a connection that may
 * write deletes them. The returned function does so after reading, unless there was a WAL before.
 */
export function tidyAfterReading(file: string): () => void {
  if (!existsSync(file) || existsSync(walOf(file))) return () => {}
  return () => {
    if (statSync(walOf(file), { throwIfNoEntry: false })?.size !== 0) return
    try {
      const connection = connectSqlite(file, { fileMustExist: true, timeout: 0 })
      // Opening alone reads nothing, and would not find the WAL.
      connection.prepare('SELECT count(*) FROM sqlite_schema').get()
      connection.close()
    } catch (error) {
      // A process that is using the file now removes these files itself.
      if (unavailableReasonOf('sqlite', error) === undefined) throw error
    }
  }
}

function openForReading(file: string) {
  try {
    return connectSqlite(file, { readonly: true, fileMustExist: true, timeout: 0 })
  } catch (error) {
    throw sqliteOpenErrorOf(error, file)
  }
}

/**
 * Larger files are not checked completely: that would take too long, and evict pages of other processes from memory.
 */
const maxCheckedBytes = 256 * 1024 * 1024

/**
 * File systems by their number (statfs(2), linux/magic.h). SQLite's locks are unreliable on a network. Files in memory
 * or in a container's own layer are lost with it.
 */
const fileSystems: Readonly<Record<number, { readonly name: string; readonly kind: 'network' | 'volatile' }>> = {
  26985: { name: 'NFS', kind: 'network' },
  20859: { name: 'SMB', kind: 'network' },
  4266872130: { name: 'SMB', kind: 'network' },
  4283649346: { name: 'CIFS', kind: 'network' },
  12805120: { name: 'Ceph', kind: 'network' },
  1397113167: { name: 'AFS', kind: 'network' },
  198183888: { name: 'Lustre', kind: 'network' },
  16914839: { name: '9p', kind: 'network' },
  1702057286: { name: 'FUSE', kind: 'network' },
  16914836: { name: 'tmpfs', kind: 'volatile' },
  2035054128: { name: 'overlayfs', kind: 'volatile' },
}

/** The file system of a file or folder, if a database should not be on it. Known only on Linux. */
export async function riskyFileSystem(path: string) {
  if (process.platform !== 'linux') return undefined
  // Some machines report a negative number, because the field is signed there.
  return fileSystems[(await statfs(path)).type >>> 0]
}

export type SqliteExamination = {
  /** Of the file and its WAL. */
  readonly bytes: number
  readonly journalMode: string
  /** Whether users other than the owner may read or write the file. */
  readonly open: boolean
  readonly migrations: MigrationState
  /** The damage that SQLite finds; `null` if there is none, `undefined` if the file is too large to check. */
  readonly damage: string | null | undefined
}

/** Reads the state of an existing file. Throws a `DatabaseOpenError` if it cannot be opened. */
export function examineSqlite(file: string): SqliteExamination {
  const connection = openForReading(file)
  try {
    const { size, mode } = statSync(file)
    const inWal = statSync(walOf(file), { throwIfNoEntry: false })?.size ?? 0
    const journalMode = String(connection.prepare('PRAGMA journal_mode').pluck().get())
    const migrations = migrationState(migrationsFor('sqlite'), appliedOnSqlite(connection))
    const checked = size <= maxCheckedBytes ? connection.prepare('PRAGMA quick_check(1)').pluck().get() : undefined
    const damage = checked === undefined ? undefined : checked === 'ok' ? null : String(checked)
    return { bytes: size + inWal, journalMode, open: (mode & 0o077) !== 0, migrations, damage }
  } catch (error) {
    throw sqliteOpenErrorOf(error, file)
  } finally {
    connection.close()
  }
}

/**
 * Whether the file can be written: begins a transaction and rolls it back. Another connection stays open in the
 * meantime, so that closing the first is not the last close, which would write the WAL into the file.
 */
export async function canWriteSqlite(file: string, waitMs: number): Promise<'writable' | 'locked'> {
  const reader = openForReading(file)
  try {
    // SQLite creates files next to the database.
    accessSync(dirname(file), constants.W_OK | constants.X_OK)
    accessSync(file, constants.W_OK)
    // A connection that has read nothing does not keep the WAL open.
    reader.prepare('SELECT count(*) FROM sqlite_schema').get()
    const writer = connectSqlite(file, { fileMustExist: true, timeout: 0 })
    try {
      await createLockRetry(waitMs)(() => probeWrite(writer))
      return 'writable'
    } finally {
      writer.close()
    }
  } catch (error) {
    if (unavailableReasonOf('sqlite', error) === 'contended' && codeOf(error) !== 'SQLITE_PROTOCOL') return 'locked'
    throw sqliteOpenErrorOf(error, file)
  } finally {
    reader.close()
  }
}
