/**
 * The load generator, in its own process: clients with one connection and one pending request each. It speaks HTTP over
 * plain sockets, since it must cost less than the cheapest server. It checks every response.
 */
import { connect, type Socket } from 'node:net'
import { answerParent, reportReady } from './ipc.ts'

const { clients } = JSON.parse(process.argv[2] ?? '{}') as { clients: number }

type Answer = { readonly status: number; readonly head: string; readonly body: Buffer }

class Connection {
  readonly #socket: Socket
  readonly #host: string
  #received: Buffer | undefined
  #waiting: { resolve: (answer: Answer) => void; reject: (error: Error) => void } | undefined

  constructor(port: number) {
    this.#host = `localhost:${port}`
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.setNoDelay(true)
    this.#socket.on('data', (chunk: Buffer) => this.#read(chunk))
    this.#socket.on('error', (error) => this.#waiting?.reject(error))
    this.#socket.on('close', () => this.#waiting?.reject(new Error('the connection was closed')))
  }

  ask(method: string, path: string, headers: string, body = ''): Promise<Answer> {
    const length = method === 'GET' ? '' : `Content-Length: ${body.length}\r\n`
    this.#socket.write(`${method} ${path} HTTP/1.1\r\nHost: ${this.#host}\r\n${headers}${length}\r\n${body}`, 'latin1')
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject }
    })
  }

  #read(chunk: Buffer): void {
    const bytes = this.#received ? Buffer.concat([this.#received, chunk]) : chunk
    const end = bytes.indexOf('\r\n\r\n')
    const head = end < 0 ? '' : bytes.toString('latin1', 0, end)
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? Number.NaN)
    if (end >= 0 && Number.isNaN(length)) {
      this.#waiting?.reject(new Error(`no Content-Length in ${head}`))
      return
    }
    if (end < 0 || bytes.length < end + 4 + length) {
      this.#received = bytes
      return
    }
    this.#received = undefined
    const waiting = this.#waiting
    this.#waiting = undefined
    if (bytes.length > end + 4 + length) waiting?.reject(new Error('the response is longer than its content length'))
    else waiting?.resolve({ status: Number(head.slice(9, 12)), head, body: bytes.subarray(end + 4) })
  }

  close(): void {
    this.#socket.destroy()
  }
}

export type Round = {
  readonly requests: number
  readonly seconds: number
  /** Milliseconds. */
  readonly p50: number
  readonly p99: number
}

/** Each client repeats `step` until the time is up. Returns the results. */
async function repeat(
  port: number,
  seconds: number,
  step: (connection: Connection, client: number) => Promise<void>,
): Promise<Round> {
  const connections = Array.from({ length: clients }, () => new Connection(port))
  const latencies: number[] = []
  const started = performance.now()
  const until = started + seconds * 1000
  await Promise.all(
    connections.map(async (connection, client) => {
      for (let from = performance.now(); from < until; ) {
        await step(connection, client)
        const now = performance.now()
        latencies.push(now - from)
        from = now
      }
    }),
  )
  const took = (performance.now() - started) / 1000
  for (const connection of connections) connection.close()
  const sorted = Float64Array.from(latencies).sort()
  const at = (share: number): number => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN
  return { requests: sorted.length, seconds: took, p50: at(0.5), p99: at(0.99) }
}

function expect(met: boolean, what: string, { status, head, body }: Answer): asserts met {
  if (!met) throw new Error(`${what}: ${status}\n${head}\n${body.toString().slice(0, 500)}`)
}

/** Our refresh tokens are readable, those of the stock engine are not. */
const isReadable = (refreshToken: string): boolean => refreshToken.includes('.')
const generationOf = (refreshToken: string): number =>
  Number.parseInt(JSON.parse(Buffer.from(refreshToken.split('.')[1] ?? '', 'base64url').toString()).jti, 10)

const json = 'Content-Type: application/json\r\nAccept: application/json\r\n'
const form = 'Content-Type: application/x-www-form-urlencoded\r\nAccept: application/json\r\n'
const acceptJson = 'Accept: application/json\r\n'

