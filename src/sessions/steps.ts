import { type Account, passwordMaySignIn } from '../kernel/account.ts'

/** What is left to do for somebody who has just proven something. */
export type Step = 'enter' | 'second_factor' | 'user_disabled' | 'email_unverified'

type ProofState = {
  readonly account: Pick<Account, 'disabledAt' | 'secondFactorAt' | 'emailVerified'>
  /** How they proved it (RFC 8176). */
  readonly amr: readonly string[]
  readonly policy: { readonly requireVerifiedEmail: boolean }
}

/**
 * The one place that decides whether a proof is enough, for every way in alike: a way that asked less would be the way
 * everybody's attacker takes (ASVS 6.3.4).
 */
export function nextStep({ account, amr, policy }: ProofState): Step {
  if (account.disabledAt) return 'user_disabled'
  // Only a password says nothing about the address: a provider named who it is, a mail went there.
  if (amr.includes('pwd') && !passwordMaySignIn(policy, account.emailVerified)) return 'email_unverified'
  if (account.secondFactorAt && !amr.includes('mfa')) return 'second_factor'
  return 'enter'
}
