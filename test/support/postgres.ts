import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { inject } from 'vitest'

const run = async (url: string, command: string): Promise<void> => {
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    await sql.unsafe(command)
  } finally {
    await sql.end()
  }
}

/** A database of one's own on the server of this run. It goes when the server does. */
export async function createDatabase(server = inject('postgresUrl')): Promise<string> {
  const name = `test_${randomBytes(8).toString('hex')}`
  await run(server, `create database ${name}`)
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}

/** Erases every row of ours: a tenth of the time a new database takes. */
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