type Refreshes = {
  readonly port: number
  readonly seconds: number
  readonly tokens: string[]
  readonly application?: string
}
type SignIns = {
  readonly port: number
  readonly seconds: number
  readonly times?: number
  readonly known: boolean
  /** A multiple of the number of clients. */
  readonly people?: number
}

answerParent({
  /**
   * W1. Sessions are distributed to the clients. Each client uses its sessions in turn, and always presents the token
   * from the last response. In the end every chain must be as long as the number of its refreshes. With `application`,
   * that application refreshes its tokens at `/oauth/token`.
   */
  async refresh({ port, seconds, tokens, application }: Refreshes) {
    const current = [...tokens]
    const rotations = new Uint32Array(tokens.length)
    const next = Uint32Array.from({ length: clients }, (_, client) => client)
    const round = await repeat(port, seconds, async (connection, client) => {
      const at = next[client] ?? 0
      next[client] = at + clients < tokens.length ? at + clients : client
      const answer =
        application === undefined
          ? await connection.ask('POST', '/auth/refresh', json, `{"refresh_token":"${current[at]}"}`)
          : await connection.ask(
              'POST',
              '/oauth/token',
              form,
              `grant_type=refresh_token&client_id=${application}&refresh_token=${current[at]}`,
            )
      expect(answer.status === 200, 'a refresh was rejected', answer)
      const { refresh_token, access_token } = JSON.parse(answer.body.toString('latin1')) as Record<string, unknown>
      expect(
        typeof refresh_token === 'string' && typeof access_token === 'string',
        'a refresh returned no pair',
        answer,
      )
      expect(refresh_token !== current[at], 'a refresh returned the same token', answer)
      current[at] = refresh_token
      rotations[at] = (rotations[at] ?? 0) + 1
    })
    for (const [at, token] of current.entries()) {
      if (!isReadable(token)) continue
      const turns = generationOf(token) - generationOf(tokens[at] ?? '')
      if (turns !== rotations[at]) throw new Error(`${rotations[at]} refreshes moved a session by ${turns} generations`)
    }
    return { round, tokens: current }
  },

  /** W2. Every response must equal the person’s first one byte for byte. */
  async me({ port, seconds, tokens }: { port: number; seconds: number; tokens: string[] }) {
    const first: Buffer[] = []
    const headers = tokens.map((token) => `Authorization: Bearer ${token}\r\n${acceptJson}`)
    const round = await repeat(port, seconds, async (connection, client) => {
      const answer = await connection.ask('GET', '/me', headers[client % headers.length] ?? '')
      first[client] ??= answer.body
      expect(answer.status === 200 && answer.body.equals(first[client]), 'who am I?', answer)
    })
    if (new Set(first.map(String)).size !== Math.min(tokens.length, clients)) throw new Error('people were mixed up')
    return { round }
  },

  /**
   * W3. Start, return with a code, be signed in with a pair. The provider’s page is left out: the code is computed (see
   * `provider.ts`), and the servers cannot tell the difference.
   *
   * With `times`, each of that many people signs in once. Otherwise `people` sign in repeatedly, each client with its
   * own people in turn.
   */
  async signIn({ port, seconds, times, known, people = clients }: SignIns) {
    const action = known ? 'login_existing' : 'created_new_user'
    const pairs: { access_token: string; refresh_token: string }[] = []
    const sign = async (connection: Connection, person: number): Promise<void> => {
      const begun = await connection.ask('GET', '/auth/local', acceptJson)
      const location = /\r\nlocation: (\S+)/i.exec(begun.head)?.[1]
      const cookie = /\r\nset-cookie: ([^;]+)/i.exec(begun.head)?.[1]
      expect(
        begun.status === 303 && location !== undefined && cookie !== undefined,
        'no redirect to the provider',
        begun,
      )
      const { state, code_challenge } = Object.fromEntries(new URL(location).searchParams)
      const code = Buffer.from(JSON.stringify({ subject: `person-${person}`, code_challenge })).toString('base64url')
      const back = `/auth/local/callback?code=${code}&state=${state}`
      const answer = await connection.ask('GET', back, `${acceptJson}Cookie: ${cookie}\r\n`)
      expect(answer.status === 200, 'a sign-in failed', answer)
      const entered = JSON.parse(answer.body.toString())
      expect(entered.action === action && entered.user.email === `person-${person}@example.com`, 'wrong person', answer)
      pairs[person] = entered
    }
    if (times === undefined) {
      const turns = Array.from({ length: clients }, () => 0)
      const round = await repeat(port, seconds, (connection, client) => {
        const turn = turns[client] ?? 0
        turns[client] = turn + 1
        return sign(connection, (client + clients * turn) % people)
      })
      return { round, pairs }
    }
    for (let person = 0; person < times; person++) {
      const connection = new Connection(port)
      await sign(connection, person)
      connection.close()
    }
    return { pairs }
  },

  /** Pages and lists. Each client requests all of them in turn. */
  async read({ port, seconds, paths, token }: { port: number; seconds: number; paths: string[]; token: string }) {
    const next = Uint32Array.from({ length: clients }, (_, client) => client)
    const headers = `Authorization: Bearer ${token}\r\nAccept: text/html, application/json\r\n`
    const round = await repeat(port, seconds, async (connection, client) => {
      const path = paths[(next[client] ?? 0) % paths.length] ?? ''
      next[client] = (next[client] ?? 0) + 1
      const answer = await connection.ask('GET', path, headers)
      expect(answer.status === 200, `${path} was refused`, answer)
    })
    return { round }
  },

  /** Sign-ins with a wrong password, each for another email address. */
  async refused({ port, seconds }: { port: number; seconds: number }) {
    let n = 0
    const round = await repeat(port, seconds, async (connection) => {
      const body = JSON.stringify({ username: `nobody-${n++}@example.com`, password: 'not the password of anybody' })
      const answer = await connection.ask('POST', '/auth/token', json, body)
      expect(answer.status === 401 || answer.status === 429, 'a wrong password was not rejected', answer)
    })
    return { round }
  },

  /** Creates that many accounts with a password, one after the other. */
  async register({ port, people }: { port: number; people: number }) {
    const connection = new Connection(port)
    for (let n = 0; n < people; n++) {
      const body = JSON.stringify({ email: `person-${n}@example.com`, password: `correct horse battery ${n}` })
      const answer = await connection.ask('POST', '/auth/register', json, body)
      expect(answer.status === 201, 'an account was not created', answer)
    }
    connection.close()
  },

  /** All of them sign in at the same moment, while another connection polls /health/live every few milliseconds. */
  async logins({ port, people }: { port: number; people: number }) {
    let over = false
    const waits: number[] = []
    const watching = (async () => {
      const connection = new Connection(port)
      while (!over) {
        const sentAt = performance.now()
        const answer = await connection.ask('GET', '/health/live', acceptJson)
        expect(answer.status === 200, '/health/live failed', answer)
        waits.push(performance.now() - sentAt)
        await new Promise((resolve) => setTimeout(resolve, 5))
      }
      connection.close()
    })()
    const started = performance.now()
    await Promise.all(
      Array.from({ length: people }, async (_, n) => {
        const connection = new Connection(port)
        const body = JSON.stringify({ username: `person-${n}@example.com`, password: `correct horse battery ${n}` })
        const answer = await connection.ask('POST', '/auth/token', json, body)
        expect(answer.status === 200, 'a sign-in failed', answer)
        connection.close()
      }),
    )
    const seconds = (performance.now() - started) / 1000
    over = true
    await watching
    const sorted = Float64Array.from(waits).sort()
    return { perSecond: people / seconds, longestWait: sorted.at(-1) ?? Number.NaN, waits: sorted.length }
  },
})
reportReady()
