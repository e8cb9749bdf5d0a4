/**
 * `npm run bench`: measures the service, its floor and the candidate on this machine, in one run. It prints the results
 * and their targets. It is not a test: its exit code is 0 whatever the results.
 */
import { cpus, loadavg } from 'node:os'
import { resolve } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { startPostgres } from '../test/support/global-setup.ts'
import { applicationTokens, registerApplication } from './application.ts'
import type { Round } from './load.ts'
import { multiply, refreshTokens } from './many-sessions.ts'
import {
  buildPrograms,
  importsAtIdle,
  memoryOf,
  newPath,
  placement,
  type RunningServer,
  startFlags,
  startProgram,
  startService,
} from './processes.ts'
import { contest, type Figures, type Plan, people } from './rounds.ts'
import { median, type Row, render, type Section } from './table.ts'
import type { Session } from './tokens.ts'

type Pair = { readonly access_token: string; readonly refresh_token: string }

/** How to run the servers: which build of the service, profiled or not. */
type Build = { readonly nodeArguments: readonly string[]; readonly main?: string }

const clients = 32
const refreshes = (pairs: readonly Pair[]): string[] => pairs.map(({ refresh_token }) => refresh_token)
const accesses = (pairs: readonly Pair[]): string[] => pairs.map(({ access_token }) => access_token)

/** How many people sign in through the local provider, one after the other. */
const signIn = async (load: RunningServer, { port }: RunningServer, known: boolean, times = clients): Promise<Pair[]> =>
  (await load.ask<{ pairs: Pair[] }>('signIn', { port, times, known })).pairs

const scales: readonly { what: string; which: keyof Figures; digits: number }[] = [
  { what: 'CPU, µs', which: 'cpu', digits: 1 },
  { what: 'per second', which: 'perSecond', digits: 0 },
  { what: 'p50, ms', which: 'p50', digits: 2 },
  { what: 'p99, ms', which: 'p99', digits: 2 },
]

/** W1, W2 and W3: service, floor and candidate with the same SQLite settings and the same provider. */
async function sideBySide(load: RunningServer, wanted: ReadonlySet<string>, plan: Plan, how: Build) {
  const provider = await startProgram('provider')
  const floor = await startProgram('floor', { file: newPath('floor.db') }, how.nodeArguments)
  const candidate = await startProgram(
    'candidate',
    { file: newPath('candidate.db'), provider: provider.port },
    how.nodeArguments,
  )
  const service = await startService({
    database: `file:${newPath('service.db')}`,
    provider: provider.port,
    ...how,
  })
  const pairs = {
    floor: await floor.ask<Pair[]>('seed', clients),
    candidate: await candidate.ask<Pair[]>('seed', clients),
    service: (await signIn(load, service, false, wanted.has('W3') ? people : clients)).slice(0, clients),
  }
  const runners = (tokens: (pairs: readonly Pair[]) => string[]) => [
    { name: 'floor', server: floor, tokens: tokens(pairs.floor) },
    { name: 'service', server: service, tokens: tokens(pairs.service) },
    { name: 'candidate', server: candidate, tokens: tokens(pairs.candidate) },
  ]
  const rows = (
    { figure, ratio }: Awaited<ReturnType<typeof contest>>,
    others: readonly string[],
    targets: Readonly<Record<string, Row['target']>>,
  ): Row[] =>
    scales.flatMap(({ what, which, digits }) =>
      others.map((name): Row => {
        const target = targets[`${which} ${name}`]
        return {
          what,
          digits,
          service: figure('service', which),
          against: { name, value: figure(name, which) },
          ratio: ratio('service', name, which),
          ...(target && { target }),
        }
      }),
    )

  const sections: Section[] = []
  if (wanted.has('W1')) {
    const found = await contest(load, 'refresh', runners(refreshes), plan)
    const title = 'W1  Refresh with rotation, durable'
    const targets = { 'cpu floor': { atMost: 1.5 }, 'p99 floor': { atMost: 2 } }
    sections.push({ title, rows: rows(found, ['floor', 'candidate'], targets) })
  }
  if (wanted.has('W2')) {
    const found = await contest(load, 'me', runners(accesses), plan)
    const title = 'W2  GET /me with the access token'
    sections.push({ title, rows: rows(found, ['floor', 'candidate'], { 'cpu candidate': { atMost: 1.1 } }) })
  }
  if (wanted.has('W3')) {
    await signIn(load, candidate, false, people)
    const both = runners(refreshes).slice(1)
    const found = await contest(load, 'signIn', both, plan)
    const title = 'W3  Social sign-in of an existing account'
    sections.push({ title, rows: rows(found, ['candidate'], { 'cpu candidate': { atMost: 1.8 } }) })
  }
  for (const started of [service, candidate, floor, provider]) await started.stop()
  return sections
}

