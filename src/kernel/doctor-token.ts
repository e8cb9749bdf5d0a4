import { deriveKey, hmac, type KeyRing, sameSecret } from './crypto.ts'

/**
 * How `doctor` proves to a running service that it was started with the same keys. The token is for one question, which
 * changes nothing: how a request looks when it arrives. It expires within a minute, so a copy of it is worth little.
 */
const validSeconds = 60

const signed = (key: Buffer, second: number): string => `${second}.${hmac(key, `doctor ${second}`)}`
const secondOf = (at: Date): number => Math.floor(at.getTime() / 1000)

/** The bearer token for a service whose ring holds the first key of this one. */
export const makeDoctorToken = (ring: KeyRing, now: Date): string =>
  signed(deriveKey(ring[0].key, 'doctor'), secondOf(now))

/** Whether one of these keys made the token within the last minute. The other clock may be as much ahead. */
export function acceptsDoctorToken(ring: KeyRing, token: string, now: Date): boolean {
  const second = Number(/^(\d{1,12})\.[\w-]{43}$/.exec(token)?.[1] ?? Number.NaN)
  if (!(Math.abs(secondOf(now) - second) <= validSeconds)) return false
  return ring.some(({ key }) => sameSecret(token, signed(deriveKey(key, 'doctor'), second)))
}
