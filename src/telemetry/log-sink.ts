/**
 * Where log lines go: standard output, in batches off the request's path. A log that cannot be written must not stop
 * the service: the lines that wait are bounded, lines that cannot be written are dropped and counted, and the last
 * flush before the exit has an end. (Pino's own destination ends the process on a full disk, and retries without end in
 * its exit hook.)
 */
import { fstatSync, write as writeFile, writeSync } from 'node:fs'
import { Socket } from 'node:net'

/** A batch is written when it has this many bytes, and otherwise after this many milliseconds. */
const BATCH_BYTES = 8192
const BATCH_MS = 250
/** The most that is written at once, and that waits, in bytes. Lines beyond it are dropped. */
const CHUNK_BYTES = 65_536
const MOST_WAITING_BYTES = 4 * 1024 * 1024
/** How long the flush at the exit waits for a reader that is slow, in milliseconds. */
const EXIT_MS = 500

/** Writes some bytes, and calls back once with how many, or with why it could not. */
export type Write = (bytes: Buffer, done: (error: Error | null, written: number) => void) => void

export type LogSink = {
  write(line: string): void
  /** Calls back once everything that waits has been written or dropped. */
  flush(done?: () => void): void
  /** How many lines were dropped since the start. */
  dropped(): number
}

/** `descriptor` is standard output unless given. `onRecovered` learns how many lines were dropped once lines can be written again. */
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
  /** The last batch was cut in the middle of a line. */
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

  /** The lines of one chunk. */
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

  /** Writes a chunk to its end, or drops what is left of it. */
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

  /** The last chance: synchronous, and bounded. A chunk under way stays with the operating system. */
  const flushAtExit = (): void => {
    if (isWriting) return
    const until = performance.now() + EXIT_MS
    let bytes = Buffer.from(waiting.join(''))
    waiting = []
    while (bytes.length > 0) {
      try {
        bytes = bytes.subarray(writeSync(1, bytes))
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
      if (waitingBytes + bytes > MOST_WAITING_BYTES) return drop(1)
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
 * How a file descriptor is written without blocking the event loop. A pipe or a socket is written by libuv, which never
 * blocks on a reader that stands still; a thread of the pool would, and would keep the process from ending.
 */
export function writerOf(fd: number): Write {
  const kind = fstatSync(fd)
  if (!kind.isFIFO() && !kind.isSocket())
    return (bytes, done) => writeFile(fd, bytes, (error, written) => done(error, written ?? 0))
  const stream = fd === 1 ? process.stdout : new Socket({ fd, readable: false, writable: true })
  // Each failure is reported to the write it belongs to; without a listener it would end the process.
  stream.on('error', () => {})
  return (bytes, done) => {
    stream.write(bytes, (error) => done(error ?? null, error ? 0 : bytes.length))
  }
}