/**
 * A refresh of an application at `/oauth/token`, compared with `/auth/refresh` of the same service, and with the stock
 * engine on a plain SQLite adapter. The CPU of the service for both is measured in the same process.
 */
async function applicationRefresh(load: RunningServer, plan: Plan, how: Build): Promise<Section> {
  const database = `file:${newPath('applications.db')}`
  const provider = await startProgram('provider')
  const application = await registerApplication(database)
  const service = await startService({ database, provider: provider.port, ...how })
  const stock = await startProgram('stock', { file: newPath('stock.db'), client: application }, how.nodeArguments)
  const own = refreshes(await signIn(load, service, false))
  const tokens = await applicationTokens(service.port, clients)
  const seeded = await stock.ask<Pick<Pair, 'refresh_token'>[]>('seed', clients)
  const { figure, ratio } = await contest(
    load,
    'refresh',
    [
      { name: '/auth/refresh', server: service, tokens: own },
      { name: 'application', server: service, tokens, application },
      { name: 'stock engine', server: stock, tokens: seeded.map(({ refresh_token }) => refresh_token), application },
    ],
    plan,
  )
  for (const started of [service, stock, provider]) await started.stop()
  const targets: Readonly<Record<string, Row['target']>> = { 'cpu /auth/refresh': { atMost: 1.5 } }
  return {
    title: 'Applications: POST /oauth/token, grant_type=refresh_token',
    rows: scales.flatMap(({ what, which, digits }) =>
      ['/auth/refresh', 'stock engine'].map((name): Row => {
        const target = targets[`${which} ${name}`]
        return {
          what,
          digits,
          service: figure('application', which),
          against: { name, value: figure(name, which) },
          ratio: ratio('application', name, which),
          ...(target && { target }),
        }
      }),
    ),
  }
}

/**
 * W5: the time from the start of the process to the first ready response, compared with a process that only imports the
 * same packages. Also the memory of the idle service.
 */
async function startAndRest(starts: number, how: Build): Promise<Section> {
  const database = `file:${newPath('starts.db')}`
  const first = await startService({ database, ...how })
  await first.stop()
  const urls = await importsAtIdle(database, how)
  const took = { service: [] as number[], imports: [] as number[] }
  const used = { service: [] as number[], imports: [] as number[] }
  const held: number[] = []
  for (let n = 0; n < starts; n++) {
    const service = await startService({ database, ...how })
    used.service.push((await service.ask<number>('cpu')) / 1000)
    took.service.push(service.startMs)
    await service.stop()
    const imports = await startProgram('imports', { urls }, how.nodeArguments)
    used.imports.push((await imports.ask<number>('cpu')) / 1000)
    took.imports.push(imports.startMs)
    await imports.stop()
    const resting = await startService({ database, metered: false, ...how })
    await pause(2000)
    held.push(memoryOf(resting.child.pid ?? 0))
    await resting.stop()
  }
  const besideImports = (what: string, { service, imports }: typeof took): Row => ({
    what,
    service: median(service),
    against: { name: `${urls.length} imports`, value: median(imports) },
    ratio: median(service.map((value, n) => value / (imports[n] ?? Number.NaN))),
    target: { atMost: 1.6 },
  })
  return {
    title: 'W5  Startup and idle memory',
    rows: [
      besideImports('start to ready, ms', took),
      besideImports('CPU until ready, ms', used),
      { what: 'the first start, with migrations and keys', service: first.startMs },
      { what: 'idle memory, MiB', service: median(held), digits: 1, target: { atMost: 110 } },
    ],
  }
}

