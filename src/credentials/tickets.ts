import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { hmac, sameSecret, sha256 } from '../kernel/crypto.ts'
import { type Ids, type Random, secretToken } from '../kernel/ids.ts'
import type { PreparedChange } from '../kernel/prepared-change.ts'
import { readTypedCode } from '../kernel/typed-code.ts'
import type { ForeignPurpose, IssuedPurpose, Ticket, TicketPurpose, TicketStore, TicketToSend } from './ports.ts'

type TicketKind = {
  /** The lifetime. Emailed tickets that sign someone in last at most ten minutes (ASVS 6.5.5). */
  readonly seconds: number
  /** A new ticket ends older ones of the same account, or of the same email address if there is no account. */
  readonly latestOnly: boolean
}

/**
 * A new link ends older ones if the newest link is always in the mailbox and replaces them. Sign-in codes are
 * different: a code works only in the browser that requested it. Anyone who knows the email address could otherwise end
 * the code that its owner is typing. Instead, using one ends the others (`endOthers` in `store/tickets.ts`).
 */
const kinds: Record<IssuedPurpose, TicketKind> = {
  verify_email: { seconds: 86_400, latestOnly: true },
  change_email: { seconds: 3600, latestOnly: true },
  reset_password: { seconds: 1800, latestOnly: true },
  // It signs nobody in, so it may wait for a person who does not expect it.
  invitation: { seconds: 7 * 86_400, latestOnly: true },
  email_sign_in: { seconds: 600, latestOnly: false },
  passkey_registration: { seconds: 600, latestOnly: false },
  passkey_sign_in: { seconds: 600, latestOnly: false },
  passkey_second_factor: { seconds: 600, latestOnly: false },
}

/** Codes are short enough to guess. They require their binding, and end after this many wrong guesses. */
const mostAttempts = 5
const codeDigits = 8

export type NewTicket = {
  readonly accountId?: string | null
  readonly email?: string | null
  readonly data?: Ticket['data']
  /** With a binding, the ticket also has a short code, which works only where it was requested. */
  readonly binding?: string
}
/** The row to store, and the secrets for the recipient only. */
export type TicketWithSecrets = TicketToSend & {
  readonly secret: string
  readonly code: string | null
  readonly expiresIn: number
}

const aboutNobody = { codeHash: null, bindingHash: null, accountId: null, email: null, data: {}, attempts: 0 } as const

const foreignHash = (purpose: ForeignPurpose, text: string): string => sha256(`${purpose}\n${text}`)

type TicketsParts = { tickets: TicketStore; clock: Clock; ids: Ids; random: Random; key: Buffer }

/**
 * Creates and checks tickets. `key` is for the hashes of short codes: without it, eight digits could be found in a
 * second.
 */
export function createTickets({ tickets, clock, ids, random, key }: TicketsParts) {
  const codeHash = (id: string, code: string): string => hmac(key, `${id}.${code}`)

  const make = (
    purpose: IssuedPurpose,
    { accountId = null, email = null, data = {}, binding }: NewTicket,
  ): TicketWithSecrets => {
    const id = ids('tkt')
    const { seconds, latestOnly } = kinds[purpose]
    const secret = secretToken(random)
    // 2^48 is so much larger than 10^8 that all digits are practically equally likely.
    const code =
      binding === undefined ? null : String(random(6).readUIntBE(0, 6) % 10 ** codeDigits).padStart(codeDigits, '0')
    const at = clock()
    return {
      secret,
      code,
      expiresIn: seconds,
      latestOnly,
      row: {
        id,
        purpose,
        secretHash: sha256(secret),
        codeHash: code === null ? null : codeHash(id, code),
        bindingHash: binding === undefined ? null : sha256(binding),
        accountId,
        email,
        data,
        attempts: 0,
        createdAt: at,
        expiresAt: secondsAfter(at, seconds),
        usedAt: null,
      },
    }
  }

  return {
    /** For a store verb that stores the ticket with its change. `issue` stores it alone. */
    make,
    async issue(purpose: IssuedPurpose, about: NewTicket): Promise<TicketWithSecrets> {
      const made = make(purpose, about)
      await tickets.issue(made.row)
      return made
    },
    /** Finds the ticket of a link while it is valid, without using it: mail scanners also follow links. */
    find: (purpose: TicketPurpose, secret: string): Promise<Ticket | undefined> =>
      tickets.find({ purpose, secretHash: sha256(secret) }, clock()),
    /** Finds the ticket of a binding before its code is checked, to know whose guess to count. */
    findBound: (purpose: TicketPurpose, binding: string): Promise<Ticket | undefined> =>
      tickets.find({ purpose, bindingHash: sha256(binding) }, clock()),
    /** Finds the ticket of a typed short code, where it was requested. Wrong codes are counted. */
    async findByCode(purpose: TicketPurpose, binding: string, typed: string): Promise<Ticket | undefined> {
      const found = await tickets.find({ purpose, bindingHash: sha256(binding) }, clock())
      if (!found?.codeHash) return undefined
      if ((await tickets.countAttempt(found.id)) > mostAttempts) return undefined
      return sameSecret(found.codeHash, codeHash(found.id, readTypedCode(typed))) ? found : undefined
    },
    /** Uses it: this can be made once. */
    using: ({ id }: Ticket): PreparedChange => tickets.using(id, clock()),
    /** Accepts what someone else issued: this can be made once until `expiresAt`. Only its hash is stored. */
    accepting(purpose: ForeignPurpose, text: string, expiresAt: Date): PreparedChange {
      const at = clock()
      const row = { id: ids('tkt'), purpose, secretHash: foreignHash(purpose, text), createdAt: at, usedAt: at }
      return tickets.spending({ ...row, ...aboutNobody, expiresAt })
    },
    /** Whether it was accepted before. */
    wasAccepted: (purpose: ForeignPurpose, text: string): Promise<boolean> =>
      tickets.isSpent(foreignHash(purpose, text)),
  }
}
export type Tickets = ReturnType<typeof createTickets>
