import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { inject } from 'vitest'

/** A database of one's own on the server of this run. It goes when the server does. */
export async function createDatabase(server = inject('postgresUrl')): Promise<string> {
  const name = `test_${randomBytes(8).toString('hex')}`
  const sql = postgres(server, { max: 1, onnotice: () => {} })
  try {
    // Copying files is quicker than logging every page of the template.
    await sql.unsafe(`create database ${name} strategy file_copy`)
  } finally {
    await sql.end()
  }
  const url = new URL(server)
  url.pathname = `/${name}`
  return url.href
}
