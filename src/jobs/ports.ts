/** One owner at a time for a named piece of work, across every node. */
export interface LeaseStore {
  /** Takes it until `until` if it is free, expired or already ours. */
  take(name: string, owner: string, until: Date, at: Date): Promise<boolean>
  release(name: string, owner: string): Promise<void>
}
