import { sha256 } from '../kernel/crypto.ts'
import type { AddressHolder } from './ports.ts'

/**
 * Against whom guesses at an address count, whichever way in they are made at; pure. Were a password's counted against
 * one and a mailed code's against another, whoever uses up the first would learn from the second whether there is an
 * account (ASVS 6.3.8). Where there is none, they count against the address.
 */
export const guessedAt = (holders: readonly AddressHolder[], emailKey: string): string =>
  (holders.find(({ password }) => password) ?? holders.find(({ verified }) => verified))?.accountId ?? sha256(emailKey)
