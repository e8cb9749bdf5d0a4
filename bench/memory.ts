/**
 * `npm run bench:memory`: ten minutes of mixed load, with samples of the service's resident memory. The exit code is 1
 * if the last minute needs 20 MiB more than the third: growth at that point is a leak.
 */
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { startPostgres } from '../test/support/global-setup.ts'
import {
  buildPrograms,
  memoryOf,
  newPath,
  placement,
  type RunningServer,
  startProgram,
  startService,
} from './processes.ts'
import { median, type Row, render, type Section } from './table.ts'

const targetMiB = 20
/** By then all code is compiled, and the caches of such a small process are full. */
const warmSeconds = 120
/**
 * The length of each measurement. Garbage is collected many times in it, so the median is not affected by single
 * collections.
 */
const windowSeconds = 60
const sampleSeconds = 2
/** How long each load runs before it is restarted. */
const roundSeconds = 10

type Pair = { readonly access_token: string; readonly refresh_token: string }
type Sample = { readonly at: number; readonly mib: number }

const progress = (line: string): void => void process.stderr.write(`${line}\n`)

const paths = [
  '/me',
  '/me/identities',
  '/me/methods',
  '/me/sessions',
  '/me/activity',
  '/me/revocations',
  '/teams',
  '/login',
  '/register',
  '/auth/providers',
  '/metrics',
  '/openapi.json',
  '/health/ready',
  '/.well-known/jwks.json',
]

/** Each kind of load, with its number of clients. `signIn` uses other people than the rest. */
const clientsOf = { signIn: 4, me: 8, refresh: 8, read: 4, refused: 1 } as const
type Kind = keyof typeof clientsOf

async function measure(database: string, seconds: number): Promise<readonly Sample[]> {
  const provider = await startProgram('provider')
  const service = await startService({ database, provider: provider.port })
  const loads = {} as Record<Kind, RunningServer>
  for (const kind of Object.keys(clientsOf) as Kind[])
    loads[kind] = await startProgram('load', { clients: clientsOf[kind] })
  const { port } = service
  const { signIn, me, read } = clientsOf
  const people = signIn + me + clientsOf.refresh + read
  const { pairs } = await loads.signIn.ask<{ pairs: Pair[] }>('signIn', { port, times: people, known: false })
  const access = pairs.map(({ access_token }) => access_token)
  let tokens = pairs.slice(-clientsOf.refresh).map(({ refresh_token }) => refresh_token)

  const began = performance.now()
  const elapsed = (): number => (performance.now() - began) / 1000
  const counts: Record<Kind, number> = { signIn: 0, me: 0, refresh: 0, read: 0, refused: 0 }
  const parametersOf: Readonly<Record<Kind, () => object>> = {
    signIn: () => ({ known: true }),
    me: () => ({ tokens: access.slice(signIn, signIn + me) }),
    refresh: () => ({ tokens }),
    read: () => ({ paths, token: access[signIn + me] }),
    refused: () => ({}),
  }
  const driving = (Object.keys(clientsOf) as Kind[]).map(async (kind) => {
    while (elapsed() < seconds) {
      const left = Math.max(1, Math.min(roundSeconds, seconds - elapsed()))
      const parameters = { port, seconds: left, ...parametersOf[kind]() }
      const done = await loads[kind].ask<{ round: { requests: number }; tokens?: string[] }>(kind, parameters)
      counts[kind] += done.round.requests
      if (done.tokens) tokens = done.tokens
    }
  })
  const samples: Sample[] = []
  const sampling = (async () => {
    for (let minute = 0; elapsed() < seconds; ) {
      samples.push({ at: elapsed(), mib: memoryOf(service.child.pid ?? 0) })
      if (elapsed() >= minute * 60) progress(`  minute ${minute++}: ${samples.at(-1)?.mib.toFixed(1)} MiB`)
      await pause(sampleSeconds * 1000)
    }
  })()
  await Promise.all([...driving, sampling])
  const all = Object.entries(counts).map(([kind, count]) => `${kind} ${count.toLocaleString('en')}`)
  progress(`  requests: ${all.join(', ')}`)
  for (const started of [service, provider, ...Object.values(loads)]) await started.stop()
  return samples
}

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    only: { type: 'string', default: 'sqlite,postgres' },
  },
})
const seconds = Number(values.minutes) * 60
if (!(seconds >= warmSeconds + 2 * windowSeconds)) throw new Error('--minutes must be a number of at least 4')

const within = (samples: readonly Sample[], from: number): number =>
  median(samples.filter(({ at }) => at >= from && at < from + windowSeconds).map(({ mib }) => mib))

async function section(title: string, database: string): Promise<Section> {
  progress(title)
  const samples = await measure(database, seconds)
  const early = within(samples, warmSeconds)
  const late = within(samples, seconds - windowSeconds)
  const growth: Row = {
    what: 'growth, MiB',
    service: late - early,
    digits: 1,
    target: { atMost: targetMiB },
  }
  return {
    title: `${title}, resident memory over ${values.minutes} minutes of mixed load`,
    rows: [
      { what: 'from minute two, MiB', service: early, digits: 1 },
      { what: 'in the last minute, MiB', service: late, digits: 1 },
      growth,
    ],
  }
}

buildPrograms()
const sections: Section[] = []
if (values.only.includes('sqlite')) sections.push(await section('SQLite', `file:${newPath('memory.db')}`))
if (values.only.includes('postgres')) {
  const server = await startPostgres()
  try {
    sections.push(await section('PostgreSQL', server.url))
  } finally {
    await server.stop()
  }
}
process.stdout.write(`Node ${process.version}; ${placement}\n\n${render(sections)}\n`)
const grew = sections.some(({ rows }) => rows.some(({ target, service }) => target && !(service <= targetMiB)))
process.exit(grew ? 1 : 0)
