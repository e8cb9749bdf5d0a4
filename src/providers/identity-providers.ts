import type { Sealer } from '../kernel/crypto.ts'
import type { Ids } from '../kernel/ids.ts'
import { createManagedProviders } from './managed/managed-providers.ts'
import type { ProviderStore } from './ports.ts'
import { createProviders } from './providers.ts'

type IdentityProvidersParts = Parameters<typeof createProviders>[0] & {
  readonly store: ProviderStore
  readonly sealer: Sealer
  readonly ids: Ids
  readonly publicUrl: URL
  readonly timeoutMs: number
  readonly reach: Parameters<typeof createManagedProviders>[0]['general']['reach']
}

/** The identity providers: those from the environment, and those that administrators manage while the service runs. */
export function createIdentityProviders({ publicUrl, timeoutMs, reach, ...parts }: IdentityProvidersParts) {
  const providers = createProviders(parts)
  const general = { production: parts.production, publicUrl, OAUTH_HTTP_TIMEOUT_MS: timeoutMs, reach }
  return { providers, managed: createManagedProviders({ ...parts, providers, fixed: parts.settings, general }) }
}
