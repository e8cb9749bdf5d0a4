import { readFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import pg from 'pg'
import { BusyError } from '../kernel/busy.ts'
import { currentLimit, type Limit, whenOver } from '../kernel/limit.ts'
import type { PostgresAddress, TlsMode } from '../kernel/postgres-url.ts'
import { busy, codeOf, type Health, notNowOf } from './not-now.ts'
import { createStatementNames } from './statement-names.ts'

/**
 * The connections to PostgreSQL: who may use one, for how long, and what becomes of it.
 *
 * `pg` rather than `postgres` 3.4, measured side by side with eight connections that a proxy resets, and 24 callers
 * that read rows which exist, for 30 s. Reset every 150 ms, `postgres` answered 22,739 times and callers waited up to
 * 5.9 s, with `CONNECT_TIMEOUT` and an unhandled rejection; `pg` 8.23 answered 52,168 times, and the longest wait was
 * 161 ms. Reset every 700 ms: 30,023 and 14.8 s, against 77,454 and 213 ms. After a connection had dropped with data in
 * its buffer, the next one of `postgres` stayed silent for up to 20 s. It also pipelines, which `pg` does not; what
 * arrives together is one statement here, so that is worth little.
 */

/** How long connecting may take, in milliseconds. */
const connectMs = 5000
/** How long a connection nobody uses is kept. */
const idleMs = 60_000
/** How long a cancelled statement may take to end before its connection is dropped all the same. */
const cancelMs = 500
/** How long a statement or transaction of a job or a command may take. */
export const backgroundMs = 60_000
/** How many may wait in line for a connection: more would only wait to be told that it is too late. */
const mostWaiting = 1000

/**
 * What a statement is to the others. `hot`: a look-up by key, which every request needs and which waits for no row.
 * `write`: one prepared statement that writes. `other`: transactions, lists, searches, jobs. A pool full of the last
 * kind must still have a connection for the first, or one slow search makes everybody wait.
 */
export type Lane = 'hot' | 'write' | 'other'

const mostOf = (max: number) => {
  const reserved = max >= 4 ? 2 : max >= 2 ? 1 : 0
  /** How many connections the others may take together, and those of `write` and `other` together. */
  return { other: max - reserved, writing: max - Math.min(reserved, 1) }
}

/** Times stay text, which Drizzle reads itself; JSON too, or a JSON text that looks like a number would become one. */
const asText = new Set<number>([1082, 1114, 1184, 1186, 114, 3802])
const resultTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    asText.has(oid) ? (value: string) => value : pg.types.getTypeParser(oid, format as 'text'),
} as pg.CustomTypesConfig

/** What the pool shares with each of its connections. */
type Shared = {
  readonly lockMs: number
  readonly statementMs: number
  readonly nameOf: (text: string) => string | undefined
  /** Set for good once a connection turns out to lead through a pooler. */
  pooled: boolean
}
type Callback = (error: Error | null | undefined) => void
/** What `pg` has and its types do not. */
type Internals = {
  readonly connection: { readonly stream: { destroy(error?: Error): void } }
  readonly processID: number | null
  readonly secretKey: number | Buffer | null
}
type QueryConfig = { readonly text: string; readonly rowMode?: 'array' }

/** The connection is there no more, or says nothing that could be understood: whatever it was asked is unanswered. */
export class ConnectionLostError extends Error {
  override name = 'ConnectionLostError'
  readonly code = '08006'
}

/** One connection, which knows whether it still is one, and how to end what it does. */
export class Connection extends pg.Client {
  readonly #shared: Shared
  #lost: Error | undefined
  /** When it was last heard of. */
  heardAt = performance.now()

  constructor(config: pg.ClientConfig & { shared: Shared; requireChannelBinding?: boolean }) {
    super(config)
    this.#shared = config.shared
    if (config.requireChannelBinding) this.#insistOnChannelBinding()
    // `pg` says so before it fails what was asked, so that by then we know why.
    this.on('error', (error: Error) => {
      this.#lost ??= notNowOf('postgres', error) ? error : new ConnectionLostError(error.message, { cause: error })
    })
    this.once('end', () => {
      this.#lost ??= new ConnectionLostError('the connection has ended')
    })
  }

