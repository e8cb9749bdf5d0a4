import { sqlite } from './dialect.sqlite.ts'
import { defineTables } from './schema.ts'

export const {
  accounts,
  identities,
  sessions,
  pendingSignIns,
  passwords,
  totpFactors,
  recoveryCodes,
  passkeys,
  tickets,
  mails,
  trustedDevices,
  guesses,
  serviceCredentials,
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
