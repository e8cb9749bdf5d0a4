/** Back up and restore PostgreSQL with the commands of `docs/backup.md`. */
import { spawn } from 'node:child_process'
import { chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { connectPostgres } from '../../test/support/postgres.ts'
import { freePort, newPath } from '../processes.ts'
import type { Case, CaseContext } from './case.ts'
import { call, everyoneSignedIn, me, type Person, people, refresh, startLoad, until } from './client.ts'
import { finding, noDefects, onlyStatuses } from './judge.ts'
import { startStandIn } from './stand-in.ts'
import { isRoot, runCommand, startWith } from './start.ts'

const users = 12
const password = 'a-password'
/** PostgreSQL does not run as root. */
const nobody = isRoot ? { uid: 65_534, gid: 65_534 } : {}

/**
 * The programs of an installed PostgreSQL. The server of this run has no `pg_dump`, and one that is older than the
 * server refuses to work, so the case starts the server that belongs to it.
 */
function installedPrograms(): string | undefined {
  const base = '/usr/lib/postgresql'
  const versions = existsSync(base) ? readdirSync(base).sort((a, b) => Number(b) - Number(a)) : []
  const needed = ['initdb', 'postgres', 'createuser', 'createdb', 'pg_dump', 'pg_restore']
  return versions
    .map((version) => join(base, version, 'bin'))
    .find((bin) => needed.every((program) => existsSync(join(bin, program))))
}

const chapter = readFileSync(new URL('../../docs/backup.md', import.meta.url), 'utf8')
/** The first commands below a heading. */
function commandsBelow(heading: string): string {
  const found = chapter.split(`\n## ${heading}\n`)[1]?.match(/```sh\n(.*?)```/s)?.[1]
  if (found === undefined) throw new Error(`docs/backup.md has no commands below “${heading}”`)
  return found
}
/** The command that restores a dump into this database. */
function restoringInto(url: string): string {
  const found = /`(pg_restore [^`]+)`/.exec(chapter)?.[1]?.replace('postgres://…', url)
  if (!found?.includes(url)) throw new Error('docs/backup.md has no command that restores a dump')
  return found
}

type Ended = { readonly code: number | null; readonly said: string }

/** Runs a program next to the load. It has no terminal, so it reads what it asks for from `input`. */
function run(program: string, parameters: readonly string[], options: object, input = ''): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, parameters, { ...options, detached: true, stdio: 'pipe' })
    let said = ''
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => {
        said += chunk.toString()
      })
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, said }))
    child.stdin.end(input)
  })
}

/** A new PostgreSQL server with an empty database, created like the chapter says. */
async function startServer(setting: CaseContext, bin: string) {
  const folder = newPath('cluster')
  mkdirSync(folder, { mode: 0o700 })
  chmodSync(dirname(folder), 0o711)
  const secret = newPath('superuser')
  writeFileSync(secret, 'superuser', { mode: 0o600 })
  if (isRoot) for (const path of [folder, secret]) chownSync(path, nobody.uid ?? 0, nobody.gid ?? 0)
  const made = await run(
    join(bin, 'initdb'),
    [
      ...['--pgdata', folder, '--username=postgres', '--auth=scram-sha-256', '--pwfile', secret],
      ...['--encoding=UTF8', '--locale=C', '--no-sync'],
    ],
    { ...nobody, cwd: folder },
  )
  if (made.code !== 0) throw new Error(made.said)
  const port = await freePort()
  const flags = ['listen_addresses=127.0.0.1', 'unix_socket_directories=', 'fsync=off'].flatMap((flag) => ['-c', flag])
  const server = spawn(join(bin, 'postgres'), ['-D', folder, '-p', String(port), ...flags], {
    ...nobody,
    cwd: folder,
    stdio: 'ignore',
  })
  const ended = new Promise<void>((resolve) => server.once('exit', () => resolve()))
  setting.defer(() => {
    server.kill('SIGINT')
    return ended
  })
  const superuser = `postgres://postgres:superuser@127.0.0.1:${port}/postgres`
  const isUp = await until(
    () =>
      connectPostgres(superuser).then(
        (client) => client.end().then(() => true),
        () => false,
      ),
    15_000,
  )
  if (!isUp) throw new Error('PostgreSQL did not start')
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    PGHOST: '127.0.0.1',
    PGPORT: String(port),
    PGUSER: 'postgres',
    PGPASSWORD: 'superuser',
  }
  const script = commandsBelow('Create a PostgreSQL database')
  const created = await run('sh', ['-ec', script], { env }, `${password}\n${password}\n`)
  if (created.code !== 0) throw new Error(created.said)
  return `postgres://vinculum:${password}@127.0.0.1:${port}/vinculum`
}

export const backupCases: readonly Case[] = [
  {
    name: 'postgres-backup',
    promise: 'A dump made under load restores on another server, where old devices are signed out and people sign in.',
    criteria:
      'the commands of docs/backup.md: every response during the dump is 200; the same accounts, and no old session',
    withinSeconds: 180,
    async run(setting) {
      const bin = installedPrograms()
      if (bin === undefined) return { notRun: 'no PostgreSQL with pg_dump in /usr/lib/postgresql' }
      const { env } = await startStandIn(setting, ['local'])
      const source = await startServer(setting, bin)
      const node = await startWith(setting, { database: source, env })
      const all = await people(node, users)
      const load = startLoad(node, all)
      setting.defer(() => load.stop())
      await pause(500)
      const tools = { cwd: dirname(newPath('dump')), env: { PATH: `${bin}:${process.env.PATH}`, DATABASE_URL: source } }
      const dumped = await run('sh', ['-ec', commandsBelow('Back up PostgreSQL')], tools)
      await load.stop()
      // Signed out after the backup: restoring it brings this session back.
      const [leaver, ...others] = all as [Person, ...Person[]]
      const left = await call(node, 'POST', '/auth/logout', { token: leaver.access })
      await node.stop()

      const target = await startServer(setting, bin)
      const restored = await run('sh', ['-ec', restoringInto(target)], tools)
      const options = { database: target, env }
      const examined = await runCommand(setting, ['doctor'], options)
      const secured = await runCommand(setting, ['end-sessions'], options)
      const failures = examined.said.split('\n').filter((line) => /^failed +(database|keys)/.test(line))
      const copy = await startWith(setting, options)
      const refused = await Promise.all(
        [leaver, ...others].flatMap((person) => [me(copy, person), refresh(copy, person)]),
      )
      const again = await people(copy, users)
      const strangers = again.filter(({ id }, n) => id !== all[n]?.id)
      return [
        onlyStatuses(load.answers, [200]),
        finding('pg_dump exits with 0', dumped.code === 0, dumped.said.trim() || String(dumped.code)),
        onlyStatuses([left], [204]),
        finding('pg_restore exits with 0', restored.code === 0, restored.said.trim() || String(restored.code)),
        finding(
          'doctor finds the database and its keys in order',
          /^ok +database/m.test(examined.said) && failures.length === 0,
          failures[0] ?? `exit code ${examined.code}`,
        ),
        finding(
          `end-sessions ends the sessions of all ${users}`,
          secured.code === 0 && Number(/(\d+) sessions ended/.exec(secured.said)?.[1]) >= users,
          secured.said.trim().split('\n').at(-2)?.slice(0, 200) ?? '',
        ),
        onlyStatuses(refused, [401]),
        finding(
          'everyone signs in to the same account',
          strangers.length === 0,
          `${users - strangers.length} of ${users}`,
        ),
        await everyoneSignedIn(copy, again),
        noDefects(node.said() + copy.said()),
      ]
    },
  },
]
