/** The service as its operator starts it: a separate process, on the system clock. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { inject } from 'vitest'
import { endWithWorker } from './children.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

export type Service = {
  readonly process: ChildProcess
  /** Resolves with its output once it listens; rejects if it ends before. */
  readonly listening: Promise<string>
  readonly ended: Promise<{
    readonly code: number | null
    readonly signal: NodeJS.Signals | null
    readonly stderr: string
  }>
}

/**
 * Starts the built service with exactly these settings, and with the `.env` of `cwd` if there is one. Its log may go
 * elsewhere: then `listening` never resolves.
 */
export function startService(
  env: Readonly<Record<string, string>>,
  command: readonly string[] = [],
  { cwd = root, log = 'pipe' }: { readonly cwd?: string; readonly log?: 'pipe' | number } = {},
): Service {
  const child = endWithWorker(
    spawn(process.execPath, [join(inject('built'), 'main.js'), ...command], {
      cwd,
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: ['ignore', log, 'pipe'],
    }),
  )
  let [stdout, stderr] = ['', '']
  child.stderr?.on('data', (chunk: Buffer) => {
    stderr += chunk.toString()
  })
  const ended: Service['ended'] = new Promise((resolve) => {
    child.once('close', (code, signal) => resolve({ code, signal, stderr }))
  })
  const listening = new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (chunk: Buffer) => {
      stdout += chunk.toString()
      if (stdout.includes('"msg":"listening"')) resolve(stdout)
    })
    void ended.then(({ code, signal }) =>
      reject(new Error(`it ended with ${code ?? signal} before it listened:\n${stderr}`)),
    )
  })
  // A test that only waits for the end gets no second rejection.
  listening.catch(() => {})
  return { process: child, listening, ended }
}
