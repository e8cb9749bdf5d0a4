import type { Config } from '../config.ts'
import { readPostgresUrl } from '../kernel/postgres-url.ts'
import { examinePostgres, type Pooler, type PostgresExamination, type Rights } from '../store/examine-postgres.ts'
import { canWriteSqlite, examineSqlite, riskyFileSystem, type SqliteExamination } from '../store/examine-sqlite.ts'
import type { MigrationState } from '../store/migrations.ts'
import { DatabaseOpenError, openErrorOf } from '../store/open-error.ts'
import { missingError, sqliteFileExists } from '../store/sqlite-file.ts'
import { type Check, type Finding, failed, passed, type ReportFinding, warning } from './check.ts'

type StoreConfig = Config['store']
type SqliteFile = Extract<StoreConfig, { tag: 'sqlite' }>

/** Clock differences up to this do not affect the nodes, in milliseconds. */
const clockLeewayMs = 2000
/** A slower connection means a distant or overloaded server, in milliseconds. */
const slowConnectMs = 1000
/** How long to wait for a locked file, in milliseconds. */
const lockedMs = 2000

export const databaseCheck = (store: StoreConfig, now: () => Date): Check => ({
  name: 'database',
  slow: 'Check that the database answers, and that no other process holds its locks.',
  run: (report, signal) =>
    store.tag === 'sqlite' ? checkSqlite(store, report) : checkPostgres(store.url, now, report, signal),
})

async function checkPostgres(url: string, now: () => Date, report: ReportFinding, signal: AbortSignal): Promise<void> {
  const read = readPostgresUrl(url)
  if (!read.ok) throw new Error('the configuration was not checked first')
  const address = read.value
  let database: PostgresExamination
  try {
    database = await examinePostgres(address, now, signal)
  } catch (error) {
    if (!(error instanceof DatabaseOpenError)) throw error
    return report(failed('database.reachable', ...splitMessage(error.message)))
  }
  try {
    report(reachableFinding(`${address.host}:${address.port}`, database))
    for (const text of database.warnings) report(warning('database.address', `${text}.`, 'Correct DATABASE_URL.'))
    const { aheadMs, accuracyMs } = await database.clock()
    report(clockFinding(aheadMs, accuracyMs))
    const attempt = async (name: string, work: () => Promise<void>): Promise<void> => {
      try {
        await work()
      } catch (error) {
        // If the server rejects this now, it will reject it at startup too, with the same message.
        report(failed(name, ...splitMessage(openErrorOf(error, address).message)))
      }
    }
    let pending = 0
    await attempt('database.migrations', async () => {
      const state = await database.migrations()
      pending = state.pending
      report(migrationsFinding(state))
      if (state.copyUnfinished) report(copyFinding)
    })
    await attempt('database.rights', async () => {
      for (const finding of rightsFindings(await database.rights(), pending)) report(finding)
    })
    await attempt('database.pooler', async () => report(poolerFinding(await database.pooler())))
  } finally {
    await database.close()
  }
}

/** Splits an error of opening a database: what happened is in the first sentence, what to do in the rest. */
function splitMessage(message: string): readonly [found: string, remedy: string] {
  const [, found = message, remedy = 'Check DATABASE_URL.'] = /^(.*?[^.]\.)\s+([A-Z].*)$/s.exec(message) ?? []
  return [found, remedy]
}

export function reachableFinding(
  host: string,
  { version, connectMs, encrypted }: Pick<PostgresExamination, 'version' | 'connectMs' | 'encrypted'>,
): Finding {
  const found = `PostgreSQL ${version} at ${host} accepted a connection in ${Math.round(connectMs)} ms, ${encrypted ? 'with' : 'without'} TLS.`
  return connectMs > slowConnectMs
    ? warning('database.reachable', found, 'Find the cause: name resolution, the network, or load.')
    : passed('database.reachable', found)
}

export function clockFinding(aheadMs: number, accuracyMs: number): Finding {
  const name = 'database.clock'
  const seconds = (ms: number): string => (Math.abs(ms) / 1000).toFixed(Math.abs(ms) < 1000 ? 2 : 1)
  const found = `The database's clock is ${seconds(aheadMs)} s ${aheadMs < 0 ? 'behind' : 'ahead of'} this machine's (± ${seconds(accuracyMs)} s).`
  return Math.abs(aheadMs) - accuracyMs > clockLeewayMs
    ? warning(name, found, 'Synchronize both clocks with NTP (timedatectl, chronyc tracking).')
    : passed(name, found)
}

export function migrationsFinding({ known, pending, empty, newer }: MigrationState): Finding {
  const name = 'database.migrations'
  if (newer)
    return failed(
      name,
      'A newer version of the service has changed the tables of this database.',
      'Run that version or a later one; do not go back without restoring a backup from before the upgrade.',
    )
  if (empty)
    return warning(
      name,
      'The database has no tables yet.',
      'Start the service, which creates them; if accounts are missing, check DATABASE_URL.',
    )
  if (pending > 0)
    return warning(
      name,
      `${pending} of ${known} migrations are pending.`,
      'Back up the database, then start this version of the service, which applies them.',
    )
  return passed(name, `All ${known} migrations are applied.`)
}

