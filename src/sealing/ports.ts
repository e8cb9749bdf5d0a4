/** One sealed value and where it is stored. */
export type SealedValue = {
  readonly table: string
  readonly column: string
  readonly row: string
  /**
   * The place for which it was sealed. It is usually where the value is stored, but a token waiting for revocation
   * keeps the place of its grant.
   */
  readonly place: string
  readonly sealed: string
}

/** How many values there are in which tables; tables without any are left out. */
export type Tally = readonly { readonly table: string; readonly values: number }[]

export type RegisteredKey = {
  readonly id: string
  /** A text sealed with this key. Anyone who can open it has the same key, and not just one with the same name. */
  readonly proof: string
  readonly createdAt: Date
}

/** The state of the key ring in the store. */
export type Ledger = {
  readonly keys: readonly RegisteredKey[]
  /** The root secret, sealed. It outlives every key of the ring; `null` before the first start. */
  readonly root: string | null
}

/** What one must know before the ledger is changed. */
export type RingEvidence = {
  readonly ledger: Ledger
  /** Values still sealed with registered keys that are not in the ring. */
  readonly left: readonly { readonly key: string; readonly tally: Tally }[]
  /** For each unregistered key of the ring, one value of each column that is sealed under its name. */
  readonly samples: readonly SealedValue[]
  /** Before any key is registered: every signing key, whatever it is sealed with. */
  readonly signingKeys: readonly SealedValue[]
}

export type LedgerChange = {
  readonly register: readonly RegisteredKey[]
  readonly forget: readonly string[]
  /** Created once; absent if it exists already. */
  readonly root?: { readonly sealed: string; readonly createdAt: Date }
}

/** All sealed values, in all tables, and the keys they are sealed with. */
export interface SealedStore {
  ledger(): Promise<Ledger>
  /**
   * Reads every sealed value, in steps and without a lock: it takes seconds in a large database, and other nodes write
   * in the meantime. `ring` lists the names of the available keys.
   */
  evidence(ring: readonly string[]): Promise<RingEvidence>
  /**
   * Changes the ledger if it is still as `seen`, and returns the new one. Otherwise another node has changed it: then
   * nothing changes, and the result is `undefined`.
   */
  settle(seen: Ledger, change: LedgerChange): Promise<Ledger | undefined>
  /** How many values are sealed with any other key than this one. */
  otherThan(key: string): Promise<Tally>
  /** The next of these values in one table, after the given row, in the order of rows. Rows are never split. */
  next(table: string, key: string, after: string, rows: number): Promise<readonly SealedValue[]>
  /**
   * Replaces sealed values and returns how many. A value that changed since it was read is skipped: its writer has
   * sealed it.
   */
  replace(changes: readonly { readonly value: SealedValue; readonly fresh: string }[]): Promise<number>
}
