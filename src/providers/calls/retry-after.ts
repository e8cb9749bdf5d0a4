/**
 * How long a provider asks to be left alone. Pure; the guard holds the calls.
 *
 * Somebody's header is no reason to be silent for a day: five minutes is the most, and nonsense counts as nothing.
 */
import { type EndpointType, isPersonal } from '../provider.ts'
import { readSecondsText } from './times.ts'

const MOST_SECONDS = 300

/**
 * GitHub’s second limit and Google’s quotas may be told by no header at all, and look like a missing permission
 * then. GitHub wants a minute:
 * https://docs.github.com/rest/using-the-rest-api/rate-limits-for-the-rest-api#exceeding-the-rate-limit
 */
const LIMIT = /rate ?limit|abuse detection/i
const MOST_READ = 4096
const SAID_SECONDS = 60

type Headers = Readonly<Record<string, string | string[] | undefined>>
export type Hold = {
  readonly seconds: number
  /** Whose calls wait: everybody's, or only those with this token, whose own quota is spent. */
  readonly of: 'endpoint' | 'token'
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
  const asked = seconds(header('retry-after'), at)
  // Words hold up nobody but whose token it is: what they are about is not known any closer.
  const said = isPersonal(endpoint) && status !== 503 && LIMIT.test(text.slice(0, MOST_READ))
  // A 403 with none of these is a refusal, not a limit.
  if (status === 403 && !spent && asked === undefined && !said) return undefined
  // Limits count by whose token it is: one person who spent theirs must not lock out everybody else, whatever the
  // headers. Behind one API are many customers' sites: that one of them is down says nothing of the others.
  const limited = isPersonal(endpoint) && (status !== 503 || endpoint === 'api')
  const of = limited || spent || status === 403 ? 'token' : 'endpoint'
  // Atlassian's gateway may name nothing but the moment its limit ends.
  const left = asked ?? (spent || status === 429 ? until(header('x-ratelimit-reset'), at) : undefined)
  if (left !== undefined) return { seconds: left, of }
  return status === 503 ? undefined : { seconds: said ? SAID_SECONDS : 1, of }
}

/** RFC 9110 §10.2.3: whole seconds, or a date. */
function seconds(text: string | undefined, at: Date): number | undefined {
  if (text === undefined) return undefined
  const whole = readSecondsText(text)
  if (whole !== null) return Math.min(whole, MOST_SECONDS)
  return /^[A-Za-z]/.test(text) ? left(Date.parse(text), at) : undefined
}

/** Epoch seconds at GitHub, ISO 8601 at Atlassian. */
function until(text: string | undefined, at: Date): number | undefined {
  if (text === undefined) return undefined
  const epoch = readSecondsText(text)
  return left(epoch === null ? Date.parse(text) : epoch * 1000, at)
}

function left(moment: number, at: Date): number | undefined {
  const seconds = Math.ceil((moment - at.getTime()) / 1000)
  return Number.isNaN(seconds) || seconds < 0 ? undefined : Math.min(seconds, MOST_SECONDS)
}
