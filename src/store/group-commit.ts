import type { Database } from 'better-sqlite3'
import { BusyError } from '../kernel/busy.ts'
import { currentLimit, type Limit } from '../kernel/limit.ts'
import { codeOf, type Health, meaningOf } from './not-now.ts'

type Work = {
  readonly run: () => unknown
  /** A single statement undoes itself when it fails; a script needs a savepoint to go back to. */
  readonly savepoint: boolean
  readonly limit: Limit
  readonly resolve: (value: never) => void
  readonly reject: (reason: unknown) => void
}
/** A script threw without a savepoint: the whole group is undone. */
class ScriptError extends Error {}
type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown }

/** How many share one transaction: hundreds at once must not keep everybody else waiting until the last is done. */
const mostAtOnce = 64

/** For how many turns more a group gathers at most, as long as each of them brings more. */
const mostTurns = 8

/** How long until a file that another process holds is tried again, in milliseconds. */
const retryMs = 20

type GroupParts = {
  readonly health: Health
  /** How long work outside any request waits, in milliseconds. */
  readonly requestMs: number
  /** Throws when what is committed would not reach the file the path leads to. */
  readonly checkFiles: () => void
}

/**
 * Group commit: writes that arrive in one turn of the event loop share one transaction, so that any number of
 * them waits for the disk once. Where several have arrived, more are likely to come with the next turn, and a commit
 * costs more CPU than the turns do: the group gathers until a turn brings none. A single write is committed at once. A
 * promise is settled only after the COMMIT: whatever was acknowledged is durable. A script that throws is undone alone;
 * when the transaction itself is lost, every script in it fails.
 *
 * While another process holds the file, nobody waits for it on the event loop: the connection's own `busy_timeout` is
 * zero, and what waits is tried again from a timer until its limit is over. Reads continue.
 */
export function createGroupCommit(connection: Database, { health, requestMs, checkFiles }: GroupParts) {
  const begin = connection.prepare('BEGIN IMMEDIATE')
  const commit = connection.prepare('COMMIT')
  const rollback = connection.prepare('ROLLBACK')
  const mark = connection.prepare('SAVEPOINT work')
  const undo = connection.prepare('ROLLBACK TO work')
  const release = connection.prepare('RELEASE work')

  let waiting: Work[] = []
  let lastOfTurn: { readonly run: () => void; readonly size: () => number }[] = []
  /** How many had gathered a turn ago, and for how many turns they have. */
  let gathered = 1
  let turns = 0
  let commits = 0
  let closed = false
  let retry: NodeJS.Timeout | undefined

  function attempt({ run, savepoint }: Work, marked: boolean): Outcome {
    try {
      if (savepoint && marked) mark.run()
      const value = run()
      if (savepoint && marked) release.run()
      return { ok: true, value }
    } catch (error) {
      // A full disk, an I/O error and their like make SQLite roll the whole transaction back by itself.
      if (!connection.inTransaction) throw error
      if (savepoint && !marked) throw new ScriptError('', { cause: error })
      if (savepoint) {
        undo.run()
        release.run()
      }
      return { ok: false, error: toldOf(error) }
    }
  }

  const toldOf = (error: unknown): unknown => meaningOf('sqlite', error, health)

  /**
   * `undefined`: another process holds the file, and nothing was done. Scripts hardly ever throw, so they run without
   * savepoints first. When one throws, everything is undone and run again, this time with savepoints (`marked`).
   */
  function perform(group: readonly Work[], marked = false): readonly Outcome[] | undefined {
    try {
      checkFiles()
      begin.run()
    } catch (error) {
      if (codeOf(error).startsWith('SQLITE_BUSY')) return undefined
      return group.map(() => ({ ok: false, error: toldOf(error) }))
    }
    try {
      const outcomes = group.map((work) => attempt(work, marked))
      commit.run()
      health.worked(true)
      return outcomes
    } catch (error) {
      if (connection.inTransaction) rollback.run()
      if (error instanceof ScriptError) {
        return group.length > 1 ? perform(group, true) : [{ ok: false, error: toldOf(error.cause) }]
      }
      return group.map(() => ({ ok: false, error: toldOf(error) }))
    }
  }

  const idle = () => waiting.length === 0 && lastOfTurn.length === 0
  /** What nobody waits for any more is not carried out. */
  function isDue(work: Work): boolean {
    if (!work.limit.isOver()) return true
    work.reject(health.failed('contended', new Error('another process holds the database file')))
    return false
  }
  /** Once for all that gathers until then. */
  let scheduled = false
  function soon(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(endTurn)
  }
  function endTurn(): void {
    scheduled = false
    const size = lastOfTurn.reduce((sum, { size }) => sum + size(), waiting.length)
    if (size > gathered && size < mostAtOnce && turns < mostTurns) {
      gathered = size
      turns += 1
      soon()
      return
    }
    gathered = 1
    turns = 0
    flush()
  }
  function flush(): void {
    const last = lastOfTurn
    lastOfTurn = []
    // What these join is committed just below.
    scheduled = true
    for (const { run } of last) run()
    scheduled = false
    // What began to gather in the meantime has a turn of its own.
    if (lastOfTurn.length > 0) soon()
    if (retry !== undefined) return
    const group = waiting.slice(0, mostAtOnce)
    if (group.length === 0) return
    const outcomes = perform(group)
    if (outcomes === undefined) {
      retry = setTimeout(tryAgain, retryMs)
      return
    }
    waiting = waiting.slice(mostAtOnce)
    if (waiting.length > 0) soon()
    commits += 1
    group.forEach(({ resolve, reject }, n) => {
      const outcome = outcomes[n] as Outcome
      if (outcome.ok) resolve(outcome.value as never)
      else reject(outcome.error)
    })
  }
  function tryAgain(): void {
    retry = undefined
    waiting = waiting.filter(isDue)
    flush()
  }

  return {
    /** Grows with each group, whatever came of it: while it stands still, nothing was written through here. */
    commits: (): number => commits,
    /** Runs just before the writes of the turn are committed: what it joins is among them. It stands for `size` of them. */
    endOfTurn(run: () => void, size = () => 1): void {
      soon()
      lastOfTurn.push({ run, size })
    },
    join<T>(savepoint: boolean, run: () => T): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        if (closed) return reject(new BusyError('the store', 5))
        if (retry === undefined) soon()
        waiting.push({ run, savepoint, limit: currentLimit(requestMs), resolve, reject })
      })
    },
    /** Commits what is queued, and takes nothing more. */
    close(): void {
      clearTimeout(retry)
      retry = undefined
      while (!idle() && retry === undefined) flush()
      clearTimeout(retry)
      for (const { reject } of waiting) reject(new BusyError('the store', 5))
      waiting = []
      closed = true
    },
  }
}