/**
 * 200 people sign in with their passwords at the same moment. The rate is compared with the hash alone, and other
 * requests are watched.
 */
async function passwordLogins(load: RunningServer, plan: Plan, how: Build): Promise<Section> {
  const people = 200
  const hasher = await startProgram('hasher', {}, how.nodeArguments)
  const service = await startService({ database: `file:${newPath('logins.db')}`, ...how })
  await load.ask('register', { port: service.port, people })
  const found = { hashes: [] as number[], logins: [] as number[], waits: [] as number[], delays: [] as number[] }
  for (let round = 0; round < plan.rounds; round++) {
    found.hashes.push((await hasher.ask<{ perSecond: number }>('verify', { times: people })).perSecond)
    // Read it before and after: the gauge is reset at each read.
    await eventLoopDelay(service.port)
    const { perSecond, longestWait } = await load.ask<{ perSecond: number; longestWait: number }>('logins', {
      port: service.port,
      people,
    })
    found.logins.push(perSecond)
    found.waits.push(longestWait)
    found.delays.push(await eventLoopDelay(service.port))
  }
  await service.stop()
  await hasher.stop()
  const [logins, hashes] = [median(found.logins), median(found.hashes)]
  return {
    title: `Passwords: ${people} sign-ins at once`,
    rows: [
      {
        what: 'per second',
        digits: 1,
        service: logins,
        against: { name: 'the hash alone', value: hashes },
        ratio: logins / hashes,
      },
      {
        what: 'longest wait for /health/live, ms',
        digits: 1,
        service: Math.max(...found.waits),
        target: { atMost: 100 },
      },
      { what: 'longest event-loop delay, ms', digits: 1, service: Math.max(...found.delays) },
    ],
  }
}

/** The longest delay of the event loop since the last read, in milliseconds, from the service's metrics. */
async function eventLoopDelay(port: number): Promise<number> {
  const metrics = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  return Number(/^nodejs_eventloop_lag_max_seconds (\S+)$/m.exec(metrics)?.[1]) * 1000
}

/** W1 on PostgreSQL: the service, and the floor with one bare UPDATE … RETURNING on the same rows. */
async function onPostgres(load: RunningServer, plan: Plan, how: Build): Promise<Section> {
  const { url, stop } = await startPostgres({ durable: true })
  try {
    const provider = await startProgram('provider')
    const service = await startService({ database: url, provider: provider.port, ...how })
    const floor = await startProgram('floor', { url }, how.nodeArguments)
    const pairs = await signIn(load, service, false)
    await signIn(load, service, true)
    const client = new pg.Client(url)
    await client.connect()
    // As many other devices of the same people, for the floor to rotate: the rows are like the service's.
    const used = pairs.map(({ refresh_token }) => JSON.parse(atob(refresh_token.split('.')[1] ?? '')).sid as string)
    const others = async () => {
      const { rows } = await client.query<Session>(
        `select id, account_id, generation::int, (extract(epoch from idle_expires_at) * 1000)::float8 as idle_expires_at
         from sessions where id <> all($1) order by id`,
        [used],
      )
      return rows
    }
    const tokens = refreshes(await floor.ask<Pair[]>('sign', await others()))
    const { figure, ratio } = await contest(
      load,
      'refresh',
      [
        { name: 'floor', server: floor, tokens },
        { name: 'service', server: service, tokens: refreshes(pairs) },
      ],
      plan,
    )
    const statements = await floor.ask<number>('statements', { seconds: plan.seconds, sessions: await others() })
    await client.end()
    for (const started of [service, floor, provider]) await started.stop()
    return {
      title: 'W1 on PostgreSQL, against the floor with one bare UPDATE … RETURNING',
      rows: [
        ...scales.map(
          ({ what, which, digits }): Row => ({
            what,
            digits,
            service: figure('service', which),
            against: { name: 'floor', value: figure('floor', which) },
            ratio: ratio('service', 'floor', which),
            ...(which === 'perSecond' && { target: { atLeast: 0.8 } }),
          }),
        ),
        {
          what: 'per second, compared with the statement alone: no HTTP, no tokens',
          service: figure('service', 'perSecond'),
          against: { name: 'driver', value: statements },
          ratio: figure('service', 'perSecond') / statements,
        },
      ],
    }
  } finally {
    await stop()
  }
}

