import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import type { Fact } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { UnopenableError } from '../kernel/crypto.ts'
import { chance, type Random } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { RefreshOutcome, TokenSet } from '../providers/provider.ts'
import {
  backOffSeconds,
  concernsEverybody,
  errorClassOf,
  type Need,
  needOf,
  type RefreshFailure,
  waitSeconds,
} from './life-cycle.ts'
import type { GrantKey, GrantStore, StoredGrant } from './ports.ts'
import type { Terms, Vault } from './vault.ts'

/** How long to wait after a failed write: increasing, up to a second. */
const firstPauseMs = 100
const mostPauseMs = 1000

/** What a call to the provider needs, and what it allows. */
export type UsableToken = {
  readonly accessToken: string
  /** `null` if it never expires, as far as the provider reports. */
  readonly expiresAt: Date | null
  readonly scopes: readonly string[]
  /** The requested scopes. Those that were not granted are missing. */
  readonly askedScopes: readonly string[]
}

export type Wish = {
  /** How long it must remain valid, in seconds. If the provider issues no longer one, the newest is returned. */
  readonly minTtlSeconds?: number
  /** An access token that the provider's API has just rejected with 401: another one is needed. */
  readonly refused?: string
}

export type UsableTokenCode = 'needs_reauthorization' | 'provider_unavailable' | 'not_connected'
export type UsableTokenResult = Result<UsableToken, AppError<UsableTokenCode>>

/**
 * The result of one renewal. `everybody`: it would be the same for other grants of this provider. `left`: nothing was
 * done.
 */
export type RenewalOutcome = {
  readonly answer: UsableTokenResult
  readonly result: 'refreshed' | 'dead' | 'misconfigured' | 'failed' | 'left'
  readonly everybody?: boolean
}

export type LeasedParts = {
  grants: GrantStore
  vault: Vault
  clock: Clock
  random: Random
  events: Bus
  provider: (id: string) => Terms | undefined
  /** Never sends a token to another issuer than the one that issued it. */
  refresh: (grant: StoredGrant, refreshToken: string) => Promise<RefreshOutcome>
  /** Facts for those affected by a dead grant, stored together with it. */
  concerns: (grant: StoredGrant) => Promise<readonly Fact[]>
  /** Revokes tokens at the provider that were issued for nobody. */
  revokeUnused?: (grant: StoredGrant, tokens: TokenSet) => Promise<void>
  /** Milliseconds; while another worker holds the lease, or the store is unavailable. */
  pause: (ms: number) => Promise<void>
}

/**
 * What happens under the lease of a grant: the provider is called once, and its response is stored for this fence only.
 * Also what a caller gets who needs the token.
 */
