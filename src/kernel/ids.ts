import { randomBytes } from 'node:crypto'
import type { Clock } from './clock.ts'

/** Where randomness comes from: `bytes` fresh bytes of it. */
export type Random = (bytes: number) => Buffer

/**
 * The system's generator, asked for 8 KiB at a time: a draw costs more than most of what it is for. Each byte is given
 * out once.
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

export type Ids = (prefix: Prefix) => string

/**
 * Opaque, prefixed ids: 48 bits of time, so that rows inserted together lie together in the index,
 * then 128 bits from the system's generator (a UUID has six bits fewer and a recognisable shape).
 */
export function createIds(clock: Clock, random: Random): Ids {
  return (prefix) => `${prefix}_${clock().getTime().toString(16).padStart(12, '0')}${random(16).toString('hex')}`
}

/** A secret nobody can guess: 256 bits, base64url, 43 characters. */
export const secretToken = (random: Random): string => random(32).toString('base64url')

/** From 0 to just below 1, evenly: for delays that are not to fall together. */
export const chance = (random: Random): number => random(4).readUInt32BE() / 2 ** 32