type Node = { readonly server: RunningServer; readonly load: RunningServer; tokens: string[] }

/** Microseconds of CPU for each refresh, on all nodes together, while they are used at the same time. */
async function costOf(nodes: readonly Node[], seconds: number): Promise<number> {
  const used = async (): Promise<number> =>
    (await Promise.all(nodes.map(({ server }) => server.ask<number>('cpu')))).reduce((sum, cpu) => sum + cpu, 0)
  const before = await used()
  const requests = await Promise.all(
    nodes.map(async (node) => {
      const given = { port: node.server.port, seconds, tokens: node.tokens }
      const answer = await node.load.ask<{ round: Round; tokens: string[] }>('refresh', given)
      node.tokens = answer.tokens
      return answer.round.requests
    }),
  )
  return ((await used()) - before) / requests.reduce((sum, many) => sum + many, 0)
}

/**
 * W1 on two nodes that share a database, and on two services that run at the same time on the same PostgreSQL server,
 * each with its own database: the cost of each refresh for both processes together. Each node has its own clients, so
 * a node that polls or waits for the other shows here. Both pairs share one CPU: that alone costs two processes up to
 * a fifth more for each request than one, so one node is shown only for comparison.
 */
async function twoNodes(load: RunningServer, { rounds, seconds }: Plan, how: Build): Promise<Section> {
  const { url, stop } = await startPostgres({ durable: true })
  try {
    const provider = await startProgram('provider')
    const loads = [load, await startProgram('load', { clients })] as const
    const client = new pg.Client(url)
    await client.connect()
    for (const name of ['nodes', 'one', 'other']) await client.query(`create database ${name}`)
    await client.end()
    const startNode = async (name: string, load: RunningServer, known = false): Promise<Node> => {
      const database = Object.assign(new URL(url), { pathname: `/${name}` }).href
      const server = await startService({ database, provider: provider.port, ...how })
      return { server, load, tokens: refreshes(await signIn(load, server, known)) }
    }
    const nodes = [await startNode('nodes', loads[0]), await startNode('nodes', loads[1], true)]
    const apart = [await startNode('one', loads[0]), await startNode('other', loads[1])]
    const alone = apart.slice(0, 1)

    // Warms up the compiler, in turns: each process needs as many requests, and two share the time.
    for (let turn = 0; turn < 2; turn++) for (const pair of [nodes, apart]) await costOf(pair, seconds * 2)
    const found: { readonly nodes: number; readonly apart: number; readonly alone: number }[] = []
    for (let round = 0; round < rounds; round++)
      found.push({
        nodes: await costOf(nodes, seconds * 2),
        apart: await costOf(apart, seconds * 2),
        alone: await costOf(alone, seconds),
      })
    for (const { server } of [...nodes, ...apart]) await server.stop()
    for (const started of [loads[1], provider]) await started.stop()
    const row = (name: string, which: 'apart' | 'alone'): Row => ({
      what: 'CPU, µs',
      digits: 1,
      service: median(found.map(({ nodes }) => nodes)),
      against: { name, value: median(found.map((costs) => costs[which])) },
      ratio: median(found.map((costs) => costs.nodes / costs[which])),
    })
    return {
      title: 'Two nodes on one PostgreSQL: W1',
      rows: [{ ...row('two apart', 'apart'), target: { atMost: 1.1 } }, row('one node', 'alone')],
    }
  } finally {
    await stop()
  }
}

