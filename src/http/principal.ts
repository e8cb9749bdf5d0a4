import type { IncomingMessage } from 'node:http'
import type { AppError } from '../errors/catalogue.ts'
import { ok, type Result } from '../kernel/result.ts'
import type { DeviceSession, Devices } from '../sessions/devices.ts'
import { countHeader } from './headers.ts'
import type { CredentialCode, Principal } from './route.ts'

type Verification = Result<Principal, AppError<CredentialCode>>

/** Verifies credentials. The frame receives it from the sessions. */
export type Authenticate = {
  bearer(token: string): Verification | Promise<Verification>
  /**
   * The key of a DPoP proof for this request, or the nonce that it needs; `undefined` if the proof is invalid or was used
   * before.
   */
  dpopKey(proof: string, request: ProvenRequest): Promise<string | { readonly nonce: string } | undefined>
  cookie(value: string): Verification | Promise<Verification>
}

/** The request that a DPoP proof is for. `url` is without query. */
export type ProvenRequest = { readonly method: string; readonly url: string; readonly accessToken: string | null }

/** Reads the session of an access token or a session cookie. */
export const authenticateWith = (
  devices: Pick<Devices, 'byAccessToken' | 'byCookie'>,
  dpopKey: Authenticate['dpopKey'],
): Authenticate => ({
  dpopKey,
  bearer: (token) => devices.byAccessToken(token).then((found) => principalOf(found, 'bearer')),
  cookie: (value) => devices.byCookie(value).then((found) => principalOf(found, 'cookie')),
})

function principalOf(found: Result<DeviceSession, AppError<CredentialCode>>, via: Principal['via']): Verification {
  if (!found.ok) return found
  const { session, generation, application = null } = found.value
  const { account, accountId, id: sessionId, amr, authTime } = session
  const scope = application === null ? session.scope : application.scope
  const scopes = scope === '' ? [] : scope.split(' ')
  const of = application?.id ?? null
  const dpopKey = application?.dpopKey ?? null
  const subject = application?.subject ?? accountId
  return ok({
    account,
    accountId,
    subject,
    sessionId,
    generation,
    amr,
    authTime,
    scopes,
    via,
    application: of,
    dpopKey,
  })
}

/**
 * Whether the person authenticated within the last `seconds`, as strongly as their account requires: with a second
 * factor if it has one (ASVS 7.5.3).
 */
export const isRecent = (
  { authTime, amr, account }: Pick<Principal, 'authTime' | 'amr' | 'account'>,
  now: Date,
  seconds: number,
): boolean =>
  now.getTime() - authTime.getTime() <= seconds * 1000 && (account.secondFactorAt === null || amr.includes('mfa'))

/**
 * The content of an `Authorization` header: one Bearer token, an unsupported scheme, or a malformed value (RFC 6750
 * §2.1, §3.1).
 */
export type Authorization =
  | { readonly kind: 'absent' }
  | { readonly kind: 'bearer'; readonly token: string }
  /** A token that is bound to a key (RFC 9449 §7.1). */
  | { readonly kind: 'dpop'; readonly token: string }
  | { readonly kind: 'other' }
  | { readonly kind: 'malformed' }

const absent = { kind: 'absent' } as const
const shape = /^(Bearer|DPoP) +([A-Za-z0-9\-._~+/]+=*)$/i

/** Reads tokens only from this header: a URL with `?access_token=` ends up in logs and browser histories. */
export function readAuthorization(request: IncomingMessage): Authorization {
  const header = request.headers.authorization
  if (header === undefined) return absent
  if (countHeader(request.rawHeaders, 'authorization') > 1) return { kind: 'malformed' }
  const [, scheme = '', token] = shape.exec(header) ?? []
  if (token !== undefined) return { kind: scheme.toLowerCase() === 'dpop' ? 'dpop' : 'bearer', token }
  return /^(Bearer|DPoP)(\s|$)/i.test(header) ? { kind: 'malformed' } : { kind: 'other' }
}
