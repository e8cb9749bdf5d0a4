/** Starts the measured processes and those that measure. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type CallVerb, connectChild } from './ipc.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const built = (name: string): string => join(root, 'dist', 'bench', `${name}.js`)

/** The programs, compiled like the service: with a loader, its helpers would slow down every function. */
export function buildPrograms(): void {
  const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
  execFileSync(process.execPath, [tsc, '-p', join(root, 'bench')], { stdio: 'inherit' })
}

/** Everything that this run writes. Deleted at its end. */
export const scratch = mkdtempSync(join(tmpdir(), 'vinculum-bench-'))
let made = 0
export const newPath = (name: string): string => join(scratch, `${++made}-${name}`)

const running = new Set<ChildProcess>()
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL')
  rmSync(scratch, { recursive: true, force: true })
})
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))

/**
 * The flags of Node.js in `npm start`. Each server in a comparison has them: they would help any program, so giving them
 * only to the service would flatter it.
 */
export const startFlags: readonly string[] =
  (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: { start: string } }).scripts.start.match(
    /--\S+/g,
  ) ?? []

/** Where possible, servers run on the first CPU and everything else on the second. */
const pins = availableParallelism() > 1 && spawnSync('taskset', ['-V']).status === 0
export const placement = pins ? 'servers on CPU 0, the rest on CPU 1' : 'processes placed by the system'

export type RunningServer = {
  readonly port: number
  readonly ask: CallVerb
  readonly child: ChildProcess
  /** Sends SIGTERM and waits until it has exited. */
  stop(): Promise<void>
}
type How = {
  readonly role: 'server' | 'load'
  readonly nodeArguments?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly metered?: boolean
  /** An open descriptor for standard output, instead of the log file. */
  readonly stdout?: number | undefined
}

function run(name: string, script: string, parameters: readonly string[], how: How) {
  const { role, nodeArguments = [], env = {}, metered = true, stdout } = how
  const node = [
    process.execPath,
    ...(metered ? ['--import', built('meter')] : []),
    ...nodeArguments,
    script,
    ...parameters,
  ]
  const [command = '', ...rest] = pins ? ['taskset', '-c', role === 'server' ? '0' : '1', ...node] : node
  const output = newPath(`${name}.log`)
  const to = openSync(output, 'a')
  const child = spawn(command, rest, {
    cwd: scratch,
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', stdout ?? to, to, ...(metered ? ['ipc' as const] : [])],
  })
  running.add(child)
  closeSync(to)
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  void ended.then(() => running.delete(child))
  return {
    child,
    ended,
    said: () => readFileSync(output, 'utf8'),
    async stop(): Promise<void> {
      child.kill('SIGTERM')
      await ended
    },
  }
}

/** One of our own programs: the floor, the candidate, the provider, the load generator. */
export async function startProgram(
  name: 'floor' | 'candidate' | 'stock' | 'provider' | 'load' | 'hasher' | 'imports',
  parameters: object = {},
  nodeArguments: readonly string[] = [],
): Promise<RunningServer & { readonly startMs: number }> {
  const started = performance.now()
  const role = name === 'provider' || name === 'load' ? 'load' : 'server'
  const program = run(name, built(name), [JSON.stringify(parameters)], { role, nodeArguments })
  const { ask, ready } = connectChild(program.child, name)
  try {
    const port = await ready
    return { ...program, ask, port, startMs: performance.now() - started }
  } catch (error) {
    throw new Error(program.said(), { cause: error })
  }
}

export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address ? address.port : 0))
    })
  })

export const issuer = 'http://localhost:3000'
/** Of the service at the local provider. */
export const clientId = 'bench'
export const encryptionKey = `bench:${Buffer.from(Array.from({ length: 32 }, (_, n) => (n * 37 + 11) % 256)).toString('base64')}`

