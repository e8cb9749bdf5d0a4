import type { Fact } from '../events/catalogue.ts'
import { internalOrigin } from '../events/catalogue.ts'
import { backOff } from '../kernel/back-off.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { UnopenableError } from '../kernel/crypto.ts'
import { chance, type Ids, type Random } from '../kernel/ids.ts'
import type { Grant, RevocationOutcome } from '../providers/provider.ts'
import type { GrantErrorClass, QueueOf, Revocation, RevocationPlace, RevocationStore } from './ports.ts'
import type { Vault } from './vault.ts'

/** From a quarter of a minute up to six hours, it has tried for about three days when it gives up. */
const maxAttempts = 25
const delaySeconds = { first: 15, most: 6 * 3600 }
/** Longer than any provider call may take, so that nobody else takes an item that is being worked on. */
const leaseSeconds = 90
/** How soon is looked again whether somebody has come back from the provider. */
const heldSeconds = 10
/** A round starts nothing new after so long: the next one, which is due by then, goes on. */
const roundSeconds = 25
/** How many of one provider's a round looks at: it only waits with some of them. */
const mostLooks = 500
/** Why a call was not made at all. That is no attempt of this item's, and the provider's next one would fare the same. */
const notMade = new Set(['breaker_open', 'at_capacity', 'held_off'])
const notMadeSeconds = 15

/** Seconds until the next try, after `attempts` of them; never sooner than the provider asked for. */
export const retryDelay = (attempts: number, random: Random, retryAfter = 0): number =>
  Math.max(retryAfter, backOff(attempts, delaySeconds, chance(random)))

/** A revocation as it is told to whoever waits for it. */
export type QueuedRevocation = Pick<Revocation, 'provider' | 'teamId' | 'attempts' | 'nextAttemptAt'> & {
  readonly queuedAt: Date
  readonly lastError: GrantErrorClass | null
}

/** What went wrong, as far as it is anybody's but the operator's business. */
function classOf(reason: string): GrantErrorClass {
  if (reason === 'status_429' || reason === 'held_off') return 'rate_limited'
  return ours.has(reason) ? 'client_misconfigured' : 'transient'
}
const ours = new Set([
  'unopenable',
  'provider_not_enabled',
  'issuer_changed',
  'status_401',
  'status_403',
  'invalid_client',
])

type RevocationParts = {
  revocations: RevocationStore
  vault: Vault
  clock: Clock
  ids: Ids
  random: Random
  /** Never sends a token to another issuer than the one that made it. */
  revoke: (
    of: Pick<Revocation, 'provider' | 'issuer'>,
    tokens: { accessToken: string; refreshToken: string | null },
  ) => Promise<RevocationOutcome>
  /** Ids of the enabled providers. */
  providers: () => readonly string[]
}

/** What became of one item. After `not_made` nothing more is asked of its provider in this round. */
type RevocationAttempt = 'handled' | 'held' | 'not_made'

/**
 * Withdrawing our permission at the provider, some time after the person withdrew it here: a durable queue, retried.
 */
