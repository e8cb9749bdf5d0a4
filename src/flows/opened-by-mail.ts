import type { AddressHolder, EmailAccess, Ticket } from '../credentials/ports.ts'

/** The account that an email is addressed to; `undefined` if the account does not exist yet. */
export const holderOf = (
  opened: EmailAccess | undefined,
  holders: readonly AddressHolder[],
): AddressHolder | undefined =>
  opened === undefined || opened.tag === 'fresh'
    ? undefined
    : holders.find(({ accountId }) => accountId === opened.accountId)

/** What the ticket stores about it. A ticket without an account, which only equalizes the time, never gives access. */
export const dataOf = (opened: EmailAccess | undefined): { readonly fresh?: true } =>
  opened?.tag === 'fresh' ? { fresh: true } : {}

export const opensSomething = (ticket: Ticket | undefined): ticket is Ticket =>
  ticket !== undefined && (ticket.accountId !== null || ticket.data.fresh === true)
