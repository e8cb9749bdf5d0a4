/**
 * `npm run bench:crash`: devices and registered applications refresh without pause while the service is killed (SIGKILL)
 * and restarted repeatedly. Every acknowledged change must still exist afterwards. The exit code is 1 if any was lost.
 *
 * After each kill, a copy of the database file is read, so that a loss shows even where the rules for lost responses
 * would hide it. SIGKILL keeps the page cache: this tests our promises, not those of the disk.
 */
import { copyFileSync, existsSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { connectSqlite } from '../src/store/connect-sqlite.ts'
import { applicationTokens, registerApplication } from './application.ts'
import { buildPrograms, freePort, newPath, type RunningServer, startProgram, startService } from './processes.ts'

const clients = 32
/** How many more sign-ins an application has. */
const applicationClients = 32
type Pair = { readonly access_token: string; readonly refresh_token: string }
type Stored = { readonly id: string; readonly generation: number; readonly ended_at: number | null }

const { values: options } = parseArgs({ options: { kills: { type: 'string', default: '25' } } })
const kills = Number(options.kills)

/** `<generation>.<id>`: the ID is that of a device session, or of a sign-in to an application. */
const jtiOf = (token: string): readonly [generation: string, id: string] =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()).jti.split('.', 2)
const generationOf = (token: string): number => Number(jtiOf(token)[0])

/** The totals. `lost` describes each loss. */
const count = { acknowledged: 0, interrupted: 0, replays: 0 }
/** Sessions and generations that were committed but not yet acknowledged. */
const unacknowledged = new Set<string>()
const lost: string[] = []

type RefreshReply = { readonly status: number; readonly refresh_token?: string; readonly code?: string }

/** How one kind of client refreshes, and the code that an old token gets. */
type Kind = { readonly path: string; readonly fields: object; readonly reused: string }
const device: Kind = { path: '/auth/refresh', fields: {}, reused: 'token_reused' }
const ofApplication = (id: string): Kind => ({
  path: '/oauth/token',
  fields: { grant_type: 'refresh_token', client_id: id },
  reused: 'grant_invalid',
})

/** One refresh; `undefined` without a response. */
async function refresh(port: number, { path, fields }: Kind, token: string): Promise<RefreshReply | undefined> {
  const given = { ...fields, refresh_token: token }
  try {
    const response = await fetch(`http://127.0.0.1:${port}${path}`, {
      method: 'POST',
      ...(path === device.path
        ? { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(given) }
        : { body: new URLSearchParams(given) }),
    })
    return { status: response.status, ...((await response.json()) as object) }
  } catch {
    return undefined
  }
}

/** One client of the service. It presents its newest token again and again. Without a response, it repeats the same one. */
class Client {
  /** All its tokens, the newest last. */
  readonly tokens: string[]
  readonly kind: Kind
  readonly id: string
  /** Whether its last request got no response. */
  unanswered = false
  /** The pending request. */
  current: Promise<void> = Promise.resolve()

  constructor(kind: Kind, first: string) {
    this.kind = kind
    this.tokens = [first]
    this.id = jtiOf(first)[1]
  }

  get token(): string {
    return this.tokens.at(-1) as string
  }

  async turn(port: number): Promise<void> {
    const answer = await refresh(port, this.kind, this.token)
    if (!answer) {
      if (!this.unanswered) count.interrupted++
      this.unanswered = true
      await pause(20)
      return
    }
    const from = generationOf(this.token)
    if (answer.status !== 200 || answer.refresh_token === undefined) {
      lost.push(`${this.id}: generation ${from} was acknowledged, then rejected with ${answer.status} ${answer.code}`)
      await pause(20)
      return
    }
    const to = generationOf(answer.refresh_token)
    if (to !== from + 1) lost.push(`${this.id}: generation ${from} returned ${to}`)
    // The response was lost although the rotation was committed. Now the same generation is returned again.
    if (unacknowledged.has(`${this.id} ${to}`)) count.replays++
    this.unanswered = false
    count.acknowledged++
    this.tokens.push(answer.refresh_token)
  }
}

/** The sessions as a restart would find them, read from a copy: recovering the file itself is the service’s task. */
function onDisk(file: string): Stored[] {
  const copy = newPath('copy.db')
  for (const end of ['', '-wal']) if (existsSync(file + end)) copyFileSync(file + end, copy + end)
  const db = connectSqlite(copy)
  const columns = 'select id, generation, ended_at from'
  const rows = db.prepare<[], Stored>(`${columns} sessions union all ${columns} application_sessions`).all()
  db.close()
  return rows
}

