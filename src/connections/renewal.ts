import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import { internalOrigin } from '../events/catalogue.ts'
import { type Clock, secondsAfter, secondsUntil } from '../kernel/clock.ts'
import { type Random, secretToken } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Refreshed } from '../providers/provider.ts'
import type { GrantKey, GrantStore, StoredGrant } from './ports.ts'
import type { Vault } from './vault.ts'

/** A token with less left than this is renewed before it is used: it could die on the way. */
const earlySeconds = 60
/** Longer than any provider call may take, so that a lease outlives its work but not its worker. */
const leaseSeconds = 90
/** How long somebody waits for another's renewal. */
const patienceSeconds = 30
const waitMs = 100
/** After a transient failure nobody asks again for a while: twice as long each time, up to a minute. */
const firstBackOffSeconds = 1
const maxBackOffSeconds = 60
const rememberedFailures = 10_000

export type RenewalNeed = 'fresh' | 'renew' | 'dead'

/** Pure: does this grant's access token serve as it is? */
export function renewalNeed(grant: Pick<StoredGrant, 'expiresAt' | 'refreshToken' | 'status'>, now: Date): RenewalNeed {
  if (grant.status === 'needs_reauthorization') return 'dead'
  if (grant.expiresAt === null || grant.expiresAt > secondsAfter(now, earlySeconds)) return 'fresh'
  if (grant.refreshToken !== null) return 'renew'
  return grant.expiresAt > now ? 'fresh' : 'dead'
}

/** For what a refusal says, and for whose activity tells of it. */
type Whose = { readonly providerName: string; readonly accountId: string | null }

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
 * An access token that works, for a call to its provider. Renewed once, whoever asks: a lease with an owner and a
 * fence, in the store, because most providers kill the old refresh token with the first use, and the second to ask
 * would be told that the grant is dead.
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
  /** Grants whose provider could not renew them just now, by id. Each node finds that out for itself. */
  const failures = new Map<string, { readonly inARow: number; readonly until: Date }>()

  /** Seconds nobody should ask for: exponential, with up to half of it random, or what the provider asked for. */
  const backOff = (grantId: string, at: Date, retryAfter = 0): number => {
    const inARow = (failures.get(grantId)?.inARow ?? 0) + 1
    const base = Math.min(firstBackOffSeconds * 2 ** (inARow - 1), maxBackOffSeconds)
    const seconds = Math.max(retryAfter, base * (0.5 + random(2).readUInt16BE() / 0xffff / 2))
    if (failures.size >= rememberedFailures) failures.clear()
    failures.set(grantId, { inARow, until: secondsAfter(at, seconds) })
    return Math.ceil(seconds)
  }

  const heldOff = ({ id }: StoredGrant, at: Date): boolean => {
    const { until } = failures.get(id) ?? {}
    return until !== undefined && until > at
  }

  /** Tokens are renewed early, so what is left of the present one may still serve. */
  const unrenewed = (
    grant: StoredGrant,
    providerName: string,
    told: { cause?: unknown; retryAfter?: number } = {},
  ): Result<string, AppError<'provider_unavailable'>> => {
    const at = clock()
    if (grant.expiresAt === null || grant.expiresAt > at) return ok(vault.open(grant.id, grant).accessToken)
    const retryAfter = secondsUntil(failures.get(grant.id)?.until ?? at, at) + 1
    return fail('provider_unavailable', { provider: providerName }, { retryAfter, ...told })
  }

  /** Ours came too late: somebody consented anew, or took the lease over, and what they stored counts. */
  const asStored = async (
    key: GrantKey,
    providerName: string,
    ours: string | null,
  ): Promise<Result<string, AppError<'needs_reauthorization'>>> => {
    const current = await grants.find(key)
    if (current && renewalNeed(current, clock()) === 'fresh') return ok(vault.open(current.id, current).accessToken)
    return current?.status === 'healthy' && ours !== null
      ? ok(ours)
      : fail('needs_reauthorization', { provider: providerName })
  }

  const renew = async (
    leased: StoredGrant,
    { providerName, accountId }: Whose,
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
      failures.delete(leased.id)
      return stored ? ok(answer.tokens.accessToken) : asStored(leased, providerName, answer.tokens.accessToken)
    }
    const dead = answer.tag === 'needs_reauthorization'
    const because = dead
      ? [
          {
            name: 'provider_token.needs_reauthorization' as const,
            accountId,
            origin: internalOrigin,
            data: { provider: leased.provider },
          },
        ]
      : []
    const retryAfter = dead ? 0 : backOff(leased.id, at, answer.tag === 'transient' ? answer.retryAfter : undefined)
    const ended = await grants.gaveUp(leased.id, leased.fence, dead, at, because)
    events.emit('provider_token.refreshed', {
      provider: leased.provider,
      result: dead ? 'needs_reauthorization' : 'transient',
    })
    if (dead && !ended) return asStored(leased, providerName, null)
    if (dead) return fail('needs_reauthorization', { provider: providerName }, { cause: answer.reason })
    return unrenewed(leased, providerName, { cause: answer.reason, retryAfter })
  }

  return {
    /**
     * Answers a usable access token, or `needs_reauthorization` when only the person can help, or
     * `provider_unavailable`.
     */
    async accessToken(
      key: GrantKey,
      whose: Whose,
    ): Promise<Result<string, AppError<'needs_reauthorization' | 'provider_unavailable'>>> {
      const { providerName } = whose
      const owner = secretToken(random)
      // Whoever finds the grant leased waits for the other's result.
      for (let waited = 0; waited <= patienceSeconds * 1000; waited += waitMs) {
        const grant = await grants.find(key)
        const need = grant ? renewalNeed(grant, clock()) : 'dead'
        if (!grant || need === 'dead') return fail('needs_reauthorization', { provider: providerName })
        if (need === 'fresh') return ok(vault.open(grant.id, grant).accessToken)
        const at = clock()
        if (heldOff(grant, at)) return unrenewed(grant, providerName)
        const leased = await grants.lease(grant.id, owner, secondsAfter(at, leaseSeconds), at)
        if (leased) {
          // Looked at again under the lease: whoever had it before may have renewed it, found it dead, or failed,
          // between our read and our lease.
          if (renewalNeed(leased, clock()) === 'renew' && !heldOff(leased, clock())) return renew(leased, whose)
          await grants.gaveUp(leased.id, leased.fence, false, clock(), [])
          if (renewalNeed(leased, clock()) === 'dead') return fail('needs_reauthorization', { provider: providerName })
          return unrenewed(leased, providerName)
        }
        await pause(waitMs)
      }
      return fail('provider_unavailable', { provider: providerName }, { retryAfter: 5 })
    },
  }
}
export type Renewal = ReturnType<typeof createRenewal>