  /** `pg` binds where the server offers it. One that does not, or asks for less than SCRAM, may be somebody in between. */
  #insistOnChannelBinding(): void {
    const { connection } = this as unknown as { connection: NodeJS.EventEmitter }
    let bound = false
    const insist = (message: { readonly mechanisms?: readonly string[] }): void => {
      bound ||= message.mechanisms?.includes('SCRAM-SHA-256-PLUS') === true
      if (!bound) this.destroy(new Error('the server does not offer the channel binding that is required'))
    }
    for (const step of ['SASL', 'CleartextPassword', 'MD5Password', 'Ok'])
      connection.on(`authentication${step}`, insist)
  }

  get lost(): Error | undefined {
    return this.#lost
  }

  /** Connects and prepares the session, both within one limit: a proxy may let us in and then swallow every byte. */
  override connect(): Promise<pg.Client>
  override connect(callback: Callback): void
  override connect(callback?: Callback): Promise<pg.Client> | undefined {
    if (!callback)
      return new Promise((resolve, reject) => this.connect((error) => (error ? reject(error) : resolve(this))))
    const tooLate = setTimeout(
      () => this.destroy(Object.assign(new Error('connecting to the database took too long'), { code: 'ETIMEDOUT' })),
      connectMs,
    )
    const done: Callback = (error) => {
      clearTimeout(tooLate)
      if (error) this.destroy(error)
      callback(error)
    }
    super.connect((error: Error | null | undefined) => {
      if (error) done(error)
      else this.#prepareSession().then(() => done(null), done)
    })
    return undefined
  }

  /**
   * Between us and the server there may be a pooler that lends us another server connection for each transaction
   * (PgBouncer and its like): settings and named statements of a session then belong to the next client. Such a
   * pooler gives us a process id of its own making, so it need not be configured to be noticed. Directly connected,
   * the session has limits of its own, for what we could not cancel: locks are waited for as long as half a request.
   */
  async #prepareSession(): Promise<void> {
    const { processID } = this as unknown as Internals
    const { lockMs, statementMs } = this.#shared
    const set = Object.entries({ lock_timeout: lockMs, statement_timeout: statementMs })
      .map(([name, ms]) => `set_config('${name}', '${Math.ceil(ms)}', false)`)
      .join(' || ')
    const { rows } = await super.query<{ direct: boolean }>(
      `select pg_backend_pid() = ${Number(processID)} as direct,
        case when pg_backend_pid() = ${Number(processID)} then ${set} end`,
    )
    if (rows[0]?.direct !== true) this.#shared.pooled = true
  }

  /**
   * A query of Drizzle's. Its statement keeps a name, and so is parsed once, unless there is a pooler. A result that no
   * command completed is not an empty one: nobody may conclude from it that a row does not exist.
   */
  async run(config: QueryConfig, values: unknown[]): Promise<pg.QueryResult> {
    const name = this.#shared.pooled ? undefined : this.#shared.nameOf(config.text)
    const { text, rowMode } = config
    const query = { text, values, types: resultTypes, ...(rowMode && { rowMode }), ...(name && { name }) }
    const result = (await super.query(query as pg.QueryConfig)) as pg.QueryResult
    if (!result.command) {
      this.destroy(new ConnectionLostError('the database answered something else than it was asked'))
      throw this.#lost ?? new ConnectionLostError('the database answered something else than it was asked')
    }
    return result
  }

  destroy(why: Error): void {
    this.#lost ??= why
    ;(this as unknown as Internals).connection.stream.destroy(why)
  }

  /**
   * Asks the server to end what this connection waits for, then drops it. Dropped alone, the statement would stay in
   * the line for its lock, and be carried out when it gets it. Where the request does not arrive, the limits of the
   * session or of the transaction end it.
   */
  async abandon(why: Error): Promise<void> {
    const { processID, secretKey } = this as unknown as Internals
    if (processID !== null && secretKey !== null) await cancel(this.host, this.port, processID, secretKey)
    this.destroy(why)
  }
}

