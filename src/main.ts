import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { loadEnvFile } from 'node:process'
import { ConfigError, readConfig } from './config.ts'
import { UnopenableError } from './kernel/crypto.ts'
import { systemRandom } from './kernel/ids.ts'
import { generatedKeys } from './secrets.ts'
import { createLog } from './telemetry/log.ts'
import { createVinculum } from './vinculum.ts'

const usage = `Usage:
  npm start                     serve
  npm start -- rotate-keys      publish new signing keys; they sign after eight minutes`

async function main(command: string | undefined): Promise<number | undefined> {
  if (command !== undefined && command !== 'rotate-keys') {
    process.stderr.write(`${usage}\n`)
    return 2
  }
  if (existsSync('.env')) loadEnvFile('.env')
  const config = readConfig(process.env)
  const log = createLog(config.logLevel)
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
  const vinculum = await createVinculum({ ...config, encryptionKeys }, { log })

  if (command === 'rotate-keys') {
    await vinculum.rotateSigningKeys()
    await vinculum.close()
    return 0
  }

  const end = (signal: string): void => {
    log.info({ signal }, 'shutting down')
    vinculum.close().then(() => process.exit(0), failed)
  }
  process.once('SIGTERM', end)
  process.once('SIGINT', end)
  const { port } = await vinculum.listen()
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

/** What an operator can mend is said in a sentence; anything else is a defect, and told with its stack. */
function told(error: unknown): string {
  if (error instanceof ConfigError) return error.message
  if (error instanceof UnopenableError)
    return `What is stored was sealed with another key (${error.message}). Start with the ENCRYPTION_KEYS it was sealed with; a generated one is in encryption-keys beside the database.`
  const { code, port } = error as { code?: string; port?: number }
  if (code === 'EADDRINUSE') return `Port ${port} is in use. Set PORT to a free one, or stop what listens there.`
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

function failed(error: unknown): void {
  process.stderr.write(`${told(error)}\n`)
  process.exit(1)
}

main(process.argv[2]).then((code) => {
  if (code !== undefined) process.exitCode = code
}, failed)