/** W1 with few and with many sessions: from the same 32 devices, and from devices scattered over all sessions. */
async function growth(load: RunningServer, many: number, plan: Plan, how: Build): Promise<Section> {
  const provider = await startProgram('provider')
  const prepare = async (sessions: number) => {
    const file = newPath(`${sessions}.db`)
    const empty = await startService({ database: `file:${file}`, provider: provider.port, ...how })
    await load.ask('signIn', { port: empty.port, times: 1, known: false })
    await empty.stop()
    multiply(file, sessions)
    const tokens = refreshTokens(file, Math.min(sessions, 64_000))
    return { name: String(sessions), server: await startService({ database: `file:${file}`, ...how }), tokens }
  }
  const [few, lots] = [await prepare(1000), await prepare(many)]
  const both = (some: (tokens: readonly string[]) => readonly string[]) =>
    contest(
      load,
      'refresh',
      [few, lots].map(({ name, server, tokens }) => ({ name, server, tokens: some(tokens) })),
      plan,
    )
  const same = await both((tokens) => tokens.slice(0, clients))
  const scattered = await both((tokens) => tokens.slice(clients))
  for (const started of [few.server, lots.server, provider]) await started.stop()
  const rows = ({ figure, ratio }: Awaited<typeof same>, from: string, target?: Row['target']): Row[] =>
    scales.map(({ what, which, digits }) => ({
      what: `${what}, ${from}`,
      digits,
      service: figure(lots.name, which),
      against: { name: '1,000', value: figure(few.name, which) },
      ratio: ratio(lots.name, few.name, which),
      ...(target && which === 'perSecond' && { target }),
    }))
  return {
    title: `Growth: W1 with ${many.toLocaleString('en')} sessions against W1 with 1,000`,
    rows: [...rows(same, `${clients} devices`, { atLeast: 0.88 }), ...rows(scattered, 'devices all over')],
  }
}

async function main(): Promise<void> {
  const parts = ['W1', 'W2', 'W3', 'W5', 'applications', 'passwords', 'postgres', 'nodes', 'growth']
  const { values: options } = parseArgs({
    options: {
      /** One short round of each, to check that it runs, not how fast. */
      quick: { type: 'boolean', default: false },
      only: { type: 'string', default: parts.join(',') },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      /** A folder for a V8 CPU profile of each server. */
      profile: { type: 'string' },
      /** Another build of the service: its `main.js`. */
      service: { type: 'string' },
    },
  })
  const wanted = new Set(options.only.split(','))
  for (const part of wanted)
    if (!parts.includes(part)) throw new Error(`--only must list some of ${parts.join(',')}, not ${part}`)
  const plan: Plan = {
    rounds: Number(options.rounds ?? (options.quick ? 1 : 5)),
    seconds: Number(options.seconds ?? (options.quick ? 1 : 2)),
    warmUp: options.quick ? 0 : 12_000,
  }
  const how: Build = {
    nodeArguments: [
      ...startFlags,
      ...(options.profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${resolve(options.profile)}`]),
    ],
    ...(options.service !== undefined && { main: resolve(options.service) }),
  }
  const say = (text: string): void => void process.stdout.write(`${text}\n`)

  buildPrograms()
  const [cpu] = cpus()
  say(`Node ${process.versions.node}, ${cpus().length} × ${cpu?.model}; ${placement}`)
  say(`${clients} clients, ${plan.rounds} rounds of ${plan.seconds} s in turns, medians; SQLite with synchronous=FULL`)
  const busy = (): string => loadavg()[0]?.toFixed(1) ?? ''
  const before = busy()

  const load = await startProgram('load', { clients })
  const sections: Section[] = []
  if (['W1', 'W2', 'W3'].some((part) => wanted.has(part))) sections.push(...(await sideBySide(load, wanted, plan, how)))
  if (wanted.has('applications')) sections.push(await applicationRefresh(load, plan, how))
  if (wanted.has('W5')) sections.push(await startAndRest(options.quick ? 1 : 5, how))
  if (wanted.has('passwords')) sections.push(await passwordLogins(load, plan, how))
  if (wanted.has('postgres')) sections.push(await onPostgres(load, plan, how))
  if (wanted.has('nodes')) sections.push(await twoNodes(load, plan, how))
  if (wanted.has('growth')) sections.push(await growth(load, options.quick ? 50_000 : 1_000_000, plan, how))
  await load.stop()

  say(`Load average before and after: ${before}, ${busy()}\n`)
  say(render(sections))
}

main().then(
  () => process.exit(0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    process.exit(1)
  },
)
