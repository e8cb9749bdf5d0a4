/**
 * Whom the operator lets in through a provider. Pure: the claims are held against the settings at every sign-in, linking,
 * connecting and answered conflict, so that a person who left an organization is refused at their next sign-in.
 */
import { readEmail } from '../kernel/email.ts'
import type { Claims, ProviderSettings } from './provider.ts'

/** `restricted`: not one of those who may. `hidden`: the provider would not say whether they are. */
export type Restriction = 'restricted' | 'hidden'

/** Why somebody may not sign in with a provider; `null` where they may. All restrictions that are set must hold. */
export function restrictionOn(
  claims: Claims,
  { emailDomains, hostedDomains, organizations }: ProviderSettings,
): Restriction | null {
  if (emailDomains && !verifiedDomains(claims).some((domain) => emailDomains.includes(domain))) return 'restricted'
  // Google's word about whose account it is. An address in the domain alone proves no such thing: anybody who once had
  // a mailbox there may have an account with it.
  const hosted = claims.hostedDomain === undefined ? undefined : domainOf(`x@${claims.hostedDomain}`)
  if (hostedDomains && !(hosted !== undefined && hostedDomains.includes(hosted))) return 'restricted'
  if (!organizations) return null
  const { memberOf = [], hidden = false } = claims.memberships ?? {}
  if (memberOf.some((one) => organizations.includes(one))) return null
  return hidden ? 'hidden' : 'restricted'
}

/** The domains of the addresses the provider has verified, as A-labels. */
const verifiedDomains = ({ email, emailVerified, otherEmails = [] }: Claims): readonly string[] =>
  [...(email !== null && emailVerified ? [email] : []), ...otherEmails].flatMap((address) => domainOf(address) ?? [])

const domainOf = (address: string): string | undefined => readEmail(address)?.address.split('@').at(-1)
