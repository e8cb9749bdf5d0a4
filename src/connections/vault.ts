import type { Clock } from '../kernel/clock.ts'
import type { Sealer } from '../kernel/crypto.ts'
import type { Ids } from '../kernel/ids.ts'
import type { Grant, GrantTokens } from '../providers/provider.ts'
import type { GrantKey, GrantStore, NewTokens, StoredGrant } from './ports.ts'

type Parts = { grants: GrantStore; sealer: Sealer; clock: Clock; ids: Ids }
type Column = 'access_token' | 'refresh_token'

/**
 * Provider tokens at rest: each sealed to its own row and column. They are opened only to be sent to their provider.
 */
export function createVault({ grants, sealer, clock, ids }: Parts) {
  const place = (id: string, column: Column): string => `grants/${id}/${column}`

  const sealed = (id: string, tokens: GrantTokens): NewTokens => {
    const seal = sealer.sealingRow()
    return {
      accessToken: seal(tokens.accessToken, place(id, 'access_token')),
      refreshToken: tokens.refreshToken === null ? null : seal(tokens.refreshToken, place(id, 'refresh_token')),
      scopes: tokens.scopes ?? [],
      expiresAt: tokens.expiresAt,
    }
  }

  return {
    sealed,

    /** Keeps what a sign-in or a linking brought. A missing refresh token never overwrites a stored one. */
    keep({ provider, clientId, claims, tokens }: Grant): Promise<StoredGrant> {
      return grants.keep(
        { provider, clientId, subject: claims.subject },
        ids('grt'),
        (id) => sealed(id, tokens),
        clock(),
      )
    },

    find: (key: GrantKey): Promise<StoredGrant | undefined> => grants.find(key),

    /** The tokens in the clear, for a call to their provider. `id` is the row they were sealed in. */
    open(
      id: string,
      { accessToken, refreshToken }: Pick<StoredGrant, 'accessToken' | 'refreshToken'>,
    ): { accessToken: string; refreshToken: string | null } {
      return {
        accessToken: sealer.open(accessToken, place(id, 'access_token')),
        refreshToken: refreshToken === null ? null : sealer.open(refreshToken, place(id, 'refresh_token')),
      }
    },
  }
}
export type Vault = ReturnType<typeof createVault>
