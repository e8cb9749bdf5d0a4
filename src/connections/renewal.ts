import { type AppError, fail } from '../errors/catalogue.ts'
import type { Bus } from '../events/bus.ts'
import type { Fact } from '../events/catalogue.ts'
import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { UnopenableError } from '../kernel/crypto.ts'
import { chance, type Random, secretToken } from '../kernel/ids.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { Refreshed, TokenSet } from '../providers/provider.ts'
import {
  backOffSeconds,
  concernsEverybody,
  errorClassOf,
  horizonSeconds,
  isUseWorthNoting,
  mostToCount,
  type Need,
  needOf,
  roundSize,
  type Unrefreshed,
  waitSeconds,
} from './life-cycle.ts'
import type { App, GrantKey, GrantStore, StoredGrant } from './ports.ts'
import type { Terms, Vault } from './vault.ts'

/** Longer than any provider call may take, so that a lease outlives its work but not its worker. */
const leaseSeconds = 90
/** How long somebody waits for another's renewal, and how often they look: ever less often. */
const patienceMs = 30_000
const firstLookMs = 100
const mostLookMs = 1000
/** How many renewals in this process somebody waits for before they are told to come again. */
const mostFlights = 4

/** How many calls a round has under way to one provider. */
const workers = 20
/** A round starts nothing new after so long: the next one goes on. */
const roundSeconds = 25
/** So many refusals of our own registration, and no success, are enough for one round. */
const mostMisconfigured = 5

/** What a call to the provider needs, and what it may do there. */
export type UsableToken = {
  readonly accessToken: string
  /** `null`: it never dies, as far as the provider says. */
  readonly expiresAt: Date | null
  readonly scopes: readonly string[]
  /** What the person was asked for; what of it they did not give is missing. */
  readonly askedScopes: readonly string[]
}

export type Wish = {
  /** How long it has to serve, in seconds. More than the provider grants cannot be had: then the newest is given. */
  readonly minTtlSeconds?: number
  /** An access token the provider's API has just answered 401 for: another one is wanted. */
  readonly refused?: string
}

export type TokenCode = 'needs_reauthorization' | 'provider_unavailable' | 'not_connected'
type Answer = Result<UsableToken, AppError<TokenCode>>

/** What became of one renewal; `everybody`: it would be the same for others of this provider. */
type Renewed = {
  readonly answer: Answer
  readonly result: 'refreshed' | 'dead' | 'misconfigured' | 'failed' | 'left'
  readonly everybody?: boolean
}

type Parts = {
  grants: GrantStore
  vault: Vault
  clock: Clock
  random: Random
  events: Bus
  provider: (id: string) => Terms | undefined
  /** The registrations whose grants the scheduled round renews. */
  apps: () => readonly App[]
  refresh: (provider: string, refreshToken: string, subject: string) => Promise<Refreshed>
  /** Whom it concerns that a grant is dead: facts, written down together with it. */
  concerns: (grant: StoredGrant) => Promise<readonly Fact[]>
  /** Revokes at the provider what was made for nobody. */
  discard?: (grant: StoredGrant, tokens: TokenSet) => Promise<void>
  /** Milliseconds; for whoever waits on another's lease, or for the store to come back. */
  pause?: (ms: number) => Promise<void>
}

/**
 * An access token that works, for a call to its provider. Renewed once, whoever asks: a lease with an owner and a
 * fence, in the store, because most providers kill the old refresh token with the first use, and the second to ask
 * would be told that the grant is dead. Within one process those who want the same renewal share it.
 */
