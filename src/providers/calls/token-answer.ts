/** Reads the response of a token endpoint. Pure. */
import type { Clock } from '../../kernel/clock.ts'
import { secondsAfter } from '../../kernel/clock.ts'
import { repeatedMember } from '../../kernel/json.ts'
import { isRecord } from '../profile-text.ts'
import type { Definition, RefreshOutcome, TokenSet } from '../provider.ts'
import { readScopes } from '../scopes.ts'
import type { Failure } from './failure.ts'
import { MOST_RESPONSE_BYTES } from './outbound.ts'
import { readSeconds, readSecondsText } from './times.ts'

/**
 * Longer than the tokens of any provider (Atlassian's are JWTs of a few KB). Tokens are sent in a header, and servers
 * reject long headers.
 */
const MOST_TOKEN_CHARACTERS = 16_384
/**
 * An id_token is read once and never sent, so only the response size limits it. With four hundred groups it is too long
 * for a header. This is what a response can hold besides two other tokens of maximum length.
 */
const MOST_ID_TOKEN_CHARACTERS = MOST_RESPONSE_BYTES - 2 * MOST_TOKEN_CHARACTERS
const MOST_LIFETIME_SECONDS = 10 * 365 * 24 * 3600

/**
 * Why this is not a valid token response (RFC 6749 §5.1), or `null`. A repeated member is rejected: which access token
 * counts must not depend on the parser.
 */
export function tokenAnswerFault(json: unknown, text: string): string | null {
  if (!isRecord(json)) return 'wrong_shape'
  if (!isText(json.access_token)) return 'no_access_token'
  if (isPresent(json.refresh_token) && !isText(json.refresh_token)) return 'bad_refresh_token'
  if (isPresent(json.id_token) && !isText(json.id_token)) return 'bad_id_token'
  if (json.access_token.length > MOST_TOKEN_CHARACTERS) return 'access_token_too_large'
  if (isText(json.refresh_token) && json.refresh_token.length > MOST_TOKEN_CHARACTERS) return 'refresh_token_too_large'
  if (isText(json.id_token) && json.id_token.length > MOST_ID_TOKEN_CHARACTERS) return 'id_token_too_large'
  // The type is missing in Atlassian's documented example. We cannot use any other type (RFC 6749 §7.1).
  if (isPresent(json.token_type) && !isBearer(json.token_type)) return 'wrong_token_type'
  return repeatedMember(text) === undefined ? null : 'repeated_member'
}

/** The tokens of a valid response. */
export function readTokens(
  json: Readonly<Record<string, unknown>>,
  clock: Clock,
  {
    grantsNothing,
    hasNoApi,
    scopesMember = 'scope',
  }: Pick<Definition, 'grantsNothing' | 'hasNoApi' | 'scopesMember'> = {},
): TokenSet {
  const { access_token, refresh_token, id_token, expires_in, refresh_token_expires_in, [scopesMember]: scope } = json
  const [seconds, refreshSeconds] = [readLifetime(expires_in), readLifetime(refresh_token_expires_in)]
  const nothing = scope === '' && grantsNothing?.(String(access_token)) ? [] : null
  return {
    accessToken: String(access_token),
    refreshToken: isText(refresh_token) ? refresh_token : null,
    idToken: isText(id_token) ? id_token : null,
    expiresAt: seconds === null || hasNoApi ? null : secondsAfter(clock(), seconds),
    // Some providers send 0 for a refresh token that never expires.
    refreshExpiresAt: refreshSeconds === null || refreshSeconds === 0 ? null : secondsAfter(clock(), refreshSeconds),
    // GitHub separates scopes with commas, and sends none for a GitHub App.
    scopes: typeof scope === 'string' && scope.trim() !== '' ? readScopes(scope.split(/[\s,]+/)) : nothing,
  }
}

const isBearer = (value: unknown): boolean => typeof value === 'string' && value.toLowerCase() === 'bearer'
const isPresent = (value: unknown): boolean => value !== undefined && value !== null
// Visible ASCII (RFC 6750 §2.1, RFC 6749 appendix A). Other characters are not valid in a header, or could inject one.
const isText = (value: unknown): value is string => typeof value === 'string' && /^[\x21-\x7e]+$/.test(value)

/** A lifetime, or `null` if unknown. Form encoding, and some JSON, sends numbers as text. */
function readLifetime(value: unknown): number | null {
  const seconds = typeof value === 'string' ? readSecondsText(value) : readSeconds(value)
  return seconds === null ? null : Math.min(seconds, MOST_LIFETIME_SECONDS)
}

/** A failed refresh (`providers.md` §10). */
type FailedRefresh = Exclude<RefreshOutcome, { tag: 'refreshed' }>

const TRANSIENT = new Set(['temporarily_unavailable', 'server_error', 'slow_down'])
const NEEDS_CONSENT = new Set(['invalid_grant', 'interaction_required', 'login_required', 'consent_required'])

/**
 * Classifies a failed refresh. A lost grant cannot be restored, so only codes that mean an invalid refresh token end
 * it. An unknown code is reported to the operator. A response without a code (such as a proxy's error page) may be
 * temporary.
 */
export function refreshFailureOf(failure: Failure, refusals: Definition['refusals']): FailedRefresh {
  if (failure.kind !== 'refused') {
    const retryAfter = failure.kind === 'unavailable' ? failure.retryAfter : undefined
    return { tag: 'transient', reason: failure.reason, ...(retryAfter === undefined ? {} : { retryAfter }) }
  }
  const { code, status, reason } = failure
  if (code === null) return { tag: status === 401 ? 'client_config' : 'transient', reason }
  if (TRANSIENT.has(code)) return { tag: 'transient', reason: code }
  return {
    tag: refusals?.[code] ?? (NEEDS_CONSENT.has(code) ? 'needs_reauthorization' : 'client_config'),
    reason: code,
  }
}
