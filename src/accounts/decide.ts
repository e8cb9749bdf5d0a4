import type { Account } from '../kernel/account.ts'
import type { Claims } from '../providers/provider.ts'
import type { Identity } from './ports.ts'

/** The accounts that hold or claim one address: the verified holder first. */
export type Namesakes = readonly { readonly account: Account; readonly identities: readonly Identity[] }[]

/** Everything that bears on the question «whose account is this?». */
export type Evidence = {
  readonly provider: string
  readonly claims: Claims
  /** The provider's word for this very address counts as proof here (see `<PROVIDER>_EMAIL_TRUST`). */
  readonly trusted: boolean
  /** Whoever already has this identity. */
  readonly owner: Account | undefined
  /** The accounts that hold or claim the same address. */
  readonly namesakes: Namesakes
  /** The same for each further address the provider has verified. */
  readonly others?: readonly { readonly email: string; readonly namesakes: Namesakes }[]
  /** The provider's word counts as proof for those, too. */
  readonly othersTrusted?: boolean
  /** Whoever is signed in and asked to link. */
  readonly visitor: Account | undefined
  readonly policy: { readonly autoRegister: boolean; readonly linkByVerifiedEmail: boolean }
  /** The person was asked whose address it is, and chose an account of their own. */
  readonly separate: boolean
}

export type Decision =
  | { readonly tag: 'enter'; readonly account: Account }
  | { readonly tag: 'link'; readonly account: Account; readonly how: 'on_purpose' }
  /** `email` is the address that both sides proved. */
  | { readonly tag: 'link'; readonly account: Account; readonly how: 'verified_email'; readonly email: string }
  | { readonly tag: 'create'; readonly emailVerified: boolean }
  | { readonly tag: 'ask' }
  | { readonly tag: 'refuse'; readonly code: 'identity_already_linked' | 'user_disabled' | 'user_creation_disabled' }

/** The provider proves the address: it says so, and its word counts for this address. */
export const provesEmail = (claims: Claims, trusted: boolean): boolean =>
  claims.email !== null && claims.emailVerified && trusted

/** Every address the provider proves, the primary one first. */
export const provenEmails = (claims: Claims, trusted: boolean, othersTrusted = false): readonly string[] => [
  ...(claims.email !== null && provesEmail(claims, trusted) ? [claims.email] : []),
  ...(othersTrusted ? (claims.otherEmails ?? []) : []),
]

/**
 * The whole linking policy, in the order of the contract. No I/O, so each line is a row in the test's table.
 *
 * An e-mail joins accounts only when both sides proved it: otherwise whoever registers an address first would
 * inherit the person who owns it (pre-hijacking). Never an administrator's account, whose takeover costs
 * most, and never beside another identity of the same provider, which says that this is somebody else there.
 *
 * Where a provider has verified several addresses, each of them counts by the same rules. When they do not lead to one
 * account, the person is asked: a guess could join two people.
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
  return { tag: 'create', emailVerified: proven && !holderOf(namesakes) }
}

const holderOf = (namesakes: Namesakes) => namesakes.find(({ account }) => account.emailVerified)

/** The link that one address leads to; `undefined` where its account has to be proved first. */
function linkTo(
  { email, namesakes, proven }: { email: string | null; namesakes: Namesakes; proven: boolean },
  { provider, policy }: Evidence,
): Extract<Decision, { how: 'verified_email' }> | undefined {
  const holder = holderOf(namesakes)
  if (email === null || !proven || !policy.linkByVerifiedEmail || !holder) return undefined
  const sameProvider = holder.identities.some((identity) => identity.provider === provider)
  if (holder.account.role === 'administrator' || sameProvider) return undefined
  return { tag: 'link', account: holder.account, how: 'verified_email', email }
}
