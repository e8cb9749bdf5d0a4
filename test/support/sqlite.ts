import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll } from 'vitest'

/** How much memory must be free for files, in bytes. */
const enough = 1024 ** 3

/**
 * A folder in memory if this machine has one with room: a test waits for no disk. What survives a power loss is
 * measured by `bench:crash`.
 */
function temporaryFolder(): string {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm')
    if (bavail * bsize >= enough) return '/dev/shm'
  } catch {
    // No such folder.
  }
  return tmpdir()
}

const directory = mkdtempSync(join(temporaryFolder(), 'vinculum-sqlite-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

let made = 0

/** The path of a database that does not exist yet. It is removed when the test file is done. */
export const newFile = (): string => join(directory, String(++made), 'vinculum.db')
