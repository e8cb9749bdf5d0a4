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

const run = async (url: string, command: string): Promise<void> => {
  const client = await connectPostgres(url)
  try {
    await client.query(command)
  } finally {
    await client.end()
  }
}

/** The database that has our tables and no rows; `createMigratedDatabase` copies it. */
export const migratedDatabase = 'migrated'

/** A separate, empty database on the server of this run. It is removed with the server. */
export const createDatabase = (server = inject('postgresUrl')): Promise<string> => create(server, '')

/** The same with our tables, in half of the time that the migrations take. */
export const createMigratedDatabase = (): Promise<string> =>
  create(inject('postgresUrl'), `template ${migratedDatabase} strategy file_copy`)

async function create(server: string, how: string): Promise<string> {
  const name = `test_${randomBytes(8).toString('hex')}`
  await run(server, `create database ${name} ${how}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}

/** Deletes every row of ours, in a tenth of the time a new database takes. */
export const emptyDatabase = (url: string): Promise<void> =>
  run(
    url,
    `set session_replication_role = replica; -- so that no foreign key minds the order
     do $$ declare name text; begin
       for name in select tablename from pg_tables where schemaname = 'public' loop
         execute format('delete from %I', name);
       end loop;
     end $$`,
  )
