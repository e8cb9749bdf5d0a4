import type { Clock } from './clock.ts'
import { sha256 } from './crypto.ts'
import { type Random, secretToken, timeDigits } from './ids.ts'

/** A `state` (RFC 6749 §10.12): the digits of the time, and an unguessable secret. */
export const createState = (clock: Clock, random: Random): string =>
  `${timeDigits(clock().getTime())}${secretToken(random)}`

/**
 * The text by which a pending authorization is found: the time of the `state`, and the hash of all of it. Anyone can send
 * any text as a `state`, and PostgreSQL refuses some, so nothing but hexadecimal digits is taken from it.
 */
export const stateHashOf = (state: string): string => `${/^[0-9a-f]{12}/.exec(state)?.[0] ?? ''}${sha256(state)}`
