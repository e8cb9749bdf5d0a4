import type { Clock } from '../kernel/clock.ts'
import { sha256 } from '../kernel/crypto.ts'

/** How many letters of one kind an address gets in an hour, however many are asked for. */
const mostLetters = 5
const hourMs = 3_600_000

type Parts = {
  clock: Clock
  /** Counts one more under a key, over every node. */
  hit: (key: string, windowMs: number, at: Date) => Promise<{ readonly hits: number }>
}

/** Whether one more letter may go: nobody's mailbox is to be filled by a stranger who knows its address. */
export const createAllowance =
  ({ clock, hit }: Parts) =>
  async (kind: string, emailKey: string): Promise<boolean> =>
    (await hit(`mail:${kind}:${sha256(emailKey)}`, hourMs, clock())).hits <= mostLetters
export type Allowance = ReturnType<typeof createAllowance>
