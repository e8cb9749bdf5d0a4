import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import { internalOrigin } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { type Random, secretToken } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Refreshed } from '../providers/provider.ts'
import type { GrantKey, GrantStore, StoredGrant } from './ports.ts'
import type { Vault } from './vault.ts'

/** A token with less left than this is renewed before it is used: it could die on the way. */
const earlySeconds = 60
/** Longer than any provider call may take, so that a lease outlives its work but not its worker. */
const leaseSeconds = 30
const waitMs = 100

export type RenewalNeed = 'fresh' | 'renew' | 'dead'

/** Pure: does this grant's access token serve as it is? */
export function renewalNeed(grant: Pick<StoredGrant, 'expiresAt' | 'refreshToken' | 'status'>, now: Date): RenewalNeed {
  if (grant.status === 'needs_reauthorization') return 'dead'
  if (grant.expiresAt === null || grant.expiresAt > secondsAfter(now, earlySeconds)) return 'fresh'
  if (grant.refreshToken !== null) return 'renew'
  return grant.expiresAt > now ? 'fresh' : 'dead'
}

type Parts = {
  grants: GrantStore
  vault: Vault
  clock: Clock
  random: Random
  events: Bus
  refresh: (provider: string, refreshToken: string, subject: string) => Promise<Refreshed>
  /** Milliseconds; for whoever waits on another's lease. */
  pause?: (ms: number) => Promise<void>
}

/**
 * An access token that works, for a call to its provider. Renewed once, whoever asks: a lease with an owner and a fence, in the store,
 * because most providers kill the old refresh token with the first use, and the second to ask would be told that the grant is dead.
 */
export function createRenewal({
  grants,
  vault,
  clock,
  random,
  events,
  refresh,
  pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}: Parts) {
  const renew = async (
    leased: StoredGrant,
    providerName: string,
  ): Promise<Result<string, AppError<'needs_reauthorization' | 'provider_unavailable'>>> => {
    const { refreshToken } = vault.open(leased.id, leased)
    const answer: Refreshed =
      refreshToken === null
        ? { tag: 'needs_reauthorization', reason: 'no_refresh_token' }
        : await refresh(leased.provider, refreshToken, leased.subject)
    const at = clock()
    if (answer.tag === 'refreshed') {
      // Stored before it is used: a rotated token that is lost is a grant that is lost.
      const scopes = answer.tokens.scopes ?? leased.scopes
      const stored = await grants.renewed(
        leased.id,
        leased.fence,
        vault.sealed(leased.id, { ...answer.tokens, scopes }),
        at,
      )
      events.emit('provider_token.refreshed', { provider: leased.provider, result: 'refreshed' })
      if (stored) return ok(answer.tokens.accessToken)
      // A new consent replaced the row meanwhile: its tokens count.
      const current = await grants.find(leased)
      return current
        ? ok(vault.open(current.id, current).accessToken)
        : fail('needs_reauthorization', { provider: providerName })
    }
    const dead = answer.tag === 'needs_reauthorization'
    const because = dead
      ? [
          {
            name: 'provider_token.needs_reauthorization' as const,
            accountId: null,
            origin: internalOrigin,
            data: { provider: leased.provider },
          },
        ]
      : []
    await grants.gaveUp(leased.id, leased.fence, dead, at, because)
    events.emit('provider_token.refreshed', {
      provider: leased.provider,
      result: dead ? 'needs_reauthorization' : 'transient',
    })
    if (dead) return fail('needs_reauthorization', { provider: providerName }, { cause: answer.reason })
    return fail(
      'provider_unavailable',
      { provider: providerName },
      {
        cause: answer.reason,
        ...(answer.tag === 'transient' && answer.retryAfter !== undefined ? { retryAfter: answer.retryAfter } : {}),
      },
    )
  }

  return {
    /** Answers a usable access token, or `needs_reauthorization` when only the person can help, or `provider_unavailable`. */
    async accessToken(
      key: GrantKey,
      providerName: string,
    ): Promise<Result<string, AppError<'needs_reauthorization' | 'provider_unavailable'>>> {
      const owner = secretToken(random)
      // Whoever finds the grant leased waits for the other's result, for at most one lease.
      for (let waited = 0; waited <= leaseSeconds * 1000; waited += waitMs) {
        const grant = await grants.find(key)
        const need = grant ? renewalNeed(grant, clock()) : 'dead'
        if (!grant || need === 'dead') return fail('needs_reauthorization', { provider: providerName })
        if (need === 'fresh') return ok(vault.open(grant.id, grant).accessToken)
        const at = clock()
        const leased = await grants.lease(grant.id, owner, secondsAfter(at, leaseSeconds), at)
        // Read again under the lease: the one before may have renewed it between our read and our lease.
        if (leased) return renewalNeed(leased, clock()) === 'renew' ? renew(leased, providerName) : settle(leased)
        await pause(waitMs)
      }
      return fail('provider_unavailable', { provider: providerName }, { retryAfter: 5 })
    },
  }

  async function settle(leased: StoredGrant): Promise<Result<string, never>> {
    await grants.gaveUp(leased.id, leased.fence, false, clock(), [])
    return ok(vault.open(leased.id, leased).accessToken)
  }
}
export type Renewal = ReturnType<typeof createRenewal>
