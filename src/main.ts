import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { loadEnvFile } from 'node:process'
import { ConfigError, readConfig } from './config.ts'
import { systemRandom } from './kernel/ids.ts'
import { generatedKeys } from './secrets.ts'
import { createLog } from './telemetry/log.ts'
import { createVinculum } from './vinculum.ts'

const usage = `Usage:
  npm start                     serve
  npm start -- rotate-keys      publish new signing keys; they sign after eight minutes`

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

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
  const vinculum = await createVinculum({ ...config, encryptionKeys }, { log, version })

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

function failed(error: unknown): void {
  const text = error instanceof ConfigError ? error.message : error instanceof Error ? error.stack : String(error)
  process.stderr.write(`${text}\n`)
  process.exit(1)
}

main(process.argv[2]).then((code) => {
  if (code !== undefined) process.exitCode = code
}, failed)
