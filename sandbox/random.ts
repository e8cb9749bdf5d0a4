/**
 * Random values. Each provider composes tokens with the formats and lengths of the real ones: if a database column is
 * too short, it fails here first.
 */
import { randomBytes, randomUUID } from 'node:crypto'

export const randomText = (bytes: number): string => randomBytes(bytes).toString('base64url')
export const randomHex = (bytes: number): string => randomBytes(bytes).toString('hex')

/** Names the tokens of one sign-in. */
export const newFamily = (): string => randomUUID()
