/**
 * The thread for long reads: one connection that can only read, and one statement at a time. It reports once that the
 * file is open, and then returns the rows or the error of each statement. `long-reads.ts` starts it.
 *
 * This file is JavaScript, so that a worker thread runs it as it is: from the build, and from the source on Node 20,
 * which reads no TypeScript.
 */
import { parentPort, workerData } from 'node:worker_threads'
import Database from 'better-sqlite3'

/** How long SQLite waits for a locked file, in milliseconds. Only this thread waits. */
const lockMs = 1000

/** @type {(message: import('./long-reads.ts').ThreadMessage) => void} */
const report = (message) => parentPort?.postMessage(message)

/** A structured clone keeps the message of an error and loses its code. @param {unknown} error */
function reportError(error) {
  const { message, code } = /** @type {{ message: string, code?: unknown }} */ (error)
  report({ tag: 'failed', message, code: String(code) })
}

function open() {
  const connection = new Database(String(workerData), { readonly: true, fileMustExist: true, timeout: lockMs })
  /** Keeps a reference to each statement; `connect-sqlite.ts` says why. @type {Map<string, Database.Statement<unknown[]>>} */
  const statements = new Map()

  /** @param {import('./long-reads.ts').LongRead} read */
  function run({ sql, params, asArrays }) {
    const statement = statements.get(sql) ?? connection.prepare(sql)
    statements.set(sql, statement)
    return statement.raw(asArrays).all(...params)
  }

  parentPort?.on('message', (read) => {
    try {
      report({ tag: 'rows', rows: run(read) })
    } catch (error) {
      reportError(error)
    }
  })
  report({ tag: 'open' })
}

try {
  open()
} catch (error) {
  reportError(error)
}
