/** Faults of a PostgreSQL database, its server and the network to it. */
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, chownSync, existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { startPostgres } from '../../test/support/global-setup.ts'
import { proxyTo } from '../../test/support/proxy.ts'
import { freePort, newPath } from '../processes.ts'
import type { Case, CaseContext } from './case.ts'
import {
  call,
  everyoneSignedIn,
  live,
  me,
  type Person,
  people,
  ready,
  readyWithin,
  refresh,
  sessionOf,
  signInAt,
  startLoad,
  until,
  watch,
} from './client.ts'
import {
  type Finding,
  finding,
  isErrorMessage,
  mostly,
  noDefects,
  noneLongerThan,
  oneLinePerChange,
  onlyStatuses,
  retryAfterOn503,
} from './judge.ts'
import { connectOperator, isRoot, launch, mountMemory, startNode } from './start.ts'

const users = 16
/** The default of REQUEST_DEADLINE_MS. */
const deadlineMs = 5000
/** Extra time for a response, since the load uses the same machine. */
const slackMs = 3000
/** How long one task may block the event loop. */
const loopMs = 1000

async function proxied(setting: CaseContext, url: string) {
  const proxy = await proxyTo(url)
  setting.defer(() => proxy.cut())
  return proxy
}

async function world(setting: CaseContext) {
  const url = await setting.newDatabase()
  const proxy = await proxied(setting, url)
  const node = await startNode(setting, { database: proxy.url })
  const operator = await connectOperator(setting, url)
  return { url, proxy, node, operator, all: await people(node, users) }
}

/** The server processes of the service's connections. */
async function backends(operator: pg.Client): Promise<number[]> {
  const { rows } = await operator.query<{ pid: number }>(
    `select pid from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()
       and backend_type = 'client backend'`,
  )
  return rows.map(({ pid }) => pid)
}

const mixedUp = (found: readonly string[]): Finding =>
  finding('nobody gets another person’s response', found.length === 0, found.length)

const generations = async (operator: pg.Client, of: readonly Person[]): Promise<ReadonlyMap<string, number>> => {
  const { rows } = await operator.query<{ id: string; generation: number }>(
    'select id, generation::int as generation from sessions where id = any($1)',
    [of.map(sessionOf)],
  )
  return new Map(rows.map(({ id, generation }) => [id, generation]))
}

/** Runs the load and watches the event loop during a fault, then judges all responses. */
async function throughout(
  setting: CaseContext,
  { node, all }: Awaited<ReturnType<typeof world>>,
  fault: () => Promise<unknown>,
): Promise<readonly Finding[]> {
  const load = startLoad(node, all)
  const alive = watch(live(node))
  setting.defer(() => alive.stop())
  setting.defer(() => load.stop())
  await pause(500)
  await fault()
  const recovered = await readyWithin(node, 15_000)
  await pause(500)
  await load.stop()
  await alive.stop()
  return [
    onlyStatuses(load.answers, [200, 503]),
    retryAfterOn503(load.answers),
    mixedUp(load.mixedUp),
    noneLongerThan(deadlineMs + slackMs, load.answers),
    onlyStatuses(alive.answers, [200]),
    noneLongerThan(loopMs, alive.answers, '/health/live'),
    recovered,
    await everyoneSignedIn(node, all),
    noDefects(node.said()),
  ]
}

const responseCriteria =
  '200 or 503 within the request deadline; /health/live; everyone refreshes twice afterwards; the log'

