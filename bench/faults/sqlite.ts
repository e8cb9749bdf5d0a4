/** Faults of a SQLite database file and its disk. */
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fill as fillWithRows } from '../many-rows.ts'
import { newPath } from '../processes.ts'
import type { Case, CaseContext } from './case.ts'
import {
  everyoneSignedIn,
  live,
  me,
  people,
  ready,
  readyWithin,
  refresh,
  signInAt,
  startLoad,
  until,
  watch,
} from './client.ts'
import {
  type Finding,
  finding,
  isErrorMessage,
  noDefects,
  noneLongerThan,
  type ObservedResponse,
  oneLinePerChange,
  onlyStatuses,
  retryAfterOn503,
} from './judge.ts'
import { isRoot, launch, mountMemory, newFile, openOutside, runCommand, startNode } from './start.ts'

const users = 12
const deadlineMs = 5000
const slackMs = 3000
const loopMs = 1000
const startMs = 15_000
const manyAccounts = 200_000

async function world(setting: CaseContext, file = newFile()) {
  const node = await startNode(setting, { database: `file:${file}` })
  return { file, node, all: await people(node, users) }
}

/** Creates a database with accounts, and stops the service. */
async function leftBehind(setting: CaseContext, file = newFile()) {
  const { node, all } = await world(setting, file)
  await node.stop()
  return { file, all }
}

const reads = (answers: readonly ObservedResponse[]): ObservedResponse[] => answers.filter(({ path }) => path === '/me')
const writes = (answers: readonly ObservedResponse[]): ObservedResponse[] =>
  answers.filter(({ path }) => path === '/auth/refresh')

/** A start that must fail: how, how fast, and with which message. */
async function refusedStart(setting: CaseContext, file: string): Promise<readonly Finding[]> {
  const began = performance.now()
  const start = await launch(setting, { database: `file:${file}` })
  const ended = await until(() => start.child.exitCode !== null, startMs)
  const ms = Math.round(performance.now() - began)
  return [
    finding(
      `the start exits with 1 within ${startMs} ms`,
      ended && start.child.exitCode === 1,
      `${start.child.exitCode} after ${ms} ms`,
    ),
    isErrorMessage(start.said()),
  ]
}

/** Fills a file system completely. */
function fill(file: string): void {
  const handle = openSync(file, 'w')
  const page = Buffer.alloc(4096)
  try {
    for (;;) writeSync(handle, page)
  } catch (error) {
    if ((error as { code?: string }).code !== 'ENOSPC') throw error
  } finally {
    closeSync(handle)
  }
}

/**
 * Makes a file refuse every write, also through descriptors that are open. Permissions do not: they are checked when a
 * file is opened. A file system with a file that is open for writing cannot be mounted read-only.
 */
function immutable(file: string, yes: boolean): void {
  execFileSync('chattr', [yes ? '+i' : '-i', file], { stdio: 'pipe' })
}
/** Whether the file system supports it: some accept the flag and allow the write. */
function supportsImmutable(setting: CaseContext): boolean {
  const file = newPath('immutable')
  const handle = openSync(file, 'w')
  setting.defer(() => closeSync(handle))
  try {
    immutable(file, true)
  } catch {
    return false
  }
  try {
    writeSync(handle, 'x')
    return false
  } catch {
    return true
  } finally {
    immutable(file, false)
  }
}

const losses: readonly { readonly name: string; readonly lose: (file: string) => void }[] = [
  { name: 'deleted', lose: (file) => rmSync(file) },
  {
    name: 'replaced',
    lose(file) {
      copyFileSync(file, `${file}.copy`)
      renameSync(`${file}.copy`, file)
    },
  },
]

