import type { Database } from 'better-sqlite3'
import { BusyError } from '../kernel/busy.ts'

type Work = {
  readonly run: () => unknown
  /** A single statement undoes itself when it fails; a script needs a savepoint to go back to. */
  readonly savepoint: boolean
  readonly resolve: (value: never) => void
  readonly reject: (reason: unknown) => void
}
type Outcome = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown }

/** How many share one transaction: hundreds at once must not keep everybody else waiting until the last is done. */
const mostAtOnce = 64

/**
 * Group commit: writes that arrive in one turn of the event loop share one transaction, so that any number of
 * them waits for the disk once. A promise is settled only after the COMMIT: whatever was acknowledged is
 * durable. A script that throws is undone alone; when the transaction itself is lost, everybody in it is told.
 */
export function createGroupCommit(connection: Database) {
  const begin = connection.prepare('BEGIN IMMEDIATE')
  const commit = connection.prepare('COMMIT')
  const rollback = connection.prepare('ROLLBACK')
  const mark = connection.prepare('SAVEPOINT work')
  const undo = connection.prepare('ROLLBACK TO work')
  const release = connection.prepare('RELEASE work')

  let waiting: Work[] = []
  let lastOfTurn: (() => void)[] = []
  let commits = 0
  let closed = false

  function attempt({ run, savepoint }: Work): Outcome {
    try {
      if (savepoint) mark.run()
      const value = run()
      if (savepoint) release.run()
      return { ok: true, value }
    } catch (error) {
      // A full disk, an I/O error and their like make SQLite roll the whole transaction back by itself.
      if (!connection.inTransaction) throw error
      if (savepoint) {
        undo.run()
        release.run()
      }
      return { ok: false, error }
    }
  }

  function perform(group: readonly Work[]): readonly Outcome[] {
    try {
      begin.run()
      const outcomes = group.map(attempt)
      commit.run()
      return outcomes
    } catch (error) {
      if (connection.inTransaction) rollback.run()
      // Another process has held the file for longer than we wait: nothing is wrong with what was asked.
      const busy = (error as { code?: string }).code === 'SQLITE_BUSY'
      const told = busy ? new BusyError('the database', 1, error) : error
      return group.map(() => ({ ok: false, error: told }))
    }
  }

  const idle = () => waiting.length === 0 && lastOfTurn.length === 0
  function flush(): void {
    const last = lastOfTurn
    lastOfTurn = []
    for (const run of last) run()
    const group = waiting.slice(0, mostAtOnce)
    if (group.length === 0) return
    waiting = waiting.slice(mostAtOnce)
    if (waiting.length > 0) setImmediate(flush)
    const outcomes = perform(group)
    commits += 1
    group.forEach(({ resolve, reject }, n) => {
      const outcome = outcomes[n] as Outcome
      if (outcome.ok) resolve(outcome.value as never)
      else reject(outcome.error)
    })
  }

  return {
    /** Grows with each group, whatever came of it: while it stands still, nothing was written through here. */
    commits: (): number => commits,
    /** Runs when the turn is over, just before its writes are committed: what it joins is among them. */
    endOfTurn(run: () => void): void {
      if (idle()) setImmediate(flush)
      lastOfTurn.push(run)
    },
    join<T>(savepoint: boolean, run: () => T): Promise<T> {
      return new Promise<T>((resolve, reject) => {
        if (closed) return reject(new Error('the store is closed'))
        if (idle()) setImmediate(flush)
        waiting.push({ run, savepoint, resolve, reject })
      })
    },
    /** Commits what is queued, and takes nothing more. */
    close(): void {
      while (!idle()) flush()
      closed = true
    },
  }
}
