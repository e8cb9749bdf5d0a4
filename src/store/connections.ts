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
import pg from 'pg'
import { BusyError } from '../kernel/busy.ts'
import { currentLimit, type Limit, whenOver } from '../kernel/limit.ts'
import { busy, codeOf, type Health, unavailableReasonOf } from './availability.ts'
import { Connection, ConnectionLostError, type PoolState } from './connection.ts'
import { createStatementNames } from './statement-names.ts'

/** How long an idle connection is kept, in milliseconds. */
const idleMs = 60_000
/** How long a statement or transaction of a job or a command may take, in milliseconds. */
export const backgroundMs = 60_000
/**
 * How many connections are opened at the same time. Each costs the server a new process and its empty caches. If a whole
 * pool opened at once after a failure, a busy server would take so long that the next failure came before the first use.
 */
const openingAtOnce = 2
/** How often one caller tries to open a connection that is cut before it is ready. */
const openingAttempts = 5
/** Whether a connection ended without an error of the server. `pg` reports it in words, or with the code of the socket. */
const wasCut = (error: unknown): boolean =>
  /^(ECONNRESET|EPIPE|08006)$/.test(codeOf(error)) || (error as Error).message.startsWith('Connection terminated')
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

  /** The open connections, in use or idle. */
  const open = new Set<unknown>()
  pool.on('connect', (connection) => {
    open.add(connection)
    startWaiting()
  })
  pool.on('remove', (connection) => void open.delete(connection))

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
    const usable = Math.min(max, open.size + openingAtOnce)
    if (writing + running.hot >= usable) return false
    if (lane === 'hot') return true
    // While few connections are open, one of those few is for session checks: they must not wait for all to be opened.
    const shared = usable < max ? usable - 1 : max
    return writing < Math.min(most.writing, shared) && (lane === 'write' || running.other < most.other)
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
  function startWaiting(): void {
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
  const leave = (lane: Lane): void => {
    running[lane]--
    startWaiting()
  }

  /**
   * Only the caller gives up waiting. The pool keeps the new connection for the next caller. A connection that was cut
   * while it was being opened has carried nothing, so another one is opened.
   */
  function checkOut(limit: Limit, lane: Lane, attempt = 1): Promise<Connection> {
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
            if (!over) return checkOut(limit, lane, attempt).then(resolve, reject)
          } else {
            if (!over) return resolve(connection)
            release(connection)
          }
          leave(lane)
        },
        (error: unknown) => {
          unwatch()
          if (!over && attempt < openingAttempts && wasCut(error))
            return checkOut(limit, lane, attempt + 1).then(resolve, reject)
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
      const { rowsChanged } = connection
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
              // A read shows nothing about writes, nor does an UPDATE that matched no row: a full disk allows both.
              health.worked(connection.rowsChanged > rowsChanged)
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
