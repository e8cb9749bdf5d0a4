/**
 * Writes log lines to standard output, in batches and outside of request handling. An unwritable log must not stop the
 * service. Waiting lines are bounded, lines that cannot be written are dropped and counted, and the flush at exit has a
 * time limit. (Pino's own destination ends the process on a full disk, and retries without end in its exit hook.)
 */
import { fstatSync, write as writeFile, writeSync } from 'node:fs'
import { Socket } from 'node:net'

/** A batch is written once it has this many bytes, or after this many milliseconds. */
const BATCH_BYTES = 8192
const BATCH_MS = 250
/** The maximum number of bytes in one write, and of bytes waiting. Lines beyond that are dropped. */
const CHUNK_BYTES = 65_536
const MAX_WAITING_BYTES = 4 * 1024 * 1024
/** How long the flush at exit waits for a slow reader, in milliseconds. */
const EXIT_MS = 500

/** Writes bytes, and calls back once with the number written, or with the error. */
export type Write = (bytes: Buffer, done: (error: Error | null, written: number) => void) => void

export type LogSink = {
  write(line: string): void
  /** Calls back once all waiting lines have been written or dropped. */
  flush(done?: () => void): void
  /** How many lines were dropped since the start. */
  dropped(): number
}

/**
 * `descriptor` defaults to standard output. `onRecovered` gets the number of dropped lines once lines can be written
 * again.
 */
export function createLogSink({
  descriptor = 1,
  write = writerOf(descriptor),
  onExit = true,
  onRecovered,
}: {
  descriptor?: number
  write?: Write
  onExit?: boolean
  onRecovered?: (lines: number) => void
} = {}): LogSink {
  let waiting: string[] = []
  let waitingBytes = 0
  let isWriting = false
  let timer: NodeJS.Timeout | undefined
  let dropped = 0
  let unreported = 0
  /** Whether the last batch ended in the middle of a line. */
  let isMidLine = false
  const idle: (() => void)[] = []

  const drop = (lines: number): void => {
    dropped += lines
    unreported += lines
  }

  const next = (): void => {
    clearTimeout(timer)
    timer = undefined
    if (isWriting) return
    if (waiting.length === 0) {
      for (const done of idle.splice(0)) done()
      return
    }
    isWriting = true
    const { lines, text } = take()
    push(Buffer.from(isMidLine ? `\n${text}` : text), lines)
  }

  /** Takes the lines of one chunk. */
  const take = (): { lines: number; text: string } => {
    let [lines, bytes] = [0, 0]
    for (const line of waiting) {
      const size = Buffer.byteLength(line)
      if (lines > 0 && bytes + size > CHUNK_BYTES) break
      bytes += size
      lines += 1
    }
    const text = waiting.slice(0, lines).join('')
    waiting = waiting.slice(lines)
    waitingBytes -= bytes
    return { lines, text }
  }

  /** Writes a chunk completely, or drops what is left of it. */
  const push = (bytes: Buffer, lines: number): void =>
    write(bytes, (error, written) => {
      const left = bytes.subarray(written)
      isMidLine = left.length > 0 && (written > 0 ? bytes[written - 1] !== 0x0a : isMidLine)
      if (!error && left.length > 0) return push(left, lines)
      isWriting = false
      if (error) drop(lines)
      else recovered()
      if (waiting.length > 0 && !error) return next()
      if (idle.length > 0) return next()
      schedule()
    })

  const recovered = (): void => {
    if (unreported === 0) return
    const lines = unreported
    unreported = 0
    onRecovered?.(lines)
  }

  const schedule = (): void => {
    if (isWriting || waiting.length === 0) return
    timer ??= setTimeout(next, BATCH_MS).unref()
  }

  /** The final write: synchronous and with a time limit. A chunk being written is left to the operating system. */
  const flushAtExit = (): void => {
    if (isWriting) return
    const until = performance.now() + EXIT_MS
    let bytes = Buffer.from(waiting.join(''))
    waiting = []
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(writeSync(descriptor, bytes))
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EAGAIN' || performance.now() > until) return
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20)
      }
    }
  }
  if (onExit) process.once('exit', flushAtExit)

  return {
    write(line) {
      const bytes = Buffer.byteLength(line)
      if (waitingBytes + bytes > MAX_WAITING_BYTES) return drop(1)
      waiting.push(line)
      waitingBytes += bytes
      if (waitingBytes >= BATCH_BYTES && !isWriting) next()
      else schedule()
    },
    flush(done) {
      if (done) idle.push(done)
      next()
    },
    dropped: () => dropped,
  }
}

/**
 * Writes to a file descriptor without blocking the event loop. libuv writes to pipes and sockets, and never blocks on a
 * stalled reader. A thread of the pool would block, and keep the process from ending.
 */
export function writerOf(fd: number): Write {
  const kind = fstatSync(fd)
  if (!kind.isFIFO() && !kind.isSocket())
    return (bytes, done) => writeFile(fd, bytes, (error, written) => done(error, written ?? 0))
  const stream = fd === 1 ? process.stdout : new Socket({ fd, readable: false, writable: true })
  // Each error is reported to its own write. Without a listener, it would end the process.
  stream.on('error', () => {})
  return (bytes, done) => {
    stream.write(bytes, (error) => done(error ?? null, error ? 0 : bytes.length))
  }
}
