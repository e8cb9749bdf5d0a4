import type { IncomingMessage } from 'node:http'
import type { AppError } from '../errors/catalogue.ts'
import type { Result } from '../kernel/result.ts'
import { timesSent } from './headers.ts'
import type { CredentialCode, Principal } from './route.ts'

type Verdict = Result<Principal, AppError<CredentialCode>>

/** How credentials become somebody: the sessions' business, given to the frame. */
export type Authenticate = {
  bearer(token: string): Verdict | Promise<Verdict>
  cookie(value: string): Verdict | Promise<Verdict>
}

/**
 * Whether somebody proved who they are within the last `seconds`, as strongly as their account asks: with a second
 * factor where it has one (ASVS 7.5.3).
 */
export const isRecent = (
  { authTime, amr, account }: Pick<Principal, 'authTime' | 'amr' | 'account'>,
  now: Date,
  seconds: number,
): boolean =>
  now.getTime() - authTime.getTime() <= seconds * 1000 && (account.secondFactorAt === null || amr.includes('mfa'))

/**
 * What an `Authorization` header holds: one Bearer token, something we do not speak, or a broken one (RFC 6750 §2.1,
 * §3.1).
 */
export type Authorization =
  | { readonly kind: 'absent' }
  | { readonly kind: 'bearer'; readonly token: string }
  | { readonly kind: 'other' }
  | { readonly kind: 'malformed' }

const absent = { kind: 'absent' } as const
const shape = /^Bearer +([A-Za-z0-9\-._~+/]+=*)$/i

/** Tokens are read from this header alone: an address with `?access_token=` ends in logs and histories. */
export function readAuthorization(request: IncomingMessage): Authorization {
  const header = request.headers.authorization
  if (header === undefined) return absent
  if (timesSent(request.rawHeaders, 'authorization') > 1) return { kind: 'malformed' }
  const token = shape.exec(header)?.[1]
  if (token !== undefined) return { kind: 'bearer', token }
  return /^Bearer(\s|$)/i.test(header) ? { kind: 'malformed' } : { kind: 'other' }
}
