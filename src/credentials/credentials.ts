import type { Fact } from '../events/catalogue.ts'
import type { Clock } from '../kernel/clock.ts'
import type { Sealer } from '../kernel/crypto.ts'
import type { Ids, Random } from '../kernel/ids.ts'
import type { PasskeyOrigins } from '../kernel/passkey-origins.ts'
import { createPasskeys } from './passkeys.ts'
import { createPasswords, type PasswordPolicy } from './passwords.ts'
import type { GuessStore, PasskeyStore, ServiceCredentialStore, TicketStore, TrustedDeviceStore } from './ports.ts'
import { createRecoveryCodes } from './recovery-codes.ts'
import { createServiceCredentials } from './service-credentials.ts'
import { createThrottle } from './throttle.ts'
import { createTickets } from './tickets.ts'
import { createTotp } from './totp.ts'
import { createTrustedDevices } from './trusted-devices.ts'

type CredentialsParts = {
  readonly clock: Clock
  readonly ids: Ids
  readonly random: Random
  readonly sealer: Sealer
  readonly onDefect: (error: unknown) => void
  readonly stored: {
    readonly guesses: GuessStore
    readonly passkeys: PasskeyStore
    readonly serviceCredentials: ServiceCredentialStore
    readonly tickets: TicketStore
    readonly trustedDevices: TrustedDeviceStore
  }
  /** The keys for one purpose: the first creates, all of them verify. */
  readonly keysFor: (purpose: 'ticket codes' | 'recovery codes') => readonly [Buffer, ...Buffer[]]
  readonly publicUrl: URL
  readonly passwordPolicy: PasswordPolicy
  readonly passkeyOrigins: PasskeyOrigins
  /** The network of an IP address, which has a guess counter of its own. */
  readonly networkOf: (ip: string) => string
  /** Writes a fact to the audit log if nothing else changes. */
  readonly record: (fact: Fact) => Promise<void>
}

/** Everything that people and back ends prove who they are with, and the limits on guessing it. */
export function createCredentials({
  stored,
  keysFor,
  publicUrl,
  passwordPolicy,
  passkeyOrigins,
  ...parts
}: CredentialsParts) {
  const tickets = createTickets({ ...parts, tickets: stored.tickets, key: keysFor('ticket codes')[0] })
  const throttle = createThrottle({ ...parts, guesses: stored.guesses })
  return {
    tickets,
    throttle,
    passwords: createPasswords({ ...parts, policy: passwordPolicy, words: ['vinculum', publicUrl.hostname] }),
    totp: createTotp({ ...parts, issuer: publicUrl.hostname }),
    recoveryCodes: createRecoveryCodes({ ...parts, keys: keysFor('recovery codes') }),
    passkeys: createPasskeys({ ...parts, passkeys: stored.passkeys, tickets, publicUrl, origins: passkeyOrigins }),
    trustedDevices: createTrustedDevices({ ...parts, devices: stored.trustedDevices }),
    serviceCredentials: createServiceCredentials({ ...parts, credentials: stored.serviceCredentials, throttle }),
  }
}
