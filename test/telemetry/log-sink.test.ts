import { spawn } from 'node:child_process'
import { closeSync, openSync, writeSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { createLogSink, type Write } from '../../src/telemetry/log-sink.ts'
import { endWithWorker } from '../support/children.ts'
import { startService } from '../support/process.ts'
import { freePort } from '../support/service.ts'
import { newFile } from '../support/sqlite.ts'

const full = Object.assign(new Error('no space left on device'), { code: 'ENOSPC' })
const line = (n: number): string => `${JSON.stringify({ n })}\n`

/** A destination that writes what `answer` returns for each chunk, all of it by default. */
function createDestination(answer: (bytes: Buffer, chunk: number) => number | Error = (bytes) => bytes.length) {
  let [text, chunks] = ['', 0]
  const write: Write = (bytes, done) => {
    chunks += 1
    const outcome = answer(bytes, chunks)
    if (typeof outcome === 'number') text += bytes.subarray(0, outcome).toString()
    setImmediate(() => (typeof outcome === 'number' ? done(null, outcome) : done(outcome, 0)))
  }
  return { write, text: () => text }
}
const flushed = (sink: ReturnType<typeof createLogSink>) => new Promise<void>((resolve) => sink.flush(resolve))

describe('the log sink', () => {
  test('writes every line, in order', async () => {
    const to = createDestination()
    const sink = createLogSink({ write: to.write, onExit: false })
    const lines = Array.from({ length: 5000 }, (_, n) => line(n))
    for (const one of lines) sink.write(one)
    await flushed(sink)
    expect(to.text()).toBe(lines.join(''))
    expect(sink.dropped()).toBe(0)
  })

  test('continues after a partially written chunk', async () => {
    const to = createDestination((bytes) => Math.ceil(bytes.length / 3))
    const sink = createLogSink({ write: to.write, onExit: false })
    for (let n = 0; n < 100; n++) sink.write(line(n))
    await flushed(sink)
    expect(to.text()).toBe(Array.from({ length: 100 }, (_, n) => line(n)).join(''))
  })

  test('drops and counts lines a full disk refuses, and reports them once lines can be written again', async () => {
    let isFull = true
    const to = createDestination((bytes) => (isFull ? full : bytes.length))
    const reports: number[] = []
    const sink = createLogSink({ write: to.write, onExit: false, onRecovered: (lines) => reports.push(lines) })
    for (let n = 0; n < 10; n++) sink.write(line(n))
    await flushed(sink)
    expect(sink.dropped()).toBe(10)
    expect(reports).toEqual([])
    isFull = false
    sink.write(line(10))
    await flushed(sink)
    expect(to.text()).toBe(line(10))
    expect(reports).toEqual([10])
  })

  test('begins a new line after one that a full disk truncated', async () => {
    const to = createDestination((bytes, chunk) => (chunk === 1 ? 3 : chunk === 2 ? full : bytes.length))
    const sink = createLogSink({ write: to.write, onExit: false })
    sink.write(line(1))
    await flushed(sink)
    sink.write(line(2))
    await flushed(sink)
    expect(to.text()).toBe(`${line(1).slice(0, 3)}\n${line(2)}`)
  })

  test('keeps a bounded number of lines while nothing can be written', () => {
    const sink = createLogSink({ write: () => {}, onExit: false })
    for (let n = 0; n < 100; n++) sink.write(`${'x'.repeat(100_000)}\n`)
    expect(sink.dropped()).toBeGreaterThan(50)
  })
})

describe('a service whose log', () => {
  const settings = (port: number): Record<string, string> => ({
    NODE_ENV: 'test',
    HOST: '127.0.0.1',
    PORT: String(port),
    PUBLIC_URL: `http://127.0.0.1:${port}`,
    DATABASE_URL: `file:${newFile()}`,
    LOG_LEVEL: 'debug',
    RATE_LIMITS: 'off',
    ENCRYPTION_KEYS: `k1:${Buffer.alloc(32, 'a key of thirty-two bytes, no less').toString('base64')}`,
  })
  const droppedAt = async (base: string): Promise<number> => {
    const metrics = await (await fetch(`${base}/metrics`)).text()
    return Number(/^vinculum_log_lines_dropped_total (\d+)$/m.exec(metrics)?.[1])
  }
  /** Refused sign-ins, each of which is logged. */
  const refuse = async (base: string, times: number): Promise<void> => {
    for (let n = 0; n < times; n++) {
      const body = new URLSearchParams({ username: `nobody${n}@example.com`, password: 'x'.repeat(64) })
      await (await fetch(`${base}/auth/token`, { method: 'POST', body })).arrayBuffer()
    }
  }
  const isLive = async (base: string): Promise<number> => {
    try {
      return (await fetch(`${base}/health/live`)).status
    } catch {
      return 0
    }
  }

  test('goes to a full disk still responds, counts the lost lines and shuts down', async () => {
    const port = await freePort()
    const base = `http://127.0.0.1:${port}`
    const disk = openSync('/dev/full', 'w')
    const service = startService(settings(port), [], { log: disk })
    closeSync(disk)
    await expect.poll(() => isLive(base)).toBe(200)
    await refuse(base, 3)
    await expect.poll(() => droppedAt(base)).toBeGreaterThan(0)
    service.process.kill('SIGTERM')
    expect(await service.ended).toMatchObject({ code: 0 })
  })

  test('goes to a stalled reader still responds and shuts down', async () => {
    const port = await freePort()
    const base = `http://127.0.0.1:${port}`
    const reader = endWithWorker(spawn('sleep', ['600'], { stdio: ['pipe', 'ignore', 'ignore'] }))
    // The write end of the reader's standard input, as the service inherits it.
    const handle = (reader.stdin as unknown as { _handle: { fd: number } })._handle
    expect(() => {
      for (;;) writeSync(handle.fd, 'x'.repeat(65_536))
    }).toThrow('EAGAIN')
    const service = startService(settings(port), [], { log: handle.fd })
    try {
      await expect.poll(() => isLive(base)).toBe(200)
      await refuse(base, 20)
      expect(await isLive(base)).toBe(200)
      service.process.kill('SIGTERM')
      expect(await service.ended).toMatchObject({ code: 0 })
    } finally {
      reader.kill('SIGKILL')
    }
  })
})
