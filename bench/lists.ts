/**
 * `npm run bench:lists`: every list route over HTTP, with few rows and with many. Both services run at the same time
 * and are called in turns, so that other load on the machine does not affect the ratio.
 */
import { parseArgs } from 'node:util'
import { startPostgres } from '../test/support/global-setup.ts'
import { fill, middle } from './many-rows.ts'
import { buildPrograms, newPath, placement, type RunningServer, startProgram, startService } from './processes.ts'
import { type Row, render, type Section } from './table.ts'

const few = 1000
const targetRatio = 1.5

/** Each list with each of its filters, and from the middle if it has a cursor. */
function lists(size: number): Readonly<Record<string, string>> {
  const { user, users, own, loan } = middle(size)
  const half = Math.ceil(size / 2)
  return {
    users: '/users',
    'users, from the middle': `/users?cursor=${users}`,
    'users, role=auditor': `/users?role=auditor&cursor=${users}`,
    'users, role=administrator': '/users?role=administrator',
    'users, disabled=true': `/users?disabled=true&cursor=${users}`,
    'users, disabled=false': `/users?disabled=false&cursor=${users}`,
    'users, role=auditor, disabled=true': '/users?role=auditor&disabled=true',
    'search: an email address': `/users?search=person-${half}@many.example`,
    'search: a common prefix': '/users?search=person',
    'search: an ID': `/users?search=${user}`,
    'search: a common substring': '/users?search=many',
    'search: nobody': '/users?search=nobody-is-called-so',
    'sessions of an account': `/users/${user}/sessions`,
    audit: '/audit',
    'audit, from the middle': `/audit?cursor=${own}`,
    'audit, event=': '/audit?event=account.role_changed',
    'audit, account=': `/audit?account=${user}`,
    'audit, account= and event=': `/audit?account=${user}&event=session.started`,
    'own activity': '/me/activity',
    'own activity, from the middle': `/me/activity?cursor=${own}`,
    'own activity, kind=loans': `/me/activity?kind=loans&cursor=${loan}`,
    'own activity, kind=others': `/me/activity?kind=others&cursor=${own}`,
    'own sessions': '/me/sessions',
    'own identities': '/me/identities',
    'own passkeys': '/me/passkeys',
    'own revocations': '/me/revocations',
    teams: '/teams',
    'members of a team': '/teams/team_many/members',
    'invitations to a team': '/teams/team_many/invitations',
    'service credentials': '/service-credentials',
  }
}

const progress = (line: string): void => void process.stderr.write(`${line}\n`)

type FilledService = { readonly server: RunningServer; readonly token: string }
type Place = () => Promise<string>

async function filled(load: RunningServer, provider: number, place: Place, size: number): Promise<FilledService> {
  const database = await place()
  const empty = await startService({ database, provider })
  const signIn = async (port: number, known: boolean): Promise<string> => {
    const { pairs } = await load.ask<{ pairs: { access_token: string }[] }>('signIn', { port, times: 1, known })
    return pairs[0]?.access_token ?? ''
  }
  await signIn(empty.port, false)
  await empty.stop()
  const begun = performance.now()
  await fill(database, size)
  progress(`  ${size.toLocaleString('en')} accounts in ${((performance.now() - begun) / 1000).toFixed(0)} s`)
  const server = await startService({ database, provider })
  return { server, token: await signIn(server.port, true) }
}

/** The lower quartile: other load on the machine only adds time. */
const lowerQuartile = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 2] as number

async function milliseconds({ server, token }: FilledService, path: string): Promise<number> {
  const begun = performance.now()
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    headers: { authorization: `Bearer ${token}` },
  })
  const text = await answer.text()
  const took = performance.now() - begun
  if (!answer.ok) throw new Error(`${path} answered ${answer.status}: ${text}`)
  return took
}

async function compare(name: string, load: RunningServer, place: Place, many: number, times: number): Promise<Section> {
  progress(name)
  const provider = await startProgram('provider')
  const [small, large] = [await filled(load, provider.port, place, few), await filled(load, provider.port, place, many)]
  const inLarge = lists(many)
  const rows: Row[] = []
  for (const [what, path] of Object.entries(lists(few))) {
    const took: [number[], number[]] = [[], []]
    for (let n = -Math.ceil(times / 5); n < times; n++) {
      const pair = [await milliseconds(small, path), await milliseconds(large, inLarge[what] ?? '')] as const
      // The first ones are for warm-up.
      if (n >= 0) pair.forEach((ms, at) => void took[at]?.push(ms))
    }
    const [value, service] = took.map(lowerQuartile) as [number, number]
    const ratio = service / value
    const against = { name: `with ${few.toLocaleString('en')}`, value }
    rows.push({ what, service, against, ratio, digits: 2, target: { atMost: targetRatio } })
  }
  for (const started of [small.server, large.server, provider]) await started.stop()
  return { title: `${name}, ms a page with ${many.toLocaleString('en')} accounts`, rows }
}

const { values } = parseArgs({
  options: {
    size: { type: 'string', default: '1000000' },
    times: { type: 'string', default: '100' },
    only: { type: 'string', default: 'sqlite,postgres' },
  },
})
const [many, times] = [Number(values.size), Number(values.times)]
if (!Number.isInteger(many) || many < few || !Number.isInteger(times) || times < 1)
  throw new Error(`--size must be a whole number of at least ${few}, --times of at least 1`)

buildPrograms()
const load = await startProgram('load')
const sections: Section[] = []
if (values.only.includes('sqlite'))
  sections.push(await compare('SQLite', load, async () => `file:${newPath('lists.db')}`, many, times))
if (values.only.includes('postgres')) {
  const servers: { stop: () => Promise<void> }[] = []
  const place = async () => {
    const server = await startPostgres()
    servers.push(server)
    return server.url
  }
  try {
    sections.push(await compare('PostgreSQL', load, place, many, times))
  } finally {
    for (const { stop } of servers) await stop()
  }
}
process.stdout.write(`Node ${process.version}; ${placement}\n\n${render(sections)}\n`)
process.exit(0)
