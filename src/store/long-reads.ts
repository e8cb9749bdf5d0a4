import { Worker } from 'node:worker_threads'
import Database from 'better-sqlite3'
import { BusyError } from '../kernel/busy.ts'
import { currentLimit, type Limit, whenOver } from '../kernel/limit.ts'
import { type Health, translateError } from './availability.ts'

/** A statement that only reads, as Drizzle compiled it. `asArrays`: each row is an array of values, not an object. */
export type LongRead = { readonly sql: string; readonly params: readonly unknown[]; readonly asArrays: boolean }

/** What the thread reports: the file is open, the rows of a statement, or an error. */
export type ThreadMessage =
  | { readonly tag: 'open' }
  | { readonly tag: 'rows'; readonly rows: readonly unknown[] }
  | { readonly tag: 'failed'; readonly message: string; readonly code: string }

type Listener = { message(message: ThreadMessage): void; ended(cause: Error): void }
type Thread = {
  post(read: LongRead): void
  /** Whether the thread keeps the process alive. */
  hold(isHeld: boolean): void
  /** Resolves once the thread has ended; during a statement, that is after the statement. */
  end(): Promise<unknown>
}

type LongReadsParts = {
  readonly health: Health
  /** How long a read outside of any request may take, in milliseconds. */
  readonly requestMs: number
  /** Throws if the path leads to another file than the one that was opened. */
  readonly checkFiles: () => void
  readonly startThread: (listener: Listener) => Thread
}
type PendingRead = {
  readonly read: LongRead
  readonly limit: Limit
  readonly endWatch: () => void
  readonly resolve: (rows: readonly unknown[]) => void
  readonly reject: (reason: unknown) => void
}

/** How many reads may wait. */
const maxWaiting = 100
/** How many threads may exist: the current one, and one that still runs a statement after its deadline. */
const maxThreads = 2

/**
 * Runs long reads in a thread of their own. Because better-sqlite3 is synchronous, on the main thread one search
 * through a million rows would block every request. Reads run one after another, in the order they arrived.
 *
 * The thread starts with the first read, so that it does not slow down startup. A read that exceeds its time limit
 * fails with 503. Its statement cannot be canceled (better-sqlite3 has no `sqlite3_interrupt`). Its thread is abandoned
 * and ends with the statement, and the next read gets a new thread.
 */
export function createLongReads({ health, requestMs, checkFiles, startThread }: LongReadsParts) {
  let waiting: PendingRead[] = []
  let running: PendingRead | undefined
  let current: { readonly thread: Thread; isOpen: boolean } | undefined
  const ending = new Set<Promise<unknown>>()
  let isClosed = false

  function fail({ endWatch, reject }: PendingRead, error: unknown): void {
    endWatch()
    reject(error)
  }

  function failAll(error: unknown): void {
    const all = running ? [running, ...waiting] : waiting
    running = undefined
    waiting = []
    for (const pending of all) fail(pending, error)
  }

  /** Removes the current read from the thread and returns it. */
  function takeRunning(): PendingRead | undefined {
    const taken = running
    running = undefined
    return taken
  }

  function start(): void {
    try {
      const started = {
        isOpen: false,
        thread: startThread({
          // Ignore the messages of a thread that was abandoned.
          message: (message) => {
            if (current === started) receive(message)
          },
          ended: (cause) => {
            if (current === started) lose(started.isOpen, health.failed('unreachable', cause))
          },
        }),
      }
      current = started
    } catch (error) {
      // The process may have no more threads (ERR_WORKER_INIT_FAILED). Also runs in timers: there, it would end the process.
      cannotOpen(health.failed('contended', error))
    }
  }

  function receive(message: ThreadMessage): void {
    if (message.tag === 'open') {
      open()
    } else if (message.tag === 'rows') {
      health.worked(false)
      const done = takeRunning()
      done?.endWatch()
      done?.resolve(message.rows)
    } else {
      const error = translateError('sqlite', new Database.SqliteError(message.message, message.code), health)
      const failed = takeRunning()
      if (failed) fail(failed, error)
      else cannotOpen(error)
    }
    next()
  }

  function open(): void {
    try {
      // Another file at this path has other rows than the main thread reads.
      checkFiles()
      if (current) current.isOpen = true
    } catch (error) {
      cannotOpen(translateError('sqlite', error, health))
    }
  }

  /**
   * Fails all reads. Otherwise each would start another thread that cannot open the file, until its time limit ends.
   */
  function cannotOpen(error: unknown): void {
    endThread()
    failAll(error)
  }

  /** The thread ended by itself. */
  function lose(wasOpen: boolean, error: BusyError): void {
    current = undefined
    const lost = takeRunning()
    if (!wasOpen) failAll(error)
    else if (lost) fail(lost, error)
    next()
  }

  function endThread(): void {
    const thread = current?.thread
    current = undefined
    if (!thread) return
    const ended = thread.end().finally(() => {
      ending.delete(ended)
      next()
    })
    ending.add(ended)
  }

  /** Passes the next read to the thread, and starts a thread if there is none. */
  function next(): void {
    if (isClosed || running) return
    for (const pending of waiting.filter(({ limit }) => limit.isOver())) giveUp(pending)
    const [first, ...others] = waiting
    current?.thread.hold(first !== undefined)
    if (!first) return
    if (!current && ending.size < maxThreads) start()
    if (!current?.isOpen) return
    waiting = others
    running = first
    current.thread.post(first.read)
  }

  function giveUp(pending: PendingRead): void {
    if (running === pending) {
      running = undefined
      endThread()
    }
    waiting = waiting.filter((other) => other !== pending)
    fail(pending, health.failed('contended', new Error('a long read did not end in time')))
  }

  return {
    /**
     * Returns the rows of a statement, including every write acknowledged before the call. Rejects with a `BusyError`
     * if the statement cannot run now or in time.
     */
    ask(read: LongRead): Promise<readonly unknown[]> {
      return new Promise((resolve, reject) => {
        if (isClosed) return reject(new BusyError('the store', 5))
        if (waiting.length >= maxWaiting)
          return reject(health.failed('contended', new Error(`${maxWaiting} long reads are waiting`)))
        const limit = currentLimit(requestMs)
        const pending: PendingRead = {
          read,
          limit,
          resolve,
          reject,
          endWatch: whenOver(limit, false, () => {
            giveUp(pending)
            next()
          }),
        }
        waiting.push(pending)
        next()
      })
    },

    /** Ends the thread. Waiting reads are rejected. */
    async close(): Promise<void> {
      isClosed = true
      failAll(new BusyError('the store', 5))
      endThread()
      await Promise.all(ending)
    },
  }
}

/** Starts the thread for a database file. */
export function startThreadFor(file: string): LongReadsParts['startThread'] {
  return (listener) => {
    const url = new URL('./long-read-thread.js', import.meta.url)
    const worker = new Worker(url, { workerData: file, name: 'long reads', execArgv: [] })
    let cause: Error | undefined
    worker.on('message', listener.message)
    worker.on('error', (error) => {
      cause = error
    })
    worker.on('exit', (code) => listener.ended(cause ?? new Error(`the thread for long reads ended with ${code}`)))
    return {
      post: (read) => worker.postMessage(read),
      hold: (isHeld) => (isHeld ? worker.ref() : worker.unref()),
      end: () => worker.terminate(),
    }
  }
}
