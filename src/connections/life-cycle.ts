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

/** A token with less time left is renewed before it is used: it could expire on the way. */
const earlySeconds = 60
/** A token that was renewed just now is used as it is: the provider would not issue a longer one. */
const justNowSeconds = 60
const hastySeconds = 10
/** A grant that was not used for so long is only kept alive. */
const inUseSeconds = 30 * day
/** How often the use of a grant is recorded. */
const notedSeconds = 3600

/**
 * The part of an access token's lifetime after which the job renews it: a range wide enough to spread a thousand tokens
 * of the same moment.
 */
const accessSpread = { from: 0.5, to: 0.95 }
/** This long before it expires, if it lives long enough: rounds take time. */
const aheadSeconds = 120
/** The part of the time that a provider lets a refresh token go unused. */
const idleSpread = { from: 0.7, to: 0.9 }

const delaySeconds = { first: 1, most: 300 }

/** Overdue grants are renewed within half an hour, in rounds of half a minute. */
const rounds = 60
const roundLeast = 50
const roundMost = 1000
/** The most that is counted to estimate the next rounds: more than one round could ever use. */
export const mostToCount = rounds * roundMost
/** How far a round looks ahead: as long as most access tokens live, so that all grants in use are counted. */
export const horizonSeconds = 3600

export type Need =
  /** The access token is used as it is. */
  | 'serves'
  | 'renew'
  /** It failed, and must not be tried again yet. */
  | 'held_off'
  /** The provider rejects a token that it has just issued. */
  | 'refused_again'
  /** The provider rejects the only token there is: mark the grant. */
  | 'refused_for_good'
  /** Only the user can fix it. */
  | 'dead'
  /** The user withdrew it. */
  | 'withdrawn'

type GrantState = Pick<StoredGrant, 'expiresAt' | 'refreshToken' | 'status' | 'dueAt' | 'consentedAt' | 'refreshedAt'>

/** What must happen before the access token is used; `refused`: the provider's API has just rejected that one. */
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

/** Seconds until another try can help, if a grant is on hold or its newest token was rejected. */
export function waitSeconds({ status, dueAt, refreshedAt }: GrantState, now: Date): number {
  const until = status === 'degraded' ? dueAt : refreshedAt && secondsAfter(refreshedAt, justNowSeconds)
  return Math.max(1, Math.ceil(((until?.getTime() ?? 0) - now.getTime()) / 1000))
}

/** Whether it was recently used for a sign-in or a call, or lent. */
export const isInUse = ({ usedAt }: Pick<StoredGrant, 'usedAt'>, now: Date): boolean =>
  usedAt !== null && usedAt > secondsAfter(now, -inUseSeconds)

/** Whether its use is worth recording now. */
export const isUseWorthNoting = ({ usedAt }: Pick<StoredGrant, 'usedAt'>, now: Date): boolean =>
  usedAt === null || usedAt <= secondsAfter(now, -notedSeconds)

/** A moment between two fractions of the time from `now` to `end`; `chance`, from 0 to 1, selects it. */
const within = (now: Date, end: Date, { from, to }: { from: number; to: number }, chance: number): Date =>
  secondsAfter(now, (Math.max(0, end.getTime() - now.getTime()) / 1000) * (from + (to - from) * chance))

/**
 * When a grant with new tokens is refreshed next; `null` for never. `chance`, from 0 to 1, spreads grants of the same
 * moment.
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

/** When the permission ends in any case, if the provider reports it; the user must then consent again. */
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

/** Seconds to wait after so many failures in a row; never less than the provider asked for. */
export const backOffSeconds = (failures: number, chance: number, retryAfter = 0): number =>
  Math.max(backOff(failures, delaySeconds, chance), retryAfter * (1 + chance / 4))

export type RefreshFailure = Exclude<RefreshOutcome, { tag: 'refreshed' }>

/** How a failed refresh is stored. */
export function errorClassOf({ tag, reason }: RefreshFailure): Exclude<GrantErrorClass, 'scope_missing'> {
  if (tag === 'needs_reauthorization') return 'invalid_grant'
  if (tag === 'client_config') return 'client_misconfigured'
  return reason === 'status_429' || reason === 'held_off' || reason === 'slow_down' ? 'rate_limited' : 'transient'
}

/** Whether the provider is unavailable for everyone now, so that other calls would fail as well. */
export const concernsEverybody = (answer: RefreshFailure): boolean =>
  answer.tag === 'transient' && (answer.reason === 'breaker_open' || errorClassOf(answer) === 'rate_limited')

/** How many grants of one provider a round takes, if so many are due within the hour. */
export const roundSize = (coming: number): number =>
  Math.min(roundMost, Math.max(roundLeast, Math.ceil(coming / rounds)))

/**
 * Whether storing the tokens of a sign-in would remove scopes from a living grant, which then stays. A sign-in requests
 * little and must not remove what was granted on purpose.
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
