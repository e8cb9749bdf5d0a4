import { existsSync, readFileSync } from 'node:fs'
import { loadEnvFile } from 'node:process'
import type { Logger } from 'pino'
import type { CommandContext, CommandReport } from './commands/command.ts'
import type { Invocation } from './commands/index.ts'
import { type CompleteConfig, type Config, ConfigError, inspectConfig } from './config.ts'
import { BusyError } from './kernel/busy.ts'
import { systemClock } from './kernel/clock.ts'
import { UnopenableError } from './kernel/crypto.ts'
import { systemRandom } from './kernel/ids.ts'
import { KeyRingError } from './sealing/ring.ts'
import { generatedKeys, generatedKeysFile } from './secrets.ts'
import { droppedComments } from './settings/env-file.ts'
import { DatabaseOpenError } from './store/open-error.ts'
import { missingError } from './store/sqlite-file.ts'
import { createProcessLog } from './telemetry/log.ts'
import { createVinculum, type Vinculum } from './vinculum.ts'

/** Starts the service or runs a command. Returns the exit code of a command. */
async function main(args: readonly string[]): Promise<number | undefined> {
  if (args.length === 0) {
    await serve()
    return undefined
  }
  // Progress that cannot be written must not end a command in the middle of its work.
  process.stdout.on('error', () => {})
  // Only a command needs the commands: the service starts without them.
  const { exitCodeOf, formatReport, readInvocation, usage } = await import('./commands/index.ts')
  if (args.length === 1 && /^(help|--help|-h)$/.test(args[0] ?? '')) {
    print(`${usage()}\n`)
    return 0
  }
  const invocation = readInvocation(args)
  if (!invocation) {
    process.stderr.write(`${usage()}\n`)
    if (args.includes('--json')) print(formatReport(invalidArguments, true).stdout)
    return 1
  }
  const report = await runCommand(invocation).catch((error: unknown) => {
    if (!invocation.json) throw error
    return failureReport('failed', describeError(error))
  })
  const { stdout, stderr } = formatReport(report, invocation.json)
  process.stderr.write(stderr)
  print(stdout)
  return exitCodeOf(report)
}

/** Writes the result of a command, for which the process waits as long as its reader takes. */
function print(text: string): void {
  process.stdout.write(text, (error) => {
    if (error) failed('The result cannot be written to standard output: the disk is full, or its reader has ended.')
  })
}

/** Runs a command, then closes the services it opened. */
async function runCommand({ command, json, ...given }: Invocation): Promise<CommandReport> {
  const opened: Vinculum[] = []
  try {
    // Standard output then contains only the report.
    const read = readSettings()
    if (!command.examinesConfig) refuseFaults(read)
    const { config } = read
    const { log, droppedLines } = openLog(config, {
      descriptor: json || command.printsDocument ? 2 : 1,
      quiet: command.examinesConfig === true,
    })
    return await command.run(
      {
        config,
        configFaults: read.faults,
        now: systemClock,
        progress: json ? () => {} : progressLine(),
        service: async () => {
          const { store } = config
          // A command changes stored data. With a new, empty database it would succeed and do nothing.
          if (store.tag === 'sqlite' && !existsSync(store.file)) throw missingError(store.file)
          // No load balancer sends requests to a command, so nothing must be drained at its end.
          const settings = { ...withKeys(config, log), shutdownDrainSeconds: 0 }
          const service = await createVinculum(settings, { log, droppedLogLines: droppedLines })
          opened.push(service)
          return service
        },
      },
      given,
    )
  } finally {
    for (const service of opened) await service.close()
  }
}

/** The report of a command that could not make one, for programs. */
const failureReport = (result: string, message: string): CommandReport => ({
  ok: false,
  done: [],
  data: { result, message },
})
const invalidArguments = failureReport(
  'invalid_arguments',
  'No command has these arguments. The usage text is on standard error.',
)

type Settings = { readonly config: Config; readonly faults: readonly string[] }

/** Reads `.env` and the environment, with all their errors. */
function readSettings(): Settings {
  const dotEnv = loadDotEnv()
  const { config, faults } = inspectConfig(process.env, { warnings: dotEnv.warnings })
  // If `.env` cannot be read, other errors would be about settings that are in it.
  return { config, faults: dotEnv.faults.length > 0 ? dotEnv.faults : faults }
}

function refuseFaults({ config, faults }: Settings): void {
  if (faults.length > 0) throw new ConfigError(faults, config.warnings)
}

