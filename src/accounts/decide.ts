import type { Account } from '../kernel/account.ts'
import type { Claims } from '../providers/provider.ts'
import type { Identity } from './ports.ts'

/** Everything that bears on the question «whose account is this?». */
export type Evidence = {
  readonly provider: string
  readonly claims: Claims
  /** The provider's word for this very address counts as proof here (see `<PROVIDER>_EMAIL_TRUST`). */
  readonly trusted: boolean
  /** Whoever already has this identity. */
  readonly owner: Account | undefined
  /** Whoever holds or claims the same address: the verified holder first. */
  readonly namesakes: readonly { readonly account: Account; readonly identities: readonly Identity[] }[]
  /** Whoever is signed in and asked to link. */
  readonly visitor: Account | undefined
  readonly policy: { readonly autoRegister: boolean; readonly linkByVerifiedEmail: boolean }
  /** The person was asked whose address it is, and chose an account of their own. */
  readonly separate: boolean
}

export type Decision =
  | { readonly tag: 'enter'; readonly account: Account }
  | { readonly tag: 'link'; readonly account: Account; readonly how: 'verified_email' | 'on_purpose' }
  | { readonly tag: 'create'; readonly emailVerified: boolean }
  | { readonly tag: 'ask' }
  | { readonly tag: 'refuse'; readonly code: 'identity_already_linked' | 'user_disabled' | 'user_creation_disabled' }

/** The provider proves the address: it says so, and its word counts for this address. */
export const provesEmail = (claims: Claims, trusted: boolean): boolean =>
  claims.email !== null && claims.emailVerified && trusted

/**
 * The whole linking policy, in the order of the contract. No I/O, so each line is a row in the test's table.
 *
 * An e-mail joins accounts only when both sides proved it: otherwise whoever registers an address first would
 * inherit the person who owns it (pre-hijacking). Never an administrator's account, whose takeover costs
 * most, and never beside another identity of the same provider, which says that this is somebody else there.
 */
export function decide(evidence: Evidence): Decision {
  const { provider, claims, trusted, owner, namesakes, visitor, policy } = evidence
  if (owner && visitor && owner.id !== visitor.id) return { tag: 'refuse', code: 'identity_already_linked' }
  if (owner?.disabledAt || visitor?.disabledAt) return { tag: 'refuse', code: 'user_disabled' }
  if (owner) return { tag: 'enter', account: owner }
  if (visitor) return { tag: 'link', account: visitor, how: 'on_purpose' }

  const proven = provesEmail(claims, trusted)
  const holder = namesakes.find(({ account }) => account.emailVerified)
  if (!evidence.separate) {
    const sameProvider = holder?.identities.some((identity) => identity.provider === provider)
    if (proven && policy.linkByVerifiedEmail && holder && holder.account.role !== 'administrator' && !sameProvider)
      return holder.account.disabledAt
        ? { tag: 'refuse', code: 'user_disabled' }
        : { tag: 'link', account: holder.account, how: 'verified_email' }
    if (namesakes.length > 0) return { tag: 'ask' }
  }
  if (!policy.autoRegister) return { tag: 'refuse', code: 'user_creation_disabled' }
  return { tag: 'create', emailVerified: proven && !holder }
}
