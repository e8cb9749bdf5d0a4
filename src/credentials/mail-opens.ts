import type { Account } from '../kernel/account.ts'
import type { Email } from '../kernel/email.ts'
import type { Locale } from '../kernel/locale.ts'
import type { OpensByMail } from './ports.ts'

/**
 * Whose account a mail to an address opens, for a reset and a sign-in alike; pure. The verified holder's. Else that of
 * whoever registered with it and never proved it, if they have no other way in: it is taken over by whoever does prove
 * it, and whoever waited in it is put out (pre-hijacking: https://arxiv.org/abs/2205.10174). Beside another way in, or
 * with a role, an account is not taken over: it is its provider's person's, or too much would come with it. Such a claim
 * keeps nobody out either: whoever reads the mail gets an account of their own, and the claim ends. An address nobody
 * claims opens nothing.
 *
 * `sentFor` is whose account the letter was for (`null`: nobody's): no letter opens another one's, whatever became of
 * the claims since.
 */
export const opensByMail =
  ({ autoRegister }: { readonly autoRegister: boolean }): OpensByMail =>
  (holders, sentFor) => {
    const isFor = (accountId: string): boolean => sentFor === undefined || accountId === sentFor
    const holder = holders.find(({ verified }) => verified)
    if (holder) return isFor(holder.accountId) ? { tag: 'held', accountId: holder.accountId } : undefined
    const registered = holders.find(
      ({ accountId, password, otherWays, role }) => password && !otherWays && role === 'user' && isFor(accountId),
    )
    if (registered) return { tag: 'taken_over', accountId: registered.accountId }
    return autoRegister && holders.length > 0 ? { tag: 'fresh' } : undefined
  }

/** The account of whoever proved an address others only claim. */
export const freshAccount = (id: string, { address }: Email, locale: Locale | null, at: Date): Account => ({
  id,
  email: address,
  emailVerified: true,
  name: null,
  picture: null,
  role: 'user',
  locale,
  secondFactorAt: null,
  disabledAt: null,
  createdAt: at,
  updatedAt: at,
})
