import type { Fact } from '../events/catalogue.ts'
import { internalOrigin } from '../events/catalogue.ts'
import { backOff } from '../kernel/back-off.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { UnopenableError } from '../kernel/crypto.ts'
import { chance, type Ids, type Random } from '../kernel/ids.ts'
import { outsideLimit } from '../kernel/limit.ts'
import { dueReceivers } from '../kernel/take-turns.ts'
import type { RevocationOutcome, TokenGrant } from '../providers/provider.ts'
import type { GrantErrorClass, Revocation, RevocationPlace, RevocationStore } from './ports.ts'
import type { Vault } from './vault.ts'

/** With waits from 15 seconds to six hours, it gives up after about three days. */
const maxAttempts = 25
const delaySeconds = { first: 15, most: 6 * 3600 }
/** Longer than any call to a provider, so that no other worker takes an item in progress. */
const leaseSeconds = 90
/** How soon to check again whether a user has returned from the provider. */
const heldSeconds = 10
/** A round starts nothing new after this time; the next round continues. */
const roundSeconds = 25
/** How many items of one provider a round reads: some may only have to wait. */
const mostLooks = 500
/** Why no call was made. This is no attempt for the item, and the provider's next item would fare the same. */
const notMade = new Set(['breaker_open', 'at_capacity', 'held_off'])
const notMadeSeconds = 15

/** Seconds until the next try, after `attempts`; never less than the provider asked for. */
export const retryDelay = (attempts: number, random: Random, retryAfter = 0): number =>
  Math.max(retryAfter, backOff(attempts, delaySeconds, chance(random)))

/** A queued revocation as its user sees it. */
export type QueuedRevocation = Pick<Revocation, 'provider' | 'teamId' | 'attempts' | 'nextAttemptAt'> & {
  readonly queuedAt: Date
  readonly lastError: GrantErrorClass | null
}

/** What went wrong, unless only the operator can fix it. */
function classOf(reason: string): GrantErrorClass {
  if (reason === 'status_429' || reason === 'held_off') return 'rate_limited'
  return ours.has(reason) ? 'client_misconfigured' : 'transient'
}
const ours = new Set([
  'unopenable',
  'provider_not_enabled',
  'issuer_changed',
  'client_changed',
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
  /** Never sends a token to another issuer than the one that issued it. */
  revoke: (
    of: Pick<Revocation, 'provider' | 'issuer' | 'clientId'>,
    tokens: { accessToken: string; refreshToken: string | null },
  ) => Promise<RevocationOutcome>
  /** IDs of the enabled providers. */
  providers: () => readonly string[]
}

/** The result for one item. After `not_made`, the round makes no further call to its provider. */
type RevocationAttempt = 'handled' | 'held' | 'not_made'

/** Revokes permissions at the provider after the user has withdrawn them here: a durable queue with retries. */
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
    // A call that timed out here may have arrived there.
    const called = result === 'revoked' || (result !== 'not_supported' && item.attempts > 0)
    return revocations.finish(item.id, [fact], called ? { at: clock() } : undefined)
  }

  /** `undefined` if no key of the ring opens them: the operator may add the key again. Other items are not affected. */
  const opened = (item: Revocation) => {
    try {
      return vault.open(item.grantId, item)
    } catch (error) {
      if (error instanceof UnopenableError) return undefined
      throw error
    }
  }

  const one = async (item: Revocation): Promise<RevocationAttempt> => {
    // A team's connection, or an identity that was linked again, rests on the same consent: revoking now would
    // invalidate its tokens, too (Google revokes for the whole project, GitHub and Atlassian for user and app).
    if (await revocations.stillNeeded(item)) {
      await finish(item, 'still_needed')
      return 'handled'
    }
    // Google revokes the whole consent, including one that a user is returning with. For a plain sign-in it is unknown
    // whose that will be: it can fail once.
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
  /** The queues that the current round works on, and its progress. */
  const busy = new Map<string, Promise<void>>()
  let round = { started: clock(), handled: 0, error: undefined as { readonly thrown: unknown } | undefined }

  const workOff = async (provider: string): Promise<void> => {
    for (let looks = 0; looks < mostLooks && !isStopping; looks++) {
      const now = clock()
      if (now > secondsAfter(round.started, roundSeconds)) return
      // One at a time: a lease lasts for one call, not for a round.
      const [item] = await revocations.take(1, now, secondsAfter(now, leaseSeconds), provider)
      if (!item) return
      const end = await one(item)
      if (end === 'handled') round.handled++
      if (end === 'not_made') return
    }
  }

  /** Those of providers that are not enabled, one provider after another. */
  const workOffOthers = async (enabled: readonly string[]): Promise<void> => {
    for await (const slice of dueReceivers(revocations, clock))
      for (const provider of slice) if (!enabled.includes(provider)) await workOff(provider)
  }

  /** Each provider has its own queue, so that one that does not respond delays no other. */
  const workOffIdle = (): void => {
    const enabled = providers()
    const start = (key: string, work: () => Promise<void>): void => {
      if (busy.has(key)) return
      const working = work()
        .catch((thrown: unknown) => {
          round.error ??= { thrown }
        })
        .finally(() => busy.delete(key))
      busy.set(key, working)
    }
    for (const provider of enabled) start(provider, () => workOff(provider))
    start('', () => workOffOthers(enabled))
  }

  return {
    /**
     * Queues the tokens of a consent that was refused at the last step here. They are stored nowhere and are revoked at
     * the provider, unless something else rests on the same consent.
     */
    async revokeUnused(
      { provider, issuer, clientId, claims: { subject }, tokens }: TokenGrant,
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

    /** Works on the due items. Returns how many were handled. */
    async work(): Promise<number> {
      if (busy.size === 0) round = { started: clock(), handled: 0, error: undefined }
      const { handled: before } = round
      workOffIdle()
      while (busy.size > 0) await Promise.all(busy.values())
      if (round.error) throw round.error.thrown
      return round.handled - before
    },
    /** An item was queued: the current round checks finished queues again. */
    wake(): void {
      // The item must not be revoked within the time limit of the request that queued it.
      if (busy.size > 0) outsideLimit(workOffIdle)
    },
    /** Starts no further item. */
    stop: (): void => {
      isStopping = true
    },
    backlog: (): Promise<number> => revocations.backlog(),

    /** A page of the waiting items of an account, oldest first, without tokens. `next`: where the next page starts. */
    async waiting(
      accountId: string,
      { after, limit }: { readonly after: RevocationPlace | null; readonly limit: number },
    ): Promise<{ readonly items: readonly QueuedRevocation[]; readonly next: RevocationPlace | null }> {
      // One more than requested shows whether there is a next page.
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
