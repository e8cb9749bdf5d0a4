/**
 * Issuers of a provider with many tenants. Microsoft Entra ID's document for any organization names a template,
 * `https://login.microsoftonline.com/{tenantid}/v2.0`, and each id_token the issuer of its own tenant. Pure.
 */

const PLACEHOLDER = '{tenantid}'
const TENANT_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

/** Whose people may come: those of any tenant, or of the ones with these ids. */
export type Tenants = 'any' | readonly string[]

/** A GUID in lower case, as issuers spell it. */
export const isTenantId = (text: string): boolean => TENANT_ID.test(text)

/** Whether an issuer stands for many: the placeholder is there, once, as a whole segment of the path. */
export const isIssuerTemplate = (issuer: string): boolean =>
  issuer.split(PLACEHOLDER).length === 2 && /\/\{tenantid\}(\/|$)/.test(issuer)

export const mentionsTenant = (issuer: string): boolean => issuer.includes(PLACEHOLDER)

/** The tenant whose issuer this is under the template; `null` when it is none. Compared to the letter. */
export function tenantOf(template: string, issuer: string): string | null {
  if (!isIssuerTemplate(template)) return null
  const [before = '', after = ''] = template.split(PLACEHOLDER)
  const tenant = issuer.slice(before.length, issuer.length - after.length)
  return isTenantId(tenant) && issuer === `${before}${tenant}${after}` ? tenant : null
}

/** Whether this is the issuer of a tenant whose people may come. */
export function isTenantIssuer(template: string, tenants: Tenants, issuer: string): boolean {
  const tenant = tenantOf(template, issuer)
  return tenant !== null && (tenants === 'any' || tenants.includes(tenant))
}
