import type { Clock } from '../kernel/clock.ts'
import { type Random, timeDigits } from '../kernel/ids.ts'

/**
 * Request IDs that cannot be guessed and reveal no count of requests. They begin with their time, because the audit log
 * has an index on them.
 */
export const createRequestIds = (clock: Clock, random: Random) => (): string =>
  `req_${timeDigits(clock().getTime())}${random(10).toString('hex')}`

/** The format of a request ID. */
export const requestIdPattern = /^req_[0-9a-f]{32}$/
