import { type Clock, secondsAfter } from '../kernel/clock.ts'
import { hmac, sameSecret, sha256 } from '../kernel/crypto.ts'
import { type Ids, type Random, secretToken } from '../kernel/ids.ts'
import { readTypedCode } from '../kernel/typed-code.ts'
import type { Ticket, TicketPurpose, TicketStore, TicketToSend } from './ports.ts'

type Kind = {
  /** The lifetime. Tickets sent by mail live ten minutes at most where they let somebody in (ASVS 6.5.5). */
  readonly seconds: number
  /** A new one ends the older ones of the same account, or of the same email address where there is no account. */
  readonly latestOnly: boolean
}

/**
 * A new link ends the older ones where the newest one is always in the reader's mailbox, and does all the older ones
 * did. Not so for signing in: a code fits only the browser that asked for it, so anyone who knows the address could end
 * the code its owner is typing. There, using one ends the others (`endOthers` in `store/tickets.ts`).
 */
const kinds: Record<TicketPurpose, Kind> = {
  verify_email: { seconds: 86_400, latestOnly: true },
  change_email: { seconds: 3600, latestOnly: true },
  reset_password: { seconds: 1800, latestOnly: true },
  email_sign_in: { seconds: 600, latestOnly: false },
  passkey_registration: { seconds: 600, latestOnly: false },
  passkey_sign_in: { seconds: 600, latestOnly: false },
  passkey_second_factor: { seconds: 600, latestOnly: false },
}

/** A code is short enough to be guessed: it is worth nothing without its binding, and nothing after this many wrong ones. */
const mostAttempts = 5
const codeDigits = 8

export type NewTicket = {
  readonly accountId?: string | null
  readonly email?: string | null
  readonly data?: Ticket['data']
  /** With one, it can be brought back by a short code too, from where it was asked for. */
  readonly binding?: string
}
/** The row to write down, and what only its receiver is told. */
export type Made = TicketToSend & {
  readonly secret: string
  readonly code: string | null
  readonly expiresIn: number
}

type TicketsParts = { tickets: TicketStore; clock: Clock; ids: Ids; random: Random; key: Buffer }

/** Makes tickets, and takes them back. `key` keys the hashes of short codes: eight digits alone are found in a second. */
export function createTickets({ tickets, clock, ids, random, key }: TicketsParts) {
  const codeHash = (id: string, code: string): string => hmac(key, `${id}.${code}`)

  const make = (purpose: TicketPurpose, { accountId = null, email = null, data = {}, binding }: NewTicket): Made => {
    const id = ids('tkt')
    const { seconds, latestOnly } = kinds[purpose]
    const secret = secretToken(random)
    // 2^48 is so far above 10^8 that no digit is noticeably likelier than another.
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
    /** For a verb that writes it down with its change; `issue` does so by itself. */
    make,
    async issue(purpose: TicketPurpose, about: NewTicket): Promise<Made> {
      const made = make(purpose, about)
      await tickets.issue(made.row)
      return made
    },
    /** The ticket of a link, while it is good. Looking does not use it up: mail scanners follow links. */
    find: (purpose: TicketPurpose, secret: string): Promise<Ticket | undefined> =>
      tickets.find({ purpose, secretHash: sha256(secret) }, clock()),
    /** What is asked for in one place, before a code is looked at: whose it is, for counting the guess. */
    findBound: (purpose: TicketPurpose, binding: string): Promise<Ticket | undefined> =>
      tickets.find({ purpose, bindingHash: sha256(binding) }, clock()),
    /** The ticket of a short code, as it was typed where it was asked for. A wrong one counts against it. */
    async findByCode(purpose: TicketPurpose, binding: string, typed: string): Promise<Ticket | undefined> {
      const found = await tickets.find({ purpose, bindingHash: sha256(binding) }, clock())
      if (!found?.codeHash) return undefined
      if ((await tickets.countAttempt(found.id)) > mostAttempts) return undefined
      return sameSecret(found.codeHash, codeHash(found.id, readTypedCode(typed))) ? found : undefined
    },
    /** Takes it, once. */
    use: ({ id }: Ticket): Promise<boolean> => tickets.use(id, clock()),
  }
}
export type Tickets = ReturnType<typeof createTickets>
