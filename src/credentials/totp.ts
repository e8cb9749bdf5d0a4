import type { Clock } from '../kernel/clock.ts'
import type { Sealer } from '../kernel/crypto.ts'
import type { Random } from '../kernel/ids.ts'
import { readTypedCode } from '../kernel/typed-code.ts'
import type { TotpFactor } from './ports.ts'

/**
 * The parameters that all authenticator apps support (RFC 6238, RFC 4226 §4 R6: 160 bits). Some apps ignore other
 * values in the URI.
 */
const kind = { algorithm: 'SHA1', digits: 6, period: 30 } as const
const secretBytes = 20
/** How many time steps a code may be early or late, because of clock differences and slow typing (RFC 6238 §5.2). */
const window = 1

const secretPlace = (accountId: string): string => `totp_factors/${accountId}/secret`

type TotpParts = { sealer: Sealer; clock: Clock; random: Random; issuer: string }

/** Codes of authenticator apps (TOTP). */
export function createTotp({ sealer, clock, random, issuer }: TotpParts) {
  // Load the library at first use: most people have no app.
  const otpauth = () => import('otpauth')
  const open = ({ accountId, secret }: TotpFactor): string => sealer.open(secret, secretPlace(accountId))

  return {
    /** Creates an unconfirmed secret for this account. `secret` is shown to the user. */
    async make(accountId: string): Promise<{ factor: TotpFactor; secret: string }> {
      const { Secret } = await otpauth()
      const secret = new Secret({ buffer: new Uint8Array(random(secretBytes)).buffer }).base32
      const sealed = sealer.seal(secret, secretPlace(accountId))
      return { secret, factor: { accountId, secret: sealed, createdAt: clock(), confirmedAt: null, lastStep: 0 } }
    },
    open,
    /** The content of the QR code (`otpauth://totp/…`). */
    async uri(secret: string, label: string): Promise<string> {
      const { Secret, TOTP } = await otpauth()
      return new TOTP({ ...kind, issuer, label, secret: Secret.fromBase32(secret) }).toString()
    },
    /** The time step of a typed code if it is currently valid. The comparison takes constant time. */
    async stepOf(factor: TotpFactor, typed: string): Promise<number | null> {
      const code = readTypedCode(typed)
      if (!/^\d{6}$/.test(code)) return null
      const { Secret, TOTP } = await otpauth()
      const timestamp = clock().getTime()
      const totp = new TOTP({ ...kind, secret: Secret.fromBase32(open(factor)) })
      const delta = totp.validate({ token: code, timestamp, window })
      return delta === null ? null : Math.floor(timestamp / (kind.period * 1000)) + delta
    },
  }
}
export type Totp = ReturnType<typeof createTotp>
