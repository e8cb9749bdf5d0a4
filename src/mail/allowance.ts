import type { Clock } from '../kernel/clock.ts'
import { sha256 } from '../kernel/crypto.ts'

/** How many letters of one kind an address gets in an hour, however many are asked for. */
const mostLetters = 5
export const hourSeconds = 3600

type AllowanceParts = {
  clock: Clock
  /** Counts one more under a key, over every node. */
  hit: (key: string, windowMs: number, at: Date) => Promise<{ readonly hits: number }>
}

/** Whether one more letter may go: nobody's mailbox is to be filled by a stranger who knows its address. */
export const createAllowance =
  ({ clock, hit }: AllowanceParts) =>
  async (kind: string, whose: string, most = mostLetters): Promise<boolean> =>
    (await hit(`mail:${kind}:${sha256(whose)}`, hourSeconds * 1000, clock())).hits <= most
export type Allowance = ReturnType<typeof createAllowance>
