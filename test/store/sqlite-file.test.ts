/** What happens to a database when its file is locked, lost, full, read-only or damaged: on real files. */
import { execFileSync } from 'node:child_process'
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import type { Database } from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { BusyError } from '../../src/kernel/busy.ts'
import type { HealthChange } from '../../src/store/availability.ts'
import { connectSqlite } from '../../src/store/connect-sqlite.ts'
import type { DriverParts } from '../../src/store/driver.ts'
import { migrationsFor } from '../../src/store/migrations.ts'
import { openDriver, storeOver } from '../../src/store/open.ts'
import { newFile } from '../support/sqlite.ts'
import { account, identity, newId, now, pendingAuthorization } from './people.ts'

let file: string
beforeEach(() => {
  file = newFile()
})

/** A store that is closed when its test ends, with the health changes it reported. */
async function opened(create = true, given: Partial<DriverParts> = {}) {
  const reports: HealthChange[] = []
  const report = (change: HealthChange) => void reports.push(change)
  const driver = await openDriver({ tag: 'sqlite', file, create }, { requestMs: 500, report, ...given })
  onTestFinished(() => driver.close())
  const store = storeOver(driver, { clock: () => now, ids: newId, publish: () => {} })
  const person = account()
  const add = () => store.accounts.create(person, identity(person.id), { separate: false }, [])
  return { store, reports, person, add, begin: () => store.pendingAuthorizations.begin(pendingAuthorization()) }
}
const opening = (create = true, given: Partial<DriverParts> = {}): Promise<string> =>
  opened(create, given).then(
    () => 'opened',
    (error: Error) => `${error.name}: ${error.message}`,
  )
/** Another process, as far as SQLite's locks are concerned. */
function outside(): Database {
  mkdirSync(dirname(file), { recursive: true })
  const connection = connectSqlite(file, { timeout: 0 })
  onTestFinished(() => void connection.close())
  return connection
}
const reasons = (reports: readonly HealthChange[]) =>
  reports.map(({ state, cause }) => [state, (cause as Error)?.message])

/** An identity of an account that does not exist. */
const orphan = `INSERT INTO identities
  (id, account_id, provider, issuer, subject, email_verified, scopes, linked_at, last_used_at)
  VALUES ('idn_1', 'usr_none', 'github', 'github', '1', 0, '[]', 0, 0)`

