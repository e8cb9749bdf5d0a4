import { type Account, noMetadata } from '../kernel/account.ts'
import type { Email } from '../kernel/email.ts'
import type { Locale } from '../kernel/locale.ts'
import type { EmailAccessRule } from './ports.ts'

/**
 * Decides which account an email to this address gives access to, for a password reset or a sign-in. Pure.
 *
 * If the address is verified, it is that account. Otherwise it is the account that an administrator created for the
 * address, whatever its role: it has no sign-in method that a stranger could have prepared. Otherwise it is the account
 * that registered with this address but
 * never verified it, if it has no other sign-in method. Anyone who proves the address takes it over, and its previous
 * user is signed out (pre-hijacking: https://arxiv.org/abs/2205.10174). An account with another sign-in method or a
 * role is not taken over: it belongs to the person at that provider, or too many permissions would come with it. Such a
 * claim blocks nobody either: the reader of the email gets a new account, and the claim ends. If no account claims the
 * address, there is no access.
 *
 * `sentFor` is the account that the message was for (`null` for none). A message never gives access to another account,
 * even if the claims have changed since.
 */
export const createEmailAccessRule =
  ({ autoRegister }: { readonly autoRegister: boolean }): EmailAccessRule =>
  (holders, sentFor) => {
    const isFor = (accountId: string): boolean => sentFor === undefined || accountId === sentFor
    const holder = holders.find(({ verified }) => verified)
    if (holder) return isFor(holder.accountId) ? { tag: 'held', accountId: holder.accountId } : undefined
    const invited = holders.find((one) => one.invited && isFor(one.accountId))
    if (invited) return { tag: 'invited', accountId: invited.accountId }
    const registered = holders.find(
      ({ accountId, password, otherWays, role }) => password && !otherWays && role === 'user' && isFor(accountId),
    )
    if (registered) return { tag: 'taken_over', accountId: registered.accountId }
    return autoRegister && holders.length > 0 ? { tag: 'fresh' } : undefined
  }

/** A new account for the person who proved an address that others only claim. */
export const freshAccount = (id: string, { address }: Email, locale: Locale | null, at: Date): Account => ({
  id,
  email: address,
  emailVerified: true,
  name: null,
  picture: null,
  role: 'user',
  locale,
  timeZone: null,
  metadata: noMetadata,
  secondFactorAt: null,
  disabledAt: null,
  createdAt: at,
  updatedAt: at,
})
