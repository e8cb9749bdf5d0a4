import { existsSync } from 'node:fs'
import type { Config } from '../config.ts'
import { BusyError } from '../kernel/busy.ts'
import { isPostgresUrl } from '../kernel/postgres-url.ts'
import type { CopyResult } from '../store/copy.ts'
import type { Driver } from '../store/driver.ts'
import { DatabaseOpenError } from '../store/open-error.ts'
import { type Command, type CommandReport, plain } from './command.ts'

/**
 * How long one statement may take, in milliseconds: counting or reading a batch of a large table over a slow network.
 */
const statementMs = 120_000

const failure = (result: string, message: string, rest: object = {}): CommandReport => ({
  ok: false,
  done: [],
  failed: [message],
  data: { result, message, ...rest },
})

/** Returns the file to copy from. Returns a report if the source or the target is wrong, before anything is opened. */
function sourceOf({ store }: Config, url: string): string | CommandReport {
  if (store.tag !== 'sqlite' || store.file === ':memory:')
    return failure('source_not_sqlite', 'DATABASE_URL is not a SQLite file. Set it to the file to copy from.')
  if (!existsSync(store.file))
    return failure('source_not_found', `There is no file ${store.file}. Set DATABASE_URL to the file to copy from.`)
  if (!isPostgresUrl(url))
    return failure(
      'target_not_postgres',
      'The target is not a postgres:// URL. Write it like postgres://user@host/database.',
    )
  return store.file
}

const obstacles = {
  not_empty: (table: string) => `the table ${table} has rows`,
  foreign_table: (table: string) => `the table ${table} belongs to another program`,
}
const anotherTarget = 'create an empty database, and run copy-to with it'

/** Describes the result of the copy, for people and for programs. */
export function reportOf(outcome: CopyResult, config: Pick<Config, 'encryptionKeys'>): CommandReport {
  switch (outcome.tag) {
    case 'copied': {
      const width = Math.max(...outcome.tables.map(({ table }) => table.length))
      const digits = Math.max(...outcome.tables.map(({ rows }) => String(rows).length), 4)
      const rows = outcome.tables.reduce((sum, { rows }) => sum + rows, 0)
      return {
        ok: true,
        done: [
          `${'table'.padEnd(width)}  ${'rows'.padStart(digits)}  checksum (sum of the SHA-256 of each row)`,
          ...outcome.tables.map(
            (one) => `${one.table.padEnd(width)}  ${String(one.rows).padStart(digits)}  ${one.checksum}`,
          ),
          `${rows} rows in ${outcome.tables.length} tables were copied and verified: both databases have the same content.`,
          'Set DATABASE_URL to the new database on every node, keep ENCRYPTION_KEYS as it is, and start the service.',
          ...(config.encryptionKeys
            ? []
            : ['ENCRYPTION_KEYS is not set: set it to the content of encryption-keys next to the SQLite file.']),
        ],
        data: { result: 'copied', tables: outcome.tables },
      }
    }
    case 'not_empty':
    case 'foreign_table':
      return failure(
        outcome.tag,
        `The target is not empty: ${obstacles[outcome.tag](outcome.table)}. No data was changed there. To copy, ${anotherTarget}.`,
        { table: outcome.table },
      )
    case 'source_changed':
      return failure(
        'source_changed',
        `The SQLite file was changed during the copy. Stop the service, ${anotherTarget}. The service does not start with this target.`,
      )
    case 'different':
      return failure(
        'different',
        `The table ${outcome.table} differs between the databases. Make sure that nothing else writes to them, ${anotherTarget}. The service does not start with this target.`,
        { table: outcome.table },
      )
  }
}

export const copyTo: Command = {
  ...plain,
  positionals: ['postgres-url'],
  summary: 'copy the SQLite file of DATABASE_URL to an empty PostgreSQL database, and verify the copy',
  async run({ config, progress }, { positionals: [url = ''] }) {
    const source = sourceOf(config, url)
    if (typeof source !== 'string') return source
    const { openDriver, openReader } = await import('../store/open.ts')
    const { copyStore, findObstacle } = await import('../store/copy.ts')
    // Opening a database applies pending migrations. A target that cannot be used must stay as it is.
    await (await openDriver({ tag: 'sqlite', file: source, create: false })).close()
    let target: Driver
    try {
      const reader = await openReader({ tag: 'postgres', url }, statementMs)
      const obstacle = await findObstacle(reader)
        .catch((error: unknown) => {
          // Opening it below says why the database does not respond.
          if (error instanceof BusyError) return undefined
          throw error
        })
        .finally(() => reader.close())
      if (obstacle) return reportOf(obstacle, config)
      target = await openDriver({ tag: 'postgres', url }, { requestMs: statementMs })
    } catch (error) {
      if (!(error instanceof DatabaseOpenError)) throw error
      return failure('target_not_opened', error.message.replaceAll('DATABASE_URL', 'the URL of the target'))
    }
    try {
      return reportOf(await copyStore({ file: source, target, onProgress: progress }), config)
    } finally {
      await target.close()
    }
  },
}
