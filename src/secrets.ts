import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type Config, readConfig } from './config.ts'
import type { KeyRing } from './kernel/crypto.ts'
import type { Random } from './kernel/ids.ts'

/** The folder of what a node keeps on its own disk: that of the SQLite file, or `data`. */
export const dataFolder = ({ store }: Pick<Config, 'store'>): string =>
  store.tag === 'sqlite' && store.file !== ':memory:' ? dirname(store.file) : 'data'

/** Where the key is that is generated while `ENCRYPTION_KEYS` is not set. */
export const generatedKeysFile = (config: Pick<Config, 'store'>): string => join(dataFolder(config), 'encryption-keys')

/** The generated keys in a file that exists. */
export function readGeneratedKeys(file: string): KeyRing {
  const { encryptionKeys } = readConfig({ ENCRYPTION_KEYS: readFileSync(file, 'utf8').trim() })
  if (!encryptionKeys) throw new Error(`${file} holds no key`)
  return encryptionKeys
}

/**
 * The key ring of a machine nobody configured: made once, kept in `file`, for its owner alone. For development only:
 * production refuses to start without `ENCRYPTION_KEYS`. Of two processes that start at once one writes and both read
 * the same.
 */
export function generatedKeys(file: string, random: Random): { keys: KeyRing; fresh: boolean } {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  let fresh = true
  // Written aside and then given its name: whoever finds the file finds it whole.
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
