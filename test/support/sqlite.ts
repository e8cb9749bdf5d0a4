import { copyFileSync, mkdirSync, mkdtempSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { inject } from 'vitest'

/** The folder of this process in that of the run, which the run removes at its end. */
let directory: string | undefined

let made = 0

/** The path of a database that does not exist yet. */
export function newFile(): string {
  directory ??= mkdtempSync(join(inject('sqliteFolder'), 'worker-'))
  return join(directory, String(++made), 'vinculum.db')
}

/** The path of a database that has our tables and no rows, in a tenth of the time that the migrations take. */
export function newMigratedFile(): string {
  const file = newFile()
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  copyFileSync(join(inject('sqliteFolder'), migratedFile), file)
  return file
}

/** The database in the folder of the run that has our tables and no rows; `newMigratedFile` copies it. */
export const migratedFile = 'migrated.db'
