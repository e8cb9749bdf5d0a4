import type { AddressHolder, EmailAccess, Ticket } from '../credentials/ports.ts'

/** Whom a letter is written to as an account's person; `undefined` where it leads to an account that is not there yet. */
export const holderOf = (
  opened: EmailAccess | undefined,
  holders: readonly AddressHolder[],
): AddressHolder | undefined =>
  opened === undefined || opened.tag === 'fresh'
    ? undefined
    : holders.find(({ accountId }) => accountId === opened.accountId)

/** What a ticket remembers of it: one that was written down for nobody, to take as long, opens nothing later either. */
export const dataOf = (opened: EmailAccess | undefined): { readonly fresh?: true } =>
  opened?.tag === 'fresh' ? { fresh: true } : {}

export const opensSomething = (ticket: Ticket | undefined): ticket is Ticket =>
  ticket !== undefined && (ticket.accountId !== null || ticket.data.fresh === true)
