/** One connection to PostgreSQL: how it is made, whether it is still usable, and how what it is doing is canceled. */
import { readFileSync } from 'node:fs'
import { connect as connectSocket } from 'node:net'
import pg from 'pg'
import type { PostgresAddress, TlsMode } from '../kernel/postgres-url.ts'
import { unavailableReasonOf } from './availability.ts'

/** How long connecting may take, in milliseconds. */
const connectMs = 5000
/** How long the server may take to accept a cancel request, in milliseconds. The connection is dropped in any case. */
const cancelMs = 500

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
export type PoolState = {
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
type QueryConfig = { readonly text: string; readonly name?: string; readonly rowMode?: 'array' }

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
  /** How many rows its statements changed, including those of transactions that were rolled back. */
  rowsChanged = 0

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
   * Runs a query of Drizzle's. Without a pooler, the server parses a named statement only once, and keeps it under a
   * hash of its text. A result without a completed command is not an empty result: no caller may conclude from it that
   * a row does not exist.
   */
  async run(config: QueryConfig, values: unknown[]): Promise<pg.QueryResult> {
    const name = config.name && !this.#shared.pooled ? this.#shared.nameOf(config.text) : undefined
    const { text, rowMode } = config
    const query = { text, values, types: resultTypes, ...(rowMode && { rowMode }), ...(name && { name }) }
    const result = (await super.query(query as pg.QueryConfig)) as pg.QueryResult
    if (!result.command) {
      this.destroy(new ConnectionLostError('the database sent a result without a completed command'))
      throw this.#lost ?? new ConnectionLostError('the database sent a result without a completed command')
    }
    if (result.command !== 'SELECT') this.rowsChanged += result.rowCount ?? 0
    return result
  }

  destroy(why: Error): void {
    this.#lost ??= why
    ;(this as unknown as Internals).connection.stream.destroy(why)
  }

  /**
   * Asks the server to cancel the current statement, then drops the connection. If it were only dropped, the statement
   * would stay in the queue for its lock and run once it gets it. If the cancel request is lost, the time limits of the
   * session or transaction end the statement. The connection counts as lost at once: while the server is asked, the
   * statement may end, and its transaction must not go on.
   */
  async abandon(why: Error): Promise<void> {
    this.#lost ??= why
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