/** Opens the log on this descriptor. Unless `quiet`, it starts with the warnings about settings. */
function openLog(config: Config, { descriptor = 1, quiet = false } = {}) {
  const { log, droppedLines } = createProcessLog(config.logLevel, descriptor)
  for (const warning of quiet ? [] : config.warnings) log.warn(warning)
  return { log, droppedLines }
}

/** Adds the encryption keys to the configuration. Outside production they are generated if none are set. */
function withKeys(config: Config, log: Logger): CompleteConfig {
  let { encryptionKeys } = config
  if (!encryptionKeys) {
    const file = generatedKeysFile(config)
    const generated = generatedKeys(file, systemRandom)
    encryptionKeys = generated.keys
    log.warn(
      { file },
      generated.fresh
        ? 'ENCRYPTION_KEYS is not set: a key was generated'
        : 'ENCRYPTION_KEYS is not set: the generated key is used',
    )
  }
  if (!config.production && config.publicUrl.protocol === 'https:')
    log.warn(
      'PUBLIC_URL is https but NODE_ENV is not production: weak secrets and plain http are accepted; set NODE_ENV=production',
    )
  return { ...config, encryptionKeys }
}

async function serve(): Promise<void> {
  const read = readSettings()
  refuseFaults(read)
  const { config } = read
  const { log, droppedLines } = openLog(config)
  const vinculum = await createVinculum(withKeys(config, log), { log, droppedLogLines: droppedLines })
  const end = (signal: string): void => {
    log.info({ signal }, 'shutting down')
    vinculum.close().then(() => process.exit(0), failed)
  }
  process.once('SIGTERM', end)
  process.once('SIGINT', end)
  const { port } = await vinculum.listen().catch(notListening)
  log.info(
    {
      url: config.publicUrl.origin,
      host: config.host,
      port,
      providers: config.providers.map(({ id }) => id),
      store: config.store.tag,
    },
    'listening',
  )
  log.flush()
}

/** Loads `.env` from the working directory if it exists. Returns its errors and warnings. */
function loadDotEnv(): { warnings: readonly string[]; faults: readonly string[] } {
  let text: string
  try {
    text = readFileSync('.env', 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return { warnings: [], faults: code === 'ENOENT' ? [] : [`.env: the file cannot be read: ${code}`] }
  }
  loadEnvFile('.env')
  return { warnings: droppedComments(text), faults: [] }
}

/** Prints progress: the total for each table, then its end, and at most one line a second in between. */
function progressLine(): CommandContext['progress'] {
  let printedAt = performance.now()
  return ({ table, done, total }) => {
    if (done > 0 && done < total && performance.now() - printedAt < 1000) return
    printedAt = performance.now()
    process.stdout.write(Number.isFinite(total) ? `${table}: ${done} of ${total}\n` : `${table}: ${done}\n`)
  }
}

/** A message for errors that an operator can fix. Any other error is a defect and is shown with its stack. */
function describeError(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  if (error instanceof KeyRingError || error instanceof DatabaseOpenError) return error.message
  if (error instanceof UnopenableError)
    return `The database is encrypted with another key (${error.message}). Start with its ENCRYPTION_KEYS; a generated key is in the file encryption-keys next to the database.`
  if (error instanceof BusyError)
    return 'The database did not respond in time. The log line "database.state" has the reason. Fix it, then run the command again.'
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** Why the service cannot listen, and what to change. */
const listenFailures: Readonly<Record<string, (port: number | undefined) => string>> = {
  EADDRINUSE: (port) => `Port ${port} is in use. Set PORT to a free port, or stop the process that uses it.`,
  EADDRNOTAVAIL: () =>
    'HOST is not an IP address of this machine. Set HOST to one of its addresses, to 127.0.0.1, or to 0.0.0.0 for all.',
  ENOTFOUND: () => 'HOST is a name without an IP address. Set HOST to an IP address of this machine.',
  EAI_AGAIN: () => 'HOST is a name that cannot be resolved now. Set HOST to an IP address of this machine.',
  EACCES: (port) => `This process is not permitted to listen on port ${port}. Set PORT to a port above 1023.`,
  EINVAL: () => 'The service cannot listen on HOST. A link-local address needs its interface, like fe80::1%eth0.',
}

function notListening(error: unknown): never {
  const { code = '', port } = error as { code?: string; port?: number }
  return failed(Object.hasOwn(listenFailures, code) ? listenFailures[code]?.(port) : error)
}

function failed(error: unknown): never {
  process.stderr.write(`${describeError(error)}\n`)
  process.exit(1)
}

main(process.argv.slice(2)).then((code) => {
  if (code !== undefined) process.exitCode = code
}, failed)
