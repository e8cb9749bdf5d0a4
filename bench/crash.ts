/**
 * `npm run bench:crash`: clients refresh without pause while the service is killed (SIGKILL) and restarted repeatedly.
 * Every acknowledged change must still exist afterwards. The exit code is 1 if any was lost.
 *
 * After each kill, a copy of the database file is read, so that a loss shows even where the rules for lost responses
 * would hide it. SIGKILL keeps the page cache: this tests our promises, not those of the disk.
 */
import { copyFileSync, existsSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { connectSqlite } from '../src/store/connect-sqlite.ts'
import { buildPrograms, freePort, newPath, type RunningServer, startProgram, startService } from './processes.ts'

const clients = 32
type Pair = { readonly access_token: string; readonly refresh_token: string }
type Stored = { readonly id: string; readonly generation: number; readonly ended_at: number | null }

const { values: options } = parseArgs({ options: { kills: { type: 'string', default: '25' } } })
const kills = Number(options.kills)

const claimsOf = (token: string): { jti: string; sid: string } =>
  JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
const generationOf = (token: string): number => Number.parseInt(claimsOf(token).jti, 10)

/** The totals. `lost` describes each loss. */
const count = { acknowledged: 0, interrupted: 0, replays: 0 }
/** Sessions and generations that were committed but not yet acknowledged. */
const unacknowledged = new Set<string>()
const lost: string[] = []

type RefreshReply = { readonly status: number; readonly refresh_token?: string; readonly code?: string }

/** One refresh; `undefined` without a response. */
async function refresh(port: number, token: string): Promise<RefreshReply | undefined> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/auth/refresh`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ refresh_token: token }),
    })
    return { status: response.status, ...((await response.json()) as object) }
  } catch {
    return undefined
  }
}

/** One device. It presents its newest token again and again. Without a response, it repeats the same one. */
class Client {
  /** All its tokens, the newest last. */
  readonly tokens: string[]
  readonly sid: string
  /** Whether its last request got no response. */
  unanswered = false
  /** The pending request. */
  current: Promise<void> = Promise.resolve()

  constructor(first: string) {
    this.tokens = [first]
    this.sid = claimsOf(first).sid
  }

  get token(): string {
    return this.tokens.at(-1) as string
  }

  async turn(port: number): Promise<void> {
    const answer = await refresh(port, this.token)
    if (!answer) {
      if (!this.unanswered) count.interrupted++
      this.unanswered = true
      await pause(20)
      return
    }
    const from = generationOf(this.token)
    if (answer.status !== 200 || answer.refresh_token === undefined) {
      lost.push(`${this.sid}: generation ${from} was acknowledged, then rejected with ${answer.status} ${answer.code}`)
      await pause(20)
      return
    }
    const to = generationOf(answer.refresh_token)
    if (to !== from + 1) lost.push(`${this.sid}: generation ${from} returned ${to}`)
    // The response was lost although the rotation was committed. Now the same generation is returned again.
    if (unacknowledged.has(`${this.sid} ${to}`)) count.replays++
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
  const rows = db.prepare<[], Stored>('select id, generation, ended_at from sessions').all()
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

  let service = await start()
  const { pairs } = await load.ask<{ pairs: Pair[] }>('signIn', { port, times: clients, known: false })
  const devices = pairs.map(({ refresh_token }) => new Client(refresh_token))
  let done = false
  const turning = devices.map(async (client) => {
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
    await Promise.all(devices.map(({ current }) => current))
    const stored = new Map(onDisk(file).map((row) => [row.id, row]))
    for (const { sid, token } of devices) {
      const acknowledged = generationOf(token)
      const generation = stored.get(sid)?.generation ?? -1
      hold(
        generation >= acknowledged,
        `${sid}: generation ${acknowledged} was acknowledged, but ${generation} is on the disk`,
      )
      hold(
        generation <= acknowledged + 1,
        `${sid}: generation ${generation} is on the disk, but ${acknowledged} was the last one acknowledged`,
      )
      hold(stored.get(sid)?.ended_at === null, `${sid} has ended`)
      if (generation === acknowledged + 1) unacknowledged.add(`${sid} ${generation}`)
    }
    service = await start()
    if (kill % 5 === 0) process.stdout.write(`${kill} kills, ${count.acknowledged} rotations acknowledged\n`)
  }
  await pause(300)
  done = true
  await Promise.all(turning)

  // Each device has one valid generation: the row matches the client’s newest token. The previous token returns at most
  // that same generation. An older one ends the device, and only that device.
  const rows = onDisk(file)
  hold(rows.length === devices.length, `${rows.length} sessions for ${devices.length} devices`)
  for (const { sid, token, tokens } of devices) {
    const row = rows.find(({ id }) => id === sid)
    const newest = generationOf(token)
    hold(row?.generation === newest && row.ended_at === null, `${sid}: ${JSON.stringify(row)} instead of ${newest}`)
    const again = await refresh(port, tokens.at(-2) as string)
    const same = again?.refresh_token !== undefined && generationOf(again.refresh_token) === newest
    hold(same, `${sid}: the previous token returned ${JSON.stringify(again)}, not with generation ${newest}`)
  }
  const [first, ...others] = devices
  const stolen = await refresh(port, first?.tokens.at(-3) ?? '')
  hold(stolen?.code === 'token_reused', `an old token returned ${JSON.stringify(stolen)}`)
  for (const { sid, token } of others)
    hold((await refresh(port, token))?.status === 200, `${sid}: its newest token was rejected`)

  for (const started of [service, provider, load]) await started.stop()
  process.stdout.write(`
kills                                    ${kills}
rotations acknowledged                   ${count.acknowledged}
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