export type ServiceOptions = {
  readonly database: string
  readonly provider?: number
  readonly port?: number
  readonly metered?: boolean
  readonly nodeArguments?: readonly string[]
  /** Another build than the one in `dist`. */
  readonly main?: string
  /** Further settings, which override those of the bench. */
  readonly env?: Readonly<Record<string, string>>
  /** An open descriptor for the log, instead of a file. */
  readonly stdout?: number
  /** An operator command with its arguments, instead of the service. */
  readonly command?: readonly string[]
}

/** The service as a process: starting, ready, or exited. */
export type RunningService = {
  readonly port: number
  readonly child: ChildProcess
  readonly ended: Promise<void>
  /** What it has written so far to its log and to standard error. */
  said(): string
  /** Sends SIGTERM and waits until it has exited. */
  stop(): Promise<void>
}

/**
 * Starts the service like a deployment: built, as its own process, with a log at the default level to a file. Only rate
 * limits are off. Returns at once, whether or not it starts.
 */
export async function launchService(options: ServiceOptions): Promise<RunningService> {
  const {
    database,
    provider,
    metered = true,
    nodeArguments = [],
    main = join(root, 'dist', 'main.js'),
    command,
  } = options
  const port = options.port ?? (await freePort())
  const local = `http://127.0.0.1:${provider}`
  const service = run(command?.[0] ?? 'service', main, command ?? [], {
    role: command ? 'load' : 'server',
    nodeArguments,
    metered,
    stdout: options.stdout,
    env: {
      PORT: String(port),
      DATABASE_URL: database,
      RATE_LIMITS: 'off',
      ENCRYPTION_KEYS: encryptionKey,
      JWT_ISSUER: issuer,
      JWT_AUDIENCE: issuer,
      ...(provider !== undefined && {
        OAUTH2_PROVIDERS: 'local',
        LOCAL_CLIENT_ID: clientId,
        LOCAL_CLIENT_SECRET: 'bench-secret',
        LOCAL_AUTHORIZE_URL: `${local}/authorize`,
        LOCAL_TOKEN_URL: `${local}/token`,
        LOCAL_USERINFO_URL: `${local}/userinfo`,
        LOCAL_SCOPES: 'profile',
        LOCAL_USER_ID_PATH: 'id',
        LOCAL_USER_EMAIL_PATH: 'email',
        LOCAL_USER_EMAIL_VERIFIED_PATH: 'email_verified',
        LOCAL_USER_NAME_PATH: 'name',
        LOCAL_EMAIL_TRUST: 'verified',
      }),
      ...options.env,
    },
  })
  return { ...service, port }
}

/** The same, but returns once `/health/ready` responds. */
export async function startService(
  options: ServiceOptions,
): Promise<RunningServer & RunningService & { readonly startMs: number }> {
  const started = performance.now()
  const service = await launchService(options)
  for (;;) {
    const ready = await fetch(`http://127.0.0.1:${service.port}/health/ready`).catch(() => undefined)
    await ready?.body?.cancel()
    if (ready?.ok) break
    if (service.child.exitCode !== null || performance.now() - started > 20_000)
      throw new Error(`the service did not start:\n${service.said()}`)
    await pause(3)
  }
  const startMs = performance.now() - started
  const metered = options.metered ?? true
  const ask: CallVerb = metered
    ? connectChild(service.child, 'service').ask
    : () => Promise.reject(new Error('not metered'))
  return { ...service, startMs, ask }
}

/** The packages that the service has imported when it is ready and has served no request. */
export async function importsAtIdle(database: string, how: Pick<ServiceOptions, 'main'>): Promise<readonly string[]> {
  const to = newPath('imports.txt')
  const recorder = `${pathToFileURL(built('record-imports'))}?to=${encodeURIComponent(to)}`
  const service = await startService({ database, ...how, nodeArguments: ['--import', recorder] })
  await service.stop()
  return [...new Set(readFileSync(to, 'utf8').trim().split('\n'))]
}

/** Resident memory of a process, in MiB. */
export const memoryOf = (pid: number): number =>
  Number(execFileSync('ps', ['-o', 'rss=', '-p', String(pid)], { encoding: 'utf8' })) / 1024
