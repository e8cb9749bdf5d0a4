import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Config, readConfig } from './config.ts'
import type { KeyRing } from './kernel/crypto.ts'
import type { Random } from './kernel/ids.ts'

/** The folder for a node's local data: that of the SQLite file, or `data`. */
export const dataFolder = ({ store }: Pick<Config, 'store'>): string =>
  store.tag === 'sqlite' && store.file !== ':memory:' ? dirname(store.file) : 'data'

/** The file for the key that is generated if `ENCRYPTION_KEYS` is not set. */
export const generatedKeysFile = (config: Pick<Config, 'store'>): string => join(dataFolder(config), 'encryption-keys')

/** Reads the generated keys from an existing file. */
export function readGeneratedKeys(file: string): KeyRing {
  const { encryptionKeys } = readConfig({ ENCRYPTION_KEYS: readFileSync(file, 'utf8').trim() })
  if (!encryptionKeys) throw new Error(`${file} contains no key`)
  return encryptionKeys
}

/**
 * Returns the key ring of a machine without configuration. It is created once in `file`, readable only by its owner.
 * For development only: in production the service does not start without `ENCRYPTION_KEYS`. If two processes start at
 * once, one writes the file and both read the same keys.
 */
export function generatedKeys(file: string, random: Random): { keys: KeyRing; fresh: boolean } {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  let fresh = true
  // Write to a temporary file and then link it, so that no process reads an incomplete file.
  const aside = `${file}.${random(8).toString('hex')}`
  writeFileSync(aside, `dev:${random(32).toString('base64')}\n`, { flag: 'wx', mode: 0o600 })
  try {
    linkSync(aside, file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
    fresh = false
  } finally {
    rmSync(aside)
  }
  return { keys: readGeneratedKeys(file), fresh }
}
