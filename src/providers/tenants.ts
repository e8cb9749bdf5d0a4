/**
 * One provider that stands for the issuers of many tenants (`<P>_TENANTS`). Each id_token is verified as that of the
 * tenant it claims to come from, and with the keys that may sign for that tenant alone.
 */
import { createLocalJWKSet, decodeJwt, type JWTPayload, type LocalJWKSet } from 'jose'
import { ok, type Result } from '../kernel/result.ts'
import { tenantOf } from '../kernel/tenant-issuer.ts'
import type { Failure } from './calls/failure.ts'
import type { KeySet } from './calls/signature.ts'

/**
 * The issuer that a token claims before anything in it is verified: good for choosing what to verify it against, and for
 * nothing else.
 */
export function claimedIssuer(token: string): string | null {
  try {
    const { iss } = decodeJwt(token)
    return typeof iss === 'string' ? iss : null
  } catch {
    return null
  }
}

/**
 * The issuer of the tenant that verified claims come from; `null` when they contradict themselves. `tid` must say the
 * same as `iss`: https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
 */
export function tenantIssuer({ iss, tid }: JWTPayload, template: string): string | null {
  const tenant = iss === undefined ? null : tenantOf(template, iss)
  return iss !== undefined && tenant !== null && tid === tenant ? iss : null
}

/**
 * Of the published keys, those that may sign for this issuer. Microsoft's key set says of each key whose tokens it
 * signs: a key for personal accounts, lost or misused, must not speak for a company (as one did in 2023).
 */
export function keysOf(keys: KeySet, template: string, issuer: string): KeySet {
  const maySign = (key: object): boolean => !('issuer' in key) || key.issuer === template || key.issuer === issuer
  const narrowed = (fetched: Result<LocalJWKSet, Failure>): Result<LocalJWKSet, Failure> =>
    fetched.ok ? ok(createLocalJWKSet({ keys: fetched.value.jwks().keys.filter(maySign) })) : fetched
  return {
    get: async () => narrowed(await keys.get()),
    getNewer: async () => narrowed(await keys.getNewer()),
  }
}
