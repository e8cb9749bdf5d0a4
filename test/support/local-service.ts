import { randomBytes } from 'node:crypto'
import { readConfig } from '../../src/config.ts'
import { createVinculum, type Vinculum } from '../../src/vinculum.ts'
import { freePort, noHurry, patient } from './service.ts'
import { newMigratedFile } from './sqlite.ts'

export type LocalService = {
  readonly vinculum: Vinculum
  readonly origin: string
  readonly port: number
}

/**
 * A service for a real browser, at `localhost`: a passkey belongs to a domain name, and the sandbox is another site.
 * Its jobs run by themselves.
 */
export async function startLocalService(
  env: Readonly<Record<string, string>>,
  options: { readonly clock?: () => Date } = {},
): Promise<LocalService> {
  const port = await freePort()
  const config = readConfig({
    HOST: '127.0.0.1',
    PORT: String(port),
    PUBLIC_URL: `http://localhost:${port}`,
    DATABASE_URL: `file:${newMigratedFile()}`,
    ENCRYPTION_KEYS: `k1:${randomBytes(32).toString('base64')}`,
    RATE_LIMITS: 'off',
    LOG_LEVEL: 'silent',
    ...noHurry,
    ...patient,
    ...env,
  })
  if (!config.encryptionKeys) throw new Error('no keys')
  // `credentials/passwords` covers the strength that is configured.
  const passwords = { ...config.passwords, memoryKib: 1024, passes: 1 }
  const vinculum = await createVinculum({ ...config, passwords, encryptionKeys: config.encryptionKeys }, options)
  await vinculum.listen()
  return { vinculum, origin: config.publicUrl.origin, port }
}
