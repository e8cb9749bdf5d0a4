import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

const directory = mkdtempSync(join(tmpdir(), 'vinculum-sqlite-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

let made = 0

/** The path of a database that does not exist yet. It is removed when the test file is done. */
export const newFile = (): string => join(directory, String(++made), 'vinculum.db')
