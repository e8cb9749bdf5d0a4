/**
 * Issuers of a provider with many tenants. The discovery document of Microsoft Entra ID for any organization contains a
 * template, `https://login.microsoftonline.com/{tenantid}/v2.0`. Each id_token contains the issuer of its own tenant.
 * Pure.
 */

const PLACEHOLDER = '{tenantid}'
const TENANT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** The tenant of personal Microsoft accounts: https://learn.microsoft.com/entra/identity-platform/id-token-claims-reference */
export const PERSONAL_TENANT = '9188040d-6c67-4c5b-b112-36a304b66dad'

/** The tenants whose users may sign in: all, all organizations but no personal accounts, or those with these IDs. */
export type Tenants = 'any' | 'organizations' | readonly string[]

/** Whether text is a lower-case GUID, the form that issuers use. */
export const isTenantId = (text: string): boolean => TENANT_ID.test(text)

/** Whether an issuer is a template: the placeholder appears once, as a whole segment of the path. */
export const isIssuerTemplate = (issuer: string): boolean =>
  issuer.split(PLACEHOLDER).length === 2 && /\/\{tenantid\}(\/|$)/.test(issuer)

export const mentionsTenant = (issuer: string): boolean => issuer.includes(PLACEHOLDER)

/** The tenant of this issuer under the template; `null` if it does not match exactly. */
export function tenantOf(template: string, issuer: string): string | null {
  if (!isIssuerTemplate(template)) return null
  const [before = '', after = ''] = template.split(PLACEHOLDER)
  const tenant = issuer.slice(before.length, issuer.length - after.length)
  return isTenantId(tenant) && issuer === `${before}${tenant}${after}` ? tenant : null
}

/** Whether this is the issuer of an allowed tenant. */
export function isTenantIssuer(template: string, tenants: Tenants, issuer: string): boolean {
  const tenant = tenantOf(template, issuer)
  if (tenant === null) return false
  if (tenants === 'organizations') return tenant !== PERSONAL_TENANT
  return tenants === 'any' || tenants.includes(tenant)
}
