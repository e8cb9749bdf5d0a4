import type { Random } from '../kernel/ids.ts'

/** Request IDs that nobody can guess or count by. */
export const createRequestIds = (random: Random) => (): string => `req_${random(16).toString('hex')}`

/** What every request ID looks like. */
export const requestIdPattern = /^req_[0-9a-f]{32}$/
