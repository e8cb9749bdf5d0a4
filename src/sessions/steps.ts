import { type Account, passwordMaySignIn } from '../kernel/account.ts'

/** What is still required after a proof. */
export type Step = 'enter' | 'second_factor' | 'user_disabled' | 'email_unverified'

type ProofState = {
  readonly account: Pick<Account, 'disabledAt' | 'secondFactorAt' | 'emailVerified'>
  /** The methods that were used (RFC 8176). */
  readonly amr: readonly string[]
  readonly policy: { readonly requireVerifiedEmail: boolean }
}

/**
 * The only place that decides whether a proof is sufficient, for all sign-in methods: attackers would choose the method
 * that requires less (ASVS 6.3.4).
 */
export function nextStep({ account, amr, policy }: ProofState): Step {
  if (account.disabledAt) return 'user_disabled'
  // Only a password says nothing about the email address: a provider names the user, and an email reached the mailbox.
  if (amr.includes('pwd') && !passwordMaySignIn(policy, account.emailVerified)) return 'email_unverified'
  if (account.secondFactorAt && !amr.includes('mfa')) return 'second_factor'
  return 'enter'
}
