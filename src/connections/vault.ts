import type { Clock } from '../kernel/clock.ts'
import type { Sealer } from '../kernel/crypto.ts'
import { UnopenableError } from '../kernel/crypto.ts'
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

  const sealed = (id: string, tokens: GrantTokens): Omit<NewTokens, 'askedScopes'> => ({
    accessToken: sealer.seal(tokens.accessToken, place(id, 'access_token')),
    refreshToken: tokens.refreshToken === null ? null : sealer.seal(tokens.refreshToken, place(id, 'refresh_token')),
    scopes: tokens.scopes ?? [],
    expiresAt: tokens.expiresAt,
    refreshExpiresAt: tokens.refreshExpiresAt,
    dueAt: null,
  })

  return {
    sealed,

    /**
     * Keeps what a sign-in or a linking brought for `holder`. A missing refresh token never overwrites a stored one.
     */
    keep({ provider, clientId, claims, tokens, asked }: Grant, holder = 'person'): Promise<void> {
      return grants.keep(
        { provider, clientId, subject: claims.subject, holder },
        ids('grt'),
        (id) => ({ ...sealed(id, tokens), askedScopes: asked }),
        clock(),
      )
    },

    /** The same for whoever keeps it themselves, in the transaction of what it is for: its tokens, sealed to a row. */
    brought:
      ({ tokens, asked }: Grant): ((id: string) => NewTokens) =>
      (id) => ({ ...sealed(id, tokens), askedScopes: asked }),

    find: (key: GrantKey): Promise<StoredGrant | undefined> => grants.find(key),

    /** The tokens in the clear, for a call to their provider. `id` is the row they were sealed in. */
    open(
      id: string,
      { accessToken, refreshToken }: Pick<StoredGrant, 'accessToken' | 'refreshToken'>,
    ): { accessToken: string; refreshToken: string | null } {
      if (accessToken === null) throw new UnopenableError(`${place(id, 'access_token')} was withdrawn`)
      return {
        accessToken: sealer.open(accessToken, place(id, 'access_token')),
        refreshToken: refreshToken === null ? null : sealer.open(refreshToken, place(id, 'refresh_token')),
      }
    },
  }
}
export type Vault = ReturnType<typeof createVault>
