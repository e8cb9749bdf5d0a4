/** The entry of the package, for a program that embeds Vinculum: `import { createVinculum, readConfig } from 'vinculum'`. */
import { type Config, ConfigError } from './config.ts'
import type { Vinculum } from './embedding.ts'
import { createVinculum as create } from './vinculum.ts'

export {
  type ProtectedResource,
  type ProtectedResourceOptions,
  protectedResource,
} from './applications/protected-resource.ts'
export { type Config, ConfigError, readConfig } from './config.ts'
export type {
  Authorization,
  Context,
  LinkedAccount,
  OAuth,
  ProviderInfo,
  Returned,
  SignedIn,
  TokenPair,
  UserInfo,
  Vinculum,
  Who,
} from './embedding.ts'
export type { AppError, ErrorCode } from './errors/catalogue.ts'
export type { Account } from './kernel/account.ts'
export type { Err, Ok, Result } from './kernel/result.ts'

/**
 * Opens the database, migrates it, and builds the service. Throws `ConfigError` without `ENCRYPTION_KEYS`: an embedded
 * service generates none.
 */
export async function createVinculum({ encryptionKeys, ...config }: Config): Promise<Vinculum> {
  if (!encryptionKeys) throw new ConfigError(['ENCRYPTION_KEYS: required in a program that embeds Vinculum'])
  return create({ ...config, encryptionKeys })
}
