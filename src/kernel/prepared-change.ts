/**
 * A change that a store has prepared. Another change of the same store can include it, so that both take effect in one
 * transaction, or neither does. Nobody but the store knows what it consists of.
 */
export interface PreparedChange {
  /** Makes the change on its own. `false`, with nothing written, if what it belongs to no longer exists. */
  make(): Promise<boolean>
}