const copyFinding = failed(
  'database.copy',
  'A copy from SQLite into this database was not finished, so rows may be missing.',
  'Run copy-to again with the SQLite file in DATABASE_URL, or create an empty database and copy into it.',
)

const abbreviate = (names: readonly string[]): string =>
  names.length > 5 ? `${names.slice(0, 5).join(', ')} and ${names.length - 5} more` : names.join(', ')

export function rightsFindings({ change, unusable, foreign }: Rights, pending: number): readonly Finding[] {
  const name = 'database.rights'
  const grant = 'GRANT CREATE, USAGE ON SCHEMA public TO <role>'
  const severity = pending > 0 ? failed : warning
  const findings = [
    ...(unusable.length > 0
      ? [
          failed(
            name,
            `The database role cannot read and write ${abbreviate(unusable)}.`,
            'Run as their owner: GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO <role>.',
          ),
        ]
      : []),
    ...(foreign.length > 0
      ? [
          severity(
            name,
            `Another role owns ${abbreviate(foreign)}, so ${pending > 0 ? 'the pending migrations' : 'the migrations of the next version'} cannot alter them.`,
            'Run as a superuser: ALTER TABLE <table> OWNER TO <role>, or connect as the owner.',
          ),
        ]
      : []),
    ...(change === null
      ? []
      : [
          /\(25006\)$/.test(change)
            ? failed(name, 'The database is read-only, like a standby.', 'Set DATABASE_URL to the primary.')
            : severity(
                name,
                `The database role cannot create and alter tables: ${change}.`,
                pending > 0
                  ? `Without this privilege no migration can be applied. Run as the owner: ${grant}.`
                  : `The service runs, but the next version may not start. Run as the owner: ${grant}.`,
              ),
        ]),
  ]
  return findings.length > 0
    ? findings
    : [
        passed(
          name,
          'The role can create and alter tables, read and write (tested in a transaction that was rolled back).',
        ),
      ]
}

export function poolerFinding(pooler: Pooler): Finding {
  const name = 'database.pooler'
  switch (pooler) {
    case 'none':
      return passed(name, 'No pooler: the process ID from the connection is that of the server process.')
    case 'transaction':
      return passed(
        name,
        'A pooler in transaction mode: two open connections used the same server process. The service works with it, since it sends unnamed statements. Connect pg_dump directly to the database.',
      )
    case 'session':
      return passed(
        name,
        'A pooler: the process ID from the connection is not that of the server process. Connections did not share a server process, so it is probably in session mode.',
      )
  }
}

async function checkSqlite({ file, create }: SqliteFile, report: ReportFinding): Promise<void> {
  if (file === ':memory:') return report(passed('database.file', 'In memory: there is nothing to check.'))
  if (!sqliteFileExists(file))
    return report(
      create
        ? warning(
            'database.file',
            `There is no file ${file}.`,
            'Start the service, which creates it; if the file should exist, check DATABASE_URL and the working directory.',
          )
        : failed('database.file', ...splitMessage(missingError(file).message)),
    )
  try {
    const examined = examineSqlite(file)
    for (const finding of sqliteFindings(file, examined)) report(finding)
    report(placeFinding(file, await riskyFileSystem(file)))
    report(
      (await canWriteSqlite(file, lockedMs)) === 'writable'
        ? passed(
            'database.rights',
            'The file and its folder can be written (tested in a transaction that was rolled back).',
          )
        : warning(
            'database.rights',
            `Another process kept the file locked for ${lockedMs / 1000} seconds, so writing could not be tested.`,
            'Find that process (fuser, lsof) and stop it. While the file is locked, the service responds to writes with 503.',
          ),
    )
  } catch (error) {
    if (!(error instanceof DatabaseOpenError)) throw error
    report(failed('database.file', ...splitMessage(error.message)))
  }
}

export function sqliteFindings(
  file: string,
  { bytes, journalMode, open, migrations, damage }: SqliteExamination,
): readonly Finding[] {
  const mib = (bytes / 1024 / 1024).toFixed(1)
  const found = `${file}, ${mib} MiB, journal mode ${journalMode}.`
  return [
    journalMode === 'wal' || migrations.empty
      ? passed('database.file', found)
      : warning(
          'database.file',
          found,
          'Start the service, which turns on WAL. No other program should change the mode.',
        ),
    ...(open
      ? [warning('database.mode', `Other users of this machine can open ${file}.`, `Run: chmod 600 ${file}`)]
      : []),
    migrationsFinding(migrations),
    damage === undefined
      ? passed('database.integrity', 'Not checked, because the file is large. Run PRAGMA integrity_check on a copy.')
      : damage === null
        ? passed('database.integrity', 'quick_check found nothing.')
        : failed('database.integrity', `quick_check: ${damage}.`, 'Stop the service and restore a backup.'),
  ]
}

export function placeFinding(file: string, system: Awaited<ReturnType<typeof riskyFileSystem>>): Finding {
  const name = 'database.place'
  if (system === undefined) return passed(name, 'The file is on a local file system.')
  return system.kind === 'network'
    ? warning(
        name,
        `${file} is on ${system.name}. Network file systems are not supported: their locks can fail, and damage the file.`,
        'Move the file to a local disk, or use PostgreSQL.',
      )
    : warning(
        name,
        `${file} is on ${system.name}, so it can be lost when the container or the machine stops.`,
        'Put the file on a persistent volume or disk.',
      )
}
