/**
 * `npm run bench:lists`: every list route over HTTP, with few rows and with many. Both services run at the same time
 * and are called in turns, so that other load on the machine does not affect the ratio.
 */
import { parseArgs } from 'node:util'
import { createVisitor, type Visit } from '../demo/visitor.ts'
import { startPostgres } from '../test/support/global-setup.ts'
import { openBrowser } from './application.ts'
import { fill, middle } from './many-rows.ts'
import { buildPrograms, newPath, placement, type RunningServer, startProgram, startService } from './processes.ts'
import { type Row, render, type Section } from './table.ts'

const few = 1000
const targetRatio = 1.5

const asked = (path: string, queries: readonly string[]): readonly string[] =>
  queries.map((query) => (query === '' ? path : `${path}?${query}`))

/**
 * Each list with each of its filters, and from the middle if it has a cursor; `middle` has the values of the
 * placeholders. Pages call the same stores, so only those of administrators are among them, without most filters.
 * Exports are left out, because a file is as long as what it holds, and the lists of a connection with Jira.
 */
const lists: readonly string[] = [
  ...asked('/users', [
    '',
    'cursor=:older',
    'role=auditor&cursor=:older',
    'role=administrator',
    'disabled=true&cursor=:older',
    'disabled=false&cursor=:older',
    'role=auditor&disabled=true',
    'verified=true&cursor=:older',
    'verified=false',
    'second_factor=true',
    'second_factor=false&cursor=:older',
    'invited=true&cursor=:older',
    'invited=false&cursor=:older',
    'provider=local',
    'provider=local&cursor=:older',
    'provider=none',
    'last_sign_in_from=:signIn',
    'last_sign_in_from=:signIn&cursor=:later',
    'last_sign_in_before=:signIn',
    'last_sign_in_before=:signIn&cursor=:earlier',
    'last_sign_in_before=:signIn&provider=local&role=auditor',
    'role=auditor&verified=true&second_factor=true&invited=false&provider=local',
    'search=:email',
    // A prefix of all, an ID, a substring of all, of a few, and of none.
    'search=person',
    'search=:user',
    'search=many',
    'search=many&verified=false&provider=local',
    'search=nobody-is-called-so',
  ]),
  '/users/:user/sessions',
  ...asked('/audit', [
    '',
    'cursor=:entry',
    'event=account.role_changed',
    'event=sign_ins&cursor=:entry',
    'account=:user',
    'account=:user&event=authentication.succeeded',
    // Of few entries, of many, and by a part of a name.
    'account=:email',
    'account=person-0@example.com',
    'account=:name',
    'ip=203.0.113.7',
    'ip=203.0.113.7&cursor=:entry',
    'ip=203.0.113.7&account=person-0@example.com',
    'request_id=:request',
    'outcome=refused&cursor=:entry',
    'outcome=done',
    'outcome=done&account=person-0@example.com',
    'from=:from&until=:until',
    'from=:from&until=:until&event=authentication.succeeded&cursor=:entry',
  ]),
  ...asked('/me/activity', ['', 'cursor=:entry', 'kind=loans&cursor=:loan', 'kind=others&cursor=:entry']),
  '/me/sessions',
  '/me/identities',
  '/me/methods',
  '/me/passkeys',
  '/me/applications',
  '/me/revocations',
  '/teams',
  '/teams/team_many/members',
  '/teams/team_many/invitations',
  '/service-credentials',
  '/registration-tokens',
  '/applications',
  ...asked('/applications/:application/users', ['', 'cursor=:user']),
  '/providers',
  '/providers/local/impact?cursor=:subject',
  '/jobs',
  '/metrics',
  '/statistics',
  '/admin',
  ...asked('/admin/users', ['', 'cursor=:older']),
  ...asked('/admin/audit', ['', 'cursor=:entry', 'event=sign_ins&from=:day&until=:day']),
  '/admin/applications',
  '/admin/applications/:application/users?cursor=:user',
  '/admin/providers',
]

/** These examine more rows the more there are, up to a bound. Their ratio has no target. */
const bounded: readonly string[] = [
  // 20,000 identities.
  '/providers/local/impact',
  // 10,000 people who are signed in.
  '/admin/applications?after=:anotherApplication',
  // 5,000 accounts, because the page says how many match.
  ...asked('/admin/users', [
    'role=auditor',
    'verified=no&second_factor=yes',
    'signed_in=7&provider=local',
    'search=person',
    'search=nobody-is-called-so',
  ]),
]

type Values = Readonly<Record<string, string>>
const pathOf = (list: string, values: Values): string =>
  list.replaceAll(/:(\w+)/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`${list}: there is no value for ${name}`)
    return encodeURIComponent(value)
  })

const progress = (line: string): void => void process.stderr.write(`${line}\n`)

type FilledService = {
  readonly server: Awaited<ReturnType<typeof startService>>
  readonly values: Values
  readonly ask: (path: string) => Promise<Pick<Visit, 'status' | 'text'>>
}
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
  const base = `http://127.0.0.1:${server.port}`
  const [browser, program] = [await openBrowser(base, 0), createVisitor()]
  const headers = { accept: 'application/json', authorization: `Bearer ${await signIn(server.port, true)}` }
  const ask = (path: string) =>
    path.startsWith('/admin') ? browser.ask(base + path) : program.ask(base + path, { headers })
  return { server, values: middle(size), ask }
}

/** The lower quartile: other load on the machine only adds time. */
const lowerQuartile = (values: readonly number[]): number =>
  [...values].sort((a, b) => a - b)[values.length >> 2] as number

async function milliseconds({ server, values, ask }: FilledService, list: string): Promise<number> {
  const path = pathOf(list, values)
  const begun = performance.now()
  const { status, text } = await ask(path)
  const took = performance.now() - begun
  if (status !== 200)
    throw new Error(
      `${path} answered ${status}: ${text.slice(0, 500)}\nlog of the service:\n${server.said().slice(-2000)}`,
    )
  return took
}

async function compare(name: string, load: RunningServer, place: Place, many: number, times: number): Promise<Section> {
  progress(name)
  const provider = await startProgram('provider')
  const [small, large] = [await filled(load, provider.port, place, few), await filled(load, provider.port, place, many)]
  const rows: Row[] = []
  for (const what of [...lists, ...bounded]) {
    const took: [number[], number[]] = [[], []]
    for (let n = -Math.ceil(times / 5); n < times; n++) {
      const pair = [await milliseconds(small, what), await milliseconds(large, what)] as const
      // The first ones are for warm-up.
      if (n >= 0) pair.forEach((ms, at) => void took[at]?.push(ms))
    }
    const [value, service] = took.map(lowerQuartile) as [number, number]
    const ratio = service / value
    const against = { name: `with ${few.toLocaleString('en')}`, value }
    const target = bounded.includes(what) ? {} : { target: { atMost: targetRatio } }
    rows.push({ what, service, against, ratio, digits: 2, ...target })
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
