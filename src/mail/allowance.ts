import type { Clock } from '../kernel/clock.ts'
import { sha256 } from '../kernel/crypto.ts'

/** How many messages of one kind an email address gets per hour. Further requests send none. */
const mostMessages = 5
export const hourSeconds = 3600

type AllowanceParts = {
  clock: Clock
  /** Adds one to the counter of a key, shared by all nodes. */
  hit: (key: string, windowMs: number, at: Date) => Promise<{ readonly hits: number }>
}

/** Whether one more message may be sent. Without a limit, anyone who knows an email address could flood its mailbox. */
export const createAllowance =
  ({ clock, hit }: AllowanceParts) =>
  async (kind: string, whose: string, most = mostMessages): Promise<boolean> =>
    (await hit(`mail:${kind}:${sha256(whose)}`, hourSeconds * 1000, clock())).hits <= most
export type Allowance = ReturnType<typeof createAllowance>
