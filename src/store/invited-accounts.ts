import { and, eq, ne } from 'drizzle-orm'
import type { InvitedAccountStore } from '../credentials/ports.ts'
import { readEmail } from '../kernel/email.ts'
import type { Ids } from '../kernel/ids.ts'
import { accountLock, type Change } from './change.ts'
import { addressLock, isTaken, proveEmail } from './claims.ts'
import { type Driver, type Queries, step } from './driver.ts'
import { deleteGuesses } from './guesses.ts'
import { managedColumns } from './managed-accounts.ts'
import { endOthers, endTickets, putTicket, ticketLocks, useTicket } from './tickets.ts'

export function invitedAccountStore({ tables: t }: Driver, change: Change, ids: Ids): InvitedAccountStore {
  const columns = managedColumns(t)

  function* find(tx: Queries, id: string) {
    const [found] = yield* step(tx.select(columns).from(t.accounts).where(eq(t.accounts.id, id)))
    return found
  }

  return {
    create: ({ emailVerified: _, ...account }, emailKey, invitation, because) =>
      change(
        function* (tx, note, post) {
          if (yield* isTaken(tx, t, emailKey)) return 'email_taken'
          const invitedAt = account.createdAt
          const invitationExpiresAt = invitation?.ticket.expiresAt ?? null
          const row = { ...account, emailKey, verifiedEmailKey: null, invitedAt, invitationExpiresAt }
          yield* step(tx.insert(t.accounts).values(row))
          if (invitation) {
            yield* putTicket(tx, t, invitation.ticket)
            yield* post([invitation.letter])
          }
          yield* note(because)
          return { ...account, emailVerified: false, lastSignInAt: null, invitedAt, invitationExpiresAt }
        },
        [addressLock(emailKey)],
      ),

    send: (accountId, { ticket, letter }, because) =>
      change(
        function* (tx, note, post) {
          const before = yield* find(tx, accountId)
          if (!before) return 'not_found'
          if (before.invitedAt === null || before.disabledAt !== null || before.email !== ticket.email)
            return 'not_invited'
          const invited = {
            invitedAt: ticket.createdAt,
            invitationExpiresAt: ticket.expiresAt,
            updatedAt: ticket.createdAt,
          }
          yield* step(tx.update(t.accounts).set(invited).where(eq(t.accounts.id, accountId)))
          yield* endOthers(tx, t, ticket)
          yield* putTicket(tx, t, ticket)
          yield* post([letter])
          yield* note(because)
          return { ...before, ...invited }
        },
        [accountLock(accountId), ...ticketLocks(ticket)],
      ),

    withdraw: (accountId, because) =>
      change(
        function* (tx, note) {
          const before = yield* find(tx, accountId)
          if (!before) return 'not_found'
          if (before.invitedAt === null) return 'not_invited'
          yield* deleteGuesses(tx, t, accountId)
          yield* step(tx.delete(t.accounts).where(eq(t.accounts.id, accountId)))
          yield* step(tx.delete(t.mails).where(eq(t.mails.accountId, accountId)))
          // Someone may have requested messages for the address in the meantime.
          yield* step(tx.update(t.audit).set({ ip: null, userAgent: null }).where(eq(t.audit.accountId, accountId)))
          yield* note(because)
          return 'withdrawn'
        },
        [accountLock(accountId)],
      ),

    async accept(ticket, { at, hash }, because) {
      const { accountId } = ticket
      const email = ticket.email === null ? undefined : readEmail(ticket.email)
      if (accountId === null || !email) return false
      return change(
        function* (tx, note) {
          const account = yield* find(tx, accountId)
          if (!account || account.invitedAt === null || account.disabledAt !== null) return false
          if (!(yield* useTicket(tx, t, ticket.id, at))) return false
          if (!(yield* proveEmail(tx, t, note, ids, accountId, email, at, because))) return false
          if (hash !== null) {
            const others = and(eq(t.passwords.emailKey, email.key), ne(t.passwords.accountId, accountId))
            yield* step(tx.delete(t.passwords).where(others))
            yield* step(tx.insert(t.passwords).values({ accountId, emailKey: email.key, hash, changedAt: at }))
          }
          yield* endTickets(tx, t, accountId)
          yield* note(because)
          return true
        },
        [accountLock(accountId), addressLock(email.key)],
      )
    },
  }
}