/** CancelRequest (PostgreSQL, 54.2.9): a connection of its own, which the server closes when it has passed it on. */
function cancel(host: string, port: number, processId: number, secretKey: number | Buffer): Promise<void> {
  const key = Buffer.isBuffer(secretKey) ? secretKey : Buffer.alloc(4)
  if (typeof secretKey === 'number') key.writeInt32BE(secretKey | 0)
  const request = Buffer.alloc(12)
  request.writeInt32BE(12 + key.length, 0)
  request.writeInt32BE(80_877_102, 4)
  request.writeInt32BE(processId | 0, 8)
  return new Promise((resolve) => {
    const socket = host.startsWith('/') ? connectSocket(`${host}/.s.PGSQL.${port}`) : connectSocket(port, host)
    socket.setTimeout(cancelMs, () => socket.destroy())
    socket.on('error', () => {})
    socket.on('close', () => resolve())
    // The other end closes: PgBouncer forgets the request of a client that did so first.
    socket.on('connect', () => socket.write(Buffer.concat([request, key])))
    socket.on('end', () => socket.destroy())
    socket.resume()
  })
}

/** How `pg` is to connect. Reads the files the address names. */
export function clientConfig(address: PostgresAddress, mode: TlsMode = address.tls.mode): pg.ClientConfig {
  const { tls } = address
  const file = (path: string | undefined): string | undefined => path && readFileSync(path, 'utf8')
  const ssl = {
    rejectUnauthorized: mode === 'verify-ca' || mode === 'verify-full',
    ca: tls.rootCert === 'system' ? undefined : file(tls.rootCert),
    cert: file(tls.cert),
    key: file(tls.key),
    passphrase: tls.keyPassword,
    // The CA alone vouches; whose certificate it is does not matter.
    ...(mode === 'verify-ca' && { checkServerIdentity: () => undefined }),
  }
  const known = Object.fromEntries(Object.entries(ssl).filter(([, value]) => value !== undefined))
  const config = {
    host: address.host,
    port: address.port,
    user: address.user,
    password: address.password,
    database: address.database,
    application_name: address.applicationName,
    options: address.options,
    ssl: mode === 'off' ? false : known,
    ...(tls.direct && { sslnegotiation: 'direct' }),
    ...(mode !== 'off' && tls.channelBinding !== 'off' && { enableChannelBinding: true }),
    ...(tls.channelBinding === 'require' && { requireChannelBinding: true }),
    // A peer that vanished is noticed while nothing is asked of it.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  }
  return config as pg.ClientConfig
}

type Waiting = { readonly lane: Lane; readonly start: () => void }

export type Connections = ReturnType<typeof createConnections>

/**
 * Runs work on connections, at most `max` at a time, each within the limit of the request it is for. Whatever ends it,
 * a connection that may be broken is destroyed, and the next caller gets another. Throws `BusyError` where the line is
 * too long, the time is up, or the database cannot be reached.
 */
export function createConnections(parts: {
  readonly config: pg.ClientConfig
  readonly max: number
  readonly requestMs: number
  readonly pooled: boolean
  readonly health: Health
}) {
  const { config, max, requestMs, health } = parts
  const shared: Shared = {
    lockMs: requestMs / 2,
    statementMs: backgroundMs,
    nameOf: createStatementNames(),
    pooled: parts.pooled,
  }
  const pool = new pg.Pool({
    ...config,
    max,
    idleTimeoutMillis: idleMs,
    shared,
    Client: Connection,
  } as unknown as pg.PoolConfig)
  // An idle connection that ends is no fault of anybody's: the pool has removed it.
  pool.on('error', () => {})

  const most = mostOf(max)
  const running: Record<Lane, number> = { hot: 0, write: 0, other: 0 }
  const inUse = new Set<Connection>()
  let line: Waiting[] = []
  let closed = false
  /** Something that was asked then got no answer: a connection that was not heard of since may be as dead. */
  let suspectAt = Number.NEGATIVE_INFINITY

  const mayStart = (lane: Lane): boolean => {
    const writing = running.write + running.other
    if (writing + running.hot >= max) return false
    return lane === 'hot' || (writing < most.writing && (lane === 'write' || running.other < most.other))
  }
  const enter = (lane: Lane, limit: Limit): Promise<void> | undefined => {
    if (mayStart(lane) && !line.some((each) => each.lane === lane)) {
      running[lane]++
      return undefined
    }
    if (line.length >= mostWaiting) throw health.failed('contended', new Error('too many wait for a connection'))
    return new Promise((resolve, reject) => {
      const waiting: Waiting = {
        lane,
        start: () => {
          unwatch()
          resolve()
        },
      }
      line.push(waiting)
      const unwatch = whenOver(limit, true, () => {
        line = line.filter((each) => each !== waiting)
        reject(health.failed('contended', new Error('no connection was free in time')))
      })
    })
  }
  const leave = (lane: Lane): void => {
    running[lane]--
    // The caller that has waited longest, of those that may: what is reserved for some is not for the first in the line.
    for (;;) {
      const next = line.findIndex((each) => mayStart(each.lane))
      const [waiting] = next < 0 ? [] : line.splice(next, 1)
      if (!waiting) return
      running[waiting.lane]++
      waiting.start()
    }
  }

  /** The caller that waits for a connection gives up, not the pool: the connection is there for the next. */
  function checkOut(limit: Limit, lane: Lane): Promise<Connection> {
    return new Promise((resolve, reject) => {
      let over = false
      const unwatch = whenOver(limit, false, () => {
        over = true
        reject(health.failed('unreachable', new Error('the database could not be reached in time')))
      })
      ;(pool.connect() as unknown as Promise<Connection>).then(
        (connection) => {
          unwatch()
          if (connection.heardAt < suspectAt) {
            connection.destroy(new ConnectionLostError('the connection was idle while another got no answer'))
            release(connection)
            if (!over) return checkOut(limit, lane).then(resolve, reject)
          } else {
            if (!over) return resolve(connection)
            release(connection)
          }
          leave(lane)
        },
        (error: unknown) => {
          unwatch()
          // Whatever keeps us from connecting, a changed password included, keeps us from doing anything now.
          reject(health.failed(notNowOf('postgres', error) ?? 'unreachable', error))
          leave(lane)
        },
      )
    })
  }

  function release(connection: Connection, broken = connection.lost !== undefined): void {
    inUse.delete(connection)
    ;(connection as unknown as pg.PoolClient).release(broken)
  }

  /** A server that has just become read-only, or is shutting down, is not where the next statement should go. */
  const endsConnection = (error: unknown): boolean =>
    notNowOf('postgres', error) === 'unreachable' || codeOf(error) === '25006'

  return {
    shared,
    async use<T>(lane: Lane, work: (connection: Connection, limit: Limit) => Promise<T>): Promise<T> {
      if (closed) throw new BusyError('the store', 5)
      const limit = currentLimit(backgroundMs)
      if (limit.isOver()) throw busy('contended')
      const wait = enter(lane, limit)
      if (wait) await wait
      const connection = await checkOut(limit, lane)
      inUse.add(connection)
      return new Promise<T>((resolve, reject) => {
        const began = performance.now()
        let over = false
        const unwatch = whenOver(limit, false, () => {
          over = true
          suspectAt = began
          const late = new Error('the database took longer than a request may')
          reject(health.failed('contended', late))
          void connection.abandon(late).then(() => {
            release(connection, true)
            leave(lane)
          })
        })
        const settle = (finish: () => void, broken: boolean): void => {
          if (over) return
          unwatch()
          connection.heardAt = performance.now()
          release(connection, broken || connection.lost !== undefined)
          leave(lane)
          finish()
        }
        work(connection, limit).then(
          (value) =>
            settle(() => {
              health.worked(lane !== 'hot')
              resolve(value)
            }, false),
          (error: unknown) => {
            // Of a lost connection `pg` tells each statement something else; why it was lost is said once.
            const cause = connection.lost ?? error
            settle(() => reject(cause), endsConnection(cause))
          },
        )
      })
    },
    /** Lets what was begun finish, for as long as a request may take; then ends it. */
    async close(): Promise<void> {
      closed = true
      const cut = setTimeout(() => {
        for (const connection of inUse) connection.destroy(new ConnectionLostError('the store is closed'))
      }, requestMs)
      await pool.end()
      clearTimeout(cut)
    },
  }
}
