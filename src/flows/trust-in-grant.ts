/** What the settings trust a provider for. Pure. */
import type { EmailTrust, Grant, GrantTrust } from '../providers/provider.ts'

/** From the least trust to the most. */
const emailTrusts: readonly EmailTrust[] = ['never', 'authoritative', 'verified']

export const trustOf = ({ emailTrust, secondFactor }: GrantTrust): GrantTrust => ({ emailTrust, secondFactor })

/**
 * The trust in a grant: no more than that of the settings it was obtained with, and no more than that of the live ones.
 * An administrator who trusts new settings says nothing about claims that were read with the old ones.
 */
export function trustIn(live: GrantTrust, { trust = live }: Pick<Grant, 'trust'>): GrantTrust {
  const emails = [live.emailTrust, trust.emailTrust]
  return {
    emailTrust: emailTrusts.find((one) => emails.includes(one)) ?? 'never',
    secondFactor: live.secondFactor === 'trusted' && trust.secondFactor === 'trusted' ? 'trusted' : 'ask',
  }
}