export function createRevocation({ revocations, vault, clock, ids, random, revoke, providers }: RevocationParts) {
  const finish = (
    item: Revocation,
    result: 'revoked' | 'not_supported' | 'still_needed' | 'gave_up',
  ): Promise<void> => {
    const fact: Fact = {
      name: 'provider_token.revoked',
      accountId: item.accountId === '' ? null : item.accountId,
      origin: internalOrigin,
      data: { provider: item.provider, result },
    }
    // One that timed out here may have arrived there.
    const called = result === 'revoked' || (result !== 'not_supported' && item.attempts > 0)
    return revocations.finish(item.id, [fact], called ? { at: clock() } : undefined)
  }

  /**
   * Nothing when no key of the ring opens them: the operator may bring the key back, and meanwhile the others go on.
   */
  const opened = (item: Revocation) => {
    try {
      return vault.open(item.grantId, item)
    } catch (error) {
      if (error instanceof UnopenableError) return undefined
      throw error
    }
  }

  const one = async (item: Revocation): Promise<RevocationAttempt> => {
    // A team's connection, or a sign-in linked again, stands on the same consent: revoking now would kill its tokens
    // with these (Google revokes for the whole project, GitHub and Atlassian for person and app).
    if (await revocations.stillNeeded(item)) {
      await finish(item, 'still_needed')
      return 'handled'
    }
    // Google ends the whole consent, with what somebody is about to bring back. Only of a plain sign-in it is not known
    // whose it will be: caught in the middle, it fails once.
    const now = clock()
    if (await revocations.awaited(item, now)) {
      await revocations.postpone(item.id, secondsAfter(now, heldSeconds))
      return 'held'
    }
    return ask(item)
  }

  const ask = async (item: Revocation): Promise<RevocationAttempt> => {
    const tokens = opened(item)
    const answer: RevocationOutcome = tokens ? await revoke(item, tokens) : { tag: 'transient', reason: 'unopenable' }
    if (answer.tag !== 'transient') {
      await finish(item, answer.tag)
      return 'handled'
    }
    if (notMade.has(answer.reason)) {
      await revocations.postpone(item.id, secondsAfter(clock(), Math.max(answer.retryAfter ?? 0, notMadeSeconds)))
      return 'not_made'
    }
    const attempts = item.attempts + 1
    if (attempts >= maxAttempts) await finish(item, 'gave_up')
    else {
      const delay = retryDelay(attempts, random, answer.retryAfter)
      await revocations.retry(item.id, secondsAfter(clock(), delay), answer.reason)
    }
    return 'handled'
  }

  let isStopping = false
  /** The queues being worked off in the round under way, and how that goes. */
  const busy = new Map<string, Promise<void>>()
  let round = { started: clock(), handled: 0, error: undefined as { readonly thrown: unknown } | undefined }

  const workOff = async (of: QueueOf): Promise<void> => {
    for (let looks = 0; looks < mostLooks && !isStopping; looks++) {
      const now = clock()
      if (now > secondsAfter(round.started, roundSeconds)) return
      // One by one: a lease has to last for one call, not for a round.
      const [item] = await revocations.take(1, now, secondsAfter(now, leaseSeconds), of)
      if (!item) return
      const end = await one(item)
      if (end === 'handled') round.handled++
      if (end === 'not_made') return
    }
  }

  /** Each provider has a queue of its own, so that one that does not answer delays no other's. */
  const workOffIdle = (): void => {
    const enabled = providers()
    const queues: readonly QueueOf[] = [...enabled.map((provider) => ({ provider })), { noneOf: enabled }]
    for (const of of queues) {
      const key = 'provider' in of ? of.provider : ''
      if (busy.has(key)) continue
      const working = workOff(of)
        .catch((thrown: unknown) => {
          round.error ??= { thrown }
        })
        .finally(() => busy.delete(key))
      busy.set(key, working)
    }
  }

  return {
    /**
     * What a consent brought that came to nothing here, for it was refused at the last step: kept nowhere, and to be
     * worth nothing at its provider either, unless something else stands on the same consent.
     */
    async revokeUnused(
      { provider, issuer, clientId, claims: { subject }, tokens }: Grant,
      accountId: string,
    ): Promise<void> {
      const [grantId, at] = [ids('grt'), clock()]
      const { accessToken, refreshToken } = vault.sealed(grantId, tokens)
      await revocations.add({
        id: ids('rvk'),
        accountId,
        teamId: null,
        grantId,
        provider,
        issuer,
        clientId,
        subject,
        accessToken,
        refreshToken,
        attempts: 0,
        nextAttemptAt: at,
        lastError: null,
        createdAt: at,
      })
    },

    /** Works off what is due; answers how many were handled. */
    async work(): Promise<number> {
      if (busy.size === 0) round = { started: clock(), handled: 0, error: undefined }
      const { handled: before } = round
      workOffIdle()
      while (busy.size > 0) await Promise.all(busy.values())
      if (round.error) throw round.error.thrown
      return round.handled - before
    },
    /** Something was queued: a round under way looks at the queues again that it has done with. */
    wake(): void {
      if (busy.size > 0) workOffIdle()
    },
    /** Begins with no further one. */
    stop: (): void => {
      isStopping = true
    },
    backlog: (): Promise<number> => revocations.backlog(),

    /** A page of what of an account's waits, the oldest first; without the tokens. `next`: where the next page begins. */
    async waiting(
      accountId: string,
      { after, limit }: { readonly after: RevocationPlace | null; readonly limit: number },
    ): Promise<{ readonly items: readonly QueuedRevocation[]; readonly next: RevocationPlace | null }> {
      // One more than asked for tells whether there is a next page.
      const rows = await revocations.of(accountId, { after, limit: limit + 1 })
      const shown = rows.slice(0, limit)
      const items = shown.map(({ provider, teamId, createdAt, attempts, nextAttemptAt, lastError }) => ({
        provider,
        teamId,
        queuedAt: createdAt,
        attempts,
        nextAttemptAt,
        lastError: lastError === null ? null : classOf(lastError),
      }))
      const last = shown.at(-1)
      return { items, next: rows.length > limit && last ? { createdAt: last.createdAt, id: last.id } : null }
    },
  }
}
export type Revocations = ReturnType<typeof createRevocation>
