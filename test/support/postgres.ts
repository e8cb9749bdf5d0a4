import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { inject } from 'vitest'

/** A connection for a test, which bypasses the service. End it: an open client keeps the process alive. */
export async function connectPostgres(url: string): Promise<pg.Client> {
  const client = new pg.Client(url)
  // A connection that a test ends on purpose is no error of the test.
  client.on('error', () => {})
  await client.connect()
  return client
}

/** The database that has our tables and no rows; `createMigratedDatabase` copies it. */
export const migratedDatabase = 'migrated'

/** A separate, empty database on the server of this run. It is removed with the server. */
export const createDatabase = (server?: string): Promise<string> => create('', server)

/** The same with our tables, in half of the time that the migrations take. */
export const createMigratedDatabase = (): Promise<string> => create(`template ${migratedDatabase} strategy file_copy`)

/** The connection on which this process creates databases, one after the other. */
let creating: Promise<pg.Client> | undefined

async function create(how: string, server?: string): Promise<string> {
  const name = `test_${randomBytes(8).toString('hex')}`
  const url = new URL(server ?? inject('postgresUrl'))
  const createOn = async (client: pg.Client): Promise<pg.Client> => {
    await client.query(`create database ${name} ${how}`)
    return client
  }
  if (server === undefined) {
    creating = (creating ?? connectPostgres(url.href)).then(createOn)
    // It ends with this process. The types lack the member.
    const client = (await creating) as pg.Client & { unref(): void }
    client.unref()
  } else {
    const client = await createOn(await connectPostgres(server))
    await client.end()
  }
  url.pathname = `/${name}`
  return url.href
}

/** Deletes every row of ours, in a tenth of the time a new database takes. */
export const emptyTables = (client: pg.Client): Promise<unknown> =>
  client.query(
    `set session_replication_role = replica; -- so that no foreign key minds the order
     do $$ declare name text; begin
       for name in select tablename from pg_tables where schemaname = 'public' loop
         execute format('delete from %I', name);
       end loop;
     end $$`,
  )

/** The backends of this database that wait for a lock; tests in other files wait for locks of theirs as well. */
export async function listLockWaiters(observer: pg.Client): Promise<readonly number[]> {
  // In a transaction, the view would keep showing what it showed first.
  await observer.query('select pg_stat_clear_snapshot()')
  const { rows } = await observer.query<{ pid: number }>(
    "select pid from pg_stat_activity where wait_event_type = 'Lock' and datname = current_database()",
  )
  return rows.map(({ pid }) => pid)
}
