import type { Database } from 'better-sqlite3'
import { BusyError } from '../kernel/busy.ts'
import { currentLimit, type Limit } from '../kernel/limit.ts'
import { codeOf, type Health, translateError } from './availability.ts'

type Work = {
  readonly run: () => unknown
  /** A single statement that fails undoes itself; a script needs a savepoint to roll back to. */
  readonly savepoint: boolean
  readonly limit: Limit
  readonly resolve: (value: never) => void
  readonly reject: (reason: unknown) => void
}
/** A script threw without a savepoint: the whole group is rolled back. */
class ScriptError extends Error {}
/** `wrote`: it changed at least one row. */
type Outcome =
  | { readonly ok: true; readonly value: unknown; readonly wrote: boolean }
  | { readonly ok: false; readonly error: unknown }

/** How many writes share one transaction: with hundreds, everyone would wait until the last one is done. */
const maxAtOnce = 64

/** How many more turns a group may wait, as long as each turn brings more writes. */
const maxTurns = 8

/** How many writes may wait while another process has locked the file. */
const maxWaiting = 1000

/** How long to wait before trying a locked file again, in milliseconds. */
const retryMs = 20

type GroupParts = {
  readonly health: Health
  /** How long work outside of any request waits, in milliseconds. */
  readonly requestMs: number
  /** Throws if a commit would not reach the file at the configured path. */
  readonly checkFiles: () => void
}

/**
 * Group commit: writes that arrive in one turn of the event loop share one transaction. Any number of them waits for
 * the disk once. Where several have arrived, more are likely in the next turn, and a commit costs more CPU than a turn.
 * So the group grows until a turn brings no more. A single write is committed at once. A promise settles only after the
 * COMMIT: whatever was acknowledged is durable. A script that throws is rolled back alone; if the transaction itself is
 * lost, every script in it fails.
 *
 * While another process has locked the file, nothing blocks the event loop: the `busy_timeout` of the connection is
 * zero. Waiting writes are tried again from a timer until their time limit ends. Reads continue.
 */
export function createGroupCommit(connection: Database, { health, requestMs, checkFiles }: GroupParts) {
  const begin = connection.prepare('BEGIN IMMEDIATE')
  const commit = connection.prepare('COMMIT')
  const rollback = connection.prepare('ROLLBACK')
  const mark = connection.prepare('SAVEPOINT work')
  const undo = connection.prepare('ROLLBACK TO work')
  const release = connection.prepare('RELEASE work')
  const totalChanges = connection.prepare('SELECT total_changes()').pluck()
  /** Counted only where it decides whether the database is available again: writes must not pay for it. */
  const rowsChanged = (): unknown => (health.isHealthy() ? undefined : totalChanges.get())

  let waiting: Work[] = []
  let lastOfTurn: { readonly run: () => void; readonly size: () => number }[] = []
  /** The size of the group one turn ago, and how many turns it has waited. */
  let gathered = 1
  let turns = 0
  let commits = 0
  let closed = false
  let retry: NodeJS.Timeout | undefined

  function attempt({ run, savepoint }: Work, marked: boolean): Outcome {
    try {
      const before = rowsChanged()
      if (savepoint && marked) mark.run()
      const value = run()
      if (savepoint && marked) release.run()
      return { ok: true, value, wrote: rowsChanged() !== before }
    } catch (error) {
      // After a full disk, an I/O error and similar errors, SQLite rolls the whole transaction back itself.
      if (!connection.inTransaction) throw error
      if (savepoint && !marked) throw new ScriptError('', { cause: error })
      if (savepoint) {
        undo.run()
        release.run()
      }
      return { ok: false, error: translate(error) }
    }
  }

  const translate = (error: unknown): unknown => translateError('sqlite', error, health)

  /**
   * Returns `undefined` if another process has locked the file; nothing was done then. Scripts rarely throw, so they
   * first run without savepoints. If one throws, everything is rolled back and run again with savepoints (`marked`).
   */
  function perform(group: readonly Work[], marked = false): readonly Outcome[] | undefined {
    try {
      checkFiles()
      begin.run()
    } catch (error) {
      if (codeOf(error).startsWith('SQLITE_BUSY')) return undefined
      return group.map(() => ({ ok: false, error: translate(error) }))
    }
    try {
      const outcomes = group.map((work) => attempt(work, marked))
      commit.run()
      // The COMMIT of a group that changed nothing writes nothing: it succeeds on a full disk, too.
      health.worked(outcomes.some((outcome) => outcome.ok && outcome.wrote))
      return outcomes
    } catch (error) {
      if (connection.inTransaction) rollback.run()
      if (error instanceof ScriptError) {
        return group.length > 1 ? perform(group, true) : [{ ok: false, error: translate(error.cause) }]
      }
      return group.map(() => ({ ok: false, error: translate(error) }))
    }
  }

  const idle = () => waiting.length === 0 && lastOfTurn.length === 0
  /** Work whose caller has given up is not run. */
  function isDue(work: Work): boolean {
    if (!work.limit.isOver()) return true
    work.reject(health.failed('contended', new Error('another process holds the database file')))
    return false
  }
  /** Whether a turn is already scheduled; one serves all writes that arrive until then. */
  let scheduled = false
  function soon(): void {
    if (scheduled) return
    scheduled = true
    setImmediate(endTurn)
  }
  function endTurn(): void {
    scheduled = false
    const size = lastOfTurn.reduce((sum, { size }) => sum + size(), waiting.length)
    if (size > gathered && size < maxAtOnce && turns < maxTurns) {
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
    // Writes added here are committed just below.
    scheduled = true
    for (const { run } of last) run()
    scheduled = false
    // Calls that arrived in the meantime get a turn of their own.
    if (lastOfTurn.length > 0) soon()
    if (retry !== undefined) return
    const group = waiting.slice(0, maxAtOnce)
    if (group.length === 0) return
    const outcomes = perform(group)
    if (outcomes === undefined) {
      retry = setTimeout(tryAgain, retryMs)
      return
    }
    waiting = waiting.slice(maxAtOnce)
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
    /**
     * Increases with each group, whatever its result: while it is unchanged, nothing was written through this
     * connection.
     */
    commits: (): number => commits,
    /**
     * Runs `run` just before the writes of the turn are committed, so that its writes are included. `size` reports how
     * many it adds.
     */
    endOfTurn(run: () => void, size = () => 1): void {
      soon()
      lastOfTurn.push({ run, size })
    },
    join<T>(savepoint: boolean, run: () => T): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        if (closed) return reject(new BusyError('the store', 5))
        if (retry !== undefined && waiting.length >= maxWaiting)
          return reject(health.failed('contended', new Error(`${maxWaiting} writes are waiting`)))
        if (retry === undefined) soon()
        waiting.push({ run, savepoint, limit: currentLimit(requestMs), resolve, reject })
      })
    },
    /** Commits what is queued, and accepts nothing more. */
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