export const sqliteCases: readonly Case[] = [
  {
    name: 'sqlite-locked',
    promise: 'While another process holds the write lock, reads work, and writes get 503 by their deadline.',
    criteria:
      'the lock is held for 20 s: /health/live within a second, /me 200, refreshes 200 or 503 in time; everything works afterwards',
    withinSeconds: 90,
    async run(setting) {
      const { file, node, all } = await world(setting)
      const other = openOutside(setting, file)
      const load = startLoad(node, all)
      const alive = watch(live(node))
      setting.defer(() => alive.stop())
      setting.defer(() => load.stop())
      await pause(500)
      if (!(await until(() => takesLock(other), 5000))) throw new Error('the lock could not be taken')
      await pause(20_000)
      other.exec('COMMIT')
      const recovered = await readyWithin(node, 10_000)
      await load.stop()
      await alive.stop()
      return [
        onlyStatuses(alive.answers, [200]),
        noneLongerThan(loopMs, alive.answers, '/health/live'),
        onlyStatuses(reads(load.answers), [200]),
        noneLongerThan(loopMs * 2, reads(load.answers), '/me'),
        onlyStatuses(writes(load.answers), [200, 503]),
        finding(
          'refreshes get 503',
          writes(load.answers).some(({ status }) => status === 503),
          writes(load.answers).filter(({ status }) => status === 503).length,
        ),
        retryAfterOn503(load.answers),
        noneLongerThan(deadlineMs + slackMs, writes(load.answers), 'refresh'),
        recovered,
        await everyoneSignedIn(node, all),
        noDefects(node.said()),
      ]
    },
  },
  ...losses.map(
    ({ name, lose }): Case => ({
      name: `sqlite-file-${name}`,
      promise: `A database file that is ${name} is detected: nothing is written to the wrong file, and reads work.`,
      criteria: 'within 2 s /health/ready and refreshes are 503, /me stays 200, one log line; SIGTERM ends it with 0',
      withinSeconds: 60,
      async run(setting) {
        const { file, node, all } = await world(setting)
        lose(file)
        const noticed = await until(async () => (await ready(node)()).status === 503, 2000)
        const written = await Promise.all(all.map((person) => refresh(node, person)))
        const read = await Promise.all(all.map((person) => me(node, person)))
        await node.stop()
        return [
          finding('noticed within 2 s', noticed, String(noticed)),
          onlyStatuses(written, [503]),
          retryAfterOn503(written),
          onlyStatuses(read, [200]),
          oneLinePerChange(node.said(), 1),
          noDefects(node.said()),
          finding(
            'no new file is created',
            name === 'replaced' || !existsSync(file),
            existsSync(file) ? 'file' : 'none',
          ),
          finding('SIGTERM ends it with 0', node.child.exitCode === 0, String(node.child.exitCode)),
        ]
      },
    }),
  ),
  {
    name: 'sqlite-read-only',
    promise: 'A start with a read-only file ends with an error message.',
    criteria: 'a read-only file system, or a read-only file if it is not root: exit code, time and message',
    withinSeconds: 60,
    async run(setting) {
      if (!isRoot) {
        const { file } = await leftBehind(setting)
        chmodSync(file, 0o444)
        chmodSync(dirname(file), 0o555)
        setting.defer(() => chmodSync(dirname(file), 0o755))
        return refusedStart(setting, file)
      }
      const folder = newPath('read-only')
      const { remountReadOnly } = mountMemory(setting, folder, 16)
      const { file } = await leftBehind(setting, join(folder, 'vinculum.db'))
      remountReadOnly()
      return refusedStart(setting, file)
    },
  },
  {
    name: 'sqlite-read-only-running',
    promise: 'While the files of a running service cannot be written, reads work and writes get 503.',
    criteria:
      'the file and its WAL become immutable under load: /me 200, refreshes and /health/ready 503; everything works afterwards',
    withinSeconds: 60,
    async run(setting) {
      if (!isRoot || !supportsImmutable(setting)) return { notRun: 'no file can be made immutable (chattr +i)' }
      const { file, node, all } = await world(setting)
      const files = [file, `${file}-wal`]
      const make = (refuseWrites: boolean): void => {
        for (const one of files) immutable(one, refuseWrites)
      }
      const load = startLoad(node, all)
      const alive = watch(live(node))
      setting.defer(() => alive.stop())
      setting.defer(() => load.stop())
      setting.defer(() => make(false))
      await pause(500)
      make(true)
      const noticed = await until(async () => (await ready(node)()).status === 503, 5000)
      const [readBefore, writtenBefore] = [reads(load.answers).length, writes(load.answers).length]
      await pause(5000)
      // The first ones of each person may have begun before.
      const read = reads(load.answers).slice(readBefore)
      const written = writes(load.answers).slice(writtenBefore + users)
      const notReady = await ready(node)()
      make(false)
      const recovered = await readyWithin(node, 10_000)
      await load.stop()
      await alive.stop()
      return [
        finding('noticed within 5 s', noticed, String(noticed)),
        onlyStatuses(read, [200]),
        onlyStatuses(written, [503]),
        onlyStatuses([notReady], [503]),
        onlyStatuses(load.answers, [200, 503]),
        retryAfterOn503(load.answers),
        onlyStatuses(alive.answers, [200]),
        noneLongerThan(loopMs, alive.answers, '/health/live'),
        recovered,
        await everyoneSignedIn(node, all),
        oneLinePerChange(node.said(), 4),
        noDefects(node.said()),
      ]
    },
  },
  {
    name: 'sqlite-disk-full',
    promise: 'On a full disk reads work and writes get 503; writes work again as soon as there is space.',
    criteria:
      'a full file system of 8 MB: /me 200, sign-ins 200 or 503, /health/ready 503; everything works afterwards',
    withinSeconds: 60,
    async run(setting) {
      if (!isRoot) return { notRun: 'only root can mount a small file system' }
      const folder = newPath('small')
      mountMemory(setting, folder, 8)
      const { node, all } = await world(setting, join(folder, 'vinculum.db'))
      const filler = join(folder, 'filler')
      fill(filler)
      const signIns: ObservedResponse[] = []
      for (let n = 0; n < 300; n++) signIns.push(await signInAt(node, 'local', `newcomer-${n}`))
      const read = await Promise.all(all.map((person) => me(node, person)))
      const written = await Promise.all(all.map((person) => refresh(node, person)))
      const notReady = await ready(node)()
      rmSync(filler)
      return [
        onlyStatuses(signIns, [200, 503]),
        onlyStatuses(written, [200, 503]),
        finding(
          'sign-ins get 503',
          signIns.some(({ status }) => status === 503),
          signIns.filter(({ status }) => status === 503).length,
        ),
        retryAfterOn503([...signIns, ...written]),
        onlyStatuses(read, [200]),
        onlyStatuses([notReady], [503]),
        await readyWithin(node, 10_000),
        await everyoneSignedIn(node, all),
        noDefects(node.said()),
      ]
    },
  },
  {
    name: 'sqlite-damaged-pages',
    promise: 'Requests that need a damaged page get 503, never 401 or 500, and the rest of the service works.',
    criteria:
      'the pages of the table of sessions overwritten: refreshes 503, /health/live 200; or a failed start with an error message',
    withinSeconds: 60,
    async run(setting) {
      const { file, all } = await leftBehind(setting)
      damage(setting, file, 'sessions')
      const node = await launch(setting, { database: `file:${file}` })
      const started = await until(
        async () => node.child.exitCode !== null || (await live(node)()).status === 200,
        startMs,
      )
      if (node.child.exitCode !== null)
        return [
          finding('the start exits with 1', node.child.exitCode === 1, node.child.exitCode),
          isErrorMessage(node.said()),
        ]
      const written = await Promise.all(all.map((person) => refresh(node, person)))
      const read = await Promise.all(all.map((person) => me(node, person)))
      const keys = await Promise.all(all.map(live(node)))
      return [
        finding('it starts or exits in time', started, String(started)),
        onlyStatuses(written, [503]),
        onlyStatuses(read, [503]),
        retryAfterOn503([...written, ...read]),
        onlyStatuses(keys, [200]),
        noDefects(node.said()),
      ]
    },
  },
  {
    name: 'sqlite-command-beside',
    promise: 'An operator command next to a running service with 200,000 accounts delays no request.',
    criteria:
      'rotate-keys, doctor and end-sessions --before under load: each does its work, every response is 200, /health/live within a second',
    withinSeconds: 300,
    async run(setting) {
      const file = newFile()
      const database = `file:${file}`
      const first = await startNode(setting, { database })
      await people(first, 1)
      await first.stop()
      await fillWithRows(database, manyAccounts)
      // Ending a session writes two rows, so a tenth of them is enough.
      const [old, before] = [Date.now() - 86_400_000, Date.now() - 3_600_000]
      const filler = openOutside(setting, file)
      filler.exec(`update sessions set created_at = ${old} where rowid % 10 = 0`)
      filler.close()
      const node = await startNode(setting, { database })
      const all = await people(node, 8, { from: 10 })
      const outside = openOutside(setting, file)
      const count = (text: string): number => Number(outside.prepare(text).pluck().get())
      const keys = (): number => count('select count(*) from signing_keys')
      const open = (condition: string): number =>
        count(`select count(*) from sessions where ended_at is null and created_at ${condition} ${before}`)
      const [keysBefore, oldBefore, newBefore] = [keys(), open('<'), open('>=')]
      const load = startLoad(node, all)
      const alive = watch(live(node))
      setting.defer(() => alive.stop())
      setting.defer(() => load.stop())
      await pause(500)
      const run = (command: string, ...options: string[]) => runCommand(setting, [command, ...options], { database })
      const rotated = await run('rotate-keys')
      const keysAfter = keys()
      const examined = await run('doctor')
      const ended = await run('end-sessions', '--before', new Date(before).toISOString())
      const [oldAfter, newAfter] = [open('<'), open('>=')]
      await load.stop()
      await alive.stop()
      return [
        finding('rotate-keys exits with 0', rotated.code === 0, lastLine(rotated)),
        finding('it adds keys', keysAfter > keysBefore, `${keysBefore}, then ${keysAfter}`),
        finding('doctor examines the database', /^ok +database\b/m.test(examined.said), lastLine(examined)),
        finding('end-sessions exits with 0', ended.code === 0, lastLine(ended)),
        finding(
          'it ends the sessions from before, and no other',
          oldBefore > manyAccounts / 20 && oldAfter === 0 && newAfter === newBefore,
          `${oldBefore}, then ${oldAfter}; others ${newBefore}, then ${newAfter}`,
        ),
        onlyStatuses(load.answers, [200]),
        noneLongerThan(loopMs * 2, load.answers),
        onlyStatuses(alive.answers, [200]),
        noneLongerThan(loopMs, alive.answers, '/health/live'),
        await everyoneSignedIn(node, all),
        noDefects(node.said()),
      ]
    },
  },
  {
    name: 'sqlite-locked-at-startup',
    promise: 'A start with a file that another process has locked ends with an error message.',
    criteria: 'an exclusive lock that is never released: exit code, at most 15 s, message',
    withinSeconds: 60,
    async run(setting) {
      const { file } = await leftBehind(setting)
      const other = openOutside(setting, file)
      other.exec('PRAGMA locking_mode = EXCLUSIVE')
      other.exec('BEGIN EXCLUSIVE')
      return refusedStart(setting, file)
    },
  },
]

const lastLine = ({ code, said }: Awaited<ReturnType<typeof runCommand>>): string =>
  `${code}: ${said.trim().split('\n').at(-1)?.slice(0, 200)}`

/** The service writes all the time, so the lock is free only in between. */
function takesLock(other: ReturnType<typeof openOutside>): boolean {
  try {
    other.exec('BEGIN IMMEDIATE')
    return true
  } catch {
    return false
  }
}

/** Overwrites all pages of a table. */
function damage(setting: CaseContext, file: string, table: string): void {
  const connection = openOutside(setting, file)
  const size = Number(connection.prepare('PRAGMA page_size').pluck().get())
  connection.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  const roots = connection
    .prepare<[string], { rootpage: number }>(`select rootpage from sqlite_master where tbl_name = ? and type = 'table'`)
    .all(table)
  connection.close()
  const pages = roots.map(({ rootpage }) => rootpage).filter((page) => page > 1 && page * size <= statSync(file).size)
  const handle = openSync(file, 'r+')
  for (const page of pages) writeSync(handle, Buffer.alloc(size, 0xff), 0, size, (page - 1) * size)
  closeSync(handle)
}
