import { readFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import pg from 'pg'
import { BusyError } from '../kernel/busy.ts'
import { currentLimit, type Limit, whenOver } from '../kernel/limit.ts'
import type { PostgresAddress, TlsMode } from '../kernel/postgres-url.ts'
import { busy, codeOf, type Health, unavailableReasonOf } from './availability.ts'
import { createStatementNames } from './statement-names.ts'

/**
 * The pool of PostgreSQL connections: who may use one, for how long, and when it is destroyed.
 *
 * Why `pg` and not `postgres` 3.4: both were measured with eight connections that a proxy resets. 24 callers read
 * existing rows for 30 s. With a reset every 150 ms, `postgres` answered 22,739 reads. Its callers waited up to 5.9 s,
 * and it threw `CONNECT_TIMEOUT` and an unhandled rejection. `pg` 8.23 answered 52,168 reads and took at most 161 ms.
 * With a reset every 700 ms: 30,023 reads and 14.8 s, against 77,454 and 213 ms. After a connection dropped with data
 * in its buffer, the next connection of `postgres` stayed silent for up to 20 s. `postgres` pipelines and `pg` does
 * not, but calls that arrive together are one statement here, so that gains little.
 */

/** How long connecting may take, in milliseconds. */
const connectMs = 5000
/** How long an idle connection is kept, in milliseconds. */
const idleMs = 60_000
/** How long the server may take to accept a cancel request, in milliseconds. The connection is dropped in any case. */
const cancelMs = 500
/** How long a statement or transaction of a job or a command may take, in milliseconds. */
export const backgroundMs = 60_000
/** How many callers may wait for a connection. More would only wait until their time is up. */
const maxWaiting = 1000

/**
 * How a statement affects others. `hot`: a lookup by key, which every request needs and which waits for no row.
 * `write`: one prepared statement that writes. `other`: transactions, lists, searches, jobs. A pool busy with `other`
 * must still have a connection for `hot`, or one slow search makes everyone wait.
 */
export type Lane = 'hot' | 'write' | 'other'

const maxOf = (max: number) => {
  const reserved = max >= 4 ? 2 : max >= 2 ? 1 : 0
  /** How many connections `other` may use, and how many `write` and `other` may use together. */
  return { other: max - reserved, writing: max - Math.min(reserved, 1) }
}

/**
 * Times stay text, because Drizzle parses them itself. So does JSON: otherwise a JSON string that looks like a number
 * would become a number.
 */
const asText = new Set<number>([1082, 1114, 1184, 1186, 114, 3802])
const resultTypes: pg.CustomTypesConfig = {
  getTypeParser: (oid: number, format?: 'text' | 'binary') =>
    asText.has(oid) ? (value: string) => value : pg.types.getTypeParser(oid, format as 'text'),
} as pg.CustomTypesConfig

/** What the pool shares with each of its connections. */
type PoolState = {
  readonly lockMs: number
  readonly statementMs: number
  readonly nameOf: (text: string) => string | undefined
  /** Set permanently once a connection turns out to go through a pooler. */
  pooled: boolean
}
type Callback = (error: Error | null | undefined) => void
/** Members of `pg` that its types lack. */
type Internals = {
  readonly connection: { readonly stream: { destroy(error?: Error): void } }
  readonly processID: number | null
  readonly secretKey: number | Buffer | null
}
type QueryConfig = { readonly text: string; readonly rowMode?: 'array' }

/** The connection is gone, or sent something that cannot be understood. Whatever was sent over it has no answer. */
export class ConnectionLostError extends Error {
  override name = 'ConnectionLostError'
  readonly code = '08006'
}

/** One connection. It knows whether it is still usable, and how to cancel what it is doing. */
export class Connection extends pg.Client {
  readonly #shared: PoolState
  #lost: Error | undefined
  /** When the server last answered. */
  heardAt = performance.now()

  constructor(config: pg.ClientConfig & { shared: PoolState; requireChannelBinding?: boolean }) {
    super(config)
    this.#shared = config.shared
    if (config.requireChannelBinding) this.#insistOnChannelBinding()
    // `pg` emits `error` before it rejects the pending queries, so the cause is known by then.
    this.on('error', (error: Error) => {
      this.#lost ??= unavailableReasonOf('postgres', error)
        ? error
        : new ConnectionLostError(error.message, { cause: error })
    })
    this.once('end', () => {
      this.#lost ??= new ConnectionLostError('the connection has ended')
    })
  }

  /**
   * `pg` uses channel binding where the server offers it. A server that does not offer it, or asks for less than SCRAM,
   * may be an attacker in the middle.
   */
  #insistOnChannelBinding(): void {
    const { connection } = this as unknown as { connection: NodeJS.EventEmitter }
    let bound = false
    const insist = (message: { readonly mechanisms?: readonly string[] }): void => {
      bound ||= message.mechanisms?.includes('SCRAM-SHA-256-PLUS') === true
      if (!bound) this.destroy(new Error('the server does not offer the required channel binding'))
    }
    for (const step of ['SASL', 'CleartextPassword', 'MD5Password', 'Ok'])
      connection.on(`authentication${step}`, insist)
  }

  get lost(): Error | undefined {
    return this.#lost
  }

  /**
   * Connects and prepares the session, both within one time limit: a proxy may accept the connection and then swallow
   * every byte.
   */
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
   * A pooler such as PgBouncer may use another server connection for each transaction. Settings and named statements of
   * a session would then affect the next client. Such a pooler reports a process ID that it made up, so it is detected
   * without configuration. On a direct connection, the session gets time limits for statements that we could not
   * cancel. The limit for locks is half of that of a request.
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
   * Runs a query of Drizzle's. Without a pooler, the statement has a name, so the server parses it once. A result
   * without a completed command is not an empty result: no caller may conclude from it that a row does not exist.
   */
  async run(config: QueryConfig, values: unknown[]): Promise<pg.QueryResult> {
    const name = this.#shared.pooled ? undefined : this.#shared.nameOf(config.text)
    const { text, rowMode } = config
    const query = { text, values, types: resultTypes, ...(rowMode && { rowMode }), ...(name && { name }) }
    const result = (await super.query(query as pg.QueryConfig)) as pg.QueryResult
    if (!result.command) {
      this.destroy(new ConnectionLostError('the database sent a result without a completed command'))
      throw this.#lost ?? new ConnectionLostError('the database sent a result without a completed command')
    }
    return result
  }

  destroy(why: Error): void {
    this.#lost ??= why
    ;(this as unknown as Internals).connection.stream.destroy(why)
  }

  /**
   * Asks the server to cancel the current statement, then drops the connection. If it were only dropped, the statement
   * would stay in the queue for its lock and run once it gets it. If the cancel request is lost, the time limits of the
   * session or transaction end the statement.
   */
  async abandon(why: Error): Promise<void> {
    const { processID, secretKey } = this as unknown as Internals
    if (processID !== null && secretKey !== null) await cancel(this.host, this.port, processID, secretKey)
    this.destroy(why)
  }
}