function hold(what: boolean, else_: string): void {
  if (!what) lost.push(else_)
}

async function main(): Promise<void> {
  buildPrograms()
  const load = await startProgram('load', { clients })
  const provider = await startProgram('provider')
  const file = newPath('crash.db')
  const port = await freePort()
  const start = (): Promise<RunningServer> => startService({ database: `file:${file}`, port, provider: provider.port })

  const application = ofApplication(await registerApplication(`file:${file}`))
  let service = await start()
  const { pairs } = await load.ask<{ pairs: Pair[] }>('signIn', { port, times: clients, known: false })
  const ofApplications = await applicationTokens(port, applicationClients)
  const all = [
    ...pairs.map(({ refresh_token }) => new Client(device, refresh_token)),
    ...ofApplications.map((token) => new Client(application, token)),
  ]
  let done = false
  const turning = all.map(async (client) => {
    while (!done) {
      client.current = client.turn(port)
      await client.current
    }
  })

  for (let kill = 1; kill <= kills; kill++) {
    // At different times of its life: at once, while it warms up, at full speed.
    await pause(20 + Math.random() * 600)
    const ended = new Promise((resolve) => service.child.once('exit', resolve))
    service.child.kill('SIGKILL')
    await ended
    // Receive pending responses before comparing.
    await Promise.all(all.map(({ current }) => current))
    const stored = new Map(onDisk(file).map((row) => [row.id, row]))
    for (const { id, token } of all) {
      const acknowledged = generationOf(token)
      const generation = stored.get(id)?.generation ?? -1
      hold(
        generation >= acknowledged,
        `${id}: generation ${acknowledged} was acknowledged, but ${generation} is on the disk`,
      )
      hold(
        generation <= acknowledged + 1,
        `${id}: generation ${generation} is on the disk, but ${acknowledged} was the last one acknowledged`,
      )
      hold(stored.get(id)?.ended_at === null, `${id} has ended`)
      if (generation === acknowledged + 1) unacknowledged.add(`${id} ${generation}`)
    }
    service = await start()
    if (kill % 5 === 0) process.stdout.write(`${kill} kills, ${count.acknowledged} rotations acknowledged\n`)
  }
  await pause(300)
  done = true
  await Promise.all(turning)

  // Each client has one valid generation: the row matches its newest token. The previous token returns at most that same
  // generation. An older one ends that sign-in, and only that one.
  const rows = new Map(onDisk(file).map((row) => [row.id, row]))
  for (const { kind, id, token, tokens } of all) {
    const row = rows.get(id)
    const newest = generationOf(token)
    hold(row?.generation === newest && row.ended_at === null, `${id}: ${JSON.stringify(row)} instead of ${newest}`)
    const again = await refresh(port, kind, tokens.at(-2) as string)
    const same = again?.refresh_token !== undefined && generationOf(again.refresh_token) === newest
    hold(same, `${id}: the previous token returned ${JSON.stringify(again)}, not with generation ${newest}`)
  }
  for (const kind of [device, application]) {
    const [first, ...others] = all.filter((client) => client.kind === kind)
    const stolen = await refresh(port, kind, first?.tokens.at(-3) ?? '')
    hold(stolen?.code === kind.reused, `an old token returned ${JSON.stringify(stolen)}`)
    hold(
      (await refresh(port, kind, first?.token ?? ''))?.status !== 200,
      `${first?.id}: its newest token was accepted after an old one`,
    )
    for (const { id, token } of others)
      hold((await refresh(port, kind, token))?.status === 200, `${id}: its newest token was rejected`)
  }

  const rotationsOf = (kind: Kind): number =>
    all.filter((client) => client.kind === kind).reduce((sum, { tokens }) => sum + tokens.length - 1, 0)
  for (const started of [service, provider, load]) await started.stop()
  process.stdout.write(`
kills                                    ${kills}
rotations acknowledged                   ${count.acknowledged}
  of them by devices                     ${rotationsOf(device)}
  of them by applications                ${rotationsOf(application)}
requests without a response              ${count.interrupted}
committed, the response lost             ${unacknowledged.size}
  of them returned again (replays)       ${count.replays}
lost                                     ${lost.length}
${lost.slice(0, 20).join('\n')}
`)
}

main().then(
  () => process.exit(lost.length > 0 ? 1 : 0),
  (error: unknown) => {
    process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`)
    process.exit(1)
  },
)
