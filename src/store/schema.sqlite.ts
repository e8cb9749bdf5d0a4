import { sqlite } from './dialects.ts'
import { defineTables } from './schema.ts'

export const {
  accounts,
  identities,
  sessions,
  signInCodes,
  signingKeys,
  flows,
  conflicts,
  grants,
  revocations,
  audit,
  leases,
  rateLimits,
} = defineTables(sqlite)
