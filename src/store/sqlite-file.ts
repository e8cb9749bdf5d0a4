import { closeSync, existsSync, mkdirSync, openSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { type DatabaseOpenError, openError } from './open-error.ts'

/**
 * In production, creating an empty database in place of a lost one would sign everyone out and let strangers register
 * with the email addresses.
 */
export const missingError = (file: string): DatabaseOpenError =>
  openError(
    `There is no database in ${file}. Check DATABASE_URL and that its volume is mounted; to create a new database, start once with DATABASE_CREATE=true.`,
  )

/** Whether there is a database file. */
export const sqliteFileExists = (file: string): boolean => existsSync(file)

/**
 * Ensures that the file exists. A new file is readable only by its owner from the first moment, and its WAL inherits
 * that. An existing file is not opened: closing it would release the locks of another connection of this process
 * (sqlite.org/howtocorrupt.html, 2.2).
 */
export function createFile(file: string, create: boolean): void {
  if (existsSync(file)) return
  if (!create) throw missingError(file)
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  closeSync(openSync(file, 'a', 0o600))
}

/** The file that a path leads to, as device and inode; `undefined` if there is none. */
function identityOf(path: string): string | undefined {
  try {
    const found = statSync(path, { bigint: true, throwIfNoEntry: false })
    return found && `${found.dev}:${found.ino}`
  } catch (error) {
    // A folder became a file. Newer versions of Node.js return `undefined` themselves.
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return undefined
    throw new FileUnreadableError(path, error)
  }
}

/**
 * The path no longer leads to the database file that was opened. The code is logged as the cause of `database.state`.
 */
export class FileMovedError extends Error {
  override name = 'FileMovedError'
  readonly code = 'DATABASE_FILE_MOVED'
  constructor(path: string, isGone: boolean) {
    const remedy = 'Stop the service, put the file back or restore a backup, and start again.'
    super(`${path} was ${isGone ? 'deleted or moved' : 'replaced'} while the service was using it. ${remedy}`)
  }
}

/**
 * What is at the path cannot be found out: the service lacks a permission (EACCES), links lead in a circle (ELOOP), or
 * the disk does not answer (EIO, ESTALE). The code is logged as the cause of `database.state`.
 */
class FileUnreadableError extends Error {
  override name = 'FileUnreadableError'
  readonly code = 'DATABASE_FILE_UNREADABLE'
  constructor(path: string, cause: unknown) {
    const remedy = 'Check its folder, the permissions of the service, and the disk.'
    super(`${path} cannot be accessed (${(cause as Error).message}). ${remedy}`, { cause })
  }
}

/**
 * Returns a check that throws a `FileMovedError` once the path of an open database, or of its WAL, leads to another
 * file or to none, and a `FileUnreadableError` while that cannot be found out. SQLite keeps writing to the file it
 * opened, and those writes would be lost with the process. Two calls of `stat` cost little compared with the commit that
 * follows.
 */
export function watchFiles(file: string): () => void {
  if (file === ':memory:') return () => {}
  const opened = [file, `${file}-wal`].map((path) => ({ path, identity: identityOf(path) }))
  return () => {
    for (const { path, identity } of opened) {
      const now = identityOf(path)
      if (now !== identity) throw new FileMovedError(path, now === undefined)
    }
  }
}
