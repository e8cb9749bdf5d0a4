/**
 * One provider for the issuers of many tenants (`<P>_TENANTS`). Each id_token is verified against the tenant that it
 * claims, and only with keys that may sign for that tenant.
 */
import { createLocalJWKSet, decodeJwt, type JWTPayload, type LocalJWKSet } from 'jose'
import { ok, type Result } from '../kernel/result.ts'
import { tenantOf } from '../kernel/tenant-issuer.ts'
import type { Failure } from './calls/failure.ts'
import type { KeySet } from './calls/signature.ts'

/** The issuer that a token claims, before verification. Use it only to choose what to verify the token against. */
export function claimedIssuer(token: string): string | null {
  try {
    const { iss } = decodeJwt(token)
    return typeof iss === 'string' ? iss : null
  } catch {
    return null
  }
}

/**
 * The issuer of the tenant in verified claims; `null` if they contradict each other. `tid` must match `iss`:
 * https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference
 */
export function tenantIssuer({ iss, tid }: JWTPayload, template: string): string | null {
  const tenant = iss === undefined ? null : tenantOf(template, iss)
  return iss !== undefined && tenant !== null && tid === tenant ? iss : null
}

/**
 * The published keys that may sign for this issuer. Microsoft's key set names the issuer of each key. A lost or misused
 * key for personal accounts must not sign for a company (as happened in 2023).
 */
export function keysOf(keys: KeySet, template: string, issuer: string): KeySet {
  const maySign = (key: object): boolean => !('issuer' in key) || key.issuer === template || key.issuer === issuer
  const filterKeys = (fetched: Result<LocalJWKSet, Failure>): Result<LocalJWKSet, Failure> =>
    fetched.ok ? ok(createLocalJWKSet({ keys: fetched.value.jwks().keys.filter(maySign) })) : fetched
  return {
    get: async () => filterKeys(await keys.get()),
    getNewer: async () => filterKeys(await keys.getNewer()),
  }
}
