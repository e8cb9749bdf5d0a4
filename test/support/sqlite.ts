import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const directory = mkdtempSync(join(tmpdir(), 'vinculum-sqlite-'))
process.on('exit', () => rmSync(directory, { recursive: true, force: true }))

let made = 0

/** A path where no database is yet. It goes with the process. */
export const newFile = (): string => join(directory, String(++made), 'vinculum.db')
