/**
 * What a grant needs, and when: pure, so that every node says the same of the same row.
 *
 * The rule of the scheduled refresh. A grant in use — signed in with, used or lent within thirty days — is refreshed
 * before its access token expires, so that nobody waits for it. One that is not is left to expire, and refreshed just
 * often enough that its refresh token outlives the provider's idle clock. What has no refresh token, or an access token
 * that never expires (GitHub's OAuth apps), is never due.
 */
import { backOff } from '../kernel/back-off.ts'
import { secondsAfter } from '../kernel/clock.ts'
import type { GrantLifetime, RefreshOutcome } from '../providers/provider.ts'
import type { GrantErrorClass, StoredGrant } from './ports.ts'

const day = 24 * 3600

/** A token with less left than this is renewed before it is used: it could die on the way. */
const earlySeconds = 60
/** One renewed just now serves as it is, whatever was wished for: asked again, the provider would give no more. */
const justNowSeconds = 60
const hastySeconds = 10
/** A grant nobody used for so long is only kept alive. */
const inUseSeconds = 30 * day
/** How often it is written down that a grant is used. */
const notedSeconds = 3600

/** Where in the life of an access token it is renewed by the job: far enough apart that a thousand made together part. */
const accessSpread = { from: 0.5, to: 0.95 }
/** So long before its end, if its life is long enough: rounds take time. */
const aheadSeconds = 120
/** And where in the time a provider lets a refresh token lie unused. */
const idleSpread = { from: 0.7, to: 0.9 }

const delaySeconds = { first: 1, most: 300 }

/** The overdue are worked off within half an hour, in rounds of half a minute. */
const rounds = 60
const roundLeast = 50
const roundMost = 1000
/** What is counted to know how many are to come: no more than a round could ever make use of. */
export const mostToCount = rounds * roundMost
/** How far a round looks ahead: as long as most access tokens live, so that all that are in use are counted. */
export const horizonSeconds = 3600

export type Need =
  /** The access token serves as it is. */
  | 'serves'
  | 'renew'
  /** It has failed, and is not to be tried again yet. */
  | 'held_off'
  /** The provider refuses a token it has only just made. */
  | 'refused_again'
  /** The provider refuses the only token there is: it is to be marked. */
  | 'refused_for_good'
  /** Only the person can help. */
  | 'dead'
  /** They took it back. */
  | 'withdrawn'

type GrantState = Pick<StoredGrant, 'expiresAt' | 'refreshToken' | 'status' | 'dueAt' | 'consentedAt' | 'refreshedAt'>

/** What has to be done before its access token may be used; `refused`: the provider's API has just refused that one. */
export function needOf(
  { expiresAt, refreshToken, status, dueAt, consentedAt, refreshedAt }: GrantState,
  now: Date,
  { minTtlSeconds = 0, refused = false }: { readonly minTtlSeconds?: number; readonly refused?: boolean } = {},
): Need {
  if (status === 'revoked') return 'withdrawn'
  if (status === 'needs_reauthorization') return 'dead'
  const left = expiresAt === null ? Number.POSITIVE_INFINITY : (expiresAt.getTime() - now.getTime()) / 1000
  if (refreshToken === null) return refused ? 'refused_for_good' : left > 0 ? 'serves' : 'dead'
  const since = (at: Date | null): boolean => at !== null && at > secondsAfter(now, -justNowSeconds)
  if (refused && since(refreshedAt)) return 'refused_again'
  const enough = since(refreshedAt) || since(consentedAt) ? hastySeconds : Math.max(earlySeconds, minTtlSeconds)
  if (!refused && left > enough) return 'serves'
  return status === 'degraded' && dueAt !== null && dueAt > now ? 'held_off' : 'renew'
}

/** Seconds until asking again may bring something, when a grant is held off or its newest token was refused. */
export function waitSeconds({ status, dueAt, refreshedAt }: GrantState, now: Date): number {
  const until = status === 'degraded' ? dueAt : refreshedAt && secondsAfter(refreshedAt, justNowSeconds)
  return Math.max(1, Math.ceil(((until?.getTime() ?? 0) - now.getTime()) / 1000))
}

/** Whether it was signed in with, used or lent lately. */
export const isInUse = ({ usedAt }: Pick<StoredGrant, 'usedAt'>, now: Date): boolean =>
  usedAt !== null && usedAt > secondsAfter(now, -inUseSeconds)

