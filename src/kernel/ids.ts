import { randomBytes } from 'node:crypto'
import type { Clock } from './clock.ts'
import { sha256 } from './crypto.ts'

/** A source of randomness: returns `bytes` new random bytes. */
export type Random = (bytes: number) => Buffer

/**
 * The system's generator, read in blocks of 8 KiB, because a call costs more than most of its uses. Each byte is used
 * once.
 */
export const systemRandom: Random = createPool()

function createPool(): Random {
  const size = 8192
  let pool: Buffer = Buffer.alloc(0)
  return (bytes) => {
    if (bytes > size) return randomBytes(bytes)
    if (bytes > pool.length) pool = randomBytes(size)
    const fresh = pool.subarray(0, bytes)
    pool = pool.subarray(bytes)
    return fresh
  }
}

export type Prefix =
  | 'usr'
  | 'idn'
  | 'ses'
  | 'flw'
  | 'grt'
  | 'aud'
  | 'rvk'
  | 'cfl'
  | 'key'
  | 'req'
  /** A sign-in that waits for its second factor. */
  | 'psi'
  | 'tkt'
  | 'eml'
  | 'psk'
  | 'rec'
  /** A trusted device. */
  | 'dev'
  /** A service credential. */
  | 'svc'
  | 'team'
  /** An invitation to a team. */
  | 'inv'
  /** A version of a provider's settings. */
  | 'pvr'
  /** A registered application. */
  | 'app'
  /** An initial access token, for applications that register themselves. */
  | 'reg'
  /** A sign-in to an application. */
  | 'aps'
  /** A person's consent to an application. */
  | 'cns'
  /** A back-channel logout notice. */
  | 'lgt'

export type Ids = (prefix: Prefix) => string

/**
 * A time in milliseconds as twelve hexadecimal digits (48 bits). Keys that begin with it lie close together in an index
 * if they were made together. A random key writes a page of its own at each insertion.
 */
export const timeDigits = (ms: number): string => ms.toString(16).padStart(12, '0')

/**
 * Opaque IDs: a prefix, the digits of the time, and 128 bits from the system's generator. A UUID has six bits fewer, and
 * a recognizable shape.
 */
export function createIds(clock: Clock, random: Random): Ids {
  return (prefix) => `${prefix}_${timeDigits(clock().getTime())}${random(16).toString('hex')}`
}

/** An ID of the same form that follows from a secret: anyone who presents the secret again names the same thing. */
export const idFrom = (prefix: Prefix, at: Date, secret: string): string =>
  `${prefix}_${timeDigits(at.getTime())}${Buffer.from(sha256(secret), 'base64url').toString('hex', 0, 16)}`

/** An unguessable secret: 256 bits as base64url, 43 characters. */
export const secretToken = (random: Random): string => random(32).toString('base64url')

/** A random number from 0 to just below 1, for delays that must not coincide. */
export const chance = (random: Random): number => random(4).readUInt32BE() / 2 ** 32
