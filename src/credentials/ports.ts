import type { Fact } from '../events/catalogue.ts'

/** What a ticket is good for, and for nothing else. */
export type TicketPurpose =
  | 'verify_email'
  | 'change_email'
  | 'reset_password'
  | 'email_sign_in'
  | 'passkey_registration'
  | 'passkey_sign_in'
  | 'passkey_second_factor'

/**
 * Something random that is sent out, to be brought back once: a link, a code, a challenge. Bound to what it proves, and
 * dead with any change of the account's credentials (`TicketStore.endAll`, within the change).
 */
export type Ticket = {
  readonly id: string
  readonly purpose: TicketPurpose
  /** SHA-256 of the long secret in the link. */
  readonly secretHash: string
  /** Of the short code, keyed with the ticket's id; whoever types it must also hold the binding. */
  readonly codeHash: string | null
  /** SHA-256 of the browser's cookie or the app's `flow_token`. */
  readonly bindingHash: string | null
  readonly accountId: string | null
  /** The address it was sent to, and so proves. */
  readonly email: string | null
  readonly data: Readonly<Record<string, unknown>>
  /** Wrong codes so far. */
  readonly attempts: number
  readonly createdAt: Date
  readonly expiresAt: Date
  readonly usedAt: Date | null
}

export interface TicketStore {
  issue(ticket: Ticket): Promise<void>
  /** Unused and unexpired at `at`. */
  find(
    match: { purpose: TicketPurpose } & ({ secretHash: string } | { bindingHash: string }),
    at: Date,
  ): Promise<Ticket | undefined>
  /** Counts one more wrong code; answers how many there are now. */
  countAttempt(id: string): Promise<number>
  /** Takes it, once. */
  use(id: string, at: Date): Promise<boolean>
  sweep(before: Date): Promise<number>
}

/** A counter of wrong guesses. */
export type Guesses = { readonly failures: number; readonly lastAt: Date; readonly blockedUntil: Date }
type CounterName = 'account' | 'device' | 'network'
export type GuessKey = { readonly key: string; readonly counter: CounterName }

/** Counters every node agrees on. */
export interface GuessStore {
  /**
   * Counts one guess on every key, or on none: `rule` answers a counter's next state, or the wait in milliseconds that
   * refuses it. Answers the longest wait, `null` when it was counted. Atomic, however many guess at once.
   */
  take(
    keys: readonly GuessKey[],
    rule: (counter: CounterName, known: Guesses | undefined) => Guesses | number,
  ): Promise<number | null>
  /** Changes those that are there. Atomic. */
  change(keys: readonly GuessKey[], rule: (counter: CounterName, known: Guesses) => Guesses): Promise<void>
  forget(key: string): Promise<void>
  /** Those last counted before. */
  sweep(before: Date): Promise<number>
}

/** What a back end proves itself with. Of its secrets only hashes are here. */
export type ServiceCredential = {
  readonly id: string
  /** What its operators call it. */
  readonly name: string
  readonly secretHash: string
  /** The one before, good until a moment. */
  readonly previousHash: string | null
  readonly previousUntil: Date | null
  readonly scopes: readonly string[]
  /** The administrator's account, while there is one. */
  readonly createdBy: string | null
  readonly createdAt: Date
  readonly lastUsedAt: Date | null
  readonly revokedAt: Date | null
}

export interface ServiceCredentialStore {
  create(credential: ServiceCredential, because: readonly Fact[]): Promise<void>
  /** Revoked ones are found too. */
  find(id: string): Promise<ServiceCredential | undefined>
  /** Those not revoked, newest first. */
  list(): Promise<readonly ServiceCredential[]>
  /** The secret so far is the previous one until `previousUntil`; `undefined` when it is revoked or not there. */
  rotate(
    id: string,
    secretHash: string,
    previousUntil: Date,
    because: readonly Fact[],
  ): Promise<ServiceCredential | undefined>
  /** `false` when it already was, or is not there. */
  revoke(id: string, at: Date, because: readonly Fact[]): Promise<boolean>
  /** Notes that it was used; never goes back. */
  touch(id: string, at: Date): Promise<void>
}
