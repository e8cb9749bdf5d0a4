import type { OpensByMail } from './ports.ts'

/**
 * Whose account a mail to an address opens, for a reset and a sign-in alike; pure. The verified holder's. Else that of
 * whoever registered with it and never proved it, if they have no other way in: it is taken over by whoever does prove
 * it, and whoever waited in it is put out (pre-hijacking: https://arxiv.org/abs/2205.10174). Any other claim opens
 * nothing: such an account is its provider's person's. Nor is an administrator's taken over: too much would come with it.
 */
export const opensByMail: OpensByMail = (holders) => {
  const holder = holders.find(({ verified }) => verified)
  if (holder) return { tag: 'held', accountId: holder.accountId }
  const registered = holders.find(({ password, otherWays, role }) => password && !otherWays && role === 'user')
  return registered && { tag: 'taken_over', accountId: registered.accountId }
}