describe('opening a database', () => {
  test('checks foreign keys after a migration was applied, and only then', async () => {
    await (await opened()).store.close()
    const other = outside()
    other.exec('PRAGMA foreign_keys = OFF')
    other.exec(orphan)
    expect(await opening()).toBe('opened')
  })

  test('fails and changes nothing when a migration leaves rows with broken references', async () => {
    mkdirSync(dirname(file))
    const other = outside()
    other.exec('CREATE TABLE __drizzle_migrations (id INTEGER PRIMARY KEY, hash text NOT NULL, created_at numeric)')
    const all = migrationsFor('sqlite')
    for (const { sql, hash, folderMillis } of all.slice(0, -1)) {
      for (const statement of sql) other.exec(statement)
      other.prepare('INSERT INTO __drizzle_migrations (hash, created_at) VALUES (?, ?)').run(hash, folderMillis)
    }
    other.exec('PRAGMA foreign_keys = OFF')
    other.exec(orphan)
    expect(await opening()).toContain('a migration left rows with invalid foreign keys')
    expect(other.prepare('SELECT count(*) FROM __drizzle_migrations').pluck().get()).toBe(all.length - 1)
    other.exec('DELETE FROM identities')
    expect(await opening()).toBe('opened')
  })

  test('waits while another process holds a lock', async () => {
    await (await opened()).store.close()
    const other = outside()
    other.exec('BEGIN IMMEDIATE')
    let isOpen = false
    const waiting = opened().then(() => {
      isOpen = true
    })
    await new Promise((resolve) => setTimeout(resolve, 100))
    expect(isOpen).toBe(false)
    other.exec('COMMIT')
    await waiting
  })

  test.each(['IMMEDIATE', 'EXCLUSIVE'])('fails with an explanation when a lock (%s) is not released', async (kind) => {
    await (await opened()).store.close()
    const other = outside()
    if (kind === 'EXCLUSIVE') other.exec('PRAGMA locking_mode = EXCLUSIVE')
    other.exec(`BEGIN ${kind}`)
    let turns = 0
    const turning = setInterval(() => turns++, 10)
    expect(await opening(true, { openMs: 2000 })).toMatch(
      /^DatabaseOpenError: Another process has locked the database file .*\. Stop that process and start again; /,
    )
    clearInterval(turning)
    expect(turns, 'the event loop was not blocked').toBeGreaterThan(2)
  })

  test('does not create a missing database unless asked to, and leaves no file behind', async () => {
    const refusal = /^DatabaseOpenError: There is no database in .*DATABASE_CREATE=true\.$/
    expect(await opening(false)).toMatch(refusal)
    expect(existsSync(dirname(file))).toBe(false)
    mkdirSync(dirname(file))
    writeFileSync(file, '')
    expect(await opening(false)).toMatch(refusal)
    expect(statSync(file).size).toBe(0)
    expect(existsSync(`${file}-wal`)).toBe(false)
    expect(await opening(true)).toBe('opened')
    expect(await opening(false)).toBe('opened')
  })

  test('fails with an explanation when the file is damaged or not a database', async () => {
    await (await opened()).store.close()
    const handle = openSync(file, 'r+')
    writeSync(handle, Buffer.alloc(4096 - 100, 0xff), 0, 4096 - 100, 100)
    expect(await opening()).toMatch(/^DatabaseOpenError: .* is damaged\. Restore a backup\.$/)
    writeSync(handle, Buffer.alloc(100, 0x41), 0, 100, 0)
    expect(await opening()).toMatch(/^DatabaseOpenError: .* is not a SQLite database, or is damaged\. /)
  })
})

describe('a database file in use', () => {
  test.each([
    ['deleted', () => rmSync(file), /vinculum\.db was deleted or moved/],
    ['moved', () => renameSync(file, `${file}.old`), /vinculum\.db was deleted or moved/],
    [
      'replaced',
      () => {
        copyFileSync(file, `${file}.copy`)
        renameSync(`${file}.copy`, file)
      },
      /vinculum\.db was replaced/,
    ],
    [
      'in a folder that was replaced by a file',
      () => {
        renameSync(dirname(file), `${dirname(file)}.old`)
        writeFileSync(dirname(file), '')
      },
      /vinculum\.db was deleted or moved/,
    ],
    [
      'in a folder that was replaced by a link to itself',
      () => {
        renameSync(dirname(file), `${dirname(file)}.old`)
        symlinkSync(dirname(file), dirname(file))
      },
      /vinculum\.db cannot be accessed \(ELOOP: .*\)\. Check its folder/,
    ],
    ['without its WAL', () => rmSync(`${file}-wal`), /vinculum\.db-wal was deleted or moved/],
  ])('that is %s refuses writes, and can still be read', async (_, lose, reason) => {
    const { store, reports, person, add, begin } = await opened()
    await add()
    expect(await store.ready()).toBe(true)
    lose()
    await expect(begin()).rejects.toThrow(BusyError)
    expect(await store.ready()).toBe(false)
    expect(await store.accounts.find(person.id)).toMatchObject({ id: person.id })
    expect(reasons(reports)).toEqual([['refusing', expect.stringMatching(reason)]])
  })

  test('that was moved and restored accepts writes again', async () => {
    const { store, reports, begin } = await opened()
    renameSync(file, `${file}.old`)
    expect(await store.ready()).toBe(false)
    renameSync(`${file}.old`, file)
    await begin()
    expect(await store.ready()).toBe(true)
    expect(reports.map(({ state }) => state)).toEqual(['refusing', 'healthy'])
  })

  test('in a folder that is unreadable for a while accepts writes again, and the log has the original error', async () => {
    const { store, reports, begin } = await opened()
    renameSync(dirname(file), `${dirname(file)}.old`)
    symlinkSync(dirname(file), dirname(file))
    await expect(begin()).rejects.toThrow(BusyError)
    await expect(begin()).rejects.toThrow(BusyError)
    expect(reports).toMatchObject([
      { state: 'refusing', cause: { code: 'DATABASE_FILE_UNREADABLE', cause: { code: 'ELOOP' } } },
    ])
    rmSync(dirname(file))
    renameSync(`${dirname(file)}.old`, dirname(file))
    await begin()
    expect(await store.ready()).toBe(true)
    expect(reports.map(({ state }) => state)).toEqual(['refusing', 'healthy'])
  })

  test('that is replaced keeps the WAL of the new one when the service stops', async () => {
    const { store } = await opened()
    copyFileSync(file, `${file}.copy`)
    rmSync(file)
    rmSync(`${file}-wal`)
    rmSync(`${file}-shm`)
    renameSync(`${file}.copy`, file)
    const other = outside()
    other.exec('CREATE TABLE kept (id integer); INSERT INTO kept VALUES (1)')
    await store.close()
    expect(existsSync(`${file}-wal`)).toBe(true)
  })
})

