import type { Fact } from '../events/catalogue.ts'
import { internalOrigin } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import type { Random } from '../kernel/ids.ts'
import type { Revoked } from '../providers/provider.ts'
import type { GrantStore, Revocation, RevocationStore } from './ports.ts'
import type { Vault } from './vault.ts'

/** Doubling from half a minute, it has tried for about three days when it gives up. */
const maxAttempts = 14
const firstDelaySeconds = 30
const maxDelaySeconds = 6 * 3600
const leaseSeconds = 60

/** Seconds until the next try: exponential, capped, with up to half of it random so that a thousand do not return together. */
export function retryDelay(attempts: number, random: Random, retryAfter = 0): number {
  const base = Math.min(firstDelaySeconds * 2 ** (attempts - 1), maxDelaySeconds)
  const jitter = random(2).readUInt16BE() / 0xffff
  return Math.max(retryAfter, Math.round(base * (0.5 + jitter / 2)))
}

type Parts = {
  revocations: RevocationStore
  grants: GrantStore
  vault: Vault
  clock: Clock
  random: Random
  revoke: (provider: string, tokens: { accessToken: string; refreshToken: string | null }) => Promise<Revoked>
}

/** Withdrawing our permission at the provider, some time after the person withdrew it here: a durable queue, retried. */
export function createRevocation({ revocations, grants, vault, clock, random, revoke }: Parts) {
  const finish = (item: Revocation, result: 'revoked' | 'not_supported' | 'superseded' | 'gave_up'): Promise<void> => {
    const fact: Fact = {
      name: 'provider_token.revoked',
      accountId: null,
      origin: internalOrigin,
      data: { provider: item.provider, result },
    }
    return revocations.finish(item.id, [fact])
  }

  const one = async (item: Revocation): Promise<void> => {
    // The person linked the same provider account again: revoking now would kill the new grant with the old one (Google revokes for
    // the whole project, GitHub and Atlassian for person and app).
    if (await grants.find(item)) return finish(item, 'superseded')
    const answer = await revoke(item.provider, vault.open(item.grantId, item))
    if (answer.tag !== 'transient') return finish(item, answer.tag)
    if (item.attempts >= maxAttempts) return finish(item, 'gave_up')
    await revocations.retry(
      item.id,
      secondsAfter(clock(), retryDelay(item.attempts, random, answer.retryAfter)),
      answer.reason,
    )
  }

  return {
    /** Works off what is due; answers how many were handled. */
    async work(): Promise<number> {
      const now = clock()
      const due = await revocations.take(20, now, secondsAfter(now, leaseSeconds))
      for (const item of due) await one(item)
      return due.length
    },
    backlog: (): Promise<number> => revocations.backlog(),
  }
}
export type Revocations = ReturnType<typeof createRevocation>
