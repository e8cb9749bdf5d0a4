import type { IdentityUse } from '../kernel/account.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Sealer } from '../kernel/crypto.ts'
import { UnopenableError } from '../kernel/crypto.ts'
import { chance, type Ids, type Random } from '../kernel/ids.ts'
import type { PreparedChange } from '../kernel/prepared-change.ts'
import type { Grant, GrantTokens, Provider, TokenGrant } from '../providers/provider.ts'
import { isInUse, nextRefreshAt, wouldNarrow } from './life-cycle.ts'
import type { GrantKey, GrantStore, NewTokens, StoredGrant } from './ports.ts'

/** Whether there is something to store: a native app keeps its tokens. */
export const hasTokens = (grant: Grant): grant is TokenGrant => grant.tokens !== null

/** What the vault needs to know of a provider. */
export type Terms = Pick<Provider, 'name' | 'clientId' | 'lifetime' | 'missingScopes' | 'speaksFor'>

type VaultParts = {
  grants: GrantStore
  sealer: Sealer
  clock: Clock
  ids: Ids
  random: Random
  provider: (id: string) => Terms | undefined
}
type Column = 'access_token' | 'refresh_token'
/** How many grants one transaction reads. */
const repairedAtOnce = 500

/** Stores provider tokens, each sealed to its row and column. They are opened only to be sent to their provider. */
export function createVault({ grants, sealer, clock, ids, random, provider }: VaultParts) {
  const place = (id: string, column: Column): string => `grants/${id}/${column}`

  const sealed = (
    id: string,
    tokens: GrantTokens,
  ): Omit<NewTokens, 'askedScopes' | 'dueAt'> & { readonly accessToken: string } => ({
    accessToken: sealer.seal(tokens.accessToken, place(id, 'access_token')),
    refreshToken: tokens.refreshToken === null ? null : sealer.seal(tokens.refreshToken, place(id, 'refresh_token')),
    scopes: tokens.scopes ?? [],
    expiresAt: tokens.expiresAt,
    refreshExpiresAt: tokens.refreshExpiresAt,
  })

  /** When a grant with new tokens is due. */
  const nextDueOf = (grant: Pick<StoredGrant, 'provider'> & Parameters<typeof nextRefreshAt>[0]): Date | null =>
    nextRefreshAt(grant, provider(grant.provider)?.lifetime ?? {}, clock(), chance(random))

  /** When a grant is due after it is used now: an idle one must be renewed in time again. */
  const dueOnUse = (grant: StoredGrant): Date | null => {
    const at = clock()
    return grant.status === 'healthy' && grant.expiresAt !== null && !isInUse(grant, at)
      ? nextDueOf({ ...grant, usedAt: at })
      : grant.dueAt
  }

  /** `keep` as part of another change. */
  const keeping = (
    { provider: id, issuer, clientId, claims: { subject }, tokens, asked }: TokenGrant,
    holder = 'person',
    how: 'sign_in' | 'on_purpose' = holder === 'person' ? 'sign_in' : 'on_purpose',
    use?: IdentityUse,
  ): PreparedChange => {
    const at = clock()
    return grants.keeping(
      { provider: id, issuer, clientId, subject, holder },
      ids('grt'),
      (row, stored) => {
        const plain = how === 'sign_in' && stored !== undefined && stored.status !== 'revoked'
        const missing = provider(id)?.missingScopes ?? listed
        if (plain && wouldNarrow(stored, tokens.scopes ?? asked, missing, at))
          return { stays: true, dueAt: dueOnUse(stored) }
        const brought = sealed(row, tokens)
        const before = stored?.status === 'needs_reauthorization' ? undefined : stored
        const refreshToken = brought.refreshToken ?? before?.refreshToken ?? null
        const refreshExpiresAt =
          brought.refreshToken === null ? (before?.refreshExpiresAt ?? null) : brought.refreshExpiresAt
        return {
          ...brought,
          askedScopes: plain ? [...new Set([...stored.askedScopes, ...asked])] : asked,
          dueAt: nextDueOf({ ...brought, provider: id, refreshToken, refreshExpiresAt, usedAt: at }),
        }
      },
      at,
      use,
    )
  }

  let repairedUpTo = ''

  return {
    sealed,
    nextDueOf,
    keeping,

    /**
     * Stores the consent for `holder`. A missing refresh token never overwrites a stored one unless that is dead. A
     * plain sign-in requests little, so it removes nothing: a living grant with more scopes stays, and what was
     * requested once is remembered. A consent given on purpose replaces the stored one. Returns `false` if nobody has
     * the identity any longer; then nothing is stored. What the provider reported about the identity (`use`) is stored
     * in the same transaction.
     */
    keep: (...given: Parameters<typeof keeping>): Promise<boolean> => keeping(...given).make(),

    /** The same for callers that store the tokens in a transaction of their own: the tokens, sealed to a row. */
    brought:
      ({ provider: id, tokens, asked }: TokenGrant): ((row: string) => NewTokens) =>
      (row) => {
        const brought = sealed(row, tokens)
        return { ...brought, askedScopes: asked, dueAt: nextDueOf({ ...brought, provider: id, usedAt: clock() }) }
      },

    dueOnUse,

    /**
     * Checks some more grants at each call, all of them in turn, and withdraws those that older versions left without
     * an identity. Returns how many.
     */
    async repair(): Promise<number> {
      const { withdrawn, next } = await grants.repair(repairedUpTo, repairedAtOnce, clock())
      repairedUpTo = next ?? ''
      return withdrawn
    },

    find: (key: GrantKey): Promise<StoredGrant | undefined> => grants.find(key),

    /** The opened tokens, for a call to their provider. `id` is the row they are sealed to. */
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
/** For a provider that is not enabled: scopes are compared by name. */
const listed = (asked: readonly string[], granted: readonly string[]): readonly string[] =>
  asked.filter((scope) => !granted.includes(scope))

export type Vault = ReturnType<typeof createVault>