export const postgresCases: readonly Case[] = [
  {
    name: 'postgres-connections-killed',
    promise: 'A connection that PostgreSQL ends never signs anyone out.',
    criteria: `all connections are killed every 0.7 s for a minute; ${responseCriteria}`,
    withinSeconds: 120,
    async run(setting) {
      const all = await world(setting)
      return throughout(setting, all, async () => {
        for (const until = performance.now() + 60_000; performance.now() < until; await pause(700))
          for (const pid of await backends(all.operator))
            await all.operator.query('select pg_terminate_backend($1)', [pid])
      })
    },
  },
  {
    name: 'postgres-connections-reset',
    promise: 'A network that resets connections delays requests only slightly.',
    criteria: `all connections are reset every 150 ms for 30 s; most responses are 200; ${responseCriteria}`,
    withinSeconds: 90,
    async run(setting) {
      const all = await world(setting)
      let share: Finding | undefined
      const found = await throughout(setting, all, async () => {
        const load = startLoad(all.node, await people(all.node, 4, { from: users }))
        setting.defer(() => load.stop())
        for (const until = performance.now() + 30_000; performance.now() < until; await pause(150)) all.proxy.reset()
        await load.stop()
        share = mostly(200, 0.5, load.answers)
      })
      return [...found, share as Finding]
    },
  },
  {
    name: 'postgres-table-locked',
    promise: 'While a table is locked, requests that need it get 503 in time, and the rest of the service works.',
    criteria: `lock table sessions for 20 s; /health/ready; ${responseCriteria}`,
    withinSeconds: 90,
    async run(setting) {
      const all = await world(setting)
      return throughout(setting, all, async () => {
        await all.operator.query('begin; lock table sessions')
        await pause(20_000)
        await all.operator.query('rollback')
      })
    },
  },
  {
    name: 'postgres-row-locked',
    promise: 'A locked session delays only that session.',
    criteria: 'one row locked for 15 s: the other people’s refreshes are 200 within a second, its own are 503 in time',
    withinSeconds: 60,
    async run(setting) {
      const { node, operator, all } = await world(setting)
      const [held, ...others] = all
      if (!held) throw new Error('nobody signed in')
      await operator.query('begin')
      await operator.query('select 1 from sessions where id = $1 for update', [sessionOf(held)])
      const load = startLoad(node, others)
      const own = watch(() => refresh(node, held))
      setting.defer(() => own.stop())
      setting.defer(() => load.stop())
      await pause(15_000)
      await load.stop()
      const during = [...own.answers]
      await operator.query('rollback')
      await own.stop()
      return [
        onlyStatuses(load.answers, [200]),
        noneLongerThan(2000, load.answers, 'response to the others'),
        onlyStatuses(during, [503]),
        noneLongerThan(deadlineMs + slackMs, during, 'response to the locked session'),
        await everyoneSignedIn(node, all),
      ]
    },
  },
  {
    name: 'postgres-backends-stopped',
    promise: 'While the server is stopped, requests fail by their deadline, and no session is lost.',
    criteria: `every backend of the service is stopped with SIGSTOP for 20 s; ${responseCriteria}`,
    withinSeconds: 90,
    async run(setting) {
      if (!isRoot) return { notRun: 'only root can stop the processes of the PostgreSQL server' }
      const all = await world(setting)
      const stopped = new Set<number>()
      const signal = (pid: number, name: NodeJS.Signals): void => {
        try {
          process.kill(pid, name)
        } catch (error) {
          // A backend exits with its connection, also between the query that lists it and this call.
          if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
        }
      }
      const goOn = (): void => {
        for (const pid of stopped) signal(pid, 'SIGCONT')
      }
      setting.defer(goOn)
      return throughout(setting, all, async () => {
        // A process stopped with a lock of the server in hand also stops the query for the others.
        const timer = setTimeout(goOn, 20_000)
        setting.defer(() => clearTimeout(timer))
        for (const until = performance.now() + 20_000; performance.now() < until; await pause(100))
          for (const pid of await backends(all.operator))
            if (!stopped.has(pid)) {
              signal(pid, 'SIGSTOP')
              stopped.add(pid)
            }
        goOn()
      })
    },
  },
  {
    name: 'postgres-half-open',
    promise: 'While connections transfer nothing, requests fail by their deadline, and no session is lost.',
    criteria: `a proxy drops every byte for 15 s; ${responseCriteria}`,
    withinSeconds: 90,
    async run(setting) {
      const all = await world(setting)
      return throughout(setting, all, async () => {
        all.proxy.swallow(true)
        await pause(15_000)
        all.proxy.swallow(false)
      })
    },
  },
  {
    name: 'postgres-pool-full',
    promise: 'Slow requests do not block other requests.',
    criteria:
      '60 changes wait for locked rows: /me and /health/ready stay 200; the changes get 503 and are not applied',
    withinSeconds: 60,
    async run(setting) {
      const { node, operator, all } = await world(setting)
      await operator.query('begin; select 1 from accounts for update')
      const slow = Promise.all(
        Array.from({ length: 60 }, (_, n) => {
          const token = all[n % users]?.access ?? ''
          return call(node, 'PATCH', '/me', { token, body: { name: 'Somebody else' } })
        }),
      )
      await pause(300)
      const others = watch(() => me(node, all[0] as Person))
      const isReady = watch(ready(node))
      setting.defer(() => others.stop())
      setting.defer(() => isReady.stop())
      const changes = await slow
      await others.stop()
      await isReady.stop()
      await operator.query('rollback')
      await pause(1000)
      const { rowCount } = await operator.query(`select 1 from accounts where name = 'Somebody else'`)
      return [
        onlyStatuses(others.answers, [200]),
        onlyStatuses(isReady.answers, [200]),
        noneLongerThan(2000, others.answers, '/me'),
        noneLongerThan(2000, isReady.answers, '/health/ready'),
        onlyStatuses(changes, [503]),
        noneLongerThan(deadlineMs + slackMs, changes, 'change'),
        finding('no change with a 503 is applied later', rowCount === 0, rowCount ?? 0),
      ]
    },
  },
  {
    name: 'postgres-abandoned-refreshes',
    promise:
      'A refresh whose caller has disconnected is not executed after its deadline, and no token counts as stolen.',
    criteria:
      '12 refreshes abandoned behind a lock of 7 s: no generation changes. Five times: abandoned after 1.2 s, the lock is ' +
      'released during the retries, and every device can refresh again',
    withinSeconds: 90,
    async run(setting) {
      const { node, operator, all } = await world(setting)
      const devices = all.slice(0, 12)
      const abandon = () =>
        Promise.all(
          devices.map(({ refresh: refresh_token }) =>
            call(node, 'POST', '/auth/refresh', { body: { refresh_token }, signal: AbortSignal.timeout(1200) }),
          ),
        )
      const before = await generations(operator, devices)
      await operator.query('begin; lock table sessions')
      const abandoned = await abandon()
      await pause(deadlineMs + 1000)
      await operator.query('rollback')
      // Long enough for the remaining ones to run.
      await pause(1000)
      const after = await generations(operator, devices)
      const moved = devices.filter((device) => before.get(sessionOf(device)) !== after.get(sessionOf(device)))
      const signedIn: Finding[] = []
      for (let round = 0; round < 5; round++) {
        await operator.query('begin; lock table sessions')
        const first = abandon()
        await pause(1300)
        const next = everyoneSignedIn(node, devices)
        await pause(200 * round)
        await operator.query('rollback')
        signedIn.push(await next)
        abandoned.push(...(await first))
      }
      return [
        onlyStatuses(abandoned, [0]),
        finding('none is executed after its deadline', moved.length === 0, `${moved.length} of ${devices.length}`),
        ...signedIn,
        await everyoneSignedIn(node, devices),
      ]
    },
  },
  {
    name: 'postgres-restarted',
    promise: 'A restart of the database signs no one out.',
    criteria: `the server restarts three times; one log line for each change; ${responseCriteria}`,
    withinSeconds: 90,
    async run(setting) {
      const server = await startPostgres()
      setting.defer(() => server.stop())
      const node = await startNode(setting, { database: server.url })
      const all = await people(node, users)
      const load = startLoad(node, all)
      const alive = watch(live(node))
      setting.defer(() => alive.stop())
      setting.defer(() => load.stop())
      for (let restart = 0; restart < 3; restart++) {
        await pause(1500)
        await server.restart()
      }
      const recovered = await readyWithin(node, 15_000)
      await load.stop()
      await alive.stop()
      return [
        onlyStatuses(load.answers, [200, 503]),
        retryAfterOn503(load.answers),
        mixedUp(load.mixedUp),
        noneLongerThan(deadlineMs + slackMs, load.answers),
        noneLongerThan(loopMs, alive.answers, '/health/live'),
        recovered,
        await everyoneSignedIn(node, all),
        noDefects(node.said()),
      ]
    },
  },
  {
    name: 'postgres-unreachable',
    promise: 'An unreachable server causes 503 and one log line per change of state, not one per request.',
    criteria:
      'no server for 10 s under load: responses, /health/ready and the log; a start without one ends with an error message',
    withinSeconds: 90,
    async run(setting) {
      const { node, proxy, all } = await world(setting)
      await proxy.cut()
      const load = startLoad(node, all)
      const notReady = watch(ready(node))
      setting.defer(() => notReady.stop())
      setting.defer(() => load.stop())
      await pause(10_000)
      await load.stop()
      await notReady.stop()
      await proxy.restore()
      const recovered = await readyWithin(node, 15_000)
      const began = performance.now()
      const start = await launch(setting, { database: `postgres://vinculum:x@127.0.0.1:${await freePort()}/postgres` })
      const ended = await until(() => start.child.exitCode !== null, 20_000)
      return [
        onlyStatuses(load.answers, [503]),
        retryAfterOn503(load.answers),
        noneLongerThan(deadlineMs + slackMs, load.answers),
        onlyStatuses(notReady.answers, [503]),
        recovered,
        oneLinePerChange(node.said(), 3),
        noDefects(node.said()),
        await everyoneSignedIn(node, all),
        finding(
          'a start without a server exits with 1 within 15 s',
          ended && start.child.exitCode === 1 && performance.now() - began < 15_000,
          `${start.child.exitCode} after ${Math.round(performance.now() - began)} ms`,
        ),
        isErrorMessage(start.said()),
      ]
    },
  },
  {
    name: 'postgres-read-only',
    promise: 'With a read-only database reads work, writes get 503, and the service is not ready.',
    criteria:
      'default_transaction_read_only: /me 200, refresh 503, /health/ready 503; everything works again afterwards',
    withinSeconds: 60,
    async run(setting) {
      const { node, operator, proxy, all } = await world(setting)
      const database = `do $$ begin execute format('alter database %I`
      await operator.query(`${database} set default_transaction_read_only = on', current_database()); end $$`)
      proxy.reset()
      const reads = await Promise.all(all.map((person) => me(node, person)))
      const writes = await Promise.all(all.map((person) => refresh(node, person)))
      const notReady = await ready(node)()
      await operator.query('set default_transaction_read_only = off')
      await operator.query(`${database} reset default_transaction_read_only', current_database()); end $$`)
      return [
        onlyStatuses(reads, [200]),
        onlyStatuses(writes, [503]),
        retryAfterOn503(writes),
        onlyStatuses([notReady], [503]),
        await readyWithin(node, 15_000),
        await everyoneSignedIn(node, all),
        noDefects(node.said()),
      ]
    },
  },
  {
    name: 'postgres-disk-full',
    promise: 'When the disk of PostgreSQL is full, reads work and writes get 503.',
    criteria: 'a tablespace of 40 MB that is full: /me 200, sign-ins are 200 or 503; everything works again afterwards',
    withinSeconds: 90,
    async run(setting) {
      if (!isRoot) return { notRun: 'only root can mount a small file system' }
      const url = await setting.newDatabase()
      const operator = await connectOperator(setting, url)
      const { rows } = await operator.query<{ data_directory: string }>('show data_directory')
      const owner = statSync(rows[0]?.data_directory ?? '')
      const folder = newPath('tablespace')
      mountMemory(setting, folder, 40)
      // The server has its own user, who needs access.
      chownSync(folder, owner.uid, owner.gid)
      chmodSync(dirname(folder), 0o711)
      const name = `small_${process.pid}`
      await operator.query(`create tablespace ${name} location '${folder}'`)
      await operator.query(`create database ${name} tablespace ${name}`)
      const small = new URL(url)
      small.pathname = `/${name}`
      setting.defer(async () => {
        await operator.query(`drop database if exists ${name} with (force)`)
        await operator.query(`drop tablespace if exists ${name}`)
      })
      const node = await startNode(setting, { database: small.href })
      const all = await people(node, users)
      const filler = await connectOperator(setting, small.href)
      await filler.query('create table filler (text text)')
      let code: unknown
      for (const rows of [1000, 100, 10, 1]) {
        code = undefined
        while (code === undefined)
          await filler
            .query(`insert into filler select repeat('x', 1900) from generate_series(1, ${rows})`)
            .catch((error: { code?: string }) => {
              code = error.code
            })
      }
      const signIns = []
      for (let n = 0; n < 200; n++) signIns.push(await signInAt(node, 'local', `newcomer-${n}`))
      const reads = await Promise.all(all.map((person) => me(node, person)))
      await filler.query('drop table filler')
      await filler.query('checkpoint')
      return [
        finding('the disk is full (53100)', code === '53100', String(code)),
        onlyStatuses(signIns, [200, 503]),
        finding(
          'some sign-ins get 503',
          signIns.some(({ status }) => status === 503),
          signIns.filter(({ status }) => status === 503).length,
        ),
        retryAfterOn503(signIns),
        onlyStatuses(reads, [200]),
        await readyWithin(node, 15_000),
        await everyoneSignedIn(node, all),
        noDefects(node.said()),
      ]
    },
  },
  {
    name: 'postgres-pgbouncer',
    promise: 'PgBouncer in transaction mode needs no setting.',
    criteria:
      '32 sign-ins and 15 s of load through 3 server connections, which it sometimes closes: every response is 200',
    withinSeconds: 90,
    async run(setting) {
      const program = ['/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find(existsSync)
      if (program === undefined) return { notRun: 'no pgbouncer' }
      const url = new URL(await setting.newDatabase())
      const port = await freePort()
      const file = newPath('pgbouncer.ini')
      const options = { host: url.hostname, port: url.port, user: url.username, password: url.password }
      const target = Object.entries(options).map(([name, value]) => `${name}=${value}`)
      writeFileSync(
        file,
        `[databases]
* = ${target.join(' ')}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 3
server_lifetime = 3
max_client_conn = 200
`,
      )
      // PgBouncer does not run as root.
      chmodSync(dirname(file), 0o711)
      chmodSync(file, 0o644)
      const nobody = isRoot ? { uid: 65_534, gid: 65_534 } : {}
      const bouncer = spawn(program, [file], { ...nobody, stdio: 'ignore' })
      setting.defer(() => void bouncer.kill('SIGKILL'))
      const through = new URL(url)
      through.port = String(port)
      await until(async () => (await isListening(port)) || bouncer.exitCode !== null, 5000)
      const node = await startNode(setting, { database: through.href })
      const signIns = await Promise.all(Array.from({ length: 32 }, (_, n) => signInAt(node, 'local', `at-once-${n}`)))
      const all = await people(node, users)
      const load = startLoad(node, all)
      setting.defer(() => load.stop())
      await pause(15_000)
      await load.stop()
      const version = execFileSync(program, ['--version'], { encoding: 'utf8' }).split('\n')[0] ?? ''
      return [
        onlyStatuses(signIns, [200]),
        onlyStatuses(load.answers, [200]),
        mixedUp(load.mixedUp),
        await everyoneSignedIn(node, all),
        noDefects(node.said()),
        finding('with', true, version),
      ]
    },
  },
]

/** Reads the kernel’s table of sockets: a connection from here would count as a client. */
const isListening = async (port: number): Promise<boolean> => {
  const local = `0100007F:${port.toString(16).toUpperCase().padStart(4, '0')}`
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .some((line) => line.includes(` ${local} `) && line.includes(' 0A '))
}