/** Mounts a small file system at the folder of the database: only root can, so elsewhere these cases do not run. */
const mount = (...options: readonly string[]) =>
  execFileSync('mount', [...options, dirname(file)], { stdio: ['ignore', 'ignore', 'pipe'] })
const canMount = ((): boolean => {
  file = newFile()
  mkdirSync(dirname(file), { recursive: true })
  try {
    mount('-t', 'tmpfs', '-o', 'size=64k', 'tmpfs')
    execFileSync('umount', [dirname(file)])
    return true
  } catch {
    return false
  }
})()

describe.runIf(canMount)('a small disk', () => {
  beforeEach(() => {
    mkdirSync(dirname(file))
    mount('-t', 'tmpfs', '-o', 'size=8m', 'tmpfs')
  })
  afterEach(() => void execFileSync('umount', ['--lazy', dirname(file)]))
  const filler = () => join(dirname(file), 'filler')
  function fill(): void {
    const handle = openSync(filler(), 'w')
    try {
      for (;;) writeSync(handle, Buffer.alloc(4096))
    } catch (error) {
      expect(error).toMatchObject({ code: 'ENOSPC' })
    } finally {
      closeSync(handle)
    }
  }

  test('that is full refuses writes, allows reads, and accepts writes when there is space again', async () => {
    const { store, reports, person, add, begin } = await opened()
    await add()
    fill()
    // The rest of the last WAL page may take a few more.
    let refused: unknown
    for (let n = 0; n < 2000 && !refused; n++)
      refused = await begin().then(
        () => undefined,
        (error: unknown) => error,
      )
    expect(refused).toBeInstanceOf(BusyError)
    expect(await store.ready()).toBe(false)
    expect(await store.accounts.find(person.id)).toMatchObject({ id: person.id })
    expect(reports[0]).toMatchObject({
      state: 'refusing',
      cause: { code: expect.stringMatching(/^SQLITE_(FULL|IOERR)/) },
    })
    rmSync(filler())
    await begin()
    expect(await store.ready()).toBe(true)
    expect(reports.at(-1)?.state).toBe('healthy')
  })

  test('that is full stops startup with an explanation', async () => {
    await (await opened()).store.close()
    fill()
    expect(await opening()).toMatch(/^DatabaseOpenError: .*(disk is full|disk has free space)/)
  })

  test('that is read-only stops startup with an explanation', async () => {
    await (await opened()).store.close()
    mount('-o', 'remount,ro')
    expect(await opening()).toMatch(/^DatabaseOpenError: The database cannot be opened: .* may write the file/)
  })
})
