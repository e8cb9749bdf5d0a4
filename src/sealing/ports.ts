/** One sealed value, wherever it lies. */
export type SealedValue = {
  readonly table: string
  readonly column: string
  readonly row: string
  /** Where it was sealed; mostly the same, but what is waiting to be withdrawn is as it lay in its grant. */
  readonly place: string
  readonly sealed: string
}

/** How many values of which tables; tables with none are left out. */
export type Tally = readonly { readonly table: string; readonly values: number }[]

export type RegisteredKey = {
  readonly id: string
  /** A word sealed with this key: whoever opens it has the same key, not merely one of the same name. */
  readonly proof: string
  readonly createdAt: Date
}

/** What a store knows of the ring. */
export type Ledger = {
  readonly keys: readonly RegisteredKey[]
  /** The secret that outlives every key of the ring, sealed; absent before the first start. */
  readonly root: string | null
}

/** What has to be looked at before the ledger is changed. */
export type Evidence = Ledger & {
  /** What is still sealed with registered keys that are not in the ring. */
  readonly left: readonly { readonly key: string; readonly tally: Tally }[]
  /** For each key of the ring that is not registered, one value of each column sealed with that name. */
  readonly samples: readonly SealedValue[]
  /** Before any key is registered: every signing key, whatever it is sealed with. */
  readonly signingKeys: readonly SealedValue[]
}

export type LedgerChange = {
  readonly register: readonly RegisteredKey[]
  readonly forget: readonly string[]
  /** Made once: absent when there is one already. */
  readonly root?: { readonly sealed: string; readonly createdAt: Date }
}

/** Everything sealed here, in whichever table, and the keys it is sealed with. */
export interface SealedStore {
  ledger(): Promise<Ledger>
  /**
   * Changes the ledger, by one node at a time. `decide` sees everything as it is in that moment, may be asked more than
   * once, and changes nothing by throwing. `ring` are the names of the keys at hand.
   */
  settle(ring: readonly string[], decide: (evidence: Evidence) => LedgerChange): Promise<Ledger>
  /** How many values are sealed with another key than this one. */
  otherThan(key: string): Promise<Tally>
  /** The next ones of them in one table, after this row, in the order of rows; rows are whole. */
  next(table: string, key: string, after: string, rows: number): Promise<readonly SealedValue[]>
  /**
   * Puts fresh envelopes in the place of old ones, and answers how many. One that is no longer as it was read is left
   * to whoever wrote it.
   */
  replace(changes: readonly { readonly value: SealedValue; readonly fresh: string }[]): Promise<number>
}
