/**
 * Restricts who can sign in with a provider. Pure. The claims are checked at every sign-in, link, connection and
 * resolved conflict. A user who left an organization is therefore refused at the next sign-in.
 */
import { readEmail } from '../kernel/email.ts'
import type { Claims, ProviderSettings } from './provider.ts'

/** `restricted`: the user is not allowed. `hidden`: the provider did not reveal whether the user is a member. */
export type Restriction = 'restricted' | 'hidden'

/** Why a user may not sign in with a provider; `null` if they may. All configured restrictions must be met. */
export function restrictionOn(
  claims: Claims,
  { emailDomains, hostedDomains, organizations, teams }: ProviderSettings,
): Restriction | null {
  if (emailDomains && !verifiedDomains(claims).some((domain) => emailDomains.includes(domain))) return 'restricted'
  // Only Google's `hd` claim proves that the account belongs to the domain. An email address in the domain does not: a
  // former member may have created a Google account with it.
  const hosted = claims.hostedDomain === undefined ? undefined : domainOf(`x@${claims.hostedDomain}`)
  if (hostedDomains && !(hosted !== undefined && hostedDomains.includes(hosted))) return 'restricted'
  if (teams && !(claims.team !== undefined && teams.includes(claims.team))) return 'restricted'
  if (!organizations) return null
  const { memberOf = [], hidden = false } = claims.memberships ?? {}
  if (memberOf.some((one) => organizations.includes(one))) return null
  return hidden ? 'hidden' : 'restricted'
}

/** The domains of the email addresses that the provider has verified, as A-labels. */
const verifiedDomains = ({ email, emailVerified, otherEmails = [] }: Claims): readonly string[] =>
  [...(email !== null && emailVerified ? [email] : []), ...otherEmails].flatMap((address) => domainOf(address) ?? [])

const domainOf = (address: string): string | undefined => readEmail(address)?.address.split('@').at(-1)
