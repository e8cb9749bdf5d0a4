import type { Random } from '../kernel/ids.ts'

/** Request IDs that cannot be guessed and reveal no count of requests. */
export const createRequestIds = (random: Random) => (): string => `req_${random(16).toString('hex')}`

/** The format of a request ID. */
export const requestIdPattern = /^req_[0-9a-f]{32}$/
