import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { loadEnvFile } from 'node:process'
import { ConfigError, readConfig } from './config.ts'
import { BusyError } from './kernel/busy.ts'
import { UnopenableError } from './kernel/crypto.ts'
import { systemRandom } from './kernel/ids.ts'
import type { Progress, Resealed } from './sealing/reseal.ts'
import { KeyRingError, tallyText } from './sealing/ring.ts'
import { generatedKeys } from './secrets.ts'
import { droppedComments } from './settings/env-file.ts'
import { DatabaseOpenError } from './store/open-error.ts'
import { createProcessLog } from './telemetry/log.ts'
import { createVinculum } from './vinculum.ts'

const usage = `Usage:
  npm start                     serve
  npm start -- rotate-keys      publish new signing keys; they sign after eight minutes
  npm start -- reseal           seal everything anew with the first of ENCRYPTION_KEYS, beside a running service
  npm start -- make-admin <who> make an account administrator, by its verified e-mail address or its id`

/** What became of `make-admin`, for whoever typed it; all but the first two are failures. */
const madeAdministrator = {
  made: (who: string) => `${who} is an administrator now, with every session it has.`,
  already: (who: string) => `${who} is an administrator already; nothing was changed.`,
  not_found: (who: string) =>
    `There is no account with the address or id ${who}. Sign in with it once, then run this again.`,
  unverified: (who: string) =>
    `The address of ${who} is not verified, so it may not be theirs. Verify it by signing in, then run this again.`,
  disabled: (who: string) => `${who} is disabled. Enable it before making it administrator.`,
} as const

async function main(command: string | undefined, ...given: readonly string[]): Promise<number | undefined> {
  const [who] = given
  const known =
    command === 'make-admin'
      ? given.length === 1
      : command === undefined || ((command === 'rotate-keys' || command === 'reseal') && !who)
  if (!known) {
    process.stderr.write(`${usage}\n`)
    return 2
  }
  const config = readConfig(process.env, { warnings: loadDotEnv() })
  const { log, droppedLines } = createProcessLog(config.logLevel)
  for (const warning of config.warnings) log.warn(warning)
  let { encryptionKeys } = config
  if (!encryptionKeys) {
    const file = join(
      config.store.tag === 'sqlite' && config.store.file !== ':memory:' ? dirname(config.store.file) : 'data',
      'encryption-keys',
    )
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
    log.warn('PUBLIC_URL is https but NODE_ENV is not production: weak secrets and plain http are accepted')
  const vinculum = await createVinculum({ ...config, encryptionKeys }, { log, droppedLogLines: droppedLines })

  if (command === 'rotate-keys') {
    await vinculum.rotateSigningKeys()
    await vinculum.close()
    return 0
  }

  if (command === 'reseal') {
    const done = await vinculum.reseal(progressLine())
    await vinculum.close()
    return toldResealed(done)
  }

  if (command === 'make-admin' && who !== undefined) {
    const made = await vinculum.makeAdministrator(who)
    await vinculum.close()
    const done = made === 'made' || made === 'already'
    ;(done ? process.stdout : process.stderr).write(`${madeAdministrator[made](who)}\n`)
    return done ? 0 : 1
  }

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
  return undefined
}

/** Loads `.env` of the directory the process was started in, if there is one; returns the warnings about it. */
function loadDotEnv(): readonly string[] {
  let text: string
  try {
    text = readFileSync('.env', 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return []
    throw new ConfigError([`.env: the file cannot be read: ${code}`])
  }
  loadEnvFile('.env')
  return droppedComments(text)
}

/** What there is to do, table by table; then a line for each that is done, and now and then for one that takes long. */
function progressLine(): (progress: Progress) => void {
  let toldAt = Date.now()
  return ({ table, done, total }) => {
    if (done > 0 && done < total && Date.now() - toldAt < 1000) return
    toldAt = Date.now()
    process.stdout.write(`${table}: ${done} of ${total}\n`)
  }
}

/** How it ended, as a sentence and as an exit code. */
function toldResealed({ key, resealed, unopenable, left }: Resealed): number {
  process.stdout.write(`${resealed} values were sealed anew with ${key}.\n`)
  if (unopenable.length > 0)
    process.stderr.write(
      `Some values are sealed with a key that is not given, or damaged (${tallyText(unopenable)}). Add the key they were sealed with to ENCRYPTION_KEYS, and run this again.\n`,
    )
  if (left.length > 0)
    process.stderr.write(
      `Values are still being sealed with another key (${tallyText(left)}). Start every node with ${key} as the first of ENCRYPTION_KEYS, and run this again.\n`,
    )
  if (unopenable.length > 0 || left.length > 0) return 1
  process.stdout.write(`Everything is sealed with ${key}. The other keys may go.\n`)
  return 0
}

/** What an operator can mend is said in a sentence; anything else is a defect, and told with its stack. */
function told(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  if (error instanceof KeyRingError || error instanceof DatabaseOpenError) return error.message
  if (error instanceof UnopenableError)
    return `What is stored was sealed with another key (${error.message}). Start with the ENCRYPTION_KEYS it was sealed with; a generated one is in encryption-keys beside the database.`
  if (error instanceof BusyError)
    return 'The database could not do in time what was asked; the line "database.state" in the log has the reason. Remove it, then run this again.'
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** Why a socket cannot listen, and what to change. */
const listenFailures: Readonly<Record<string, (port: number | undefined) => string>> = {
  EADDRINUSE: (port) => `Port ${port} is in use. Set PORT to a free one, or stop what listens there.`,
  EADDRNOTAVAIL: () =>
    'HOST is not an address of this machine. Set HOST to one of its own, to 127.0.0.1, or to 0.0.0.0 for all of them.',
  ENOTFOUND: () => 'HOST is a name that leads to no address. Set HOST to an address of this machine.',
  EAI_AGAIN: () => 'HOST is a name that cannot be looked up now. Set HOST to an address of this machine.',
  EACCES: (port) => `This process is not permitted to listen on port ${port}. Set PORT to one above 1023.`,
  EINVAL: () => 'HOST cannot be listened on: a link-local address needs its interface, like fe80::1%eth0.',
}

function notListening(error: unknown): never {
  const { code = '', port } = error as { code?: string; port?: number }
  return failed(Object.hasOwn(listenFailures, code) ? listenFailures[code]?.(port) : error)
}

function failed(error: unknown): never {
  process.stderr.write(`${told(error)}\n`)
  process.exit(1)
}

main(...(process.argv.slice(2) as [string | undefined, ...string[]])).then((code) => {
  if (code !== undefined) process.exitCode = code
}, failed)
