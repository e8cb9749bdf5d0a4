import { deriveKey, hmac, type KeyRing, sameSecret } from './crypto.ts'

/**
 * How `doctor` proves to a running service that it was started with the same keys. The token allows one request, which
 * changes nothing: it shows how requests arrive. It expires within a minute, so a leaked token is of little use.
 */
const validSeconds = 60

const signed = (key: Buffer, second: number): string => `${second}.${hmac(key, `doctor ${second}`)}`
const secondOf = (at: Date): number => Math.floor(at.getTime() / 1000)

/** The bearer token for a service whose ring contains the first key of this one. */
export const makeDoctorToken = (ring: KeyRing, now: Date): string =>
  signed(deriveKey(ring[0].key, 'doctor'), secondOf(now))

/**
 * Whether one of these keys created the token within the last minute. The clock of the creator may be up to a minute
 * ahead.
 */
export function acceptsDoctorToken(ring: KeyRing, token: string, now: Date): boolean {
  const second = Number(/^(\d{1,12})\.[\w-]{43}$/.exec(token)?.[1] ?? Number.NaN)
  if (!(Math.abs(secondOf(now) - second) <= validSeconds)) return false
  return ring.some(({ key }) => sameSecret(token, signed(deriveKey(key, 'doctor'), second)))
}