export function createLeasedRenewal({
  grants,
  vault,
  clock,
  random,
  events,
  provider,
  refresh,
  concerns,
  revokeUnused: discard = async () => undefined,
  pause,
}: LeasedParts) {
  const nameOf = (id: string): string => provider(id)?.name ?? id
  const accessTokenOf = ({ id, accessToken }: StoredGrant): string =>
    vault.open(id, { accessToken, refreshToken: null }).accessToken

  const usable = ({ expiresAt, scopes, askedScopes }: StoredGrant, accessToken: string): UsableToken => ({
    accessToken,
    expiresAt,
    scopes,
    askedScopes,
  })

  const needs = (grant: StoredGrant, { minTtlSeconds, refused }: Wish): Need =>
    needOf(grant, clock(), {
      ...(minTtlSeconds === undefined ? {} : { minTtlSeconds }),
      refused: refused !== undefined && grant.accessToken !== null && accessTokenOf(grant) === refused,
    })

  const unavailable = (
    { provider: id }: Pick<StoredGrant, 'provider'>,
    retryAfter: number,
    cause?: unknown,
  ): UsableTokenResult =>
    fail('provider_unavailable', { provider: nameOf(id) }, { retryAfter, ...(cause === undefined ? {} : { cause }) })

  /** The result for a grant in its current state, if nothing must or can be done. */
  const asIs = (grant: StoredGrant, { refused }: Wish, cause?: unknown): UsableTokenResult => {
    const at = clock()
    const params = { provider: nameOf(grant.provider) }
    if (grant.status === 'revoked' || grant.accessToken === null) return fail('not_connected', params)
    if (grant.status === 'needs_reauthorization')
      return fail('needs_reauthorization', params, cause === undefined ? {} : { cause })
    const accessToken = accessTokenOf(grant)
    // Tokens are renewed early: this one may still be valid long enough.
    if (accessToken !== refused && (grant.expiresAt === null || grant.expiresAt > at))
      return ok(usable(grant, accessToken))
    if (grant.refreshToken === null) return fail('needs_reauthorization', params)
    return unavailable(grant, waitSeconds(grant, at), cause)
  }

  /**
   * Stores the provider's response. The store may be unavailable for a moment, and the new tokens exist nowhere else:
   * so it is retried for as long as the lease keeps other workers away.
   */
  const written = async <T>(leased: StoredGrant, write: () => Promise<T>): Promise<T> => {
    const most = ((leased.leaseUntil?.getTime() ?? 0) - clock().getTime()) * 0.8
    for (let waited = 0, ms = firstPauseMs; ; waited += ms, ms = Math.min(ms * 2, mostPauseMs)) {
      try {
        return await write()
      } catch (thrown) {
        if (waited + ms > most) throw thrown
        await pause(ms)
      }
    }
  }

  /** A new consent, a withdrawal or another lease came first: what it stored counts. */
  const asStored = async (leased: StoredGrant, wish: Wish): Promise<RenewalOutcome> => {
    const current = await grants.find(leased)
    if (!current) return { answer: notConnected(leased), result: 'left' }
    return { answer: asIs(current, wish), result: 'left' }
  }

  const notConnected = ({ provider: id }: GrantKey): UsableTokenResult =>
    fail('not_connected', { provider: nameOf(id) })

  const store = async (leased: StoredGrant, tokens: TokenSet, wish: Wish | null): Promise<RenewalOutcome> => {
    const at = clock()
    const scopes = tokens.scopes ?? leased.scopes
    const sealed = vault.sealed(leased.id, { ...tokens, scopes })
    const kept = tokens.refreshToken === null ? leased : sealed
    const usedAt = wish ? at : leased.usedAt
    const fresh = {
      ...leased,
      ...sealed,
      refreshToken: kept.refreshToken,
      refreshExpiresAt: kept.refreshExpiresAt,
      usedAt,
    }
    const missing = provider(leased.provider)?.missingScopes
    const lost =
      missing !== undefined &&
      (missing(leased.scopes, scopes).length > 0 ||
        (leased.lastError === 'scope_missing' && missing(leased.askedScopes, scopes).length > 0))
    const brought = {
      ...sealed,
      dueAt: vault.nextDueOf(fresh),
      ...(lost ? { lastError: 'scope_missing' as const } : {}),
      ...(wish ? { usedAt: at } : {}),
    }
    // Stored before it is used: if a rotated token is lost, so is the grant.
    const stored = await written(leased, () => grants.renewed(leased.id, leased.fence, brought, at))
    events.emit('provider_token.refreshed', { provider: leased.provider, result: 'refreshed' })
    if (stored) return { answer: ok(usable(fresh, tokens.accessToken)), result: 'refreshed' }
    // Withdrawn during the renewal: the old tokens are being revoked, and the new ones would stay valid.
    const current = await grants.find(leased)
    if (!current || current.accessToken === null) await discard(leased, tokens)
    return asStored(leased, wish ?? {})
  }

  /** Marks the grant and notifies its user, unless something newer was stored, as the fence shows. */
  const bury = async (leased: StoredGrant, wish: Wish | null, cause: string): Promise<RenewalOutcome> => {
    const marked = await written(leased, async () =>
      grants.died(leased.id, leased.fence, clock(), await concerns(leased)),
    )
    events.emit('provider_token.refreshed', { provider: leased.provider, result: 'needs_reauthorization' })
    if (!marked) return asStored(leased, wish ?? {})
    const answer = fail('needs_reauthorization', { provider: nameOf(leased.provider) }, { cause })
    return { answer, result: 'dead' }
  }

  const postpone = async (leased: StoredGrant, failure: RefreshFailure): Promise<{ dueAt: Date; noted: boolean }> => {
    const at = clock()
    const retryAfter = failure.tag === 'transient' ? failure.retryAfter : undefined
    const dueAt = secondsAfter(at, backOffSeconds(leased.failures + 1, chance(random), retryAfter))
    const error = errorClassOf(failure)
    const noted = await written(leased, () => grants.failed(leased.id, leased.fence, error, dueAt, at))
    const result = error === 'rate_limited' || error === 'client_misconfigured' ? error : 'transient'
    events.emit('provider_token.refreshed', { provider: leased.provider, result })
    return { dueAt, noted }
  }

  /** Under the lease: calls the provider once and stores the response. `wish` is `null` for the scheduled round. */
  const renew = async (leased: StoredGrant, wish: Wish | null): Promise<RenewalOutcome> => {
    let refreshToken: string | null
    try {
      ;({ refreshToken } = vault.open(leased.id, leased))
    } catch (thrown) {
      // A key is missing from the ring. The operator may add it again; other grants are not affected.
      if (!(thrown instanceof UnopenableError)) throw thrown
      const { dueAt } = await postpone(leased, { tag: 'client_config', reason: 'unopenable' })
      const answer = unavailable(leased, waitSeconds({ ...leased, status: 'degraded', dueAt }, clock()), 'unopenable')
      return { answer, result: 'failed' }
    }
    if (refreshToken === null) return bury(leased, wish, 'no_refresh_token')
    const answer = await refresh(leased, refreshToken)
    if (answer.tag === 'refreshed') return store(leased, answer.tokens, wish)
    if (answer.tag === 'needs_reauthorization') return bury(leased, wish, answer.reason)
    const { dueAt, noted } = await postpone(leased, answer)
    if (!noted) return asStored(leased, wish ?? {})
    return {
      answer: asIs({ ...leased, status: 'degraded', dueAt }, wish ?? {}, answer.reason),
      result: answer.tag === 'client_config' ? 'misconfigured' : 'failed',
      everybody: concernsEverybody(answer),
    }
  }

  return { needs, asIs, unavailable, notConnected, renew, bury }
}
