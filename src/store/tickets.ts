import { and, asc, eq, gt, inArray, isNotNull, isNull, ne, sql } from 'drizzle-orm'
import type { Ticket, TicketStore } from '../credentials/ports.ts'
import { caps, deleteBeyond } from './caps.ts'
import { type Change, prepareChange } from './change.ts'
import { type Driver, type Queries, type Script, step } from './driver.ts'
import type { Tables } from './schema.ts'

export function ticketStore({ db, tables, atomic, read, write }: Driver, change: Change): TicketStore {
  const { tickets: t } = tables
  return {
    async issue(ticket) {
      if (ticket.accountId === null) await write(db.insert(t).values(ticket))
      else await atomic((tx) => putTicket(tx, tables, ticket), ticketLocks(ticket))
    },
    async find({ purpose, ...by }, at) {
      const key = 'secretHash' in by ? eq(t.secretHash, by.secretHash) : eq(t.bindingHash, by.bindingHash)
      const [found] = await read(
        db
          .select()
          .from(t)
          .where(and(eq(t.purpose, purpose), key, isNull(t.usedAt), gt(t.expiresAt, at))),
      )
      return found
    },
    async countAttempt(id) {
      const [counted] = await write(
        db
          .update(t)
          .set({ attempts: sql`${t.attempts} + 1` })
          .where(eq(t.id, id))
          .returning({ attempts: t.attempts }),
      )
      return counted?.attempts ?? Number.POSITIVE_INFINITY
    },
    using: (id, at) => prepareChange(change, { script: (tx) => useTicket(tx, tables, id, at), locks: [] }),
    spending: (ticket) =>
      prepareChange(change, {
        *script(tx) {
          const stored = yield* step(
            tx.insert(t).values(ticket).onConflictDoNothing({ target: t.secretHash }).returning({ id: t.id }),
          )
          return stored.length > 0
        },
        locks: [],
      }),
    async isSpent(secretHash) {
      const spent = and(eq(t.secretHash, secretHash), isNotNull(t.usedAt))
      return (await read(db.select({ id: t.id }).from(t).where(spent))).length > 0
    },
  }
}

/** The locks for `putTicket`: of two concurrent calls, the second sees the first one's row. */
export const ticketLocks = ({ purpose, accountId, email }: Ticket): readonly string[] => [
  `tickets:${purpose}:${accountId ?? email}`,
]

/** Adds a ticket. If its account has too many for this purpose, deletes the oldest. */
export function* putTicket(tx: Queries, { tickets: t }: Tables, ticket: Ticket): Script<void> {
  const { accountId, purpose } = ticket
  yield* step(tx.insert(t).values(ticket))
  if (accountId === null) return
  const which = and(eq(t.accountId, accountId), eq(t.purpose, purpose))
  yield* deleteBeyond(tx, t, { which, key: t.id, age: t.createdAt, most: caps.tickets })
}

/** Invalidates links, codes and pending sign-ins of an account. Call it within a change of its credentials. */
export function* endProofs(
  tx: Queries,
  { tickets: t, pendingSignIns, totpFactors }: Tables,
  accountId: string,
): Script<void> {
  yield* step(tx.delete(t).where(eq(t.accountId, accountId)))
  yield* step(tx.delete(pendingSignIns).where(eq(pendingSignIns.accountId, accountId)))
  // Deletes an authenticator app that was never confirmed. An intruder may have started the setup and know its secret,
  // and must not confirm it after being signed out.
  yield* step(tx.delete(totpFactors).where(and(eq(totpFactors.accountId, accountId), isNull(totpFactors.confirmedAt))))
}

/** The same, and ends trust in all devices except `keepDevice`, on which the change is made. */
export function* endTickets(tx: Queries, t: Tables, accountId: string, keepDevice: string | null = null): Script<void> {
  yield* endProofs(tx, t, accountId)
  yield* endTrust(tx, t, accountId, keepDevice)
}

/** Ends trust in all devices of an account except `keepDevice`. */
export function* endTrust(
  tx: Queries,
  { trustedDevices }: Tables,
  accountId: string,
  keepDevice: string | null,
): Script<void> {
  const trusted = eq(trustedDevices.accountId, accountId)
  yield* step(
    tx.delete(trustedDevices).where(keepDevice === null ? trusted : and(trusted, ne(trustedDevices.id, keepDevice))),
  )
}

/**
 * Ends the unused tickets of the same purpose for the same account, or for the same email address if there is no
 * account.
 */
export function* endOthers(
  tx: Queries,
  { tickets: t }: Tables,
  { id, purpose, accountId, email }: Ticket,
): Script<void> {
  const whose = accountId === null ? and(isNull(t.accountId), eq(t.email, email ?? '')) : eq(t.accountId, accountId)
  yield* step(tx.delete(t).where(and(eq(t.purpose, purpose), whose, ne(t.id, id), isNull(t.usedAt))))
}

/** Uses a ticket within the change it allows. `false` if it was used in the meantime or has expired. */
export function* useTicket(tx: Queries, { tickets: t }: Tables, id: string, at: Date): Script<boolean> {
  const used = yield* step(
    tx
      .update(t)
      .set({ usedAt: at })
      .where(and(eq(t.id, id), isNull(t.usedAt), gt(t.expiresAt, at)))
      .returning({ id: t.id }),
  )
  return used.length > 0
}

/** How many devices one transaction removes trust from. */
const devicesAtOnce = 500

/** `endTrust` in batches. Returns `true` if there may be more. */
export function* endSomeTrust(
  tx: Queries,
  { trustedDevices: t }: Tables,
  accountId: string,
  keepDevice: string | null,
): Script<boolean> {
  const trusted = and(eq(t.accountId, accountId), keepDevice === null ? undefined : ne(t.id, keepDevice))
  const some = tx.select({ id: t.id }).from(t).where(trusted).orderBy(asc(t.id)).limit(devicesAtOnce)
  const ended = yield* step(tx.delete(t).where(inArray(t.id, some)).returning({ id: t.id }))
  return ended.length === devicesAtOnce
}
