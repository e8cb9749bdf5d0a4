import type { Clock } from '../kernel/clock.ts'
import type { Random } from '../kernel/ids.ts'

/**
 * Request IDs that cannot be guessed and reveal no count of requests. 48 bits of time keep audit log entries written
 * together close together in the index on the ID: with random IDs alone, each entry wrote a page of its own there.
 */
export const createRequestIds = (clock: Clock, random: Random) => (): string =>
  `req_${clock().getTime().toString(16).padStart(12, '0')}${random(10).toString('hex')}`

/** The format of a request ID. */
export const requestIdPattern = /^req_[0-9a-f]{32}$/
