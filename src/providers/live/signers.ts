/** Which issuers a provider signs for, and which user a verified id_token names. */
import { tenantOf } from '../../kernel/tenant-issuer.ts'
import type { Failure } from '../calls/failure.ts'
import type { IdTokenClaims } from '../calls/id-token.ts'
import type { Endpoints } from '../provider.ts'
import { claimedIssuer, keysOf, tenantIssuer } from '../tenants.ts'
import type { ProviderState } from './state.ts'

/** An id_token whose `iss` and `tid` name no tenant, or different ones. */
export const wrongTenant: Failure = { kind: 'garbage', reason: 'id_token_tenant' }

/** Whether a provider uses this issuer in an id_token or on the callback. */
export function usesIssuer({ definition, settings, provider }: ProviderState, iss: string): boolean {
  if (settings.tenants !== undefined) return provider.speaksFor(iss)
  return definition.openid?.issuers(settings).includes(iss) ?? false
}

/**
 * The issuers that an id_token may name. With many tenants it is the issuer that the token claims. Everything else is
 * then verified against that issuer. Whether its users may sign in is decided after verification.
 */
export function expectedIssuers(
  { definition, settings, provider }: ProviderState,
  idToken: string,
): { issuers: readonly string[]; tenant: string | null } {
  const issuers = definition.openid?.issuers(settings) ?? []
  const claimed = settings.tenants === undefined ? null : claimedIssuer(idToken)
  return claimed !== null && tenantOf(provider.issuer, claimed) !== null
    ? { issuers: [claimed], tenant: claimed }
    : { issuers, tenant: null }
}

/** Who may have signed an id_token: its issuers and their keys, `null` if signatures cannot be checked. */
export function expectedSigner(state: ProviderState, endpoints: Endpoints, idToken: string) {
  const { issuers, tenant } = expectedIssuers(state, idToken)
  const published = state.keys(endpoints)
  return {
    issuers,
    keys: published && tenant !== null ? keysOf(published, state.provider.issuer, tenant) : published,
  }
}

/** The namespace of the subject in verified claims; `null` if their claims about the tenant contradict each other. */
export const subjectNamespace = (
  { settings: { tenants }, provider }: ProviderState,
  claims: IdTokenClaims,
): string | null => (tenants === undefined ? provider.issuer : tenantIssuer(claims, provider.issuer))