/** Whether it is worth writing down that it is used now. */
export const isUseWorthNoting = ({ usedAt }: Pick<StoredGrant, 'usedAt'>, now: Date): boolean =>
  usedAt === null || usedAt <= secondsAfter(now, -notedSeconds)

/** A moment between two shares of the time from `now` to `end`; `chance` from 0 to 1 says where. */
const within = (now: Date, end: Date, { from, to }: { from: number; to: number }, chance: number): Date =>
  secondsAfter(now, (Math.max(0, end.getTime() - now.getTime()) / 1000) * (from + (to - from) * chance))

/**
 * When a grant whose tokens came just now is to be refreshed next, or `null`: never. `chance`, from 0 to 1, spreads
 * those that were given together.
 */
export function nextRefreshAt(
  grant: Pick<StoredGrant, 'refreshToken' | 'expiresAt' | 'refreshExpiresAt' | 'usedAt'>,
  { idleDays }: GrantLifetime,
  now: Date,
  chance: number,
): Date | null {
  const { refreshToken, expiresAt, refreshExpiresAt } = grant
  if (refreshToken === null || expiresAt === null) return null
  const lives = (expiresAt.getTime() - now.getTime()) / 1000
  const to = Math.max(accessSpread.from, Math.min(accessSpread.to, 1 - aheadSeconds / lives))
  const idleEnd = idleDays === undefined ? null : secondsAfter(now, idleDays * day)
  const due = [
    ...(isInUse(grant, now) ? [within(now, expiresAt, { ...accessSpread, to }, chance)] : []),
    ...[idleEnd, refreshExpiresAt].flatMap((end) => (end ? [within(now, end, idleSpread, chance)] : [])),
  ]
  return due.length === 0 ? null : new Date(Math.min(...due.map((at) => at.getTime())))
}

/** When the permission ends whatever we do, as far as the provider says; for whoever has to give it again. */
export function consentEndsAt(
  {
    consentedAt,
    expiresAt,
    refreshToken,
    status,
  }: Pick<StoredGrant, 'consentedAt' | 'status' | 'expiresAt' | 'refreshToken'>,
  { absoluteDays }: GrantLifetime,
): Date | null {
  if (status === 'revoked') return null
  if (refreshToken === null) return expiresAt
  return absoluteDays === undefined ? null : secondsAfter(consentedAt, absoluteDays * day)
}

/** Seconds nobody asks for after so many failures in a row; never fewer than the provider asked for. */
export const backOffSeconds = (failures: number, chance: number, retryAfter = 0): number =>
  Math.max(backOff(failures, delaySeconds, chance), retryAfter * (1 + chance / 4))

export type RefreshFailure = Exclude<RefreshOutcome, { tag: 'refreshed' }>

/** How a refresh that brought nothing is remembered. */
export function errorClassOf({ tag, reason }: RefreshFailure): Exclude<GrantErrorClass, 'scope_missing'> {
  if (tag === 'needs_reauthorization') return 'invalid_grant'
  if (tag === 'client_config') return 'client_misconfigured'
  return reason === 'status_429' || reason === 'held_off' || reason === 'slow_down' ? 'rate_limited' : 'transient'
}

/** Whether it says that the provider answers nobody just now, so that asking for others would be in vain. */
export const concernsEverybody = (answer: RefreshFailure): boolean =>
  answer.tag === 'transient' && (answer.reason === 'breaker_open' || errorClassOf(answer) === 'rate_limited')

/** How many a round takes of one provider's grants, of which so many are due within the hour. */
export const roundSize = (coming: number): number =>
  Math.min(roundMost, Math.max(roundLeast, Math.ceil(coming / rounds)))

/**
 * Whether a sign-in's tokens, stored, would take scopes away: those of a grant that is alive stay then. A sign-in asks
 * for little; what was granted on purpose is not taken back by it.
 */
export const wouldNarrow = (
  stored: GrantState & Pick<StoredGrant, 'scopes'>,
  brought: readonly string[],
  missingScopes: (asked: readonly string[], granted: readonly string[]) => readonly string[],
  now: Date,
): boolean =>
  (stored.status === 'healthy' || stored.status === 'degraded') &&
  (stored.refreshToken !== null || stored.expiresAt === null || stored.expiresAt > now) &&
  missingScopes(stored.scopes, brought).length > 0
