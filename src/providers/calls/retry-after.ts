/**
 * Reads how long a provider wants us to wait. Pure; the guard delays the calls.
 *
 * The wait is limited to five minutes, so that a wrong header cannot block a provider for a day. Invalid values are
 * ignored.
 */
import { type EndpointType, isPersonalEndpoint } from '../provider.ts'
import { readSecondsText } from './times.ts'

const MOST_SECONDS = 300

/**
 * GitHub’s secondary rate limit and Google’s quotas may come without a header. They then look like a missing
 * permission. GitHub asks for one minute:
 * https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
 */
const LIMIT = /rate ?limit|abuse detection/i
const MOST_READ = 4096
const TEXT_LIMIT_SECONDS = 60

type Headers = Readonly<Record<string, string | string[] | undefined>>
export type Hold = {
  readonly seconds: number
  /**
   * Which calls wait: all calls to the endpoint, those to the customer site behind it, or only those with this token,
   * whose own quota is used up.
   */
  readonly of: 'endpoint' | 'site' | 'token'
}

export function readHold(
  endpoint: EndpointType,
  status: number,
  headers: Headers,
  at: Date,
  text = '',
): Hold | undefined {
  if (status !== 429 && status !== 503 && status !== 403) return undefined
  const header = (name: string): string | undefined => {
    const value = headers[name]
    return (Array.isArray(value) ? value[0] : value)?.trim()
  }
  const spent = header('x-ratelimit-remaining') === '0'
  const retryAfter = seconds(header('retry-after'), at)
  // A limit that only the text mentions delays just the calls with this token. The text does not show what else it
  // applies to.
  const isTextLimit = isPersonalEndpoint(endpoint) && status !== 503 && LIMIT.test(text.slice(0, MOST_READ))
  // A 403 without any of these is a refusal, not a rate limit.
  if (status === 403 && !spent && retryAfter === undefined && !isTextLimit) return undefined
  // Quotas are counted per token: one user who exceeds theirs must not block everyone else, whatever the headers say.
  const limited = spent || status === 403 || (isPersonalEndpoint(endpoint) && status !== 503)
  // One API serves the sites of many customers: an outage of one says nothing about the others.
  const of = limited ? 'token' : endpoint === 'api' ? 'site' : 'endpoint'
  // Atlassian's gateway may only send the time at which the limit ends.
  const left = retryAfter ?? (spent || status === 429 ? until(header('x-ratelimit-reset'), at) : undefined)
  if (left !== undefined) return { seconds: left, of }
  return status === 503 ? undefined : { seconds: isTextLimit ? TEXT_LIMIT_SECONDS : 1, of }
}

/** RFC 9110 §10.2.3: whole seconds or a date. */
function seconds(text: string | undefined, at: Date): number | undefined {
  if (text === undefined) return undefined
  const whole = readSecondsText(text)
  if (whole !== null) return Math.min(whole, MOST_SECONDS)
  return /^[A-Za-z]/.test(text) ? left(Date.parse(text), at) : undefined
}

/** Epoch seconds from GitHub, ISO 8601 from Atlassian. */
function until(text: string | undefined, at: Date): number | undefined {
  if (text === undefined) return undefined
  const epoch = readSecondsText(text)
  return left(epoch === null ? Date.parse(text) : epoch * 1000, at)
}

function left(moment: number, at: Date): number | undefined {
  const seconds = Math.ceil((moment - at.getTime()) / 1000)
  return Number.isNaN(seconds) || seconds < 0 ? undefined : Math.min(seconds, MOST_SECONDS)
}
