import { type Account, mostClaims } from '../kernel/account.ts'
import type { Claims } from '../providers/provider.ts'
import type { Namesake } from './ports.ts'

/** The accounts that hold or claim one address: the verified holder first. */
export type Namesakes = readonly Namesake[]

/** The evidence for whose account this is. */
export type Evidence = {
  readonly provider: string
  readonly claims: Claims
  /** The provider's claim about this address counts as proof (see `<PROVIDER>_EMAIL_TRUST`). */
  readonly trusted: boolean
  /** The account that already has this identity. */
  readonly owner: Account | undefined
  /** The accounts that hold or claim the same address. */
  readonly namesakes: Namesakes
  /** The same for each other address that the provider has verified. */
  readonly others?: readonly { readonly email: string; readonly namesakes: Namesakes }[]
  /** The provider's claims about those count as proof, too. */
  readonly othersTrusted?: boolean
  /** The signed-in account that asked to link. */
  readonly visitor: Account | undefined
  readonly policy: { readonly autoRegister: boolean; readonly linkByVerifiedEmail: boolean }
  /** The user was asked about the conflict and chose a separate account. */
  readonly separate: boolean
}

export type Decision =
  | { readonly tag: 'enter'; readonly account: Account }
  | { readonly tag: 'link'; readonly account: Account; readonly how: 'on_purpose' }
  /** `email` is the address that both sides verified, or that an administrator invited and the provider proves. */
  | {
      readonly tag: 'link'
      readonly account: Account
      readonly how: 'verified_email' | 'invitation'
      readonly email: string
    }
  /** `withoutEmail`: as many accounts claim the address as may. This one gets it when its person proves it. */
  | { readonly tag: 'create'; readonly emailVerified: boolean; readonly withoutEmail?: true }
  | { readonly tag: 'ask' }
  | { readonly tag: 'refuse'; readonly code: 'identity_already_linked' | 'user_disabled' | 'user_creation_disabled' }

/** The provider proves the address: it reports it as verified, and is trusted for it. */
export const provesEmail = (claims: Claims, trusted: boolean): boolean =>
  claims.email !== null && claims.emailVerified && trusted

/** All addresses that the provider proves, the primary one first. */
export const provenEmails = (claims: Claims, trusted: boolean, othersTrusted = false): readonly string[] => [
  ...(claims.email !== null && provesEmail(claims, trusted) ? [claims.email] : []),
  ...(othersTrusted ? (claims.otherEmails ?? []) : []),
]

/**
 * The whole linking policy, in the order of the contract. It has no I/O, so each line is a row in the test's table. An
 * email address joins accounts only if both sides verified it. Otherwise, an attacker could register an address first
 * and get the account of its owner (pre-hijacking). It never joins an administrator's account, whose takeover would
 * cost most, and never one with another identity of the same provider, which says that this is another person. An
 * account that an administrator created for an address has no sign-in method yet, so nobody can have prepared it: it
 * goes to the user who proves the address, by the same rules. If a
 * provider has verified several addresses, the same rules apply to each. If they lead to more than one account, the
 * user is asked: a guess could join two people.
 */
export function decide(evidence: Evidence): Decision {
  const { claims, trusted, owner, namesakes, others = [], othersTrusted = false, visitor, policy } = evidence
  if (owner && visitor && owner.id !== visitor.id) return { tag: 'refuse', code: 'identity_already_linked' }
  if (owner?.disabledAt || visitor?.disabledAt) return { tag: 'refuse', code: 'user_disabled' }
  if (owner) return { tag: 'enter', account: owner }
  if (visitor) return { tag: 'link', account: visitor, how: 'on_purpose' }

  const proven = provesEmail(claims, trusted)
  if (!evidence.separate) {
    const matches = [
      { email: claims.email, namesakes, proven },
      ...others.map((other) => ({ ...other, proven: othersTrusted })),
    ].filter((one) => one.namesakes.length > 0)
    const links = matches.map((one) => linkTo(one, evidence))
    const [link] = links
    if (link && links.every((one) => one?.account.id === link.account.id))
      return link.account.disabledAt ? { tag: 'refuse', code: 'user_disabled' } : link
    if (matches.length > 0) return { tag: 'ask' }
  }
  if (!policy.autoRegister) return { tag: 'refuse', code: 'user_creation_disabled' }
  const emailVerified = proven && !holderOf(namesakes)
  const withoutEmail = !emailVerified && namesakes.length >= mostClaims
  return { tag: 'create', emailVerified, ...(withoutEmail && { withoutEmail }) }
}

const holderOf = (namesakes: Namesakes) => namesakes.find(({ account }) => account.emailVerified)

/** The link that one address leads to; `undefined` if its account must be proven first. */
function linkTo(
  { email, namesakes, proven }: { email: string | null; namesakes: Namesakes; proven: boolean },
  { provider, policy }: Evidence,
): Extract<Decision, { readonly email: string }> | undefined {
  const holder = holderOf(namesakes)
  const found = holder ?? namesakes.find(({ isInvited }) => isInvited)
  if (email === null || !proven || !policy.linkByVerifiedEmail || !found) return undefined
  const sameProvider = found.identities.some((identity) => identity.provider === provider)
  if (found.account.role === 'administrator' || sameProvider) return undefined
  return { tag: 'link', account: found.account, how: holder ? 'verified_email' : 'invitation', email }
}
