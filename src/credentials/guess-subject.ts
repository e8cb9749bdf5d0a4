import { sha256 } from '../kernel/crypto.ts'
import type { AddressHolder } from './ports.ts'

/**
 * The key under which guesses for an email address are counted, for every sign-in method. Pure. If guesses of passwords
 * and of emailed codes counted separately, an attacker could exhaust one counter and learn from the other whether an
 * account exists (ASVS 6.3.8). Without an account, guesses count against the email address.
 */
export const guessSubject = (holders: readonly AddressHolder[], emailKey: string): string =>
  (holders.find(({ password }) => password) ?? holders.find(({ verified }) => verified))?.accountId ?? sha256(emailKey)
