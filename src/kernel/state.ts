import type { Clock } from './clock.ts'
import { sha256 } from './crypto.ts'
import { type Random, secretToken } from './ids.ts'

/** A `state` (RFC 6749 §10.12): 48 bits of time in hexadecimal digits, and an unguessable secret. */
export const createState = (clock: Clock, random: Random): string =>
  `${clock().getTime().toString(16).padStart(12, '0')}${secretToken(random)}`

/**
 * The hash by which a pending authorization is found. The time in front keeps those begun together close together in
 * the index: with hashes alone, each of them wrote a page of its own there. Anyone can send any text as a `state`, so
 * only hexadecimal digits are taken from it.
 */
export const stateHashOf = (state: string): string => `${/^[0-9a-f]{12}/.exec(state)?.[0] ?? ''}${sha256(state)}`