export function createRenewal({
  grants,
  vault,
  clock,
  random,
  events,
  provider,
  apps,
  refresh,
  concerns,
  discard = async () => undefined,
  pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
}: Parts) {
  const owner = secretToken(random)
  /** Renewals under way in this process, by grant. */
  const flights = new Map<string, Promise<Renewed>>()
  let closing = false

  const nameOf = (id: string): string => provider(id)?.name ?? id
  const accessTokenOf = ({ id, accessToken }: StoredGrant): string =>
    vault.open(id, { accessToken, refreshToken: null }).accessToken

  const usable = ({ expiresAt, scopes, askedScopes }: StoredGrant, accessToken: string): UsableToken => ({
    ...{ accessToken, expiresAt, scopes, askedScopes },
  })

  const needs = (grant: StoredGrant, { minTtlSeconds, refused }: Wish): Need =>
    needOf(grant, clock(), {
      ...(minTtlSeconds === undefined ? {} : { minTtlSeconds }),
      refused: refused !== undefined && grant.accessToken !== null && accessTokenOf(grant) === refused,
    })

  const unavailable = ({ provider: id }: Pick<StoredGrant, 'provider'>, retryAfter: number, cause?: unknown): Answer =>
    fail('provider_unavailable', { provider: nameOf(id) }, { retryAfter, ...(cause === undefined ? {} : { cause }) })

  /** What is said of a grant as it is, when nothing is to be done about it, or nothing can be. */
  const asIs = (grant: StoredGrant, { refused }: Wish, cause?: unknown): Answer => {
    const at = clock()
    const params = { provider: nameOf(grant.provider) }
    if (grant.status === 'revoked' || grant.accessToken === null) return fail('not_connected', params)
    if (grant.status === 'needs_reauthorization')
      return fail('needs_reauthorization', params, cause === undefined ? {} : { cause })
    const accessToken = accessTokenOf(grant)
    // Tokens are renewed early: what is left of this one may still serve.
    if (accessToken !== refused && (grant.expiresAt === null || grant.expiresAt > at))
      return ok(usable(grant, accessToken))
    if (grant.refreshToken === null) return fail('needs_reauthorization', params)
    return unavailable(grant, waitSeconds(grant, at), cause)
  }

  /**
   * Writes what a provider said. The store may be away for a moment, and what the provider just made exists nowhere
   * else: it is tried again for as long as the lease keeps others from asking.
   */
  const written = async <T>(leased: StoredGrant, write: () => Promise<T>): Promise<T> => {
    const most = ((leased.leaseUntil?.getTime() ?? 0) - clock().getTime()) * 0.8
    for (let waited = 0, ms = firstLookMs; ; waited += ms, ms = Math.min(ms * 2, mostLookMs)) {
      try {
        return await write()
      } catch (thrown) {
        if (waited + ms > most) throw thrown
        await pause(ms)
      }
    }
  }

  /** Somebody consented anew, took it back, or took the lease over: what they stored counts. */
  const asStored = async (leased: StoredGrant, wish: Wish): Promise<Renewed> => {
    const current = await grants.find(leased)
    if (!current) return { answer: notConnected(leased), result: 'left' }
    return { answer: asIs(current, wish), result: 'left' }
  }

  const notConnected = ({ provider: id }: GrantKey): Answer => fail('not_connected', { provider: nameOf(id) })

  const store = async (leased: StoredGrant, tokens: TokenSet, wish: Wish | null): Promise<Renewed> => {
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
      ...{ ...sealed, dueAt: vault.nextDueOf(fresh) },
      ...(lost ? { lastError: 'scope_missing' as const } : {}),
      ...(wish ? { usedAt: at } : {}),
    }
    // Stored before it is used: a rotated token that is lost is a grant that is lost.
    const stored = await written(leased, () => grants.renewed(leased.id, leased.fence, brought, at))
    events.emit('provider_token.refreshed', { provider: leased.provider, result: 'refreshed' })
    if (stored) return { answer: ok(usable(fresh, tokens.accessToken)), result: 'refreshed' }
    // Taken back while it was renewed: the old tokens are what is being revoked, and these would live on.
    const current = await grants.find(leased)
    if (!current || current.accessToken === null) await discard(leased, tokens)
    return asStored(leased, wish ?? {})
  }

  /** Marked for its person, who is told. Whoever stored something newer meanwhile is not overruled: the fence says so. */
  const bury = async (leased: StoredGrant, wish: Wish | null, cause: string): Promise<Renewed> => {
    const marked = await written(leased, async () =>
      grants.died(leased.id, leased.fence, clock(), await concerns(leased)),
    )
    events.emit('provider_token.refreshed', { provider: leased.provider, result: 'needs_reauthorization' })
    if (!marked) return asStored(leased, wish ?? {})
    const answer = fail('needs_reauthorization', { provider: nameOf(leased.provider) }, { cause })
    return { answer, result: 'dead' }
  }

  const postpone = async (leased: StoredGrant, failure: Unrefreshed): Promise<{ dueAt: Date; noted: boolean }> => {
    const at = clock()
    const retryAfter = failure.tag === 'transient' ? failure.retryAfter : undefined
    const dueAt = secondsAfter(at, backOffSeconds(leased.failures + 1, chance(random), retryAfter))
    const error = errorClassOf(failure)
    const noted = await written(leased, () => grants.failed(leased.id, leased.fence, error, dueAt, at))
    const result = error === 'rate_limited' || error === 'client_misconfigured' ? error : 'transient'
    events.emit('provider_token.refreshed', { provider: leased.provider, result })
    return { dueAt, noted }
  }

  /** Under the lease: asks the provider, once, and writes down what it said. `wish` is `null` for the scheduled round. */
  const renew = async (leased: StoredGrant, wish: Wish | null): Promise<Renewed> => {
    let refreshToken: string | null
    try {
      ;({ refreshToken } = vault.open(leased.id, leased))
    } catch (thrown) {
      // A key is missing from the ring: the operator may bring it back, and meanwhile the others go on.
      if (!(thrown instanceof UnopenableError)) throw thrown
      const { dueAt } = await postpone(leased, { tag: 'client_config', reason: 'unopenable' })
      const answer = unavailable(leased, waitSeconds({ ...leased, status: 'degraded', dueAt }, clock()), 'unopenable')
      return { answer, result: 'failed' }
    }
    if (refreshToken === null) return bury(leased, wish, 'no_refresh_token')
    const answer = await refresh(leased.provider, refreshToken, leased.subject)
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

  const leaseOf = (id: string, ifDue?: 'if due'): Promise<StoredGrant | undefined> => {
    const at = clock()
    return grants.lease(id, owner, secondsAfter(at, leaseSeconds), at, ifDue)
  }

  /** Leases the grant and renews it, or waits for whoever holds it elsewhere. */
  const attempt = async (grant: StoredGrant, wish: Wish): Promise<Renewed> => {
    for (let waited = 0, ms = firstLookMs; waited <= patienceMs; waited += ms, ms = Math.min(ms * 1.5, mostLookMs)) {
      const leased = await leaseOf(grant.id)
      if (leased) {
        // Looked at again under the lease: whoever had it before may have renewed it, found it dead, or failed, between
        // our read and our lease.
        const need = needs(leased, wish)
        if (need === 'renew') return renew(leased, wish)
        if (need === 'refused_for_good') return bury(leased, wish, 'refused')
        await grants.release(leased.id, leased.fence)
        return { answer: asIs(leased, wish), result: 'left' }
      }
      await pause(ms)
      const current = await grants.find(grant)
      if (!current) return { answer: notConnected(grant), result: 'left' }
      const need = needs(current, wish)
      if (need !== 'renew' && need !== 'refused_for_good') return { answer: asIs(current, wish), result: 'left' }
    }
    return { answer: unavailable(grant, 5), result: 'left' }
  }

  /** One renewal of a grant at a time in this process. */
  const fly = (id: string, work: () => Promise<Renewed>): Promise<Renewed> => {
    const flight = work().finally(() => flights.delete(id))
    flights.set(id, flight)
    return flight
  }

  const find = async (key: GrantKey, wish: Wish): Promise<{ answer: Answer; grant?: StoredGrant }> => {
    for (let n = 0; n < mostFlights; n++) {
      const grant = await grants.find(key)
      if (!grant) return { answer: notConnected(key) }
      const need = needs(grant, wish)
      if (need !== 'renew' && need !== 'refused_for_good') return { answer: asIs(grant, wish), grant }
      // With another registration than its own a refresh token is worth nothing, and would be called dead.
      if (need === 'renew' && provider(key.provider)?.clientId !== key.clientId)
        return { answer: asIs(grant, wish, 'provider_not_enabled') }
      const running = flights.get(grant.id)
      if (!running) return { answer: (await fly(grant.id, () => attempt(grant, wish))).answer }
      // Looked at again afterwards: what somebody else wished for need not be enough here.
      await running.catch(() => undefined)
    }
    return { answer: unavailable(key, 5) }
  }

  /** One round over what is due of one registration; answers how many were renewed. */
  const round = async (app: App): Promise<number> => {
    const started = clock()
    const most = roundSize(await grants.dueBy(app, secondsAfter(started, horizonSeconds), mostToCount))
    // In any order: another node's round has the same list.
    const due = shuffled(await grants.due(app, started, most))
    let [renewed, misconfigured, stopped] = [0, 0, false]
    const work = async (): Promise<void> => {
      for (let id = due.pop(); id !== undefined; id = due.pop()) {
        if (stopped || closing || clock() > secondsAfter(started, roundSeconds)) return
        if (flights.has(id)) continue
        const one = id
        const { result, everybody } = await fly(one, async () => {
          const leased = await leaseOf(one, 'if due')
          return leased ? renew(leased, null) : { answer: unavailable(app, 1), result: 'left' }
        })
        if (result === 'refreshed') renewed++
        if (result === 'misconfigured') misconfigured++
        if (everybody || (renewed === 0 && misconfigured >= mostMisconfigured)) stopped = true
      }
    }
    const ends = await Promise.allSettled(Array.from({ length: workers }, work))
    for (const end of ends) if (end.status === 'rejected') throw end.reason
    return renewed
  }

  const shuffled = (ids: readonly string[]): string[] =>
    ids
      .map((id) => ({ id, at: chance(random) }))
      .sort((a, b) => a.at - b.at)
      .map(({ id }) => id)

  return {
    /**
     * A token that serves, for a call made now: the stored one, or a new one when that has too little left, or was
     * refused by the provider's API (`refused`). Refuses with `not_connected` (nobody granted it, or they took it
     * back), `needs_reauthorization` (only the person can help) or `provider_unavailable` (with `retryAfter`).
     */
    async ensureValidToken(key: GrantKey, wish: Wish = {}): Promise<Answer> {
      const { answer, grant } = await find(key, wish)
      if (answer.ok && grant && isUseWorthNoting(grant, clock()))
        await grants.used(grant.id, grant.fence, vault.dueOnUse(grant), clock())
      return answer
    },

    /**
     * The scheduled round: renews what is due, of each provider by itself, so that one that hangs holds up no other's
     * grants. A round takes only so many that the overdue of a night are spread over half an hour. Answers how many
     * were renewed.
     */
    async renewDue(): Promise<number> {
      const ends = await Promise.allSettled(apps().map(round))
      for (const end of ends) if (end.status === 'rejected') throw end.reason
      return ends.reduce((sum, end) => sum + (end.status === 'fulfilled' ? end.value : 0), 0)
    },

    /** The round under way starts nothing new. */
    stop(): void {
      closing = true
    },

    /** How many are due now. */
    async backlog(): Promise<number> {
      const counts = await Promise.all(apps().map((app) => grants.dueBy(app, clock(), mostToCount)))
      return counts.reduce((sum, many) => sum + many, 0)
    },
  }
}
export type Renewal = ReturnType<typeof createRenewal>