/**
 * Sends a CancelRequest (PostgreSQL, 54.2.9) over a connection of its own, which the server closes once it has passed
 * the request on.
 */
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
    // Let the server close the connection first: PgBouncer discards the request of a client that closes it earlier.
    socket.on('connect', () => socket.write(Buffer.concat([request, key])))
    socket.on('end', () => socket.destroy())
    socket.resume()
  })
}

/** How `pg` connects. Reads the files that the address names. */
export function clientConfig(address: PostgresAddress, mode: TlsMode = address.tls.mode): pg.ClientConfig {
  const { tls } = address
  const file = (path: string | undefined): string | undefined => path && readFileSync(path, 'utf8')
  const ssl = {
    rejectUnauthorized: mode === 'verify-ca' || mode === 'verify-full',
    ca: tls.rootCert === 'system' ? undefined : file(tls.rootCert),
    cert: file(tls.cert),
    key: file(tls.key),
    passphrase: tls.keyPassword,
    // `verify-ca` checks only the CA; the host name in the certificate does not matter.
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
    // Detects that the peer has vanished even while the connection is idle.
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
  }
  return config as pg.ClientConfig
}

type QueuedCaller = { readonly lane: Lane; readonly start: () => void }

export type Connections = ReturnType<typeof createConnections>

/**
 * Runs work on connections, at most `max` at a time, each within the time limit of its request. A connection that may
 * be broken is destroyed, and the next caller gets another one. Throws `BusyError` if the queue is too long, the time
 * is up, or the database is unreachable.
 */
export function createConnections(parts: {
  readonly config: pg.ClientConfig
  readonly max: number
  readonly requestMs: number
  readonly pooled: boolean
  readonly health: Health
}) {
  const { config, max, requestMs, health } = parts
  const shared: PoolState = {
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
  // Nothing to do when an idle connection ends: the pool has already removed it.
  pool.on('error', () => {})

  const most = maxOf(max)
  const running: Record<Lane, number> = { hot: 0, write: 0, other: 0 }
  const inUse = new Set<Connection>()
  let line: QueuedCaller[] = []
  let closed = false
  /**
   * Start time of the last call without an answer. Connections that have not answered since then may be dead as well.
   */
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
    if (line.length >= maxWaiting)
      throw health.failed('contended', new Error('too many callers are waiting for a database connection'))
    return new Promise((resolve, reject) => {
      const waiting: QueuedCaller = {
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
    // Start the caller that has waited longest among those whose lane has room. The first in the queue may not use
    // connections reserved for other lanes.
    for (;;) {
      const next = line.findIndex((each) => mayStart(each.lane))
      const [waiting] = next < 0 ? [] : line.splice(next, 1)
      if (!waiting) return
      running[waiting.lane]++
      waiting.start()
    }
  }

  /** Only the caller gives up waiting. The pool keeps the new connection for the next caller. */
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
            connection.destroy(new ConnectionLostError('the connection was idle while another one got no answer'))
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
          // Any failure to connect, even a changed password, means that nothing can be done now.
          reject(health.failed(unavailableReasonOf('postgres', error) ?? 'unreachable', error))
          leave(lane)
        },
      )
    })
  }

  function release(connection: Connection, broken = connection.lost !== undefined): void {
    inUse.delete(connection)
    ;(connection as unknown as pg.PoolClient).release(broken)
  }

  /** A server that has just become read-only or is shutting down must not get the next statement. */
  const endsConnection = (error: unknown): boolean =>
    unavailableReasonOf('postgres', error) === 'unreachable' || codeOf(error) === '25006'

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
          const late = new Error('the database did not answer within the time limit of the request')
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
            // `pg` reports a lost connection with another message for each statement; report the one cause instead.
            const cause = connection.lost ?? error
            settle(() => reject(cause), endsConnection(cause))
          },
        )
      })
    },
    /** Waits for running work, at most as long as a request may take; then ends it. */
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
